"""Encoder pre-training: sparse wearables predict the full body (section 3.2, A.3).

    python -m experiments.train --config=configs/encoder.py:tiny
    python -m experiments.train --config=configs/encoder.py:small --data=runs/small
    python -m experiments.train --config=configs/encoder.py:paper --data=runs/nymeria

:tiny    procedural library (prepare:tiny), a narrow encoder; under 2 minutes, 2 cores
:small   every pack and the library (prepare:small), a quarter of the paper's channels
         and one block of each width; at most 45 minutes on 2 cores
:paper   the paper's encoder, batch, rate and epochs

Ablations of Table 4 are one value each:

    --config.views.joint_mounted=True        w/o geometry-aware simulation
    --config.objective=full_view             w/o masked cross-view prediction
"""

import ml_collections


def get_config(variant: str = "tiny") -> ml_collections.ConfigDict:
    """The recipe of a variant: tiny, small or paper."""
    config = ml_collections.ConfigDict()
    config.stage = "encoder"
    config.seed = 0
    # Steps of training; 0 counts them from the epochs.
    config.steps = {"tiny": 50, "small": 800, "paper": 0}[variant]
    config.epochs = 10
    # Windows of a batch; with two views each, all are one another's negatives.
    config.batch_size = {"tiny": 32, "small": 64, "paper": 64}[variant]
    # Decay of the params' moving average, for validation and later stages; 0 is none.
    config.ema_decay = 0.0

    # "predictive" (Eq. 3), or "full_view" (Table 4, w/o masked cross-view prediction).
    config.objective = "predictive"
    config.temperature = 0.1
    # Whether windows of one text are told apart, as in the paper.
    config.same_text_negatives = True
    # Passes that update running averages: "all" four, or "sparse" ones only.
    config.norm_updates = "all"

    config.encoder = _encoder(variant)
    config.predictor = _predictor(variant)
    config.views = views(variant)

    config.optimiser = ml_collections.ConfigDict()
    rate = {"tiny": 5e-3, "small": 5e-3, "paper": 3e-4}[variant]
    config.optimiser.learning_rate = rate
    config.optimiser.schedule = "constant" if variant == "paper" else "cosine"
    config.optimiser.warmup = {"tiny": 5, "small": 30, "paper": 0}[variant]
    config.optimiser.weight_decay = 0.0 if variant == "paper" else 1e-2
    config.optimiser.clip_norm = 0.0 if variant == "paper" else 1.0

    # Retrieval of held-out windows among `size` of distinct clips, in `pools` draws;
    # `views` are the same for every recipe, so that runs compare.
    config.validation = ml_collections.ConfigDict()
    config.validation.views = views("paper")
    config.validation.size = 64
    config.validation.pools = {"tiny": 2, "small": 4, "paper": 8}[variant]
    # Recordings of real sensors with their motion (MVNX), comma-separated; "" is none.
    config.validation.real = ""
    config.run = run(variant)
    return config


def _encoder(variant: str) -> ml_collections.ConfigDict:
    encoder = ml_collections.ConfigDict()
    if variant == "paper":
        encoder.channels = (*(64,) * 4, *(128,) * 3, *(256,) * 3)
        encoder.strides = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1)
    else:
        encoder.channels = {"tiny": (16, 32, 48), "small": (16, 32, 64)}[variant]
        encoder.strides = (4, 2, 1) if variant == "tiny" else (4, 1, 1)
    encoder.kernel = 9
    # Channels of the two vector magnitudes beside the six.
    encoder.magnitudes = variant != "paper"
    # "batch" as the paper, "layer" without statistics of the batch.
    encoder.norm = "batch" if variant == "paper" else "layer"
    encoder.message_passing = "auto"
    # Of the arithmetic, "bfloat16" on accelerators; params stay float32.
    encoder.dtype = "float32"
    encoder.remat = False
    return encoder


def _predictor(variant: str) -> ml_collections.ConfigDict:
    predictor = ml_collections.ConfigDict()
    predictor.layers = {"tiny": 1, "small": 2, "paper": 6}[variant]
    predictor.heads = {"tiny": 4, "small": 4, "paper": 8}[variant]
    predictor.mlp = 4
    predictor.max_length = 75
    return predictor


def views(variant: str) -> ml_collections.ConfigDict:
    """How windows become views; the paper's, but for mirroring and tempo."""
    options = ml_collections.ConfigDict()
    options.joint_mounted = False
    # surface (in the plane, tilt of 10 degrees), any (SO(3)), near_aligned,
    # quarter_turns, mixed, or worn: in the plane, along the limb and in quarter turns
    # from it, half of all devices with their back outwards.
    options.mounting = "surface"
    options.device_noise = True
    # Hz, rate of the slowest devices: what theirs cannot hold is lost. 0: all are fast.
    options.slowest_device_hz = 0.0
    # Nodes of sparse views: "any" alike, or "worn": where people wear sensors.
    options.sites = "any"
    # Probability of the body's mirror image; change of speed within what texts say.
    options.mirror = 0.0 if variant == "paper" else 0.5
    options.tempo = variant == "small"
    options.visible_lowest = 1
    options.visible_highest = 5
    # Chance of a view that sees every node.
    options.visible_full = 0.0
    options.drop_gyroscope = 0.0
    # Views drawn once per window, only masks anew (the official code).
    options.fixed = False
    return options


def run(variant: str) -> ml_collections.ConfigDict:
    """What changes no result: where, how often, on what."""
    options = ml_collections.ConfigDict()
    options.data = "runs/motion"
    options.folder = f"runs/encoder-{variant}"
    options.log_every = {"tiny": 10, "small": 10, "paper": 50}[variant]
    options.checkpoint_every = {"tiny": 25, "small": 100, "paper": 1000}[variant]
    # Steps from one validation to the next; 0 validates at the end only.
    options.validate_every = {"tiny": 0, "small": 400, "paper": 2500}[variant]
    options.keep = 3
    # Devices along the mesh axes; -1 takes what is left.
    options.mesh = ml_collections.ConfigDict({"data": -1, "fsdp": 1, "tensor": 1})
    # First and last step to trace, such as "20:29"; "" traces none.
    options.profile = ""
    # FLOP/s of one device where its kind is not known; 0 takes the table's.
    options.peak_flops = 0.0
    options.threads = 4
    return options
