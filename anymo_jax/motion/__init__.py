"""Recordings of bodies in motion, from files and from our own library.

recording    SegmentMotion and Recording; gaps, other rates
bvh, mvnx, pack   files -> Recording; `retarget` maps joints to the 23 segments
procedural   parametric activities with captions
check, glitch, tempo   what cannot be true of a body's motion
mirror       left and right exchanged, in body and in words
sources, prepare, archive   recordings -> prepared shards
prepared     the shards, and reading them
"""

from anymo_jax.motion.bvh import load_bvh
from anymo_jax.motion.mvnx import load_mvnx
from anymo_jax.motion.pack import load_pack
from anymo_jax.motion.prepared import PreparedMotion
from anymo_jax.motion.procedural import activity_names, sample_clip
from anymo_jax.motion.recording import Recording, SegmentMotion, SensorStreams

__all__ = [
    "PreparedMotion",
    "Recording",
    "SegmentMotion",
    "SensorStreams",
    "activity_names",
    "load_bvh",
    "load_mvnx",
    "load_pack",
    "sample_clip",
]
