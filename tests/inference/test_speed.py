"""The benchmark of inference: every row measured, peers that differ told."""

import math

import pytest

from experiments.benchmarks import inference
from experiments.benchmarks.inference import Speed


def test_every_answer_is_measured(run):
    found = inference.run(str(run), windows=3, calls=3, peer=False)
    rows = found["answers"]
    assert [row.batch for row in rows] == [3, 3, 1, 1, 3, 1]
    assert all(0 < row.middle <= row.late < math.inf for row in rows)
    lines = inference.report(found).splitlines()
    assert "run instruct" in lines[0] and "load" in lines[0]
    assert lines[3].startswith("embed windows") and len(lines) == 10
    with pytest.raises(ValueError, match="--run=DIR"):
        inference.run("")


def test_rates_are_of_windows_and_what_failed_is_told():
    rows = [Speed("embed", 8, 0.5, 0.6), Speed("caption", 8, failed="no answers")]
    lines = inference.table("answers", rows)
    assert lines[1].split() == ["embed", "8", "16.0", "500.0", "600.0"]
    assert lines[2].endswith("not measured: no answers")


def test_a_peer_with_other_latents_is_a_failure():
    ours = {"middle": 1.0, "late": 1.0, "latent": [[2.0, 1.0]]}
    near = ours | {"latent": [[2.0, 1.001]]}
    assert inference._agreeing(near, ours) == near
    assert inference._agreeing(ours | {"latent": [[2.0, 1.1]]}, ours) == {
        "failed": "latents differ by 0.05"
    }
