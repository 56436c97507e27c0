"""What each part of the data gives: ``python benchmarks/learning_curve.py`` (some ten minutes).

Trains on public corpora alone, then with a quarter, a half and all voices of our messages, with our labels on real
text, with the messages whose shape tells their labels, and with copies in disguise and of other groups. Prints mean
average precision over the labels on our dev messages and on dev real text, and writes ``docs/learning_curve.md``.
Corpora come from ``--folder`` or a mirror.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import Pipeline

from classifier.assembly import TrainingData, assemble, data_folder, our_messages, read_splits
from classifier.corpora import load_registry
from classifier.evaluation import evaluate
from classifier.examples import label_matrix
from classifier.features import MessageVectorizer
from classifier.guidelines import LABELS
from classifier.training import LabelModels, Settings

if TYPE_CHECKING:
    import pandas as pd


def share_of_voices(frame: pd.DataFrame, percent: int) -> pd.DataFrame:
    """The rows of a fixed share of the voices, chosen by a hash of their names; corpora whole."""
    drawn = [int(hashlib.sha256(str(group).encode()).hexdigest()[:8], 16) % 100 < percent for group in frame["group"]]
    return frame[(frame["source"] != "our messages") | np.array(drawn)]


def figures(train: pd.DataFrame, held_out: dict[str, pd.DataFrame], settings: Settings) -> list[float]:
    """Mean average precision on our English dev messages, on those in other languages, and on dev real text."""
    features = MessageVectorizer(min_df=settings.min_df)
    models = LabelModels(regularisation=settings.regularisation, imbalance=settings.imbalance, folds=2, n_jobs=2)
    X = features.fit_transform(train["text"].tolist())
    models.fit(X, label_matrix(train), train["weight"].to_numpy(float), train["group"].astype(str).tolist())
    pipeline = Pipeline([("features", features), ("labels", models)])
    ours, real = held_out["our messages, dev"], held_out["real text, dev"]
    parts = ours[ours["lang"] == "en"], ours[ours["lang"] != "en"], real
    return [
        evaluate(pipeline.predict_proba(part["text"].tolist()), label_matrix(part), resamples=0)["macro"]
        for part in parts
    ]


def main() -> None:
    """Train on growing data and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("data/downloads"))
    options = parser.parse_args()
    folder, settings, corpora = data_folder(), Settings(), list(load_registry().values())
    written = sorted((folder / "messages").glob("*.csv"))
    splits = read_splits(folder / "splits.toml")
    judged = sorted((folder / "annotations").glob("*.csv"))

    def rows(examples: list[Path], annotations: list[Path], **more: Any) -> TrainingData:
        return assemble(corpora, examples, annotations=annotations, splits=splits, folder=options.folder,
                        **settings.rows, **more)  # fmt: skip

    own_labels = rows(written, []).train
    everything = rows(our_messages(folder), judged)
    recipe = rows(our_messages(folder), judged, severity=folder / "severity", **settings.copies).train
    doubted = everything.train["doubted"]
    telling = everything.train["id"].isin(_ids(our_messages(folder)) - _ids(written))
    steps = {
        "public corpora alone": own_labels[own_labels["source"] != "our messages"],
        **{f"+ {percent} % of our voices": share_of_voices(own_labels, percent) for percent in (25, 50, 100)},
        "+ our labels on a mixture of real text": everything.train[~telling & ~doubted],
        "+ our labels on what a model doubted": everything.train[~telling],
        "+ messages whose shape tells": everything.train,
        "+ severity, and copies disguised, framed and swapped": recipe,
    }
    lines = ["| trained on | rows | our messages, English | our messages, other languages | real text |",
             "| --- | --- | --- | --- | --- |"]  # fmt: skip
    for name, train in steps.items():
        values = " | ".join(f"{value:.3f}" for value in figures(train, everything.held_out, settings))
        lines.append(f"| {name} | {len(train):,} | {values} |")
        print(lines[-1], flush=True)
    page = [
        "# What the data gives",
        "",
        f"Written by `python benchmarks/learning_curve.py`: mean average precision over the {len(LABELS)} labels on",
        "dev messages, whose authors, threads and templates are in no training row.",
        "",
        *lines,
        "",
    ]
    Path("docs/learning_curve.md").write_text("\n".join(page), encoding="utf-8")


def _ids(paths: list[Path]) -> set[str]:
    import pandas as pd

    return {value for path in paths for value in pd.read_csv(path, dtype=str, usecols=["id"])["id"]}


if __name__ == "__main__":
    main()
