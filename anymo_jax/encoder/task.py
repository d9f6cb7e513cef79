"""Encoder pre-training as a stage of learning (paper, Eq. 3, A.3; Table 4, A.8).

Every step draws two fresh views of each window. Four passes of one encoder (full A,
full B, sparse A, sparse B), a predictor on the sparse ones, and two contrasts between
what is predicted and the full latents of the other setup. The ablation contrasts the
projected full views with each other instead.
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from anymo_jax.body.view import View
from anymo_jax.encoder import model
from anymo_jax.encoder.config import EncoderConfig, PredictorConfig
from anymo_jax.encoder.loss import (
    Contrast,
    full_view_contrast,
    predictive_contrast,
)
from anymo_jax.encoder.predictor import (
    ProjectionHead,
    TemporalPredictor,
    head_axes,
    init_head,
    init_predictor,
    predictor_axes,
)
from anymo_jax.simulation.noise_priors import NoisePriors
from anymo_jax.training.task import OBJECTIVE, Streams, Task, Variables
from anymo_jax.views.masks import visible_nodes
from anymo_jax.views.options import PAPER, ViewOptions, VisibleNodes
from anymo_jax.views.paired import PairedViews, paired_views_batch
from anymo_jax.views.placements import BodyTables


@dataclasses.dataclass(frozen=True)
class EncoderRecipe:
    """What is pre-trained, and by which objective.

    Attributes:
      encoder, predictor: sizes.
      views: how windows become views.
      fixed_views: draw the views of a window once and only its masks anew, as the
        official code does.
      objective: "predictive" (Eq. 3), or "full_view", the ablation of Table 4.
      temperature: tau.
      same_text_negatives: contrast windows of one text too, as the paper does.
    """

    encoder: EncoderConfig = dataclasses.field(default_factory=EncoderConfig)
    predictor: PredictorConfig = dataclasses.field(default_factory=PredictorConfig)
    views: ViewOptions = PAPER
    fixed_views: bool = False
    objective: str = "predictive"
    temperature: float = 0.1
    same_text_negatives: bool = True

    def __post_init__(self):
        if self.predictor.width != self.encoder.width:
            raise ValueError(
                f"predictor.width = {self.predictor.width} is not the encoder's latent "
                f"width {self.encoder.width}; make them equal"
            )
        if self.objective not in ("predictive", "full_view"):
            raise ValueError(
                f"objective = {self.objective!r}; give 'predictive' or 'full_view'"
            )
        if not self.temperature > 0:
            raise ValueError(f"temperature = {self.temperature}; give a positive one")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class CrossView:
    """Latents of a batch for validation; the views of A and B are of other setups.

    Attributes:
      full: (B, L, D) full-view latents of setup B.
      predicted: (V, B, L, D) what sparse views of setup A predict of it, V numbers of
        visible nodes from the fewest to the most that training sees.
      sparse: (V, B, L, D) latents of these sparse views.
      length: (B,) valid latent steps.
    """

    full: jax.Array | np.ndarray
    predicted: jax.Array | np.ndarray
    sparse: jax.Array | np.ndarray
    length: jax.Array | np.ndarray


def encoder_task(recipe: EncoderRecipe, body: BodyTables, priors: NoisePriors) -> Task:
    """The stage; batches are those of `motion.windows.MotionWindows`.

    Its params are {"encoder", "predictor"}, or {"encoder", "projection"} for the
    full-view objective, its collections the encoder's. `predict` gives a `CrossView`.
    """
    learn = predictive_loss if recipe.objective == "predictive" else _full_view_loss

    def loss(variables, given, batch, streams):
        with jax.named_scope("views"):
            views = _draw_views(recipe, given, batch, streams)
        contrast, encoder = learn(recipe, variables, batch, views)
        terms = {
            OBJECTIVE: (contrast.loss.sum(), contrast.count),
            "top1": (contrast.top1.sum(), contrast.count),
        }
        return terms, _collections(encoder)

    def predict(variables, given, batch, streams):
        return _cross_views(recipe, variables, given, batch, streams)

    return Task(
        init=lambda key, given: _init(recipe, key),
        loss=loss,
        predict=predict,
        axes=lambda: _axes(recipe),
        given=(body, priors),
    )


def encoder_variables(variables: Variables) -> dict:
    """The encoder alone, as `STGCNEncoder.apply` takes it."""
    return {"params": variables.params["encoder"], **variables.collections}


def _init(recipe: EncoderRecipe, key) -> Variables:
    for_encoder, for_other = jax.random.split(key)
    encoder = model.init(for_encoder, recipe.encoder)
    params = {"encoder": encoder["params"]}
    if recipe.objective == "predictive":
        params["predictor"] = init_predictor(for_other, recipe.predictor)["params"]
    else:
        params["projection"] = init_head(for_other, recipe.encoder.width)["params"]
    return Variables(params, _collections(encoder))


def _axes(recipe: EncoderRecipe):
    axes = {"encoder": model.axes(recipe.encoder)}
    if recipe.objective == "predictive":
        axes["predictor"] = predictor_axes(recipe.predictor)
    else:
        axes["projection"] = head_axes(recipe.encoder.width)
    return axes


def _collections(encoder: dict) -> dict:
    return {name: tree for name, tree in encoder.items() if name != "params"}


def _draw_views(recipe, given, batch, streams: Streams) -> PairedViews:
    body, priors = given
    fixed = jax.random.key(0) if recipe.fixed_views else None
    return paired_views_batch(
        streams("views"), batch, body, priors, recipe.views, fixed
    )


def predictive_loss(
    recipe: EncoderRecipe, variables: Variables, batch: Mapping, views: PairedViews
) -> tuple[Contrast, dict]:
    """Sparse views of either setup predict the full view of the other (Eq. 3).

    Args:
      recipe: sizes, temperature, negatives.
      variables: of the stage.
      batch: read for its "text" alone, where equal texts are no negatives.
      views: two setups of each window.

    Returns:
      the contrast, and the encoder's variables after the four passes.
    """
    encoder = encoder_variables(variables)
    with jax.named_scope("encoder/full"):
        full = views.full_a, views.full_b
        (full_a, full_b), encoder = _passes(recipe, encoder, full, sparse=False)
    with jax.named_scope("encoder/sparse"):
        sparse = views.sparse_a, views.sparse_b
        latents, encoder = _passes(recipe, encoder, sparse, sparse=True)
    length = recipe.encoder.latent_length(views.full_a.length)
    with jax.named_scope("predictor"):
        predictor = TemporalPredictor(recipe.predictor)
        params = {"params": variables.params["predictor"]}
        # Both directions in one call: the predictor keeps no statistics.
        both = jnp.concatenate(latents), jnp.concatenate([length, length])
        a_to_b, b_to_a = jnp.split(predictor.apply(params, *both), 2)
    with jax.named_scope("contrast"):
        contrast = predictive_contrast(
            *(a_to_b, full_b, b_to_a, full_a, length),
            temperature=recipe.temperature,
            text=None if recipe.same_text_negatives else batch["text"],
        )
    return contrast, encoder


def _full_view_loss(recipe, variables, batch, views) -> tuple[Contrast, dict]:
    """Projected full views of both setups against each other (A.8)."""
    encoder = encoder_variables(variables)
    with jax.named_scope("encoder/full"):
        full = views.full_a, views.full_b
        latents, encoder = _passes(recipe, encoder, full, sparse=False)
    head = ProjectionHead(recipe.encoder.width)
    projected = [
        head.apply({"params": variables.params["projection"]}, z) for z in latents
    ]
    with jax.named_scope("contrast"):
        contrast = full_view_contrast(
            *projected,
            recipe.encoder.latent_length(views.full_a.length),
            temperature=recipe.temperature,
            text=None if recipe.same_text_negatives else batch["text"],
        )
    return contrast, encoder


def _passes(recipe, encoder: dict, views: tuple[View, View], *, sparse: bool):
    """Latents of two views and the encoder after them.

    Each view is a pass of its own, as batch statistics want it; without any, both in
    one pass took a fifth longer on a CPU.
    Only sparse passes of the predictive objective need gradients; the contrast stops
    those of the full ones, and XLA drops their backward pass.
    """
    latents = []
    for view in views:
        seen = (view.signal, view.visible, view.channel_valid, view.length)
        latent, encoder = model.train_pass(
            recipe.encoder, encoder, *seen, sparse=sparse
        )
        latents.append(latent)
    return latents, encoder


def _cross_views(recipe, variables, given, batch, streams) -> CrossView:
    views = _draw_views(recipe, given, batch, streams)
    encoder, encode = encoder_variables(variables), model.STGCNEncoder(recipe.encoder)
    length = recipe.encoder.latent_length(views.full_a.length)

    def latent(view: View, visible):
        seen = (view.signal, visible, view.channel_valid, view.length)
        return encode.apply(encoder, *seen)

    full = latent(views.full_b, views.full_b.visible)
    keys = jax.random.split(streams("visible"), len(length))
    numbers = recipe.views.visible
    masks = jnp.stack(
        [
            jax.vmap(visible_nodes, (0, None))(
                keys, VisibleNodes(n, n, numbers.weights)
            )
            for n in range(numbers.lowest, numbers.highest + 1)
        ]
    )
    sparse = jax.lax.map(lambda visible: latent(views.sparse_a, visible), masks)
    predicted = jax.lax.map(lambda z: _predict(recipe, variables, z, length), sparse)
    return CrossView(full, predicted, sparse, length)


def _predict(recipe, variables, sparse, length):
    """Full latents of the other setup; without a predictor, the sparse ones serve."""
    if recipe.objective == "full_view":
        return sparse
    params = {"params": variables.params["predictor"]}
    return TemporalPredictor(recipe.predictor).apply(params, sparse, length)
