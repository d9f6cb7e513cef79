"""Vertical movement of a body that bounces: half-sine support, free fall between."""

import numpy as np

GRAVITY = 9.80665


def bouncing(time: np.ndarray, when: np.ndarray, contact_s: np.ndarray) -> np.ndarray:
    """Height (T,) m of the body's centre, zero at the first contact.

    Between contacts the centre falls freely from one to land at about the same height
    at the next; during a contact the ground's force is a half sine in time, as of a
    mass on a spring (Blickhan 1989; the sine's peak is 2 to 3 body weights in running).

    Args:
      when: (J,) s, starts of the contacts, increasing.
      contact_s: (J,) s, their durations, each shorter than the time to the next.
    """
    flight = np.append(np.diff(when) - contact_s[:-1], 0.1)
    flight[-1] = flight[-2]
    leave = 0.5 * GRAVITY * flight
    land = np.append(-leave[0], -leave[:-1])
    peak = np.pi * (leave - land + GRAVITY * contact_s) / (2 * contact_s)
    start = np.zeros(len(when))
    rise = land * contact_s - GRAVITY * contact_s**2 / 2 + peak * contact_s**2 / np.pi
    # A free fall that starts upwards at `leave` ends at the height it left from.
    start[1:] = np.cumsum(rise)[:-1]
    j = np.clip(np.searchsorted(when, time, side="right") - 1, 0, len(when) - 1)
    since, tc = time - when[j], contact_s[j]
    on = np.minimum(since, tc)
    push = peak[j] * tc / np.pi * (on - tc / np.pi * np.sin(np.pi * on / tc))
    stance = start[j] + land[j] * on - GRAVITY * on**2 / 2 + push
    air = np.maximum(since - tc, 0.0)
    height = stance + leave[j] * air - GRAVITY * air**2 / 2
    return height - _line(time, when, start)


def _line(time: np.ndarray, when: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The slow drift of the contact heights, as a straight line."""
    slope, level = np.polyfit(when, start, 1)
    return slope * time + level
