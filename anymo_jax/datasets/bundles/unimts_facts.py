"""What the columns of the UniMTS archive hold, dataset by dataset.

The archive says nothing of it; this is read off the authors' own loader
(github.com/xiyuanzh/UniMTS, data.py). Their 22 joints are turned to the paper's
segments: spine 1, 2, 3 are L5, L3, T8; elbow, wrist, knee, ankle are Forearm, Hand,
LowerLeg, Foot. For the ten datasets of the paper this gives the nodes of its Table 9.
"""

import dataclasses
import math

_G = 9.80665
_DEGREE = math.pi / 180


@dataclasses.dataclass(frozen=True)
class Device:
    """One device in the columns of an array.

    Attributes:
      site: where it is worn.
      node: segment that stands for it.
      force: first of three columns of the accelerometer.
      rate: first of three columns of the gyroscope, None where there is none.
      labels: classes, first to last plus one, in which it is worn; None is all.
    """

    site: str
    node: str
    force: int
    rate: int | None
    labels: tuple[int, int] | None = None


@dataclasses.dataclass(frozen=True)
class UnimtsFacts:
    """One dataset of the archive.

    Attributes:
      title: its name.
      rate_hz: native rate, at which the archive keeps it.
      classes: number of classes.
      devices: what the columns hold.
      force, rate: factors to m/s^2 and rad/s.
      force_offset: m/s^2 added after the factor.
      paper: key among the raw datasets, "" where the paper does not evaluate on it.
      flags: besides those of the whole archive.
    """

    title: str
    rate_hz: float
    classes: int
    devices: tuple[Device, ...]
    force: float = 1.0
    rate: float = 1.0
    force_offset: float = 0.0
    paper: str = ""
    flags: tuple[str, ...] = ()


def _devices(stride: int, *worn: tuple[str, str]) -> tuple[Device, ...]:
    """Devices one after the other, force first, every `stride` columns."""
    return tuple(
        Device(site, node, stride * i, stride * i + 3)
        for i, (site, node) in enumerate(worn)
    )


ARCHIVE = {
    "Opp_g": UnimtsFacts(
        "Opportunity (locomotion)",
        30,
        4,
        _devices(
            9,
            ("back", "L3"),
            ("right upper arm", "R_UpperArm"),
            ("right forearm", "R_Forearm"),
            ("left upper arm", "L_UpperArm"),
            ("left forearm", "L_Forearm"),
        ),
        force=_G / 1000,
        rate=0.001,
        paper="opportunity",
    ),
    "UCIHAR": UnimtsFacts(
        "UCI-HAR",
        50,
        6,
        # Columns 0 to 2 are the acceleration without gravity.
        (Device("waist", "L5", 6, 3),),
        force=_G,
        paper="uci_har",
        flags=("windows overlap by half",),
    ),
    "MotionSense": UnimtsFacts(
        "MotionSense",
        50,
        6,
        (Device("front trouser pocket", "R_UpperLeg", 0, 3),),
        force=_G,
        flags=("which pocket is not said: taken for the right",),
    ),
    "w-HAR": UnimtsFacts(
        "w-HAR",
        250,
        7,
        (Device("right ankle", "R_Foot", 0, 3),),
        force=_G,
        rate=_DEGREE,
        paper="w_har",
    ),
    "Shoaib": UnimtsFacts(
        "Shoaib",
        50,
        7,
        _devices(
            6,
            ("left pocket", "L_UpperLeg"),
            ("right pocket", "R_UpperLeg"),
            ("right wrist", "R_Hand"),
            ("right upper arm", "R_Forearm"),
            ("belt", "Pelvis"),
        ),
    ),
    "har70plus": UnimtsFacts(
        "HAR70+",
        50,
        7,
        (
            Device("lower back", "Pelvis", 0, None),
            Device("right thigh", "R_UpperLeg", 3, None),
        ),
        force=_G,
    ),
    "realworld": UnimtsFacts(
        "RealWorld",
        50,
        8,
        _devices(
            6,
            ("chest", "L_Shoulder"),
            ("forearm", "L_Forearm"),
            ("head", "Head"),
            ("shin", "L_Foot"),
            ("thigh", "L_UpperLeg"),
            ("upperarm", "L_UpperArm"),
            ("waist", "L5"),
        ),
        paper="realworld",
    ),
    "TNDA-HAR": UnimtsFacts(
        "TNDA-HAR",
        50,
        8,
        _devices(
            6,
            ("right arm", "R_Forearm"),
            ("left knee", "L_LowerLeg"),
            ("right wrist", "R_Hand"),
            ("left ankle", "L_Foot"),
            ("back", "T8"),
        ),
        paper="tnda_har",
    ),
    "PAMAP": UnimtsFacts(
        "PAMAP2",
        100,
        12,
        (
            Device("hand", "R_Hand", 0, 3),
            Device("chest", "T8", 18, 21),
            Device("ankle", "R_Foot", 9, 12),
        ),
        paper="pamap2",
    ),
    "USCHAD": UnimtsFacts(
        "USC-HAD",
        100,
        12,
        (Device("front right hip", "R_UpperLeg", 0, 3),),
        force=_G,
        rate=_DEGREE,
        paper="usc_had",
    ),
    "Mhealth": UnimtsFacts(
        "MHEALTH",
        50,
        12,
        (
            Device("chest", "T8", 0, None),
            Device("left ankle", "L_Foot", 6, 9),
            Device("right wrist", "R_Hand", 15, 18),
        ),
        rate=_DEGREE,
    ),
    "Harth": UnimtsFacts(
        "HARTH",
        50,
        12,
        (
            Device("lower back", "L5", 0, None),
            Device("right thigh", "R_LowerLeg", 3, None),
        ),
        force=_G,
        flags=("the archive's loader sets the thigh sensor on the knee, as done here",),
    ),
    "ut-complex": UnimtsFacts(
        "UT-Complex",
        50,
        13,
        _devices(6, ("right pocket", "R_UpperLeg"), ("right wrist", "R_Hand")),
    ),
    "Wharf": UnimtsFacts(
        "WHARF",
        32,
        14,
        (Device("right wrist", "R_Hand", 0, None),),
        # Six bits over +-1.5 g.
        force=2 * 14.709 / 63,
        force_offset=-14.709,
    ),
    "WISDM": UnimtsFacts(
        "WISDM 2019, watch",
        20,
        18,
        (Device("dominant wrist", "R_Hand", 0, 3),),
        paper="wisdm",
    ),
    "DSADS": UnimtsFacts(
        "DSADS",
        25,
        19,
        _devices(
            9,
            ("torso", "T8"),
            ("right wrist", "R_Hand"),
            ("left wrist", "L_Hand"),
            ("right knee", "R_LowerLeg"),
            ("left knee", "L_LowerLeg"),
        ),
        paper="dsads",
    ),
    "UTD-MHAD": UnimtsFacts(
        "UTD-MHAD",
        50,
        27,
        (
            Device("right wrist", "R_Hand", 0, 3, (0, 21)),
            Device("right thigh", "R_UpperLeg", 0, 3, (21, 27)),
        ),
        force=_G,
        rate=_DEGREE,
        paper="utd_mhad",
        flags=("the placement gives away the group of labels",),
    ),
    "MMAct": UnimtsFacts(
        "MMAct",
        50,
        35,
        (
            Device("right pocket", "R_UpperLeg", 0, 3),
            Device("right wrist", "R_Hand", 6, None),
        ),
    ),
}
