"""Small downloads in the datasets' own raw layouts, with their documented quirks."""

import functools
import io
import pathlib
import zipfile

import numpy as np
from scipy.spatial.transform import Rotation

G = 9.80665
DEGREE = np.pi / 180


@functools.cache
def motion(seconds, rate_hz, seed=0, size=2.0):
    """(T, 6) force and angular rate of a device that rests a third, then turns.

    Force and rate belong together: gravity turns as the rate says. Not to be changed.
    """
    generator = np.random.default_rng(seed)
    count = round(seconds * rate_hz)
    time = np.arange(-1, count + 1) / rate_hz
    moving = np.clip(4 * (time / max(seconds, 1e-9) - 1 / 3), 0, 1)[:, None]
    phase = generator.uniform(0, 2 * np.pi, 3)
    tempo = 2 * np.pi * generator.uniform(0.4, 0.9, 3)
    angles = size / tempo * moving * np.sin(tempo * time[:, None] + phase)
    turned = Rotation.random(rng=generator) * Rotation.from_euler("ZYX", angles)
    rate = (turned[:-2].inv() * turned[2:]).as_rotvec() * rate_hz / 2
    force = turned[1:-1].inv().apply([0, 0, G])
    force += size * moving[1:-1] * generator.normal(size=(count, 3)) * 0.3
    return np.hstack([force, rate]) + generator.normal(size=(count, 6)) * 0.02


def to_text(columns, separator=",", form="%.6f"):
    """Rows of numbers as text."""
    text = io.StringIO()
    np.savetxt(text, columns, fmt=form, delimiter=separator)
    return text.getvalue()


def write(path, text):
    """A file and the folders it lies in."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(data)
    return path


def zipped(members):
    """Bytes of a zip of texts or bytes by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def stream_of(recording, site, kind):
    """The stream of a site."""
    (found,) = (s for s in recording.streams if (s.site, s.kind) == (site, kind))
    return found
