"""The loop on a toy: one curve however often it is cut, and how it leaves."""

import dataclasses
import itertools
import os
import signal
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.training.checkpoint import Checkpoints
from anymo_jax.training.data import batches
from anymo_jax.training.metrics import METRICS, TIMING, read_rows
from anymo_jax.training.nonfinite import NonFiniteError
from anymo_jax.training.termination import Terminated
from tests.training import toy


def same(a, b):
    leaves = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(np.array_equal(x, y) for x, y in leaves)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """Twenty steps without a break: the folder and the state."""
    folder = tmp_path_factory.mktemp("straight")
    return folder, toy.fit_toy(folder, ema_decay=0.9)


def test_learns_and_writes_its_curve(straight):
    folder, state = straight
    rows = read_rows(folder / METRICS)
    assert [row["step"] for row in rows] == [5, 10, 15, 20]
    assert rows[-1]["loss"] < 0.7 * rows[0]["loss"]
    norms = {"gradient_norm", "parameter_norm", "update_norm"}
    assert rows[0].keys() == {"step", "loss", "valid_error"} | norms
    squares = [float((x**2).sum()) for x in jax.tree.leaves(state.params)]
    assert rows[-1]["parameter_norm"] == pytest.approx(np.sqrt(sum(squares)), rel=1e-6)
    assert int(state.step) == 20 and bool(state.healthy)


def test_timing_is_kept_apart(straight):
    folder, _ = straight
    rows = read_rows(folder / TIMING)
    assert [row["step"] for row in rows] == [5, 10, 15, 20]
    for row in rows:
        assert row["examples_per_second"] * row["seconds_per_step"] == pytest.approx(16)
        assert 0 <= row["data_wait_share"] < 1


def test_resumed_is_bit_exact(straight, tmp_path):
    folder, state = straight
    with Checkpoints(tmp_path / "checkpoints") as store:
        toy.fit_toy(tmp_path, ema_decay=0.9, steps=10, checkpoints=store)
    with Checkpoints(tmp_path / "checkpoints") as store:
        resumed = toy.fit_toy(tmp_path, ema_decay=0.9, checkpoints=store)
    assert same(resumed, state)
    assert (tmp_path / METRICS).read_bytes() == (folder / METRICS).read_bytes()


def test_killed_within_a_row_gives_the_same_curve(straight, tmp_path):
    """The sums of a row's earlier steps outlive the process that made them."""

    def die(line):
        if line.startswith("step 10/"):
            raise KeyboardInterrupt

    folder, state = straight
    store = toy.Memory()
    options = {"ema_decay": 0.9, "checkpoint_every": 3, "checkpoints": store}
    with pytest.raises(KeyboardInterrupt):
        toy.fit_toy(tmp_path, say=die, **options)
    assert max(store.saves) == 9
    assert [row["step"] for row in read_rows(tmp_path / METRICS)] == [5, 10]
    with (tmp_path / METRICS).open("a") as file:
        file.write('{"step": 15, "lo')
    assert same(toy.fit_toy(tmp_path, **options), state)
    assert (tmp_path / METRICS).read_bytes() == (folder / METRICS).read_bytes()


def test_saves_and_validates_when_due(tmp_path):
    seen = []

    def validate(variables, step):
        seen.append((step, variables))
        return {"score": step / 10}

    store = toy.Memory()
    state = toy.fit_toy(
        *(tmp_path,),
        steps=10,
        checkpoint_every=4,
        validate_every=6,
        validate=validate,
        checkpoints=store,
        ema_decay=0.9,
    )
    assert [step for step, _ in seen] == [6, 10]
    assert same(seen[-1][1].params, state.ema)
    assert not same(state.ema, state.params)
    assert {step: save[2] for step, save in store.saves.items()} == {
        4: None,
        8: None,
        6: {"score": 0.6},
        10: {"score": 1.0},
    }
    assert store.waits
    validated = [r for r in read_rows(tmp_path / METRICS) if "validation/score" in r]
    assert validated == [
        {"step": 6, "validation/score": 0.6},
        {"step": 10, "validation/score": 1.0},
    ]


class Poisoned(toy.Pairs):
    """One example holds a value that is not finite."""

    def __init__(self, bad):
        super().__init__()
        self.bad = bad

    def __getitem__(self, index):
        example = super().__getitem__(index)
        if np.array_equal(example["x"], self.bad):
            example["x"] = np.where(np.arange(toy.WIDTH) == 2, np.inf, example["x"])
        return example


def test_bad_batch_stops_the_run_and_is_replayed(straight, tmp_path):
    folder, state = straight
    *_, third = itertools.islice(batches(toy.Pairs(), 16, seed=3), 3)
    options = {"ema_decay": 0.9, "checkpoints": toy.Memory()}
    for _ in range(2):
        with pytest.raises(NonFiniteError) as caught:
            toy.fit_toy(tmp_path, source=Poisoned(third["x"][7]), **options)
        error = caught.value
        assert error.step == 3 and list(options["checkpoints"].saves) == [2]
    assert error.leaves["batch['x']"] == (1, 16 * toy.WIDTH)
    assert "gradient['in']['kernel']" in error.leaves
    assert not any(name.startswith(("params", "given")) for name in error.leaves)
    assert "step 3" in str(error) and "batch['x'] (1 of 128)" in str(error)
    assert np.isnan(error.terms["loss"][0])

    # With the data repaired the run goes on as if nothing had been.
    assert same(toy.fit_toy(tmp_path, **options), state)
    assert (tmp_path / METRICS).read_bytes() == (folder / METRICS).read_bytes()


def test_sigterm_saves_and_leaves(straight, tmp_path):
    folder, state = straight
    store = toy.Memory()

    def ask(variables, step):
        os.kill(os.getpid(), signal.SIGTERM)
        return {}

    previous = signal.getsignal(signal.SIGTERM)
    options = {"ema_decay": 0.9, "checkpoints": store}
    with pytest.raises(Terminated) as left:
        toy.fit_toy(tmp_path, validate=ask, validate_every=7, **options)
    assert left.value.code == 143
    assert 7 < max(store.saves) <= 10
    assert signal.getsignal(signal.SIGTERM) is previous
    assert same(toy.fit_toy(tmp_path, **options), state)
    rows = [r for r in read_rows(tmp_path / METRICS) if "loss" in r]
    assert rows == read_rows(folder / METRICS)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Five steps, traced, against a peak, without an average."""
    folder = tmp_path_factory.mktemp("short")
    given = {"steps": 5, "checkpoints": toy.Memory()}
    validated, lines = [], []
    state = toy.fit_toy(
        folder,
        **given,
        profile=(2, 3),
        peak_flops=1e9,
        schedules={"learning_rate": lambda done: 0.1 * (done + 1)},
        say=lines.append,
        validate=lambda variables, step: validated.append(variables) or {},
    )
    return types.SimpleNamespace(
        folder=folder, given=given, validated=validated, lines=lines, state=state
    )


def test_without_average_the_params_are_validated(short):
    (variables,) = short.validated
    assert same(variables.params, short.state.params) and short.state.ema is None


def test_finished_run_does_nothing(short):
    lines = []
    again = toy.fit_toy(short.folder, **short.given, say=lines.append)
    assert same(again, short.state)
    assert lines[-1] == "nothing to do: step 5 of 5 is done"
    assert read_rows(short.folder / METRICS)[-1]["step"] == 5


def test_progress_and_utilisation_are_told(short):
    (line,) = (line for line in short.lines if line.startswith("step 5/5  loss "))
    assert "MFU" in line and "data wait" in line
    row = read_rows(short.folder / TIMING)[-1]
    # A product of (16, 8, 16) and one of (16, 16, 8) for either of two inputs, thrice
    # but for the gradient of the inputs; then that of (16, 8, 16) for the logits.
    flops = 2 * 16 * 8 * 16 * (2 * (2 + 3) + 3)
    ideal = flops / 1e9
    assert row["mfu"] * row["seconds_per_step"] == pytest.approx(ideal)


def test_schedules_are_logged_as_the_step_used_them(short):
    assert read_rows(short.folder / METRICS)[-1]["learning_rate"] == pytest.approx(0.5)


def test_profile_holds_the_chosen_steps(short):
    (trace,) = (short.folder / "profile").rglob("*.xplane.pb")
    data = jax.profiler.ProfileData.from_file(str(trace))
    steps = [
        dict(event.stats)["step_num"]
        for plane in data.planes
        for line in plane.lines
        for event in line.events
        if event.name == "step"
    ]
    assert sorted(steps) == [2, 3]


def test_init_may_hand_on_what_is_given(tmp_path):
    """Donating the state must not take the given arrays along."""
    start = jax.tree.map(np.asarray, toy.init(jax.random.key(1), ()).params)

    def init(key, given):
        fresh = toy.init(key, given)
        return fresh._replace(params=given["start"])

    given = toy.task().given | {"start": start}
    changed = dataclasses.replace(toy.task(), init=init, given=given)
    state = toy.fit_toy(tmp_path, steps=3, changed=changed, ema_decay=0.9)
    assert int(state.step) == 3


def test_masked_terms_are_means_over_what_counts(tmp_path):
    """Not means of the batches' means, whose counts differ."""
    seen = []

    def loss(variables, given, batch, streams):
        terms, collections = toy.loss(variables, given, batch, streams)
        length = batch["length"].astype(jnp.float32)
        terms["length"] = (jnp.sum(length**2), jnp.sum(length))
        return terms, collections

    class Watched(toy.Pairs):
        def __getitem__(self, index):
            seen.append(int(self.length[index]))
            return super().__getitem__(index)

    source = Watched()
    # Batches of very different counts.
    source.length = np.sort(source.length) ** 2
    changed = dataclasses.replace(toy.task(), loss=loss)
    toy.fit_toy(tmp_path, steps=4, log_every=4, changed=changed, source=source)
    # Four batches are an epoch: every example once.
    length = source.length.astype(float)
    (row,) = read_rows(tmp_path / METRICS)
    assert row["length"] == pytest.approx((length**2).sum() / length.sum(), rel=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps = 0"),
        ({"log_every": 0}, "log_every = 0"),
        ({"validate_every": -1}, "validate_every = -1"),
        ({"ema_decay": 1.0}, "ema_decay = 1.0"),
        ({"profile": (3, 2)}, "profile"),
    ],
)
def test_wrong_options_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        toy.fit_toy(tmp_path, **options)


def test_wrong_losses_are_refused(tmp_path):
    def no_objective(*arguments):
        terms, collections = toy.loss(*arguments)
        return {"error": terms["valid_error"]}, collections

    def lost_collections(*arguments):
        return toy.loss(*arguments)[0], {}

    for loss, message in ((no_objective, "'loss'"), (lost_collections, "'average'")):
        changed = dataclasses.replace(toy.task(), loss=loss)
        with pytest.raises(ValueError, match=message):
            toy.fit_toy(tmp_path, changed=changed)


def test_data_that_ends_is_told(tmp_path):
    class Short:
        def __init__(self):
            self.at = 0

        def __iter__(self):
            return self

        def __next__(self):
            if self.at == 2:
                raise StopIteration
            self.at += 1
            pairs = toy.Pairs(16)
            return {"x": pairs.x, "y": pairs.y, "length": pairs.length}

        def get_state(self):
            return self.at

        def set_state(self, state):
            self.at = state

    with pytest.raises(ValueError, match="ended before step 3"):
        toy.fit_toy(tmp_path, data=Short())
