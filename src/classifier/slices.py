"""Figures on parts of the messages: by language, surface, length, author, corpus or any other column.

A part with too few violations (or too few harmless messages) says so and gets no ranking figures, because a figure on a
handful of messages is noise that looks like a finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.bootstrap import TWO_SIDED_95, Ranking
from classifier.errors import ExamplesError
from classifier.guidelines import LABELS
from classifier.policy import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["DEFAULT_SLICES", "length_bucket", "slices"]

DEFAULT_SLICES = ("lang", "surface", "length", "author", "corpus", "source")
ALIASES = {"language": "lang"}
MIN_EACH = 5  # violations, and harmless messages, that a part must have for a label
MIN_CLUSTERS = 8  # authors in a part to draw whole; of fewer, messages are drawn one by one
VALUES = 25  # values shown of a column, the most frequent first
_LENGTHS = ((20, "under 20"), (50, "20–49"), (100, "50–99"), (200, "100–199"))


def length_bucket(text: str) -> str:
    """The bucket of a message by its characters.

    >>> length_bucket("hello"), length_bucket("x" * 150), length_bucket("x" * 500)
    ('under 20', '100–199', '200 and more')
    """
    return next((name for limit, name in _LENGTHS if len(text) < limit), "200 and more")


def slices(
    frame: pd.DataFrame,
    confidences: NDArray[np.float32],
    truth: NDArray[np.float32],
    levels: NDArray[np.uint8],
    by: Sequence[str] = DEFAULT_SLICES,
    *,
    clusters: NDArray[Any] | None = None,
    resamples: int = 300,
    seed: int = 0,
) -> dict[str, list[dict[str, Any]]]:
    """Per column of ``by`` the parts of the messages, each with figures of every label.

    ``frame`` has n rows, the arrays shape (n, 6). ``length`` is computed from the text; of the default columns those
    that the frame lacks, or in which all messages are alike, are left out. A label's figures are n, positives, average
    precision and ROC AUC with 95 % bootstrap intervals, and precision, recall and false-alarm rate of being recommended
    at all; ``too_few`` says why ranking figures are missing. ``any`` pools the labels, for parts too small for more:
    the share of messages with a violation that are recommended for one they have, and of harmless messages that are
    recommended, with Wilson intervals.

    Raises `ExamplesError` where a column asked for is not there.
    """
    found = {}
    for asked in by:
        column = ALIASES.get(asked, asked)
        values = _values(frame, column)
        if values is None and column not in DEFAULT_SLICES:
            raise ExamplesError(f"there is no column {asked!r} to slice by", where="--by",
                                todo=f"use one of {', '.join(map(str, frame.columns))} or length")  # fmt: skip
        if values is None or len(set(values)) < 2:
            continue
        names, counts = np.unique(values, return_counts=True)
        order = np.argsort(-counts, kind="stable")[:VALUES]
        if column == "length":
            order = np.array([np.flatnonzero(names == n)[0] for n in _length_names() if n in names])
        found[column] = [
            {
                "value": str(names[i]), "n": int(counts[i]), "any": _pooled(values == names[i], truth, levels),
                "labels": _figures(values == names[i], confidences, truth, levels, clusters, resamples, seed),
            }
            for i in order.tolist()
        ]  # fmt: skip
    return found


def _length_names() -> list[str]:
    return [*(name for _, name in _LENGTHS), "200 and more"]


def _values(frame: pd.DataFrame, column: str) -> NDArray[Any] | None:
    if column == "length" and column not in frame:
        return np.array([length_bucket(text) for text in frame["text"]], dtype=object).astype(str)
    return frame[column].fillna("(none)").astype(str).to_numpy(str) if column in frame else None


def _pooled(rows: NDArray[np.bool_], truth: NDArray[np.float32], levels: NDArray[np.uint8]) -> dict[str, Any]:
    violates, taken = truth[rows] == 1, levels[rows] > 0
    bad, harmless = violates.any(axis=1), (truth[rows] == 0).all(axis=1)
    counts = {
        "recall": (int((violates & taken).any(axis=1).sum()), int(bad.sum())),
        "false_alarm_rate": (int(taken[harmless].any(axis=1).sum()), int(harmless.sum())),
    }
    told: dict[str, Any] = {"violations": int(bad.sum()), "harmless": int(harmless.sum())}
    for name, (hits, n) in counts.items():
        told[name] = hits / n if n else None
        told[f"{name}_interval"] = [float(end) for end in wilson(hits, n, TWO_SIDED_95)] if n else None
    return told


def _figures(
    rows: NDArray[np.bool_], confidences: NDArray[np.float32], truth: NDArray[np.float32], levels: NDArray[np.uint8],
    clusters: NDArray[Any] | None, resamples: int, seed: int,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    figures = {}
    for i, label in enumerate(LABELS):
        known = rows & ~np.isnan(truth[:, i])
        y, p, taken = truth[known, i] > 0, confidences[known, i].astype(float), levels[known, i] > 0
        positives, hits = int(y.sum()), int((taken & y).sum())
        entry: dict[str, Any] = {
            "n": len(y), "positives": positives, "average_precision": None, "roc_auc": None, "too_few": None,
            "precision": hits / int(taken.sum()) if taken.any() else None,
            "recall": hits / positives if positives else None,
            "false_alarm_rate": int((taken & ~y).sum()) / (len(y) - positives) if positives < len(y) else None,
        }  # fmt: skip
        if positives < MIN_EACH:
            entry["too_few"] = f"{positives} violations, {MIN_EACH} needed"
        elif len(y) - positives < MIN_EACH:
            entry["too_few"] = f"{len(y) - positives} harmless messages, {MIN_EACH} needed"
        else:
            ranking = Ranking.of(p, y)
            here = ranking.figures(np.ones((1, len(y))))
            drawn = None if clusters is None else clusters[known]
            if drawn is not None and len(set(drawn)) < MIN_CLUSTERS:
                drawn = None
            ends = ranking.intervals(clusters=drawn, resamples=resamples, seed=seed)
            entry |= {
                "average_precision": float(here[0][0]), "interval": ends[0],
                "roc_auc": float(here[1][0]), "roc_auc_interval": ends[1],
            }  # fmt: skip
        figures[label] = entry
    return figures
