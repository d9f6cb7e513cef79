"""anymo_jax: setup-agnostic understanding of human motion from wearable IMUs.

The tree is the data flow; each room hands one noun to the next.

    geometry     rotations, rigid transforms, derivatives and resampling of tracks
    body         23 segments, a skinned surface -> Placements (paper, Eq. 1)
    motion       captured and procedural recordings -> SegmentMotion, prepared shards
    simulation   SegmentMotion + Placements -> IMU signals (Eq. 2), device noise
    views        a window of motion -> what two wearable setups see of it
    encoder      views -> latents: body graph, ST-GCN, predictor, InfoNCE (Eq. 3)
    tokenizer    latents -> codes: product-quantised VAE (Eq. 4)
    language     codes -> words: Qwen2, motion-LM and instruction tuning (Eq. 5)
    datasets     real wearable recordings -> labelled windows on the 23 nodes
    evaluation   windows and words -> zero-shot recognition, retrieval, caption figures
    inference    a trained run and a recording -> activities, captions, embeddings
    training     the workshop: the one loop, sharding, checkpoints, metrics

    model = anymo_jax.load("runs/demo")

Units are SI, quaternions wxyz, the world Z up; a body in T-pose faces +X.
"""

import os
import typing

if typing.TYPE_CHECKING:
    from anymo_jax.inference import Model

__version__ = "0.1.0"


def load(run: str | os.PathLike) -> "Model":
    """A trained model, ready to answer; `inference.load`, which says what it refuses.

    Args:
      run: folder of an instruction-tuned run, or the one that holds it as "instruct".
    """
    # Here, so that a room may be had without all the others.
    from anymo_jax import inference

    return inference.load(run)
