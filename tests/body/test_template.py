import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from anymo_jax.body.check import check_surface, face_areas, signed_volume
from anymo_jax.body.load import load_surface
from anymo_jax.body.placement import candidate_vertices, vertex_normals
from anymo_jax.body.proportions import rest_joints, segment_ends
from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.template import default_surface
from tests.body.shapes import body

# Paper, table 5, in the skeleton's order.
TABLE_5 = np.array(
    [
        *(108, 59, 35, 90, 105, 44, 290),
        *(42, 90, 127, 145),
        *(45, 90, 120, 145),
        *(108, 122, 125, 72),
        *(106, 122, 112, 72),
    ]
)
BODIES = [
    {"stature_m": 1.75, "sex": "male"},
    {"stature_m": 1.62, "sex": "female"},
    {"stature_m": 1.93, "sex": "male", "mass_kg": 130.0},
    {"stature_m": 1.48, "sex": "female", "mass_kg": 37.0},
]


@settings(max_examples=12, deadline=None)
@given(
    stature=st.floats(1.0, 2.2),
    index=st.floats(13, 49),
    sex=st.sampled_from(["male", "female"]),
)
def test_every_body_is_sound_and_closed(stature, index, sex):
    surface = default_surface(stature_m=stature, mass_kg=index * stature**2, sex=sex)
    check_surface(surface, "template")
    vertices, faces = surface.vertices, surface.faces
    edges = len(faces) * 3 // 2
    assert len(vertices) - edges + len(faces) == 2
    assert face_areas(vertices, faces).min() > 1e-6 * (stature / 1.75) ** 2
    assert vertices[:, 2].min() == pytest.approx(0, abs=1e-9)
    assert vertices[:, 2].max() == pytest.approx(stature)


@pytest.mark.parametrize("options", BODIES)
def test_normals_point_outwards(options):
    surface = default_surface(**options)
    volume = signed_volume(surface.vertices, surface.faces)
    normals = vertex_normals(surface.vertices, surface.faces)
    swollen = signed_volume(surface.vertices + 1e-4 * normals, surface.faces)
    area = face_areas(surface.vertices, surface.faces).sum()
    assert swollen - volume == pytest.approx(1e-4 * area, rel=0.1)


@pytest.mark.parametrize("options", BODIES)
def test_volume_holds_the_mass(options):
    surface = default_surface(**options)
    mass = options.get("mass_kg", 21.75 * options["stature_m"] ** 2)
    volume = signed_volume(surface.vertices, surface.faces)
    assert 1000 * volume == pytest.approx(mass, rel=2e-3)


@pytest.mark.parametrize("options", BODIES)
def test_surface_area_is_that_of_a_person(options):
    surface = default_surface(**options)
    area = face_areas(surface.vertices, surface.faces).sum()
    mass = 1000 * signed_volume(surface.vertices, surface.faces)
    # Du Bois & Du Bois 1916; a mitten has no fingers, which are 3 per cent of it.
    expected = 0.007184 * mass**0.425 * (100 * options["stature_m"]) ** 0.725
    assert area == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("options", BODIES)
def test_candidates_per_segment_follow_table_5(options):
    segment, _ = candidate_vertices(default_surface(**options))
    counts = np.bincount(segment, minlength=len(XSENS))
    np.testing.assert_allclose(counts / TABLE_5, 1, atol=0.15)
    assert counts.sum() == pytest.approx(TABLE_5.sum(), rel=0.02)


@pytest.mark.parametrize("options", BODIES)
def test_left_and_right_are_exact_mirror_images(options):
    surface = default_surface(**options)
    mirrored = surface.vertices * [1, -1, 1]
    distance, partner = cKDTree(surface.vertices).query(mirrored)
    assert distance.max() == 0
    assert set(partner.tolist()) == set(range(len(mirrored)))
    np.testing.assert_array_equal(
        surface.skinning[partner], surface.skinning[:, list(XSENS.mirrored)]
    )
    faces = {tuple(np.roll(f, -int(np.argmin(f)))) for f in surface.faces.tolist()}
    flipped = partner[surface.faces][:, ::-1]
    assert faces == {tuple(np.roll(f, -int(np.argmin(f)))) for f in flipped.tolist()}


def test_every_body_has_the_same_topology_and_skinning():
    first, *others = (default_surface(**options) for options in BODIES)
    for other in others:
        np.testing.assert_array_equal(other.faces, first.faces)
        np.testing.assert_array_equal(other.skinning, first.skinning)


def test_joints_are_those_of_the_proportions():
    surface = default_surface(stature_m=1.6, sex="female")
    np.testing.assert_array_equal(surface.rest_joints, rest_joints(1.6, "female"))
    assert surface.joint_names == XSENS.names
    assert surface.joint_segment == tuple(range(23))


def test_limbs_end_where_the_proportions_say():
    ends, vertices = segment_ends(1.75), body().vertices
    assert vertices[:, 1].max() == pytest.approx(ends[XSENS.index("L_Hand"), 1])
    assert vertices[:, 0].max() == pytest.approx(ends[XSENS.index("L_Toe"), 0])


@pytest.mark.parametrize("name", ["Head", "L_UpperArm", "R_LowerLeg", "L_Hand", "L5"])
def test_bones_lie_inside_their_segments(name):
    index = XSENS.index(name)
    start, end = body().rest_joints[index], segment_ends()[index]
    axis = (end - start) / np.linalg.norm(end - start)
    own = body().vertices[body().skinning[:, index] == 1]
    for share in (0.3, 0.5, 0.7):
        # Seen from a point of the bone, the surface lies on every side of it.
        around = own - (start + share * (end - start))
        for direction in np.eye(3)[np.argsort(np.abs(axis))[:2]]:
            across = direction - (direction @ axis) * axis
            assert (around @ across).max() > 0.004
            assert (around @ across).min() < -0.004


def test_skinning_is_smooth_along_edges():
    edges = body().faces[:, [0, 1]]
    step = np.abs(np.diff(body().skinning[edges], axis=1)).max(axis=2)
    assert step.max() <= 0.9
    assert np.quantile(step, 0.9) <= 0.5
    # Every joint has a zone where both neighbours hold the surface.
    for segment, parent in enumerate(XSENS.parents):
        if parent >= 0:
            pair = body().skinning[:, [segment, parent]]
            assert (pair.min(axis=1) > 0.05).sum() >= 5


def test_heavier_is_wider_but_no_taller():
    thin = default_surface(mass_kg=55)
    heavy = default_surface(mass_kg=110)
    for segment in ("L3", "L_UpperLeg", "R_UpperArm"):
        own = thin.skinning[:, XSENS.index(segment)] > 0.5
        spread = [s.vertices[own].std(axis=0)[0] for s in (thin, heavy)]
        assert spread[1] > 1.15 * spread[0]
    head = thin.skinning[:, XSENS.index("Head")] == 1
    np.testing.assert_array_equal(thin.vertices[head], heavy.vertices[head])
    assert thin.vertices[:, 2].max() == heavy.vertices[:, 2].max()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sex": "other"}, "sex must be one of"),
        ({"stature_m": 175.0}, "stature_m"),
        ({"mass_kg": 700.0}, "body mass index outside"),
        ({"mass_kg": float("nan")}, "body mass index outside"),
    ],
)
def test_absurd_bodies_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        default_surface(**options)


def _points_on(surface, count=60_000):
    """Points spread evenly over a surface, seeded."""
    rng = np.random.default_rng(0)
    corners = np.asarray(surface.vertices)[np.asarray(surface.faces)]
    areas = face_areas(np.asarray(surface.vertices), np.asarray(surface.faces))
    chosen = corners[rng.choice(len(areas), count, p=areas / areas.sum())]
    return np.einsum("pk,pki->pi", rng.dirichlet(np.ones(3), count), chosen)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "sex"),
    [
        ("makehuman_cmu", "male"),
        ("makehuman_cmu", "female"),
        ("makehuman_cmu_male", "male"),
        ("makehuman_cmu_female", "female"),
    ],
)
def test_the_surface_lies_within_2_cm_of_a_makehuman_body(data_dir, name, sex):
    other = load_surface(data_dir / "body" / f"{name}.npz")
    stature = float(other.vertices[:, 2].max())
    own = default_surface(stature_m=stature, sex=sex)
    # Sixty thousand points lie 3 mm apart, so distances are upper bounds.
    there, _ = cKDTree(_points_on(other)).query(own.vertices)
    back, _ = cKDTree(_points_on(own)).query(other.vertices)
    assert np.median(there) < 0.02
    assert np.median(back) < 0.02
    even, _ = cKDTree(_points_on(own)).query(_points_on(other))
    assert np.median(even) < 0.015
