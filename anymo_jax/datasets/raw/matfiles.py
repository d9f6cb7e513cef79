"""The engine of datasets of MATLAB files: every file is one trial of one activity."""

import dataclasses
import io
import os
from collections.abc import Callable, Hashable, Iterator, Mapping

import numpy as np
import scipy.io
from jaxtyping import Float

from anymo_jax.datasets.raw.columns import LARGEST
from anymo_jax.datasets.raw.files import RawFile, find_files
from anymo_jax.datasets.raw.labels import whole
from anymo_jax.datasets.raw.sensors import Sensor, counted_time, to_stream
from anymo_jax.datasets.raw.tables import label_of
from anymo_jax.datasets.recording import WearableRecording


@dataclasses.dataclass(frozen=True)
class MatLayout:
    """Where things stand in the files of a dataset.

    Attributes:
      pattern: of the files' paths, see `find_files`, with the groups `subject` and
        `label`.
      field: of the (T, C) array.
      sensors: of a file, by the groups of its path.
      width: C.
      codes: class of each label of a path.
      rate_hz: of the samples.
      split: of a file, by the groups of its path.
      activity: fields that repeat the label inside the file, of which one is there.
      needs: said where there are no such files.
    """

    pattern: str
    field: str
    sensors: Callable[[Mapping[str, str]], tuple[Sensor, ...]]
    width: int
    codes: Mapping[Hashable, int]
    rate_hz: float
    split: Callable[[Mapping[str, str]], str] = lambda groups: ""
    activity: tuple[str, ...] = ()
    needs: str = ""


def read_mat_files(
    root: str | os.PathLike, layout: MatLayout
) -> Iterator[WearableRecording]:
    """All recordings of a dataset, one for each file, in natural order of the names.

    Raises:
      ValueError: where there are no such files, for a damaged one, or one without the
        field that the layout names.
    """
    for file in find_files(root, layout.pattern, layout.needs):
        fields = _load(file, (layout.field, *layout.activity))
        values = _values(file, fields, layout)
        time = counted_time(len(values), layout.rate_hz)
        label = label_of(file, layout.codes)
        yield WearableRecording(
            streams=tuple(
                to_stream(sensor, time, values[:, list(sensor.columns)])
                for sensor in layout.sensors(file.groups)
            ),
            spans=whole(0.0, len(values) / layout.rate_hz, label),
            subject=file.groups["subject"],
            split=layout.split(file.groups),
            source=file.name,
            notes=_disagreement(file, fields, layout),
        )


def _load(file: RawFile, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    data = file.read()
    try:
        fields = scipy.io.loadmat(io.BytesIO(data), variable_names=list(names))
        return {n: field for n, field in fields.items() if n in names}
    # A damaged file fails in zlib, struct, or anywhere within SciPy's reader.
    except Exception as error:
        raise ValueError(
            f"{file.name}: no readable MATLAB file ({type(error).__name__}: {error}); "
            "download it again"
        ) from None


def _values(
    file: RawFile, fields: Mapping[str, np.ndarray], layout: MatLayout
) -> Float[np.ndarray, "T C"]:
    values = fields.get(layout.field)
    if values is None:
        raise ValueError(
            f"{file.name}: no field {layout.field!r}; is it the file that the dataset "
            "publishes?"
        )
    if (
        values.ndim != 2
        or values.shape[1] != layout.width
        or not len(values)
        or values.dtype.kind not in "fiu"
    ):
        raise ValueError(
            f"{file.name}: {layout.field} is {values.dtype} of shape {values.shape}, "
            f"expected numbers of shape (T, {layout.width})"
        )
    values = values.astype(np.float64)
    # NaN compares false.
    if (np.abs(values) > LARGEST).any():
        raise ValueError(
            f"{file.name}: {layout.field} holds {np.nanmax(np.abs(values)):.3g}, which "
            "no sensor reads; download it again"
        )
    return values


def _disagreement(
    file: RawFile, fields: Mapping[str, np.ndarray], layout: MatLayout
) -> tuple[str, ...]:
    """A note where the file itself names another activity than its path."""
    for name in layout.activity:
        if name in fields:
            said = str(fields[name].reshape(-1)[0]).strip() if fields[name].size else ""
            if said.isdigit() and int(said) == int(file.groups["label"]):
                return ()
            return (
                f"{'/'.join(file.name.split('/')[-2:])}: field {name} says activity "
                f"{said or 'nothing'}; the file's name is believed",
            )
    return ()
