"""A stick figure written as BVH text, and where its joints truly are."""

import dataclasses

import numpy as np
from scipy.spatial.transform import Rotation

# Joint, parent, T-pose position in metres: facing +X, left +Y, up +Z. A body of 1.75 m
# with the joint names of the MotionBuilder convention.
_CENTRE = (
    ("Hips", "", (0.0, 0.0, 0.98)),
    ("LowerBack", "Hips", (0.0, 0.0, 1.02)),
    ("Spine", "LowerBack", (0.0, 0.0, 1.12)),
    ("Spine1", "Spine", (-0.01, 0.0, 1.24)),
    ("Neck", "Spine1", (-0.01, 0.0, 1.42)),
    ("Neck1", "Neck", (0.0, 0.0, 1.48)),
    ("Head", "Neck1", (0.0, 0.0, 1.54)),
)
_ARM = (
    ("Shoulder", "Spine1", (0.0, 0.03, 1.38)),
    ("Arm", "Shoulder", (0.0, 0.18, 1.40)),
    ("ForeArm", "Arm", (0.0, 0.47, 1.40)),
    ("Hand", "ForeArm", (0.0, 0.72, 1.40)),
)
_LEG = (
    ("UpLeg", "Hips", (0.0, 0.09, 0.92)),
    ("Leg", "UpLeg", (0.0, 0.09, 0.50)),
    ("Foot", "Leg", (0.0, 0.09, 0.08)),
    ("ToeBase", "Foot", (0.14, 0.09, 0.0)),
)
SEGMENT_JOINTS = {
    "Pelvis": "Hips",
    "L5": "LowerBack",
    "L3": "Spine",
    "T8": "Spine1",
    "Neck": "Neck1",
    "Head": "Head",
} | {
    f"{word[0]}_{segment}": word + joint
    for word in ("Left", "Right")
    for segment, joint in (
        ("Shoulder", "Shoulder"),
        ("UpperArm", "Arm"),
        ("Forearm", "ForeArm"),
        ("Hand", "Hand"),
        ("UpperLeg", "UpLeg"),
        ("LowerLeg", "Leg"),
        ("Foot", "Foot"),
        ("Toe", "ToeBase"),
    )
}
Y_UP = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def _joints() -> list[tuple[str, str, tuple[float, float, float]]]:
    """All joints in the order of a BVH hierarchy, depth first."""
    joints = list(_CENTRE)
    for limb in (_ARM, _LEG):
        for word, sign in (("Left", 1), ("Right", -1)):
            for name, parent, (x, y, z) in limb:
                parent = parent if parent in ("Spine1", "Hips") else word + parent
                joints.append((word + name, parent, (x, sign * y, z)))
    return joints


@dataclasses.dataclass(frozen=True)
class Figure:
    """How to write the figure down.

    Attributes:
      order: rotation order of the channels, such as "ZXY".
      positions: every joint has position channels, not only the root.
      metres_per_unit: length unit of the file.
      axes: forward, left and up as rows, in the file's axes.
      rest_turns: joint -> rotation (3, 3) of its rest pose from its T-pose, in the axes
        of the T-pose; turns everything beyond the joint.
    """

    order: str = "ZYX"
    positions: bool = False
    metres_per_unit: float = 0.0254 / 0.45
    axes: np.ndarray = dataclasses.field(default_factory=lambda: Y_UP)
    rest_turns: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in _joints()]

    @property
    def parents(self) -> list[int]:
        return [self.names.index(p) if p else -1 for _, p, _ in _joints()]

    @property
    def tpose(self) -> np.ndarray:
        return np.array([position for _, _, position in _joints()])

    def poses(
        self, local: np.ndarray, root: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Positions (T, J, 3) and rotations from T-pose (T, J, 3, 3), Z up, metres.

        Args:
          local: (T, J, 3, 3) turn of each joint from T-pose, in its parent's frame.
          root: (T, 3) m, position of the Hips.
        """
        rotation, position = np.empty_like(local), np.empty(local.shape[:3])
        rotation[:, 0], position[:, 0] = local[:, 0], root
        for joint, parent in enumerate(self.parents[1:], start=1):
            rotation[:, joint] = rotation[:, parent] @ local[:, joint]
            bone = self.tpose[joint] - self.tpose[parent]
            position[:, joint] = position[:, parent] + rotation[:, parent] @ bone
        return position, rotation

    def text(self, local: np.ndarray, root: np.ndarray, frame_time="0.01") -> str:
        """The BVH file of a motion given as for `poses`."""
        rest = self._rest()
        offsets = self._offsets(rest)
        lines = ["HIERARCHY", *self._block(0, offsets, ""), "MOTION"]
        lines += [f"Frames: {len(local)}", f"Frame Time: {frame_time}"]
        values = []
        for joint, parent in enumerate(self.parents):
            if joint == 0 or self.positions:
                offset = np.broadcast_to(offsets[joint], (len(local), 3))
                at = root @ self.axes / self.metres_per_unit if joint == 0 else offset
                values.append(at)
            before = rest[parent] if parent >= 0 else np.eye(3)
            turn = before.T @ local[:, joint] @ rest[joint]
            turn = self.axes.T @ turn @ self.axes
            euler = Rotation.from_matrix(turn).as_euler(self.order, degrees=True)
            values.append(euler)
        for row in np.concatenate(values, axis=1):
            lines.append(" ".join(f"{value:.9f}" for value in row))
        return "\n".join(lines) + "\n"

    def _rest(self) -> np.ndarray:
        """Global rotation of each joint's frame in T-pose, from the rest pose's."""
        rest = np.tile(np.eye(3), (len(self.names), 1, 1))
        for joint, (name, parent) in enumerate(
            zip(self.names, self.parents, strict=True)
        ):
            rest[joint] = rest[parent] if parent >= 0 else np.eye(3)
            if name in self.rest_turns:
                rest[joint] = self.rest_turns[name].T
        return rest

    def _offsets(self, rest: np.ndarray) -> np.ndarray:
        offsets = np.zeros_like(self.tpose)
        for joint, parent in enumerate(self.parents[1:], start=1):
            bone = rest[parent].T @ (self.tpose[joint] - self.tpose[parent])
            offsets[joint] = bone @ self.axes / self.metres_per_unit
        return offsets

    def _block(self, joint: int, offsets: np.ndarray, indent: str) -> list[str]:
        deeper = indent + "  "
        children = [i for i, p in enumerate(self.parents) if p == joint]
        rotations = [f"{axis}rotation" for axis in self.order]
        channels = [f"{axis}position" for axis in "XYZ"] + rotations
        if joint and not self.positions:
            channels = rotations
        lines = [
            f"{indent}{'JOINT' if joint else 'ROOT'} {self.names[joint]}",
            f"{indent}{{",
            f"{deeper}OFFSET " + " ".join(f"{v:.9f}" for v in offsets[joint]),
            f"{deeper}CHANNELS {len(channels)} {' '.join(channels)}",
        ]
        for child in children:
            lines += self._block(child, offsets, deeper)
        if not children:
            end = [f"{deeper}End Site", f"{deeper}{{", f"{deeper}  OFFSET 0 0 0"]
            lines += [*end, f"{deeper}}}"]
        return [*lines, f"{indent}}}"]


def smooth_motion(
    figure: Figure, frames: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Gentle random turns (T, J, 3, 3) and a root path (T, 3) m, Z up."""
    rng = np.random.default_rng(seed)
    phase = np.linspace(0, np.pi, frames)[:, None, None]
    vectors = rng.uniform(-0.4, 0.4, (2, 1, len(figure.names), 3))
    turns = vectors[0] * np.sin(phase) + vectors[1] * np.cos(phase)
    local = Rotation.from_rotvec(turns.reshape(-1, 3)).as_matrix()
    root = np.array([0.5, -0.2, 0.98]) + 0.3 * np.sin(phase[:, 0] * [1.0, 0.5, 0.1])
    return local.reshape(frames, len(figure.names), 3, 3), root
