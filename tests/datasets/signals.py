"""Signals of a device that is turned and shaken as a worn one is, in SI units."""

import numpy as np
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets.recording import (
    FORCE,
    RATE,
    DatasetFacts,
    Protocol,
    Spans,
    Stream,
    Vocabulary,
    WearableRecording,
)

GRAVITY = 9.80665


def worn(seconds: float, rate_hz: float, seed: int = 0) -> np.ndarray:
    """(T, 6) of a device that rests, then is turned to and fro, then rests, ...

    Gravity turns exactly as the gyroscope says; besides there is a 2 Hz shake and
    white noise.
    """
    rng = np.random.default_rng(seed)
    # A fine grid, so that the angular rate is that of the orientation.
    fine = 10
    time = np.arange(round(seconds * rate_hz) * fine) / (rate_hz * fine)
    active = 0.5 - 0.5 * np.cos(2 * np.pi * time / 8)
    active = np.where(active > 0.25, active - 0.25, 0.0)
    phase = rng.uniform(0, 2 * np.pi, (3, 3))
    swing = [
        sum(
            np.sin(2 * np.pi * f * time + p)
            for f, p in zip((0.3, 0.5, 0.9), row, strict=True)
        )
        for row in phase
    ]
    vector = 0.6 * active[:, None] * np.stack(swing, axis=1)
    rotation = Rotation.from_rotvec(vector) * Rotation.from_rotvec(rng.normal(size=3))
    turned = (rotation[:-1].inv() * rotation[1:]).as_rotvec() * rate_hz * fine
    rate = np.concatenate([turned, turned[-1:]])
    force = rotation.inv().apply([0, 0, GRAVITY])
    force += 1.5 * active[:, None] * np.sin(2 * np.pi * 2 * time)[:, None] * [1, 0.5, 0]
    signal = np.concatenate([force, rate], axis=1)[::fine]
    signal += rng.normal(size=signal.shape) * ([0.03] * 3 + [0.01] * 3)
    return signal.astype(np.float32)


def facts(rate_hz=50.0, read=iter, **changes) -> DatasetFacts:
    """A dataset of one wrist with two classes."""
    told = dict(
        name="made",
        title="Made up",
        licence="CC0",
        citation="nobody",
        homepage="nowhere",
        needs="nothing",
        vocabulary=Vocabulary(("sit", "walk"), ("sitting", "walking")),
        protocol=Protocol(5.0, None, 1.0),
        nodes={"left wrist": XSENS.index("L_Forearm")},
        rate_hz=rate_hz,
        flags=("made up",),
        read=read,
    )
    return DatasetFacts(**told | changes)


def recording(
    seconds=60.0, rate_hz=50.0, seed=0, spans=None, signal=None, **changes
) -> WearableRecording:
    """A recording of the left wrist: sitting, then walking."""
    if signal is None:
        signal = worn(seconds, rate_hz, seed)
    time = np.arange(len(signal)) / rate_hz
    node = XSENS.index("L_Forearm")
    if spans is None:
        half = seconds / 2
        spans = Spans(
            np.array([0.0, half]), np.array([half, seconds]), np.array([0, 1])
        )
    streams = tuple(
        Stream("left wrist", node, kind, time, np.ascontiguousarray(part, np.float32))
        for kind, part in ((FORCE, signal[:, :3]), (RATE, signal[:, 3:]))
    )
    told = dict(
        streams=streams, spans=spans, subject="ann", split="test", source=f"made-{seed}"
    )
    return WearableRecording(**told | changes)
