"""Handedness: every hand activity is written once, for a right hand that acts.

`hand_activity` performs it with either hand: about nine people in ten are right-handed
(Papadatou-Pastou et al. 2020: 10.6 per cent left-handed).
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from anymo_jax.motion.procedural.clip import Activity, Generator
from anymo_jax.motion.procedural.figure import Figure
from anymo_jax.motion.procedural.limbs import (
    MIRROR,
    ArmAngles,
    LegAngles,
    mirrored,
)
from anymo_jax.motion.procedural.pose import Pose

LEFT_HANDED = 0.106
RIGHT, LEFT, BOTH = ("right_arm",), ("left_arm",), ("right_arm", "left_arm")


def hand_activity(
    name: str,
    label: str,
    captions: tuple[str, ...],
    generate: Generator,
    *,
    group: str = "hand",
    seen_by: tuple[str, ...] = BOTH,
    left: float = LEFT_HANDED,
    posture: str = "a person is {stance}",
    duration_s: tuple[float, float] = (8.0, 14.0),
) -> Activity:
    """An activity of the hands; `generate` is written for the right hand.

    Args:
      name, label, captions, group, posture, duration_s: as of `Activity`; captions may
        also name {hand} and {other}.
      seen_by: body parts that see it where the right hand acts.
      left: probability that the left hand acts instead.
    """
    return Activity(
        name=name,
        label=label,
        group=group,
        captions=captions,
        posture=posture,
        seen_by=seen_by,
        generate=handed(generate, seen_by, left),
        duration_s=duration_s,
    )


def swap_sides(pose: Pose) -> Pose:
    """The mirror image of a movement in the plane y = 0."""
    turn = np.array([-1.0, 1.0, -1.0])
    return dataclasses.replace(
        pose,
        pelvis_position=pose.pelvis_position * MIRROR,
        pelvis_rotation=mirrored(pose.pelvis_rotation),
        trunk=pose.trunk * turn,
        head=pose.head * turn,
        right_arm=_swapped(pose.left_arm),
        left_arm=_swapped(pose.right_arm),
        right_leg=_swapped(pose.left_leg),
        left_leg=_swapped(pose.right_leg),
        girdle=pose.girdle[:, ::-1],
    )


def _swapped(limb):
    """A limb of the other side: angles are the same, targets are mirrored."""
    if isinstance(limb, ArmAngles | LegAngles):
        return limb
    rotation = None if limb.rotation is None else mirrored(limb.rotation)
    return dataclasses.replace(
        limb, position=np.asarray(limb.position) * MIRROR, rotation=rotation
    )


def handed(generate: Generator, seen_by: tuple[str, ...], left: float = LEFT_HANDED):
    """A generator that performs a right-handed one with either hand.

    Adds the facts `hand` and `other`, and `seen_by`, with sides swapped where the hand
    is the left one. A performance that only some of `seen_by` see says so in a fact of
    that name.

    Args:
      generate: the right-handed performance.
      seen_by: body parts that see it, if the right hand acts.
      left: probability of the left hand.
    """

    def perform(
        rng: np.random.Generator, figure: Figure, time: np.ndarray
    ) -> tuple[Pose, Mapping[str, str]]:
        lefty = rng.random() < left
        pose, facts = generate(rng, figure, time)
        swap = {"right_arm": "left_arm", "left_arm": "right_arm"} if lefty else {}
        seen = facts["seen_by"].split(",") if "seen_by" in facts else seen_by
        sides = ("left", "right") if lefty else ("right", "left")
        facts = {
            **facts,
            "hand": sides[0],
            "other": sides[1],
            "seen_by": ",".join(swap.get(part, part) for part in seen),
        }
        return (swap_sides(pose) if lefty else pose), facts

    return perform


def tempo(rate_hz: float, slow: float, fast: float) -> dict[str, str]:
    """Facts of a rate: the adverb `pace` ("slowly" below `slow` ...) and `tempo_hz`."""
    pace = "at a steady pace"
    if rate_hz < slow:
        pace = "slowly"
    elif rate_hz > fast:
        pace = "quickly"
    return {"pace": pace, "tempo_hz": f"{rate_hz:.3f}"}
