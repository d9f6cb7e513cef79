import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from anymo_jax.body.check import check_surface, signed_volume
from anymo_jax.body.load import load_surface
from anymo_jax.body.placement import candidate_vertices
from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.skinning import segment_origins, segment_weights
from tests.body.shapes import A_POSE, body, mesh_arrays

MESHES = ["", "_male", "_female", "_male_heavy", "_female_light"]


def _save(path, arrays):
    np.savez_compressed(path, **arrays)
    return path


@pytest.mark.parametrize("turns", [A_POSE, {}], ids=["a_pose", "t_pose"])
def test_a_posed_mesh_comes_back_in_t_pose(tmp_path, turns):
    surface = load_surface(_save(tmp_path / "mesh.npz", mesh_arrays(turns)))
    origins = segment_origins(surface)
    expected = segment_origins(body())
    t12 = XSENS.index("T12")
    kept = [i for i in range(23) if i != t12]
    np.testing.assert_allclose(origins[kept], expected[kept], atol=2e-3)
    # Where one segment alone holds the surface, posing and back leaves no trace but
    # the hand's own idea of straight.
    rigid = (body().skinning == 1).any(axis=1)
    distance = np.linalg.norm(surface.vertices - body().vertices, axis=1)
    assert distance[rigid].max() < 0.005
    assert np.median(distance[rigid]) < 1e-3


def test_rounded_weights_are_made_to_sum_to_one(tmp_path):
    arrays = mesh_arrays({})
    rounded = (1 - 5e-5) * arrays["weights"]
    surface = load_surface(_save(tmp_path / "m.npz", arrays | {"weights": rounded}))
    np.testing.assert_allclose(surface.skinning.sum(axis=1), 1, atol=1e-12)


def test_axes_are_turned_to_z_up(tmp_path):
    arrays = mesh_arrays({})
    surface = load_surface(_save(tmp_path / "mesh.npz", arrays))
    assert arrays["verts"][:, 1].max() == pytest.approx(1.75)
    assert surface.vertices[:, 2].max() == pytest.approx(1.75)


def test_t12_takes_its_weights_from_l3_smoothly(tmp_path):
    surface = load_surface(_save(tmp_path / "mesh.npz", mesh_arrays({})))
    weights = segment_weights(surface)
    l3, t12, t8 = (XSENS.index(n) for n in ("L3", "T12", "T8"))
    np.testing.assert_allclose(
        weights[:, l3] + weights[:, t12], body().skinning[:, [l3, t12]].sum(axis=1)
    )
    share = weights[:, t12] / np.maximum(weights[:, [l3, t12]].sum(axis=1), 1e-9)
    held = weights[:, [l3, t12]].sum(axis=1) > 0.1
    height = surface.vertices[held, 2]
    order = np.argsort(height)
    assert np.all(np.diff(share[held][order]) > -1e-9)
    low, high = segment_origins(surface)[[l3, t8], 2]
    assert segment_origins(surface)[t12, 2] == pytest.approx(0.5 * (low + high))
    assert share[held][order][0] < 0.05 < 0.95 < share[held][order][-1]
    assert np.bincount(candidate_vertices(surface)[0], minlength=23)[t12] > 20


def test_other_joint_names_load_with_a_table(tmp_path):
    arrays = mesh_arrays(A_POSE)
    plain = load_surface(_save(tmp_path / "plain.npz", arrays))
    names = [str(n) for n in arrays["joint_names"]]
    renamed = [f"bone_{n}" for n in names]
    table = {
        f"bone_{name}": XSENS.names[segment]
        for name, segment in zip(plain.joint_names, plain.joint_segment, strict=True)
    }
    path = _save(tmp_path / "renamed.npz", arrays | {"joint_names": np.array(renamed)})
    with pytest.raises(ValueError, match=r"joints of no known segment: bone_Hips"):
        load_surface(path)
    surface = load_surface(path, table)
    np.testing.assert_array_equal(surface.vertices, plain.vertices)


def _without(*keys):
    return lambda a: {k: v for k, v in a.items() if k not in keys}


def _with(key, change):
    return lambda a: a | {key: change(a[key].copy())}


def _set(index, value):
    def change(values):
        values[index] = value
        return values

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without("weights", "joints"), "missing joints, weights"),
        (_with("verts", lambda v: v[:, :2]), r"verts has shape \(\d+, 2\)"),
        (
            _with("verts", _set((5, 1), np.nan)),
            "verts holds values that are not finite",
        ),
        (_with("verts", lambda v: v.astype(int)), "verts has type int64"),
        (_with("weights", lambda w: w[:, 1:]), r"weights has shape"),
        (_with("weights", lambda w: 1.1 * w), "skinning weights do not sum to one"),
        (_with("weights", _set((0, 0), -1.0)), "negative skinning weights"),
        (_with("faces", _set((0, 0), 10**6)), "vertex index out of range"),
        (_with("faces", lambda f: f[1:]), "open or non-manifold edges"),
        (_with("faces", lambda f: f.astype(float)), "faces has type float64"),
        (_with("parents", _set(3, 20)), "parents must be one root"),
        (_with("joint_names", _set(4, "Tail")), "joints of no known segment: Tail"),
        (_with("joint_names", _set(5, "Neck")), "joint_names has no joint for Head"),
        (_with("joint_names", lambda n: n.astype(object)), "joint_names: .*pickle"),
        (_with("joint_names", _set(-1, "LeftFingerBase")), "'thumb' in its name"),
        (_with("joints", lambda j: np.where(j == j[3], j[2], j)), "T12"),
        (lambda a: a | {"up": np.array("z")}, "up is 'z'"),
    ],
)
def test_bad_files_are_refused_by_name(tmp_path, change, message):
    path = _save(tmp_path / "bad.npz", change(mesh_arrays(A_POSE)))
    with pytest.raises(ValueError, match=message) as error:
        load_surface(path)
    assert str(path) in str(error.value)


def test_what_is_no_npz_is_refused_by_name(tmp_path):
    for name, content in (("text.npz", b"not an archive"), ("empty.npz", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name}: not an .npz file"):
            load_surface(tmp_path / name)
    with pytest.raises(ValueError, match=r"absent.npz: no such file"):
        load_surface(tmp_path / "absent.npz")


def test_a_truncated_or_damaged_file_is_refused_by_name(tmp_path):
    path = _save(tmp_path / "mesh.npz", mesh_arrays(A_POSE))
    content = bytearray(path.read_bytes())
    (tmp_path / "short.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"short.npz: not an .npz file, or one cut"):
        load_surface(tmp_path / "short.npz")
    start = content.index(b"verts.npy") + 2000
    content[start : start + 400] = bytes(400)
    (tmp_path / "damaged.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged.npz: verts is damaged"):
        load_surface(tmp_path / "damaged.npz")


@pytest.mark.data
@pytest.mark.parametrize("name", MESHES)
def test_makehuman_bodies_come_in_t_pose(data_dir, name):
    path = data_dir / "body" / f"makehuman_cmu{name}.npz"
    surface = load_surface(path)
    check_surface(surface, name)
    origins = dict(zip(XSENS.names, segment_origins(surface), strict=True))
    np.testing.assert_allclose(origins["Pelvis"][:2], 0, atol=1e-12)
    assert surface.vertices[:, 2].min() == pytest.approx(0, abs=1e-12)
    for side, sign in (("R", -1), ("L", 1)):
        shoulder, elbow, wrist = (
            origins[f"{side}_{n}"] for n in ("UpperArm", "Forearm", "Hand")
        )
        np.testing.assert_allclose(elbow[[0, 2]], shoulder[[0, 2]], atol=1e-9)
        np.testing.assert_allclose(wrist[[0, 2]], shoulder[[0, 2]], atol=1e-9)
        assert sign * wrist[1] > sign * elbow[1] > sign * shoulder[1] > 0
        hip, knee, ankle, ball = (
            origins[f"{side}_{n}"] for n in ("UpperLeg", "LowerLeg", "Foot", "Toe")
        )
        np.testing.assert_allclose(knee[:2], hip[:2], atol=1e-9)
        np.testing.assert_allclose(ankle[:2], hip[:2], atol=1e-9)
        np.testing.assert_allclose(ball[1], ankle[1], atol=1e-9)
        assert ball[0] > ankle[0] + 0.08
    assert np.all(np.bincount(candidate_vertices(surface)[0], minlength=23) > 100)


@pytest.mark.data
@pytest.mark.parametrize("name", MESHES)
def test_makehuman_palms_face_down_with_the_thumb_in_front(data_dir, name):
    surface = load_surface(data_dir / "body" / f"makehuman_cmu{name}.npz")
    for side in "LR":
        own = segment_weights(surface)[:, XSENS.index(f"{side}_Hand")]
        thumb = surface.skinning[:, surface.joint_names.index(f"{side}Thumb")]
        fingers = own - thumb
        centre = fingers @ surface.vertices / fingers.sum()
        thumb_centre = thumb @ surface.vertices / thumb.sum()
        assert thumb_centre[0] > centre[0] + 0.015
        spread = (surface.vertices - centre) * np.sqrt(fingers)[:, None]
        normal = np.linalg.eigh(spread.T @ spread)[1][:, 0]
        assert abs(normal[2]) > 0.997
        # The thumb opposes the palm, so it hangs below the back of the hand.
        assert thumb_centre[2] < centre[2]


@pytest.mark.data
def test_reposing_keeps_the_volume_and_the_bones(data_dir):
    path = data_dir / "body" / "makehuman_cmu_male.npz"
    surface = load_surface(path)
    with np.load(path, allow_pickle=False) as file:
        original = signed_volume(file["verts"].astype(float), file["faces"])
        joints, parents = file["joints"].astype(float), file["parents"]
    volume = signed_volume(surface.vertices, surface.faces)
    assert volume == pytest.approx(original, rel=0.01)
    before = np.linalg.norm(joints[1:] - joints[parents[1:]], axis=1)
    rest = surface.rest_joints[: len(joints)]
    after = np.linalg.norm(rest[1:] - rest[parents[1:]], axis=1)
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_half_the_forearms_twist_is_at_the_elbow(tmp_path):
    turns = A_POSE | {"L_Hand": Rotation.from_euler("y", 60, degrees=True)}
    surface = load_surface(_save(tmp_path / "mesh.npz", mesh_arrays(turns)))
    forearm = body().skinning[:, XSENS.index("L_Forearm")] == 1
    centre = segment_origins(body())[XSENS.index("L_Forearm")]
    before, after = (
        (points[forearm] - centre)[:, [0, 2]]
        for points in (body().vertices, surface.vertices)
    )
    angle = np.angle(np.sum((after @ [1, 1j]) * np.conj(before @ [1, 1j])))
    assert np.rad2deg(abs(angle)) == pytest.approx(30, abs=2)
