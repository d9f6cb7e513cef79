import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from anymo_jax.body.placement import (
    candidate_placements,
    candidate_vertices,
    segment_axes,
    vertex_normals,
)
from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.skinning import segment_origins
from anymo_jax.body.template import default_surface
from tests.body.shapes import (
    OCTAHEDRON,
    beads,
    body,
    pose,
    random_motion,
    replaced,
)

T8, NECK, HEAD, PELVIS, L5 = (
    XSENS.index(n) for n in ("T8", "Neck", "Head", "Pelvis", "L5")
)


def _with_weights(vertex, **weights):
    """Beads of which one vertex has other skinning weights."""
    skinning = np.array(beads().skinning)
    skinning[vertex] = 0
    for name, weight in weights.items():
        skinning[vertex, XSENS.index(name)] = weight
    return replaced(beads(), skinning=skinning)


def _members(surface, vertex):
    segments, vertices = candidate_vertices(surface)
    return [XSENS.names[s] for s in segments[vertices == vertex]]


def test_membership_is_the_two_largest_nonzero_weights():
    assert _members(beads(), 30) == ["Neck"]
    blended = _with_weights(30, Neck=0.5, T8=0.3, Head=0.2)
    assert _members(blended, 30) == ["T8", "Neck"]
    assert _members(_with_weights(30, Head=1.0), 30) == ["Head"]


def test_two_joints_of_one_segment_fill_both_places():
    surface = _with_weights(30, T8=0.3)
    skinning = np.column_stack([surface.skinning, np.zeros(len(surface.vertices))])
    skinning[30, NECK], skinning[30, -1] = 0.35, 0.35
    surface = replaced(
        surface,
        skinning=skinning,
        rest_joints=np.vstack([surface.rest_joints, surface.rest_joints[NECK]]),
        joint_names=(*surface.joint_names, "Neck1"),
        joint_segment=(*surface.joint_segment, NECK),
    )
    assert _members(surface, 30) == ["Neck"]


def test_candidates_are_contiguous_and_ascending():
    segments, vertices = candidate_vertices(body())
    assert np.all(np.diff(segments) >= 0)
    same = np.diff(segments) == 0
    assert np.all(np.diff(vertices)[same] > 0)
    assert set(segments.tolist()) == set(range(23))


def test_normals_weigh_faces_by_area():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 2]], float)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    # At the corner, faces of area 1/2 down, 1 along -y and 1 along -x.
    expected = np.array([-1, -1, -0.5]) / 1.5
    np.testing.assert_allclose(vertex_normals(vertices, faces)[0], expected)


def test_normals_of_an_octahedron_point_along_its_axes():
    normals = vertex_normals(beads().vertices, beads().faces)
    np.testing.assert_allclose(normals, np.tile(OCTAHEDRON, (23, 1)), atol=1e-12)


def test_axes_look_to_the_first_child_or_away_from_the_parent():
    centroids, axes = segment_axes(beads())
    joints = beads().rest_joints
    np.testing.assert_allclose(centroids, joints, atol=1e-12)

    def direction(start, end):
        offset = joints[XSENS.index(end)] - joints[XSENS.index(start)]
        return offset / np.linalg.norm(offset)

    for name, expected in {
        "Pelvis": direction("Pelvis", "L5"),
        "T8": direction("T8", "Neck"),
        "Head": direction("Neck", "Head"),
        "L_UpperArm": [0, 1, 0],
        "R_Hand": [0, -1, 0],
        "L_UpperLeg": [0, 0, -1],
        "L_Toe": direction("L_Foot", "L_Toe"),
    }.items():
        np.testing.assert_allclose(axes[XSENS.index(name)], expected, atol=1e-12)


def test_a_segment_without_candidates_is_passed_over():
    skinning = np.array(beads().skinning)
    skinning[6 * NECK : 6 * NECK + 6] = skinning[6 * T8]
    skinning[6 * HEAD : 6 * HEAD + 6] = skinning[6 * T8]
    for name in ("R_Shoulder", "R_UpperArm"):
        bead = slice(6 * XSENS.index(name), 6 * XSENS.index(name) + 6)
        skinning[bead] = skinning[6 * PELVIS]
    surface = replaced(beads(), skinning=skinning)
    centroids, axes = segment_axes(surface)
    assert np.isnan(centroids[[NECK, HEAD]]).all()
    # Of T8's children only the left shoulder is left.
    toward = centroids[XSENS.index("L_Shoulder")] - centroids[T8]
    np.testing.assert_allclose(axes[T8], toward / np.linalg.norm(toward), atol=1e-12)
    # The forearm's parent and grandparent are gone; it still looks to its hand.
    np.testing.assert_allclose(axes[XSENS.index("R_Forearm")], [0, -1, 0], atol=1e-12)
    assert not np.isin([NECK, HEAD], candidate_placements(surface).segment).any()


def test_centroids_do_not_depend_on_how_finely_the_surface_is_cut():
    surface = beads()
    face = surface.faces[0]
    middle = surface.vertices[face].mean(axis=0)
    new = len(surface.vertices)
    parts = [[face[0], face[1], new], [face[1], face[2], new], [face[2], face[0], new]]
    finer = replaced(
        surface,
        vertices=np.vstack([surface.vertices, middle]),
        faces=np.vstack([surface.faces[1:], parts]),
        skinning=np.vstack([surface.skinning, surface.skinning[:1]]),
    )
    # A third of a face's area passes to a point inside it: the moment is the same.
    np.testing.assert_allclose(
        segment_axes(finer)[0], segment_axes(surface)[0], atol=1e-12
    )


def test_frames_project_the_axis_into_the_surface():
    placements = candidate_placements(beads())
    knee = placements.frame[placements.segment == XSENS.index("L_LowerLeg")]
    front = knee[0]
    np.testing.assert_allclose(front[:, 2], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(front[:, 0], [0, 0, -1], atol=1e-12)
    np.testing.assert_allclose(front[:, 1], [0, 1, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("name", "corner", "tangent"),
    [
        ("L5", 4, [0, 1, 0]),
        ("L_LowerLeg", 5, [0, 1, 0]),
        ("L_UpperArm", 2, [0, 0, 1]),
        ("R_UpperArm", 2, [0, 0, 1]),
    ],
)
def test_an_axis_along_the_normal_falls_back_to_global_z_then_y(name, corner, tangent):
    placements = candidate_placements(beads())
    frame = placements.frame[6 * XSENS.index(name) + corner]
    np.testing.assert_allclose(frame[:, 2], OCTAHEDRON[corner], atol=1e-12)
    np.testing.assert_allclose(frame[:, 0], tangent, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(
    stature=st.floats(1.2, 2.1),
    index=st.floats(14, 45),
    sex=st.sampled_from(["male", "female"]),
)
def test_frames_are_right_handed_orthonormal_and_point_outwards(stature, index, sex):
    surface = default_surface(stature_m=stature, mass_kg=index * stature**2, sex=sex)
    placements = candidate_placements(surface)
    frame = placements.frame
    np.testing.assert_allclose(
        np.swapaxes(frame, 1, 2) @ frame,
        np.tile(np.eye(3), (len(frame), 1, 1)),
        atol=1e-12,
    )
    np.testing.assert_allclose(np.linalg.det(frame), 1)
    _, vertex = candidate_vertices(surface)
    normals = vertex_normals(surface.vertices, surface.faces)
    np.testing.assert_allclose(frame[:, :, 2], normals[vertex], atol=1e-12)


def test_frames_turn_with_the_body():
    turn = Rotation.from_rotvec([0.4, -0.8, 1.1]).as_matrix()
    turned = replaced(
        body(),
        vertices=body().vertices @ turn.T,
        rest_joints=body().rest_joints @ turn.T,
    )
    straight, rotated = candidate_placements(body()), candidate_placements(turned)
    np.testing.assert_allclose(rotated.frame, turn @ straight.frame, atol=1e-9)
    np.testing.assert_allclose(rotated.offset, straight.offset @ turn.T, atol=1e-12)


def _sorted(points):
    return points[np.lexsort(np.round(points, 9).T)]


def test_left_and_right_mirror_each_other():
    placements = candidate_placements(body())
    for segment, mirrored in enumerate(XSENS.mirrored):
        here = placements.offset[placements.segment == segment]
        there = placements.offset[placements.segment == mirrored] * [1, -1, 1]
        np.testing.assert_allclose(_sorted(here), _sorted(there), atol=1e-9)


def test_the_offset_in_t_pose_is_from_the_segment_origin():
    segment, vertex = candidate_vertices(body())
    expected = body().vertices[vertex] - segment_origins(body())[segment]
    np.testing.assert_allclose(
        candidate_placements(body()).offset, expected, atol=1e-14
    )


def test_the_offset_is_the_time_mean_over_the_posed_surface():
    position, rotation = random_motion(body(), frames=40, seed=3)
    placements = candidate_placements(body(), position, rotation)
    segment, vertex = candidate_vertices(body())
    posed = pose(body(), position, rotation)
    from_origin = posed[:, vertex] - position[:, segment]
    local = np.einsum("tpji,tpj->tpi", rotation[:, segment], from_origin)
    np.testing.assert_allclose(placements.offset, local.mean(axis=0), atol=1e-12)
    # Where neighbours blend, motion moves the mean away from the template.
    at_rest = candidate_placements(body()).offset
    assert np.abs(placements.offset - at_rest).max() > 1e-3


def test_long_recordings_are_summed_in_chunks(monkeypatch):
    position, rotation = random_motion(body(), frames=23, seed=4)
    whole = candidate_placements(body(), position, rotation)
    monkeypatch.setattr("anymo_jax.body.placement._CHUNK", 5)
    parts = candidate_placements(body(), position, rotation)
    np.testing.assert_allclose(parts.offset, whole.offset, atol=1e-12)


def test_rigid_motion_of_the_whole_body_leaves_offsets_alone():
    turns = Rotation.from_rotvec(np.linspace(0, 2, 9)[:, None] * [0.3, 1.0, -2.0])
    rotation = np.tile(turns.as_matrix()[:, None], (1, 23, 1, 1))
    origins = segment_origins(body())
    position = np.stack([turn.apply(origins) for turn in turns])
    position += np.array([100.0, 50.0, 0.0])
    moving = candidate_placements(body(), position, rotation)
    np.testing.assert_allclose(
        moving.offset, candidate_placements(body()).offset, atol=1e-10
    )


def test_offsets_follow_the_recording_not_the_templates_skeleton():
    position, rotation = random_motion(body(), frames=6, seed=5)
    longer = position.copy()
    hand = XSENS.index("L_Hand")
    # The wrist lies 3 cm farther along the forearm than the template has it.
    forearm = rotation[:, XSENS.index("L_Forearm")]
    longer[:, hand] += 0.03 * forearm[:, :, 1]
    before = candidate_placements(body(), position, rotation)
    after = candidate_placements(body(), longer, rotation)
    segment, vertex = candidate_vertices(body())
    blended = (segment == hand) & (body().skinning[vertex, hand] < 1)
    moved = np.linalg.norm(after.offset - before.offset, axis=1)
    assert moved[blended].min() > 1e-3
    assert moved[(segment == hand) & ~blended].max() < 1e-12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rotation": None}, "given together"),
        ({"position": np.zeros((4, 22, 3))}, r"position has shape \(4, 22, 3\)"),
        ({"position": np.zeros((0, 23, 3))}, r"position has shape \(0, 23, 3\)"),
        ({"rotation": np.zeros((5, 23, 3, 3))}, r"rotation has shape \(5, 23, 3, 3\)"),
        ({"position": np.full((4, 23, 3), np.nan)}, "position holds values"),
    ],
)
def test_bad_motion_is_refused(change, message):
    motion = {
        "position": np.zeros((4, 23, 3)),
        "rotation": np.tile(np.eye(3), (4, 23, 1, 1)),
    }
    with pytest.raises(ValueError, match=message):
        candidate_placements(body(), **(motion | change))
