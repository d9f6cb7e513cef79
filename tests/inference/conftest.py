"""One untrained model for all tests of inference: compiling is what takes time."""

import pytest

from anymo_jax.inference import load
from tests.inference.runs import write_runs


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    return write_runs(tmp_path_factory.mktemp("inference"))


@pytest.fixture(scope="session")
def model(run):
    return load(run)
