"""Is the stated frame rate possible? Two clocks that every body carries.

Public motion-capture conversions do carry wrong frame rates. A wrong rate scales all
times but no length, so whatever ties lengths to times betrays it:

* Free fall. While nothing touches the ground the centre of mass falls at 9.81 m/s^2.
  A measured fall of a means that the true rate is sqrt(9.81 / a) times the stated one.
* Gait. Step length over step rate, the walk ratio, is nearly constant for a person over
  speeds: 0.0065 m/(steps/min) (Sekiya, Nagasaki, Ito & Furuna, "The invariant
  relationship between step length and step rate during free walking", J. Human
  Movement Studies 30, 1996). Walking is told from running by the pelvis, which is
  lowest in walking and highest in running when the feet are furthest apart (Cavagna,
  Thys & Zamboni, J. Physiol. 262, 1976). Gait between the two is not judged, nor are
  shuffling steps.

Bounds are wide enough for acted styles, since a false alarm costs a recording. Frames
marked invalid are used too: a wrong rate makes sound frames look like glitches.
"""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy import ndimage, signal

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion.recording import SegmentMotion

GRAVITY = 9.81
FALL_FACTOR_RANGE = (0.75, 1.33)  # of the rate, from free fall
WALK_RATIO = 0.0065  # m/(steps/min)
WALK_RATIO_RANGE = (0.0028, 0.0115)
WALK_STEP_RATE_MAX = 3.0  # 1/s; race walkers reach 3.3, everyday walking 2.3
# Easy running, 1/s; the rate rises little with speed (Cavanagh & Kram, Med. Sci. Sports
# Exerc. 21, 1989).
RUN_STEP_RATE = 2.7
RUN_STEP_RATE_RANGE = (1.7, 4.6)  # slow jogging, sprinting
SHORTEST_WALK_STEP = 0.5  # of the leg's length
SHORTEST_RUN_STEP = 1.0  # of the leg's length
FEWEST_STEPS = 4
CLEAR_BOUNCE = 0.3  # correlation of pelvis height with the feet's distance

# Share of body mass and place of the centre of mass as a fraction of the way between
# two origins: de Leva, J. Biomechanics 29, 1996 (men; the trunk's two halves by eye).
_MASSES = (
    ("Head", "Head", 0.0, 0.0694),
    ("T12", "Neck", 0.5, 0.2173),
    ("Pelvis", "T12", 0.5, 0.2173),
    *(
        (f"{side}_{start}", f"{side}_{end}", fraction, mass)
        for side in "RL"
        for start, end, fraction, mass in (
            ("UpperArm", "Forearm", 0.577, 0.0271),
            ("Forearm", "Hand", 0.457, 0.0162),
            ("Hand", "Hand", 0.0, 0.0061),
            ("UpperLeg", "LowerLeg", 0.410, 0.1416),
            ("LowerLeg", "Foot", 0.446, 0.0433),
            ("Foot", "Toe", 0.442, 0.0137),
        )
    ),
)
_FEET = [XSENS.index(f"{side}_{part}") for side in "RL" for part in ("Foot", "Toe")]
_HANDS = [XSENS.index("R_Hand"), XSENS.index("L_Hand")]


def infer_tempo_faults(motion: SegmentMotion) -> tuple[str, ...]:
    """Reasons to believe that a motion's frame rate is wrong; empty for most.

    Each says what was measured, what was expected, and the factor by which the rate
    would have to be multiplied.
    """
    motion = dataclasses.replace(
        motion,
        position=np.asarray(motion.position, np.float64),
        rotation=np.asarray(motion.rotation, np.float64),
    )
    return (*_fall_faults(motion), *_gait_faults(motion))


def _fall_faults(motion: SegmentMotion) -> list[str]:
    falls = measure_falls(motion)
    if not falls:
        return []
    fall = float(np.median(falls))
    factor = np.sqrt(GRAVITY / fall)
    low, high = FALL_FACTOR_RANGE
    if low <= factor <= high:
        return []
    return [
        f"free fall: the body falls at {fall:.1f} m/s^2 in {len(falls)} flight(s), "
        f"expected {GRAVITY / high**2:.1f} to {GRAVITY / low**2:.1f}; a frame rate "
        f"{factor:.2f} times the stated {motion.rate_hz:g} Hz would explain it"
    ]


def measure_falls(motion: SegmentMotion) -> list[float]:
    """Downward acceleration in m/s^2 of the centre of mass in each clear flight.

    A flight: both feet 5 cm clear of the ground and at its peak 10 cm, hands 30 cm, at
    least seven frames, a sagitta of 5 cm or more, and a height that is a parabola to 3
    per cent of that. Tiptoe, climbing and lying down fail one of these.
    """
    position = motion.position
    feet = position[:, _FEET, 2]
    ground = np.percentile(feet, 2, axis=0)
    clearance = (feet - ground).min(axis=1)
    hands = position[:, _HANDS, 2].min(axis=1) - ground.min()
    labels, count = ndimage.label((clearance > 0.05) & (hands > 0.3))
    height = _centre_of_mass_height(position)
    falls = []
    for flight in ndimage.find_objects(labels, count):
        if clearance[flight].max() < 0.10 or len(height[flight]) < 7:
            continue
        time = np.arange(len(height[flight])) / motion.rate_hz
        time -= time.mean()
        parabola = np.polynomial.Polynomial.fit(time, height[flight], 2).convert()
        fall = -2 * parabola.coef[2]
        sagitta = fall * time[-1] ** 2 / 2
        residual = np.sqrt(np.mean((parabola(time) - height[flight]) ** 2))
        if sagitta > 0.05 and residual < 0.03 * sagitta:
            falls.append(float(fall))
    return falls


def _centre_of_mass_height(
    position: Float[np.ndarray, "T 23 3"],
) -> Float[np.ndarray, "T"]:
    height = np.zeros(len(position))
    total = 0.0
    for start, end, fraction, mass in _MASSES:
        first = position[:, XSENS.index(start), 2]
        second = position[:, XSENS.index(end), 2]
        height += mass * (first + fraction * (second - first))
        total += mass
    return height / total


@dataclasses.dataclass(frozen=True)
class Gait:
    """Steady locomotion over ground.

    Attributes:
      step_rate: steps per second.
      step_length: metres, distance covered per step.
      leg_length: metres, hip to knee to ankle.
      bounce: correlation of the pelvis's height, less its mean over a step, with the
        distance between the feet; near -1 in walking and +1 in running.
      steps: number of steps measured.
    """

    step_rate: float
    step_length: float
    leg_length: float
    bounce: float
    steps: int

    @property
    def walking(self) -> bool:
        """Clearly walking, with whole steps."""
        stride = self.step_length / self.leg_length
        return self.bounce < -CLEAR_BOUNCE and stride > SHORTEST_WALK_STEP

    @property
    def running(self) -> bool:
        """Clearly running, with steps that take a flight."""
        stride = self.step_length / self.leg_length
        return self.bounce > CLEAR_BOUNCE and stride > SHORTEST_RUN_STEP


def _gait_faults(motion: SegmentMotion) -> list[str]:
    gait = measure_gait(motion)
    if gait is None or not (gait.walking or gait.running):
        return []
    if gait.walking:
        usual = gait.step_length / (60 * WALK_RATIO)
        low, high = (gait.step_length / (60 * w) for w in reversed(WALK_RATIO_RANGE))
        high = min(high, WALK_STEP_RATE_MAX)
    else:
        usual, (low, high) = RUN_STEP_RATE, RUN_STEP_RATE_RANGE
    if low <= gait.step_rate <= high:
        return []
    return [
        f"gait: {'walking' if gait.walking else 'running'} at {gait.step_rate:.2f} "
        f"steps/s of {gait.step_length:.2f} m over {gait.steps} steps, expected "
        f"{low:.2f} to {high:.2f} steps/s; a frame rate {usual / gait.step_rate:.2f} "
        f"times the stated {motion.rate_hz:g} Hz would explain it"
    ]


def measure_gait(motion: SegmentMotion) -> Gait | None:
    """Step rate and length of steady, straight locomotion; None where there is none.

    A step lasts from one extreme of the ankles' fore-aft separation to the next on the
    other side. Every `FEWEST_STEPS` steps in a row are looked at; they count if they
    are of even duration (coefficient of variation below 0.2), on a straight path, of a
    length that fits the separation, and with a pelvis that never slows below 0.4 of its
    mean speed, as it does between single steps. What counts is summed up by medians.
    """
    position = motion.position
    leg = _leg_length(position)
    separation = _separation(motion)
    series = []
    for extremes in _alternating_extremes(separation, leg):
        for first in range(len(extremes) - FEWEST_STEPS):
            window = extremes[first : first + FEWEST_STEPS + 1]
            steps = _measure_steps(position[:, 0], separation, window)
            if steps is not None:
                series.append((*steps, *window[[0, -1]]))
    if not series:
        return None
    frames, length, bounce, start, end = np.array(series).T
    walked = np.zeros(len(position), bool)
    for first, last in zip(start.astype(int), end.astype(int), strict=True):
        walked[first:last] = True
    return Gait(
        step_rate=float(motion.rate_hz / np.median(frames)),
        step_length=float(np.median(length)),
        leg_length=leg,
        bounce=float(np.median(bounce)),
        steps=round(walked.sum() / np.median(frames)),
    )


def _measure_steps(
    pelvis: Float[np.ndarray, "T 3"],
    separation: Float[np.ndarray, "T"],
    extremes: np.ndarray,
) -> tuple[float, float, float] | None:
    """Frames per step, metres per step and bounce of a few steps, if they count."""
    frames = np.diff(extremes)
    if frames.std() > 0.2 * frames.mean():
        return None
    path = pelvis[extremes[0] : extremes[-1] + 1, :2]
    covered = np.linalg.norm(np.diff(pelvis[extremes, :2], axis=0), axis=-1)
    swung = np.abs(np.diff(separation[extremes])) / 2
    if not 0.7 < np.median(covered / swung) < 2.2:
        return None
    if not _straight_and_steady(path, frames):
        return None
    step = int(np.median(frames))
    around = slice(max(0, extremes[0] - step), extremes[-1] + step)
    height = pelvis[around, 2]
    height = height - ndimage.uniform_filter1d(height, step)
    bounce = np.corrcoef(height, np.abs(separation[around]))[0, 1]
    return frames.mean(), covered.mean(), bounce


def _separation(motion: SegmentMotion) -> Float[np.ndarray, "T"]:
    """How far the left ankle is before the right, along the pelvis's heading."""
    forward = motion.rotation[:, 0, :2, 0]
    forward = forward / (np.linalg.norm(forward, axis=-1, keepdims=True) + 1e-9)
    left, right = (XSENS.index(f"{side}_Foot") for side in "LR")
    ankles = motion.position[:, left, :2] - motion.position[:, right, :2]
    return np.einsum("ti,ti->t", ankles, forward)


def _leg_length(position: Float[np.ndarray, "T 23 3"]) -> float:
    hip, knee, ankle = (
        position[0, XSENS.index(name)]
        for name in ("R_UpperLeg", "R_LowerLeg", "R_Foot")
    )
    return float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))


def _alternating_extremes(
    separation: Float[np.ndarray, "T"], leg: float
) -> list[np.ndarray]:
    """Frames of every series of alternating maxima and minima."""
    limits = {"prominence": 0.4 * leg, "height": 0.15 * leg}
    high, _ = signal.find_peaks(separation, **limits)
    low, _ = signal.find_peaks(-separation, **limits)
    frames = np.concatenate([high, low])
    side = np.concatenate([np.ones(len(high)), -np.ones(len(low))])
    order = np.argsort(frames)
    frames, side = frames[order], side[order]
    breaks = np.flatnonzero(side[1:] == side[:-1]) + 1
    return np.split(frames, breaks)


def _straight_and_steady(path: Float[np.ndarray, "T 2"], frames: np.ndarray) -> bool:
    """Net way over path length above 0.8, and no halt between steps."""
    lag = max(1, int(np.median(frames)) // 4)
    speed = np.linalg.norm(path[lag:] - path[:-lag], axis=-1) / lag
    straight = np.linalg.norm(path[-1] - path[0]) > 0.8 * speed.mean() * (len(path) - 1)
    return bool(straight and speed.min() > 0.4 * speed.mean())
