"""The messages of the scoreboard: the rows the shipped release was trained on, and those held out from it.

Corpora are read in a process of their own meanwhile: reading them twice would take twice as long.
"""

from __future__ import annotations

import csv
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from held_out_corpora import held_out

from classifier.assembly import assemble, data_folder, our_messages, read_splits
from classifier.corpora import fetch, load_registry, read
from classifier.examples import annotate, label_matrix, read_annotations, split_of, without_held_out_copies
from classifier.training import Settings

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from classifier.corpora import Corpus

PARTS = ("dev", "test")
OURS, REAL, CORPORA = "our messages", "real text", "corpora"
KNOWN = 5  # labels that a harmless message must be known not to have; topical-chat leaves politics open
NEUTRAL = "27"  # the emotion "neutral" of goemotions
QUICK = ("davidson2017", "goemotions", "banking77", "sms-spam-collection", "presidio-synth", "topical-chat")


@dataclass(frozen=True)
class Sets:
    """Rows to train on, and held-out frames by name and part ("real text, dev"); ``sources`` as a release records them.

    Held-out corpora have columns ``corpus`` and ``harmless`` (`harmless`), and ``neutral`` for a comment of goemotions
    in which readers saw no emotion.
    """

    train: pd.DataFrame
    held_out: dict[str, pd.DataFrame]
    sources: list[dict[str, Any]]


def read_sets(folder: Path, *, quick: bool = False) -> Sets:
    """Read everything by the recipe of ``classifier train``; ``quick``: a few corpora, a tenth of the rows."""
    settings, ours = Settings(), data_folder()
    corpora = [corpus for corpus in load_registry().values() if not quick or corpus.name in QUICK]
    with ProcessPoolExecutor(1) as other:
        reading = other.submit(_held_out_corpora, corpora, folder)
        rows = assemble(
            corpora, our_messages(ours), annotations=sorted((ours / "annotations").glob("*.csv")),
            splits=read_splits(ours / "splits.toml"), severity=ours / "severity", folder=folder,
            seed=settings.seed, **settings.rows, **settings.copies,
        )  # fmt: skip
        held = without_held_out_copies(reading.result(), rows.train)
    every = 10 if quick else 1
    frames = {name: frame.iloc[::every] for name, frame in rows.held_out.items()}
    frames |= {f"{CORPORA}, {part}": held[held["split"] == part].iloc[::every] for part in PARTS}
    frames = {name: frame.reset_index(drop=True) for name, frame in frames.items()}
    return Sets(rows.train.iloc[::every].reset_index(drop=True), frames, rows.sources)


def _held_out_corpora(corpora: list[Corpus], folder: Path) -> pd.DataFrame:
    """The held-out rows of corpora of which any label is known."""
    files = sorted((data_folder() / "annotations").glob("*.csv"))
    judged = pd.concat([read_annotations(path) for path in files], ignore_index=True)
    frames = []
    for corpus in corpora:
        own = read(corpus, folder)
        own = own[held_out(own, corpus)].reset_index(drop=True)
        rows = annotate(own, judged[judged["corpus"] == corpus.name])
        violates = (label_matrix(rows) > 0).any(axis=1)
        test = (split_of(rows["group"]) == "test") | rows["part"].isin(corpus.evaluation).to_numpy()
        rows["split"] = np.where(test, "test", "dev")
        mild = not any(rules.get("positive") for rules in corpus.labels.values())  # nothing in it is meant to violate
        # By the corpus' own labels: what we judged was often chosen because it looked like a violation.
        rows["harmless"] = harmless(label_matrix(own)) & ~violates & mild
        neutral = _neutral(corpus, folder) if corpus.name == "goemotions" else set()
        rows["neutral"] = rows["id"].isin(neutral) & ~violates
        frames.append(rows[(~np.isnan(label_matrix(rows))).any(axis=1)])
    return pd.concat(frames, ignore_index=True)


def harmless(truth: NDArray[Any]) -> NDArray[np.bool_]:
    """Which messages are known not to violate: no label is 1 and at least `KNOWN` are 0; ``truth`` is (n, 6).

    >>> unknown = float("nan")
    >>> harmless(np.array([[0, 0, 0, 0, unknown, 0], [0, 0, 0, 0, 1, 0], [0, 0, unknown, 0, unknown, 0]])).tolist()
    [True, False, False]
    """
    return ~(truth > 0).any(axis=1) & ((truth == 0).sum(axis=1) >= KNOWN)


def _neutral(corpus: Corpus, folder: Path) -> set[str]:
    """Ids of the comments to which readers of goemotions gave no emotion but neutral."""
    found = set()
    for path in fetch(corpus, folder):
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            found |= {f"{corpus.name}:{row[2]}" for row in rows if row[1] == NEUTRAL}
    return found


def same_rows(record: dict[str, Any], sets: Sets) -> bool:
    """Whether a release was made from these very rows: as many of them, from sources of the same content."""

    def told(sources: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return [tuple(source.get(key) for key in ("file", "sha256", "corpus", "rows")) for source in sources]

    return record.get("rows") == len(sets.train) and told(record.get("sources", [])) == told(sets.sources)
