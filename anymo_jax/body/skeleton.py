"""The 23-segment body of Xsens MVN, which Nymeria and the paper use (section 3).

Segment frames: origin at the proximal joint, axes equal to the world's in T-pose,
where the body faces +X with its left at +Y and up at +Z, arms level, palms down.
"""

import dataclasses
import functools


@dataclasses.dataclass(frozen=True)
class Skeleton:
    """A kinematic tree of named segments.

    Attributes:
      names: name of each segment; a parent comes before its children.
      parents: index of each segment's parent, -1 for the root.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Index of a segment; a ValueError lists the names there are."""
        try:
            return self.names.index(name)
        except ValueError:
            known = ", ".join(self.names)
            raise ValueError(f"no segment {name!r}; the segments are {known}") from None

    def children(self, segment: int) -> tuple[int, ...]:
        """Indices of a segment's children."""
        return tuple(i for i, p in enumerate(self.parents) if p == segment)

    @functools.cached_property
    def mirrored(self) -> tuple[int, ...]:
        """Index of each segment's counterpart on the other side of the body."""
        swap = {"R_": "L_", "L_": "R_"}
        return tuple(
            self.names.index(swap.get(n[:2], n[:2]) + n[2:]) for n in self.names
        )


XSENS = Skeleton(
    names=(
        *("Pelvis", "L5", "L3", "T12", "T8", "Neck", "Head"),
        *("R_Shoulder", "R_UpperArm", "R_Forearm", "R_Hand"),
        *("L_Shoulder", "L_UpperArm", "L_Forearm", "L_Hand"),
        *("R_UpperLeg", "R_LowerLeg", "R_Foot", "R_Toe"),
        *("L_UpperLeg", "L_LowerLeg", "L_Foot", "L_Toe"),
    ),
    parents=(
        *(-1, 0, 1, 2, 3, 4, 5),
        *(4, 7, 8, 9),
        *(4, 11, 12, 13),
        *(0, 15, 16, 17),
        *(0, 19, 20, 21),
    ),
)
