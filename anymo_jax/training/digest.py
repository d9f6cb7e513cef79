"""Checksums of arrays on which every sharding and every number of devices agree.

The checksum of an array x with elements x_i, in words of 32 bits, is

    digest(x) = sum over i of mix(bits(x_i) xor mix(i + seed))   (mod 2^32)

for two seeds, 64 bits together, with the shape and dtype folded in. Sums of integers
have no order, hence no sharding. `mix` is the finaliser of MurmurHash3 (Appleby, 2011),
a bijection of the 32-bit words: a change of any one element, of one bit as of many,
always changes the sum. Any other change goes unseen once in 2^64 times. It guards
against accidents, not against forgers.
"""

import functools
import hashlib
import math
import zlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array, Shaped, UInt32

_SEEDS = (0x9E3779B9, 0x7F4A7C15)
# Elements of a leaf that is summed on the host where it lies there.
_SMALL = 1 << 20
_WORDS = {1: jnp.uint8, 2: jnp.uint16, 4: jnp.uint32, 8: jnp.uint32}


def named_leaves(tree: Any) -> dict[str, Any]:
    """Leaves of a tree by their path, such as `encoder/conv/kernel`.

    Raises:
      ValueError: where two leaves have one name.
    """
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    named = {jax.tree_util.keystr(p, simple=True, separator="/"): x for p, x in leaves}
    if len(named) != len(leaves):
        raise ValueError("two leaves have the same path; keys must not hold a '/'")
    return named


def digests(tree: Any) -> dict[str, str]:
    """The checksum of each leaf by its path, as 16 hexadecimal digits.

    The sums run on the devices that hold the leaves, which stay where they are; only
    eight bytes a leaf come to the host. Call it on all processes alike.

    Args:
      tree: of arrays that share one mesh or one device; typed random keys count by
        their data.

    Raises:
      TypeError: naming the dtype, for one without a defined bit pattern here.
    """
    named = named_leaves(tree)
    if not named:
        return {}
    sums = np.asarray(jax.device_get([_checksum(x) for x in named.values()]))
    salts = [_salt(leaf) for leaf in named.values()]
    words = (sums ^ np.array(salts, np.uint32)[:, None]).tolist()
    return {
        name: "".join(f"{word:08x}" for word in row)
        for name, row in zip(named, words, strict=True)
    }


def one_digest(tree: Any) -> str:
    """One digest of all leaves, as 64 hexadecimal digits; as `digests` otherwise."""
    joined = "".join(f"{k}={v};" for k, v in sorted(digests(tree).items()))
    return hashlib.sha256(joined.encode()).hexdigest()


def checksum(x: Shaped[Array, "..."]) -> UInt32[Array, "2"]:
    """Both sums of one array, without its shape and dtype; a pure function."""
    position = _position(x.shape)
    mixed = [_mix_words(_words(x), position, seed) for seed in _SEEDS]
    # One reduction for both: a tenth of the time of two, and each shard only hands on
    # its own pair of sums.
    zero = jnp.uint32(0)
    axes = tuple(range(x.ndim))
    return jnp.stack(jax.lax.reduce(mixed, [zero] * len(_SEEDS), _add, axes))


def _mix_words(words, position, seed):
    """What each element adds to the sum of one seed, (...,) uint32."""
    total = jnp.zeros((), jnp.uint32)
    for lane, word in enumerate(words):
        start = np.uint32((seed + lane * 0x85EBCA6B) % 2**32)
        total = total + _mix(word ^ _mix(position + start))
    return total


def _add(one, other):
    return [a + b for a, b in zip(one, other, strict=True)]


def _checksum(leaf):
    """The checksum of a leaf, whole on every device that holds a part of the leaf.

    A program per shape, not one for all leaves: hundreds of leaves share few shapes.
    A small leaf of the host costs less than to compile its program.
    """
    if _is_small_on_host(leaf):
        return _host_checksum(np.asarray(leaf))
    sharding = getattr(leaf, "sharding", None)
    mesh = sharding.mesh if isinstance(sharding, NamedSharding) else None
    return _jitted(mesh)(leaf)


def _is_small_on_host(leaf):
    kinds = (jnp.floating, jnp.integer, jnp.bool_)
    plain = any(jnp.issubdtype(leaf.dtype, kind) for kind in kinds)
    if not plain or leaf.dtype.itemsize > 4 or leaf.size > _SMALL:
        return False
    if isinstance(leaf, np.ndarray):
        return True
    devices = leaf.devices()
    return len(devices) == 1 and next(iter(devices)).platform == "cpu"


def _host_checksum(x):
    """`checksum` in NumPy, whose sums and products wrap likewise."""
    if jnp.issubdtype(x.dtype, jnp.floating):
        x = np.ascontiguousarray(x).view(f"uint{8 * x.dtype.itemsize}")
    words = x.astype(np.uint32)
    position = np.arange(x.size, dtype=np.uint32)
    starts = [_mix(position + np.uint32(seed)) for seed in _SEEDS]
    mixed = [_mix(words.reshape(-1) ^ start) for start in starts]
    return np.array([m.sum(dtype=np.uint32) for m in mixed])


@functools.cache
def _jitted(mesh):
    whole = None if mesh is None else NamedSharding(mesh, PartitionSpec())
    return jax.jit(_plain, out_shardings=whole)


def _plain(x):
    if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
        x = jax.random.key_data(x)
    return checksum(x)


def _salt(leaf):
    return zlib.crc32(f"{leaf.dtype}{list(leaf.shape)}".encode())


def _position(shape):
    """Row-major index of each element, (...,) uint32, without moving any shard."""
    position = jnp.zeros(shape, jnp.uint32)
    for axis in range(len(shape)):
        stride = np.uint32(math.prod(shape[axis + 1 :]) % 2**32)
        position += jax.lax.broadcasted_iota(jnp.uint32, shape, axis) * stride
    return position


def _words(x):
    """The bits of each element as one or two words, each (...,) uint32."""
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return [*_words(x.real), *_words(x.imag)]
    if x.dtype == bool or (
        jnp.issubdtype(x.dtype, jnp.integer) and x.dtype.itemsize <= 4
    ):
        return [x.astype(jnp.uint32)]
    if not jnp.issubdtype(x.dtype, jnp.number):
        raise TypeError(f"no checksum is defined for leaves of dtype {x.dtype}")
    bits = jax.lax.bitcast_convert_type(x, _WORDS[x.dtype.itemsize])
    if x.dtype.itemsize == 8:
        return [bits[..., 0], bits[..., 1]]
    return [bits.astype(jnp.uint32)]


def _mix(word):
    word = (word ^ (word >> 16)) * np.uint32(0x85EBCA6B)
    word = (word ^ (word >> 13)) * np.uint32(0xC2B2AE35)
    return word ^ (word >> 16)
