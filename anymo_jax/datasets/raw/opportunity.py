"""Opportunity: five body-worn IMUs during breakfast, 30 Hz (Roggen et al. 2010)."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from anymo_jax.datasets.raw.doubts import with_rate_unit
from anymo_jax.datasets.raw.sensors import device, nodes_of
from anymo_jax.datasets.raw.tables import TableLayout, read_tables
from anymo_jax.datasets.recording import (
    DatasetFacts,
    Protocol,
    Vocabulary,
    WearableRecording,
)

# From these columns on, 13 of each IMU: accelerometer, gyroscope, magnetometer,
# quaternion. "column_names.txt" of the download counts them from one.
_SITES = {
    "back": ("L3", 37),
    "right upper arm": ("R_UpperArm", 50),
    "right lower arm": ("R_Forearm", 63),
    "left upper arm": ("L_UpperArm", 76),
    "left lower arm": ("L_Forearm", 89),
}
_SENSORS = tuple(
    sensor
    for site, (segment, first) in _SITES.items()
    for sensor in device(site, segment, first, first + 3, "mg")
)


def _split(groups: Mapping[str, str]) -> str:
    """The Opportunity challenge's: S4 was kept for its tasks with added noise."""
    if groups["subject"].upper() == "S4":
        return ""
    held_out = groups["subject"].upper() != "S1" and groups["run"] in ("4", "5")
    return "test" if held_out else "train"


_LAYOUT = TableLayout(
    pattern=r"(?P<subject>S[1-4])-(?:ADL(?P<run>[1-5])|Drill)\.dat",
    sensors=_SENSORS,
    codes={0: -1, 1: 0, 2: 1, 4: 2, 5: 3},
    rate_hz=30.0,
    label=243,
    time=0,
    time_unit=1e-3,
    separator=" ",
    width=250,
    split=_split,
    needs="S1-ADL1.dat to S4-Drill.dat of OpportunityUCIDataset/dataset",
)


def _read(root: Path) -> Iterator[WearableRecording]:
    """The documents leave the gyroscopes' unit open; 1000 is one rad/s as measured."""
    for recording in read_tables(root, _LAYOUT):
        yield with_rate_unit(recording, ("mrad/s", "deg/s", "rad/s"))


FACTS = DatasetFacts(
    name="opportunity",
    title="Opportunity Activity Recognition",
    licence="CC BY 4.0 (UCI)",
    citation="Roggen et al., Collecting complex activity datasets in highly rich "
    "networked sensor environments, INSS 2010; doi 10.24432/C5M027",
    homepage="https://archive.ics.uci.edu/dataset/226/opportunity+activity+recognition",
    needs="OpportunityUCIDataset.zip (about 300 MB), as it is or unpacked; no sign-in",
    vocabulary=Vocabulary(
        classes=("stand", "walk", "sit", "lie"),
        own=("Stand", "Walk", "Sit", "Lie"),
        dropped=("null",),
    ),
    protocol=Protocol(seconds=5.0, shortest=5.0),
    nodes=nodes_of(_SENSORS),
    rate_hz=30.0,
    flags=(
        "Locomotion labels only; the split is the challenge's (test: S2 and S3, ADL4 "
        "and ADL5), not that of the UniMTS bundle, which is not published.",
        "The window length of the UniMTS bundle is not published: 5 s here.",
    ),
    read=_read,
)
