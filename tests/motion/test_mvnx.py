"""MVNX: both versions, frames, sensors, and evidence of what the fields hold."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion.check import check_motion
from anymo_jax.motion.mvnx import load_mvnx

GRAVITY = 9.80665
SENSORS = ("Pelvis", "T8", "RightForeArm", "LeftFoot", "Prop1")
LABELS = [
    name.replace("R_", "Right").replace("L_", "Left").replace("Forearm", "ForeArm")
    for name in XSENS.names
]
# A T-pose in metres, facing +X.
_CENTRE = [0.0, 0.1, 0.21, 0.31, 0.41, 0.55, 0.64]
_ARM = [(0.0, 0.03, 0.49), (0.0, 0.18, 0.49), (0.0, 0.47, 0.49), (0.0, 0.71, 0.49)]
_LEG = [(0.0, 0.08, 0.0), (0.0, 0.08, -0.39), (0.0, 0.08, -0.8), (0.14, 0.08, -0.88)]


def tpose():
    mirror = np.array([1.0, -1.0, 1.0])
    centre = np.array([(0.0, 0.0, z) for z in _CENTRE])
    arm, leg = np.array(_ARM), np.array(_LEG)
    above_hips = np.concatenate([centre, arm * mirror, arm, leg * mirror, leg])
    return above_hips + np.array([0.0, 0.0, 0.88])


class Recorded:
    """A motion and its sensors, known exactly, and as MVNX text."""

    def __init__(self, version=4, heading=0.7, frames=6):
        rng = np.random.default_rng(version)
        self.version, self.frames = version, frames
        to_heading = Rotation.from_euler("z", heading)
        # The file's own segment frames: any rotation, revealed by the T-pose record.
        self.reference = Rotation.random(23, random_state=1)
        self.tpose = tpose() @ to_heading.as_matrix().T
        vectors = rng.uniform(-0.3, 0.3, (frames, 23, 3))
        steps = np.linspace(0.5, 1, frames)[:, None, None] * vectors[:1]
        turns = Rotation.from_rotvec(steps.reshape(-1, 3))
        # World from our segment frame, then from the file's.
        self.rotation = (turns * to_heading).as_matrix().reshape(frames, 23, 3, 3)
        file_frames = turns.as_matrix().reshape(frames, 23, 3, 3)
        self.orientation = file_frames @ self.reference.as_matrix()
        self.position = np.empty((frames, 23, 3))
        self.position[:, 0] = self.tpose[0] + 0.01 * np.arange(frames)[:, None]
        for i, parent in enumerate(XSENS.parents[1:], start=1):
            bone = self.tpose[i] - self.tpose[parent]
            bones = file_frames[:, parent] @ bone
            self.position[:, i] = self.position[:, parent] + bones
        count = len(SENSORS)
        self.world_from_sensor = Rotation.random(frames * count, random_state=2)
        self.world_from_sensor = self.world_from_sensor.as_matrix().reshape(
            frames, count, 3, 3
        )
        self.acceleration = rng.normal(size=(frames, count, 3))
        self.angular_velocity = rng.normal(size=(frames, 23, 3))
        self.sensor_rate = rng.normal(size=(frames, count, 3))

    @property
    def force(self):
        """Specific force of the sensors, (T, S, 3), in their own frames."""
        force = self.acceleration + np.array([0.0, 0.0, GRAVITY])
        return np.einsum("tsji,tsj->tsi", self.world_from_sensor, force)

    @property
    def rate(self):
        if self.version == 3:
            return self.sensor_rate
        carriers = [LABELS.index(s) if s in LABELS else 0 for s in SENSORS]
        turned = self.angular_velocity[:, carriers]
        return np.einsum("tsji,tsj->tsi", self.world_from_sensor, turned)

    def text(self):
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<mvnx xmlns="http://www.xsens.com/mvn/mvnx" version="{self.version}">',
            '<mvn version="2020.0"/>',
            '<subject label="MVN System" frameRate="240" recDate="today">',
            "<segments>",
            *(f'<segment label="{n}" id="{i + 1}"/>' for i, n in enumerate(LABELS)),
            "</segments>",
            "<sensors>",
            *(f'<sensor label="{name}"/>' for name in SENSORS),
            "</sensors>",
            '<fingerSegments><segment label="LeftCarpus" id="1"/></fingerSegments>',
            '<frames segmentCount="23" sensorCount="5" jointCount="22">',
            self._frame("tpose", "", self.reference.as_matrix(), self.tpose, {}),
        ]
        for t in range(self.frames):
            fields = self._sensor_fields(t)
            pose = self.orientation[t], self.position[t]
            lines.append(self._frame("normal", str(t), *pose, fields))
        return "\n".join([*lines, "</frames>", "</subject>", "</mvnx>"]) + "\n"

    def _sensor_fields(self, t):
        orientation = Rotation.from_matrix(self.world_from_sensor[t])
        fields = {"sensorOrientation": orientation.as_quat(scalar_first=True)}
        if self.version == 3:
            fields["sensorAcceleration"] = self.force[t]
            fields["sensorAngularVelocity"] = self.sensor_rate[t]
        else:
            fields["angularVelocity"] = self.angular_velocity[t]
            fields["sensorFreeAcceleration"] = self.acceleration[t]
        return fields

    def _frame(self, kind, index, matrices, position, fields):
        quaternions = Rotation.from_matrix(matrices).as_quat(scalar_first=True)
        fields = {"orientation": quaternions, "position": position} | fields
        body = "".join(
            f"<{name}>{' '.join(f'{v:.8f}' for v in np.ravel(values))}</{name}>"
            for name, values in fields.items()
        )
        return f'<frame time="0" index="{index}" type="{kind}">{body}</frame>'


def write(tmp_path, text):
    path = tmp_path / "recording.mvnx"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("heading", [0.0, 0.7, -2.5, np.pi])
def test_segments_and_sensors(tmp_path, version, heading):
    recorded = Recorded(version, heading)
    recording = load_mvnx(write(tmp_path, recorded.text()))
    motion = recording.motion
    check_motion(motion, "written")
    assert motion.rate_hz == 240.0
    np.testing.assert_allclose(motion.rotation, recorded.rotation, atol=1e-6)
    np.testing.assert_allclose(motion.position, recorded.position, atol=1e-6)
    sensors = recording.sensors
    assert sensors.names == SENSORS[:4]
    named = [XSENS.names[i] for i in sensors.segment]
    assert named == ["Pelvis", "T8", "R_Forearm", "L_Foot"]
    np.testing.assert_allclose(sensors.imu[..., :3], recorded.force[:, :4], atol=1e-5)
    np.testing.assert_allclose(sensors.imu[..., 3:], recorded.rate[:, :4], atol=1e-5)
    assert recording.facts["ignored_sensors"] == "Prop1"
    assert recording.facts["mvnx_version"] == str(version)


def test_order_of_segments_is_the_files_own(tmp_path):
    """A file that lists the segments backwards gives the same motion."""
    recorded = Recorded()
    path = write(tmp_path, recorded.text())
    straight = load_mvnx(path).motion
    lines = recorded.text().splitlines()
    first = lines.index("<segments>") + 1
    lines[first : first + 23] = lines[first : first + 23][::-1]
    backwards = [_reversed_fields(line) for line in lines]
    turned = load_mvnx(write(tmp_path, "\n".join(backwards))).motion
    np.testing.assert_array_equal(straight.position, turned.position)
    np.testing.assert_array_equal(straight.rotation, turned.rotation)


def _reversed_fields(line):
    for field, width in (("orientation", 4), ("position", 3), ("angularVelocity", 3)):
        start, end = line.find(f"<{field}>"), line.find(f"</{field}>")
        if start >= 0:
            start += len(field) + 2
            values = np.array(line[start:end].split()).reshape(-1, width)[::-1]
            line = line[:start] + " ".join(values.ravel()) + line[end:]
    return line


def test_files_without_sensors(tmp_path):
    text = Recorded().text()
    free = text.replace("sensorFreeAcceleration", "sensorMagneticField")
    assert load_mvnx(write(tmp_path, free)).sensors is None
    no_rate = text.replace("angularVelocity", "angularAcceleration")
    imu = load_mvnx(write(tmp_path, no_rate)).sensors.imu
    assert np.isfinite(imu[..., :3]).all() and np.isnan(imu[..., 3:]).all()


def test_lost_frames_are_marked(tmp_path):
    text = Recorded(frames=40).text()
    for t in range(20, 40):
        text = text.replace(f'index="{t}" type', f'index="{t + 100}" type')
    valid = load_mvnx(write(tmp_path, text)).motion.valid
    assert np.flatnonzero(~valid).tolist() == [19, 20]


def without_last_number(text, frame, field):
    """The text with one value less in one field of one frame."""
    at = text.index(f"</{field}>", text.index(f'index="{frame}" type'))
    return text[: text.rindex(" ", 0, at)] + text[at:]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: t[: len(t) // 2], r"line \d+: malformed or truncated XML"),
        (lambda t: t[: t.index("</frames>")], r"line \d+: malformed or truncated XML"),
        (lambda t: "", r"line 1: malformed"),
        (lambda t: t.replace("</segments>", ""), r"line \d+: malformed .*mismatched"),
        (
            lambda t: without_last_number(t, 3, "orientation"),
            "frame 3: orientation has 91 values, expected 92",
        ),
        (
            lambda t: without_last_number(t, 2, "sensorOrientation"),
            "frame 2: sensorOrientation has 19 values, expected 20",
        ),
        (lambda t: t.replace('type="tpose"', 'type="npose"'), "no frame of type 'tp"),
        (lambda t: t.replace('type="normal"', 'type="npose"'), "no frame of type 'no"),
        (lambda t: t.replace('"LeftToe"', '"LeftFin"'), "no segment L_Toe"),
        (lambda t: t.replace('frameRate="240"', ""), "frameRate '' is no number"),
        (lambda t: t.replace('frameRate="240"', 'frameRate="0"'), "no positive frame"),
        (lambda t: t.replace("<position>", "<position>x", 2), "position: could not"),
        (lambda t: t.replace("<position>0", "<position>nan 0", 2), "70 values|finite"),
    ],
)
def test_faulty_files_are_refused(tmp_path, edit, message):
    path = write(tmp_path, edit(Recorded().text()))
    with pytest.raises(ValueError, match=message) as error:
        load_mvnx(path)
    assert str(path) in str(error.value)


def test_values_that_are_no_rotation_or_number(tmp_path):
    recorded = Recorded()
    recorded.position[3, 4, 0] = np.inf
    path = write(tmp_path, recorded.text())
    with pytest.raises(ValueError, match=r"frame 3: position holds .* not finite"):
        load_mvnx(path)
    text = Recorded().text()
    start = text.index("<orientation>", text.index('index="4" type'))
    end = text.index("</orientation>", start)
    zeros = "<orientation>" + " ".join(["0"] * 92)
    path = write(tmp_path, text[:start] + zeros + text[end:])
    with pytest.raises(ValueError, match="frame 4: orientation of item 0 is no unit"):
        load_mvnx(path)


@pytest.mark.data
def test_kicking(data_dir):
    """The real version 3 file against the arrays that were taken from it by others."""
    recording = load_mvnx(data_dir / "imu" / "andy_kicking-003.mvnx")
    arrays = np.load(data_dir / "imu" / "xsens_andy_kicking.npz", allow_pickle=False)
    motion, sensors = recording.motion, recording.sensors
    check_motion(motion, "kicking")
    assert motion.valid.all() and motion.rate_hz == 240.0
    # MVN's bones give by up to 1.5 mm, which adds up along the arms.
    assert np.abs(motion.position - arrays["position"]).max() < 4e-3
    assert sensors.names == tuple(arrays["sensors"])
    np.testing.assert_allclose(
        sensors.imu[..., :3], arrays["sensorAcceleration"], atol=1e-4
    )
    np.testing.assert_allclose(
        sensors.imu[..., 3:], arrays["sensorAngularVelocity"], atol=1e-4
    )
    bones = motion.position[:, 1:] - motion.position[:, list(XSENS.parents[1:])]
    assert np.ptp(np.linalg.norm(bones, axis=-1), axis=0).max() < 1e-6
    head = motion.position[:, XSENS.index("Head"), 2] - motion.position[:, 0, 2]
    assert (head > 0.5).all()
    relative = motion.position - motion.position[:, :1]
    local = np.einsum("tji,tnj->tni", motion.rotation[:, 0], relative)
    assert (local[:, XSENS.index("L_UpperLeg"), 1] > 0.08).all()
    # Turned to the T-pose record, MVN's own pelvis and chest turn alike.
    own = Rotation.from_quat(arrays["orientation"][:, 4], scalar_first=True)
    ours = Rotation.from_matrix(motion.rotation[:, 4])
    assert np.rad2deg((own.inv() * ours).magnitude()).max() < 1.0


@pytest.mark.data
def test_what_sensor_acceleration_holds(data_dir):
    """Specific force in the sensor frame: turned to the world it averages to g up.

    Measured over the kick's 2.25 s: 9.74 to 9.99 m/s^2 up and below 0.3 sideways for
    all 17 sensors, where the untouched values point anywhere.
    """
    arrays = np.load(data_dir / "imu" / "xsens_andy_kicking.npz", allow_pickle=False)
    turn = Rotation.from_quat(
        arrays["sensorOrientation"].reshape(-1, 4), scalar_first=True
    )
    force = arrays["sensorAcceleration"]
    world = turn.apply(force.reshape(-1, 3)).reshape(force.shape).mean(axis=0)
    assert np.abs(world[:, 2] - GRAVITY).max() < 0.25
    assert np.abs(world[:, :2]).max() < 0.3
    assert np.median(np.abs(force.mean(axis=0)[:, 2] - GRAVITY)) > 2
    # And the gyroscope: turned to the world it is the segment's angular velocity.
    rate = arrays["sensorAngularVelocity"]
    world_rate = turn.apply(rate.reshape(-1, 3)).reshape(rate.shape)
    segment = [list(arrays["segments"]).index(s) for s in arrays["sensors"]]
    difference = world_rate - arrays["angularVelocity"][:, segment]
    spread = np.sqrt(np.mean(difference**2) / np.mean(world_rate**2))
    assert spread < 0.1
