import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymo_jax.body.check import check_surface, face_areas, signed_volume
from anymo_jax.body.fit import fit_surface
from anymo_jax.body.load import load_surface
from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.skinning import segment_origins
from anymo_jax.body.template import default_surface
from tests.body.shapes import body


def _offsets(origins):
    parents = np.array(XSENS.parents)
    offsets = origins - origins[parents]
    offsets[0] = 0
    return offsets


OWN = _offsets(segment_origins(body()))


def test_own_offsets_give_the_surface_back():
    fitted = fit_surface(body(), OWN)
    np.testing.assert_allclose(fitted.vertices, body().vertices, atol=1e-14)
    np.testing.assert_allclose(fitted.rest_joints, body().rest_joints, atol=1e-14)


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.6, 1.5))
def test_a_scaled_skeleton_gives_the_scaled_surface(scale):
    fitted = fit_surface(body(), scale * OWN)
    np.testing.assert_allclose(fitted.vertices, scale * body().vertices, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_joints_land_on_the_recordings_and_the_surface_stays_sound(seed):
    rng = np.random.default_rng(seed)
    lengths = rng.uniform(0.75, 1.3, (len(XSENS), 1))
    offsets = OWN * lengths + rng.normal(0, 0.01, OWN.shape)
    fitted = fit_surface(body(), offsets)
    offsets[0] = 0
    np.testing.assert_allclose(_offsets(segment_origins(fitted)), offsets, atol=1e-12)
    check_surface(fitted, "fitted")
    assert face_areas(fitted.vertices, fitted.faces).min() > 1e-7
    assert signed_volume(fitted.vertices, fitted.faces) > 0.02
    np.testing.assert_allclose(fitted.rest_joints[0, :2], 0, atol=1e-12)
    assert fitted.vertices[:, 2].min() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", XSENS.names[1:])
def test_a_bone_without_length_does_not_collapse_the_surface(name):
    offsets = OWN.copy()
    offsets[XSENS.index(name)] = 0
    fitted = fit_surface(body(), offsets)
    check_surface(fitted, name)
    areas = face_areas(fitted.vertices, fitted.faces)
    before = face_areas(body().vertices, body().faces)
    assert (areas / before).min() > 0.02
    ratio = signed_volume(fitted.vertices, fitted.faces) / signed_volume(
        body().vertices, body().faces
    )
    assert 0.6 < ratio < 1.1


def test_a_spine_in_one_lump_is_spread_out_again():
    offsets = OWN.copy()
    whole = OWN[[XSENS.index(n) for n in ("L5", "L3", "T12", "T8")]].sum(axis=0)
    for name in ("L5", "L3", "T12"):
        offsets[XSENS.index(name)] = 0
    offsets[XSENS.index("T8")] = whole
    fitted = fit_surface(body(), offsets)
    check_surface(fitted, "lump")
    moved = np.linalg.norm(fitted.vertices - body().vertices, axis=1)
    # Little but the spine's own segments has moved.
    spine = body().skinning[:, :5].sum(axis=1) > 0
    assert moved[~spine].max() < 0.003
    assert 0.005 < moved.max() < 0.13


def test_a_longer_bone_lengthens_its_segment_only():
    offsets = OWN.copy()
    hand, fore = XSENS.index("L_Hand"), XSENS.index("L_Forearm")
    offsets[hand] *= 1.2
    fitted = fit_surface(body(), offsets)
    before, after = body().vertices, fitted.vertices
    own = body().skinning[:, fore] == 1
    spread = [np.ptp(v[own, 1]) for v in (before, after)]
    assert spread[1] / spread[0] == pytest.approx(1.2, rel=0.01)
    # Across, the overall scale holds, which one forearm changes by two per cent.
    assert np.ptp(after[own, 0]) / np.ptp(before[own, 0]) == pytest.approx(1, abs=0.03)


def test_the_soles_stay_flat():
    offsets = OWN.copy()
    for side in "RL":
        # A skeleton whose ankle lies higher over the ball of the foot.
        offsets[XSENS.index(f"{side}_Toe")] = [0.14, 0.0, -0.09]
    fitted = fit_surface(body(), offsets)
    sole = body().vertices[:, 2] < 1e-6
    assert sole.sum() >= 20
    assert np.ptp(fitted.vertices[sole, 2]) < 1e-3


def test_extra_joints_move_with_their_segment():
    toe = XSENS.index("L_Toe")
    surface = body()
    extra = surface.rest_joints[toe] + [0.05, 0, 0]
    surface = dataclasses.replace(
        surface,
        skinning=np.column_stack([surface.skinning, np.zeros(len(surface.vertices))]),
        rest_joints=np.vstack([surface.rest_joints, extra]),
        joint_names=(*surface.joint_names, "L_BigToe"),
        joint_segment=(*surface.joint_segment, toe),
    )
    fitted = fit_surface(surface, 1.1 * OWN)
    np.testing.assert_allclose(fitted.rest_joints[-1], 1.1 * extra)


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        (OWN[:-1], r"got \(22, 3\)"),
        (np.full((23, 3), np.nan), "offsets must be finite"),
        (100 * OWN, "are they in metres"),
    ],
)
def test_bad_offsets_are_refused(offsets, message):
    with pytest.raises(ValueError, match=message):
        fit_surface(body(), offsets)


@pytest.mark.data
@pytest.mark.parametrize("name", ["cmu", "bandai_a", "bandai_b"])
def test_every_skeleton_of_the_packs_fits(data_dir, name):
    with np.load(data_dir / "mocap" / f"{name}.npz", allow_pickle=False) as file:
        names = [str(n) for n in file["joint_names"]]
        skeletons = file["tpose"][:, :, [2, 0, 1]].astype(float)
    order = [*("Hips", "LowerBack", "Spine", "Spine", "Spine1", "Neck", "Head")]
    for side in ("Right", "Left"):
        order += [side + n for n in ("Shoulder", "Arm", "ForeArm", "Hand")]
    for side in ("Right", "Left"):
        order += [side + n for n in ("UpLeg", "Leg", "Foot", "ToeBase")]
    for skeleton in skeletons:
        origins = skeleton[[names.index(n) for n in order]]
        t12, t8 = XSENS.index("T12"), XSENS.index("T8")
        origins[t12] = 0.5 * (origins[t12] + origins[t8])
        fitted = fit_surface(default_surface(), _offsets(origins))
        check_surface(fitted, name)
        np.testing.assert_allclose(
            _offsets(segment_origins(fitted)), _offsets(origins), atol=1e-9
        )
        stature = fitted.vertices[:, 2].max()
        assert 1.4 < stature < 2.0
        mass_index = 1000 * signed_volume(fitted.vertices, fitted.faces) / stature**2
        assert 15 < mass_index < 28


@pytest.mark.data
def test_a_loaded_mesh_fits_the_templates_skeleton(data_dir):
    mesh = load_surface(data_dir / "body" / "makehuman_cmu_male.npz")
    own = _offsets(segment_origins(mesh))
    back = fit_surface(mesh, own)
    np.testing.assert_allclose(back.vertices, mesh.vertices, atol=1e-12)
    fitted = fit_surface(mesh, OWN)
    check_surface(fitted, "fitted")
    np.testing.assert_allclose(_offsets(segment_origins(fitted)), OWN, atol=1e-12)
