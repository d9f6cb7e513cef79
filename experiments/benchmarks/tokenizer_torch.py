"""The other side of the tokenizer's benchmark, in PyTorch.

The parity tests' model, but with the nearest code found in float32 by one matrix
product, and with the codebooks' moving averages and refresh.
"""

import pathlib

import numpy as np

from anymo_jax.tokenizer import TokenizerConfig
from experiments.benchmarks import learning
from experiments.benchmarks.tokenizer import LEARNING_RATE, STEPS, WEIGHTS, latents


def theirs(folder: str, batch: int, steps: int = STEPS, compiled: bool = False) -> dict:
    """A row's values for PyTorch, eager or through torch.compile."""
    import torch
    from torch.nn import functional

    from tests.parity import pqvae_torch

    config = TokenizerConfig()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    vae = pqvae_torch.MotionPQVAE(config)
    with np.load(pathlib.Path(folder) / WEIGHTS, allow_pickle=False) as found:
        state = {name: torch.from_numpy(found[name]) for name in found.files}
    vae.load_state_dict(state)
    vae.to(device)
    latent = torch.from_numpy(latents(batch, steps)).to(device)
    optimiser = torch.optim.AdamW(vae.parameters(), LEARNING_RATE, weight_decay=0.0)

    def learn():
        projected = vae.pre_quant(latent)
        vectors, codes = _nearest(vae.quantizer, projected)
        decoded = vae.decoder(projected + (vectors - projected).detach())
        commitment = config.codebooks * functional.mse_loss(projected, vectors)
        loss = functional.smooth_l1_loss(decoded, latent)
        return projected.detach(), codes, loss + config.commitment * commitment

    forward = torch.compile(learn) if compiled else learn

    def one():
        optimiser.zero_grad(set_to_none=True)
        chunks, codes, loss = forward()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            _follow(vae.quantizer, chunks, codes, config)
        return loss.item()

    first = one()
    peak = torch.cuda.max_memory_allocated if device == "cuda" else lambda: None
    return learning.time_steps(one, peak) | {"examples": batch, "loss": first}


def _nearest(quantizer, x):
    import torch

    parts, codes = [], []
    for chunk, embedding in zip(
        x.chunk(len(quantizer.embedding), dim=-1), quantizer.embedding, strict=True
    ):
        half = embedding.square().sum(-1) / 2
        code = (half - chunk.detach() @ embedding.T).argmin(-1)
        parts.append(embedding[code])
        codes.append(code)
    return torch.cat(parts, -1), torch.stack(codes, -1)


def _follow(quantizer, chunks, codes, config) -> None:
    """Moving averages, then codes below a share of the mean size become chunks."""
    import torch

    groups = len(quantizer.embedding)
    parts = chunks.reshape(-1, groups, config.code_width).unbind(1)
    for g, (chunk, code) in enumerate(
        zip(parts, codes.reshape(-1, groups).unbind(1), strict=True)
    ):
        size, total = quantizer.cluster_size[g], quantizer.embed_avg[g]
        chosen = torch.zeros_like(size).index_add_(
            0, code, torch.ones(len(code), device=code.device)
        )
        summed = torch.zeros_like(total).index_add_(0, code, chunk)
        size.lerp_(chosen, 1 - config.decay)
        total.lerp_(summed, 1 - config.decay)
        n = size.sum()
        smooth = (size + config.laplace) / (n + len(size) * config.laplace) * n
        mean = n / len(size)
        dead = (size < config.dead_below * mean)[:, None]
        drawn = chunk[torch.randint(len(chunk), (len(size),), device=chunk.device)]
        quantizer.embedding[g] = torch.where(dead, drawn, total / smooth[:, None])
        total.copy_(torch.where(dead, drawn, total))
        size.copy_(torch.where(dead[:, 0], mean.clamp(min=1), size))
