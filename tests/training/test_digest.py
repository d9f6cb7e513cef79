"""Digests: blind to sharding, and to nothing else."""

import zlib

import jax
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from anymo_jax.training.digest import checksum, digests, named_leaves

DTYPES = [
    *(np.float32, ml_dtypes.bfloat16, np.float16, ml_dtypes.float8_e4m3fn),
    *(np.int32, np.uint8, np.int16, np.bool_, np.complex64),
]
# Few shapes, so that few programs are compiled for many examples.
SHAPES = [(), (1,), (16,), (8, 3), (4, 2, 8)]
BUDGET = settings(deadline=None, max_examples=25)


def noise(dtype, shape, seed=0):
    """An array of random bits: NaNs, infinities and subnormals among them."""
    rng = np.random.default_rng(seed)
    if dtype == np.bool_:
        return rng.integers(0, 2, shape).astype(bool)
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(rng.bytes(count), dtype).reshape(shape).copy()


def flip(array, bit):
    """The array with one of its bits turned; a bool counts as one bit."""
    flipped = array.copy()
    if array.dtype == np.bool_:
        flipped.reshape(-1)[bit % array.size] ^= True
        return flipped
    octets = flipped.reshape(-1).view(np.uint8)
    octets[bit // 8 % octets.size] ^= np.uint8(1 << bit % 8)
    return flipped


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
@BUDGET
@given(st.sampled_from(SHAPES), st.integers(0, 2**16), st.integers(0, 2**32 - 1))
def test_any_flipped_bit_shows(dtype, shape, bit, seed):
    array = noise(dtype, shape, seed)
    before = digests({"a": array, "b": np.ones(3, np.float32)})
    after = digests({"a": flip(array, bit), "b": np.ones(3, np.float32)})
    assert before["a"] != after["a"]
    assert before["b"] == after["b"]


@BUDGET
@given(st.integers(0, 15), st.integers(1, 15), st.integers(0, 2**32 - 1))
def test_swapped_elements_show(first, gap, seed):
    array = np.random.default_rng(seed).permutation(16).astype(np.float32)
    second = (first + gap) % 16
    swapped = array.copy()
    swapped[[first, second]] = array[[second, first]]
    assert digests(array) != digests(swapped)


SPECS = [
    *(P(), P("data"), P(("data", "fsdp")), P("fsdp", "data"), P(None, None, "data")),
]


@pytest.mark.parametrize(
    ("dtype", "spec"),
    [(np.float32, spec) for spec in SPECS] + [(d, P("fsdp")) for d in DTYPES[1:]],
    ids=str,
)
def test_the_same_on_one_device_and_on_eight(dtype, spec):
    mesh = jax.make_mesh((4, 2), ("data", "fsdp"), axis_types=(AxisType.Auto,) * 2)
    array = noise(dtype, (8, 4, 4))
    spread = jax.device_put(array, NamedSharding(mesh, spec))
    alone = jax.device_put(array, jax.devices()[0])
    assert digests(spread) == digests(alone) == digests(array)
    assert spread.sharding.spec == spec


def test_shards_are_not_gathered():
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    x = jax.device_put(np.zeros((64, 128), np.float32), NamedSharding(mesh, P("data")))
    program = jax.jit(checksum).lower(x).compile().as_text()
    assert "f32[8,128]" in program
    assert "[64,128]" not in program.split("ENTRY")[1]


def test_shape_and_dtype_count():
    zeros = [
        np.zeros(shape, dtype)
        for shape in [(), (1,), (6,), (2, 3), (3, 2), (0,), (0, 2)]
        for dtype in (np.float32, np.int32, np.uint32, ml_dtypes.bfloat16)
    ]
    assert len({digests(x)[""] for x in zeros}) == len(zeros)


def test_values_of_one_place_do_not_fit_another():
    # Adding leaves up would hide these: equal elements at other places.
    one_hot = np.eye(16, dtype=np.float32)
    assert len({digests(row)[""] for row in one_hot}) == 16


def test_typed_keys_have_a_digest():
    one, two = digests(jax.random.key(1)), digests(jax.random.key(2))
    assert one != two
    assert one == digests(jax.random.key(1))


def test_names_are_paths():
    tree = {"encoder": {"conv": [np.ones(2), np.zeros(2)]}, "none": None}
    assert list(digests(jax.tree.map(np.float32, tree))) == [
        "encoder/conv/0",
        "encoder/conv/1",
    ]
    assert digests({}) == {}
    with pytest.raises(ValueError, match="same path"):
        named_leaves({"a/b": 1, "a": {"b": 2}})


def test_dtypes_without_bits_are_refused():
    with pytest.raises(TypeError, match="float0"):
        digests({"a": np.zeros(3, jax.dtypes.float0)})


def mix(word):
    word = (word ^ word >> 16) * 0x85EBCA6B % 2**32
    word = (word ^ word >> 13) * 0xC2B2AE35 % 2**32
    return word ^ word >> 16


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16, np.int32, np.uint8])
def test_equals_the_formula(dtype):
    """Another formula would orphan every checkpoint written before: do not change."""
    array = noise(dtype, (5, 3))
    width = array.dtype.itemsize
    words = array.reshape(-1).view(f"u{width}").tolist()
    salt = zlib.crc32(f"{array.dtype}[5, 3]".encode())
    sums = [
        sum(mix(word ^ mix((i + seed) % 2**32)) for i, word in enumerate(words))
        for seed in (0x9E3779B9, 0x7F4A7C15)
    ]
    expected = "".join(f"{total % 2**32 ^ salt:08x}" for total in sums)
    assert digests(array) == {"": expected}
