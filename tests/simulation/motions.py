"""Closed-form articulated motion for tests, in float64."""

import numpy as np
from scipy.spatial.transform import Rotation


def articulated(times, segments=5, seed=0):
    """Random smooth motion: positions (T, S, 3) m, rotations (T, S, 3, 3).

    Each segment swings on its parent with up to 1.5 Hz, as limbs do.
    """
    rng = np.random.default_rng(seed)
    turn, place = Rotation.identity(len(times)), np.zeros((len(times), 3))
    positions, rotations = [], []
    for _ in range(segments):
        rate = 2 * np.pi * rng.uniform(0.2, 1.5, 3)
        angle = rate * times[:, None] + rng.uniform(0, 2 * np.pi, 3)
        place = place + turn.apply(rng.normal(scale=0.3, size=3))
        turn = turn * Rotation.from_rotvec(rng.uniform(0.1, 0.8, 3) * np.sin(angle))
        positions.append(place)
        rotations.append(turn.as_matrix())
    root = 0.2 * np.sin(2 * np.pi * 0.9 * times)[:, None] * rng.normal(size=3)
    return np.stack(positions, 1) + root[:, None], np.stack(rotations, 1)


def random_placements(count, segments, seed=0):
    """Segment indices in any order, offsets (P, 3) m and frames (P, 3, 3)."""
    rng = np.random.default_rng(seed)
    frame = Rotation.random(count, rng=rng).as_matrix()
    return rng.integers(0, segments, count), rng.normal(0, 0.1, (count, 3)), frame
