r"""Full-body IMU tokenizer: a product-quantised VAE on frozen latents (Eq. 4, A.3).

    python -m experiments.train --config=configs/tokenizer.py:tiny
    python -m experiments.train --config=configs/tokenizer.py:small \
        --data=runs/small --encoder=runs/encoder-small
    python -m experiments.train --config=configs/tokenizer.py:paper \
        --data=runs/nymeria --encoder=runs/encoder-paper

:tiny    two codebooks of 64; under 2 minutes on 2 cores, after the encoder
:small   two codebooks of 256; at most 45 minutes on 2 cores
:paper   two codebooks of 2,048, batches of 1,024, the official code's 500 epochs
"""

import ml_collections

from configs import encoder


def get_config(variant: str = "tiny") -> ml_collections.ConfigDict:
    """The recipe of a variant: tiny, small or paper."""
    config = ml_collections.ConfigDict()
    config.stage = "tokenizer"
    config.seed = 0
    # Steps of training; 0 counts them from the epochs.
    config.steps = {"tiny": 200, "small": 800, "paper": 0}[variant]
    config.epochs = 500
    config.batch_size = {"tiny": 32, "small": 64, "paper": 1024}[variant]
    config.ema_decay = 0.0

    config.tokenizer = ml_collections.ConfigDict()
    config.tokenizer.bottleneck = {"tiny": 32, "small": 64, "paper": 128}[variant]
    config.tokenizer.codebooks = 2
    config.tokenizer.entries = {"tiny": 64, "small": 256, "paper": 2048}[variant]
    config.tokenizer.decoder_width = {"tiny": 64, "small": 128, "paper": 256}[variant]
    config.tokenizer.dilations = (1, 2, 4)
    config.tokenizer.decay = 0.99
    config.tokenizer.dead_below = 0.2
    config.tokenizer.commitment = 0.25
    # Whether first draws count in the moving sums ("official") or not ("means").
    config.tokenizer.start = "means"
    config.tokenizer.dtype = "float32"

    config.views = encoder.views(variant)

    config.optimiser = ml_collections.ConfigDict()
    config.optimiser.learning_rate = 3e-4 if variant == "paper" else 1e-3
    config.optimiser.schedule = "constant" if variant == "paper" else "cosine"
    config.optimiser.warmup = 0
    config.optimiser.weight_decay = 0.0
    config.optimiser.clip_norm = 0.0

    # Batches of held-out windows whose codes are looked at (Table 6); 0 takes all.
    config.validation = ml_collections.ConfigDict()
    config.validation.batches = 0

    config.run = encoder.run(variant)
    config.run.folder = f"runs/tokenizer-{variant}"
    config.run.encoder = f"runs/encoder-{variant}"
    config.run.log_every = {"tiny": 20, "small": 20, "paper": 50}[variant]
    config.run.checkpoint_every = {"tiny": 100, "small": 200, "paper": 2000}[variant]
    config.run.validate_every = {"tiny": 0, "small": 400, "paper": 5000}[variant]
    return config
