"""Delivery of examples by Grain: shuffled anew every epoch, batched, for ever.

The order is drawn over indices, before anything is loaded. Batch k is thus the same set
of examples in the same order for any number of processes, each of which loads its own
rows; and the position in the data is one number, the same in every process.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import grain
import jax
import numpy as np


@runtime_checkable
class Source(Protocol):
    """Random access to examples, each a pytree of numpy arrays of fixed shapes."""

    def __len__(self) -> int:
        """Number of examples."""
        ...

    def __getitem__(self, index: int) -> Any:
        """One example; called from several threads at once."""
        ...


@runtime_checkable
class DrawnSource(Protocol):
    """Examples of which a part is chosen anew every time, such as one of many texts."""

    def __len__(self) -> int:
        """Number of examples."""
        ...

    def draw(self, index: int, rng: np.random.Generator) -> Any:
        """One example, a function of its index and of what `rng` draws."""
        ...


@runtime_checkable
class Order(Protocol):
    """Which examples come together, where a shuffle will not do."""

    def batch(self, number: int) -> np.ndarray:
        """(B,) indices of a batch, counted from 0 without end; a pure function."""
        ...


class DataError(ValueError):
    """A source cannot fill a batch."""


@dataclasses.dataclass(frozen=True)
class Delivery:
    """How batches are loaded.

    Attributes:
      threads: that load batches side by side; 0 loads in the caller.
      ahead: batches that are kept ready.
    """

    threads: int = 4
    ahead: int = 4


def batches(
    sources: Source | DrawnSource | Sequence[Source | DrawnSource],
    batch_size: int,
    *,
    seed: int,
    weights: Sequence[float] | None = None,
    order: Order | None = None,
    delivery: Delivery | None = None,
    process: tuple[int, int] | None = None,
) -> grain.IterDataset:
    """Endless batches of this process's rows, each a pytree of stacked numpy arrays.

    Each epoch is its own permutation and drops what does not fill a batch, so that no
    batch holds an example twice. The iterator's `get_state` and `set_state` are exact:
    they count batches handed out, not those being loaded. What a source draws hangs on
    the seed and on the example's place in the endless order alone.

    Args:
      sources: one source, or several of one structure in a list or tuple.
      batch_size: B, examples of a batch over all processes.
      seed: of the order.
      weights: shares of the sources in every batch, on any positive scale, each then
        with epochs of its own; None shuffles all sources as one.
      order: of the examples of all sources in a row, in place of the shuffle and its
        weights.
      delivery: threads and prefetch; None for the defaults.
      process: (index, count); None asks JAX.

    Raises:
      DataError: where a batch does not divide over the processes, a source has fewer
        examples than its share of a batch, or there are weights beside an order.
    """
    if order is not None and weights is not None:
        raise DataError("an order says which examples come: leave the weights out")
    sources = sources if isinstance(sources, (list, tuple)) else [sources]
    index, count = process or (jax.process_index(), jax.process_count())
    if batch_size < 1 or batch_size % count:
        raise DataError(
            f"batch_size = {batch_size} does not divide over {count} processes; make "
            "it a multiple of their number"
        )
    sizes = [len(source) for source in sources]
    parts = _parts(sizes, batch_size, weights)
    rows = batch_size // count
    mine = slice(index * rows, (index + 1) * rows)
    ends = np.cumsum(sizes)
    readers = [_reader(source) for source in sources]

    def load(number, picks):
        owners = np.searchsorted(ends, picks, side="right")
        examples = []
        for row in range(batch_size)[mine]:
            owner = owners[row]
            inside = int(picks[row] - ends[owner] + sizes[owner])
            examples.append(readers[owner](inside, (seed, number, row)))
        return jax.tree.map(lambda *leaves: np.stack(leaves), *examples)

    delivery = delivery or Delivery()
    return (
        (_order(parts, seed) if order is None else _ordered(order))
        .map_with_index(load)
        .to_iter_dataset(
            grain.ReadOptions(
                num_threads=delivery.threads, prefetch_buffer_size=delivery.ahead
            )
        )
    )


def _reader(source):
    """(index, place in the order) -> example."""
    if isinstance(source, DrawnSource):
        return lambda index, place: source.draw(index, np.random.default_rng(place))
    return lambda index, place: source[index]


class _Part(NamedTuple):
    """Examples that are shuffled together, and how many of them each batch has."""

    start: int
    size: int
    quota: int


def _parts(sizes, batch_size, weights) -> list[_Part]:
    """All examples as one part, or each source as its own with a fixed quota."""
    if weights is None:
        parts = [_Part(0, sum(sizes), batch_size)]
    elif len(weights) != len(sizes) or min(weights) <= 0:
        raise DataError(
            f"weights {weights} do not fit {len(sizes)} sources: give one positive "
            "number each, and leave out what should not be used"
        )
    else:
        shares = np.cumsum(weights) / np.sum(weights) * batch_size
        quotas = np.diff(np.round(shares).astype(int), prepend=0).tolist()
        starts = (np.cumsum(sizes) - sizes).tolist()
        parts = [_Part(*part) for part in zip(starts, sizes, quotas, strict=True)]
    for part in parts:
        if part.size < part.quota or part.quota < 1:
            raise DataError(
                f"sources of {sizes} examples with weights {weights} cannot give "
                f"{part.quota} of {part.size} examples to a batch of {batch_size}; "
                "change the batch size or the weights, or give more data"
            )
    return parts


def _order(parts, seed) -> grain.MapDataset:
    """Endless batches of indices into all sources in a row, (B,) int."""
    # Grain shuffles epoch e by seed + e: neighbouring seeds would share their epochs.
    seeds = np.random.SeedSequence(seed).generate_state(len(parts))
    picks = [
        grain.MapDataset.range(part.start, part.start + part.size)
        .shuffle(seed=int(own))
        .batch(part.quota, drop_remainder=True)
        .repeat()
        for part, own in zip(parts, seeds, strict=True)
    ]
    # Mixed, so that every process gets of every source.
    rows = np.random.default_rng(seed).permutation(sum(part.quota for part in parts))
    return grain.experimental.ZipMapDataset(picks).map(
        lambda picked: np.concatenate(picked)[rows]
    )


def _ordered(order: Order) -> grain.MapDataset:
    # As long as a run can be: Grain counts elements in 64 bits.
    return grain.MapDataset.range(2**62).map(lambda number: order.batch(int(number)))
