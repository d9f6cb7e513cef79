"""Procedural motion: parametric activities with captions, performed by random people.

`sample_clip(name, seed=...)` performs one activity as a `Recording`; `activity_names()`
lists what there is.

    figure, limbs, pose   a person's size, two-bone IK, poses in layers
    curves, arms, scores  movements over time; `stepping`, `footfalls`, `gait`: feet
    postures, scene, sway standing and sitting, tables and reach, a body that lives
    sides, clip           handedness; from a performance to a recording
    activities            what people do, a module a theme
    captions              how it is said

A module of `activities` defines `ACTIVITIES`, a tuple of `clip.Activity`, and is named
in `_MODULES` below. How to write one: `pose`'s docstring.
"""

import importlib
from collections.abc import Mapping
from types import MappingProxyType

from anymo_jax.motion.procedural.clip import Activity, perform
from anymo_jax.motion.recording import Recording

_MODULES = (
    *("resting", "transitions", "walking", "footwork", "running", "stairs"),
    *("leaping", "jumping", "machines", "exercise"),
    *(
        "leisure",
        "deskwork",
        "eating",
        "grooming",
        "cleaning",
        "household",
        "packing",
        "onthego",
    ),
    *("gestures", "ballgames", "sports"),
)


def _registry() -> Mapping[str, Activity]:
    registry: dict[str, Activity] = {}
    for module in _MODULES:
        found = importlib.import_module(f"{__name__}.activities.{module}")
        for activity in found.ACTIVITIES:
            if activity.name in registry:
                raise ValueError(f"two activities are named {activity.name!r}")
            registry[activity.name] = activity
    return MappingProxyType(registry)


ACTIVITIES = _registry()


def activity_names() -> tuple[str, ...]:
    """Names of all activities, in a fixed order."""
    return tuple(ACTIVITIES)


def sample_clip(
    name: str,
    *,
    seed: int,
    duration_s: float | None = None,
    rate_hz: float = 120.0,
) -> Recording:
    """One performance of an activity, determined by name, seed, duration and rate.

    Args:
      name: one of `activity_names()`.
      seed: non-negative; also chooses the physique, `seed % 200`.
      duration_s: length; None draws the activity's natural duration.
      rate_hz: sampling rate.
    """
    if name not in ACTIVITIES:
        known = ", ".join(ACTIVITIES)
        raise ValueError(f"no activity {name!r}; there are {known}")
    return perform(ACTIVITIES[name], seed=seed, duration_s=duration_s, rate_hz=rate_hz)
