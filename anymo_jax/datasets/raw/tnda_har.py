"""TNDA-HAR: five IMUs during eight activities, 50 Hz (Yan et al. 2021).

The layout is that of third parties who parse the same files: order of units, ids of
activities, rate and units stand in no document of the authors.
"""

from collections.abc import Iterator
from pathlib import Path

from anymo_jax.datasets.raw.doubts import liveliness, noted
from anymo_jax.datasets.raw.sensors import device, nodes_of
from anymo_jax.datasets.raw.tables import PERHAPS, TableLayout, read_tables
from anymo_jax.datasets.recording import (
    DatasetFacts,
    Protocol,
    Vocabulary,
    WearableRecording,
)

# Each unit has 9 columns: accelerometer, gyroscope, magnetometer.
_SENSORS = (
    *device("right arm", "R_Forearm", force=0, rate=3),
    *device("left knee", "L_LowerLeg", force=9, rate=12),
    *device("right wrist", "R_Hand", force=18, rate=21),
    *device("left ankle", "L_Foot", force=27, rate=30),
    *device("back", "T8", force=36, rate=39),
)
_CLASSES = (
    *("sitting", "standing", "lying down", "ascending stairs", "descending stairs"),
    *("riding", "walking", "jogging"),
)
_STILL, _MOVING = _CLASSES[:3], _CLASSES[6:]
_LAYOUT = TableLayout(
    pattern=r"subject[ _-]?(?P<subject>\d+)\.csv",
    sensors=_SENSORS,
    codes={i + 1: i for i in range(8)},
    rate_hz=50.0,
    label=45,
    header=PERHAPS,
    width=46,
    needs="Subject01.csv and the others",
)


def _read(root: Path) -> Iterator[WearableRecording]:
    """The ids of activities are doubtful: still ones must be still."""
    for recording in read_tables(root, _LAYOUT):
        spread = liveliness([recording], _CLASSES)
        yield noted(recording, _judged(spread))


def _judged(spread: dict[str, float]) -> str:
    still = [spread[name] for name in _STILL if name in spread]
    moving = [spread[name] for name in _MOVING if name in spread]
    if not still or not moving:
        return "ids of activities (in doubt): not checked, one kind is missing"
    if max(still) < min(moving):
        return "ids of activities (in doubt): as expected, still ones are still"
    told = ", ".join(f"{name} {value:.1f}" for name, value in spread.items())
    return (
        "ids of activities (in doubt): NOT as expected; standard deviation of the "
        f"force in m/s^2: {told}"
    )


FACTS = DatasetFacts(
    name="tnda_har",
    title="TNDA-HAR",
    licence="IEEE DataPort terms of the record (open access)",
    citation="Yan et al., TNDA-HAR, IEEE DataPort 2021; doi 10.21227/4epb-pg26",
    homepage="https://ieee-dataport.org/open-access/tnda-har-0",
    needs="the CSV of each subject (Subject01.csv ...); a free IEEE sign-in",
    vocabulary=Vocabulary(
        classes=_CLASSES,
        own=(
            *("sitting", "standing", "lying", "going upstairs", "going downstairs"),
            *("cycling", "walking", "running"),
        ),
    ),
    protocol=Protocol(seconds=10.0, shortest=10.0),
    nodes=nodes_of(_SENSORS),
    rate_hz=50.0,
    flags=(
        "Order of units, ids of activities, rate and units come from third parties; "
        "the notes say what a check of the ids found.",
        "No official split. Third parties count up to 50 subjects, the authors 23.",
    ),
    read=_read,
)
