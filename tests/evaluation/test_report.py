"""A report is one page that needs no other file, and says what it is made of."""

import base64
import json
import re

import numpy as np
import pytest

from anymo_jax.evaluation import insight
from anymo_jax.evaluation.pooling import MEAN
from anymo_jax.evaluation.probes import ProbeOptions
from anymo_jax.evaluation.report import report
from anymo_jax.evaluation.zero_shot import ZeroShotOptions
from anymo_jax.tokenizer import TokenizerConfig
from experiments import evaluate
from experiments.scored import Further
from tests.evaluation import cases

NAMES = (evaluate.JSON, evaluate.DETAILS)
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    files = []
    for name in ("motionsense", "dsads"):
        files.append(folder / f"{name}.safetensors")
        cases.dataset(name, windows=48, subjects=4 if name == "dsads" else 0).save(
            files[-1]
        )
    further = Further(
        choices=True,
        insight=True,
        probes=ProbeOptions(shots=(2,), draws=3, full_draws=1),
    )
    options = ZeroShotOptions(resamples=20, pooling=MEAN)
    return evaluate.score(cases.Knowing(), files, options, further=further)


@pytest.fixture(scope="module")
def written(scored, tmp_path_factory):
    document, page = scored
    folder = tmp_path_factory.mktemp("written")
    evaluate.write(folder, {"run": "runs/here", **document}, page)
    return folder


def test_the_page_needs_no_other_file(written):
    html = (written / evaluate.REPORT).read_text()
    pictures = re.findall(r'src="([^"]*)"', html)
    assert len(pictures) == 4 and all(p.startswith("data:image/png") for p in pictures)
    decoded = [base64.b64decode(p.partition(",")[2]) for p in pictures]
    kept = {p.read_bytes() for p in (written / "pictures").iterdir()}
    assert set(decoded) == kept and all(d.startswith(PNG) for d in decoded)
    assert not re.findall(r'(?:src|href)="(?!data:)', html)
    # What a configuration says is text.
    assert "<script>" not in html and "&lt;script&gt;" in html
    linked = re.findall(r"\]\((pictures/\S+)\)", (written / "report.md").read_text())
    assert len(linked) == 4 and all((written / name).is_file() for name in linked)
    for told in ("processor", "revision", "jaxlib", "Data card: dsads", "sha256"):
        assert told in html
    assert not list(written.rglob("*.tmp"))


def test_every_number_is_kept_and_rows_are_beside(written):
    page = (written / evaluate.PAGE).read_text()
    found, details = (json.loads((written / name).read_text()) for name in NAMES)
    assert "details" not in found and found["facts"]["packages"]["jax"]
    rows = found["datasets"]["dsads"]["rows"]
    # By key it chooses as by its vectors, by answer the least likely.
    assert rows["choice by key"]["accuracy"] == rows["model"]["accuracy"]
    assert rows["choice by answer"]["accuracy"]["value"] == 0
    windows = details["windows"]["dsads"]
    right = np.array(windows["best"])[:, 0] == windows["label"]
    assert np.mean(right) == rows["model"]["accuracy"]["value"] == 1
    assert found["probes"]["dsads"]["latents"]["2"]["accuracy"]["value"] > 0.8
    assert "not known" in found["probes"]["motionsense"]["missing"]
    assert "People are not known" in page and "| latents | 2 | 3 |" in page
    book = found["insight"]["codes"]["dsads"]["codebooks"][1]
    assert book["used"] == 2 and details["codes"]["dsads"]["counts"][1][0] == 48


def test_a_run_compared_with_itself_differs_in_nothing(written):
    one = evaluate.read_evaluated(str(written), NAMES)
    compared, text = evaluate.compare_runs(one, one, resamples=20)
    assert list(compared["rows"]) == ["average", "motionsense", "dsads"]
    assert (
        "100.0 | 100.0 | +0.0 [+0.0, +0.0]" in text and "*" not in text.split("##")[1]
    )


def test_clouds_that_lie_apart_do_not_mix():
    rng = np.random.default_rng(0)
    one, other = (cases.unit(rng.normal(size=(60, 4))) for _ in range(2))
    label = np.arange(60) % 3
    mixed = insight.cloud(one, other, label)
    assert 0.3 < mixed.mixing < 0.7 and mixed.point.shape == (120, 2)
    apart = insight.cloud(np.abs(one), -np.abs(other[:50]), label)
    assert apart.mixing == 0 and apart.real == 50 and len(apart.label) == 50
    # The first axis holds most, as scikit-learn's does.
    from sklearn.decomposition import PCA

    both = np.concatenate([one, other])
    reference = PCA(2).fit(both)
    np.testing.assert_allclose(
        mixed.variance, reference.explained_variance_ratio_, rtol=1e-5
    )
    np.testing.assert_allclose(
        np.abs(mixed.point), np.abs(reference.transform(both)), atol=1e-5
    )
    with pytest.raises(ValueError, match="make no picture"):
        insight.cloud(one[:1], other, label[:1])


def test_codes_are_counted_by_codebook():
    config = TokenizerConfig(entries=16, latent=8)
    found = insight.code_use(cases.Knowing(), [None] * 3, config)
    assert found["windows"] == 3 and found["collision"] == 0
    assert [sum(book) for book in found["counts"]] == [6, 6]
    assert found["counts"][0][3] == 3 and found["counts"][1][0] == 3


def test_a_document_without_motion_and_codes_has_fewer_pictures(scored):
    document, page = scored
    bare = {k: v for k, v in document.items() if k not in ("insight", "config")}
    made = report(bare, {}, page)
    assert set(made.pictures) == {
        *("radar.png", "confusion_motionsense.png", "confusion_dsads.png")
    }
    assert "codebooks" not in made.markdown and "Configuration" not in made.markdown
