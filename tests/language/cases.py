"""The tiny model, its frozen stages and batches that the tests of this room share."""

import jax
import numpy as np
import pytest

from anymo_jax import tokenizer
from anymo_jax.encoder import EncoderConfig
from anymo_jax.encoder import init as init_encoder
from anymo_jax.language.code_stream import Frozen
from anymo_jax.language.heads import HeadConfig
from anymo_jax.language.imu_embedding import ProjectorConfig
from anymo_jax.language.imu_vocabulary import ImuVocabulary
from anymo_jax.language.model import JointConfig, MotionLanguageConfig
from anymo_jax.language.pooler import PoolerConfig
from anymo_jax.language.qwen2 import Qwen2Config
from anymo_jax.language.recipes import InstructRecipe
from anymo_jax.tokenizer import TokenizerConfig
from anymo_jax.tokenizer.task import TokenizerRecipe
from anymo_jax.training.random import StepStreams
from anymo_jax.training.task import OBJECTIVE, Variables
from anymo_jax.views import ViewOptions
from tests.views.bodies import BODY, PRIORS, batch, moving_window

SOURCE = TokenizerRecipe(
    TokenizerConfig(
        latent=8, bottleneck=4, entries=16, decoder_width=8, dilations=(1,)
    ),
    EncoderConfig(channels=(4, 8), strides=(4, 4)),
    ViewOptions(device=None),
)
TEXT = 40
LANGUAGE = MotionLanguageConfig(
    Qwen2Config(
        vocab_size=TEXT,
        hidden_size=16,
        intermediate_size=32,
        layers=2,
        heads=2,
        kv_heads=1,
        head_dim=8,
        max_length=128,
    ),
    ImuVocabulary(TEXT, codebooks=2, entries=16),
    ProjectorConfig(width=16, code_width=2, hidden=8),
)
JOINT = JointConfig(
    PoolerConfig(16, latents=4, heads=2),
    HeadConfig(16, joint=8),
    soft_prompt=2,
    sentence_width=5,
)
INSTRUCT = InstructRecipe(LANGUAGE, JOINT, SOURCE)
LENGTHS = (300, 120, 300, 60, 240, 300, 180, 100)
SIZES = {"row_before": 4, "row_after": 9, "answer": 5, "imu_before": 4, "imu_after": 2}


def frozen_stages():
    """Random variables of the stages, and the bodies of the views."""
    return Frozen(
        encoder=init_encoder(jax.random.key(0), SOURCE.encoder),
        tokenizer=tokenizer.init(jax.random.key(1), SOURCE.tokenizer),
        body=BODY,
        priors=PRIORS,
    )


def motion_batch(lengths):
    """Moving windows of these lengths."""
    return batch([moving_window(n, index=i) for i, n in enumerate(lengths)])


def instruction_rows(motion):
    """Instruction rows of random words for the windows of `motion_batch(LENGTHS)`.

    The last window has no label; two share a text, and two pairs a label.
    """
    rng = np.random.default_rng(0)
    count = len(LENGTHS)
    found = dict(motion)
    for name, size in {**SIZES, "narration": 6, "label": 3}.items():
        found[name] = rng.integers(0, TEXT, (count, size), dtype=np.int32)
        found[f"{name}_length"] = rng.integers(1, size + 1, count, dtype=np.int32)
    for name in ("narration", "label"):
        length = found[f"{name}_length"]
        found[f"{name}_span"] = np.stack([0 * length, length], axis=1)
        found[f"{name}_prompted"] = np.ones(count, bool)
        vectors = rng.normal(size=(count, 5)).astype(np.float32)
        found[f"{name}_vector"] = vectors
    found["text_id"] = np.array([0, 1, 2, 3, 4, 4, 5, 6], np.int32)
    found["label_id"] = np.array([0, 0, 1, 1, 2, 3, 4, -1], np.int32)
    visible = np.zeros((count, 23), bool)
    visible[np.arange(count), np.arange(count)] = True
    return found | {"visible": visible, "mirrored": np.zeros(count, bool)}


def make_step(task):
    """Compiled (variables, given, batch) -> terms and gradient of the first step."""

    @jax.jit
    def step(variables, given, data):
        def objective(params):
            state = Variables(params, variables.collections)
            terms, _ = task.loss(state, given, data, StepStreams(jax.random.key(0), 0))
            total, count = terms[OBJECTIVE]
            return total / count, terms

        (_, terms), gradient = jax.value_and_grad(objective, has_aux=True)(
            variables.params
        )
        return terms, gradient

    return step


def first_step(task, data):
    """Variables, terms and gradient of the first step."""
    variables = task.init(jax.random.key(2), task.given)
    return variables, *make_step(task)(variables, task.given, data)


def value(term):
    """Mean of a loss's term."""
    return float(term[0] / term[1])


def assert_same_step(one, other):
    """Terms and gradients of two first steps agree, 1e-5 of each leaf's largest."""
    assert one[1].keys() == other[1].keys()
    for name, term in one[1].items():
        assert value(term) == pytest.approx(value(other[1][name]), rel=1e-5)
    for x, y in zip(jax.tree.leaves(one[2]), jax.tree.leaves(other[2]), strict=True):
        np.testing.assert_allclose(x, y, atol=1e-5 * np.abs(y).max() + 1e-7)
