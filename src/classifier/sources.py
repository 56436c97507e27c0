"""Where messages come from: a file, standard input, a folder, a pattern of names or an archive, as a list of sources.

In a folder the files with the ending of an export are read, in the order of their names; others, hidden files and links
are not. A pattern (``exports/*.json``) is all the files it fits. An archive is a folder.

What an earlier run has written into the folder is no export: a result, which has its report (``NAME.report.json``) or
its unfinished part (``NAME.partial``) beside it, these themselves, lists of rows set aside, and the tables and dossiers
of a review of senders.
"""

from __future__ import annotations

import glob
import io
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.archives import zip_members
from classifier.errors import MessagesError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

__all__ = ["ENDINGS", "STDIN", "Source", "find_sources", "is_collection", "is_result", "seekable", "sources_of_zip"]

STDIN = "-"
ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".txt", ".zip")
_PACKED = (".gz", ".zst", ".zstd")
_REPORT, _PARTIAL = ".report.json", ".partial"
_OF_SENDERS = ("senders.csv", "senders.jsonl", "set-aside.csv")


@dataclass(frozen=True)
class Source:
    """One file of messages: where it is, its name among the sources, how to open it, its size as far as known."""

    path: Path
    name: str
    open: Callable[[], Any]
    size: int | None = None

    @property
    def is_export(self) -> bool:
        """Whether its name ends like that of an export."""
        return _has_ending(self.name)


def is_collection(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path means several files: a folder, or a pattern that is no file's name."""
    return os.path.isdir(path) or (glob.has_magic(os.fspath(path)) and not os.path.exists(path))  # noqa: PTH110, PTH112


def find_sources(path: str | os.PathLike[str]) -> tuple[list[Source], int]:
    """Find the files a path means, in order, and how many of a folder are passed over.

    Raises
    ------
    MessagesError
        When there is none.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.csv", "a.json.gz", "photo.jpg", ".hidden.csv"):
    ...         _ = Path(folder, name).write_bytes(b"")
    ...     found, passed_over = find_sources(folder)
    >>> [source.name for source in found], passed_over
    (['a.json.gz', 'b.csv'], 1)

    """
    where = os.fspath(path)
    if where == STDIN:
        return [Source(Path("-"), "standard input", lambda: io.BufferedReader(_Kept(sys.stdin.buffer)))], 0
    if not is_collection(path):
        file = Path(path)
        if not file.exists():
            raise MessagesError("there is no such file", where=where, todo="check the path")
        return [_of_file(file, file.name)], 0
    root = Path(path)
    if root.is_dir():
        names = sorted(file for file in root.rglob("*") if _visible(file.relative_to(root)) and not file.is_symlink())
        files = [file for file in names if file.is_file() and _inside(file, root) and not is_result(file)]
        fitting = [file for file in files if _has_ending(file.name)]
    else:
        start = where[: where.index(next(sign for sign in where if sign in "*?["))]
        root = Path(start) if start.endswith("/") else Path(start).parent
        names = sorted(map(Path, glob.glob(where, recursive=True)))  # noqa: PTH207
        files = fitting = [file for file in names if file.is_file() and not is_result(file)]
    if not fitting:
        raise MessagesError("there is no export in it", where=where, todo=f"exports end in {', '.join(ENDINGS)}")
    found = [_of_file(file, file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file))
             for file in fitting]  # fmt: skip
    return found, len(files) - len(fitting)


def sources_of_zip(file: BinaryIO, path: Path) -> tuple[list[Source], list[str]]:
    """Give the files of an archive as sources, and the names of those that are not opened."""
    members, refused = zip_members(file, path)
    return [Source(Path(f"{path}!{_plain(name)}"), _plain(name), open_) for name, open_ in members.items()], [
        _plain(name) for name in refused
    ]


def seekable(file: Any) -> BinaryIO:
    """Give a stream as a file to read in any order: itself, or a copy on disk that goes away when it is closed."""
    if isinstance(file, io.BufferedReader) and isinstance(file.raw, io.FileIO) and file.seekable():
        return file
    copy = tempfile.TemporaryFile()  # noqa: SIM115
    shutil.copyfileobj(file, copy, 2**20)
    copy.seek(0)
    return copy


def is_result(file: Path) -> bool:
    """Tell whether a file was written by an earlier run, as far as its name and its neighbours say.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("may.csv", "out.csv", "out.csv.report.json"):
    ...         _ = Path(folder, name).write_bytes(b"")
    ...     [is_result(Path(folder, name)) for name in ("may.csv", "out.csv", "out.csv.report.json")]
    [False, True, True]
    """

    def beside(name: str) -> Path:
        return file.with_name(name)

    if file.name.endswith(".set-aside.csv") or beside(f"{file.name}{_REPORT}").is_file():
        return True
    if file.name.endswith(_REPORT) and beside(file.name.removesuffix(_REPORT)).is_file():
        return True
    if beside(f"{file.name}{_PARTIAL}").is_dir() or (file.parent.suffix == _PARTIAL and beside("lock").exists()):
        return True
    of_senders = file.parent.parent if file.parent.name == "dossiers" else file.parent
    listed = all((of_senders / name).is_file() for name in _OF_SENDERS[:2])
    return listed and (file.parent != of_senders or file.name in _OF_SENDERS)


class _Kept(io.RawIOBase):
    """Standard input, which stays open for others when we are done."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.file.read1(len(buffer)) if hasattr(self.file, "read1") else self.file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _of_file(path: Path, name: str) -> Source:
    size = path.stat().st_size if path.is_file() else None
    return Source(path, _plain(name), partial(io.FileIO, path), size)


def _visible(path: Path) -> bool:
    return not any(part.startswith(".") for part in path.parts)


def _inside(path: Path, root: Path) -> bool:
    """A folder within may be a link too."""
    return path.resolve().is_relative_to(root.resolve())


def _has_ending(name: str) -> bool:
    name = name.lower()
    for ending in _PACKED:
        name = name.removesuffix(ending)
    return name.endswith(ENDINGS) and not name.endswith(".set-aside.csv")


def _plain(name: str) -> str:
    """A name that any file can hold: names of files need not be text."""
    return name.encode("utf-8", "backslashreplace").decode()
