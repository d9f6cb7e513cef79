import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.skinning import segment_origins, segment_weights, skin
from tests.body.shapes import body, pose, random_motion, replaced


def test_the_rest_pose_gives_the_template_back():
    rotation = jnp.tile(jnp.eye(3), (23, 1, 1))
    posed = skin(body(), jnp.asarray(segment_origins(body())), rotation)
    np.testing.assert_allclose(posed, body().vertices, atol=1e-6)


def test_skinning_agrees_with_scipy_on_random_motion():
    position, rotation = random_motion(body(), frames=7, seed=0)
    skinned = jax.vmap(skin, in_axes=(None, 0, 0))(
        body(), jnp.asarray(position), jnp.asarray(rotation)
    )
    weights, origins = segment_weights(body()), segment_origins(body())
    expected = np.zeros((7, len(body().vertices), 3))
    for segment in range(23):
        turns = Rotation.from_matrix(rotation[:, segment])
        for t in range(7):
            moved = turns[t].apply(body().vertices - origins[segment])
            moved += position[t, segment]
            expected[t] += weights[:, segment, None] * moved
    np.testing.assert_allclose(skinned, expected, atol=1e-5)
    np.testing.assert_allclose(pose(body(), position, rotation), expected, atol=1e-12)


def test_joints_of_one_segment_add_up_and_the_first_is_its_origin():
    surface = body()
    toe = XSENS.index("L_Toe")
    weights = np.column_stack([surface.skinning, 0.25 * surface.skinning[:, toe]])
    weights[:, toe] *= 0.75
    split = replaced(
        surface,
        skinning=weights,
        rest_joints=np.vstack([surface.rest_joints, [9.0, 9.0, 9.0]]),
        joint_names=(*surface.joint_names, "L_BigToe"),
        joint_segment=(*surface.joint_segment, toe),
    )
    np.testing.assert_allclose(segment_weights(split), surface.skinning, atol=1e-15)
    np.testing.assert_array_equal(segment_origins(split), surface.rest_joints)
