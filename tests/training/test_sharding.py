"""Mesh and shardings; one curve on one device and on eight, however they are laid."""

import collections
import dataclasses
import types

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, PartitionSpec

from anymo_jax.training import sharding
from anymo_jax.training.metrics import METRICS, read_rows
from anymo_jax.training.sharding import MeshError, MeshShape, make_mesh, spec
from tests.training import toy


def test_mesh_takes_all_devices_and_leaves_collectives_to_the_compiler():
    mesh = make_mesh(MeshShape(fsdp=2, tensor=2))
    assert dict(mesh.shape) == {"data": 2, "fsdp": 2, "tensor": 2}
    assert set(mesh.axis_types) == {AxisType.Auto}


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (MeshShape(data=3), "does not fit 8 devices"),
        (MeshShape(fsdp=3), "does not fit 8 devices"),
        (MeshShape(fsdp=16), "does not fit 8 devices"),
        (MeshShape(data=4), "does not fit 8 devices"),
        (MeshShape(data=0), "positive numbers"),
        (MeshShape(tensor=-1), "positive numbers"),
    ],
)
def test_mesh_that_does_not_fit_is_refused(shape, message):
    with pytest.raises(MeshError, match=message):
        make_mesh(shape)


@pytest.mark.parametrize(
    ("shape", "axes", "expected"),
    [
        ((6, 8), ("embed", "mlp"), (("fsdp",), ("tensor",))),
        ((6, 7), ("embed", "mlp"), (("fsdp",), None)),
        ((8, 3, 4), ("batch", None, "vocab"), (("data", "fsdp"), None, ("tensor",))),
        ((6, 4), ("batch", "unheard"), (None, None)),
        ((), (), ()),
    ],
)
def test_logical_axes_follow_the_table(shape, axes, expected):
    mesh = make_mesh(MeshShape(fsdp=2, tensor=2))
    assert spec(mesh, shape, axes) == PartitionSpec(*expected)


def test_axes_that_do_not_fit_are_refused():
    mesh = make_mesh(MeshShape(fsdp=2, tensor=2))
    with pytest.raises(ValueError, match="do not name the dimensions"):
        spec(mesh, (4, 4), ("embed",))
    with pytest.raises(ValueError, match="two dimensions on one mesh axis"):
        spec(mesh, (4, 4), ("mlp", "vocab"))


@pytest.mark.parametrize(
    "optimiser",
    [
        optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-3)),
        optax.adamw(
            optax.linear_schedule(0.0, 1e-3, 5),
            mask=lambda p: jax.tree.map(lambda x: x.ndim > 1, p),
        ),
        optax.inject_hyperparams(optax.adam)(learning_rate=1e-3),
        optax.multi_transform(
            {"a": optax.adam(1e-3), "b": optax.set_to_zero()},
            {"w": "a", "b": "b"},
        ),
        optax.MultiSteps(optax.sgd(0.1, momentum=0.9), 2).gradient_transformation(),
    ],
    ids=["adamw", "masked", "injected", "parts", "accumulated"],
)
def test_optimiser_leaves_lie_as_their_params(optimiser):
    mesh = make_mesh(MeshShape(fsdp=2, tensor=2))
    params = {"w": jnp.zeros((4, 6)), "b": jnp.zeros(6)}
    laid = sharding.params_sharding(mesh, params, {"w": ("embed", "mlp"), "b": (None,)})
    state = jax.eval_shape(optimiser.init, params)
    placed = sharding.optimiser_sharding(mesh, optimiser, state, laid)
    leaves = zip(jax.tree.leaves(state), jax.tree.leaves(placed), strict=True)
    copies = 0
    for leaf, where in leaves:
        assert where == (laid["w"] if leaf.shape == (4, 6) else where)
        copies += leaf.shape == (4, 6)
        assert where.is_fully_replicated or leaf.shape == (4, 6)
    assert copies


def test_batch_that_cannot_be_dealt_out_is_refused(tmp_path):
    with pytest.raises(MeshError, match=r"12 examples does not divide over .* = 8"):
        toy.fit_toy(tmp_path, batch=12, devices=None)


def test_processes_that_share_rows_are_refused(monkeypatch):
    """Four processes of two devices, whose tensor axis reaches over two processes."""

    def dealt(mesh):
        devices = mesh.devices.reshape(2, 4)
        Device = collections.namedtuple("Device", ["id", "process_index"])
        rows = {
            Device(device.id, device.id // 2): (slice(row * 4, None),)
            for row in range(2)
            for device in devices[row]
        }
        return types.SimpleNamespace(devices_indices_map=lambda shape: rows)

    monkeypatch.setattr(sharding, "batch_sharding", dealt)
    with pytest.raises(MeshError, match="keep it within a process"):
        sharding.check_batch(make_mesh(MeshShape(data=2, tensor=4)), 8)


def test_memory_is_told_by_part_and_device():
    mesh = make_mesh(MeshShape(fsdp=2, tensor=2))

    @dataclasses.dataclass
    class State:
        step: jax.Array
        params: dict

    shape = (1000, 2000)
    where = jax.NamedSharding(mesh, spec(mesh, shape, ("embed", "mlp")))
    params = {"w": jax.ShapeDtypeStruct(shape, jnp.float32, sharding=where)}
    table = sharding.memory_table(State(jnp.zeros(()), params))
    assert " ".join(table.split()) == "params 2,000,000 values 8.0 MB 2.0 MB a device"


@pytest.fixture(scope="module")
def on_one(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    state = toy.fit_toy(folder, ema_decay=0.9)
    return read_rows(folder / METRICS), state


@pytest.mark.parametrize(
    "shape", [MeshShape(data=8), MeshShape(2, 2, 2)], ids=["data", "all"]
)
def test_one_curve_on_one_device_and_on_eight(on_one, tmp_path, shape):
    rows, _ = on_one
    state = toy.fit_toy(tmp_path, ema_decay=0.9, devices=None, mesh=shape)
    for row, expected in zip(read_rows(tmp_path / METRICS), rows, strict=True):
        assert row == pytest.approx(expected, rel=1e-5)
    kernel = state.params["in"]["kernel"].sharding
    for copy in (state.ema, state.optimiser[0].mu, state.optimiser[0].nu):
        assert copy["in"]["kernel"].sharding == kernel
    assert kernel.is_fully_replicated == (shape.fsdp == 1)
    assert len(state.params["in"]["kernel"].sharding.device_set) == 8


def test_negatives_are_global(on_one, tmp_path):
    """Half a batch has half the negatives: the toy would show a local loss."""
    rows, _ = on_one
    toy.fit_toy(tmp_path, batch=8, steps=5)
    assert read_rows(tmp_path / METRICS)[0]["loss"] < rows[0]["loss"] - 0.2


def test_task_without_axes_is_replicated(tmp_path):
    changed = dataclasses.replace(toy.task(), axes=None)
    state = toy.fit_toy(
        *(tmp_path,), changed=changed, steps=1, devices=None, mesh=MeshShape(2, 2, 2)
    )
    assert all(x.sharding.is_fully_replicated for x in jax.tree.leaves(state))
    assert np.isfinite(jax.tree.leaves(state.params)[0]).all()
