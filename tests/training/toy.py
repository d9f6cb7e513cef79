"""A small task with what is hard about sharding: global negatives, batch statistics."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from anymo_jax.training.data import batches
from anymo_jax.training.loop import FitOptions, fit
from anymo_jax.training.task import Task, Variables

WIDTH = 8
HIGHEST = jax.lax.Precision.HIGHEST


class Pairs:
    """Noisy pairs of features, 0 to 4 values of each valid."""

    def __init__(self, count: int = 64):
        rng = np.random.default_rng(7)
        self.x = rng.normal(size=(count, WIDTH)).astype(np.float32)
        self.y = (self.x + 0.1 * rng.normal(size=self.x.shape)).astype(np.float32)
        self.length = rng.integers(0, 5, count).astype(np.int32)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return {"x": self.x[index], "y": self.y[index], "length": self.length[index]}


def init(key, given):
    first, second = jax.random.split(key)
    params = {
        "in": {
            "kernel": 0.4 * jax.random.normal(first, (WIDTH, 16)),
            "bias": jnp.zeros(16),
        },
        "out": {"kernel": 0.4 * jax.random.normal(second, (16, WIDTH))},
    }
    return Variables(params, {"average": {"mean": jnp.zeros(WIDTH)}})


def embed(params, x):
    hidden = jnp.matmul(x, params["in"]["kernel"], precision=HIGHEST)
    hidden = jax.nn.relu(hidden + params["in"]["bias"][None])
    return jnp.matmul(hidden, params["out"]["kernel"], precision=HIGHEST)


def normalised(z):
    mean = z.mean(0)
    deviation = jnp.sqrt(z.var(0) + 1e-3)
    return (z - mean[None]) / deviation[None], mean


def loss(variables, given, batch, streams):
    noise = 0.1 * jax.random.normal(streams("noise"), batch["x"].shape)
    a, mean = normalised(embed(variables.params, batch["x"] + noise))
    b, _ = normalised(embed(variables.params, batch["y"]))
    logits = jnp.matmul(a, b.T, precision=HIGHEST) / given["temperature"]
    nll = -jnp.diagonal(jax.nn.log_softmax(logits))
    valid = (jnp.arange(WIDTH)[None] < batch["length"][:, None]).astype(jnp.float32)
    terms = {
        "loss": (nll.sum(), nll.size),
        "valid_error": ((valid * (a - b) ** 2).sum(), valid.sum()),
    }
    old = variables.collections["average"]["mean"]
    return terms, {"average": {"mean": 0.9 * old + 0.1 * mean}}


def predict(variables, given, batch, streams):
    return embed(variables.params, batch["x"])


def axes():
    return {
        "in": {"kernel": ("embed", "mlp"), "bias": ("mlp",)},
        "out": {"kernel": ("mlp", "embed")},
    }


def task(**changes) -> Task:
    """The task; changes replace its functions."""
    functions = {"init": init, "loss": loss, "predict": predict, "axes": axes}
    given = {"temperature": np.float32(0.5)}
    return Task(**(functions | {"given": given} | changes))


class Memory:
    """Checkpoints in memory; saves are counted."""

    def __init__(self):
        self.saves = {}
        self.waits = 0

    def restore(self, abstract_state, data_iterator):
        if not self.saves:
            return None
        step = max(self.saves)
        state, position, _ = self.saves[step]
        data_iterator.set_state(position)
        place = jax.tree.map(
            lambda x, a: jax.device_put(x, a.sharding), state, abstract_state
        )
        return step, place

    def save(self, step, state, data_iterator, metrics=None):
        assert step not in self.saves
        assert bool(state.healthy) and int(state.step) == step
        host = jax.tree.map(np.array, state)
        self.saves[step] = host, data_iterator.get_state(), metrics

    def wait(self):
        self.waits += 1


def fit_toy(folder, *, batch=16, changed=None, source=None, data=None, **options):
    """Fits the toy on one device, unless `devices` says otherwise."""
    given = {"steps": 20, "log_every": 5} | options
    names = ("validate", "checkpoints", "schedules", "devices", "say")
    more = {name: given.pop(name) for name in names if name in given}
    arguments = {"devices": jax.devices()[:1], "say": lambda line: None} | more
    return fit(
        changed or task(),
        data or batches(source or Pairs(), batch, seed=3),
        optimiser=optax.adam(1e-2),
        options=FitOptions(**given),
        folder=folder,
        **arguments,
    )
