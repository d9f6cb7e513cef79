"""Benchmarks: bytes counted by hand, operations by formula, peers that differ told."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.language.qwen2 import init, preset, qwen2_logits
from anymo_jax.training.sharding import MeshError, MeshShape
from experiments.benchmarks import language, memory
from experiments.benchmarks.language import Text
from experiments.benchmarks.learning import Row
from tests.language.cases import LANGUAGE

# Weights of tests.language.cases.LANGUAGE on one device of data 2 x fsdp 2 x tensor 2:
# D 16, F 32, K 8, V 40 are halved, as are the two heads; the one of keys is not.
EMBEDDING = 20 * 8
QUERY = KEY = VALUE = 8 * 8 + 8
OUT = 8 * 8
MLP = 3 * 8 * 16
SCALES = 2 * 8
QWEN = EMBEDDING + 2 * (QUERY + KEY + VALUE + OUT + MLP + SCALES) + 8
PROJECTOR = (2 * 4 + 4) + (4 * 8 + 8)
IMU = PROJECTOR + 2 * 8 + (2 + 2 * 16) // 2 * 8
# Of 2 rows of 4 tokens: inputs of 2 layers, a layer, and 74 scores with gradients.
NUMBERS = 2 * 4 * (2 * 16 + 4 * 16 + (2 * 3 * 8 + 3 * 32) // 2 + 2 * 74 // 2)


def test_bytes_on_a_device_are_those_counted_by_hand():
    found = memory.held("tiny", LANGUAGE, MeshShape(2, 2, 2), batch=8, length=4)
    assert found.params == found.gradients == 4 * (QWEN + IMU)
    # Two moments, and the count of steps.
    assert found.moments == 2 * found.params + 4
    assert found.activations == 4 * NUMBERS
    assert found.total == 4 * found.params + 4 + found.activations


def test_one_device_holds_everything():
    whole = memory.held("tiny", LANGUAGE, MeshShape(1, 1, 1), batch=8, length=4)
    copies = memory.held("tiny", LANGUAGE, MeshShape(8, 1, 1), batch=8, length=4)
    assert copies.params == whole.params
    assert copies.activations * 8 == whole.activations
    with pytest.raises(MeshError, match=r"12 rows does not divide over .* = 8"):
        memory.held("tiny", LANGUAGE, MeshShape(8, 1, 1), batch=12, length=4)


def test_the_table_has_every_model_and_mesh():
    lines = memory.report(memory.run(batch=8, length=16)).splitlines()
    assert len(lines) == 4 + len(memory.SIZES) * len(memory.MESHES)
    assert len({line.count("|") for line in lines[2:]}) == 1


def test_operations_are_six_for_each_weight_and_token_and_those_of_attention():
    config = dataclasses.replace(preset("tiny"), dtype="bfloat16")
    kernels = 4 * (128 * 128 * 2 + 2 * 128 * 64 + 3 * 128 * 384) + 8192 * 128
    attention = 4 * 2 * 4 * 32 * 16
    found = language.count_step(config, 3, 16)
    assert found == 6 * 3 * 16 * (kernels + attention)


def test_the_loss_is_that_of_every_token_behind_the_first():
    config = dataclasses.replace(preset("tiny"), vocab_size=50, layers=1)
    params = init(jax.random.key(0), config)
    rows = language.tokens(50, 2, 5)
    total, count = language.next_token_loss(config, params, jnp.asarray(rows))
    logits = np.asarray(qwen2_logits(params, config, rows), np.float64)
    chance = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    chosen = np.take_along_axis(chance[:, :-1], rows[:, 1:, None], axis=-1)
    assert count == 8
    np.testing.assert_allclose(total, -chosen.sum(), rtol=1e-5)


def test_a_peer_with_another_first_loss_is_a_failure():
    rows = [Row("ours", loss=9.0), Row("same", loss=9.0005), Row("other", loss=9.002)]
    found = language.agreeing(rows, 1e-4)
    assert [bool(row.failed) for row in found] == [False, False, True]
    assert found[2].failed == "loses 9.002000, not 9.000000"


def test_written_texts_are_compared_token_for_token():
    texts = [
        Text("ours", 1.0, 10**9, [[1, 2], [3, 4]]),
        Text("theirs", 2.0, None, [[1, 2], [3, 5]]),
        Text("absent", failed="no such module"),
    ]
    lines = language.text_table("text", texts).splitlines()
    assert lines[2].split() == ["ours", "1.000", "4.0", "1.00", "GB", "100.0%", "1.00"]
    assert lines[3].split() == ["theirs", "2.000", "2.0", "-", "75.0%", "0.50"]
    assert lines[4].endswith("not measured: no such module")
    with pytest.raises(ValueError, match="more than the context of tiny, 2048"):
        language.run("tiny", length=2000)
