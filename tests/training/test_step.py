"""One step: what it updates, what it averages, what it refuses."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from anymo_jax.training.state import initial_state
from anymo_jax.training.step import make_step
from anymo_jax.training.task import Task, Variables

RATE = 0.5


def loss(variables, given, batch, streams):
    """Squared distance of w from the batch's mean; the collection counts batches."""
    distance = variables.params["w"] - batch["x"].mean(0)
    terms = {
        "loss": (jnp.sum(distance**2), 1),
        "rows": (batch["x"].sum(), batch["x"].shape[0]),
    }
    seen = variables.collections["seen"]
    return terms, {"seen": seen + 1, "last": batch["extra"]}


def init(key, given):
    collections = {"seen": jnp.int32(0), "last": jnp.float32(0)}
    return Variables({"w": jnp.zeros(2)}, collections)


TASK = Task(init=init, loss=loss, predict=loss)


def start(optimiser, keep_ema=False):
    zero = jnp.float32(0)
    terms = {"loss": (zero, zero), "rows": (zero, zero)}
    return initial_state(
        *(TASK, optimiser, (), terms), root=jax.random.key(0), keep_ema=keep_ema
    )


def steps_of(optimiser, batches, *, log_every=3, ema_decay=None):
    """States and reports after each batch, the first state being the start."""
    step = jax.jit(
        make_step(TASK, optimiser, seed=0, log_every=log_every, ema_decay=ema_decay)
    )
    states, reports = [start(optimiser, ema_decay is not None)], []
    for batch in batches:
        state, report = step(states[-1], (), batch, jnp.zeros(1, bool))
        states.append(state)
        reports.append(report)
    return states, reports


def batch(value=1.0, extra=0.0):
    return {"x": jnp.full((4, 2), value), "extra": jnp.float32(extra)}


def test_descends_and_reports_its_norms():
    states, reports = steps_of(optax.sgd(RATE), [batch(1.0), batch(3.0)])
    # w <- w - RATE * 2 (w - x), which is x at this rate.
    np.testing.assert_allclose(states[1].params["w"], [1, 1])
    np.testing.assert_allclose(states[2].params["w"], [3, 3])
    norms = reports[1].norms
    np.testing.assert_allclose(norms["gradient"], 4 * np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(norms["update"], 2 * np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(norms["parameter"], 3 * np.sqrt(2), rtol=1e-6)
    assert int(states[2].collections["seen"]) == 2 and int(states[2].step) == 2


def test_terms_add_up_over_an_interval_and_begin_anew():
    _, reports = steps_of(optax.sgd(RATE), [batch(x) for x in (1.0, 2.0, 4.0, 8.0)])
    rows = [tuple(map(float, report.terms["rows"])) for report in reports]
    assert rows == [(8, 4), (24, 8), (56, 12), (64, 4)]


def test_average_follows_its_decay_and_forgets_the_start():
    states, _ = steps_of(
        optax.sgd(RATE), [batch(x) for x in (1.0, 3.0, 5.0)], ema_decay=0.15
    )
    expected = 0.0
    for done, w in enumerate((1.0, 3.0, 5.0)):
        decay = min(0.15, (1 + done) / (10 + done))
        expected = decay * expected + (1 - decay) * w
    np.testing.assert_allclose(states[3].ema["w"], [expected] * 2, rtol=1e-6)
    assert states[3].variables.params is states[3].ema


@pytest.mark.parametrize(
    "bad",
    [batch(np.nan), batch(np.inf), batch(1e30), batch(extra=np.inf)],
    ids=["nan", "inf", "overflow", "collection"],
)
def test_what_is_not_finite_changes_nothing_then_or_later(bad):
    states, reports = steps_of(
        *(optax.adam(RATE), [batch(1.0), bad, batch(2.0)]), ema_decay=0.9
    )
    assert [bool(report.healthy) for report in reports] == [True, False, False]
    for refused in states[2:]:
        assert not bool(refused.healthy)
        healed = dataclasses.replace(refused, healthy=states[1].healthy)
        for kept, before in zip(
            jax.tree.leaves(healed), jax.tree.leaves(states[1]), strict=True
        ):
            np.testing.assert_array_equal(kept, before)


def test_update_that_overflows_is_refused():
    grows = optax.chain(optax.scale(1e38), optax.scale(-1e3))
    states, reports = steps_of(grows, [batch(1.0)])
    assert not bool(reports[0].healthy)
    np.testing.assert_array_equal(states[1].params["w"], [0, 0])


def test_any_word_to_stop_is_told():
    step = make_step(TASK, optax.sgd(RATE), seed=0, log_every=1, ema_decay=None)
    for words in ([False, False], [False, True]):
        report = step(start(optax.sgd(RATE)), (), batch(), jnp.array(words))[1]
        assert bool(report.stop) == any(words)
