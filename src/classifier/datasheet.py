"""The tables of the datasheet ``data/README.md``, renewed by ``classifier data datasheet``.

A table stands between ``<!-- NAME -->`` and ``<!-- /NAME -->`` and is written by no hand.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.agreement import agreement, read_reading
from classifier.corpora import load_registry
from classifier.counts import stats
from classifier.dataset import load_annotations, load_messages
from classifier.errors import ExamplesError
from classifier.guidelines import LABELS
from classifier.rules import FAKER
from classifier.shape import shape_auc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

__all__ = ["count_table", "fill", "tables"]


def tables(folder: str | Path) -> dict[str, str]:
    """The tables of the data set in `folder` as Markdown, by name."""
    messages, annotations = load_messages(folder), load_annotations(folder)
    counts = stats(messages)
    read_twice = agreement(read_reading(Path(folder, "second_reading.csv")))
    written = messages[messages["author"] != FAKER]
    aucs = (shape_auc(written), shape_auc(written, without=["lang", "surface"]))
    corpora = load_registry()
    agreed = [[label, *read_twice.positives[label], f"{read_twice.alphas[label]:.2f}"] for label in LABELS]
    return {
        **{f"messages by {group}": count_table(counts[group]) for group in ("split", "lang", "kind", "surface")},
        "annotations": _annotated(annotations, corpora),
        "agreement": _table(
            ["label", "first reader", "second reader", "alpha"],
            [*agreed, ["label sets (MASI)", "", "", f"{read_twice.alpha:.2f}"]],
        )
        + f"\n\n{read_twice.n:,} messages; the readers differ on {len(read_twice.disagreements):,}.",
        "shape": _table(
            ["ROC AUC", *LABELS],
            [
                [name, *("–" if math.isnan(auc[label]) else f"{auc[label]:.2f}" for label in LABELS)]
                for name, auc in zip(("shape, language, surface", "shape"), aucs, strict=True)
            ],
        ),
        "corpora": _table(
            ["corpus", "title", "licence", "citation"],
            [[c.name, f"[{c.title}]({c.homepage})", c.licence, c.citation] for c in corpora.values()],
        ),
    }


def fill(text: str, tables: Mapping[str, str]) -> str:
    r"""A text with the tables put between their marks; raises `ExamplesError` where a mark is missing.

    >>> fill("A\n<!-- n -->\nold\n<!-- /n -->\nB", {"n": "new"})
    'A\n<!-- n -->\n\nnew\n\n<!-- /n -->\nB'
    >>> fill("A", {"n": "new"})
    Traceback (most recent call last):
    ...
    classifier.errors.ExamplesError: no place for the table 'n'; add <!-- n --> and <!-- /n -->
    """
    for name, table in tables.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if end not in text.partition(start)[2]:
            raise ExamplesError(f"no place for the table {name!r}", todo=f"add {start} and {end}")
        before, rest = text.split(start, 1)
        text = f"{before}{start}\n\n{table}\n\n{end}{rest.split(end, 1)[1]}"
    return text


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = [*head]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(f'{c:,}' if isinstance(c, int) else str(c) for c in line)} |" for line in lines)


def count_table(table: pd.DataFrame) -> str:
    """One table of `classifier.counts.stats` as Markdown."""
    head = [str(table.index.name), *table.columns]
    return _table(head, ([name, *map(int, row)] for name, *row in table.itertuples()))


def _annotated(frame: pd.DataFrame, corpora: Iterable[str]) -> str:
    rows: list[list[object]] = []
    parts = [(name, frame[frame["corpus"] == name]) for name in corpora]
    for name, part in [*((name, part) for name, part in parts if len(part)), ("total", frame)]:
        positives = [int((part[label] == 1).sum()) for label in LABELS]
        rows.append(
            [name, len(part), int((part["lang"] != "en").sum()), int((part["unsure"] == "1").sum()), *positives]
        )
    return _table(["corpus", "texts", "not English", "unsure", *LABELS], rows)
