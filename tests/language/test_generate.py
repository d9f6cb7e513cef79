"""Generation: cached steps, padding, buckets, sampling, stop tokens, refusals."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.language import generate as module
from anymo_jax.language.generate import generate
from anymo_jax.language.qwen2 import abstract_params, axes, preset, qwen2_logits
from anymo_jax.language.qwen2.sampling import choose, make_sampling
from anymo_jax.training import sharding

SMALL = preset(
    "tiny",
    vocab_size=48,
    hidden_size=32,
    intermediate_size=48,
    layers=2,
    head_dim=8,
    max_length=64,
    tie_embeddings=False,
)
ROWS, LENGTH, NEW = 3, 7, 12


@pytest.fixture(scope="module")
def params():
    rng = np.random.default_rng(1)
    return jax.tree.map(
        lambda leaf: rng.normal(0.1, 0.3, leaf.shape).astype(np.float32),
        abstract_params(SMALL),
    )


TOKENS = np.random.default_rng(2).integers(0, SMALL.vocab_size, (ROWS, LENGTH))
MASK = np.arange(LENGTH)[None] >= np.array([[0], [2], [4]])


@pytest.fixture(scope="module")
def greedy(params):
    """New tokens of each prompt (ROWS, NEW)."""
    found = generate(params, SMALL, TOKENS, max_new_tokens=NEW, mask=MASK)
    assert found.shape == (ROWS, LENGTH + NEW) and found.dtype == np.int32
    np.testing.assert_array_equal(found[:, :LENGTH], TOKENS)
    return found[:, LENGTH:]


def test_cached_steps_are_the_likeliest_of_the_whole(params, greedy):
    """Without a cache: each new token is argmax over all before it."""
    assert len(np.unique(greedy)) > 6
    for row, mask, new in zip(TOKENS, MASK, greedy, strict=True):
        prompt = row[mask]
        whole = np.concatenate([prompt, new])
        # One width for all rows, so that one program serves.
        padded = np.zeros((1, LENGTH + NEW), int)
        padded[0, : len(whole)] = whole
        logits = np.asarray(qwen2_logits(params, SMALL, padded))[0]
        steps = np.arange(len(prompt) - 1, len(whole) - 1)
        np.testing.assert_array_equal(logits[steps].argmax(axis=1), new)


def test_further_padding_and_company_change_nothing(params, greedy):
    """Padding beyond the context too: real tokens alone count towards it."""
    wide = np.pad(TOKENS[::-1], [(0, 0), (60, 0)], constant_values=5)
    mask = np.pad(MASK[::-1], [(0, 0), (60, 0)])
    found = generate(params, SMALL, wide, max_new_tokens=NEW, mask=mask)
    np.testing.assert_array_equal(found[:, LENGTH + 60 :], greedy[::-1])


def test_embeddings_stand_for_the_prompt(params, greedy):
    embeddings = params["embedding"][TOKENS]
    found = generate(
        params,
        SMALL,
        np.zeros_like(TOKENS),
        max_new_tokens=NEW,
        mask=MASK,
        embeddings=embeddings,
    )
    np.testing.assert_array_equal(found[:, LENGTH:], greedy)
    other = generate(
        params,
        SMALL,
        TOKENS,
        max_new_tokens=NEW,
        mask=MASK,
        embeddings=jnp.asarray(-embeddings),
    )
    np.testing.assert_array_equal(other[:, :LENGTH], TOKENS)
    assert (other[:, LENGTH:] != greedy).any()


def test_rows_end_at_their_stop_and_are_filled(params, greedy):
    stop = (int(greedy[0, 4]), int(greedy[1, 7]))
    found = generate(params, SMALL, TOKENS, max_new_tokens=NEW, mask=MASK, stop=stop)
    for row, free in zip(found[:, LENGTH:], greedy, strict=True):
        ends = np.flatnonzero(np.isin(free, stop))
        end = ends[0] + 1 if len(ends) else NEW
        np.testing.assert_array_equal(row[:end], free[:end])
        assert (row[end:] == stop[0]).all()
    assert (found[:, LENGTH:] != greedy).any()


def test_prompts_of_a_bucket_share_a_program(params):
    generate(params, SMALL, TOKENS, max_new_tokens=NEW)
    before = module._generate._cache_size()
    for length, new in ((1, 1), (5, 9), (7, 16)):
        generate(params, SMALL, TOKENS[:, :length], max_new_tokens=new)
    assert module._generate._cache_size() == before


def test_buckets_are_powers_of_two_within_the_context():
    sizes = [1, 16, 17, 32, 33, 64]
    assert [module._bucket(n, SMALL) for n in sizes] == [16, 16, 32, 32, 64, 64]
    odd = dataclasses.replace(SMALL, max_length=50)
    assert [module._bucket(n, odd) for n in (17, 33)] == [32, 50]


def test_drawn_text_hangs_on_the_key_alone(params, greedy):
    def drawn(seed, **how):
        key = jax.random.key(seed)
        return generate(
            params, SMALL, TOKENS, max_new_tokens=NEW, mask=MASK, key=key, **how
        )[:, LENGTH:]

    first = drawn(0, temperature=1.0)
    np.testing.assert_array_equal(drawn(0, temperature=1.0), first)
    assert (drawn(1, temperature=1.0) != first).any()
    # Cold draws are greedy.
    np.testing.assert_array_equal(drawn(0, temperature=1e-4), greedy)


# Of four tokens, out of order.
PROBABILITY = np.array([0.15, 0.5, 0.05, 0.3])


@pytest.mark.parametrize(
    ("temperature", "top_p", "expected"),
    [
        (1.0, 1.0, PROBABILITY),
        (0.5, 1.0, PROBABILITY**2),
        (1.0, 0.94, [0.15, 0.5, 0, 0.3]),
        (1.0, 0.79, [0, 0.5, 0, 0.3]),
        (1.0, 0.51, [0, 0.5, 0, 0.3]),
        (1.0, 0.49, [0, 1, 0, 0]),
        # The nucleus is that of the tempered probabilities: 0.06, 0.68, 0.01, 0.25.
        (0.5, 0.65, [0, 1, 0, 0]),
        (1.0, 1e-6, [0, 1, 0, 0]),
    ],
)
def test_draws_follow_temperature_and_nucleus(temperature, top_p, expected):
    draws = 4000
    logits = jnp.broadcast_to(jnp.log(PROBABILITY).astype(jnp.float32), (draws, 4))
    sampling = make_sampling(4, temperature, top_p, (), jax.random.key(3))
    found = np.bincount(choose(logits, sampling, jnp.int32(0)), minlength=4) / draws
    expected = np.asarray(expected) / np.sum(expected)
    np.testing.assert_array_equal(found == 0, expected == 0)
    np.testing.assert_allclose(found, expected, atol=4 * np.sqrt(0.25 / draws))


def test_every_step_draws_anew():
    logits = jnp.zeros((64, 8))
    sampling = make_sampling(8, 1.0, 1.0, (), jax.random.key(0))
    first, second = (choose(logits, sampling, jnp.int32(i)) for i in (0, 1))
    assert (first != second).sum() > 32


def test_parameters_over_a_mesh_give_the_same_text(params, greedy):
    mesh = sharding.make_mesh(sharding.MeshShape(data=2, fsdp=2, tensor=2))
    placed = jax.device_put(params, sharding.params_sharding(mesh, params, axes(SMALL)))
    found = generate(placed, SMALL, TOKENS, max_new_tokens=NEW, mask=MASK)
    np.testing.assert_array_equal(found[:, LENGTH:], greedy)


LONG = np.zeros((1, 65), int)
RIGHT = np.arange(LENGTH)[None] < np.array([[7], [5], [7]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tokens": LONG}, "65 tokens, the context max_length=64"),
        ({"max_new_tokens": 58}, "max_new_tokens is 58.*at most 57"),
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"temperature": 0.7}, "key is None"),
        ({"temperature": -1.0}, "temperature is -1"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"top_p": 0.0}, "top_p is 0"),
        ({"top_p": 1.5}, "top_p is 1.5"),
        ({"mask": RIGHT}, "mask has padding after"),
        ({"mask": np.zeros((ROWS, LENGTH), bool)}, "row of padding"),
        ({"tokens": TOKENS + 40}, "expected 0 to 47"),
        ({"tokens": -TOKENS}, "expected 0 to 47"),
        ({"stop": (48,)}, r"stop has \[48\]"),
        ({"embeddings": np.zeros((ROWS, LENGTH, 31), np.float32)}, "embeddings has"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments, message, monkeypatch):
    def none_computed(*_, **__):
        pytest.fail("computed")

    monkeypatch.setattr(module, "_generate", none_computed)
    arguments = {"tokens": TOKENS, "max_new_tokens": NEW, **arguments}
    with pytest.raises(ValueError, match=message):
        generate({}, SMALL, **arguments)


@pytest.mark.parametrize("mask", [MASK[:2], MASK.astype(int)], ids=["shape", "dtype"])
def test_a_mask_of_another_shape_or_dtype_is_named(mask):
    """Without the annotations that hold the signature in tests."""
    with pytest.raises(ValueError, match=r"mask is .* of shape .*\(3, 7\)"):
        module._check_prompts(SMALL, TOKENS, mask, None)


def test_the_context_may_be_filled_to_the_last_slot(params):
    prompt = np.tile(TOKENS[:1], 9)[:, :60]
    found = generate(params, SMALL, prompt, max_new_tokens=4)[0]
    logits = np.asarray(qwen2_logits(params, SMALL, found[None]))[0]
    np.testing.assert_array_equal(logits[59:63].argmax(axis=1), found[60:])


def test_the_loop_ends_when_every_row_has_stopped(params, greedy, monkeypatch):
    counted = []

    def counting(logits, sampling, count):
        jax.debug.callback(lambda count: counted.append(int(count)), count)
        return choose(logits, sampling, count)

    monkeypatch.setattr(module, "choose", counting)
    # Last in this file, since it throws away what the others compiled.
    module._generate.clear_cache()
    stop = (int(greedy[0, 3]),)
    first = int(np.flatnonzero(greedy[0] == stop[0])[0])
    generate(params, SMALL, TOKENS[:1], max_new_tokens=NEW, stop=stop)
    jax.effects_barrier()
    module._generate.clear_cache()
    assert sorted(counted) == list(range(first + 1))
