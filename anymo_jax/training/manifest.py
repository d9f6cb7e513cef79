"""What a saved step holds, told beside it in JSON, with the digest of every leaf.

Orbax casts a leaf of another dtype silently and hands on a flipped byte (measured,
0.12.8). The manifest is what a restore is held against: first its shapes and dtypes,
which tell another model from a damaged file, then its digests. It carries a checksum of
its own text, so that a damaged manifest is not taken for another model either.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from anymo_jax.training.digest import digests, named_leaves

FORMAT = 1
_ABSENT = "(absent)"


@dataclasses.dataclass(frozen=True)
class Manifest:
    """Facts of one saved step.

    Attributes:
      leaves: by path, whose first part is the item: (dtype and shape such as
        "float32[3,4]", digest).
      metrics: validation metrics of the step by name; empty without.
      data: positions of the data iterators: one for all processes, or one for each;
        empty where none was saved.
      ranking: metric by which the run keeps its best step, and "max" or "min"; empty
        where it keeps none.
    """

    leaves: Mapping[str, Sequence[str]]
    metrics: Mapping[str, float]
    data: Sequence[Any]
    ranking: Sequence[str] = ()

    @classmethod
    def of(cls, items: Mapping[str, Any], *facts: Any) -> "Manifest":
        """The manifest of some trees; their digests are taken here, on the devices."""
        kinds, checksums = leaf_kinds(items), digests(items)
        return cls({name: (kinds[name], checksums[name]) for name in kinds}, *facts)

    def to_json(self) -> dict[str, str]:
        """Plain values, sealed."""
        return seal({"format": FORMAT} | dataclasses.asdict(self))

    @classmethod
    def from_json(cls, sealed: Any) -> "Manifest":
        """The inverse of `to_json`.

        Raises:
          ValueError: for damaged or foreign JSON.
        """
        value = unseal(sealed)
        if value.get("format") != FORMAT:
            raise ValueError(f"format {value.get('format')} where {FORMAT} is read")
        del value["format"]
        return cls(**value)

    @property
    def items(self) -> frozenset[str]:
        """Names of the items that were saved."""
        return frozenset(_item(name) for name in self.leaves)

    def kinds_that_differ(self, items: Mapping[str, Any]) -> list[str]:
        """A line for each leaf whose presence, shape or dtype is not that in `items`.

        Args:
          items: abstract trees by name; of saved items not among them nothing is said.
        """
        return differences(
            {name: kind for name, (kind, _) in self._of_items(items).items()},
            leaf_kinds(items),
        )

    def leaves_that_differ(self, items: Mapping[str, Any]) -> list[str]:
        """Names of the leaves of `items` whose values are not those that were saved."""
        found = digests(items)
        saved = self._of_items(items).items()
        return [name for name, (_, digest) in saved if digest != found[name]]

    def _of_items(self, items):
        return {n: leaf for n, leaf in self.leaves.items() if _item(n) in items}


def leaf_kinds(tree: Any) -> dict[str, str]:
    """Dtype and shape of each leaf by its path, such as "float32[3,4]"."""
    return {
        name: f"{leaf.dtype}[{','.join(map(str, leaf.shape))}]"
        for name, leaf in named_leaves(tree).items()
    }


def differences(saved: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """A line "name: saved -> now" for each name whose value is not the same."""
    names = [*saved, *(name for name in now if name not in saved)]
    return [
        f"{name}: {saved.get(name, _ABSENT)} -> {now.get(name, _ABSENT)}"
        for name in names
        if name not in saved or name not in now or saved[name] != now[name]
    ]


def seal(value: Any) -> dict[str, str]:
    """The JSON text of a value, and the checksum of the text."""
    text = json.dumps(value)
    return {"sha256": hashlib.sha256(text.encode()).hexdigest(), "text": text}


def unseal(sealed: Any) -> Any:
    """The value that was sealed.

    Raises:
      ValueError: where it is not what was sealed.
    """
    try:
        text, expected = sealed["text"], sealed["sha256"]
    except (KeyError, TypeError):
        raise ValueError("it is not sealed as this program does") from None
    if hashlib.sha256(text.encode()).hexdigest() != expected:
        raise ValueError("the checksum of its text differs")
    return json.loads(text)


def _item(name):
    return name.split("/")[0]
