"""Still postures, and the bases that hand activities are laid over."""

import dataclasses

import numpy as np

from anymo_jax.motion.procedural.figure import Figure
from anymo_jax.motion.procedural.limbs import ArmAngles, FootTrack, HandTrack, about
from anymo_jax.motion.procedural.pose import (
    Pose,
    bend,
    look,
    make_pose,
    orientation,
    with_hands,
)
from anymo_jax.motion.procedural.sway import alive


def planted_foot(
    figure: Figure, x: float, y: float, yaw: float = 0.0, knee_out: float = 0.0
) -> FootTrack:
    """A foot flat on the ground with its ankle above (x, y), turned left by `yaw`."""
    position = np.array([x, y, figure.ankle_height])
    return FootTrack(position, about("z", yaw, 1)[0], knee_out)


def relaxed_arms(rng: np.random.Generator) -> tuple[ArmAngles, ArmAngles]:
    """Right and left arm hanging, each a little its own way."""

    def arm() -> ArmAngles:
        return ArmAngles(
            flexion=rng.normal(0.02, 0.07),
            abduction=rng.uniform(0.05, 0.17),
            rotation=rng.normal(0.25, 0.15),
            elbow=rng.uniform(0.1, 0.45),
            pronation=rng.normal(0.3, 0.3),
            wrist_flexion=rng.normal(0.1, 0.12),
        )

    return arm(), arm()


def standing(
    rng: np.random.Generator,
    figure: Figure,
    time: np.ndarray,
    *,
    sway: float = 1.0,
    fidget: float = 1.0,
) -> Pose:
    """Upright stance at ease, facing +X, both feet planted, arms hanging.

    Args:
      sway, fidget: scales of `sway.alive`; 0 and 0 still breathe.
    """
    width = figure.half_stance * rng.uniform(0.7, 1.5)
    stagger, toe_out = rng.normal(0, 0.02), rng.uniform(0.05, 0.3)
    right = planted_foot(figure, stagger, -width, -toe_out, 0.3 * toe_out)
    left = planted_foot(figure, -stagger, width, toe_out, 0.3 * toe_out)
    drop = figure.leg * rng.uniform(0.003, 0.012)
    lean = rng.uniform(0.02, 0.05)
    place = np.array([lean, rng.normal(0, 0.02), figure.pelvis_height - drop])
    arms = relaxed_arms(rng)
    pose = make_pose(
        figure,
        time,
        pelvis_position=place,
        pelvis_rotation=orientation(len(time), pitch=rng.normal(0.07, 0.05)),
        right_leg=right,
        left_leg=left,
        right_arm=arms[0],
        left_arm=arms[1],
    )
    pose = bend(
        pose,
        flexion=rng.normal(-0.05, 0.06),
        lateral=rng.normal(0, 0.02),
        turn=rng.normal(0, 0.03),
    )
    pose = look(pose, flexion=rng.normal(0.05, 0.12), turn=rng.normal(0, 0.1))
    return alive(rng, pose, sway=sway, fidget=fidget)


def sitting(
    rng: np.random.Generator,
    figure: Figure,
    time: np.ndarray,
    *,
    lean: float | None = None,
    fidget: float = 1.0,
) -> Pose:
    """On a chair facing +X, feet flat, hands on the thighs; hips above x = y = 0.

    Args:
      lean: rad, trunk pitch from the vertical, positive forwards; None draws one
        between leaning back and a slight stoop.
      fidget: scale of small voluntary movements.
    """
    lean = rng.normal(-0.03, 0.12) if lean is None else lean
    seat = seated_hip_height(rng, figure)
    slump = rng.uniform(0.0, 0.5)
    pitch = lean - slump * 0.6
    pose = make_pose(
        figure,
        time,
        pelvis_position=np.array([0.0, 0.0, seat]),
        pelvis_rotation=orientation(len(time), pitch=pitch),
        **seated_legs(rng, figure),
    )
    pose = bend(pose, flexion=1.2 * slump * 0.6, lateral=rng.normal(0, 0.03))
    pose = look(pose, flexion=rng.normal(0.05, 0.12) - 0.5 * lean)
    pose = with_hands(pose, *hands_on_thighs(rng, figure))
    return alive(rng, pose, sway=0.25, fidget=fidget)


def seated_hip_height(rng: np.random.Generator, figure: Figure) -> float:
    """Height in m of the hip joints on a chair of about knee height."""
    popliteal = figure.ankle_height + figure.shank
    return popliteal * rng.uniform(0.98, 1.12)


def seated_legs(rng: np.random.Generator, figure: Figure) -> dict[str, FootTrack]:
    """Feet flat in front of a chair, knees bent 75 to 110 degrees."""
    forward = figure.thigh * rng.uniform(0.9, 1.15)
    apart = figure.half_stance * rng.uniform(0.9, 2.0)
    out = rng.uniform(0.0, 0.3)
    right = planted_foot(figure, forward + rng.normal(0, 0.03), -apart, -out)
    left = planted_foot(figure, forward + rng.normal(0, 0.03), apart, out)
    return {"right_leg": right, "left_leg": left}


def hands_on_thighs(
    rng: np.random.Generator, figure: Figure
) -> tuple[HandTrack, HandTrack]:
    """Both hands resting on the thighs of a sitting person, palms down."""
    tracks = []
    for sign in (-1.0, 1.0):
        along = figure.thigh * rng.uniform(0.35, 0.75)
        apart = figure.half_stance * rng.uniform(0.6, 1.7)
        position = np.array([along, sign * apart, 0.075 + rng.uniform(0, 0.02)])
        tracks.append(
            HandTrack(
                position,
                frame="pelvis",
                swivel=rng.normal(0.1, 0.15),
                pronation=rng.normal(0.9, 0.25),
                wrist_flexion=rng.normal(-0.15, 0.1),
            )
        )
    return tracks[0], tracks[1]


def bent_trunk(pose: Pose, flexion: float) -> Pose:
    """Tilts pelvis and trunk forwards together by `flexion` rad, half and half."""
    half = orientation(len(pose.time), pitch=0.5 * flexion)
    tilted = dataclasses.replace(pose, pelvis_rotation=pose.pelvis_rotation @ half)
    return bend(tilted, flexion=0.5 * flexion)
