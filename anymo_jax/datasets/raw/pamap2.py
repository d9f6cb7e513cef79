"""PAMAP2: three IMUs during 12 daily and sports activities, 100 Hz (Reiss 2012)."""

import functools

from anymo_jax.datasets.raw.sensors import device, nodes_of
from anymo_jax.datasets.raw.tables import TableLayout, read_tables
from anymo_jax.datasets.recording import DatasetFacts, Protocol, Vocabulary

# Each IMU has 17 columns: temperature, accelerometer of +-16 g and of +-6 g,
# gyroscope, magnetometer, orientation (which the authors call invalid). The first
# accelerometer is read: the other one clips in running and rope jumping.
_SENSORS = (
    *device("dominant wrist", "R_Hand", force=4, rate=10),
    *device("chest", "T8", force=21, rate=27),
    *device("dominant ankle", "R_Foot", force=38, rate=44),
)
_IDS = (1, 2, 3, 4, 5, 6, 7, 12, 13, 16, 17, 24)
_LEFT_OUT = {
    0: "other (transient)",
    9: "watching TV",
    10: "computer work",
    11: "car driving",
    18: "folding laundry",
    19: "house cleaning",
    20: "playing soccer",
}
_LAYOUT = TableLayout(
    pattern=r"Protocol/subject(?P<subject>10[1-9])\.dat",
    sensors=_SENSORS,
    codes={code: i for i, code in enumerate(_IDS)} | dict.fromkeys(_LEFT_OUT, -1),
    rate_hz=100.0,
    label=1,
    time=0,
    separator=" ",
    width=54,
    needs="PAMAP2_Dataset/Protocol/subject101.dat to subject109.dat",
)

FACTS = DatasetFacts(
    name="pamap2",
    title="PAMAP2 Physical Activity Monitoring",
    licence="CC BY 4.0",
    citation="Reiss and Stricker, Introducing a new benchmarked dataset for activity "
    "monitoring, ISWC 2012; doi 10.24432/C5NW2H",
    homepage="https://archive.ics.uci.edu/dataset/231/pamap2+physical+activity+monitoring",
    needs="PAMAP2_Dataset.zip (about 650 MB), as it is or unpacked; no sign-in",
    vocabulary=Vocabulary(
        classes=(
            *("lying", "sitting", "standing", "walking", "running", "cycling"),
            *("nordic walking", "ascending stairs", "descending stairs"),
            *("vacuum cleaning", "ironing", "rope jumping"),
        ),
        own=(
            *("lying", "sitting", "standing", "walking", "running", "cycling"),
            *("Nordic walking", "ascending stairs", "descending stairs"),
            *("vacuum cleaning", "ironing", "rope jumping"),
        ),
        dropped=tuple(_LEFT_OUT.values()),
    ),
    protocol=Protocol(seconds=10.0, shortest=10.0),
    nodes=nodes_of(_SENSORS),
    rate_hz=100.0,
    flags=(
        "Wrist and ankle are those of the dominant side, on the right nodes as in the "
        "paper's Table 9; subject 108 is left-handed.",
        "No official split. The window length of the UniMTS bundle is not published: "
        "10 s here.",
    ),
    read=functools.partial(read_tables, layout=_LAYOUT),
)
