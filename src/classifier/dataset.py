"""Our data set: what must hold of it, each rule checked by machine.

``data/messages/*.csv`` are the messages written for the project, one file for each language and ``faker.csv`` for
carrier sentences filled by Faker; ``data/splits.toml`` names the authors held out; ``data/annotations/*.csv`` are our
labels on real text, and ``data/second_reading.csv`` what a second reader made of a part of both.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from classifier.agreement import agreement, read_reading
from classifier.assembly import read_splits
from classifier.counts import stats
from classifier.duplicates import near_duplicates
from classifier.errors import ExamplesError
from classifier.examples import read_annotations, read_examples
from classifier.rules import KINDS, LANGUAGES, MESSAGE_RULES, Finding, Limits, check_annotations, check_reading
from classifier.shape import shape_auc

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

__all__ = ["KINDS", "LANGUAGES", "Finding", "Limits", "agreement", "check", "load_annotations", "load_messages",
           "near_duplicates", "shape_auc", "stats"]  # fmt: skip


def load_messages(folder: str | Path) -> pd.DataFrame:
    """All messages of ``folder/messages``, with the columns ``file``, ``row`` and ``split`` added.

    Raises `ExamplesError` naming file, row and column.
    """
    import pandas as pd

    paths = sorted(Path(folder, "messages").glob("*.csv"))
    if not paths:
        raise ExamplesError("holds no messages/*.csv", where=str(folder), todo="name the repository's data folder")
    return _with_split(pd.concat([_read_messages(path) for path in paths], ignore_index=True), Path(folder))


def load_annotations(folder: str | Path) -> pd.DataFrame:
    """All our labels on real text in ``folder/annotations``, with the columns ``file`` and ``row`` added.

    Raises `ExamplesError` naming file, row and column.
    """
    import pandas as pd

    paths = sorted(Path(folder, "annotations").glob("*.csv"))
    if not paths:
        raise ExamplesError("holds no annotations/*.csv", where=str(folder), todo="name the repository's data folder")
    frames = [read_annotations(path) for path in paths]
    return pd.concat(
        [frame.assign(file=path.name, row=range(2, len(frame) + 2)) for path, frame in zip(paths, frames, strict=True)],
        ignore_index=True,
    )


def _read_messages(path: Path) -> pd.DataFrame:
    frame = read_examples(path)
    if missing := [column for column in ("author", "kind") if column not in frame]:
        raise ExamplesError(f"column {', '.join(missing)} is missing", where=str(path), todo="add it")
    return frame.assign(file=path.name, row=range(2, len(frame) + 2))


def _with_split(frame: pd.DataFrame, folder: Path) -> pd.DataFrame:
    splits = read_splits(folder / "splits.toml")
    return frame.assign(split=[splits.get(author, "train") for author in frame["author"]])


def check(folder: str | Path, *, limits: Limits | None = None) -> list[Finding]:
    """Every rule of the data set that can be verified by machine and does not hold, in `folder`, such as ``data``.

    A file that cannot be read is one finding, and the rules then see the other files.

    >>> for finding in check("no-such-folder"):
    ...     print(finding)
    error: no-such-folder: holds no messages/*.csv; name the repository's data folder
    error: no-such-folder: holds no annotations/*.csv; name the repository's data folder
    error: no-such-folder/second_reading.csv: is missing; have a part of the held-out messages read twice
    """
    import pandas as pd

    folder, limits = Path(folder), limits or Limits()
    findings: list[Finding] = []

    def attempt(read: Callable[[Path], pd.DataFrame], path: Path) -> pd.DataFrame | None:
        try:
            return read(path)
        except ExamplesError as error:
            findings.append(Finding("error", error.where, error.what, error.todo))
            return None

    paths = sorted((folder / "messages").glob("*.csv"))
    frames = [frame for path in paths if (frame := attempt(_read_messages, path)) is not None]
    messages = _with_split(pd.concat(frames, ignore_index=True), folder) if frames else None
    if messages is not None:
        findings += [finding for rule in MESSAGE_RULES for finding in rule(messages, folder, limits)]
    elif not paths:
        attempt(load_messages, folder)
    annotations = attempt(load_annotations, folder)
    if annotations is not None:
        findings += check_annotations(annotations, limits)
    reading = attempt(read_reading, folder / "second_reading.csv")
    if reading is not None and messages is not None and annotations is not None:
        findings += check_reading(reading, messages, annotations, limits)
    return findings
