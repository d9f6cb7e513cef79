r"""Motion-LM pre-training: a language model learns to read motion tokens (3.3, A.4).

    python -m experiments.train --config=configs/motion_lm.py:tiny
    python -m experiments.train --config=configs/motion_lm.py:small --data=runs/small \
        --encoder=runs/encoder-small --tokenizer=runs/tokenizer-small
    python -m experiments.train --config=configs/motion_lm.py:paper \
        --data=runs/nymeria --config.backbone.directory=Qwen2.5-0.5B

:tiny    a random backbone and a text tokenizer of the captions; 2 minutes, 2 cores
:small   likewise, larger; at most 45 minutes on 2 cores
:paper   Qwen2.5-0.5B from its directory, the paper's rate, batch and epochs
"""

import ml_collections

from configs import encoder


def get_config(variant: str = "tiny") -> ml_collections.ConfigDict:
    """The recipe of a variant: tiny, small or paper."""
    config = ml_collections.ConfigDict()
    config.stage = "motion_lm"
    config.seed = 0
    # Steps of training; 0 counts them from the epochs.
    config.steps = {"tiny": 60, "small": 300, "paper": 0}[variant]
    config.epochs = 3
    config.batch_size = {"tiny": 32, "small": 64, "paper": 16}[variant]
    config.ema_decay = 0.0
    # Rows whose logits exist at once; 0 for the whole batch.
    config.chunk = 4 if variant == "paper" else 0

    config.backbone = backbone(variant)
    # Of the projector from code vectors to the backbone.
    config.projector_hidden = {"tiny": 64, "small": 128, "paper": 512}[variant]

    config.views = encoder.views(variant)

    config.optimiser = ml_collections.ConfigDict()
    rate = {"tiny": 5e-3, "small": 3e-3, "paper": 1e-4}[variant]
    config.optimiser.learning_rate = rate
    config.optimiser.schedule = "cosine"
    config.optimiser.warmup = {"tiny": 10, "small": 50, "paper": 100}[variant]
    config.optimiser.weight_decay = 1e-2
    config.optimiser.clip_norm = 1.0

    # Batches of held-out windows whose next tokens are predicted; 0 takes all.
    config.validation = ml_collections.ConfigDict()
    config.validation.batches = 4
    config.run = run(variant)
    return config


def backbone(variant: str) -> ml_collections.ConfigDict:
    """The language model, and the tokenizer of its text."""
    options = ml_collections.ConfigDict()
    # Hugging Face directory of a Qwen2 model with its tokenizer; "" starts at random
    # with these sizes and a tokenizer trained on the captions.
    options.directory = ""
    options.hidden_size = {"tiny": 64, "small": 128, "paper": 896}[variant]
    options.intermediate_size = {"tiny": 128, "small": 256, "paper": 4864}[variant]
    options.layers = {"tiny": 2, "small": 3, "paper": 24}[variant]
    options.heads = {"tiny": 2, "small": 2, "paper": 14}[variant]
    options.kv_heads = 2 if variant == "paper" else 1
    options.head_dim = 32 if variant == "tiny" else 64
    options.max_length = 4096 if variant == "paper" else 1024
    # Of fresh kernels and embeddings; Qwen2's own suits wide models.
    options.initializer_range = 0.02 if variant == "paper" else 0.1
    # Tokens of the tokenizer that is trained, at most.
    options.vocab_size = {"tiny": 1024, "small": 2048, "paper": 8192}[variant]
    options.dtype = "bfloat16" if variant == "paper" else "float32"
    options.remat = variant == "paper"
    return options


def run(variant: str) -> ml_collections.ConfigDict:
    """What changes no result: where, how often, on what."""
    options = encoder.run(variant)
    options.folder = f"runs/motion_lm-{variant}"
    options.encoder = f"runs/encoder-{variant}"
    options.tokenizer = f"runs/tokenizer-{variant}"
    options.log_every = {"tiny": 20, "small": 20, "paper": 50}[variant]
    options.checkpoint_every = {"tiny": 60, "small": 100, "paper": 1000}[variant]
    options.validate_every = {"tiny": 0, "small": 300, "paper": 2000}[variant]
    return options
