"""State dicts as files: types, round trips, and files that are refused by name."""

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from anymo_jax.encoder.state_dict import check_keys, read_state_dict, write_state_dict

ARRAYS = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "b.num_batches_tracked": np.array(7, np.int64),
}


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_round_trip_keeps_values_shapes_and_integers(tmp_path, suffix):
    path = tmp_path / f"state{suffix}"
    write_state_dict(path, ARRAYS)
    found = read_state_dict(path)
    assert set(found) == set(ARRAYS)
    for key, array in ARRAYS.items():
        assert found[key].shape == array.shape and found[key].dtype == array.dtype
        np.testing.assert_array_equal(found[key], array)


def test_other_floats_become_float32(tmp_path):
    values = np.array([0.5, -3.0])
    given = {
        str(np.dtype(t)): values.astype(t)
        for t in (np.float16, np.float64, ml_dtypes.bfloat16)
    }
    safetensors.numpy.save_file(given, tmp_path / "state.safetensors")
    for array in read_state_dict(tmp_path / "state.safetensors").values():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, values)


def cut_short(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_file_cut_short_is_refused(tmp_path, suffix):
    path = tmp_path / f"state{suffix}"
    write_state_dict(path, ARRAYS)
    cut_short(path)
    with pytest.raises(ValueError, match="cut short") as caught:
        read_state_dict(path)
    assert str(path) in str(caught.value)


def test_a_damaged_array_is_named(tmp_path):
    path = tmp_path / "state.npz"
    write_state_dict(path, {"long": np.zeros(1000, np.float32)})
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match="long is damaged"):
        read_state_dict(path)


def test_pickles_texts_and_non_finite_values_are_refused(tmp_path):
    path = tmp_path / "state.npz"
    for value, message in (
        (np.array([{}], object), "save it as plain arrays"),
        (np.array(["x"]), "expected numbers"),
        (np.array([1.0, np.nan]), "not finite"),
    ):
        np.savez(path, key=value)
        with pytest.raises(ValueError, match=message) as caught:
            read_state_dict(path)
        assert "key" in str(caught.value)


def test_absent_files_and_other_kinds_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        read_state_dict(tmp_path / "state.npz")
    (tmp_path / "state.pt").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"expected \.npz or \.safetensors"):
        read_state_dict(tmp_path / "state.pt")
    with pytest.raises(ValueError, match=r"name the file \.npz or \.safetensors"):
        write_state_dict(tmp_path / "state.pt", ARRAYS)


def test_keys_are_checked_and_every_fault_listed():
    found = {"a": np.zeros(3), "b": np.zeros((2, 2)), "c": np.zeros(1)}
    check_keys(found, {"a": (3,), "b": (2, 2)}, "file", optional={"c": (1,), "d": (9,)})
    with pytest.raises(ValueError) as caught:
        check_keys(found, {"a": (3,), "b": (2, 3), "e": ()}, "file")
    told = str(caught.value)
    assert told.startswith("file: ")
    assert "missing: e" in told and "unexpected: c" in told
    assert "mis-shaped: b (2, 2), expected (2, 3)" in told
    with pytest.raises(ValueError, match=r"c \(1,\), expected \(2,\)"):
        check_keys({"c": np.zeros(1)}, {}, "file", optional={"c": (2,)})


def test_a_long_list_of_keys_is_cut():
    with pytest.raises(ValueError, match="and 12 more"):
        check_keys({}, {str(i): () for i in range(20)}, "file")
