"""USC-HAD: one MotionNode at the hip in 12 activities, 100 Hz (Zhang, Sawchuk 2012)."""

import functools

from anymo_jax.datasets.raw.matfiles import MatLayout, read_mat_files
from anymo_jax.datasets.raw.sensors import device, nodes_of
from anymo_jax.datasets.recording import DatasetFacts, Protocol, Vocabulary

_SENSORS = device(
    "front right hip", "R_UpperLeg", force=0, rate=3, force_unit="g", rate_unit="deg/s"
)
_LAYOUT = MatLayout(
    pattern=r"Subject(?P<subject>\d+)/a(?P<label>\d+)t(?P<trial>\d+)\.mat",
    field="sensor_readings",
    sensors=lambda groups: _SENSORS,
    width=6,
    codes={i + 1: i for i in range(12)},
    rate_hz=100.0,
    # The files of one subject misspell the name.
    activity=("activity_number", "activity_numbr"),
    needs="Subject1/a1t1.mat to Subject14/a12t5.mat",
)

FACTS = DatasetFacts(
    name="usc_had",
    title="USC Human Activity Dataset",
    licence="free for research, cite the paper",
    citation="Zhang and Sawchuk, USC-HAD: a daily activity dataset for ubiquitous "
    "activity recognition using wearable sensors, UbiComp 2012 workshops",
    homepage="https://sipi.usc.edu/had/",
    needs="USC-HAD.zip, as it is or unpacked; no sign-in",
    vocabulary=Vocabulary(
        classes=(
            *("walk forward", "walk left", "walk right", "walk upstairs"),
            *("walk downstairs", "run forward", "jump up", "sit", "stand", "sleep"),
            *("elevator up", "elevator down"),
        ),
        own=(
            *("Walking Forward", "Walking Left", "Walking Right", "Walking Upstairs"),
            *("Walking Downstairs", "Running Forward", "Jumping Up", "Sitting"),
            *("Standing", "Sleeping", "Elevator Up", "Elevator Down"),
        ),
    ),
    protocol=Protocol(seconds=5.0, shortest=5.0),
    nodes=nodes_of(_SENSORS),
    rate_hz=100.0,
    flags=(
        "No official split. The window length of the UniMTS bundle is not published: "
        "5 s here.",
    ),
    read=functools.partial(read_mat_files, layout=_LAYOUT),
)
