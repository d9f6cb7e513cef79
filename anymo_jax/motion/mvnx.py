"""Xsens MVN XML (MVNX), versions 3 and 4: 23 segments and the IMUs they come from.

What the fields hold, from the MVN User Manual (MV0319, section on MVNX: superscript G
for the global frame, S for the sensor's, GB and GS for orientations): `orientation` and
`sensorOrientation` are quaternions wxyz, global from body; `position` metres, Z up.

* Version 3 has `sensorAcceleration` and `sensorAngularVelocity` in the sensor frame.
  That the first is specific force, gravity included, is not said there; turned to the
  global frame its mean over a recording is 9.8 m/s^2 up (tests/motion/test_mvnx.py).
* Version 4 has `sensorFreeAcceleration` instead, in the global frame, gravity removed;
  the specific force is R^T (a + 9.80665 up). It has no angular velocity of sensors:
  a sensor is rigid with its segment, whose `angularVelocity` is global.

Segment frames of MVN 4 files are not the T-pose frames of `body.skeleton` at the arms;
each file carries a T-pose record (a frame of type "tpose") to which they are turned.
"""

import dataclasses
import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion.glitch import find_valid
from anymo_jax.motion.recording import Recording, SegmentMotion, SensorStreams
from anymo_jax.motion.retarget import check_stature, hold_bone_lengths

_GRAVITY = 9.80665
# Values per segment or per sensor of the fields that are read.
_SEGMENT_FIELDS = {"orientation": 4, "position": 3, "angularVelocity": 3}
_SENSOR_FIELDS = {
    "sensorOrientation": 4,
    "sensorAcceleration": 3,
    "sensorFreeAcceleration": 3,
    "sensorAngularVelocity": 3,
}
# Quaternions turned to matrices at a time: bounds the memory of long recordings.
_CHUNK = 100_000


def load_mvnx(path: str | os.PathLike) -> Recording:
    """Read an MVNX file as a recording with its sensors' streams.

    The file is streamed and of each frame only what is needed is kept: positions as
    float64, all else as float32. Bones have the lengths of the T-pose record. Frames
    beside a gap in the file's frame count are marked invalid. A sensor that sits on no
    segment (a prop) is left out and named in `facts`.

    Returns:
      A recording whose `sensors` are None where the file has no sensor data, and whose
      angular rates are NaN where the file has neither source of them.

    Raises:
      ValueError: malformed or truncated XML (names the line), a missing T-pose,
        segment or rate, or a frame whose field has the wrong number of values, one
        that is no finite number, or a zero quaternion (names frame and field).
    """
    contents = _read(os.fspath(path))
    motion = _segment_motion(contents)
    sensors, ignored = _sensor_streams(contents)
    facts = {
        "mvnx_version": contents.version,
        "recorded": contents.recorded,
        "ignored_sensors": ", ".join(ignored),
    }
    return Recording(
        motion=motion,
        source=contents.path,
        sensors=sensors,
        facts={key: value for key, value in facts.items() if value},
    )


@dataclasses.dataclass
class _Contents:
    """What the file holds, as it stands there."""

    path: str
    version: str = ""
    recorded: str = ""
    rate_hz: float = 0.0
    segments: list[str] = dataclasses.field(default_factory=list)
    sensors: list[str] = dataclasses.field(default_factory=list)
    tpose: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    index: list[int] = dataclasses.field(default_factory=list)
    frames: dict[str, list[np.ndarray]] = dataclasses.field(default_factory=dict)

    def track(self, field: str, width: int) -> Float[np.ndarray, "T N W"] | None:
        """All frames of a field, or None where the file has it not."""
        values = self.frames.get(field)
        if values is None:
            return None
        if len(values) != len(self.index):
            raise ValueError(
                f"{self.path}: {field} stands in {len(values)} of {len(self.index)} "
                "frames; export the recording again"
            )
        return np.stack(values).reshape(len(values), -1, width)


def _read(path: str) -> _Contents:
    contents = _Contents(path)
    with open(path, "rb") as file:
        try:
            parents = []
            for event, element in ElementTree.iterparse(file, ("start", "end")):
                if event == "start":
                    inside = _tag(parents[-1]) if parents else ""
                    _read_header(contents, element, inside)
                    parents.append(element)
                    continue
                parents.pop()
                if _tag(element) == "frame":
                    _read_frame(contents, element)
                    # The parent would keep every frame of the file alive.
                    parents[-1].clear()
        except ElementTree.ParseError as error:
            line, _ = error.position
            raise ValueError(
                f"{path}, line {line}: malformed or truncated XML ({error})"
            ) from None
    _check_contents(contents)
    return contents


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _read_header(
    contents: _Contents, element: ElementTree.Element, inside: str
) -> None:
    attributes = element.attrib
    match inside, _tag(element):
        case "", "mvnx":
            contents.version = attributes.get("version", "")
        case "mvnx", "subject":
            contents.recorded = attributes.get("recDate", "")
            rate = attributes.get("frameRate", "")
            try:
                contents.rate_hz = float(rate)
            except ValueError:
                raise ValueError(
                    f"{contents.path}: the subject's frameRate {rate!r} is no number"
                ) from None
        case "segments", "segment":
            # Segments of gloves stand in lists of other names.
            contents.segments.append(attributes.get("label", ""))
        case "sensors", "sensor":
            contents.sensors.append(attributes.get("label", ""))


def _read_frame(contents: _Contents, frame: ElementTree.Element) -> None:
    kind = frame.get("type", "normal")
    if kind not in ("normal", "tpose"):
        return
    name = f"frame {frame.get('index', len(contents.index))}"
    name = name if kind == "normal" else "the T-pose frame"
    values = {}
    for element in frame:
        field = _tag(element)
        if field in _SEGMENT_FIELDS:
            width = _SEGMENT_FIELDS[field] * len(contents.segments)
        elif field in _SENSOR_FIELDS:
            width = _SENSOR_FIELDS[field] * len(contents.sensors)
        else:
            continue
        numbers = _numbers(contents, element.text, width, f"{name}: {field}")
        # Second differences of float32 positions would be noise at 240 Hz.
        precise = field == "position"
        values[field] = numbers if precise else numbers.astype(np.float32)
    for field in ("orientation", "position"):
        if field not in values:
            raise ValueError(f"{contents.path}, {name}: no {field}")
    if kind == "tpose":
        contents.tpose = values
        return
    contents.index.append(_frame_index(frame, len(contents.index)))
    for field, numbers in values.items():
        contents.frames.setdefault(field, []).append(numbers)


def _frame_index(frame: ElementTree.Element, position: int) -> int:
    """The file's own count, which jumps where frames were lost."""
    text = frame.get("index", "")
    return int(text) if text.lstrip("-").isdigit() else position


def _numbers(
    contents: _Contents, text: str | None, width: int, what: str
) -> Float[np.ndarray, "W"]:
    words = (text or "").split()
    if len(words) != width:
        raise ValueError(
            f"{contents.path}, {what} has {len(words)} values, expected {width}"
        )
    try:
        numbers = np.array(words, np.float64)
    except ValueError as error:
        raise ValueError(f"{contents.path}, {what}: {error}") from None
    if not np.isfinite(numbers).all():
        raise ValueError(f"{contents.path}, {what} holds a value that is not finite")
    return numbers


def _check_contents(contents: _Contents) -> None:
    known = {_segment_name(label) for label in contents.segments}
    if missing := [name for name in XSENS.names if name not in known]:
        raise ValueError(f"{contents.path}: no segment {', '.join(missing)}")
    if not contents.rate_hz > 0:
        raise ValueError(f"{contents.path}: no positive frameRate")
    if not contents.tpose:
        raise ValueError(
            f"{contents.path}: no frame of type 'tpose', to which segment frames are "
            "turned; export with the calibration poses"
        )
    if not contents.index:
        raise ValueError(f"{contents.path}: no frame of type 'normal'")


def _segment_name(label: str) -> str:
    """Our name of an Xsens segment: "RightForeArm" is "R_Forearm"."""
    for word, letter in (("Right", "R_"), ("Left", "L_")):
        if label.startswith(word):
            label = letter + label.removeprefix(word)
    return label.replace("ForeArm", "Forearm")


def _segment_motion(contents: _Contents) -> SegmentMotion:
    labels = [_segment_name(label) for label in contents.segments]
    order = [labels.index(name) for name in XSENS.names]
    tpose = contents.tpose["position"].reshape(-1, 3)[order]
    facing_x = _turn_to_x(tpose)
    check_stature(tpose, contents.path)
    reference = contents.tpose["orientation"].reshape(1, -1, 4)[:, order]
    reference = _matrices(reference, contents, "the T-pose frame: orientation")[0]
    # A segment turns from the T-pose as it stands in the file; its frame has the axes
    # of a world in which that T-pose faces +X.
    to_segment = np.swapaxes(reference, -1, -2) @ facing_x.T
    orientation = contents.track("orientation", 4)[:, order]
    rotation = _matrices(orientation, contents, "orientation") @ to_segment
    rotation = rotation.astype(np.float32)
    # MVN's own joints give by a millimetre or two.
    position = hold_bone_lengths(contents.track("position", 3)[:, order], tpose)
    valid = find_valid(position, rotation, contents.rate_hz)
    lost = np.diff(contents.index) != 1
    valid[:-1] &= ~lost
    valid[1:] &= ~lost
    return SegmentMotion(position, rotation, valid, contents.rate_hz)


def _turn_to_x(tpose: Float[np.ndarray, "23 3"]) -> Float[np.ndarray, "3 3"]:
    """Rotation about Z after which the T-pose faces +X, its left +Y."""
    left = tpose[XSENS.index("L_UpperLeg")] - tpose[XSENS.index("R_UpperLeg")]
    heading = np.arctan2(-left[0], left[1])
    return Rotation.from_euler("z", -heading).as_matrix()


def _matrices(
    quaternions: Float[np.ndarray, "T N 4"], contents: _Contents, field: str
) -> Float[np.ndarray, "T N 3 3"]:
    """Rotation matrices, float32, in chunks that bound the memory."""
    flat = quaternions.reshape(-1, 4)
    zero = np.flatnonzero(np.linalg.norm(flat, axis=-1) < 0.5)
    if len(zero):
        frame, item = divmod(int(zero[0]), quaternions.shape[1])
        raise ValueError(
            f"{contents.path}, frame {contents.index[frame]}: {field} of item {item} "
            "is no unit quaternion"
        )
    matrices = np.empty((len(flat), 3, 3), np.float32)
    for start in range(0, len(flat), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        turned = Rotation.from_quat(flat[chunk], scalar_first=True)
        matrices[chunk] = turned.as_matrix()
    return matrices.reshape(*quaternions.shape[:2], 3, 3)


def _sensor_streams(contents: _Contents) -> tuple[SensorStreams | None, list[str]]:
    """The streams of sensors on segments, and the names of the others."""
    names = [_segment_name(label) for label in contents.sensors]
    kept = [i for i, name in enumerate(names) if name in XSENS.names]
    ignored = [s for i, s in enumerate(contents.sensors) if i not in kept]
    tracks = {
        field: track[:, kept]
        for field, width in _SENSOR_FIELDS.items()
        if (track := contents.track(field, width)) is not None
    }
    segment = np.array([XSENS.index(names[i]) for i in kept], int)
    turn = None
    if "sensorOrientation" in tracks:
        turn = _matrices(tracks["sensorOrientation"], contents, "sensorOrientation")
    force = _specific_force(tracks, turn)
    if force is None:
        return None, ignored
    rate = _angular_rate(contents, tracks, turn, kept, force)
    imu = np.concatenate([force, rate], axis=-1)
    labels = tuple(contents.sensors[i] for i in kept)
    return SensorStreams(labels, segment, imu), ignored


def _specific_force(
    tracks: Mapping[str, np.ndarray], world_from_sensor: np.ndarray | None
) -> np.ndarray | None:
    if "sensorAcceleration" in tracks:
        return tracks["sensorAcceleration"]
    if "sensorFreeAcceleration" in tracks and world_from_sensor is not None:
        up = np.array([0, 0, _GRAVITY], np.float32)
        force = tracks["sensorFreeAcceleration"] + up
        return np.einsum("tsji,tsj->tsi", world_from_sensor, force)
    return None


def _angular_rate(
    contents: _Contents,
    tracks: Mapping[str, np.ndarray],
    world_from_sensor: np.ndarray | None,
    kept: list[int],
    like: np.ndarray,
) -> np.ndarray:
    if "sensorAngularVelocity" in tracks:
        return tracks["sensorAngularVelocity"]
    velocity = contents.track("angularVelocity", 3)
    if velocity is None or world_from_sensor is None:
        return np.full_like(like, np.nan)
    carrier = [contents.segments.index(contents.sensors[i]) for i in kept]
    return np.einsum("tsji,tsj->tsi", world_from_sensor, velocity[:, carrier])
