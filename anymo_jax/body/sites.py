"""Everyday names of wearable sites, and the segment that each one sits on.

A site is said with its side where the body has two of it ("left wrist", "right
pocket"); names of segments count too. Where a watch sits is the forearm, not the hand;
otherwise the nodes are those of the paper's Table 9: ankles are on the foot, knees on
the lower leg, a phone at one hip on that upper leg, the waist on L5.
"""

import difflib
import re

from anymo_jax.body.skeleton import XSENS

# Sites of either side, by the stem of their segment's name.
_PAIRED = {
    "Shoulder": "shoulder, collarbone, clavicle",
    "UpperArm": "upper arm, arm, biceps, triceps, armband, elbow",
    "Forearm": "forearm, lower arm, wrist, watch, smartwatch, wristband, bracelet",
    "Hand": "hand, palm, back of the hand, finger, thumb, ring, glove",
    "UpperLeg": "upper leg, thigh, hip, pocket, front pocket, trouser pocket, "
    "trousers pocket, pants pocket, jeans pocket, front trouser pocket",
    "LowerLeg": "lower leg, shin, calf, shank, knee",
    "Foot": "foot, ankle, heel, instep, shoe",
    "Toe": "toe, toes, forefoot",
}
# Sites of the middle; a side may be said of some of them and changes nothing.
_CENTRAL = {
    "Pelvis": "pelvis, hips, hip, sacrum, tailbone, back pocket",
    "L5": "waist, belt, lower back, lumbar spine",
    "L3": "middle back, mid back, back, belly, abdomen, stomach",
    "T12": "lower chest",
    "T8": "chest, upper chest, sternum, upper back, chest strap, breast pocket, "
    "shirt pocket, pendant, backpack",
    "Neck": "neck, collar",
    "Head": "head, ear, glasses, smart glasses, earbud, earphone, headphones, headset, "
    "helmet, hat, cap, headband, forehead, temple",
}
_SIDES = {"left": "L", "right": "R"}
_SIDED_CENTRAL = ("ear", "earbud", "earphone", "temple", "breast pocket", "back pocket")
_ABBREVIATED = {"l": "left", "r": "right"}
_FILLERS = frozenset(("the", "my", "a", "on", "at", "in"))
_WORDS = re.compile(r"[a-z0-9]+")


def _table() -> dict[str, str]:
    """Segment of each plain name."""
    table = {_plain(name): name for name in XSENS.names}
    for stem, names in _PAIRED.items():
        for side, letter in _SIDES.items():
            for name in names.split(", "):
                table[_plain(f"{side} {name}")] = f"{letter}_{stem}"
    for segment, names in _CENTRAL.items():
        for name in names.split(", "):
            table[_plain(name)] = segment
            if name in _SIDED_CENTRAL:
                table |= {_plain(f"{side} {name}"): segment for side in _SIDES}
    return table


def _plain(name: str) -> str:
    """Lower case, single spaces, sides in full and first, no articles."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = [_ABBREVIATED.get(w, w) for w in _WORDS.findall(spaced.lower())]
    words = [word for word in words if word not in _FILLERS]
    # "front left pocket" and "pocket, left" are the left pocket as well.
    words.sort(key=lambda word: word not in _SIDES)
    return " ".join(words)


_SEGMENT_OF = _table()
# Looked up without spaces, so that "R_UpperLeg" and "r_upperleg" are one name.
_RUN_TOGETHER = {name.replace(" ", ""): s for name, s in _SEGMENT_OF.items()}


def site_names() -> tuple[str, ...]:
    """All names that are known, in alphabetical order."""
    return tuple(sorted(_SEGMENT_OF))


def site_segment(name: str) -> str:
    """The segment that a site sits on, as `XSENS` names it.

    Args:
      name: everyday name or segment's name; case, articles, hyphens and the place of
        the side do not matter ("Left wrist", "wrist, left", "L_Forearm").

    Raises:
      ValueError: for a name that is not known, with the nearest ones; for one that
        needs a side, with both.
    """
    plain = _plain(name)
    found = _RUN_TOGETHER.get(plain.replace(" ", ""))
    if found:
        return found
    sided = [f"{side} {plain}" for side in _SIDES]
    if sided[0] in _SEGMENT_OF:
        raise ValueError(
            f"site {name!r} has two sides: say {sided[0]!r} or {sided[1]!r}"
        )
    near = difflib.get_close_matches(plain, _SEGMENT_OF, n=3, cutoff=0.7)
    if near:
        hint = f"did you mean {' or '.join(map(repr, near))}?"
    else:
        hint = (
            "say a body part with its side, such as 'left wrist', or a segment: "
            + ", ".join(XSENS.names)
        )
    raise ValueError(f"unknown site {name!r}; {hint}")


def site_index(name: str) -> int:
    """Index of a site's segment in `XSENS`; errors as `site_segment`."""
    return XSENS.index(site_segment(name))
