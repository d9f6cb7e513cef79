"""How much faster or slower a motion may be played before its texts become untrue.

A motion played s times as fast has s times the angular rate and s^2 times the
acceleration. What is said of it limits s three ways:

* A speed that is named. "Slowly" forbids s > 1, "briskly" s < 1; "at a normal pace"
  allows a little of both, a counted rate next to nothing.
* Gravity. Whatever falls or flies does so at 9.81 m/s^2, so that a motion with a flight
  (jumps, running) or timed by one (throws, dribbling) has one true tempo.
* Nothing said: 0.8 to 1.25. Walks that people call slow and brisk have 0.85 and 1.15
  times the steps per minute of a normal one in our own library (93, 110, 127), so that
  what is not named stays between a stroll and a hurry.

All texts of a clip count, since any of them may be paired with a view of it.
"""

import re
from collections.abc import Iterable, Mapping

UNSAID = (0.8, 1.25)
_FIXED = (1.0, 1.0)

# Factors of speed that go with words; what several words allow is what each of them
# does. Words are stems, to which -s, -es, -ed, -ing, -ly, -er and -ers may be added.
PACE_WORDS = (
    (
        (UNSAID[0], 1.0),
        "slow leisurely unhurried calm gentl gentle lazi relaxed careful cautious "
        "lightly stroll wander amble shuffl shuffle creep tired weary exhausted "
        "elderly old sad sluggish",
    ),
    (
        (1.0, UNSAID[1]),
        "fast quick brisk rapid swift speedy hurry hurri hurried rush hasty hasti "
        "energetic vigorous forceful active youthful angri angry",
    ),
    ((0.95, 1.05), "normal moderate steady comfortable regular medium"),
    (
        _FIXED,
        "run runn ran jog jogg sprint dash race jump hop hopp leap skip skipp vault "
        "bounc bounce jete cartwheel somersault backflip gallop trampoline",
    ),
    (
        _FIXED,
        "throw thrown toss tosse catch caught juggl juggle dribbl dribble basketball "
        "bowling serve serv shoot shot drop dropp fall fell stumbl stumble trip tripp",
    ),
)
# "at 110 steps per minute", "53 rpm", "8.5 km/h", "90 degrees per second", "for 3 s".
# A rate is kept to about 3 per cent by a person who keeps it.
_COUNTED = (0.97, 1.03)
_COUNT = re.compile(
    r"\d\s*(?:[a-z]+\s+)?"
    r"(?:per\s+(?:minute|second|hour)|rpm|bpm|hz|km/h|mph|m/s|s|seconds?|minutes?)\b",
    re.IGNORECASE,
)
# Facts that captions are made from; the others are not said of the motion.
_SAID_FACTS = ("pace", "speed", "effort", "tempo", "posture")


def _pattern(stems: str) -> re.Pattern:
    options = "|".join(sorted(stems.split(), key=len, reverse=True))
    return re.compile(rf"\b(?:{options})(?:s|es|ed|ing|ly|y|er|ers)?\b", re.IGNORECASE)


_PATTERNS = tuple((allowed, _pattern(stems)) for allowed, stems in PACE_WORDS)


def tempo_range(
    texts: Iterable[str], facts: Mapping[str, str] | None = None
) -> tuple[float, float]:
    """Slowest and fastest factor of speed under which all that is said stays true.

    Args:
      texts: every description of the clip.
      facts: facts of the clip by name; those that describe its speed count as texts.

    Returns:
      (slowest, fastest) with slowest <= 1 <= fastest.
    """
    facts = facts or {}
    said = [*texts, *(facts[name] for name in _SAID_FACTS if name in facts)]
    slowest, fastest = UNSAID
    for text in said:
        for low, high in _allowed(text):
            slowest, fastest = max(slowest, low), min(fastest, high)
    return slowest, fastest


def _allowed(text: str) -> Iterable[tuple[float, float]]:
    """The range of every word or count of a text that limits the tempo."""
    yield from (allowed for allowed, words in _PATTERNS if words.search(text))
    if _COUNT.search(text):
        yield _COUNTED
