"""Rigid transforms: a rotation and a translation, one example each."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_matmul = functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class RigidTransform:
    """`target = rotation @ source + translation`.

    Attributes:
      rotation: (3, 3) target from source.
      translation: (3,) m, origin of the source frame in the target frame.
    """

    rotation: Float[Array, "3 3"]
    translation: Float[Array, "3"]

    def apply(self, point: Float[Array, "3"]) -> Float[Array, "3"]:
        """Coordinates of a point in the target frame."""
        return _matmul(self.rotation, point) + self.translation

    def compose(self, inner: "RigidTransform") -> "RigidTransform":
        """The transform that applies `inner` first and then this one."""
        return RigidTransform(
            _matmul(self.rotation, inner.rotation), self.apply(inner.translation)
        )

    def inverse(self) -> "RigidTransform":
        """The transform back from the target to the source frame."""
        back = self.rotation.T
        return RigidTransform(back, -_matmul(back, self.translation))


def identity() -> RigidTransform:
    """The transform that changes nothing."""
    return RigidTransform(jnp.eye(3), jnp.zeros(3))
