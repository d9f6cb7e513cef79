"""The order of windows in which opposites meet in one batch, as hard negatives.

`directions.direction_pairs` tells which texts or labels are opposites.
"""

import collections
import functools

import numpy as np
from jaxtyping import Int


class HardNegativeOrder:
    """Endless batches of window indices, a share of each in pairs of opposites.

    Batch k is a function of the seed and of k alone, so that a run resumes anywhere.
    Each epoch has every window once at most and drops what does not fill a batch. Where
    there are too few pairs for the share, they are spread evenly.
    """

    def __init__(
        self,
        group: Int[np.ndarray, "W"],
        pairs: Int[np.ndarray, "P 2"],
        batch_size: int,
        *,
        share: float = 0.25,
        seed: int = 0,
    ):
        """Sets up the order; nothing is drawn yet.

        Args:
          group: (W,) group of each window: the id of its text or of its label.
          pairs: (P, 2) groups that are opposites, as `direction_pairs` gives them.
          batch_size: B.
          share: of a batch that comes in pairs, 0 to 1.
          seed: of the order.

        Raises:
          ValueError: for a share outside 0 to 1, or fewer windows than a batch.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"share = {share:g} is a share of the batch: give 0 to 1")
        if not 1 <= batch_size <= len(group):
            raise ValueError(
                f"batch_size = {batch_size} does not fit {len(group)} windows; give 1 "
                "up to their number"
            )
        self._group, self._pairs = np.asarray(group), np.asarray(pairs)
        self._size, self._seed = batch_size, seed
        self._couples = int(share * batch_size / 2)
        self.batches_per_epoch = len(group) // batch_size
        self._epoch = functools.lru_cache(maxsize=2)(self._draw)

    def batch(self, number: int) -> Int[np.ndarray, "B"]:
        """Windows of a batch, counted from 0 over all epochs."""
        epoch, inside = divmod(number, self.batches_per_epoch)
        return self._epoch(epoch)[inside]

    def _draw(self, epoch: int) -> Int[np.ndarray, "batches B"]:
        """All batches of an epoch."""
        rng = np.random.default_rng([self._seed, epoch])
        batches = self.batches_per_epoch
        couples = self._couple(rng)[: batches * self._couples]
        rest = rng.permutation(len(self._group))
        rest = iter(rest[~np.isin(rest, couples)].tolist())
        rows = [[] for _ in range(batches)]
        for index, couple in enumerate(couples.tolist()):
            rows[index % batches] += couple
        for row in rows:
            row += [next(rest) for _ in range(self._size - len(row))]
        return np.stack([rng.permutation(row) for row in rows]).astype(np.int64)

    def _couple(self, rng: np.random.Generator) -> Int[np.ndarray, "C 2"]:
        """As many disjoint couples of opposite windows as there are, in any order."""
        waiting = collections.defaultdict(list)
        for window in rng.permutation(len(self._group)).tolist():
            waiting[self._group[window]].append(window)
        couples = []
        for one, other in rng.permutation(self._pairs).tolist():
            while waiting[one] and waiting[other]:
                couples.append((waiting[one].pop(), waiting[other].pop()))
        return rng.permutation(np.array(couples, np.int64).reshape(-1, 2))
