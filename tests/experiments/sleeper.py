"""A command that tells its process and waits: to be stopped in the meantime."""

import os
import pathlib
import sys
import time

if __name__ == "__main__":
    told = pathlib.Path(sys.argv[1])
    told.with_suffix(".tmp").write_text(str(os.getpid()))
    told.with_suffix(".tmp").replace(told)
    time.sleep(120)
