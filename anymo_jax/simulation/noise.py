"""Device noise: what a real sensor makes of the specific force and rate it is given.

The paper adds white noise of one of two hardware priors to each placement (section
3.1; official code: priors drawn half and half, each placement's std from a normal of 20
per cent about the prior's, clipped, no bias). `WHITE_ONLY` is that. Further effects are
options of `DeviceModel`. In the order in which a device causes them:

    clock jitter -> scale and misalignment -> constant bias -> walking bias
    -> white noise -> saturation -> quantisation -> resampling from the own rate

One placement at a time; `jax.vmap` over keys and devices for many. A `Device` carries
None where an effect is off, so that what is off costs nothing under jit.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from anymo_jax.geometry.resampling import interpolate
from anymo_jax.simulation.imu import STANDARD_GRAVITY
from anymo_jax.simulation.noise_priors import REFERENCE_RATE_HZ, NoisePriors

_GRAVITY = -STANDARD_GRAVITY[2]


@dataclasses.dataclass(frozen=True)
class DeviceModel:
    """Which effects devices have, and how they vary; hashable, for static arguments.

    Pairs are (accelerometer, gyroscope). Zero or None switches an effect off.

    Attributes:
      spread: relative std of the white noise of each axis about its prior (paper: 0.2).
      least_std, most_std: clip of the white std at 60 Hz, both kinds of sensor, as in
        the official code.
      bias: constant bias of each axis, drawn with the prior's std (paper: False).
      bias_walk: bias random walk, m/s^2/sqrt(s) and rad/s/sqrt(s).
      scale_error: std of each axis's relative scale error.
      misalignment: rad, std of the six small angles by which sensitive axes are off.
      force_range_g: g, reading at which the accelerometer saturates.
      rate_range: rad/s, reading at which the gyroscope saturates.
      force_step: m/s^2, quantisation step of the accelerometer.
      rate_step: rad/s, quantisation step of the gyroscope.
      clock_jitter_s: s, std of each sampling instant about its nominal time.
      own_rate_hz: lowest and highest rate at which devices sample, log-uniform between:
        what one slower than the signal cannot hold is lost. None for no such loss.

    Raises:
      ValueError: for own rates that are no range above zero.
    """

    spread: float = 0.2
    least_std: float = 1e-3
    most_std: float = 0.3
    bias: bool = True
    bias_walk: tuple[float, float] = (0.0, 0.0)
    scale_error: tuple[float, float] = (0.0, 0.0)
    misalignment: tuple[float, float] = (0.0, 0.0)
    force_range_g: float | None = None
    rate_range: float | None = None
    force_step: float | None = None
    rate_step: float | None = None
    clock_jitter_s: float = 0.0
    own_rate_hz: tuple[float, float] | None = None

    def __post_init__(self):
        if self.own_rate_hz and not 0 < self.own_rate_hz[0] <= self.own_rate_hz[1]:
            raise ValueError(
                f"own_rate_hz = {self.own_rate_hz}: give the lowest and the highest "
                "rate, both above zero"
            )


WHITE_ONLY = DeviceModel(bias=False)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Device:
    """One device; channels are force xyz in m/s^2, then rate xyz in rad/s.

    Attributes:
      prior: () int, index of its prior in the table it was drawn from.
      density: (6,) one-sided white noise density, unit / sqrt(Hz).
      bias: (6,) constant bias.
      bias_walk: (6,) random walk of the bias, unit / sqrt(s).
      response: (2, 3, 3) scale and misalignment: reading = response @ truth.
      limit: (6,) magnitude at which the reading saturates; inf for never.
      step: (6,) quantisation step; 0 for none.
      clock_jitter: () s, std of the sampling instants.
      own_rate: () Hz, rate at which it samples.
    """

    prior: jax.Array
    density: jax.Array
    bias: jax.Array | None = None
    bias_walk: jax.Array | None = None
    response: jax.Array | None = None
    limit: jax.Array | None = None
    step: jax.Array | None = None
    clock_jitter: jax.Array | None = None
    own_rate: jax.Array | None = None


def sample_device(
    key: Array, priors: NoisePriors, model: DeviceModel = DeviceModel()
) -> Device:
    """Draw one device: a prior at random, then its own white noise and errors.

    Args:
      key: random key.
      priors: table of K priors, each drawn with probability 1 / K.
      model: which effects to draw (static under jit).
    """
    which, white, bias, response = jax.random.split(key, 4)
    prior = jax.random.randint(which, (), 0, priors.density.shape[0])
    at_reference = jnp.sqrt(REFERENCE_RATE_HZ / 2)
    std = jnp.repeat(priors.density[prior], 3) * at_reference
    std = std * (1 + model.spread * jax.random.normal(white, (6,)))
    std = jnp.clip(std, model.least_std, model.most_std)
    bias_std = jnp.repeat(priors.bias_std[prior], 3)
    return Device(
        prior=prior,
        density=std / at_reference,
        bias=bias_std * jax.random.normal(bias, (6,)) if model.bias else None,
        bias_walk=_pair(model.bias_walk) if any(model.bias_walk) else None,
        response=_sample_response(response, model),
        limit=_limits(model),
        step=_steps(model),
        clock_jitter=(
            jnp.float32(model.clock_jitter_s) if model.clock_jitter_s else None
        ),
        own_rate=_sample_rate(jax.random.fold_in(key, 1), model),
    )


def apply_device(
    key: Array, device: Device, signal: Float[Array, "..."], rate_hz: float
) -> Float[Array, "T 6"]:
    """Readings of one device for a true signal.

    Differentiable in the signal and in the device, but for saturated samples and
    quantisation, whose gradients are zero.

    Args:
      key: random key.
      device: as `sample_device` draws it.
      signal: (T, 6) specific force m/s^2 and angular rate rad/s in the sensor frame.
      rate_hz: sampling rate, which sets how much of the white noise is seen.
    """
    if signal.ndim != 2 or signal.shape[1] != 6:
        raise ValueError(
            f"signal has shape {signal.shape}; expected (T, 6), one placement "
            "(use jax.vmap for many)"
        )
    jitter, walk, white = jax.random.split(key, 3)
    if device.clock_jitter is not None:
        signal = jitter_clock(jitter, signal, device.clock_jitter, rate_hz)
    if device.response is not None:
        signal = distort(signal, device.response)
    if device.bias is not None:
        signal = signal + device.bias[None]
    if device.bias_walk is not None:
        signal = add_bias_walk(walk, signal, device.bias_walk, rate_hz)
    signal = add_white_noise(white, signal, device.density, rate_hz)
    if device.limit is not None:
        signal = saturate(signal, device.limit)
    if device.step is not None:
        signal = quantise(signal, device.step)
    if device.own_rate is not None:
        signal = limit_band(signal, device.own_rate, rate_hz)
    return signal


def add_white_noise(
    key: Array,
    signal: Float[Array, "T 6"],
    density: Float[Array, "6"],
    rate_hz: float,
) -> Float[Array, "T 6"]:
    """Add white noise of std density * sqrt(rate_hz / 2)."""
    std = density * jnp.sqrt(rate_hz / 2)
    return signal + std[None] * jax.random.normal(key, signal.shape, signal.dtype)


def add_bias_walk(
    key: Array,
    signal: Float[Array, "T 6"],
    walk: Float[Array, "6"],
    rate_hz: float,
) -> Float[Array, "T 6"]:
    """Add a random walk that starts at zero and has std walk * sqrt(t) at a time t."""
    steps = jax.random.normal(key, signal.shape, signal.dtype).at[0].set(0.0)
    return signal + (walk / jnp.sqrt(rate_hz))[None] * jnp.cumsum(steps, axis=0)


def distort(
    signal: Float[Array, "T 6"], response: Float[Array, "2 3 3"]
) -> Float[Array, "T 6"]:
    """Scale and misalign the accelerometer's and the gyroscope's three axes."""
    split = signal.reshape(-1, 2, 3)
    return jnp.einsum("kij,tkj->tki", response, split).reshape(signal.shape)


def saturate(
    signal: Float[Array, "T 6"], limit: Float[Array, "6"]
) -> Float[Array, "T 6"]:
    """Clip each channel to plus and minus its limit."""
    return jnp.clip(signal, -limit[None], limit[None])


def quantise(
    signal: Float[Array, "T 6"], step: Float[Array, "6"]
) -> Float[Array, "T 6"]:
    """Round each channel to the nearest multiple of its step; a step of 0 leaves it."""
    safe = jnp.where(step > 0, step, 1.0)[None]
    return jnp.where(step[None] > 0, jnp.round(signal / safe) * safe, signal)


def jitter_clock(
    key: Array,
    signal: Float[Array, "T 6"],
    jitter_s: Float[Array, ""],
    rate_hz: float,
) -> Float[Array, "T 6"]:
    """Sample at instants off by normal errors, by the signal's natural cubic spline."""
    length = signal.shape[0]
    late = jitter_s * rate_hz * jax.random.normal(key, (length,), signal.dtype)
    return interpolate(signal, jnp.arange(length, dtype=signal.dtype) + late)


def limit_band(
    signal: Float[Array, "T 6"], own_rate: Float[Array, ""], rate_hz: float
) -> Float[Array, "T 6"]:
    """What is left of a signal that was sampled at another rate and resampled.

    Zero phase, the gain of an eighth-order Butterworth squared at 0.45 of the own rate;
    the cosine transform takes the signal's ends as mirrors. One that is sampled as
    fast as the signal loses what lies close to the end of its band.
    """
    frequency = jnp.arange(signal.shape[0]) * (rate_hz / (2 * signal.shape[0]))
    gain = 1 / (1 + (frequency / (0.45 * own_rate)) ** 16)
    spectrum = jax.scipy.fft.dct(signal, axis=0)
    return jax.scipy.fft.idct(spectrum * gain[:, None], axis=0)


def _sample_rate(key, model) -> Array | None:
    if model.own_rate_hz is None:
        return None
    low, high = jnp.log(jnp.array(model.own_rate_hz, jnp.float32))
    return jnp.exp(jax.random.uniform(key, minval=low, maxval=high))


def _sample_response(key, model) -> Array | None:
    """Identity plus scale errors on the diagonal and small angles off it."""
    if not any(model.scale_error) and not any(model.misalignment):
        return None
    eye = jnp.eye(3)[None]
    scale = jnp.array(model.scale_error)[:, None, None] * eye
    angle = jnp.array(model.misalignment)[:, None, None] * (1 - eye)
    return eye + (scale + angle) * jax.random.normal(key, (2, 3, 3))


def _limits(model) -> Array | None:
    if model.force_range_g is None and model.rate_range is None:
        return None
    force = jnp.inf if model.force_range_g is None else model.force_range_g * _GRAVITY
    return _pair((force, jnp.inf if model.rate_range is None else model.rate_range))


def _steps(model) -> Array | None:
    if model.force_step is None and model.rate_step is None:
        return None
    return _pair((model.force_step or 0.0, model.rate_step or 0.0))


def _pair(values: tuple[float, float]) -> Array:
    """(6,) channels from an accelerometer's and a gyroscope's value."""
    return jnp.repeat(jnp.array(values, jnp.float32), 3)
