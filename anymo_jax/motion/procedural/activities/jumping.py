"""Bouncing on the spot: jumping jacks, hops on one leg, over a rope.

Feet stand still while they are down, the pelvis falls freely while they are not.
Rope jumping at 1.7 to 2.5 Hz (Town, Sol & Sinning 1980 had 125 to 145 skips a minute)
with a flight of some 40 per cent, by eye; hopping at about 2.2 Hz (Farley et al. 1991).
"""

import dataclasses
import functools

import numpy as np
from scipy.interpolate import PchipInterpolator

from anymo_jax.motion.procedural.activities.flight import GRAVITY, bouncing
from anymo_jax.motion.procedural.captions.rest import CAPTIONS
from anymo_jax.motion.procedural.clip import whole_body
from anymo_jax.motion.procedural.curves import (
    cycle_times,
    phase_of,
    ringing,
    smooth_noise,
    softened,
)
from anymo_jax.motion.procedural.figure import Figure
from anymo_jax.motion.procedural.footfalls import (
    HEEL_PAD_S,
    quintic,
    stance_ankle,
    toes_down,
)
from anymo_jax.motion.procedural.limbs import (
    ArmAngles,
    FootTrack,
    HandTrack,
    LegAngles,
    about,
)
from anymo_jax.motion.procedural.pose import (
    Pose,
    bend,
    make_pose,
    orientation,
    reach,
    with_hands,
)
from anymo_jax.motion.procedural.sway import breathe, with_tremor


@dataclasses.dataclass(frozen=True)
class Contacts:
    """When the feet are down.

    Attributes:
      land, leave: (J,) s, start and end of each contact.
      pitch: (3,) degrees, of the sole at landing, in mid contact and at take-off.
      tuck: m by which the ankles are drawn up in flight.
    """

    land: np.ndarray
    leave: np.ndarray
    pitch: tuple[float, float, float]
    tuck: float = 0.0

    def sole(self, time: np.ndarray) -> np.ndarray:
        """Pitch (T,) rad of the soles."""
        span = self.leave - self.land
        early = self.land + np.minimum(0.25 * span, 0.08)
        late = self.leave - np.minimum(0.4 * span, 0.13)
        when = np.stack([self.land, early, late, self.leave], axis=-1).ravel()
        at_land, middle, at_leave = np.radians(self.pitch)
        values = np.tile([at_land, middle, middle, at_leave], len(self.land))
        return PchipInterpolator(when, values)(np.clip(time, when[0], when[-1]))


def springing_foot(
    figure: Figure,
    time: np.ndarray,
    contacts: Contacts,
    place: np.ndarray,
    *,
    knee_out: float = 0.05,
    shock: float = 0.0,
) -> FootTrack:
    """A foot that stands during contacts and flies between them.

    Args:
      place: (J, 4) x, y, z in m and yaw in rad of each contact.
      shock: peak in m/s^2 of the ankle's oscillation after landing.
    """
    pitch = contacts.sole(time)
    j = np.clip(np.searchsorted(contacts.land, time, side="right") - 1, 0, None)
    j = np.minimum(j, len(place) - 2)
    ankle = stance_ankle(figure, place[j], pitch)
    flight = contacts.land[j + 1] - contacts.leave[j]
    u = (time - contacts.leave[j]) / flight
    flying = (u > 0) & (u < 1)
    if flying.any():
        ankle[flying] = _flight(figure, contacts, place, j, u, flight, flying)
    ankle = softened(time, ankle, HEEL_PAD_S)
    ankle[:, 2] += ringing(time, contacts.land, shock, 22.0, 0.022)
    toe = np.clip(pitch, 0, 0.8) * toes_down(np.clip(u, 0, 1))
    yaw = place[j, 3] + np.clip(u, 0, 1) * (place[j + 1, 3] - place[j, 3])
    rotation = about("z", yaw, len(time)) @ about("y", pitch, len(time))
    return FootTrack(ankle, rotation, knee_out, toe)


def _flight(figure, contacts, place, j, u, flight, flying):
    """Ankle (N, 3) in flight: leaves as the roll over the toes would have it."""
    j, u, flight = j[flying], u[flying], flight[flying]
    at_land, _, at_leave = np.radians(contacts.pitch)
    count = len(u)
    start = stance_ankle(figure, place[j], np.full(count, at_leave))
    end = stance_ankle(figure, place[j + 1], np.full(count, at_land))
    leave = GRAVITY * flight / 2
    up, down = np.zeros((count, 3)), np.zeros((count, 3))
    up[:, 2], down[:, 2] = 0.75 * leave * flight, -0.85 * leave * flight
    rest = np.zeros((count, 3))
    ankle = quintic(u[:, None], (start, end), (up, down), (rest, rest))
    height = leave * flight / 4
    ankle[:, 2] += (0.2 * height + 0.02 + contacts.tuck) * 16 * u**2 * (1 - u) ** 2
    return ankle


def on_the_spot(count: int, y: np.ndarray | float, yaw: float) -> np.ndarray:
    """Places (count, 4), x, y, z in m and yaw in rad, of a foot that comes back."""
    place = np.zeros((count, 4))
    place[:, 1], place[:, 3] = y, yaw
    return place


def _bouncing_pose(
    rng,
    figure: Figure,
    time: np.ndarray,
    when: np.ndarray,
    contact_s: np.ndarray,
    apart: np.ndarray | float,
    *,
    pitch: tuple[float, float, float],
    drop: float,
    tuck: float,
    shock: float,
) -> Pose:
    """Repeated jumps from both feet, a spring's bounce, arms hanging."""
    contacts = Contacts(when, when + contact_s, pitch, tuck)
    out = rng.uniform(0.02, 0.2)
    feet = {}
    for name, sign in (("right_leg", -1.0), ("left_leg", 1.0)):
        place = on_the_spot(len(when), sign * np.asarray(apart), sign * out)
        place[:, :2] += 0.008 * rng.standard_normal((len(when), 2))
        feet[name] = springing_foot(figure, time, contacts, place, shock=shock)
    height = bouncing(time, when, contact_s)
    wobble = ringing(time, when, 0.5 * shock, rng.uniform(4, 6), 0.06, 0.012)
    place = np.zeros((len(time), 3))
    place[:, :2] = 0.012 * smooth_noise(rng, time, 0.4, 2)
    place[:, 2] = figure.pelvis_height - drop + height + wobble
    sunk = 0.5 * (np.sqrt((height / 0.08) ** 2 + 0.1) - height / 0.08)
    jolts = np.stack(
        [
            ringing(time, when, rng.normal(0, 60), rng.uniform(4, 7), 0.1, 0.03)
            for _ in range(3)
        ],
        axis=-1,
    )
    pitch_angle = rng.normal(0.1, 0.04) + rng.uniform(0.03, 0.08) * sunk + jolts[:, 1]
    pose = make_pose(
        figure,
        time,
        pelvis_position=place,
        pelvis_rotation=orientation(
            len(time), pitch=pitch_angle, roll=jolts[:, 0], yaw=jolts[:, 2]
        ),
        **feet,
    )
    pose = bend(pose, flexion=rng.normal(0.0, 0.05) + rng.uniform(0.02, 0.07) * sunk)
    pose = dataclasses.replace(
        pose, trunk=pose.trunk - 0.5 * jolts, head=pose.head - 0.35 * jolts
    )
    return with_tremor(rng, breathe(rng, pose, rng.uniform(0.4, 0.7)))


def _rope(rng, figure, time):
    rate = rng.uniform(1.8, 2.5)
    when = cycle_times(rng, time, 1 / rate, 0.02, margin=4)
    contact = np.full(len(when), min(rng.uniform(0.42, 0.6) / rate, 0.27))
    pose = _bouncing_pose(
        rng,
        figure,
        time,
        when,
        contact,
        figure.half_stance * rng.uniform(0.4, 0.9),
        pitch=(20.0, rng.uniform(2, 12), 32.0),
        drop=rng.uniform(0.0, 0.02) * figure.stature,
        tuck=rng.uniform(0.0, 0.04),
        shock=rng.uniform(15, 40),
    )
    phase = phase_of(time, when) + rng.uniform()
    radius = rng.uniform(0.06, 0.16)
    hands = {}
    out, up = rng.uniform(0.2, 0.5), rng.uniform(-0.75, -0.6)
    for side in ("right", "left"):
        turn = 2 * np.pi * (phase + rng.normal(0, 0.02))
        position = reach(
            figure,
            side,
            forward=0.25 - radius * np.sin(turn),
            out=out + 0.5 * radius * np.cos(turn + 0.8),
            up=up + radius * np.cos(turn),
        )
        hands[side] = HandTrack(
            position,
            swivel=rng.normal(0.1, 0.1),
            pronation=-0.2 + 0.3 * np.sin(turn),
            wrist_deviation=0.35 * np.cos(turn),
            wrist_flexion=0.35 * np.sin(turn),
        )
    return with_hands(pose, **hands), tempo_facts(rate)


def _jacks(rng, figure, time):
    rate = rng.uniform(1.5, 2.4)
    when = cycle_times(rng, time, 1 / rate, 0.025, margin=4)
    contact = np.full(len(when), min(rng.uniform(0.45, 0.6) / rate, 0.33))
    wide = figure.stature * rng.uniform(0.16, 0.24)
    apart = np.where(np.arange(len(when)) % 2 == 0, 0.7 * figure.half_stance, wide)
    pose = _bouncing_pose(
        rng,
        figure,
        time,
        when,
        contact,
        apart,
        pitch=(18.0, 3.0, 34.0),
        drop=0.05 * figure.stature,
        tuck=0.0,
        shock=rng.uniform(15, 40),
    )
    phase = 0.5 * phase_of(time, when)
    high = rng.uniform(2.2, 2.9)
    # The arms arrive with the feet, a little late.
    wave = 0.5 - 0.5 * np.cos(2 * np.pi * (phase - rng.uniform(0.03, 0.09)))
    arms = [
        ArmAngles(
            flexion=rng.normal(0.1, 0.05),
            abduction=0.2 + (high - 0.2) * wave * rng.uniform(0.93, 1.0),
            rotation=rng.normal(-0.1, 0.1) * wave,
            elbow=0.15 + rng.uniform(0.0, 0.5) * wave,
            pronation=0.2 - 0.5 * wave,
        )
        for _ in range(2)
    ]
    return with_hands(pose, *arms), tempo_facts(rate / 2)


def _hopping(rng, figure, time):
    rate = rng.uniform(1.8, 2.6)
    when = cycle_times(rng, time, 1 / rate, 0.03, margin=4)
    contact = np.full(len(when), min(rng.uniform(0.42, 0.6) / rate, 0.27))
    pose = _bouncing_pose(
        rng,
        figure,
        time,
        when,
        contact,
        0.015,
        pitch=(16.0, 2.0, 34.0),
        drop=0.03 * figure.stature,
        tuck=0.0,
        shock=rng.uniform(30, 60),
    )
    side = ("right", "left")[rng.integers(2)]
    other = "left" if side == "right" else "right"
    beat = np.cos(2 * np.pi * phase_of(time, when))
    free = LegAngles(
        flexion=rng.uniform(0.8, 1.3) + 0.06 * beat,
        knee=rng.uniform(1.6, 2.0) + 0.1 * beat,
        ankle=0.0,
    )
    lean = 0.05 if side == "right" else -0.05
    pose = bend(dataclasses.replace(pose, **{f"{other}_leg": free}), lateral=lean)
    arms = [
        ArmAngles(
            flexion=0.1 + rng.uniform(0.05, 0.25) * beat,
            abduction=rng.uniform(0.2, 0.6),
            elbow=rng.uniform(0.6, 1.5) + 0.1 * beat,
        )
        for _ in range(2)
    ]
    return with_hands(pose, *arms), tempo_facts(rate) | {"side": side}


def tempo_facts(rate: float) -> dict[str, str]:
    """Facts of a rate in Hz: a pace to be named in captions, and the number."""
    return {"tempo": f"{60 * rate:.0f} per minute", "tempo_hz": f"{rate:.3f}"}


_activity = functools.partial(whole_body, group="jumping", captions=CAPTIONS)


_JUMPING = "a person is jumping"
ACTIVITIES = (
    _activity("rope_jumping", "rope jumping", _JUMPING, _rope),
    _activity("jumping_jacks", "jumping jacks", _JUMPING, _jacks),
    _activity("hopping", "hopping on one leg", "a person is hopping", _hopping),
)
