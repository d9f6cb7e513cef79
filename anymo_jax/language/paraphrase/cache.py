"""What a language model has answered, on disk, so that no text is asked for twice.

One JSON object a line. A line is written at once, so that a run that is killed leaves
whole lines and at most one torn one at the end, which is dropped on opening.
"""

import fcntl
import hashlib
import json
import os
import pathlib
import threading
from types import TracebackType

from anymo_jax.language.paraphrase.rounds import Paraphrased, Variant
from anymo_jax.language.templates import Templates


def prompt_version(templates: Templates) -> str:
    """Tells the instructions to the model from any others."""
    wordings = json.dumps(dict(templates.paraphrase), sort_keys=True)
    return hashlib.sha256(wordings.encode()).hexdigest()[:12]


class Cache:
    """Answers of one model to one version of the instructions; one process writes.

    Use it as a context: the file is locked from `__init__` until `close`.
    """

    def __init__(self, path: str | pathlib.Path, *, model: str, version: str):
        """Opens the file, or begins it.

        Args:
          path: of the file.
          model: whose answers are read and written; others' are left alone.
          version: of the instructions, likewise (`prompt_version`).

        Raises:
          ValueError: naming file and line where a line other than the last is no
            answer, or where another process has the file open.
        """
        self._path = pathlib.Path(path)
        self._named = {"model": model, "version": version}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            self._lock()
            self._known = self._read()
        except ValueError:
            os.close(self._file)
            raise
        self._guard = threading.Lock()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"{self._path}: another run writes to this cache; wait for its end, or "
                "give another file"
            ) from None

    def _read(self) -> dict[str, Paraphrased]:
        whole = self._path.read_bytes()
        end = whole.rfind(b"\n") + 1
        if end < len(whole):
            os.truncate(self._file, end)
        known = {}
        for number, line in enumerate(whole[:end].splitlines(), 1):
            try:
                entry = json.loads(line)
                named = {name: entry[name] for name in self._named}
                text, answer = entry["text"], _answer(entry)
            except (ValueError, LookupError, TypeError) as error:
                raise ValueError(
                    f"{self._path}:{number}: not an entry of this cache ({error!r}); "
                    "delete the line"
                ) from None
            if named == self._named:
                known[text] = answer
        return known

    def __enter__(self) -> "Cache":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets the file go."""
        os.close(self._file)

    def get(self, text: str) -> Paraphrased | None:
        """The answer to a text, None where it has not been asked for."""
        return self._known.get(text)

    def add(self, text: str, answer: Paraphrased) -> None:
        """Keeps an answer; it is on the disk when this returns."""
        entry = {
            **self._named,
            "text": text,
            "passes": answer.passes,
            "variants": [
                {"text": v.text, "passed": v.passed, "reason": v.reason}
                for v in answer.variants
            ],
        }
        line = (json.dumps(entry, ensure_ascii=False) + "\n").encode()
        with self._guard:
            written = os.write(self._file, line)
            if written != len(line):
                raise OSError(f"{self._path}: the disk is full")
            os.fsync(self._file)
            self._known[text] = answer


def _answer(entry: dict) -> Paraphrased:
    variants = tuple(
        Variant(str(v["text"]), bool(v["passed"]), str(v["reason"]))
        for v in entry["variants"]
    )
    return Paraphrased(variants, int(entry["passes"]))
