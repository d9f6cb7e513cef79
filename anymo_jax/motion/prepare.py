"""From a recording as its file gives it to prepared clips at 60 Hz."""

import dataclasses
import functools

import numpy as np
from scipy.spatial.transform import Rotation

from anymo_jax.body.fit import fit_surface
from anymo_jax.body.load import load_surface
from anymo_jax.body.placement import candidate_placements
from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.surface import BodySurface
from anymo_jax.body.template import default_surface
from anymo_jax.geometry.resampling import continuous_signs
from anymo_jax.motion import prepared
from anymo_jax.motion.check import check_motion
from anymo_jax.motion.mirror import mirror_recording
from anymo_jax.motion.recording import (
    PROCEDURAL,
    Recording,
    SegmentMotion,
    joint_offsets,
    resample_motion,
    split_at_gaps,
)
from anymo_jax.motion.tempo import infer_tempo_faults

# Bones may breathe by this much around their mean length before a file is refused.
BONE_TOLERANCE_M = 0.005
# Resampling with its smoothing needs some frames whatever the rate.
_FEWEST_FRAMES = 8
_SHORTEST = prepared.SHORTEST + 2 * prepared.MARGIN
# Five minutes, 12 MB: a shard is written once it holds 18 MB and must not exceed 30.
_LONGEST = 60 * prepared.WINDOW


@dataclasses.dataclass(frozen=True)
class PrepareOptions:
    """How recordings become clips.

    Attributes:
      cutoff_hz: low-pass of captured motion, half amplitude; mocap noise grows with
        the square of frequency when it is differentiated twice. 0 leaves it as it is.
        Procedural clips are never filtered, for they have no noise.
      mirror: whether each recording is followed by its left-right mirror image.
      tempo: "flag" notes an impossible frame rate in the facts, "reject" leaves the
        recording out.
      surface: npz mesh of the body; "" is the project's own template.
      stature_m: stature of the template that is fitted to each skeleton.
      mass_kg: its mass; 0 takes the template's default for its stature.
      sex: its sex, where a recording's facts name none.
    """

    cutoff_hz: float = 12.0
    mirror: bool = False
    tempo: str = "flag"
    surface: str = ""
    stature_m: float = 1.75
    mass_kg: float = 0.0
    sex: str = "male"

    def __post_init__(self):
        if self.tempo not in ("flag", "reject"):
            raise ValueError(f"tempo={self.tempo!r} must be 'flag' or 'reject'")


@dataclasses.dataclass(frozen=True)
class Rejection:
    """A recording, or a part of one, that was left out.

    Attributes:
      source: the recording.
      reason: a short class of reasons, for counting.
      detail: the particulars.
      seconds: how much was lost.
    """

    source: str
    reason: str
    detail: str
    seconds: float


def prepare_recording(
    recording: Recording, split: str, options: PrepareOptions
) -> tuple[list[prepared.Clip], list[Rejection]]:
    """The clips of a recording, mirror images included, and what was lost of it."""
    try:
        check_motion(recording.motion, recording.source)
        _check_bones(recording)
    except ValueError as error:
        return [], [_reject(recording, "unusable motion", str(error))]
    faults = infer_tempo_faults(recording.motion)
    if faults and options.tempo == "reject":
        return [], [_reject(recording, "impossible tempo", "; ".join(faults))]
    if faults:
        facts = dict(recording.facts) | {"tempo_fault": "; ".join(faults)}
        recording = dataclasses.replace(recording, facts=facts)
    versions = [recording]
    if options.mirror:
        versions.append(mirror_recording(recording))
    clips = [c for version in versions for c in _clips(version, split, options)]
    kept = sum(len(clip) for clip in clips) / prepared.RATE_HZ / len(versions)
    lost = len(recording.motion.valid) / recording.motion.rate_hz - kept
    # Less than a frame or two per stretch falls to the new rate's grid.
    if lost > 0.1:
        invalid = int(np.sum(~np.asarray(recording.motion.valid)))
        least = _SHORTEST / prepared.RATE_HZ
        detail = f"{invalid} invalid frames; stretches under {least:.2f} s are dropped"
        reason = "gap or too short" if clips else "shorter than a second"
        return clips, [_reject(recording, reason, detail, lost)]
    return clips, []


def _clips(
    recording: Recording, split: str, options: PrepareOptions
) -> list[prepared.Clip]:
    motion = recording.motion
    shortest = max(
        _FEWEST_FRAMES,
        1 + int(np.ceil((_SHORTEST - 1) * motion.rate_hz / prepared.RATE_HZ)),
    )
    procedural = recording.source.startswith(PROCEDURAL)
    cutoff = None if procedural or not options.cutoff_hz else options.cutoff_hz
    offsets = joint_offsets(motion)
    surface = _body(options, recording.facts.get("sex"), offsets.round(4).tobytes())
    clips = []
    for stretch in split_at_gaps(motion, shortest):
        stretch = resample_motion(stretch, prepared.RATE_HZ, cutoff)
        clips += [_clip(recording, split, part, surface) for part in _parts(stretch)]
    return clips


def _parts(motion: SegmentMotion) -> list[SegmentMotion]:
    """A long motion in parts that share their margins, so that no window is lost."""
    parts = []
    for start in range(0, max(1, len(motion.valid) - _SHORTEST + 1), _LONGEST):
        frames = slice(start, start + _LONGEST + 2 * prepared.MARGIN)
        part = dataclasses.replace(
            motion,
            position=motion.position[frames],
            rotation=motion.rotation[frames],
            valid=motion.valid[frames],
        )
        parts.append(part)
    return parts


def _clip(recording, split, motion: SegmentMotion, surface) -> prepared.Clip:
    quaternion = Rotation.from_matrix(motion.rotation.reshape(-1, 3, 3)).as_quat(
        scalar_first=True
    )
    quaternion = continuous_signs(quaternion.reshape(-1, 23, 4))
    # Where in the world a clip takes place means nothing, and float32 is finest there.
    position = motion.position - np.append(motion.position[0, 0, :2], 0.0)
    placements = candidate_placements(surface, position, motion.rotation)
    return prepared.Clip(
        position=position,
        quaternion=quaternion,
        placement_offset=placements.offset,
        split=split,
        texts=recording.texts,
        label=recording.label,
        subject=recording.subject,
        source=recording.source,
        facts=recording.facts,
    )


def _check_bones(recording: Recording) -> None:
    """Raise a ValueError where the skeleton is not one of rigid bones."""
    motion = recording.motion
    position = np.asarray(motion.position)[np.asarray(motion.valid)]
    bones = position[:, 1:] - position[:, np.array(XSENS.parents[1:])]
    length = np.linalg.norm(bones, axis=-1)
    error = np.abs(length - length.mean(axis=0)).max()
    if error > BONE_TOLERANCE_M:
        raise ValueError(
            f"{recording.source}: bones change their length by {error * 1000:.1f} mm; "
            f"{BONE_TOLERANCE_M * 1000:.0f} mm is allowed"
        )


def _reject(recording: Recording, reason: str, detail: str, seconds=None) -> Rejection:
    if seconds is None:
        seconds = len(recording.motion.valid) / recording.motion.rate_hz
    return Rejection(recording.source, reason, detail, float(seconds))


@functools.lru_cache(maxsize=8)
def _template(options: PrepareOptions, sex: str | None) -> BodySurface:
    """The body that is fitted to skeletons; a file's mesh is one for all."""
    if options.surface:
        return load_surface(options.surface)
    return default_surface(
        stature_m=options.stature_m,
        mass_kg=options.mass_kg or None,
        sex=sex or options.sex,
    )


@functools.lru_cache(maxsize=64)
def _body(options: PrepareOptions, sex: str | None, offsets: bytes) -> BodySurface:
    """The template fitted to a skeleton, given to a tenth of a millimetre."""
    return fit_surface(_template(options, sex), np.frombuffer(offsets).reshape(-1, 3))


def shared_placements(options: PrepareOptions) -> dict[str, np.ndarray]:
    """Segment and frame of every candidate: of the template, alike for all clips."""
    placements = candidate_placements(_template(options, None))
    return {
        "segment": np.asarray(placements.segment, np.int32),
        "frame": np.asarray(placements.frame, np.float32),
    }
