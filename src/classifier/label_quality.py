"""Which labels are probably wrong, and which messages are most worth a person's reading next."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.duplicates import near_duplicates
from classifier.errors import ExamplesError
from classifier.examples import label_matrix
from classifier.guidelines import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from classifier.scoring import Classifier

__all__ = ["REASONS", "Candidate", "Pool", "likely_errors", "next_to_label"]

REASONS = ("uncertain", "conflicting", "new vocabulary")
SIMILAR = 0.7  # Jaccard similarity from which two messages teach the same
_SHORTEST = 8  # characters below which unknown n-grams are noise


def likely_errors(examples: pd.DataFrame, out_of_fold: NDArray[Any]) -> pd.DataFrame:
    """The labels that confident learning takes for errors, the likeliest first.

    Each label on its own (Northcutt, Jiang & Chuang 2021, as in cleanlab): a message is suspect where its out-of-fold
    confidence contradicts its label more than the confidences of that class allow. Unknown cells are left out.

    Parameters
    ----------
    examples : DataFrame
        As `examples.read_examples` gives it.
    out_of_fold : array of shape (n, 6)
        Confidences by models that saw neither the message nor its author (`LabelModels.out_of_fold_`).

    Returns
    -------
    DataFrame
        ``row`` (position in ``examples``), ``id``, ``label``, ``given`` (0 or 1), ``confidence``, and ``quality``, the
        confidence in the given label: 0 is certainly wrong.

    Raises `ExamplesError` where the shapes differ.
    """
    import pandas as pd
    from cleanlab.filter import find_label_issues

    labels = label_matrix(examples)
    if labels.shape != np.shape(out_of_fold):
        raise ExamplesError(f"{np.shape(out_of_fold)} confidences for {labels.shape} labels", where="likely_errors")
    found = []
    for i, label in enumerate(LABELS):
        known = np.flatnonzero(~np.isnan(labels[:, i]) & ~np.isnan(out_of_fold[:, i]))
        given, p = labels[known, i].astype(int), np.asarray(out_of_fold[known, i], float)
        if len(np.unique(given)) < 2:
            continue
        issues = find_label_issues(
            given, np.column_stack([1 - p, p]), filter_by="confident_learning",
            return_indices_ranked_by="self_confidence", n_jobs=1,
        )  # fmt: skip
        for k in issues.tolist():
            quality = p[k] if given[k] else 1 - p[k]
            found.append(
                (int(known[k]), examples["id"].iloc[known[k]], label, int(given[k]), float(p[k]), float(quality))
            )
    frame = pd.DataFrame(found, columns=["row", "id", "label", "given", "confidence", "quality"])
    return frame.sort_values(["quality", "row"], kind="stable", ignore_index=True)


@dataclass(frozen=True, order=True)
class Candidate:
    """A message worth reading: how strongly, its place, and what the classifier says of it."""

    weight: float
    position: int
    text: str
    labels: tuple[str, ...]
    extra: Any = None


class Pool:
    """The candidates of a stream of messages, in memory bounded by ``size`` for each reason.

    Examples
    --------
    >>> import classifier
    >>> pool = Pool(classifier.load(), size=100)
    >>> pool.add(["see you at 8", "xqzzv jjkwq vvxqp zzkj"])
    >>> pool.unknown[0].text
    'xqzzv jjkwq vvxqp zzkj'
    """

    def __init__(self, classifier: Classifier, *, size: int = 2000) -> None:
        self.classifier, self.size, self.n = classifier, size, 0
        self.uncertain: list[Candidate] = []
        self.unknown: list[Candidate] = []
        flags = classifier.policy.thresholds
        self._limits = np.log(flags / (1 - flags))  # (6, 3) log odds, NaN where an action is not offered

    def add(self, texts: Sequence[str], extras: Iterable[Any] | None = None) -> None:
        """Look at more messages; ``extras`` is kept with each candidate."""
        from classifier.monitoring import known_shares

        texts = list(texts)
        confidences = np.clip(self.classifier.confidences(texts).astype(float), 1e-6, 1 - 1e-6)
        odds = np.log(confidences / (1 - confidences))
        distance = np.abs(odds[:, :, None] - self._limits[None]).reshape(len(texts), -1)
        margin = np.min(np.where(np.isnan(distance), np.inf, distance), axis=1, initial=np.inf)
        strange = 1 - known_shares(self.classifier, texts)
        strange[[len(text.strip()) < _SHORTEST for text in texts]] = 0
        flagged = odds >= np.where(np.isnan(self._limits[:, 0]), np.inf, self._limits[:, 0])
        kept = list(extras) if extras is not None else [None] * len(texts)

        def candidate(weight: float, i: int) -> Candidate:
            names = tuple(label for label, is_flagged in zip(LABELS, flagged[i], strict=True) if is_flagged)
            return Candidate(float(weight), self.n + i, texts[i], names, kept[i])

        # Weights are compared before anything else; positions are unique, so texts never are.
        for pool, weights in (("uncertain", -margin), ("unknown", strange)):
            best = np.argsort(-weights, kind="stable")[: self.size].tolist()
            fresh = [candidate(weights[i], i) for i in best if pool == "uncertain" or weights[i] > 0]
            setattr(self, pool, heapq.nlargest(self.size, getattr(self, pool) + fresh, key=_order))
        self.n += len(texts)


def _order(candidate: Candidate) -> tuple[float, int]:
    return candidate.weight, -candidate.position


def next_to_label(pool: Pool, n: int, *, labelled: pd.DataFrame | None = None) -> list[tuple[str, Candidate]]:
    """The ``n`` candidates most worth labelling, each with its reason (one of `REASONS`), in turns.

    Uncertain: near a threshold (Lewis & Gale 1994). Conflicting: says nearly the same as another candidate that is
    flagged differently, or as a message of ``labelled`` with other labels. New vocabulary: most n-grams unknown. Of
    messages that say nearly the same one is taken, and none that ``labelled`` has with the labels the classifier sees.
    """
    unique = {candidate.position: candidate for candidate in (*pool.uncertain, *pool.unknown)}
    candidates = list(unique.values())
    size = len(candidates)
    texts = [candidate.text for candidate in candidates]
    truth: list[tuple[str, ...]] = []
    if labelled is not None:
        known = labelled[labelled[list(LABELS)].notna().all(axis=1)]
        texts += known["text"].tolist()
        truth = [tuple(label for label, value in zip(LABELS, row, strict=True) if value) for row in label_matrix(known)]
    twins: dict[int, set[int]] = {}
    conflicts: dict[int, float] = {}
    told: set[int] = set()
    for pair in near_duplicates(texts, threshold=SIMILAR):
        if pair.first >= size:
            continue
        a, b = candidates[pair.first], pair.second
        if b >= size:
            if a.labels == truth[b - size]:
                told.add(a.position)
            else:
                conflicts[a.position] = max(conflicts.get(a.position, 0.0), pair.similarity)
            continue
        other = candidates[b]
        twins.setdefault(a.position, set()).add(other.position)
        twins.setdefault(other.position, set()).add(a.position)
        if a.labels != other.labels:
            for one in (a, other):
                conflicts[one.position] = max(conflicts.get(one.position, 0.0), pair.similarity)
    told -= conflicts.keys()
    ranked = (
        pool.uncertain,
        [unique[position] for position in sorted(conflicts, key=lambda position: (-conflicts[position], position))],
        pool.unknown,
    )
    return _in_turns(ranked, n, twins, told)


def _in_turns(
    ranked: Sequence[Sequence[Candidate]], n: int, twins: dict[int, set[int]], told: set[int]
) -> list[tuple[str, Candidate]]:
    """Take from each list in turn, leaving out what says nearly the same as something taken."""
    out_of_question = set(told)
    chosen: list[tuple[str, Candidate]] = []
    lists = [[(reason, candidate) for candidate in found] for reason, found in zip(REASONS, ranked, strict=True)]
    for turn in zip_longest(*lists):
        for reason, candidate in filter(None, turn):
            if len(chosen) < n and candidate.position not in out_of_question:
                chosen.append((reason, candidate))
                out_of_question |= {candidate.position} | twins.get(candidate.position, set())
    return chosen
