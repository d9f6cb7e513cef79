"""Instruction tuning on data 2 x fsdp 2 x tensor 2 is that of one device."""

import dataclasses

import jax
import numpy as np
import pytest

from anymo_jax.language.task import instruct_task
from anymo_jax.training.sharding import (
    MeshShape,
    global_batch,
    make_mesh,
    params_sharding,
    replicate,
)
from tests.language.cases import (
    INSTRUCT,
    LENGTHS,
    assert_same_step,
    first_step,
    frozen_stages,
    instruction_rows,
    make_step,
    motion_batch,
)

# Eight devices in one process: programs of minutes.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def frozen():
    return frozen_stages()


@pytest.fixture(scope="module")
def rows():
    """Rows that start like prompts, so that vectors are the same pooled from either."""
    found = instruction_rows(motion_batch(LENGTHS))
    length = found["row_before_length"]
    return found | {"imu_before": found["row_before"], "imu_before_length": length}


@pytest.fixture(scope="module")
def alone(frozen, rows):
    """The first step on one device, the whole batch at once."""
    return first_step(instruct_task(INSTRUCT, frozen), rows)


@pytest.fixture(scope="module")
def mesh():
    return make_mesh(MeshShape(data=2, fsdp=2, tensor=2))


@pytest.fixture(scope="module")
def divided(alone, mesh, frozen):
    """The variables as a run on the mesh holds them."""
    axes = instruct_task(INSTRUCT, frozen).axes()
    params = alone[0].params
    where = params_sharding(mesh, params, axes)
    return alone[0]._replace(params=jax.device_put(params, where))


@pytest.mark.parametrize(
    ("pooled_from", "chunk"), [("prompt", 0), ("prompt", 4), ("row", 4)]
)
def test_eight_devices_give_one_device_s_losses_and_gradients(
    alone, divided, rows, mesh, frozen, pooled_from, chunk
):
    recipe = dataclasses.replace(
        INSTRUCT, pooled_from=pooled_from, chunk=chunk, answer_chunk=chunk
    )
    task = instruct_task(recipe, frozen)
    given, data = replicate(mesh, task.given), global_batch(mesh, rows)
    found = make_step(task)(divided, given, data)
    assert all(len(x.sharding.device_set) == 8 for x in jax.tree.leaves(found))
    assert_same_step((divided, *found), alone)


def parts(array):
    """Into how many different parts the devices divide an array."""
    return len({str(s.index) for s in array.addressable_shards})


def test_parameters_and_batches_are_divided_by_the_rules(divided, rows, mesh):
    qwen, imu = divided.params["qwen"], divided.params["imu"]
    attention = qwen["layers"]["attention"]
    kernels = (attention["query"], attention["out"], qwen["layers"]["gate"])
    for leaf in (qwen["embedding"], imu["head"], *(k["kernel"] for k in kernels)):
        assert parts(leaf) == 4
    # The only head of keys cannot be divided over the tensor axis, nor can a scale.
    assert parts(attention["key"]["kernel"]) == parts(qwen["norm"]["scale"]) == 2
    assert max(map(parts, jax.tree.leaves(divided.params["joint"]))) > 1
    data = global_batch(mesh, rows)
    assert set(map(parts, jax.tree.leaves(data))) == {4}
    held = data["text_id"].addressable_shards[0].data
    np.testing.assert_array_equal(held, rows["text_id"][:2])
