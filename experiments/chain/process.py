"""A stage as a child process.

Why not in this one: the memory of a stage, on an accelerator too, is returned at its
end; one that dies, of the memory it wants above all, is named, and the table of the
others is kept; no stage uses another's compiled programs. It costs the start of Python
and JAX, 3 to 4 s a stage on a CPU.
"""

import contextlib
import fcntl
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

from anymo_jax.training.termination import SigtermNotice, Terminated

_LOCK = ".lock"
# How soon SIGTERM is handed on, s.
_TICK = 0.2


class ChildFaultError(RuntimeError):
    """A command did not end well; the message says how."""


def run(command: Sequence[str]) -> None:
    """Runs `python -m` with a module and its arguments, to their end.

    What it prints is seen. SIGTERM is handed on, and so is an interrupt from the
    keyboard, and the child left to save its state.

    Raises:
      ChildFaultError: where it ends otherwise than with code 0.
      Terminated, KeyboardInterrupt: after SIGTERM, or the interrupt.
    """
    with SigtermNotice() as notice:
        child = subprocess.Popen(
            [sys.executable, "-m", "experiments.chain.child", *command],
            stdin=subprocess.PIPE,
            # So that it can be ended with the workers it has started.
            process_group=0,
        )
        try:
            code = _wait(child, notice)
        except KeyboardInterrupt:
            # It has a group of its own, and heard nothing; a second one ends it.
            child.terminate()
            child.wait()
            raise
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            child.stdin.close()
    if notice.requested:
        raise Terminated(f"SIGTERM: left {command[0]}; the same command goes on there")
    if code:
        raise ChildFaultError(_ending(code))


def _wait(child: subprocess.Popen, notice: SigtermNotice) -> int:
    asked = False
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(timeout=_TICK)
        if notice.requested and not asked:
            child.terminate()
            asked = True


def _ending(code: int) -> str:
    if code > 0:
        return f"it ended with code {code}; what was wrong stands above"
    name = signal.Signals(-code).name
    hint = "; the machine may have run out of memory" if name == "SIGKILL" else ""
    return f"it was ended by {name}{hint}"


@contextlib.contextmanager
def only_one(home: pathlib.Path) -> Iterator[None]:
    """Keeps other pipelines out of a working directory while it is entered.

    Raises:
      ValueError: where one is at work there.
    """
    with (home / _LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"another pipeline is at work in {home}: wait for it or stop it, or "
                "choose another --workdir"
            ) from None
        yield
