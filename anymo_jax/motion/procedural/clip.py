"""What an activity is, and how one performance of it becomes a `Recording`."""

import dataclasses
import zlib
from collections.abc import Callable, Mapping

import numpy as np

from anymo_jax.motion.procedural.figure import Figure, sample_figure
from anymo_jax.motion.procedural.limbs import about
from anymo_jax.motion.procedural.pose import Pose, solve
from anymo_jax.motion.recording import PROCEDURAL, Recording, SegmentMotion

BODY_PARTS = ("right_arm", "left_arm", "trunk", "head", "legs")
EVERYWHERE = BODY_PARTS
PHYSIQUES = 200

# (rng, figure, time (T,) s) -> the movement and the facts that its captions may name.
Generator = Callable[
    [np.random.Generator, Figure, np.ndarray], tuple[Pose, Mapping[str, str]]
]


@dataclasses.dataclass(frozen=True)
class Activity:
    """One kind of movement that the library can perform.

    Attributes:
      name: unique, a Python identifier.
      label: activity name as a recognition set would say it ("walking upstairs").
      group: "posture", "transition", "locomotion", "exercise", "hand", "gesture",
        "sport", "vehicle" ...
      captions: at least five wordings; {slots} are filled from the facts of the
        performance, so they are true of it.
      posture: wording for sensors that do not see the action; may hold slots.
      seen_by: the body parts, of `BODY_PARTS`, whose sensors see the action.
      generate: draws one performance; it faces +X, the heading is turned afterwards.
      duration_s: shortest and longest natural duration of a clip.
    """

    name: str
    label: str
    group: str
    captions: tuple[str, ...]
    posture: str
    seen_by: tuple[str, ...]
    generate: Generator
    duration_s: tuple[float, float] = (8.0, 14.0)

    def __post_init__(self) -> None:
        if len(set(self.captions)) < 5:
            raise ValueError(f"activity {self.name!r} needs five distinct captions")
        unknown = set(self.seen_by) - set(BODY_PARTS)
        if unknown or not self.seen_by:
            raise ValueError(
                f"activity {self.name!r}: seen_by must name some of {BODY_PARTS}"
            )


def whole_body(
    name: str,
    label: str,
    posture: str,
    generate: Generator,
    *,
    group: str,
    captions: Mapping[str, tuple[str, ...]],
) -> Activity:
    """An activity that sensors all over the body see."""
    return Activity(
        name=name,
        label=label,
        group=group,
        captions=captions[name],
        posture=posture,
        seen_by=EVERYWHERE,
        generate=generate,
    )


def perform(
    activity: Activity,
    *,
    seed: int,
    duration_s: float | None = None,
    rate_hz: float = 120.0,
) -> Recording:
    """One performance of an activity, a function of its name and the seed alone.

    Args:
      seed: non-negative; the physique is that of subject `seed % 200`.
      duration_s: length of the clip; None draws the activity's natural duration.
      rate_hz: sampling rate.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    rng = np.random.default_rng([seed, zlib.crc32(activity.name.encode())])
    natural = rng.uniform(*activity.duration_s)
    duration_s = natural if duration_s is None else duration_s
    count = round(duration_s * rate_hz)
    if count < 4:
        raise ValueError(f"{duration_s} s at {rate_hz} Hz is no clip; ask for longer")
    time = np.arange(count) / rate_hz
    subject = seed % PHYSIQUES
    figure = sample_figure(np.random.default_rng([subject, 0x66696775]))
    pose, facts = activity.generate(rng, figure, time)
    position, rotation = _headed(rng, *solve(pose))
    motion = SegmentMotion(position, rotation, np.ones(count, bool), float(rate_hz))
    facts = {name: str(value) for name, value in facts.items()}
    texts = _texts(rng, activity, facts)
    facts |= {
        "posture": activity.posture.format(**facts),
        "seen_by": facts.get("seen_by", ",".join(activity.seen_by)),
        "group": activity.group,
        "stature": f"{figure.stature:.3f} m",
        "sex": figure.sex,
    }
    return Recording(
        motion=motion,
        texts=texts,
        label=activity.label,
        subject=f"procedural-{subject}",
        source=f"{PROCEDURAL}{activity.name}",
        facts=facts,
    )


def _texts(
    rng: np.random.Generator, activity: Activity, facts: Mapping[str, str]
) -> tuple[str, ...]:
    """All wordings, slots filled; the first is drawn at random."""
    first = rng.integers(len(activity.captions))
    order = [first, *(i for i in range(len(activity.captions)) if i != first)]
    texts = (activity.captions[i].format(**facts) for i in order)
    return tuple(dict.fromkeys(" ".join(text.split()) for text in texts))


def _headed(
    rng: np.random.Generator, position: np.ndarray, rotation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The whole performance turned to a random heading and set down elsewhere."""
    turn = about("z", rng.uniform(-np.pi, np.pi), 1)[0]
    shift = np.append(rng.uniform(-2, 2, 2), 0.0)
    return position @ turn.T + shift, turn @ rotation
