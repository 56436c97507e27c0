"""How far two readers who saw only the texts and the guide agree: Krippendorff's alpha, and where they differ.

A reading is a file ``key,source,lang,split,first,second``: `source` is ``messages`` (then `key` is an id) or a corpus
(then `key` is the digest of the text, as in our annotations), and each reader's labels are names separated by spaces,
nothing for none. What was settled afterwards is not in it: that is what the data now say, and `settle` looks it up.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.errors import ExamplesError
from classifier.guidelines import LABELS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import pandas as pd

__all__ = ["Agreement", "agreement", "label_set", "masi_distance", "names", "read_reading", "settle"]

COLUMNS = ("key", "source", "lang", "split", "first", "second")


@dataclass(frozen=True)
class Agreement:
    """What two readers agree on.

    `alphas` by label over the values 0 and 1, `alpha` over label sets with the MASI distance; `positives` counts, for
    each label, the messages the first and the second reader gave it; `disagreements` are the rows that they differ on.
    """

    n: int
    alphas: dict[str, float]
    alpha: float
    positives: dict[str, tuple[int, int]]
    disagreements: pd.DataFrame


def label_set(names: str) -> frozenset[str]:
    """The labels of one reader.

    >>> sorted(label_set("spam harassment")), label_set("")
    (['harassment', 'spam'], frozenset())
    >>> label_set("rude")
    Traceback (most recent call last):
    ...
    classifier.errors.ExamplesError: 'rude' is no label; use harassment, dating_flirting, ...
    """
    found = frozenset(names.split())
    if unknown := found.difference(LABELS):
        raise ExamplesError(f"{min(unknown)!r} is no label", todo=f"use {', '.join(LABELS)}")
    return found


def names(labels: Collection[str]) -> str:
    """Labels as the file has them, in column order.

    >>> names({"spam", "harassment"})
    'harassment spam'
    """
    return " ".join(label for label in LABELS if label in labels)


def masi_distance(a: frozenset[str], b: frozenset[str]) -> float:
    """MASI distance of two label sets; two empty ones, which NLTK divides by zero for, are equal.

    >>> masi_distance(frozenset(), frozenset()), masi_distance(frozenset(), frozenset({"spam"}))
    (0.0, 1.0)
    >>> round(masi_distance(frozenset({"spam"}), frozenset({"spam", "hate"})), 3)
    0.667
    """
    from nltk.metrics import masi_distance as masi

    return float(masi(a, b)) if a or b else 0.0


def agreement(frame: pd.DataFrame) -> Agreement:
    """Agreement of the readers of a frame with the columns ``first`` and ``second``.

    Where both readers never use but one value there is nothing to disagree about by chance, and alpha, 0/0, is taken
    as 1: look at `Agreement.positives` before trusting it.

    Raises `ExamplesError` on an empty frame or an unknown label.

    >>> import pandas as pd
    >>> found = agreement(pd.DataFrame({"first": ["spam", "spam", "", ""], "second": ["spam", "", "", ""]}))
    >>> round(found.alphas["spam"], 3), found.alphas["hate"], found.positives["spam"], list(found.disagreements.index)
    (0.533, 1.0, (2, 1), [1])
    """
    if not len(frame):
        raise ExamplesError("no message was read twice", todo="give a reading with rows")
    pairs = [(label_set(a), label_set(b)) for a, b in zip(frame["first"], frame["second"], strict=True)]
    return Agreement(
        n=len(frame),
        alphas={label: _alpha((label in a, label in b) for a, b in pairs) for label in LABELS},
        alpha=_alpha(pairs, sets=True),
        positives={label: (sum(label in a for a, _ in pairs), sum(label in b for _, b in pairs)) for label in LABELS},
        disagreements=frame[[a != b for a, b in pairs]],
    )


def _alpha(pairs: Iterable[tuple[object, object]], *, sets: bool = False) -> float:
    from nltk.metrics import binary_distance
    from nltk.metrics.agreement import AnnotationTask

    pairs = list(pairs)
    if len({value for pair in pairs for value in pair}) == 1:
        return 1.0
    rows = [(reader, item, value) for item, pair in enumerate(pairs) for reader, value in enumerate(pair)]
    return float(AnnotationTask(rows, distance=masi_distance if sets else binary_distance).alpha())


def read_reading(path: str | Path) -> pd.DataFrame:
    """Read a second reading; raises `ExamplesError` naming file, row and column."""
    import pandas as pd

    path = Path(path)
    if not path.is_file():
        raise ExamplesError("is missing", where=str(path), todo="have a part of the held-out messages read twice")
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    if missing := [column for column in COLUMNS if column not in frame]:
        raise ExamplesError(f"column {', '.join(missing)} is missing", where=str(path))
    for column in ("first", "second"):
        for row, value in enumerate(frame[column], 2):
            try:
                label_set(value)
            except ExamplesError as error:
                raise ExamplesError(error.what, where=f"{path}, row {row}, column {column}", todo=error.todo) from None
    return frame


def settle(reading: pd.DataFrame, messages: pd.DataFrame, annotations: pd.DataFrame) -> pd.DataFrame:
    """The reading with the column ``settled``: the labels in the data now, `<NA>` where they lack the message."""
    import pandas as pd

    ours = {("messages", key): row for key, *row in messages[["id", *LABELS]].itertuples(index=False)}
    columns = ["corpus", "digest", *LABELS]
    now = ours | {(corpus, key): row for corpus, key, *row in annotations[columns].itertuples(index=False)}
    settled: list[object] = [
        names([label for label, value in zip(LABELS, now[key], strict=True) if value == 1]) if key in now else pd.NA
        for key in zip(reading["source"], reading["key"], strict=True)
    ]
    return reading.assign(settled=pd.Series(settled, index=reading.index, dtype=object))
