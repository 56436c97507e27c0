"""Everything `classifier evaluate` tells of a release on labelled messages, as one plain structure of figures.

The structure is what the JSON file holds and what the HTML page draws. It holds ids and no message text unless asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.behaviour import measured
from classifier.errors import ExamplesError
from classifier.evaluation import confusion, evaluate, hardest, reliability, workload
from classifier.examples import label_matrix
from classifier.fairness import mention_fairness
from classifier.functional_tests import read_identities
from classifier.guidelines import LABELS
from classifier.policy import ACTIONS
from classifier.slices import DEFAULT_SLICES, slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from classifier.scoring import Classifier

__all__ = ["assess", "precision_recall"]


def assess(
    classifier: Classifier,
    frame: pd.DataFrame,
    *,
    by: Sequence[str] = DEFAULT_SLICES,
    with_text: bool = False,
    hard: int = 10,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Judge a classifier on labelled messages, a frame as `examples.read_examples` gives it.

    Messages of one ``author`` (else ``group``) are drawn together in the bootstrap. A column ``population``
    (default: 1) says how much a harmless message counts at the base rate. Surfaces apply as in scoring.

    Keys of the result: ``release``, ``n``, ``labels`` (`evaluation.evaluate` with ``reliability``, ``curve``,
    ``workload`` and ``thresholds``), ``macro``, ``confusion``, ``slices``, ``hardest``, ``mentions`` (fairness on these
    messages), ``behaviour`` and ``fairness`` (on our functional tests).

    Raises `ExamplesError` where no label of any message is known, or where ``by`` names a column that is not there.
    """
    truth = label_matrix(frame)
    if np.isnan(truth).all():
        raise ExamplesError("no label of any message is known", todo="give messages with 1 or 0 in a label's column")
    found = classifier.recommend(frame["text"].tolist(), frame["surface"].tolist())
    confidences, levels = found.confidences, found.label_actions
    clusters = next((frame[c].astype(str).to_numpy(str) for c in ("author", "group") if c in frame), None)
    population = _population(frame)
    parts = slices(frame, confidences, truth, levels, by, clusters=clusters, resamples=min(resamples, 300), seed=seed)
    figures = evaluate(confidences, truth, levels, clusters=clusters, base_rates=classifier.policy.base_rates,
                       population=population, resamples=resamples, seed=seed)  # fmt: skip
    for i, label in enumerate(LABELS):
        known = ~np.isnan(truth[:, i])
        entry, y, p = figures["labels"][label], truth[known, i], confidences[known, i]
        limits = zip(ACTIONS[1:], classifier.policy.thresholds[i].tolist(), strict=True)
        entry["thresholds"] = {action.value: None if np.isnan(limit) else limit for action, limit in limits}
        entry["reliability"] = reliability(p.astype(float), y)
        if entry["average_precision"] is not None:
            entry["curve"] = precision_recall(p, y)
            entry["workload"] = workload(p, y, classifier.policy.base_rates[label], population[known])
    ids = frame["id"].tolist()
    worst = hardest(confidences, truth, ids, hard)
    texts = frame["text"].tolist()
    for row in (row for kinds in worst.values() for rows in kinds.values() for row in rows):
        number = row.pop("row")
        if with_text:
            row["text"] = texts[number]
    identities = read_identities()
    gate, fair = measured(classifier.confidences, classifier.policy.recommend)
    return {
        "release": classifier.release_id,
        **figures,
        "authors": None if clusters is None else len(set(clusters)),
        "unknown": int((~found.known).sum()),
        "confusion": confusion(levels, truth),
        "slices": parts,
        "hardest": worst,
        "mentions": mention_fairness(texts, identities, confidences, truth, levels, seed=seed),
        "behaviour": gate.as_dict(),
        "fairness": fair,
    }


def _population(frame: pd.DataFrame) -> NDArray[np.float64]:
    if "population" in frame:
        return frame["population"].to_numpy(float)
    return np.ones(len(frame))


def precision_recall(confidences: NDArray[np.float32], truth: NDArray[Any], points: int = 200) -> list[list[float]]:
    """The precision–recall curve as at most ``points`` pairs (recall, precision), at falling thresholds.

    >>> precision_recall(np.float32([0.9, 0.5, 0.1]), np.array([1.0, 0.0, 1.0]))
    [[0.5, 1.0], [0.5, 0.5], [1.0, 0.6667]]
    """
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(truth > 0, confidences)
    precision, recall = precision[-2::-1], recall[-2::-1]  # scikit-learn adds a last point at recall 0
    kept = np.unique(np.linspace(0, len(recall) - 1, min(points, len(recall))).astype(int))
    return [[round(float(recall[i]), 4), round(float(precision[i]), 4)] for i in kept]
