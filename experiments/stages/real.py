"""Do latents of real sensors lie where latents of their simulation lie?

Each sensor of a recording with motion (MVNX) is fitted to its segment; the reading that
the motion then predicts is its simulation. Both are cut into windows and encoded with
that one node visible.
"""

import warnings
from collections.abc import Iterator

import jax
import numpy as np

from anymo_jax.body.skeleton import XSENS
from anymo_jax.encoder import validation
from anymo_jax.encoder.model import STGCNEncoder
from anymo_jax.encoder.task import EncoderRecipe
from anymo_jax.geometry.derivative import Differentiation
from anymo_jax.geometry.resampling import resample
from anymo_jax.geometry.smoothing import smooth
from anymo_jax.motion import load_mvnx
from anymo_jax.motion.prepared import RATE_HZ, SHORTEST, WINDOW
from anymo_jax.simulation import fit_placement, predict_imu

BAND_HZ = 20.0


class RealCheck:
    """Cosine distance of real to simulated latents, over that to other windows."""

    def __init__(self, recipe: EncoderRecipe, files: str):
        """Reads comma-separated MVNX files with sensors; "" checks nothing.

        Raises:
          ValueError: for a file that cannot be read or has no sensors.
        """
        names = [name.strip() for name in files.split(",") if name.strip()]
        windows = [w for name in names for w in paired_windows(name)]
        self._recipe = recipe
        self._pairs = _stack(windows) if windows else None

    def __call__(self, encoder: dict) -> dict[str, float]:
        """By name: 0 is at its simulation, 1 no nearer than to others."""
        if self._pairs is None:
            return {}
        real, simulated, visible, length = self._pairs
        steps = self._recipe.encoder.latent_length(length)
        encode = jax.jit(STGCNEncoder(self._recipe.encoder).apply)
        embedded = [
            validation.window_embedding(
                encode(encoder, signal, visible, None, length), steps
            )
            for signal in (real, simulated)
        ]
        return {"real_distance": float(validation.relative_distance(*embedded))}


def paired_windows(path: str) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Segment, real and simulated signal (T, 6) at 60 Hz of each sensor's windows.

    Raises:
      ValueError: where the file has no sensors or is shorter than a window of a second.
    """
    recording = load_mvnx(path)
    motion, sensors = recording.motion, recording.sensors
    if sensors is None:
        raise ValueError(f"{path}: no sensors, so nothing to compare; leave it out")
    rate, how = motion.rate_hz, Differentiation("bandlimited", BAND_HZ)
    for index, segment in enumerate(sensors.segment):
        real = smooth(sensors.imu[:, index], rate, BAND_HZ)
        body = motion.position[:, segment], motion.rotation[:, segment]
        with warnings.catch_warnings():
            # An offset that the motion does not determine does not matter to it.
            warnings.simplefilter("ignore", UserWarning)
            fitted = fit_placement(real, *body, rate_hz=rate, differentiation=how)
        simulated = predict_imu(fitted, *body, rate_hz=rate, differentiation=how)
        pair = [resample(signal, rate, RATE_HZ) for signal in (real, simulated)]
        frames = len(pair[0])
        if frames < SHORTEST:
            raise ValueError(
                f"{path}: {frames / RATE_HZ:.1f} s is shorter than a window's second"
            )
        parts = max(1, frames // min(WINDOW, 2 * SHORTEST))
        for cut in np.array_split(np.arange(frames), parts):
            yield int(segment), pair[0][cut], pair[1][cut]


def _stack(windows):
    """Padded signals on the body graph: real, simulated, visible and length."""
    shape = (len(windows), WINDOW, len(XSENS), 6)
    real, simulated = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    visible = np.zeros((len(windows), len(XSENS)), bool)
    length = np.array([len(r) for _, r, _ in windows], np.int32)
    for i, (segment, measured, predicted) in enumerate(windows):
        real[i, : len(measured), segment] = measured
        simulated[i, : len(predicted), segment] = predicted
        visible[i, segment] = True
    return real, simulated, visible, length
