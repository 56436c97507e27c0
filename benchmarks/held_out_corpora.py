"""Figures of a release on the held-out part of each public corpus: ``python benchmarks/held_out_corpora.py``.

Held out are the groups that `examples.split_of` puts into dev or test and the parts a corpus marks for evaluation; rows
whose cleaned text stands in a training group are left out. Labels are ours where we judged a text and the corpus' own
elsewhere. Writes ``docs/corpora.md``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import classifier
from classifier.assembly import data_folder
from classifier.corpora import load_registry, read
from classifier.evaluation import evaluate
from classifier.examples import annotate, label_matrix, read_annotations, split_of, without_held_out_copies
from classifier.guidelines import LABELS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from classifier.corpora import Corpus


def held_out(frame: pd.DataFrame, corpus: Corpus) -> NDArray[np.bool_]:
    """Which rows of a corpus nothing is trained on: groups of dev and test, and parts marked for evaluation."""
    return (split_of(frame["group"]) != "train") | frame["part"].isin(corpus.evaluation).to_numpy()


def table(release: str | None, folder: str, mirror: str | None) -> list[str]:
    """One line of Markdown for each corpus: positives, average precision and recall at flag for each label."""
    scorer = classifier.load(release)
    annotations = read_annotations(data_folder() / "annotations" / "real_text.csv")
    lines = [
        f"| corpus | held-out messages | {' | '.join(LABELS)} |",
        f"| --- | --- |{' --- |' * len(LABELS)}",
    ]
    for corpus in load_registry().values():
        frame = annotate(read(corpus, folder, mirror=mirror), annotations[annotations["corpus"] == corpus.name])
        held = held_out(frame, corpus)
        rows = without_held_out_copies(frame[held], frame[~held])
        truth = label_matrix(rows)
        if np.isnan(truth).all():
            continue
        found = scorer.recommend(rows["text"].tolist())
        figures = evaluate(found.confidences, truth, found.label_actions, resamples=0)
        cells = [_cell(figures["labels"][label]) for label in LABELS]
        lines.append(f"| {corpus.name} | {len(rows):,} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return [f"Release `{scorer.release_id}`.", "", *lines]


def _cell(entry: dict) -> str:
    if not entry["n"]:
        return ""
    flag = entry["actions"]["flag"]
    if entry["average_precision"] is None:
        return f"{entry['positives']} positive" if entry["positives"] else f"{flag['taken']} alarms in {entry['n']:,}"
    return f"{entry['average_precision']:.2f} / {flag['recall']:.2f} ({entry['positives']})"


def main() -> None:
    """Read the options and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release")
    parser.add_argument("--folder", default="data/downloads")
    parser.add_argument("--mirror")
    options = parser.parse_args()
    page = [
        "# Held-out parts of the public corpora",
        "",
        "Written by `python benchmarks/held_out_corpora.py`. A cell is average precision / recall at `flag`",
        "(positives) or, where nothing violates, the alarms at `flag`. Most labels are the corpora's own, which differ",
        "from our guide (their offensive words are not always our harassment): read low figures with that in mind.",
        "",
        *table(options.release, options.folder, options.mirror),
        "",
    ]
    Path("docs/corpora.md").write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
