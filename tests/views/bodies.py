"""Windows and bodies for tests: closed-form motion, a few candidates a segment."""

import numpy as np
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS
from anymo_jax.simulation.noise_priors import load_priors
from anymo_jax.views import body_tables
from tests.simulation.motions import articulated

NODES = len(XSENS)
PADDED = 304
PRIORS = load_priors()


def candidates(seed=0):
    """Segments with one to four candidates, unlike on left and right; their frames."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 5, NODES)
    counts[XSENS.index("R_Foot")], counts[XSENS.index("L_Foot")] = 1, 4
    segment = np.repeat(np.arange(NODES), counts)
    frame = Rotation.random(len(segment), rng=rng).as_matrix().astype(np.float32)
    offset = rng.normal(0, 0.1, (len(segment), 3)).astype(np.float16)
    return segment, frame, offset


SEGMENT, FRAME, OFFSET = candidates()
BODY = body_tables(SEGMENT, FRAME)


def moving(times, seed=0):
    """Positions (T, 23, 3) m and rotations (T, 23, 3, 3) of smooth swings."""
    return articulated(times, segments=NODES, seed=seed)


def quaternions(rotation):
    """(T, 23, 4) wxyz, of the sign that SciPy happens to give."""
    flat = Rotation.from_matrix(rotation.reshape(-1, 3, 3)).as_quat(scalar_first=True)
    return flat.reshape(*rotation.shape[:2], 4)


def window(position, rotation, index=0, tempo=(0.8, 1.25)):
    """One example of a batch from frames that include two of context at either end."""
    quaternion = quaternions(rotation)
    length = len(position) - 4
    fill = [(0, PADDED - len(position)), (0, 0), (0, 0)]
    return {
        "position": np.pad(position, fill, mode="edge").astype(np.float32),
        "quaternion": np.pad(quaternion, fill, mode="edge").astype(np.float32),
        "offset": OFFSET,
        "length": np.int32(length),
        "window": np.int32(index),
        "text": np.int32(0),
        "tempo": np.array(tempo, np.float32),
    }


def moving_window(length=300, index=0, **more):
    """A window of smooth swings."""
    return window(*moving(np.arange(-2, length + 2) / 60, seed=index), index, **more)


def resting_window(length=300, index=0):
    """A window in which a posture is held."""
    position, rotation = moving(np.zeros(length + 4), seed=index)
    return window(position, rotation, index)


def batch(windows):
    """Windows side by side."""
    return {name: np.stack([w[name] for w in windows]) for name in windows[0]}
