"""Files of a raw download: in folders, in zip archives, in archives inside archives.

A dataset's page names its files by a pattern; where a user unpacked the download, or
whether, does not matter.
"""

import dataclasses
import functools
import io
import os
import pathlib
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping

_DIGITS = re.compile(r"(\d+)")
_LFS = b"version https://git-lfs.github.com"
# Left behind by the Finder: one for each file, of the same name.
_LITTER = re.compile(r"(^|/)(__MACOSX/|\._)")
# What `zipfile` raises where an archive is damaged, encrypted, or of an odd method.
_DAMAGED = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error),
    *(RuntimeError, NotImplementedError),
)


@dataclasses.dataclass(frozen=True)
class RawFile:
    """One file of a download.

    Attributes:
      chain: the file in the folder, then the members of archives that lead to it.
      name: path below the folder that was searched, archives as folders.
      groups: what the pattern's named groups matched, "" where one did not.
    """

    chain: tuple[str, ...]
    name: str
    groups: Mapping[str, str]

    def read(self) -> bytes:
        """The whole file.

        Raises:
          ValueError: naming the file, where it cannot be read, or where Git LFS has
            left its pointer instead of the data.
        """
        try:
            data = _read(self.chain)
        except _DAMAGED as error:
            raise ValueError(
                f"{self.name}: cannot be read ({error}); download it again"
            ) from None
        if data.startswith(_LFS):
            raise ValueError(
                f"{self.name}: only the pointer of Git LFS, not the data; run "
                "`git lfs pull` in the repository"
            )
        return data


def find_files(
    root: str | os.PathLike,
    pattern: str,
    needs: str = "",
    archives: str = "",
) -> list[RawFile]:
    """Files below a folder, or in an archive, whose path ends as a pattern says.

    Args:
      root: a folder, or one zip archive, or one file.
      pattern: regular expression with named groups for the end of the path, folders
        separated by "/"; it begins at a folder's or file's name. Case does not matter.
      needs: said in the error where there are none: which files to get.
      archives: regular expression of the archives worth opening; "" opens all.

    Returns:
      Files in natural order ("p2" before "p10").

    Raises:
      ValueError: where there are none, naming what was found instead.
    """
    root = pathlib.Path(root)
    if not root.exists():
        raise ValueError(f"{root}: no such file or folder")
    wanted = re.compile(rf"(?:^|/)(?:{pattern})$", re.IGNORECASE)
    worth = re.compile(archives, re.IGNORECASE)
    found, seen = [], []
    for chain, name in _walk(root, worth):
        seen.append(name)
        if match := wanted.search(name):
            groups = {k: v or "" for k, v in match.groupdict().items()}
            found.append(RawFile(chain, name, groups))
    if not found:
        there = f"{len(seen)} other files, such as {seen[0]}" if seen else "nothing"
        raise ValueError(
            f"{root}: no file like {pattern}; found {there}. Needed: {needs or pattern}"
        )
    return sorted(found, key=lambda file: natural_order(file.name))


def natural_order(name: str) -> list[tuple[int, int | str]]:
    """Key for sorting names with numbers in them by the numbers' values."""
    words = _DIGITS.split(name.lower())
    return [(0, int(word)) if word.isdigit() else (1, word) for word in words if word]


def _walk(
    root: pathlib.Path, worth: re.Pattern
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Chains and names of all files below a folder."""
    if root.is_file():
        yield from _descend((str(root),), root.name, worth)
        return
    for folder, folders, files in os.walk(root):
        folders.sort()
        for file in sorted(files):
            path = pathlib.Path(folder, file)
            name = path.relative_to(root).as_posix()
            yield from _descend((str(path),), f"{root.name}/{name}", worth)


def _descend(
    chain: tuple[str, ...], name: str, worth: re.Pattern
) -> Iterator[tuple[tuple[str, ...], str]]:
    """A file, or, of an archive that is worth opening, all files in it."""
    if _LITTER.search(name):
        return
    if not name.lower().endswith(".zip"):
        yield chain, name
        return
    if not worth.search(name):
        return
    try:
        source = chain[0] if len(chain) == 1 else io.BytesIO(_unpacked(chain))
        with zipfile.ZipFile(source) as archive:
            members = [i.filename for i in archive.infolist() if not i.is_dir()]
    except _DAMAGED as error:
        raise ValueError(
            f"{name}: a damaged archive ({error}); download it again"
        ) from None
    for member in members:
        yield from _descend((*chain, member), f"{name}/{member}", worth)


def _read(chain: tuple[str, ...]) -> bytes:
    """Bytes of the last of a chain of archive members."""
    if len(chain) == 1:
        return pathlib.Path(chain[0]).read_bytes()
    source = chain[0] if len(chain) == 2 else io.BytesIO(_unpacked(chain[:-1]))
    with zipfile.ZipFile(source) as archive:
        return archive.read(chain[-1])


@functools.lru_cache(maxsize=1)
def _unpacked(chain: tuple[str, ...]) -> bytes:
    """An archive inside an archive; the last is kept, for its next member."""
    return _read(chain)
