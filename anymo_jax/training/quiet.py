"""Orbax's failures in a line: its tracebacks, of pages, stay off the screen."""

import contextlib
import gc
import logging
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType

import absl.logging

_ORBAX = "/orbax/checkpoint/"
_LOGGERS = ("absl", "asyncio")
# Raised by TensorStore's callbacks, which come after the loop's end.
_CLOSED = "Event loop is closed"


def root_cause(error: BaseException) -> str:
    """The first line of the error from which another came: it names file and leaf."""
    while error.__cause__:
        error = error.__cause__
    text = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {text[0]}"[:600]


def forget_failures() -> None:
    """Has the coroutines of failures that are over end now, while it is quiet."""
    gc.collect()


@contextlib.contextmanager
def quiet_orbax() -> Iterator[None]:
    """Drops what Orbax logs and leaves behind of failed reads and writes.

    Every failure still raises. Dropped are its log records of level ERROR, asyncio's of
    its tasks, and what is left of coroutines whose loop a failure closed.
    """
    absl.logging.get_absl_logger()
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    hook = sys.unraisablehook

    def worth_telling(record):
        trace = record.exc_info[2] if record.exc_info else None
        return record.levelno < logging.ERROR or not (
            _ORBAX in record.pathname or _through_orbax(trace)
        )

    def tell(notice):
        code = getattr(notice.object, "cr_code", None)
        orphan = notice.object is None and str(notice.exc_value) == _CLOSED
        if not orphan and (code is None or _ORBAX not in code.co_filename):
            hook(notice)

    for logger in loggers:
        logger.addFilter(worth_telling)
    sys.unraisablehook = tell
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(worth_telling)
        sys.unraisablehook = hook


def _through_orbax(trace: TracebackType | None) -> bool:
    frames = traceback.walk_tb(trace)
    return any(_ORBAX in frame.f_code.co_filename for frame, _ in frames)
