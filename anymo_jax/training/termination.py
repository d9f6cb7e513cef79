"""SIGTERM as a wish to be met at the next step, not as a sudden end."""

import signal
import threading
from types import TracebackType

EXIT_CODE = 128 + signal.SIGTERM


class Terminated(SystemExit):
    """A run saved its state and left, because SIGTERM asked it to.

    An exit with code 143, as of a process that the signal ends: what would have come
    after the run does not, and a scheduler sees that the work is not done.
    """

    def __init__(self, message: str):
        """The message is for who catches it; the interpreter exits with the code."""
        super().__init__(EXIT_CODE)
        self.message = message


class SigtermNotice:
    """While entered, SIGTERM sets `requested`; the handler before it returns at exit.

    Outside the main thread, where Python allows no handlers, it notices nothing.
    """

    def __init__(self) -> None:
        """Nothing is requested yet."""
        self.requested = False
        self._previous = None
        self._installed = False

    def __enter__(self) -> "SigtermNotice":
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGTERM, self._note)
            self._installed = True
        return self

    def _note(self, *_) -> None:
        self.requested = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._installed:
            # None: the handler before was not Python's and cannot be put back.
            signal.signal(signal.SIGTERM, self._previous or signal.SIG_DFL)
