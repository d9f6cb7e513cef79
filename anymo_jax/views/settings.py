"""What a recipe's `views` says, as the options that views are made with."""

from typing import Any

from anymo_jax.simulation import WHITE_ONLY
from anymo_jax.training.settings import given
from anymo_jax.views.options import TempoChange, ViewOptions, VisibleNodes
from anymo_jax.views.orientation import (
    ANY_ORIENTATION,
    NEAR_ALIGNED,
    SURFACE,
    Mixture,
    QuarterTurns,
)

MOUNTINGS = {
    "surface": SURFACE,
    "any": ANY_ORIENTATION,
    "near_aligned": NEAR_ALIGNED,
    "quarter_turns": QuarterTurns(),
    "mixed": Mixture((SURFACE, NEAR_ALIGNED), (0.5, 0.5)),
}
_FIELDS = (
    *("mounting", "joint_mounted", "device_noise", "mirror", "tempo"),
    *("visible_lowest", "visible_highest", "visible_full", "drop_gyroscope"),
)


def view_options(config: Any) -> ViewOptions:
    """`ViewOptions` of a recipe, or of whatever has its `views`.

    Raises:
      ValueError: naming a field that is missing, a mounting that is none of
        `MOUNTINGS`, or what options refuse.
    """
    views = {name: given(config, f"views.{name}") for name in _FIELDS}
    if views["mounting"] not in MOUNTINGS:
        raise ValueError(
            f"config.views.mounting = {views['mounting']!r}: choose one of "
            f"{', '.join(MOUNTINGS)}"
        )
    return ViewOptions(
        joint_mounted=views["joint_mounted"],
        mounting=MOUNTINGS[views["mounting"]],
        device=WHITE_ONLY if views["device_noise"] else None,
        mirror=float(views["mirror"]),
        tempo=TempoChange() if views["tempo"] else None,
        visible=VisibleNodes(
            views["visible_lowest"],
            views["visible_highest"],
            full=float(views["visible_full"]),
        ),
        drop_gyroscope=float(views["drop_gyroscope"]),
    )
