"""Footfalls: where each foot stands and when, and how it rolls over and swings.

A gait is a plan of steps. Even steps are the right foot's, odd ones the left's. Each
foot stands still on its contact, rolling about the heel while its toes point up, flat,
then about the ball and at last the tip of the toes (the three rockers of Perry 1992),
and swings to the next along a quintic that leaves with the velocity and acceleration
of the push-off and arrives with that of the coming rocker plus an impact velocity,
which the ground stops within a sample or two.
"""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline, PchipInterpolator

from anymo_jax.motion.procedural.curves import (
    minimum_jerk,
    periodic,
    ringing,
    softened,
)
from anymo_jax.motion.procedural.figure import Figure
from anymo_jax.motion.procedural.limbs import FootTrack, about

# Toes extend up to this, rad, before the foot rolls over their tip; set by eye.
_TOE_EXTENSION = 0.8
# Heel pad and shoe give: the heel-strike transient lasts 10 to 20 ms (Whittle 1999).
HEEL_PAD_S = 0.007


@dataclasses.dataclass(frozen=True)
class Roll:
    """How a foot rolls and swings in one cycle, from one contact to its next.

    Attributes:
      duty: share of the cycle on the ground.
      phase: (K,) of the pitch's knots, 0 at contact.
      pitch: (K,) degrees, sole against the ground, positive with the toes down.
      lift: m added to the swing's height at its highest.
      lift_at: share of the swing at which `lift` is reached.
      impact: (2,) m/s, forward and downward speed that the ground stops at contact.
      surge: (2,) m/s^2, forward acceleration of the ankle at the start and at the end
        of the swing.
    """

    duty: float
    phase: tuple[float, ...]
    pitch: tuple[float, ...]
    lift: float
    lift_at: float = 0.5
    impact: tuple[float, float] = (0.0, 0.0)
    surge: tuple[float, float] = (0.0, 0.0)


@dataclasses.dataclass(frozen=True)
class Steps:
    """A plan of footfalls.

    Attributes:
      when: (J,) s, contact of each step; even ones are of the right foot.
      path: (J, 4) x, y, z in m and yaw in rad of the body's line at each step.
      contact: (J, 4) the same of the foot put down.
    """

    when: Float[np.ndarray, "J"]
    path: Float[np.ndarray, "J 4"]
    contact: Float[np.ndarray, "J 4"]

    def phase(self, time: np.ndarray) -> np.ndarray:
        """Phase (T,) in strides; whole at contacts of the right foot, half at left."""
        return PchipInterpolator(self.when, 0.5 * np.arange(len(self.when)))(time)

    def body(self, time: np.ndarray, lead: float = 0.0) -> np.ndarray:
        """Smooth path (T, 4) of the body: between the feet when a foot comes down.

        Args:
          lead: share of a step by which the body is ahead of that.
        """
        middle = 0.5 * (self.path[1:] + self.path[:-1])
        shift = lead * np.diff(self.when)
        return CubicSpline(self.when[1:] - shift, middle)(time)


def step_times(
    rng: np.random.Generator,
    time: np.ndarray,
    step_s: float,
    variation: float = 0.022,
    asymmetry: float = 0.01,
) -> np.ndarray:
    """Contact times (J,) of steps that cover `time` with two steps to spare.

    Args:
      step_s: mean duration of a step.
      variation: coefficient of variation of the step time.
      asymmetry: standard deviation over people of left-right asymmetry, as a share.
    """
    count = int(np.ceil((time[-1] - time[0]) / (step_s * (1 - 2.5 * variation)))) + 10
    share = variation * np.clip(rng.standard_normal(count), -2, 2)
    limp = (
        asymmetry * np.clip(rng.standard_normal(), -2, 2) * (-1.0) ** np.arange(count)
    )
    when = np.concatenate([[0.0], np.cumsum(step_s * (1 + share + limp))])
    first = 4 + rng.integers(2)
    return when - when[first] + rng.uniform(0, step_s) + time[0]


def plan_steps(
    rng: np.random.Generator,
    when: np.ndarray,
    *,
    forward: np.ndarray | float,
    half_width: float,
    sideways: np.ndarray | float = 0.0,
    rise: np.ndarray | float = 0.0,
    turn: np.ndarray | float = 0.0,
    toe_out: float = 0.1,
    variation: float = 0.025,
) -> Steps:
    """A plan from the body's displacement at each step, in its own heading.

    Args:
      when: (J,) s, contact times.
      forward, sideways, rise: m per step, scalar or (J,); sideways to the left.
      half_width: m, of each foot from the body's line.
      turn: rad per step, to the left.
      toe_out: rad, outward turn of both feet.
      variation: coefficient of variation of the forward step; a third of a
        centimetre of width varies with it.
    """
    count = len(when)
    vary = 1 + variation * np.clip(rng.standard_normal(count), -2, 2)
    forward, sideways, rise, turn = (
        np.broadcast_to(np.asarray(v, float), (count,))
        for v in (forward, sideways, rise, turn)
    )
    forward = forward * vary if np.all(rise == 0) else forward
    yaw = np.cumsum(turn)
    cosine, sine = np.cos(yaw - 0.5 * turn), np.sin(yaw - 0.5 * turn)
    x = np.cumsum(cosine * forward - sine * sideways)
    y = np.cumsum(sine * forward + cosine * sideways)
    path = np.stack([x, y, np.cumsum(rise), yaw], axis=-1)
    path[:, :3] -= path[len(path) // 2, :3] * [1, 1, 0]
    side = np.where(np.arange(count) % 2 == 0, -1.0, 1.0)
    out = side * (half_width + 0.006 * rng.standard_normal(count))
    contact = path.copy()
    contact[:, 0] -= np.sin(yaw) * out
    contact[:, 1] += np.cos(yaw) * out
    contact[:, 3] += side * (toe_out + 0.02 * rng.standard_normal(count))
    return Steps(when, path, contact)


def stepping_foot(
    figure: Figure,
    steps: Steps,
    time: np.ndarray,
    side: str,
    roll: Roll,
    *,
    knee_out: float = 0.0,
    shock: tuple[float, float, float] = (0.0, 25.0, 0.02),
) -> FootTrack:
    """One foot's track through a plan of steps.

    Args:
      side: "right" or "left".
      roll: how it rolls and swings.
      knee_out: rad, of the knee.
      shock: of each contact, peak in m/s^2, frequency in Hz, decay in s of the
        oscillation of the ankle that follows it.
    """
    parity = 0 if side == "right" else 1
    contact, when = steps.contact[parity::2], steps.when[parity::2]
    phase = np.maximum(steps.phase(time) - 0.5 * parity, 0.0)
    cycle = np.minimum(phase.astype(int), len(contact) - 2)
    share = phase - cycle
    here, there = contact[cycle], contact[cycle + 1]
    swing = np.clip((share - roll.duty) / (1 - roll.duty), 0.0, 1.0)
    pitch = _pitch(roll, share)
    ankle = stance_ankle(figure, here, pitch)
    moving = swing > 0
    stride_s = np.median(np.diff(when))
    ankle[moving] = _swing_ankle(
        figure, roll, here[moving], there[moving], swing[moving], stride_s
    )
    ankle = softened(time, ankle, HEEL_PAD_S)
    peak, frequency, decay = shock
    if peak:
        wobble = ringing(time, when, 2 * peak, frequency, decay)
        ankle = ankle + wobble[:, None] * np.array([0.6, 0.0, 1.0])
    toe = np.clip(pitch, 0, _TOE_EXTENSION) * toes_down(swing)
    yaw = _yaw(here, there, swing)
    rotation = about("z", yaw, len(time)) @ about("y", pitch, len(time))
    # The flesh of the leg turns about the bone and back after each contact.
    shiver = ringing(time, when, 8 * min(peak, 20.0), 0.4 * frequency, 0.05, 0.015)
    return FootTrack(ankle, rotation, knee_out + shiver, toe)


def toes_down(swing: np.ndarray) -> np.ndarray:
    """How far (0..1) toes lie in the ground's plane: less in the middle of a swing."""
    return 1 - minimum_jerk(swing / 0.45) + minimum_jerk((swing - 0.6) / 0.4)


def _pitch(roll: Roll, share: np.ndarray) -> np.ndarray:
    """Pitch in rad at a share of the cycle; angles under a degree count as flat."""
    pitch = np.radians(periodic(share, np.asarray(roll.phase), np.asarray(roll.pitch)))
    flat = np.radians(1.5)
    return pitch - flat * np.tanh(pitch / flat)


def _yaw(here: np.ndarray, there: np.ndarray, swing: np.ndarray) -> np.ndarray:
    return here[:, 3] + minimum_jerk(swing) * (there[:, 3] - here[:, 3])


def stance_ankle(figure: Figure, contact: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Ankle (N, 3) of a foot that rolls on its contact by `pitch` (N,) rad."""
    heel, ball, tip = figure.heel, figure.ball, figure.tip
    over_heel = heel - _pitched(heel, np.minimum(pitch, 0))
    up = np.maximum(pitch, 0)
    over_tip = (tip - ball) - _pitched(tip - ball, np.maximum(up - _TOE_EXTENSION, 0))
    over_ball = ball - _pitched(ball, up)
    rolled = over_heel + over_ball + over_tip
    cosine, sine = np.cos(contact[:, 3]), np.sin(contact[:, 3])
    return np.stack(
        [
            contact[:, 0] + cosine * rolled[:, 0],
            contact[:, 1] + sine * rolled[:, 0],
            contact[:, 2] + figure.ankle_height + rolled[:, 2],
        ],
        axis=-1,
    )


def _pitched(point: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """A point (3,) of the foot's middle plane, pitched toes-down by (N,) rad."""
    cosine, sine = np.cos(pitch), np.sin(pitch)
    x = cosine * point[0] + sine * point[2]
    z = -sine * point[0] + cosine * point[2]
    return np.stack([x, np.zeros_like(x), z], axis=-1)


def _swing_ankle(
    figure: Figure,
    roll: Roll,
    here: np.ndarray,
    there: np.ndarray,
    swing: np.ndarray,
    stride_s: float,
) -> np.ndarray:
    """Ankle (N, 3) at shares of the swing from one contact to the next."""
    step = 0.004
    air = 1 - roll.duty

    def stance(contact, share):
        return stance_ankle(
            figure, contact, np.full(len(contact), _pitch(roll, np.array([share]))[0])
        )

    leave = [stance(here, roll.duty - k * step) for k in (0, 1, 2)]
    speed_out = (1.5 * leave[0] - 2 * leave[1] + 0.5 * leave[2]) / step * air
    arrive = [stance(there, k * step) for k in (0, 1, 2)]
    speed_in = (-1.5 * arrive[0] + 2 * arrive[1] - 0.5 * arrive[2]) / step * air
    forward, down = roll.impact
    heading = np.stack([np.cos(there[:, 3]), np.sin(there[:, 3])], axis=-1)
    speed_in[:, :2] += forward * heading * (air * stride_s)
    speed_in[:, 2] -= down * air * stride_s
    ahead = np.pad(heading, ((0, 0), (0, 1))) * (air * stride_s) ** 2
    ankle = quintic(
        swing[:, None],
        (leave[0], arrive[0]),
        (speed_out, speed_in),
        (roll.surge[0] * ahead, roll.surge[1] * ahead),
    )
    a = 3 * roll.lift_at / (1 - roll.lift_at)
    a, b = (a, 3.0) if a >= 3 else (3.0, 3 * (1 - roll.lift_at) / roll.lift_at)
    top = roll.lift_at**a * (1 - roll.lift_at) ** b
    ankle[:, 2] += roll.lift * swing**a * (1 - swing) ** b / top
    return ankle


def quintic(u, position, velocity, acceleration):
    """Quintic of u in 0..1 with given (start, end) position and derivatives in u."""
    (p0, p1), (v0, v1), (a0, a1) = position, velocity, acceleration
    gap = p1 - p0 - v0 - 0.5 * a0
    slope = v1 - v0 - a0
    curl = a1 - a0
    c3 = 10 * gap - 4 * slope + 0.5 * curl
    c4 = -15 * gap + 7 * slope - curl
    c5 = 6 * gap - 3 * slope + 0.5 * curl
    return p0 + u * (v0 + u * (0.5 * a0 + u * (c3 + u * (c4 + u * c5))))
