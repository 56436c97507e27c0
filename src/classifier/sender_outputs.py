"""What a review of senders leaves in its folder, written in bounded memory and shown only when it is whole."""

from __future__ import annotations

import csv
import json
import secrets
import shutil
from bisect import insort
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from classifier.dossier import dossier, file_name
from classifier.dossier_page import markdown
from classifier.errors import MessagesError
from classifier.policy import Action
from classifier.results import plain_id
from classifier.spreadsheets import inert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import TracebackType
    from typing import TextIO

    from classifier.dossier import Origin
    from classifier.messages import BadRow
    from classifier.sender_histories import SenderHistory
    from classifier.sender_partitions import Message

__all__ = ["Folder", "SetAside", "Shelf"]

_OURS = ("senders.csv", "senders.jsonl", "set-aside.csv", "dossiers")


class Folder:
    """The folder of a run: `new` becomes its content when the ``with`` block ends well, `work` goes away in any case.

    Raises `MessagesError` where it cannot be made or written, or where its dossiers are not those of an earlier run.
    """

    def __init__(self, target: Path, source: Path) -> None:
        self.target, self.source = target, source
        self._part = target / f".{secrets.token_hex(4)}.part"
        self.new, self.work = self._part / "new", self._part / "work"
        self._made = False
        self._stack = ExitStack()

    def callback(self, function: Callable[[], object]) -> None:
        """Call a function before the working files are removed."""
        self._stack.callback(function)

    def __enter__(self) -> Self:
        if self.target.exists() and not self.target.is_dir():
            raise MessagesError("this is a file", where=str(self.target), todo="name a folder with -o")
        if self.source.resolve() in [(self.target / name).resolve() for name in _OURS]:
            todo = "name another folder with -o"
            raise MessagesError("the result would replace the export", where=str(self.target), todo=todo)
        old = self.target / "dossiers"
        if old.exists() and not (self.target / "senders.jsonl").is_file():
            what = "there are dossiers that no earlier run has left"
            raise MessagesError(what, where=str(self.target), todo="name another folder with -o")
        try:
            self._made = not self.target.exists()
            self.target.mkdir(parents=True, exist_ok=True)
            (self.new / "dossiers").mkdir(parents=True)
            self.work.mkdir()
        except OSError as error:
            raise self._told(error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        whole = False
        try:
            self._stack.close()
            if kind is None:
                self._publish()
                whole = True
        except OSError as late:
            if kind is None:
                raise self._told(late) from late
        finally:
            shutil.rmtree(self._part, ignore_errors=True)
            if self._made and not whole:
                shutil.rmtree(self.target, ignore_errors=True)
        if isinstance(error, OSError):
            raise self._told(error) from error

    def _publish(self) -> None:
        for name in _OURS:
            old, new = self.target / name, self.new / name
            if old.is_dir() and not old.is_symlink():
                shutil.rmtree(old)
            elif old.exists() and not new.exists():
                old.unlink()
            if new.exists():
                new.replace(old)

    def _told(self, error: OSError) -> MessagesError:
        what = f"cannot be written ({error.strerror or error})"
        return MessagesError(what, where=str(self.target), todo="free space or name another folder with -o")


class SetAside:
    """Lists the rows set aside in ``set-aside.csv``, which exists only if there are any; `sample` are the first ten."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "set-aside.csv"
        self._file: TextIO | None = None
        self.count = 0
        self.sample: list[BadRow] = []

    def add(self, bad: Iterable[BadRow]) -> None:
        """Note rows."""
        for row in bad:
            if self._file is None:
                self._file = self._path.open("x", encoding="utf-8", errors="backslashreplace", newline="")
                csv.writer(self._file, lineterminator="\n").writerow(("file", "row", "id", "reason"))
            values = (inert(row.file), row.row, inert(plain_id(row.id)), inert(row.reason))
            csv.writer(self._file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).writerow(values)
            self.count += 1
            if len(self.sample) < 10:
                self.sample.append(row)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


class Shelf:
    """Room for the dossiers of the `limit` most severe senders: a severer one displaces the least severe."""

    def __init__(self, folder: Path, limit: int, origin: Origin, *, masked: bool) -> None:
        self.due = 0
        self._folder, self._limit, self._origin, self._masked = folder, limit, origin, masked
        self._kept: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._kept)

    def takes(self, history: SenderHistory) -> bool:
        """Whether a sender gets a dossier, as far as known; each sender is asked about once."""
        if history.recommendation < Action.REPORT:
            return False
        self.due += 1
        key = (-history.recommendation.level, history.sender)
        if len(self._kept) >= self._limit and (not self._kept or key > self._kept[-1]):
            return False
        insort(self._kept, key)
        if len(self._kept) > self._limit:
            _, displaced = self._kept.pop()
            for path in self._paths(displaced):
                path.unlink(missing_ok=True)
        return True

    def put(self, history: SenderHistory, messages: Iterable[Message]) -> None:
        """Write the dossier of a sender, unless severer ones have taken its place meanwhile."""
        if (-history.recommendation.level, history.sender) not in self._kept:
            return
        found = dossier(history, messages, self._origin, masked=self._masked)
        page, data = self._paths(history.sender)
        # A message may hold half a character; backslashreplace writes it as JSON does, "\\ud83d".
        page.write_text(markdown(found), encoding="utf-8", newline="\n")
        with data.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            json.dump(found, file, ensure_ascii=False, indent=1)

    def _paths(self, sender: str) -> tuple[Path, Path]:
        name = file_name(sender)
        return self._folder / f"{name}.md", self._folder / f"{name}.json"
