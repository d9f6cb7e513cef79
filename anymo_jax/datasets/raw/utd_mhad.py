"""UTD-MHAD: one IMU at wrist or thigh in 27 short actions, 50 Hz (Chen et al. 2015)."""

import functools
from collections.abc import Mapping

from anymo_jax.datasets.raw.matfiles import MatLayout, read_mat_files
from anymo_jax.datasets.raw.sensors import Sensor, device, nodes_of
from anymo_jax.datasets.recording import DatasetFacts, Protocol, Vocabulary

_WRIST, _THIGH = (
    device(site, segment, force=0, rate=3, force_unit="g", rate_unit="deg/s")
    for site, segment in (("right wrist", "R_Hand"), ("right thigh", "R_UpperLeg"))
)
# Actions of the arms; the rest are of the legs.
_LAST_AT_WRIST = 21


def _sensors(groups: Mapping[str, str]) -> tuple[Sensor, ...]:
    return _WRIST if int(groups["label"]) <= _LAST_AT_WRIST else _THIGH


def _split(groups: Mapping[str, str]) -> str:
    """The customary one: odd subjects train, even ones test."""
    return "train" if int(groups["subject"]) % 2 else "test"


_LAYOUT = MatLayout(
    pattern=r"a(?P<label>\d+)_s(?P<subject>\d)_t(?P<trial>\d)_inertial\.mat",
    field="d_iner",
    sensors=_sensors,
    width=6,
    codes={i + 1: i for i in range(27)},
    rate_hz=50.0,
    split=_split,
    needs="Inertial/a1_s1_t1_inertial.mat to a27_s8_t4_inertial.mat",
)
_CLASSES = (
    *("right arm swipe to the left", "right arm swipe to the right"),
    *("right hand wave", "two hand front clap", "right arm throw"),
    *("cross arms in the chest", "basketball shoot", "right hand draw x"),
    "right hand draw circle (clockwise)",
    "right hand draw circle (counter clockwise)",
    *("draw triangle", "bowling (right hand)", "front boxing"),
    *("baseball swing from right", "tennis right hand forehand swing"),
    *("arm curl (two arms)", "tennis serve", "two hand push"),
    *("right hand knock on door", "right hand catch an object"),
    *("right hand pick up and throw", "jogging in place", "walking in place"),
    *("sit to stand", "stand to sit", "forward lunge (left foot forward)"),
    "squat (two arms stretch out)",
)

FACTS = DatasetFacts(
    name="utd_mhad",
    title="UTD Multimodal Human Action Dataset",
    licence="free for research, cite the paper",
    citation="Chen, Jafari and Kehtarnavaz, UTD-MHAD: a multimodal dataset for human "
    "action recognition utilizing a depth camera and a wearable inertial sensor, ICIP "
    "2015",
    homepage="https://personal.utdallas.edu/~kehtar/UTD-MHAD.html",
    needs="Inertial.zip, as it is or unpacked; no sign-in",
    vocabulary=Vocabulary(classes=_CLASSES, own=_CLASSES),
    protocol=Protocol(seconds=None, shortest=1.0),
    nodes=nodes_of((*_WRIST, *_THIGH)),
    rate_hz=50.0,
    flags=(
        "LEAK: the sensor is at the wrist in actions 1 to 21 and at the thigh in 22 to "
        "27, so that its place gives the group of the label away.",
        "The split is the customary one, odd subjects train, even ones test.",
    ),
    read=functools.partial(read_mat_files, layout=_LAYOUT),
)
