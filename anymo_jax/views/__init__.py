"""From a window of motion to what wearable setups see of it, fresh at every step.

paired       the door: two views of a window, or one; `body.view`: the noun
options      what views are made with;  settings: of a recipe
placements   where sensors sit;  orientation   how they are turned
simulate     their signals, with device noise
masks        visible nodes, missing gyroscopes, magnitude channels
mirror, retime   the body's mirror image; another speed
"""

from anymo_jax.body.view import View
from anymo_jax.simulation.mounting import Mounting
from anymo_jax.views.masks import with_magnitudes
from anymo_jax.views.options import (
    WORN_SITES,
    TempoChange,
    ViewOptions,
    VisibleNodes,
    node_weights,
)
from anymo_jax.views.orientation import (
    ANY_ORIENTATION,
    NEAR_ALIGNED,
    SURFACE,
    WORN,
    Mixture,
    QuarterTurns,
)
from anymo_jax.views.paired import (
    PairedViews,
    paired_views,
    paired_views_batch,
    sparse_view,
    sparse_view_batch,
)
from anymo_jax.views.placements import BodyTables, body_tables, centroid_weights

__all__ = [
    "ANY_ORIENTATION",
    "NEAR_ALIGNED",
    "SURFACE",
    "WORN",
    "WORN_SITES",
    "BodyTables",
    "Mixture",
    "Mounting",
    "PairedViews",
    "QuarterTurns",
    "TempoChange",
    "View",
    "ViewOptions",
    "VisibleNodes",
    "body_tables",
    "centroid_weights",
    "node_weights",
    "paired_views",
    "paired_views_batch",
    "sparse_view",
    "sparse_view_batch",
    "with_magnitudes",
]
