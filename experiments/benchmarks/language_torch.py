"""The other side of the language benchmark: transformers' Qwen2 in PyTorch.

Attention is PyTorch's scaled_dot_product_attention, AdamW its fused one.
"""

import functools
import pathlib

from experiments.benchmarks import learning
from experiments.benchmarks.language import (
    LEARNING_RATE,
    NEW_TOKENS,
    WEIGHTS,
    tokens,
)


def their_step(
    folder: str, batch: int, length: int, dtype: str, compiled: bool = False
) -> dict:
    """A row's values for transformers, eager or through torch.compile."""
    import torch

    model, rows = _model_and_rows(folder, batch, length, "float32")
    model.train()
    device = rows.device.type
    params = model.parameters()
    optimiser = torch.optim.AdamW(
        params, lr=LEARNING_RATE, weight_decay=0.0, fused=True
    )
    half = torch.autocast(device, torch.bfloat16, enabled=dtype == "bfloat16")

    def learn():
        return model(input_ids=rows, labels=rows, use_cache=False).loss

    forward = torch.compile(learn) if compiled else learn

    def one():
        optimiser.zero_grad(set_to_none=True)
        with half:
            loss = forward()
        loss.backward()
        optimiser.step()
        return loss.item()

    first = one()
    measured = learning.time_steps(one, _peak(device))
    return measured | {"examples": batch * length, "loss": first}


def their_text(
    folder: str, batch: int, length: int, dtype: str, cache: str = "dynamic"
) -> dict:
    """A text's values for transformers with a kind of cache."""
    import torch

    model, rows = _model_and_rows(folder, batch, length, dtype)
    model.eval()
    write = functools.partial(
        model.generate,
        rows,
        attention_mask=torch.ones_like(rows),
        max_new_tokens=NEW_TOKENS,
        do_sample=False,
        cache_implementation=cache,
        pad_token_id=0,
    )

    def one():
        # Copied to the host, so that it waits.
        with torch.inference_mode():
            return write()[:, length:].tolist()

    found = one()
    return learning.time_steps(one, _peak(rows.device.type)) | {"tokens": found}


def _model_and_rows(folder: str, batch: int, length: int, dtype: str):
    """The model in a dtype and the rows of tokens, where there is a GPU on it."""
    import torch
    import transformers

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = transformers.Qwen2ForCausalLM.from_pretrained(
        pathlib.Path(folder) / WEIGHTS,
        dtype=getattr(torch, dtype),
        attn_implementation="sdpa",
    )
    rows = torch.from_numpy(tokens(model.config.vocab_size, batch, length))
    return model.to(device), rows.long().to(device)


def _peak(device: str):
    import torch

    return torch.cuda.max_memory_allocated if device == "cuda" else lambda: None
