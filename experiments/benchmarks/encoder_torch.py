"""The other side of the encoder's benchmark: the parity tests' PyTorch model."""

import numpy as np

from experiments.benchmarks import learning
from experiments.benchmarks.encoder import (
    FRAMES,
    LEARNING_RATE,
    PAPER,
    weights,
    windows,
)

TEMPERATURE = 0.1


def theirs(
    folder: str,
    batch: int,
    frames: int = FRAMES,
    width: int = PAPER,
    dtype: str = "float32",
    compiled: bool = False,
) -> dict:
    """A row's values for PyTorch, eager or through torch.compile."""
    import torch

    from tests.parity import stgcn_torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    channels = (*(width,) * 4, *(2 * width,) * 3, *(4 * width,) * 3)
    encoder = stgcn_torch.STGCNEncoder(channels)
    predictor = stgcn_torch.TemporalPredictor(4 * width)
    for part, module in (("encoder", encoder), ("predictor", predictor)):
        with np.load(weights(folder, part, width), allow_pickle=False) as found:
            state = {k: torch.from_numpy(found[k]) for k in found.files}
        # Counters of batches are not among the weights.
        module.load_state_dict(module.state_dict() | state)
        module.to(device)
    signal, visible = windows(batch, frames)
    signal = [torch.from_numpy(x).permute(0, 3, 1, 2)[..., None] for x in signal]
    signal = [x.contiguous().to(device) for x in signal]
    visible = [torch.from_numpy(x).to(device) for x in visible]
    learn = _objective(encoder, predictor, signal, visible)
    if compiled:
        learn = torch.compile(learn)
    params = [*encoder.parameters(), *predictor.parameters()]
    optimiser = torch.optim.AdamW(params, lr=LEARNING_RATE, weight_decay=0.0)
    half = torch.autocast(device, torch.bfloat16, enabled=dtype == "bfloat16")

    def one():
        optimiser.zero_grad(set_to_none=True)
        with half:
            loss = learn()
        loss.backward()
        optimiser.step()
        return loss.item()

    first = one()
    peak = torch.cuda.max_memory_allocated if device == "cuda" else lambda: None
    return learning.time_steps(one, peak) | {"examples": batch, "loss": first}


def _objective(encoder, predictor, signal, visible):
    """() -> the loss of Eq. 3 over both directions."""
    import torch
    from torch.nn import functional

    everything = torch.ones_like(visible[0])

    def contrast(predicted, target):
        rows, columns = (
            functional.normalize(z.float(), dim=-1).flatten(1)
            for z in (predicted, target)
        )
        score = rows @ columns.T / (predicted.shape[1] * TEMPERATURE)
        return functional.cross_entropy(
            score, torch.arange(len(score)).to(score.device)
        )

    def learn():
        with torch.no_grad():
            full = [encoder(x, everything) for x in signal]
        sparse = [encoder(x, seen) for x, seen in zip(signal, visible, strict=True)]
        a_to_b, b_to_a = predictor(torch.cat(sparse)).chunk(2)
        return contrast(a_to_b, full[1]) + contrast(b_to_a, full[0])

    return learn
