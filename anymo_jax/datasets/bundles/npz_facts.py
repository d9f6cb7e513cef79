"""What is known of some npz files beyond what they say themselves.

A file is recognised by its sites and classes, not by its name. Nodes and class names of
datasets that the paper evaluates on are those of its Table 9, where for instance the
wrist of array sets is the hand and the "leg" of DSADS is the knee.
"""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class NpzFacts:
    """Facts of one npz file.

    Attributes:
      name, title, licence, citation, homepage: of the dataset.
      nodes: segment of each of the file's sites.
      own: the file's classes.
      classes: what the paper calls them, in the paper's order, by the file's words;
        empty where the paper does not evaluate on it.
      flags: warnings that travel with the data.
    """

    name: str
    title: str
    licence: str
    citation: str
    homepage: str
    nodes: Mapping[str, str]
    own: tuple[str, ...]
    classes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    flags: tuple[str, ...] = ()


_DSADS = {
    "sitting": "sitting",
    "standing": "standing",
    "lying on back": "lying on back",
    "lying on right side": "lying on right side",
    "ascending stairs": "ascending stairs",
    "descending stairs": "descending stairs",
    "standing in an elevator still": "standing in an elevator still",
    "moving around in an elevator": "moving around in an elevator",
    "walking in a parking lot": "walking slowly",
    "walking on a treadmill with a speed of 4 km/h in flat position": (
        "walking on a treadmill in flat positions"
    ),
    "walking on a treadmill with a speed of 4 km/h in 15 deg inclined position": (
        "walking on a treadmill in inclined positions"
    ),
    "running on a treadmill with a speed of 8 km/h": "running on a treadmill fast",
    "exercising on a stepper": "exercising on a stepper",
    "exercising on a cross trainer": "exercising on a cross trainer",
    "cycling on an exercise bike in horizontal position": (
        "cycling on an exercise bike in horizontal positions"
    ),
    "cycling on an exercise bike in vertical position": (
        "cycling on an exercise bike in vertical positions"
    ),
    "rowing": "rowing",
    "jumping": "jumping",
    "playing basketball": "playing basketball",
}
_WISDM = {
    "walking": "walking",
    "jogging": "jogging",
    "stairs": "stairs",
    "sitting": "sitting",
    "standing": "standing",
    "typing": "typing",
    "brushing teeth": "brushing teeth",
    "eating soup": "eating soup",
    "eating chips": "eating chips",
    "eating pasta": "eating pasta",
    "drinking from cup": "drinking cup",
    "eating sandwich": "eating sandwich",
    "kicking soccer ball": "kicking ball",
    "playing catch with tennis ball": "playing ball",
    "dribbling basketball": "dribbling ball",
    "writing": "writing",
    "clapping": "clapping",
    "folding clothes": "folding clothes",
}
_OPENPACK = {
    "picking": "Picking",
    "relocate item label": "Relocate Item Label",
    "assemble box": "Assemble Box",
    "insert items": "Insert Items",
    "close box": "Close Box",
    "attach box label": "Attach Box Label",
    "scan label": "Scan Label",
    "attach shipping label": "Attach Shipping Label",
    "put on back table": "Put on Back Table",
    "fill out order": "Fill out Order",
}

KNOWN = (
    NpzFacts(
        name="dsads",
        title="DSADS, every fourth segment",
        licence="CC BY 4.0 (UCI Machine Learning Repository)",
        citation="Altun, Barshan, Tuncel, Pattern Recognition 43 (2010)",
        homepage="https://archive.ics.uci.edu/dataset/256",
        nodes={
            "torso": "T8",
            "right_arm": "R_Hand",
            "left_arm": "L_Hand",
            "right_leg": "R_LowerLeg",
            "left_leg": "L_LowerLeg",
        },
        own=tuple(_DSADS),
        classes=_DSADS,
        flags=("a test set: choose nothing on it",),
    ),
    NpzFacts(
        name="wisdm_watch",
        title="WISDM 2019, watch, 46 of 51 subjects",
        licence="CC BY 4.0 (UCI Machine Learning Repository)",
        citation="Weiss, Yoneda, Hayajneh, IEEE Access 7 (2019)",
        homepage="https://archive.ics.uci.edu/dataset/507",
        nodes={"dominant_wrist": "R_Hand"},
        own=tuple(_WISDM),
        classes=_WISDM,
        flags=(
            "a test set: choose nothing on it",
            "which wrist is dominant is not said: taken for the right, as in the paper",
        ),
    ),
    NpzFacts(
        name="openpack_sample",
        title="OpenPack, one session",
        licence="CC BY-NC-SA 4.0",
        citation="Yoshimura et al., IEEE PerCom (2024)",
        homepage="https://open-pack.github.io",
        nodes={
            "right_wrist": "R_Forearm",
            "left_wrist": "L_Forearm",
            "right_upper_arm": "R_UpperArm",
            "left_upper_arm": "L_UpperArm",
        },
        own=(
            "picking",
            "relocate item label",
            "assemble box",
            "insert items",
            "close box",
            "attach box label",
            "scan label",
            "fill out order",
            "attach shipping label",
            "put on back table",
        ),
        classes=_OPENPACK,
        flags=("one session of one person: a test of the format only",),
    ),
    NpzFacts(
        name="motionsense",
        title="MotionSense",
        licence="Open Data Commons Open Database License 1.0",
        citation="Malekzadeh et al., ACM/IEEE IoTDI (2019)",
        homepage="https://github.com/mmalekzadeh/motion-sense",
        nodes={"front_trouser_pocket": "R_UpperLeg"},
        own=(
            "walking downstairs",
            "walking upstairs",
            "walking",
            "jogging",
            "sitting",
            "standing",
        ),
        flags=("which pocket is not said: taken for the right",),
    ),
    NpzFacts(
        name="umafall",
        title="UMAFall",
        licence="CC BY 4.0",
        citation="Casilari, Santoyo-Ramon, Cano-Garcia, Procedia CS 110 (2017)",
        homepage="https://doi.org/10.6084/m9.figshare.4214283",
        nodes={
            "wrist": "R_Forearm",
            "ankle": "R_Foot",
            "waist": "L5",
            "chest": "T8",
            "right_pocket": "R_UpperLeg",
        },
        own=(
            "applauding",
            "bending",
            "going downstairs",
            "going upstairs",
            "raising hands",
            "hopping",
            "jogging",
            "lying down and getting up on a bed",
            "making a phone call",
            "opening a door",
            "sitting down and getting up on a chair",
            "walking",
            "backward fall",
            "forward fall",
            "lateral fall",
        ),
        flags=(
            "which wrist and ankle is not said: taken for the right",
            "each window holds the action and the stillness around it",
        ),
    ),
)


def recognise(sites: tuple[str, ...], classes: tuple[str, ...]) -> NpzFacts | None:
    """The known file with these sites and classes, in their order, if there is one."""
    for facts in KNOWN:
        if tuple(facts.nodes) == sites and facts.own == classes:
            return facts
    return None
