"""What every test shares: the real-data folder and strictness about shapes."""

import os
import pathlib

import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session")
def data_dir() -> pathlib.Path:
    """Folder of real recordings, from ANYMO_DATA; tests that need it skip without."""
    folder = os.environ.get("ANYMO_DATA")
    if not folder:
        pytest.skip("set ANYMO_DATA to the folder of real recordings")
    return pathlib.Path(folder)
