"""From a dataset's files to its labelled windows: in parts, resumable, atomic.

Beside the output file a folder `<out>.parts` gathers the windows of a few recordings at
a time; a stopped run carries on after the last part that is there. The output itself is
written when all is read and the evidence of the whole dataset has been judged.
"""

import dataclasses
import itertools
import pathlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from anymo_jax.datasets.card import make_card
from anymo_jax.datasets.checks import Finding, doubts, judge
from anymo_jax.datasets.join import (
    gather_evidence,
    join,
    rescaled,
    without_unmeasured,
)
from anymo_jax.datasets.labelled import LabelledWindows
from anymo_jax.datasets.part import DEFAULTS, WindowOptions, make_part
from anymo_jax.datasets.plan import agree_on_plan, kept_parts, make_plan
from anymo_jax.datasets.recording import DatasetFacts, WearableRecording

# A part is closed at this many native values: about 16 MB, or a second's work.
PART_VALUES = 4_000_000
PART_RECORDINGS = 2000
UNITS = ("declared", "auto")


@dataclasses.dataclass(frozen=True)
class Progress:
    """What a run has done.

    Attributes:
      recordings, windows: so far.
      source: of the latest recording.
      resumed: whether these come from an earlier run.
    """

    recordings: int
    windows: int
    source: str
    resumed: bool


def _silent(progress: Progress) -> None:
    del progress


def build(
    facts: DatasetFacts,
    recordings: Iterable[WearableRecording],
    options: WindowOptions = DEFAULTS,
    units: str = "declared",
    progress: Callable[[Progress], None] = _silent,
) -> LabelledWindows:
    """Labelled windows of recordings, in memory.

    Args:
      facts: of the dataset.
      recordings: what its files say.
      options: how signals become windows.
      units: "declared" trusts the facts and refuses what contradicts them; "auto"
        rescales a sensor whose evidence fits another unit, and says so in the card.
      progress: called after each part.

    Raises:
      ValueError: naming file or sensor, and the remedy.
    """
    parts = list(_parts(facts, recordings, options, [], progress))
    return finish(facts, parts, options, units)


def prepare(
    facts: DatasetFacts,
    raw: pathlib.Path,
    out: pathlib.Path,
    options: WindowOptions = DEFAULTS,
    units: str = "declared",
    settings: Mapping[str, str] | None = None,
    progress: Callable[[Progress], None] = _silent,
) -> LabelledWindows:
    """Read a raw folder or file and write its windows; carries on where one stopped.

    Args:
      facts: of the dataset.
      raw: its folder or file.
      out: safetensors file to write.
      options: how signals become windows.
      units: as `build`.
      settings: whatever else `facts.read` depends on; a run is carried on only with
        the same.
      progress: called after each part.

    Raises:
      ValueError: as `build`; where the parts beside `out` are of another dataset, other
        options or other files.
    """
    folder = out.with_name(out.name + ".parts")
    folder.mkdir(parents=True, exist_ok=True)
    agree_on_plan(folder, make_plan(facts, raw, options, settings))
    done = kept_parts(folder)
    read = sum(part.card["recordings"] for part in done)
    if done:
        windows = sum(map(len, done))
        progress(Progress(read, windows, done[-1].sources[-1], resumed=True))
    recordings = itertools.islice(facts.read(raw), read, None)
    for part in _parts(facts, recordings, options, tuple(done), progress):
        part.save(folder / f"part-{len(done):05d}.safetensors")
        done.append(part)
    windows = finish(facts, done, options, units)
    windows.save(out)
    shutil.rmtree(folder)
    return windows


def finish(
    facts: DatasetFacts,
    parts: Sequence[LabelledWindows],
    options: WindowOptions,
    units: str = "declared",
) -> LabelledWindows:
    """Judge all evidence, mend units where asked, and join the parts.

    Raises:
      ValueError: with every fault that was found, or where no window was.
    """
    if units not in UNITS:
        raise ValueError(f"units={units!r} is none of {', '.join(UNITS)}")
    evidence = gather_evidence(parts)
    findings = judge(evidence, facts.rate_hz)
    fatal = [f for f in findings if units != "auto" or f.factor is None]
    if fatal:
        raise ValueError(_told(facts, fatal))
    windows = join(parts)
    if not len(windows):
        reasons = ", ".join(f"{n} {why}" for why, n in windows.card["dropped"].items())
        raise ValueError(f"{facts.name}: no window was kept ({reasons or 'no spans'})")
    factors = {(f.site, f.kind): f.factor for f in findings}
    windows = without_unmeasured(rescaled(windows, factors))
    windows = dataclasses.replace(windows, flags=(*facts.flags, *doubts(evidence)))
    card = make_card(facts, windows, evidence, findings, dataclasses.asdict(options))
    return dataclasses.replace(windows, card=card)


def _parts(facts, recordings, options, done, progress) -> Iterator[LabelledWindows]:
    """Windows of some recordings at a time; those `done` before are counted only."""
    read = sum(part.card["recordings"] for part in done)
    windows = sum(map(len, done))
    for batch in _batches(recordings):
        part = make_part(batch, facts, options)
        read += len(batch)
        windows += len(part)
        progress(Progress(read, windows, batch[-1].source, resumed=False))
        yield part
    if not read:
        raise ValueError(f"{facts.name}: no recording was found")


def _batches(
    recordings: Iterable[WearableRecording],
) -> Iterator[list[WearableRecording]]:
    batch, size = [], 0
    for recording in recordings:
        batch.append(recording)
        size += sum(stream.values.size for stream in recording.streams)
        if size >= PART_VALUES or len(batch) >= PART_RECORDINGS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _told(facts: DatasetFacts, findings: Sequence[Finding]) -> str:
    lines = [f"  {f.kind} of {f.site}: {f.message}" for f in findings]
    remedy = "Give the columns or units as they are"
    if any(f.factor for f in findings):
        remedy += ", or let units=auto rescale what fits another unit"
    return "\n".join([f"{facts.name}: signals that cannot be:", *lines, remedy + "."])
