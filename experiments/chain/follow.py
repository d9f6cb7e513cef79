"""Each stage in turn: skipped when done and intact, resumed, or redone.

What a stage was made from is told by digests of content. Where an earlier stage gives
another one, or the recipe changed, the stage's old run is moved to `set_aside/`, and
nothing of it is lost; where an earlier stage was redone and gives the same content
again, the later ones stand.
"""

import dataclasses
import os
import pathlib
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from experiments.chain.process import ChildFaultError
from experiments.chain.record import Record

ASIDE = "set_aside"
SKIPPED, DONE, RESUMED, REDONE = "skipped", "done", "resumed", "redone"


class Link(Protocol):
    """A stage.

    Attributes:
      name: of the stage, and of its folder.
      folder: what it writes.
      reads: names of earlier stages that it is made from.
    """

    name: str
    folder: pathlib.Path
    reads: Sequence[str]

    def begun(self) -> bool:
        """Whether the folder holds anything of worth."""

    def changes(self) -> Sequence[str]:
        """How what is wanted differs from what the folder was begun with, in lines."""

    def made(self) -> str | None:
        """Digest of what is in the folder; None where it is not whole and intact."""

    def command(self) -> Sequence[str]:
        """Module and arguments that begin the stage, or go on with it."""

    def headline(self) -> str:
        """The stage's figure; asked of a whole one."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a stage.

    Attributes:
      name: of the stage.
      what: SKIPPED, DONE, RESUMED or REDONE.
      seconds: that it took in all its calls.
      headline: its figure.
    """

    name: str
    what: str
    seconds: float
    headline: str

    def line(self) -> str:
        """As a person reads it."""
        return f"{self.name:<12}{self.what:<9}{self.seconds:>7.0f} s  {self.headline}"


class StageFaultError(RuntimeError):
    """A stage could not be brought to its end; the message names it."""


def follow(
    links: Sequence[Link],
    record: Record,
    run: Callable[[Sequence[str]], None],
    say: Callable[[str], None],
) -> list[Outcome]:
    """Brings every stage to its end.

    Args:
      links: stages in their order.
      record: of the working directory.
      run: a command, raising `ChildFaultError` where it fails.
      say: prints a line.

    Raises:
      StageFaultError: naming the stage that failed; what was done before it stays.
      Terminated: after SIGTERM, from `run`.
    """
    made: dict[str, str] = {}
    outcomes = []
    for number, link in enumerate(links, 1):
        try:
            what, made[link.name] = _bring(
                *(link, {name: made[name] for name in link.reads}, record, run),
                lambda line, n=number: say(f"[{n}/{len(links)}] {line}"),
            )
        except (ChildFaultError, ValueError, OSError) as error:
            raise StageFaultError(f"stage {link.name}: {error}") from error
        seconds = record.stage(link.name).get("seconds", 0.0)
        outcomes.append(Outcome(link.name, what, seconds, link.headline()))
        say(f"[{number}/{len(links)}] {outcomes[-1].line()}")
    return outcomes


def _bring(link: Link, reads: Mapping, record: Record, run, say) -> tuple[str, str]:
    """What became of a stage, and the digest of what it made."""
    entry, begun = record.stage(link.name), link.begun()
    reasons = _reasons(link, reads, entry) if begun else []
    if begun and not reasons and entry.get("reads") == reads and (made := link.made()):
        record.note(link.name, state="done", made=made, headline=link.headline())
        return SKIPPED, made
    what = RESUMED if begun else DONE
    facts = {"state": "running", "folder": link.folder.name, "reads": dict(reads)}
    if reasons:
        what, place = REDONE, set_aside(link.folder)
        say(f"{link.name}: {'; '.join(reasons)}: the old run is now {place}")
        facts |= {
            "seconds": 0.0,
            "set_aside": [*entry.get("set_aside", []), str(place)],
        }
    command = list(link.command())
    say(f"{link.name}: python -m {shlex.join(command)}")
    record.note(link.name, **facts, command=command)
    _timed(link, record, lambda: run(command))
    made = link.made()
    if made is None:
        record.note(link.name, state="unfinished")
        raise ValueError(
            f"{link.folder} is not whole and intact although its command ended well: "
            "move it away, and run again to have it made anew"
        )
    record.note(link.name, state="done", made=made, headline=link.headline())
    return what, made


def _reasons(link: Link, reads: Mapping, entry: Mapping) -> list[str]:
    """Why a stage that was begun cannot stand, in lines; none where it can."""
    known = entry.get("reads")
    # A stage that was trained by its own command checks by itself what it reads.
    others = [] if known is None else [n for n in reads if reads[n] != known.get(n)]
    return [*link.changes(), *(f"{name} is another one" for name in others)]


def _timed(link: Link, record: Record, call: Callable[[], None]) -> None:
    """Calls, and adds to the stage's seconds, on the clock and of cores."""
    before, start, cores = record.stage(link.name), time.monotonic(), _core_seconds()
    state = "unfinished"
    try:
        call()
        state = "running"
    finally:
        spent = {
            "seconds": time.monotonic() - start,
            "core_seconds": _core_seconds() - cores,
        }
        total = {n: round(before.get(n, 0.0) + s, 1) for n, s in spent.items()}
        record.note(link.name, state=state, **total)


def _core_seconds() -> float:
    """That ended children had, over all cores."""
    times = os.times()
    return times.children_user + times.children_system


def set_aside(folder: pathlib.Path) -> pathlib.Path:
    """Moves a folder to `set_aside/` beside it, under the next number; where it is."""
    corner = folder.parent / ASIDE
    corner.mkdir(exist_ok=True)
    number = 1
    while (place := corner / f"{folder.name}-{number}").exists():
        number += 1
    folder.rename(place)
    return place
