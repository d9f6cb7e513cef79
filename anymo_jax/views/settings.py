"""What a recipe's `views` says, as the options that views are made with."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from anymo_jax.simulation import WHITE_ONLY, DeviceModel
from anymo_jax.training.settings import given
from anymo_jax.views.options import (
    WORN_SITES,
    TempoChange,
    ViewOptions,
    VisibleNodes,
)
from anymo_jax.views.orientation import (
    ANY_ORIENTATION,
    NEAR_ALIGNED,
    SURFACE,
    WORN,
    Mixture,
    QuarterTurns,
)

MOUNTINGS = {
    "surface": SURFACE,
    "any": ANY_ORIENTATION,
    "near_aligned": NEAR_ALIGNED,
    "quarter_turns": QuarterTurns(),
    "mixed": Mixture((SURFACE, NEAR_ALIGNED), (0.5, 0.5)),
    "worn": WORN,
}
# Where sparse views have their sensors: anywhere alike, or where people wear them.
SITES = {"any": None, "worn": WORN_SITES}
# Devices that sample at this rate show all that 60 Hz can hold.
FASTEST_DEVICE_HZ = 200.0
_FIELDS = (
    *("mounting", "joint_mounted", "device_noise", "mirror", "tempo"),
    *("visible_lowest", "visible_highest", "visible_full", "sites"),
    *("slowest_device_hz", "drop_gyroscope"),
)


def view_options(config: Any) -> ViewOptions:
    """`ViewOptions` of a recipe, or of whatever has its `views`.

    Raises:
      ValueError: naming a field that is missing, a mounting that is none of
        `MOUNTINGS`, sites that are none of `SITES`, or what options refuse.
    """
    views = {name: given(config, f"views.{name}") for name in _FIELDS}
    if views["mounting"] not in MOUNTINGS:
        raise ValueError(
            f"config.views.mounting = {views['mounting']!r}: choose one of "
            f"{', '.join(MOUNTINGS)}"
        )
    if views["sites"] not in SITES:
        raise ValueError(
            f"config.views.sites = {views['sites']!r}: choose one of {', '.join(SITES)}"
        )
    return ViewOptions(
        joint_mounted=views["joint_mounted"],
        mounting=MOUNTINGS[views["mounting"]],
        device=_device(views),
        mirror=float(views["mirror"]),
        tempo=TempoChange() if views["tempo"] else None,
        visible=VisibleNodes(
            views["visible_lowest"],
            views["visible_highest"],
            weights=SITES[views["sites"]],
            full=float(views["visible_full"]),
        ),
        drop_gyroscope=float(views["drop_gyroscope"]),
    )


def _device(views: Mapping[str, Any]) -> DeviceModel | None:
    """What devices make of a signal."""
    if not views["device_noise"]:
        return None
    slowest = float(views["slowest_device_hz"])
    if not slowest:
        return WHITE_ONLY
    return dataclasses.replace(WHITE_ONLY, own_rate_hz=(slowest, FASTEST_DEVICE_HZ))
