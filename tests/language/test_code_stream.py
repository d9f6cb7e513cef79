"""Code tokens of the step are those of the public doors, one after the other."""

import dataclasses

import jax
import numpy as np
import pytest

from anymo_jax import tokenizer
from anymo_jax.encoder import encode
from anymo_jax.language.code_stream import draw_codes
from anymo_jax.views import ViewOptions
from anymo_jax.views.paired import sparse_view_batch
from tests.language import cases
from tests.views.bodies import BODY, PRIORS

LENGTHS = (300, 61, 180)
SOURCE = dataclasses.replace(cases.SOURCE, views=ViewOptions(device=None, mirror=0.5))


@pytest.fixture(scope="module")
def frozen():
    return cases.frozen_stages()


@pytest.fixture(scope="module")
def motion():
    return cases.motion_batch(LENGTHS)


@pytest.fixture(scope="module")
def draw():
    return jax.jit(draw_codes, static_argnums=0)


def test_against_the_public_doors(frozen, motion, draw):
    key = jax.random.key(4)
    stream = draw(SOURCE, frozen, motion, key)
    view = sparse_view_batch(key, motion, BODY, PRIORS, SOURCE.views)
    seen = view.signal, view.visible, view.length
    latent = encode(frozen.encoder, SOURCE.encoder, *seen)
    steps = SOURCE.encoder.latent_length(np.asarray(view.length))
    codes = tokenizer.encode_codes(frozen.tokenizer, SOURCE.tokenizer, latent)
    expected = tokenizer.interleave(codes, SOURCE.tokenizer.entries, steps)
    np.testing.assert_array_equal(stream.count, 2 * steps)
    for i, count in enumerate(2 * steps):
        np.testing.assert_array_equal(stream.codes[i, :count], expected[i, :count])
    np.testing.assert_array_equal(stream.visible, view.visible)


def test_views_are_fresh_or_fixed(frozen, motion, draw):
    one, other = (draw(SOURCE, frozen, motion, jax.random.key(i)) for i in (0, 1))
    assert (one.codes[0] != other.codes[0]).any()
    options = dataclasses.replace(SOURCE.views, mirror=0.0)
    fixed = dataclasses.replace(SOURCE, views=options, fixed_views=True)
    signals = [
        sparse_view_batch(
            jax.random.key(i), motion, BODY, PRIORS, options, jax.random.key(0)
        ).signal
        for i in (0, 1)
    ]
    np.testing.assert_array_equal(*signals)
    streams = [draw(fixed, frozen, motion, jax.random.key(i)) for i in (0, 1)]
    # Masks alone are drawn anew.
    assert (streams[0].visible != streams[1].visible).any()
