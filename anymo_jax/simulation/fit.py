"""Where a real sensor sits: offset, mounting and biases from signal and motion.

A sensor at offset r and mounting F (segment from sensor) on a segment with the motion
terms u, M, s of Eq. 2 (`simulation.imu`) reads

    acc = F^T (u + M r) + b_a,        gyr = F^T s + b_g.

The start is closed: r = b = 0 and F from all vector pairs of the two sensors (Wahba's
problem, `Rotation.align_vectors`). Gauss-Newton steps then minimise jointly

    |acc - ...|^2 / s_a^2 + |gyr - ...|^2 / s_g^2
        + |r|^2 / 0.2^2 + |b_a|^2 / 0.3^2 + |b_g|^2 / 0.05^2

over (F, r, b_a, b_g). The variances s_a^2 and s_g^2 are those of the residuals, times
the length of their autocorrelation, since what a rigid segment leaves unexplained (soft
tissue, errors of the capture) is not white and neighbouring frames tell the same; the
last terms (m, m/s^2, rad/s) hold what the motion leaves open near zero.
"""

import dataclasses
import math
import warnings

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from anymo_jax.geometry import derivative
from anymo_jax.geometry.derivative import CENTRAL, Differentiation
from anymo_jax.simulation.imu import STANDARD_GRAVITY, motion_terms
from anymo_jax.simulation.lag import estimate_lag, undelay

OFFSET_STD = 0.2
FORCE_BIAS_STD = 0.3
RATE_BIAS_STD = 0.05
# An offset less certain than this is as much the prior's as the data's.
_UNCERTAIN_OFFSET = 0.05
_LEAST_FRAMES = 10
_MOST_STEPS = 100
# Converged where no parameter moves by more than this share of its standard error.
_CONVERGED = 1e-3
_EXACT = 1e-8
_compiled_terms = jax.jit(motion_terms, static_argnums=(2, 4))


@dataclasses.dataclass(frozen=True)
class FittedPlacement:
    """A placement recovered from data.

    Attributes:
      offset: (3,) m, from the segment's origin, in the segment frame.
      frame: (3, 3) segment from sensor.
      force_bias: (3,) m/s^2, in the sensor frame.
      rate_bias: (3,) rad/s, in the sensor frame.
      lag_s: s by which the sensor's clock runs behind the motion's; 0 unless asked for.
      force_residual: m/s^2, RMS over time and axes of what the fit leaves.
      rate_residual: rad/s, likewise.
      offset_std: (3,) m, standard error of the offset.
      frame_std: (3,) rad, standard error of the mounting, about the sensor's axes.
      condition: ratio of the best to the least determined direction of the offset;
        1 is ideal, large where the segment turns about one axis only.
    """

    offset: Float[np.ndarray, "3"]
    frame: Float[np.ndarray, "3 3"]
    force_bias: Float[np.ndarray, "3"]
    rate_bias: Float[np.ndarray, "3"]
    lag_s: float
    force_residual: float
    rate_residual: float
    offset_std: Float[np.ndarray, "3"]
    frame_std: Float[np.ndarray, "3"]
    condition: float


@dataclasses.dataclass(frozen=True)
class _Terms:
    """Motion of one segment: force (T, 3), lever (T, 3, 3) and rate (T, 3)."""

    force: np.ndarray
    lever: np.ndarray
    rate: np.ndarray

    def __getitem__(self, frames: slice) -> "_Terms":
        return _Terms(self.force[frames], self.lever[frames], self.rate[frames])


def fit_placement(
    imu: Float[np.ndarray, "..."],
    position: Float[np.ndarray, "..."],
    rotation: Float[np.ndarray, "..."],
    *,
    rate_hz: float,
    gravity: tuple[float, float, float] = STANDARD_GRAVITY,
    differentiation: Differentiation = CENTRAL,
    acceleration: Float[np.ndarray, "..."] | None = None,
    fit_offset: bool = True,
    largest_lag_s: float = 0.0,
) -> FittedPlacement:
    """Offset, mounting and biases of a sensor on one segment.

    The two should be band-limited alike: with a `bandlimited` differentiation, smooth
    the sensor at the same cut-off (`geometry.smoothing.smooth`). One period of the
    cut-off at either end, where smoothers are one-sided, is not fitted then.

    Args:
      imu: (T, 6) specific force m/s^2 and angular rate rad/s, in the sensor frame.
      position: (T, 3) m, origin of the segment in the world.
      rotation: (T, 3, 3) world from segment.
      rate_hz: sampling rate of both.
      gravity: (3,) m/s^2 in the world.
      differentiation: scheme of the motion's time derivatives.
      acceleration: (T, 3) m/s^2, of the segment's origin in the world, for captures
        that state it; None differentiates the position.
      fit_offset: False holds the offset at zero, a sensor at the segment's origin.
      largest_lag_s: if positive, a constant lag of the sensor's clock of up to this
        much is found first, where the rates' magnitudes correlate best.

    Raises:
      ValueError: for shapes that do not fit, values that are not finite, fewer than 10
        frames to fit, or a signal that does not belong to the motion.

    Warns:
      UserWarning: where the motion leaves the offset uncertain by more than 5 cm; what
        it does not determine is then pulled towards zero.
    """
    _check(imu, position, rotation, acceleration)
    imu = np.asarray(imu, np.float64)
    terms = _motion(
        *(position, rotation, acceleration), rate_hz, gravity, differentiation
    )
    lag_s = 0.0
    if largest_lag_s > 0:
        lag_s = estimate_lag(imu[:, 3:], terms.rate, rate_hz, largest_lag_s)
        imu = undelay(imu, lag_s, rate_hz)
    end = math.ceil(abs(lag_s) * rate_hz)
    if differentiation.scheme == "bandlimited":
        end += math.ceil(rate_hz / differentiation.cutoff_hz)
    inside = slice(end, len(imu) - end)
    fitted = _gauss_newton(imu[inside], terms[inside], fit_offset)
    fitted = dataclasses.replace(fitted, lag_s=lag_s)
    if fit_offset and fitted.offset_std.max() > _UNCERTAIN_OFFSET:
        warnings.warn(
            "the motion hardly turns the segment: the offset is uncertain by "
            f"{fitted.offset_std.max() * 100:.0f} cm and pulled towards zero "
            f"(condition {fitted.condition:.0f})",
            stacklevel=2,
        )
    return fitted


def predict_imu(
    fitted: FittedPlacement,
    position: Float[np.ndarray, "T 3"],
    rotation: Float[np.ndarray, "T 3 3"],
    *,
    rate_hz: float,
    gravity: tuple[float, float, float] = STANDARD_GRAVITY,
    differentiation: Differentiation = CENTRAL,
    acceleration: Float[np.ndarray, "T 3"] | None = None,
) -> Float[np.ndarray, "T 6"]:
    """What a fitted sensor reads on a motion, biases included, on the motion's clock.

    `simulate_imu` in float64 and for one sensor; arguments as in `fit_placement`. A
    lag is not applied: compare with `undelay(imu, fitted.lag_s, rate_hz)`.
    """
    terms = _motion(
        *(position, rotation, acceleration), rate_hz, gravity, differentiation
    )
    biases = np.concatenate([fitted.force_bias, fitted.rate_bias])
    return _reading(terms, fitted.frame, np.concatenate([fitted.offset, biases]))


def _gauss_newton(imu, terms, fit_offset) -> FittedPlacement:
    """Joint fit from Wahba's start, variances re-estimated at each step."""
    if len(imu) < _LEAST_FRAMES:
        raise ValueError(
            f"{len(imu)} frames to fit are too few; give at least {_LEAST_FRAMES} "
            "besides the ends that a lag or a smoother takes"
        )
    # Turn of the mounting, offset, force bias, rate bias. A turn is within half a
    # revolution: that keeps one open about gravity from making the matrix singular.
    prior = np.repeat([np.pi, OFFSET_STD, FORCE_BIAS_STD, RATE_BIAS_STD], 3) ** -2.0
    frame, rest = _wahba(imu, terms), np.zeros(9)
    free = np.arange(12) if fit_offset else np.r_[0:3, 6:12]
    for _ in range(_MOST_STEPS):
        residual = imu - _reading(terms, frame, rest)
        spread = _effective_spread(residual)
        information, slope = _normal_equations(residual, terms, frame, rest, spread)
        information += np.diag(prior)
        slope[3:] -= prior[3:] * rest
        covariance = np.linalg.inv(information[np.ix_(free, free)])
        step, std = np.zeros(12), np.zeros(12)
        step[free] = covariance @ slope[free]
        std[free] = np.sqrt(np.diag(covariance))
        frame = frame @ Rotation.from_rotvec(step[:3]).as_matrix()
        rest = rest + step[3:]
        if np.all(np.abs(step) <= np.maximum(_CONVERGED * std, _EXACT)):
            break
    else:
        raise ValueError(
            f"no convergence in {_MOST_STEPS} steps: signal and motion do not belong "
            "together, or are not synchronous (see `largest_lag_s`)"
        )
    force_residual, rate_residual = _rms_by_kind(residual)
    return FittedPlacement(
        offset=rest[:3],
        frame=frame,
        force_bias=rest[3:6],
        rate_bias=rest[6:],
        lag_s=0.0,
        force_residual=float(force_residual),
        rate_residual=float(rate_residual),
        offset_std=std[3:6],
        frame_std=std[:3],
        condition=_condition(terms),
    )


def _wahba(imu, terms):
    """Mounting that best maps the sensor's vectors on the segment's, at zero offset."""
    truth = np.stack([terms.force, terms.rate], axis=1)
    measured = imu.reshape(-1, 2, 3)
    # A segment that stands still has no rate to weigh.
    power = np.maximum(np.mean(truth**2, axis=(0, 2)), 1e-6)
    weights = np.broadcast_to(1 / power, measured.shape[:2])
    with warnings.catch_warnings():
        # A segment that hardly turns leaves the rotation about gravity open; the fit
        # shows that in `frame_std`.
        warnings.simplefilter("ignore", UserWarning)
        rotation, _ = Rotation.align_vectors(
            truth.reshape(-1, 3), measured.reshape(-1, 3), weights=weights.ravel()
        )
    return rotation.as_matrix()


def _normal_equations(residual, terms, frame, rest, spread):
    """Gauss-Newton's 12 x 12 matrix and right side, in units of the noise."""
    frames = len(residual)
    jacobian = np.zeros((frames, 6, 12))
    # Turning the mounting by d turns the reading v = F^T f by v x d.
    jacobian[:, :3, :3] = _hat((terms.force + terms.lever @ rest[:3]) @ frame)
    jacobian[:, 3:, :3] = _hat(terms.rate @ frame)
    jacobian[:, :3, 3:6] = frame.T @ terms.lever
    jacobian[:, :, 6:] = np.eye(6)
    weight = np.repeat(1 / spread, 3)
    jacobian = (jacobian * weight[:, None]).reshape(-1, 12)
    return jacobian.T @ jacobian, jacobian.T @ (residual * weight).ravel()


def _hat(vectors: Float[np.ndarray, "T 3"]) -> Float[np.ndarray, "T 3 3"]:
    """Cross-product matrices: `hat(v) @ d == cross(v, d)`."""
    return np.cross(vectors[:, None], np.eye(3)).swapaxes(1, 2)


def _reading(terms, frame, rest):
    """Sensor's reading (T, 6) for a mounting and (offset, force bias, rate bias)."""
    force = (terms.force + terms.lever @ rest[:3]) @ frame
    return np.concatenate([force, terms.rate @ frame], axis=1) + rest[3:]


def _rms_by_kind(residual):
    return np.sqrt(np.mean(residual.reshape(-1, 2, 3) ** 2, axis=(0, 2)))


def _effective_spread(residual: Float[np.ndarray, "T 6"]) -> Float[np.ndarray, "2"]:
    """Std of both sensors' residuals times the root of their correlation length.

    The length is 1 + 2 sum of the autocorrelation up to its first zero: n correlated
    frames weigh as n / length independent ones.
    """
    # A constant misfit is no fluctuation; counted as one it would silence its sensor.
    varying = residual - residual.mean(axis=0)
    power = np.abs(np.fft.rfft(varying, 2 * len(residual), axis=0)) ** 2
    covariance = np.fft.irfft(power, axis=0)[: len(residual)]
    covariance = covariance.reshape(-1, 2, 3).sum(axis=2)
    # A floor keeps exact data from dividing by nothing.
    correlation = covariance / np.maximum(covariance[0], 1e-300)
    positive = np.cumprod(correlation > 0, axis=0)
    length = 2 * np.sum(correlation * positive, axis=0) - 1
    return np.maximum(_rms_by_kind(residual) * np.sqrt(np.maximum(length, 1)), 1e-7)


def _condition(terms) -> float:
    """Condition number of the offset's design once the bias has taken its mean."""
    varying = (terms.lever - terms.lever.mean(axis=0)).reshape(-1, 3)
    values = np.linalg.svd(varying, compute_uv=False)
    return float(values[0] / max(values[-1], np.finfo(float).tiny))


def _motion(
    position, rotation, acceleration, rate_hz, gravity, differentiation
) -> _Terms:
    """Motion terms in float64: differences of fast capture need the digits."""
    with jax.enable_x64(True):
        rotation = jnp.asarray(rotation, jnp.float64)
        gravity = jnp.asarray(gravity, jnp.float64)
        terms = _compiled_terms(
            jnp.asarray(position, jnp.float64)[:, None],
            *(rotation[:, None], float(rate_hz), gravity, differentiation),
        )
        force = terms.force[:, 0]
        if acceleration is not None:
            stated, frames = (
                prepare(jnp.asarray(track, jnp.float64), rate_hz, differentiation)
                for prepare, track in (
                    (derivative.prepare_positions, acceleration),
                    (derivative.prepare_rotations, rotation),
                )
            )
            force = jnp.einsum("tji,tj->ti", frames, stated - gravity[None])
        lever, rate = terms.tangent[:, 0], terms.spin[:, 0]
        return _Terms(*(np.asarray(x) for x in (force, lever, rate)))


def _check(imu, position, rotation, acceleration) -> None:
    """Raise a ValueError that names the first array that does not fit."""
    frames = np.shape(imu)[0] if np.ndim(imu) else -1
    wanted = {
        "imu": (imu, (frames, 6)),
        "position": (position, (frames, 3)),
        "rotation": (rotation, (frames, 3, 3)),
    }
    if acceleration is not None:
        wanted["acceleration"] = (acceleration, (frames, 3))
    for name, (array, shape) in wanted.items():
        if np.shape(array) != shape:
            raise ValueError(f"{name} has shape {np.shape(array)}; expected {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has values that are not finite; cut them out")
