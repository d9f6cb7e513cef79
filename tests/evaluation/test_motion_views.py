"""Views of held-out motion: the same whenever they are made, of the nodes asked for."""

import numpy as np
import pytest

from anymo_jax.evaluation.motion_views import BATCH, SETUPS, MotionViews, by_kind
from anymo_jax.motion.windows import MotionWindows
from tests.experiments.test_train import data

__all__ = ["data"]
# Motion is prepared and simulated.
pytestmark = pytest.mark.slow


def test_a_windows_view_hangs_on_no_other(data):
    windows = MotionWindows(data, split="validation")
    views = MotionViews(windows)
    indices = np.arange(min(len(windows), BATCH + 2))
    batches = list(views.batches(indices, SETUPS["1 to 5 nodes"]))
    made = [view for some in batches for view in some]
    assert len(made) == len(indices) and len(batches[0]) == min(BATCH, len(indices))
    count = [int(view.visible.sum()) for view in made]
    assert min(count) >= 1 and max(count) <= 5 and len(set(count)) > 1
    assert [int(v.length) for v in made] == windows.lengths[indices].tolist()
    (alone,) = next(MotionViews(windows).batches(indices[1:2], SETUPS["1 to 5 nodes"]))
    np.testing.assert_array_equal(alone.visible, made[1].visible)
    np.testing.assert_allclose(alone.signal, made[1].signal, atol=1e-4)
    (other,) = next(MotionViews(windows, seed=1).batches(indices[1:2], alone.visible))
    np.testing.assert_array_equal(other.visible, alone.visible)
    assert np.abs(other.signal - alone.signal).max() > 0.1
    (whole,) = next(views.batches(indices[1:2], SETUPS["whole body"]))
    assert whole.visible.all()
    # Sensors of the calmest window read little but gravity, whatever their turn.
    force = [v.signal[: int(v.length), v.visible, :3] for v in made]
    calmest = min(np.median(np.linalg.norm(f, axis=-1)) for f in force)
    assert 9 < calmest < 12
    assert views.texts(indices[:1]) == [windows.told(0)["texts"][0]]
    assert list(by_kind(windows)) == ["procedural"]
