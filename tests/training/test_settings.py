"""Plain values to frozen dataclasses, and the words for what does not fit."""

import dataclasses
from typing import Any, Literal

import ml_collections
import pytest

from anymo_jax.training.settings import SettingsError, build


@dataclasses.dataclass(frozen=True)
class Noise:
    """Nested settings."""

    scale: float = 1.0
    kind: Literal["worn", "still", 3] = "worn"

    def __post_init__(self):
        if self.scale < 0:
            raise ValueError(f"scale = {self.scale}; give a number of 0 or more")


@dataclasses.dataclass(frozen=True)
class Views:
    """Settings of every kind of field."""

    nodes: int
    noise: Noise = Noise()
    other: Noise | None = None
    share: float | None = None
    channels: tuple[int, ...] = (1,)
    span: tuple[float, float] = (0.0, 1.0)
    stages: tuple[Noise, ...] = ()
    mirror: bool = False
    name: str = ""
    rule: tuple[int, ...] | Literal["auto"] = "auto"
    free: Any = None


def test_builds_nested_dataclasses():
    config = {
        "nodes": 5,
        "noise": {"scale": 2, "kind": "still"},
        "other": {"kind": 3},
        "share": 1,
        "channels": [64, 128],
        "span": [0, 3],
        "stages": [{"scale": 3.0}, {}],
        "mirror": True,
        "name": "a",
        "rule": [1, 2],
        "free": {"any": [1]},
    }
    built = build(Views, config)
    assert built == Views(
        nodes=5,
        noise=Noise(2.0, "still"),
        other=Noise(kind=3),
        share=1.0,
        channels=(64, 128),
        span=(0.0, 3.0),
        stages=(Noise(3.0), Noise()),
        mirror=True,
        name="a",
        rule=(1, 2),
        free={"any": [1]},
    )
    floats = [built.noise.scale, built.share, *built.span]
    assert [type(value) for value in floats] == [float] * 4
    hash(built.channels)


@pytest.mark.parametrize("freeze", [False, True])
def test_takes_a_config_dict(freeze):
    config = ml_collections.ConfigDict({"nodes": 2, "channels": (3, 4), "share": None})
    config.noise = {"scale": 0}
    config = ml_collections.FrozenConfigDict(config) if freeze else config
    assert build(Views, config) == Views(2, Noise(0.0), channels=(3, 4))


def test_defaults_stay():
    assert build(Views, {"nodes": 1}) == Views(1)
    given = Noise(3.0)
    assert build(Views, {"nodes": 1, "noise": given}).noise is given


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mirorr": True}, r"config\.views\.mirorr: Views has no such field.*mirror"),
        ({"noise": {"scal": 1}}, r"config\.views\.noise\.scal: .*scale, kind"),
        (
            {"noise": {"kind": "x"}},
            r"\.kind = 'x': choose one of 'worn', 'still', 3",
        ),
        ({"noise": {"kind": 3.0}}, r"noise\.kind = 3.0: choose one of"),
        ({"noise": {"scale": -1}}, r"views\.noise: scale = -1.0; give a number"),
        ({"noise": 3}, r"views\.noise = 3: give a mapping .* Noise: scale, kind"),
        ({"nodes": 1.5}, r"views\.nodes = 1.5: give a value of type int"),
        ({"nodes": True}, r"views\.nodes = True: give a value of type int"),
        ({"nodes": None}, r"views\.nodes = None: give a value of type int"),
        ({"mirror": 1}, r"views\.mirror = 1: give a value of type bool"),
        ({"share": "a"}, r"views\.share = 'a': .* type float; None is allowed"),
        ({"share": True}, r"views\.share = True: give a value of type float"),
        ({"channels": 3}, r"views\.channels = 3: give a list or tuple"),
        ({"channels": [1, "b"]}, r"views\.channels\[1\] = 'b': .* type int"),
        ({"span": [1.0]}, r"views\.span = \[1.0\]: give 2 values"),
        ({"stages": [{}, {"kind": 1}]}, r"views\.stages\[1\]\.kind = 1: choose"),
        ({"rule": "no"}, r"rule = 'no': give a list .* or .*choose one of 'auto'"),
    ],
)
def test_what_does_not_fit_is_named(change, words):
    with pytest.raises(SettingsError, match=words):
        build(Views, {"nodes": 1} | change, "config.views")


def test_what_is_missing_is_named():
    with pytest.raises(SettingsError, match="config: nodes must be given"):
        build(Views, {})
