import numpy as np
import pytest

from anymo_jax.body.check import check_surface, face_areas, signed_volume
from tests.body.shapes import beads, body, replaced


def _changed(values, index, value):
    values = np.array(values)
    values[index] = value
    return values


def test_sound_surfaces_pass():
    check_surface(beads(), "beads")
    check_surface(body(), "body")


def test_area_and_volume_of_an_octahedron():
    surface = beads(radius_m=0.02)
    areas = face_areas(surface.vertices, surface.faces)
    np.testing.assert_allclose(areas, np.sqrt(3) / 2 * 0.02**2)
    volume = signed_volume(surface.vertices, surface.faces)
    assert volume == pytest.approx(23 * 4 / 3 * 0.02**3)


@pytest.mark.parametrize(
    ("field", "index", "value", "message"),
    [
        ("vertices", (7, 1), np.nan, "vertices holds values that are not finite"),
        ("skinning", (9, 0), -0.5, r"1 vertices with negative .* \(first: 9\)"),
        ("skinning", (9, 0), 0.5, r"1 vertices whose skinning .* \(first: 9\)"),
        ("faces", (3, 0), 138, r"1 faces with a vertex index out of range .*3"),
        ("faces", (3, 0), -1, r"1 faces with a vertex index out of range .*3"),
        ("faces", (4, 0), 0, r"open or non-manifold edges \(first: "),
        ("vertices", (8,), [0.02, 0.0, 0.0], None),
        ("joint_segment", (22,), 21, "segments without a joint: L_Toe"),
        ("joint_segment", (22,), 40, "joints of no segment: L_Toe"),
    ],
)
def test_each_defect_is_named(field, index, value, message):
    surface = beads()
    if message is None:
        # Two corners of three faces meet, which leaves them without area.
        value, message = surface.vertices[6], r"2 degenerate faces \(first: "
        value = surface.vertices[10]
    changed = _changed(getattr(surface, field), index, value)
    if field == "joint_segment":
        changed = tuple(changed.tolist())
    with pytest.raises(ValueError, match=message) as error:
        check_surface(replaced(surface, **{field: changed}), "some.npz")
    assert str(error.value).startswith("some.npz: ")


def test_every_kind_of_defect_is_reported_at_once():
    surface = beads()
    broken = replaced(
        surface,
        faces=np.array(surface.faces)[:-8],
        skinning=_changed(surface.skinning, (0, 0), 2.0),
    )
    with pytest.raises(ValueError, match=r"do not sum to one .*6 vertices in no face"):
        check_surface(broken, "broken")


def test_a_hole_is_found_unless_open_surfaces_are_allowed():
    surface = replaced(beads(), faces=np.array(beads().faces)[1:])
    with pytest.raises(ValueError, match="3 open or non-manifold edges"):
        check_surface(surface, "holed")
    check_surface(surface, "holed", closed=False)


def test_a_flipped_face_is_found():
    faces = np.array(beads().faces)
    faces[5] = faces[5, ::-1]
    with pytest.raises(ValueError, match="non-manifold edges"):
        check_surface(replaced(beads(), faces=faces), "flipped")


def test_wrong_shapes_are_named():
    surface = replaced(
        beads(), skinning=np.ones((138, 5)), rest_joints=np.ones((23, 2))
    )
    with pytest.raises(ValueError, match=r"skinning has shape .*rest_joints has shape"):
        check_surface(surface, "x")
