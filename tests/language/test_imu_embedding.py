"""Rows of the IMU vocabulary: projection, gradients, logits, export."""

import dataclasses

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from scipy.special import erf

from anymo_jax.language import imu_embedding as imu
from anymo_jax.language.imu_vocabulary import ImuVocabulary

VOCABULARY = ImuVocabulary(text=10, codebooks=2, entries=4)
CONFIG = imu.ProjectorConfig(width=6, code_width=3, hidden=5)
RNG = np.random.default_rng(0)
CODEBOOKS = RNG.normal(size=(2, 4, 3)).astype(np.float32)
# Two rows that pad the table of the language model.
TABLE = RNG.normal(size=(12, 6)).astype(np.float32)
TOKENS = jnp.array([[1, 10, 12, 19, 11, 9], [0, 14, 16, 3, 12, 12]])


@pytest.fixture(scope="module")
def params():
    return init(jax.random.key(0), VOCABULARY, CONFIG, CODEBOOKS)


init = jax.jit(imu.init_imu, static_argnames=("vocabulary", "config"))


@jax.jit
def embed(params, codebooks=CODEBOOKS, table=TABLE, tokens=TOKENS):
    rows = imu.input_rows(params, CONFIG, codebooks)
    return imu.embed(VOCABULARY, tokens, lambda ids: jnp.asarray(table)[ids], rows)


def reference_rows(params):
    """Boundaries, then g of each code vector in turn, in float64."""
    p = jax.tree.map(np.float64, params)
    rows = list(p["boundary"])
    for codebook in CODEBOOKS.astype(np.float64):
        for vector in codebook:
            h = vector @ p["projector"]["hidden"]["kernel"]
            h = h + p["projector"]["hidden"]["bias"]
            h = h * (1 + erf(h / np.sqrt(2))) / 2
            out = p["projector"]["out"]
            rows.append(h @ out["kernel"] + out["bias"])
    return np.array(rows)


def moved(params):
    """Params off their starts, as after training."""
    rng = np.random.default_rng(7)
    return jax.tree.map(lambda x: x + 0.1 * rng.normal(size=x.shape), params)


def test_code_tokens_are_projections_of_their_code_vectors(params):
    params = moved(params)
    rows = reference_rows(params)
    expected = [
        [TABLE[token] if token < 10 else rows[token - 10] for token in text]
        for text in TOKENS.tolist()
    ]
    np.testing.assert_allclose(embed(params), expected, atol=1e-5)


def test_gradient_reaches_projector_and_boundaries_but_no_codebook(params):
    def total(params, codebooks, table):
        return jnp.sum(jnp.sin(embed(params, codebooks, table)))

    gradient = jax.jit(jax.grad(total, argnums=(0, 1, 2)))
    for_params, for_codebooks, for_table = gradient(
        params, jnp.asarray(CODEBOOKS), jnp.asarray(TABLE)
    )
    np.testing.assert_array_equal(for_codebooks, 0)
    for part in ("projector", "boundary"):
        assert all(np.abs(x).max() > 1e-4 for x in jax.tree.leaves(for_params[part]))
    np.testing.assert_array_equal(for_params["head"], 0)
    # Text 0 stands once in the batch; the IMU tokens must not count for it.
    np.testing.assert_allclose(for_table[0], np.cos(TABLE[0]), rtol=1e-5)


def test_an_id_beyond_the_vocabulary_is_nan_and_not_another_token(params):
    found = embed(params, tokens=jnp.array([[20, 19]]))
    assert np.isnan(found[0, 0]).all() and np.isfinite(found[0, 1]).all()


def test_embeddings_have_the_dtype_of_the_text(params):
    assert embed(params, table=jnp.asarray(TABLE, jnp.bfloat16)).dtype == jnp.bfloat16


@pytest.mark.parametrize("scale", [0.02, 0.5])
def test_rows_start_at_the_asked_size_and_so_do_head_rows(scale):
    config = dataclasses.replace(CONFIG, scale=scale)
    params = init(jax.random.key(0), VOCABULARY, config, CODEBOOKS)
    rows = imu.input_rows(params, config, CODEBOOKS)
    np.testing.assert_allclose(jnp.sqrt(jnp.mean(rows[2:] ** 2)), scale, rtol=1e-5)
    np.testing.assert_array_equal(params["head"], rows)


def test_logits_of_imu_tokens_alone_are_a_part_of_all(params):
    hidden = jnp.asarray(RNG.normal(size=(2, 3, 6)), jnp.float32)
    text_logits = hidden @ TABLE.T
    found = imu.all_logits(VOCABULARY, text_logits, params["head"], hidden)
    assert found.shape == (2, 3, VOCABULARY.total)
    np.testing.assert_array_equal(found[..., :10], text_logits[..., :10])
    alone = imu.imu_logits(params["head"], hidden)
    np.testing.assert_array_equal(found[..., 10:], alone)
    expected = np.float64(hidden) @ np.float64(params["head"]).T
    np.testing.assert_allclose(alone, expected, atol=1e-5)
    with pytest.raises(ValueError, match="vocab_size 9 is smaller than the 10 tokens"):
        imu.all_logits(VOCABULARY, text_logits[..., :9], params["head"], hidden)


@pytest.mark.parametrize("tied", [True, False])
def test_the_export_is_what_ran(params, tied):
    """A plain table look-up and a plain head give our embeddings and logits."""
    params = moved(params)
    text_head = None if tied else TABLE[::-1].copy()
    given = (VOCABULARY, params, CONFIG, CODEBOOKS, TABLE, text_head)
    embedding, head = imu.export_rows(*given)
    assert embedding.shape == head.shape == (VOCABULARY.total, 6)
    np.testing.assert_array_equal(embedding[np.asarray(TOKENS)], embed(params))
    hidden = jnp.asarray(RNG.normal(size=(2, 3, 6)), jnp.float32)
    text_logits = hidden @ (TABLE if tied else text_head).T
    expected = imu.all_logits(VOCABULARY, text_logits, params["head"], hidden)
    np.testing.assert_allclose(np.asarray(hidden) @ head.T, expected, atol=1e-5)


def test_the_export_keeps_the_dtype_of_the_text(params):
    table = TABLE.astype(ml_dtypes.bfloat16)
    tables = imu.export_rows(VOCABULARY, params, CONFIG, CODEBOOKS, table)
    assert {x.dtype for x in tables} == {np.dtype(ml_dtypes.bfloat16)}
    expected = embed(params, table=table)
    np.testing.assert_array_equal(tables[0][np.asarray(TOKENS)], expected)


def test_what_does_not_fit_is_refused(params):
    with pytest.raises(ValueError, match=r"\(2, 3, 3\), expected \(2, 4, 3\)"):
        imu.init_imu(jax.random.key(0), VOCABULARY, CONFIG, CODEBOOKS[:, :3])
    with pytest.raises(ValueError, match="vocab_size 9 is smaller than the 10 tokens"):
        imu.export_rows(VOCABULARY, params, CONFIG, CODEBOOKS, TABLE[:9])
    with pytest.raises(ValueError, match="hidden is 0"):
        dataclasses.replace(CONFIG, hidden=0)
    with pytest.raises(ValueError, match="scale is 0"):
        dataclasses.replace(CONFIG, scale=0.0)


def test_axes_name_every_dimension(params):
    axes = imu.imu_axes(CONFIG)
    jax.tree.map(lambda p, names: check_names(p.shape, names), params, axes)
    assert axes["projector"]["hidden"]["kernel"] == (None, "mlp")
    assert axes["projector"]["out"]["kernel"] == ("mlp", "embed")


def check_names(shape, names):
    assert isinstance(names, tuple)
    assert len(names) == len(shape)
