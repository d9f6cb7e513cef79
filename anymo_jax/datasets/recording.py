"""The nouns of real wearable recordings: what a dataset's files say, in SI units."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from jaxtyping import Float32, Float64, Int64

# Kinds of stream: specific force in m/s^2, gravity included; angular rate in rad/s.
FORCE, RATE = "force", "rate"
KINDS = (FORCE, RATE)
SPLITS = ("", "train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class Stream:
    """One three-axis sensor of one device, as its file gives it, in SI units.

    Attributes:
      site: where it is worn, in the dataset's own words ("right wrist").
      node: index of the segment in `XSENS` that stands for the site.
      kind: `FORCE` (specific force, m/s^2, +9.81 up at rest) or `RATE` (rad/s).
      time: (T,) seconds, strictly increasing. Readers sort, drop repeats, and tell in
        the recording's notes how many they dropped.
      values: (T, 3) in the device's own axes; NaN where not measured.
    """

    site: str
    node: int
    kind: str
    time: Float64[np.ndarray, "T"]
    values: Float32[np.ndarray, "T 3"]


@dataclasses.dataclass(frozen=True)
class Spans:
    """What was done when.

    Attributes:
      start: (N,) seconds on the clock of the streams.
      end: (N,) seconds, exclusive.
      label: (N,) index into the vocabulary's classes; -1 is unlabelled and is dropped.
      text: one description of each span, or () where there are none.
    """

    start: Float64[np.ndarray, "N"]
    end: Float64[np.ndarray, "N"]
    label: Int64[np.ndarray, "N"]
    text: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class WearableRecording:
    """One continuous recording of one subject.

    Attributes:
      streams: of all devices worn; a device without gyroscope has no `RATE` stream.
      spans: its labels.
      subject: name of the person, "" where unknown.
      split: "train", "validation", "test", or "" where there is no official one.
      source: names of its files, for errors and cards.
      notes: what a check of a doubtful fact found; what was dropped, and how much.
    """

    streams: tuple[Stream, ...]
    spans: Spans
    subject: str
    split: str
    source: str
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How spans become windows, as the dataset's protocol says.

    Attributes:
      seconds: length of a window; None makes each span one window.
      hop: seconds between starts; None leaves no overlap.
      shortest: seconds; spans and remainders below are dropped and counted.
      longest: seconds; spans above are dropped and counted. None keeps all.
    """

    seconds: float | None
    hop: float | None = None
    shortest: float = 1.0
    longest: float | None = None


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Names of a dataset's classes.

    Attributes:
      classes: as the paper's Table 9 has them, in its order.
      own: the dataset's own word of each.
      dropped: own labels that the paper leaves out.
    """

    classes: tuple[str, ...]
    own: tuple[str, ...]
    dropped: tuple[str, ...] = ()

    def __post_init__(self):
        if len(self.classes) != len(self.own):
            raise ValueError(
                f"{len(self.classes)} classes but {len(self.own)} own words"
            )


@dataclasses.dataclass(frozen=True)
class DatasetFacts:
    """A dataset, as a page of facts.

    Attributes:
      name: as the command line has it ("wisdm").
      title: its full name.
      licence: of the data.
      citation: the paper or record to cite.
      homepage: where to get it.
      needs: which files, how large, whether one must sign in.
      vocabulary: its classes.
      protocol: how spans become windows.
      nodes: index in `XSENS` of each site.
      rate_hz: nominal rate.
      flags: warnings that travel with the data (leakage, overlap, no subjects).
      read: raw folder or file -> recordings, in a stable order.
    """

    name: str
    title: str
    licence: str
    citation: str
    homepage: str
    needs: str
    vocabulary: Vocabulary
    protocol: Protocol
    nodes: Mapping[str, int]
    rate_hz: float
    flags: tuple[str, ...]
    read: Callable[[pathlib.Path], Iterator[WearableRecording]]
