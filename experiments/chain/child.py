"""Runs a module as a command that ends when its parent does.

    python -m experiments.chain.child MODULE ARGUMENTS...

Standard input is a pipe that the parent holds open and never writes to. Where the
parent is killed, the pipe closes, and the whole group of processes goes with it: a
trainer left alone would write into a folder that a new pipeline opens.
"""

import os
import runpy
import signal
import sys
import threading


def main() -> None:
    """Replaces this command by the one that it is given."""
    threading.Thread(target=_watch, daemon=True).start()
    del sys.argv[0]
    # An installed module may stand before ours of the same name otherwise.
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _watch() -> None:
    while os.read(0, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
