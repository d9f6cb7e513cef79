"""Every real trial through preparation and dense simulation."""

import numpy as np
import pytest

from anymo_jax.motion import archive
from anymo_jax.motion.prepare import PrepareOptions
from anymo_jax.motion.prepared import MARGIN, PreparedMotion
from anymo_jax.motion.sources import list_units
from anymo_jax.simulation import dense_signals
from experiments.audit import resting_forces


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.timeout(3600)
def test_all_trials_prepare_and_simulate(data_dir, tmp_path):
    units = list_units(packs=str(data_dir / "mocap" / "*.npz"))
    trials = archive.read_splits(str(data_dir / "mocap" / "splits.json"))
    manifest = archive.prepare(
        tmp_path, units, PrepareOptions(), archive.Splits(trials), workers=2
    )
    assert manifest["counts"]["pack"]["recordings"] == 3282
    assert all((tmp_path / s["file"]).stat().st_size < 30e6 for s in manifest["shards"])
    used, beyond, rest = set(), 0, []
    for clip in (data := PreparedMotion(tmp_path, verify=True)):
        used.add(clip.facts["trial_id"])
        placements = data.placements(clip)
        signal = np.concatenate(list(dense_signals(clip.motion, placements)))
        signal = signal[MARGIN:-MARGIN]
        assert np.isfinite(signal).all()
        force, rate = (np.linalg.norm(signal[..., c : c + 3], axis=-1) for c in (0, 3))
        assert rate.max() < 40
        beyond += force.max() > 200
        inside = clip.position[MARGIN:-MARGIN]
        rest += resting_forces(inside, force, rate, placements.segment)
    assert len(used) > 3250
    assert np.abs(np.array(rest) - 9.81).max() < 0.3
    # Landings on the toes, kicks, and single-joint spikes of the CMU captures.
    assert beyond <= 12
