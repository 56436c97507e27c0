"""Training the small model of severity on ``data/severity``, and what it reaches on authors it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from classifier.assembly import read_splits
from classifier.errors import ExamplesError
from classifier.features import MessageVectorizer
from classifier.label_models import LabelModels, feature_arrays
from classifier.policy import Curve
from classifier.release import SEVERITY_NGRAMS
from classifier.severity import DETAILS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["SeverityModel", "read_severity", "train_severity"]

# A detail counts from the lowest confidence at which this share of messages out of fold is right, harmless ones left
# out: it only moves recommendations that stand already. To miss distress is worse than to be mild with somebody else.
PRECISION = {"threat": 0.6, "self_harm_call": 0.65, "distress": 0.5, "sexual_demand": 0.65}
MIN_POSITIVES = 20
_MAX_FEATURES = 60_000
_HARMLESS = 6_000


@dataclass(frozen=True)
class SeverityModel:
    """Arrays and coefficients as a release holds them, and figures per detail."""

    arrays: dict[str, NDArray[Any]]
    coefficients: dict[str, list[float]]
    metrics: dict[str, Any]


def read_severity(folder: Path) -> pd.DataFrame:
    """Messages judged for severity: text, group, part (train or test), `DETAILS` (1, 0, NaN: unknown), harmless.

    Those of ``severity/<lang>.csv``, our messages read again for it (``severity/existing.csv``), and harmless messages
    of ours, which neither threaten nor demand. Raises `ExamplesError` where a row names a message we do not have.
    """
    from classifier.dataset import load_messages

    written = [pd.read_csv(path) for path in sorted((folder / "severity").glob("??.csv"))]
    if not written:
        raise ExamplesError("no messages judged for severity", where=str(folder / "severity"))
    rows = pd.concat(written, ignore_index=True).rename(columns={"author": "group"})
    ours = load_messages(folder).set_index("id")
    held_out = {*read_splits(folder / "splits.toml")}
    ours["part"] = np.where(ours["author"].isin(held_out), "test", "train")
    ours = ours.rename(columns={"author": "group"})
    read = pd.read_csv(folder / "severity" / "existing.csv").set_index("id")
    if missing := sorted({*read.index} - {*ours.index}):
        raise ExamplesError(f"{len(missing)} ids are no messages of ours, such as {missing[0]!r}",
                            where=str(folder / "severity" / "existing.csv"), todo="remove the rows")  # fmt: skip
    again = read.join(ours[["text", "group", "part"]]).reset_index()
    harmless = ours[(ours[["harassment", "hate", "dating_flirting"]] == 0).all(axis=1) & ~ours.index.isin(read.index)]
    harmless = harmless.sample(min(_HARMLESS, len(harmless)), random_state=0).sort_index().reset_index()
    harmless[list(DETAILS)] = 0.0
    # Nobody read the near-twins of violations for distress.
    harmless.loc[harmless["kind"] != "ordinary", "distress"] = np.nan
    columns = ["id", "text", "group", "part", *DETAILS]
    found = [frame[columns].assign(harmless=frame is harmless) for frame in (rows, again, harmless)]
    return pd.concat(found, ignore_index=True)


def train_severity(folder: Path, *, seed: int = 0, n_jobs: int | None = 2) -> SeverityModel:
    """Fit the model of severity on our data; figures are those of held-out authors."""
    rows = read_severity(folder)
    train, test = rows[rows["part"] == "train"], rows[rows["part"] == "test"]
    y = train[list(DETAILS)].to_numpy(np.float32)
    words, characters = SEVERITY_NGRAMS[:2], SEVERITY_NGRAMS[2:]
    vectorizer = MessageVectorizer(word_ngrams=words, char_ngrams=characters, min_df=2, max_features=_MAX_FEATURES)
    X = vectorizer.fit_transform(train["text"].tolist())
    models = LabelModels(labels=DETAILS, regularisation=0.3, seed=seed, n_jobs=n_jobs)
    models.fit(X, y, groups=train["group"].tolist())
    judged = ~train["harmless"].to_numpy(bool)
    thresholds = [
        _threshold(Curve.of(models.out_of_fold_[judged, k], y[judged, k]), PRECISION[detail])
        for k, detail in enumerate(DETAILS)
    ]
    confidences = models.predict_proba(vectorizer.transform(test["text"].tolist()))
    truth = test[list(DETAILS)].to_numpy(np.float32)
    metrics = {detail: _figures(confidences[:, k], truth[:, k], thresholds[k]) for k, detail in enumerate(DETAILS)}
    return SeverityModel(
        {f"severity_{name}": array for name, array in feature_arrays(vectorizer, models).items()},
        {**models.coefficients, "thresholds": thresholds},
        metrics,
    )


def _threshold(curve: Curve, least: float) -> float:
    """The lowest confidence with this precision, 2.0 (never) where none has."""
    precision = curve.true_positives / np.maximum(curve.true_positives + curve.false_positives, 1)
    good = np.flatnonzero((precision >= least) & (curve.true_positives >= MIN_POSITIVES))
    return float(curve.thresholds[good[-1]]) if len(good) else 2.0


def _figures(confidences: NDArray[Any], truth: NDArray[Any], threshold: float) -> dict[str, Any]:
    from sklearn.metrics import average_precision_score

    known = ~np.isnan(truth)
    y, p = truth[known] > 0, confidences[known]
    taken = p >= threshold
    hits = int((taken & y).sum())
    return {
        "n": len(y),
        "positives": int(y.sum()),
        "average_precision": float(average_precision_score(y, p)) if y.any() else None,
        "threshold": threshold,
        "precision": hits / int(taken.sum()) if taken.any() else None,
        "recall": hits / int(y.sum()) if y.any() else None,
    }
