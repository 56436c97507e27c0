"""The unfinished part of a run, on disk: what makes it survive a crash, and a second run keep off.

<RESULT>.partial/           exists while a run is under way or waits to be gone on with
├── lock                    held by the run; the system frees it when the process ends, however it ends
├── journal.json            which run this is, and how far its finished work reaches
├── result, result-*.arrow  the result so far
└── set-aside.csv           the rows set aside so far

The journal is replaced as a whole after the files it speaks of are on the disk, so what it says is always there; what
they hold beyond is cut off. The folder holds reasons, which quote messages: it goes when the run is finished or
discarded, and until then deserves the care the result does.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.errors import MessagesError
from classifier.results import writing
from classifier.sources import STDIN, find_sources, is_collection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Checkpoint", "checkpoint", "content_digest", "discard", "identity", "partial_path", "replace_file"]

_ENDS = 1 << 20
_AGAIN = "give the command that began it to finish it, or add --restart to begin again"


def partial_path(target: str | os.PathLike[str]) -> Path:
    """Name the folder of an unfinished run.

    >>> partial_path("out/result.jsonl").name
    'result.jsonl.partial'
    """
    target = Path(target).resolve()
    return target.with_name(f"{target.name}.partial")


def identity(source: Path) -> list[Any]:
    """What tells the files that are read from what they were: name, size, time of change, both ends of each.

    Of a folder or pattern these are the exports in it, without results of ours (`sources`). A pipe has none: its list
    is empty. Raises `MessagesError` where a file cannot be read.
    """
    found = []
    with _reading(source):
        for path in _files(source):
            state = path.stat()
            with path.open("rb") as file:
                digest = hashlib.sha256(file.read(_ENDS))
                file.seek(max(0, state.st_size - _ENDS))
                digest.update(file.read(_ENDS))
            found.append([str(path.resolve()), state.st_size, state.st_mtime_ns, digest.hexdigest()])
    return found


def content_digest(source: Path) -> str | None:
    """The SHA-256 of a file as ``sha256sum`` prints it; of many files, that of their digests; None of a pipe."""
    with _reading(source):
        digests = []
        for path in _files(source):
            with path.open("rb") as file:
                digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    if is_collection(source):
        return hashlib.sha256("".join(digests).encode()).hexdigest()
    return digests[0] if digests else None


def _files(source: Path) -> list[Path]:
    if is_collection(source):
        return [found.path for found in find_sources(source)[0]]
    return [source] if str(source) != STDIN and source.is_file() else []


@contextmanager
def _reading(source: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MessagesError(f"cannot be read ({error.strerror or error})", where=str(source)) from error


def replace_file(path: Path, content: bytes) -> None:
    """Put a file in place of another so that after a crash there is the one or the other, whole."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the disk keep the names in a folder."""
    if hasattr(os, "O_DIRECTORY"):
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(place)
        finally:
            os.close(place)


@dataclass
class Checkpoint:
    """The folder of a run that is locked, and the journal of what was finished; `state` is empty for a fresh run."""

    folder: Path
    run: Mapping[str, Any]
    state: dict[str, Any]

    def save(self, state: dict[str, Any]) -> None:
        """Keep `state`, once everything it speaks of is on the disk."""
        replace_file(self.folder / "journal.json", json.dumps({"run": self.run, "state": state}).encode())
        self.state = state


@contextmanager
def checkpoint(target: Path, run: Mapping[str, Any], *, restart: bool = False) -> Iterator[Checkpoint]:
    """Lock the target and go on with its unfinished run, if there is one and it is this `run`.

    `run` says what decides the result, as plain values by name. The folder is removed when the ``with`` block ends
    well, and also when it ends badly before anything was saved.

    Raises
    ------
    MessagesError
        When another process writes this result, when the unfinished run was another one (unless `restart`), or when the
        disk does not take it.

    """
    folder = partial_path(target)
    with _locked(folder, target):
        try:
            state = {} if restart else _state(folder, run, target)
            if not state:
                _empty(folder)
            yield Checkpoint(folder, run, state)
        except BaseException as error:
            if (folder / "journal.json").exists():
                error.add_note(f"what was finished is kept in {folder}: the same command goes on with it, "
                               "--discard removes it")  # fmt: skip
            else:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)


def discard(target: str | os.PathLike[str]) -> bool:
    """Remove what an unfinished run of this result left; say whether there was anything."""
    folder = partial_path(target)
    if not folder.is_dir():
        return False
    with _locked(folder, Path(target)), writing(Path(target)):
        shutil.rmtree(folder)
    return True


@contextmanager
def _locked(folder: Path, target: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(folder / "lock")
    with writing(target):
        while True:
            folder.mkdir(exist_ok=True)
            try:
                lock.acquire(blocking=False)
            except FileNotFoundError:  # the run before removed its folder just now
                continue
            except Timeout as error:
                if not folder.is_dir():
                    continue
                todo = "wait for it to end, or name another file with -o"
                raise MessagesError("another run is writing this result", where=str(target), todo=todo) from error
            break
    try:
        yield
    finally:
        lock.release()


def _state(folder: Path, run: Mapping[str, Any], target: Path) -> dict[str, Any]:
    """What the journal says of the unfinished `run`; empty where there is none."""
    try:
        found = json.loads((folder / "journal.json").read_bytes())
        state: dict[str, Any] = found["state"]
        plain = json.loads(json.dumps(run))
        other = [name for name, value in plain.items() if value != found["run"].get(name)]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError) as error:
        what = f"the journal of an unfinished run cannot be read ({error})"
        raise MessagesError(what, where=str(folder), todo="add --restart to begin again") from error
    if other:
        what = f"an unfinished run of this result had another {' and '.join(other)}"
        raise MessagesError(what, where=str(target), todo=_AGAIN)
    return state


def _empty(folder: Path) -> None:
    """Remove what a run left that saved nothing; the journal first, because it speaks of the others."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name != "journal.json"):
        if path.name != "lock":
            path.unlink()
