"""What every test shares: strictness about shapes, and the real-data folder."""

import os
import pathlib

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + (
    " --xla_force_host_platform_device_count=8"
    # Most of the time goes into compiling; nothing here is timed.
    " --xla_backend_optimization_level=1"
)

import jax
import pytest
from jaxtyping import install_import_hook

# Every annotated shape of the package is checked while the tests run.
install_import_hook("anymo_jax", "tests.check")
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session")
def data_dir() -> pathlib.Path:
    """Folder of real recordings, from ANYMO_DATA; tests that need it skip without."""
    folder = os.environ.get("ANYMO_DATA")
    if not folder:
        pytest.skip("set ANYMO_DATA to the folder of real recordings")
    return pathlib.Path(folder)
