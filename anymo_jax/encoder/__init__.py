"""From views to setup-agnostic motion latents (paper, section 3.2, Eq. 3).

config       what an encoder and a predictor are;  settings: of a recipe
graph        the body graph and messages along its edges
norm         normalisation over the samples that count
block, model   the ST-GCN
predictor    from sparse-view to full-view latents
loss         contrasts between latents
validation   retrieval, alignment and uniformity, real against simulated
state_dict   PyTorch state dicts as files;  official: their weights in and out
apply        latents for users
"""

from anymo_jax.encoder.apply import encode, predict_full
from anymo_jax.encoder.config import EncoderConfig, PredictorConfig
from anymo_jax.encoder.loss import Contrast, full_view_contrast, predictive_contrast
from anymo_jax.encoder.model import STGCNEncoder, axes, init, train_pass
from anymo_jax.encoder.official import (
    export_official,
    export_official_predictor,
    import_official,
    import_official_predictor,
)
from anymo_jax.encoder.predictor import (
    ProjectionHead,
    TemporalPredictor,
    head_axes,
    init_head,
    init_predictor,
    predictor_axes,
)

__all__ = [
    "Contrast",
    "EncoderConfig",
    "PredictorConfig",
    "ProjectionHead",
    "STGCNEncoder",
    "TemporalPredictor",
    "axes",
    "encode",
    "export_official",
    "export_official_predictor",
    "full_view_contrast",
    "head_axes",
    "import_official",
    "import_official_predictor",
    "init",
    "init_head",
    "init_predictor",
    "predict_full",
    "predictive_contrast",
    "predictor_axes",
    "train_pass",
]
