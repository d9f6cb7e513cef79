"""Where the joints of a body of given stature lie: published segment proportions.

All numbers are fractions of stature. Sources, by the letters used below:
  [A] ANSUR II, US Army 2012 (Gordon et al., NATICK/TR-15/007): means of 4,082 men of
      1.756 m and 1,986 women of 1.628 m.
  [B] Bell, Pedersen & Brand 1990: a hip joint centre lies 14 per cent of the distance
      between the anterior superior iliac spines inside its spine.
  [C] Drillis & Contini 1966, as in Winter, "Biomechanics and Motor Control of Human
      Movement", 4th edition (2009), figure 4.1.
  [D] Dumas, Cheze & Verriest 2007: lengths between joint centres, men of 1.770 m and
      women of 1.610 m.
  [L] de Leva 1996: lengths between joint centres, men of 1.741 m, women of 1.735 m.
  [X] Xsens MVN's own body model, which defines the 23 segments (Roetenberg, Luinge &
      Slycke 2009); fractions of a calibrated subject of 1.725 m.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from anymo_jax.body.skeleton import XSENS


@dataclasses.dataclass(frozen=True)
class Proportions:
    """Lengths as fractions of stature; heights are above the soles.

    Attributes:
      ankle_height: ankle joint, at the lateral malleolus [A].
      knee_height: knee joint, at the lateral femoral epicondyle [A].
      hip_height: hip joint: stature less head and neck, torso and pelvis of [D]; [X]
        has 0.521, and the trochanter lies at 0.513 (men) and 0.519 (women) [A].
      hip_half_breadth: hip joint from the midline [B].
      lumbosacral_height: L5/S1 joint: hip height plus the pelvis of [D].
      cervical_height: C7/T1 joint: stature less head and neck of [D].
      spine_fractions: L4/L3, L1/T12 and T9/T8 between L5/S1 and C7/T1 [X].
      head_joint_rise: C1/head joint above C7/T1 [X].
      head_joint_advance: C1/head joint in front of C7/T1 [X].
      clavicle_half_breadth: Xsens' shoulder origin from the midline [X].
      shoulder_height: glenohumeral joint: acromial height [A] less 23 mm [L]; it also
        is the height of Xsens' shoulder origin.
      shoulder_half_breadth: glenohumeral joint: half the biacromial breadth less
        25 mm [A].
      upper_arm: shoulder to elbow [L].
      forearm: elbow to wrist [C]; women's by the ratio of radiale-stylion in [A].
      hand: wrist to fingertip [C]; women's by the ratio of hand lengths in [A].
      foot: heel to toe tip [A].
      heel_fraction: heel behind the ankle joint, of foot length; set by eye.
      ball_fraction: ball of the foot in front of the heel, of foot length [A].
      ball_height: ball of the foot above the sole [X].
    """

    ankle_height: float
    knee_height: float
    hip_height: float
    hip_half_breadth: float
    lumbosacral_height: float
    cervical_height: float
    shoulder_height: float
    shoulder_half_breadth: float
    upper_arm: float
    forearm: float
    hand: float
    foot: float
    spine_fractions: tuple[float, float, float] = (0.243, 0.464, 0.684)
    head_joint_rise: float = 0.054
    head_joint_advance: float = 0.012
    clavicle_half_breadth: float = 0.0187
    heel_fraction: float = 0.24
    ball_fraction: float = 0.74
    ball_height: float = 0.0087


_PROPORTIONS = {
    "male": Proportions(
        ankle_height=0.0415,
        knee_height=0.2800,
        hip_height=0.5203,
        hip_half_breadth=0.0490,
        lumbosacral_height=0.5734,
        cervical_height=0.8429,
        shoulder_height=0.8073,
        shoulder_half_breadth=0.1041,
        upper_arm=0.1618,
        forearm=0.1460,
        hand=0.1080,
        foot=0.1544,
    ),
    "female": Proportions(
        ankle_height=0.0385,
        knee_height=0.2861,
        hip_height=0.5154,
        hip_half_breadth=0.0520,
        lumbosacral_height=0.5819,
        cervical_height=0.8484,
        shoulder_height=0.8057,
        shoulder_half_breadth=0.0968,
        upper_arm=0.1586,
        forearm=0.1418,
        hand=0.1091,
        foot=0.1512,
    ),
}

# Where each segment's long axis ends: the origin of this segment.
CONTINUES = {
    "Pelvis": "L5",
    "L5": "L3",
    "L3": "T12",
    "T12": "T8",
    "T8": "Neck",
    "Neck": "Head",
    **{f"{side}_Shoulder": f"{side}_UpperArm" for side in "RL"},
    **{f"{side}_UpperArm": f"{side}_Forearm" for side in "RL"},
    **{f"{side}_Forearm": f"{side}_Hand" for side in "RL"},
    **{f"{side}_UpperLeg": f"{side}_LowerLeg" for side in "RL"},
    **{f"{side}_LowerLeg": f"{side}_Foot" for side in "RL"},
    **{f"{side}_Foot": f"{side}_Toe" for side in "RL"},
}


def proportions(sex: str) -> Proportions:
    """The published proportions of a "male" or a "female" body."""
    if sex not in _PROPORTIONS:
        raise ValueError(f"sex must be one of {sorted(_PROPORTIONS)}, got {sex!r}")
    return _PROPORTIONS[sex]


def rest_joints(
    stature_m: float = 1.75, sex: str = "male"
) -> Float[np.ndarray, "23 3"]:
    """Origins of the 23 segments in T-pose, in m.

    The body faces +X with its left at +Y and Z up, soles at z = 0, the pelvis (the
    midpoint of the hip joints) at x = y = 0, arms level, legs straight.

    Args:
      stature_m: body height in m, 0.5 to 2.5.
      sex: "male" or "female".
    """
    _check_stature(stature_m)
    p = proportions(sex)
    spine = _spine_heights(p)
    joints = {
        "Pelvis": (0.0, 0.0, p.hip_height),
        **{name: (0.0, 0.0, height) for name, height in spine.items()},
        "Head": (p.head_joint_advance, 0.0, p.cervical_height + p.head_joint_rise),
    }
    for side, sign in (("R", -1.0), ("L", 1.0)):
        for name, (x, y, z) in _side_joints(p).items():
            joints[f"{side}_{name}"] = (x, sign * y, z)
    return stature_m * np.array([joints[name] for name in XSENS.names])


def segment_ends(
    stature_m: float = 1.75, sex: str = "male"
) -> Float[np.ndarray, "23 3"]:
    """Far end of each segment's long axis in T-pose, in m, frame as `rest_joints`.

    The next joint along the limb, and for the last ones the top of the head, the
    fingertips and the tips of the toes.
    """
    joints = rest_joints(stature_m, sex)
    ends = joints.copy()
    for name, following in CONTINUES.items():
        ends[XSENS.index(name)] = joints[XSENS.index(following)]
    ends[XSENS.index("Head"), 2] = stature_m
    p = proportions(sex)
    for side, sign in (("R", -1.0), ("L", 1.0)):
        ends[XSENS.index(f"{side}_Hand"), 1] += sign * p.hand * stature_m
        toe = XSENS.index(f"{side}_Toe")
        ends[toe, 0] = (1 - p.heel_fraction) * p.foot * stature_m
    return ends


def segment_lengths(
    stature_m: float = 1.75, sex: str = "male"
) -> Float[np.ndarray, "23"]:
    """Length in m of each segment, from its origin to its end (`segment_ends`)."""
    offsets = segment_ends(stature_m, sex) - rest_joints(stature_m, sex)
    return np.linalg.norm(offsets, axis=1)


def _check_stature(stature_m: float) -> None:
    if not 0.5 <= stature_m <= 2.5:
        raise ValueError(f"stature_m must lie between 0.5 and 2.5 m, got {stature_m}")


def _spine_heights(p: Proportions) -> dict[str, float]:
    length = p.cervical_height - p.lumbosacral_height
    fractions = (0.0, *p.spine_fractions, 1.0)
    names = ("L5", "L3", "T12", "T8", "Neck")
    return {
        n: p.lumbosacral_height + f * length
        for n, f in zip(names, fractions, strict=True)
    }


def _side_joints(p: Proportions) -> dict[str, tuple[float, float, float]]:
    """Joints of one arm and one leg, as fractions of stature, on the left side."""
    shoulder, hip = p.shoulder_half_breadth, p.hip_half_breadth
    elbow = shoulder + p.upper_arm
    ball = (p.ball_fraction - p.heel_fraction) * p.foot
    return {
        "Shoulder": (0.0, p.clavicle_half_breadth, p.shoulder_height),
        "UpperArm": (0.0, shoulder, p.shoulder_height),
        "Forearm": (0.0, elbow, p.shoulder_height),
        "Hand": (0.0, elbow + p.forearm, p.shoulder_height),
        "UpperLeg": (0.0, hip, p.hip_height),
        "LowerLeg": (0.0, hip, p.knee_height),
        "Foot": (0.0, hip, p.ankle_height),
        "Toe": (ball, hip, p.ball_height),
    }
