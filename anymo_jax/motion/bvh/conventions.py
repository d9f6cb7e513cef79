"""What the joints of known BVH skeletons mean: tables of facts, no computation.

Each table was held against recordings that exist in a second conversion with rotations
relative to T-pose (see tests/motion/test_bvh.py): all segments agree to 0.1 degrees.

The T-pose of a skeleton (facing forward, arms level to the side, legs straight down)
comes from one of two records:

* Its rest pose, where every rotation is zero, is anatomical already except that limbs
  point elsewhere: the CMU skeletons splay the legs by 20 degrees, the 3dsMax variant
  hangs the arms, the Daz figure bends elbows and knees. Then upper arms, forearms,
  thighs and shanks turn by the shortest way to their T-pose directions, and every other
  joint follows its parent. Palms come to face down and feet forward by themselves.
* Its rest pose is none (Bandai Namco: all bones along a local x axis). Then the table
  holds the rotation of each joint in T-pose.
"""

import dataclasses
from collections.abc import Iterable, Mapping

from anymo_jax.motion.retarget import SegmentRule, at, between

_SIDES = {"R": "Right", "L": "Left"}


@dataclasses.dataclass(frozen=True)
class Convention:
    """The facts of one family of BVH skeletons.

    Attributes:
      name: what messages and `Recording.facts` call it.
      segments: for each of the 23 segments, the joints that give it. A file belongs to
        the family if it has all joints named here; "X.end" is the end site of joint X.
      metres_per_unit: length unit of the file; None to take, of the usual units, the
        one that makes the body an adult.
      tpose_rotation: joint -> quaternion wxyz, global rotation of the joint in T-pose
        in the file's axes; empty where the rest pose leads to the T-pose (see above).
      lost_offsets: joint -> joint whose OFFSET it repeats. For bones that a converter
        dropped (a zero OFFSET where the original has a bone).
    """

    name: str
    segments: Mapping[str, SegmentRule]
    metres_per_unit: float | None
    tpose_rotation: Mapping[str, tuple[float, float, float, float]] = dataclasses.field(
        default_factory=dict
    )
    lost_offsets: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def joints(self) -> frozenset[str]:
        """Names of the joints that a file of this family has."""
        return frozenset().union(*(rule.joints for rule in self.segments.values()))


def _limbs(pattern: str, **joints: str) -> dict[str, SegmentRule]:
    """Rules of both sides: `pattern` places the side's word and the joint's."""
    return {
        f"{side}_{segment}": at(pattern.format(side=word, joint=joint))
        for side, word in _SIDES.items()
        for segment, joint in joints.items()
    }


# The CMU skeleton has two neck joints where Xsens has one segment: it begins at the
# lower one and turns with the upper one.
CMU_JOINTS = {
    "Pelvis": at("Hips"),
    "L5": at("LowerBack"),
    "L3": at("Spine"),
    "T12": between("Spine", "Spine1", 0.5),
    "T8": at("Spine1"),
    "Neck": at("Neck1", origin="Neck"),
    "Head": at("Head"),
    **_limbs(
        "{side}{joint}",
        Shoulder="Shoulder",
        UpperArm="Arm",
        Forearm="ForeArm",
        Hand="Hand",
        UpperLeg="UpLeg",
        LowerLeg="Leg",
        Foot="Foot",
        Toe="ToeBase",
    ),
}

# CMU's ASF files measure lengths in inches times 0.45, and both of its conversions
# with CMU's own bones keep that.
_CMU_UNIT = 0.0254 / 0.45

# CMU's skeleton has a thorax bone from Spine1 up to the neck and the clavicles, within
# 0.4 mm as long as the bone below it (0.1139 and 0.1136 m in dm_control's CMU humanoid,
# made from the same ASF files). Both conversions write zero there, as they do for every
# bone that branches; without it the body is 11 cm short and the neck, the clavicles
# and the T8 segment begin in one point.
CMU_MOTIONBUILDER = Convention(
    name="CMU, MotionBuilder-friendly (cgspeed)",
    segments=CMU_JOINTS,
    metres_per_unit=_CMU_UNIT,
    lost_offsets={
        "Neck": "Spine1",
        "LeftShoulder": "Spine1",
        "RightShoulder": "Spine1",
    },
)

CMU_3DSMAX = Convention(
    name="CMU, 3dsMax-friendly (cgspeed)",
    segments={
        "Pelvis": at("Hips"),
        "L5": at("lowerback"),
        "L3": at("Chest"),
        "T12": between("Chest", "Chest2", 0.5),
        "T8": at("Chest2"),
        "Neck": at("Neck", origin="lowerneck"),
        "Head": at("Head"),
        **_limbs(
            "{side}{joint}",
            Shoulder="Collar",
            UpperArm="Shoulder",
            Forearm="Elbow",
            Hand="Wrist",
            UpperLeg="Hip",
            LowerLeg="Knee",
            Foot="Ankle",
            Toe="Toe",
        ),
    },
    metres_per_unit=_CMU_UNIT,
    lost_offsets={
        "lowerneck": "Chest2",
        "LeftCollar": "Chest2",
        "RightCollar": "Chest2",
    },
)


def _daz_limbs(side: str, prefix: str) -> dict[str, SegmentRule]:
    joints = {
        "Shoulder": "Collar",
        "UpperArm": "Shldr",
        "Forearm": "ForeArm",
        "Hand": "Hand",
        "UpperLeg": "Thigh",
        "LowerLeg": "Shin",
        "Foot": "Foot",
    }
    rules = {f"{side}_{part}": at(prefix + joint) for part, joint in joints.items()}
    # The figure has no toe joint: the toes lie at the foot's end and turn with it.
    rules[f"{side}_Toe"] = at(f"{prefix}Foot", origin=f"{prefix}Foot.end")
    return rules


# Of the three segments between pelvis and T8 the figure moves one joint, of the two
# between T8 and head one: those between lie on the geodesic.
CMU_DAZ = Convention(
    name="CMU, Daz-friendly (cgspeed)",
    segments={
        "Pelvis": at("hip"),
        "L5": at("abdomen"),
        "L3": between("abdomen", "chest", 0.5),
        "T12": between("abdomen", "chest", 0.75),
        "T8": at("chest"),
        "Neck": between("neck", "head", 0.5, origin="neck"),
        "Head": at("head"),
        **_daz_limbs("R", "r"),
        **_daz_limbs("L", "l"),
    },
    metres_per_unit=0.01,
)


BANDAI = Convention(
    name="Bandai Namco Research Motiondataset",
    segments={
        "Pelvis": at("Hips"),
        "L5": at("Spine"),
        "L3": between("Spine", "Chest", 0.5),
        "T12": between("Spine", "Chest", 0.75),
        "T8": at("Chest"),
        "Neck": between("Neck", "Head", 0.5, origin="Neck"),
        "Head": at("Head"),
        **{
            f"{side}_{segment}": at(f"{joint}_{side}")
            for side in _SIDES
            for segment, joint in {
                "Shoulder": "Shoulder",
                "UpperArm": "UpperArm",
                "Forearm": "LowerArm",
                "Hand": "Hand",
                "UpperLeg": "UpperLeg",
                "LowerLeg": "LowerLeg",
                "Foot": "Foot",
                "Toe": "Toes",
            }.items()
        },
    },
    metres_per_unit=0.01,
    # Y up, facing +Z. Found from recordings; limbs are straight to 0.1 mm in it.
    tpose_rotation={
        "Hips": (0.71308, -0.00551, 0.00560, 0.70103),
        "UpperLeg_L": (0.70518, -0.05216, 0.05215, -0.70518),
        "LowerLeg_L": (0.70527, -0.05100, 0.05099, -0.70527),
        "Foot_L": (0.61630, -0.39022, -0.34473, -0.59082),
        "Toes_L": (0.56016, -0.47133, -0.42998, -0.52838),
        "UpperLeg_R": (0.06695, 0.70384, 0.70395, 0.06767),
        "LowerLeg_R": (0.06596, 0.70402, 0.70402, 0.06596),
        "Foot_R": (0.37816, 0.62143, 0.59172, -0.34741),
        "Toes_R": (0.47197, 0.55456, 0.52048, -0.44589),
        "Spine": (0.49389, 0.51375, 0.48702, 0.50492),
        "Chest": (0.49923, 0.50715, 0.49614, 0.49740),
        "Neck": (0.48148, 0.49910, 0.48464, 0.53310),
        "Head": (0.46282, 0.54594, 0.43186, 0.54885),
        "Shoulder_L": (0.98662, 0.00296, 0.16160, -0.02140),
        "UpperArm_L": (0.98676, 0.16219, 0.00000, 0.00000),
        "LowerArm_L": (0.94958, 0.31352, 0.00000, 0.00000),
        "Hand_L": (0.93217, 0.35736, -0.04755, -0.03314),
        "Shoulder_R": (0.00716, 0.98626, 0.06192, 0.15296),
        "UpperArm_R": (0.17862, -0.98392, 0.00001, 0.00000),
        "LowerArm_R": (0.29975, -0.95402, 0.00000, 0.00000),
        "Hand_R": (0.34346, -0.93888, -0.02216, -0.00719),
    },
)

XSENS_MVN = Convention(
    name="Xsens MVN BVH export",
    segments={
        "Pelvis": at("Hips"),
        "L5": at("Chest"),
        "L3": at("Chest2"),
        "T12": at("Chest3"),
        "T8": at("Chest4"),
        "Neck": at("Neck"),
        "Head": at("Head"),
        **_limbs(
            "{side}{joint}",
            Shoulder="Collar",
            UpperArm="Shoulder",
            Forearm="Elbow",
            Hand="Wrist",
            UpperLeg="Hip",
            LowerLeg="Knee",
            Foot="Ankle",
            Toe="Toe",
        ),
    },
    # MVN exports centimetres or, as in the recordings at hand, millimetres.
    metres_per_unit=None,
)

CONVENTIONS = (CMU_MOTIONBUILDER, CMU_3DSMAX, CMU_DAZ, BANDAI, XSENS_MVN)


def detect_convention(names: Iterable[str], path: str) -> Convention:
    """The one convention whose joints a file has.

    Raises:
      ValueError: none, or more than one; says which joints were found and what to do.
    """
    found = frozenset(names)
    fitting = [c for c in CONVENTIONS if c.joints <= found]
    if len(fitting) == 1:
        return fitting[0]
    remedy = "give load_bvh a Convention of your own (anymo_jax.motion.bvh.conventions)"
    if fitting:
        raise ValueError(
            f"{path}: the joints fit {' and '.join(c.name for c in fitting)}; {remedy}"
        )
    nearest = max(CONVENTIONS, key=lambda c: len(c.joints & found))
    raise ValueError(
        f"{path}: unknown skeleton with the joints {', '.join(sorted(found))}. Nearest "
        f"is {nearest.name}, which also has "
        f"{', '.join(sorted(nearest.joints - found))}; {remedy}"
    )
