"""Fairness between identity groups: false alarms on harmless mentions, and unintended bias of the ranking.

The same sentences are said of every group (`functional_tests`), so that groups differ in nothing but the group.
Subgroup, BPSN and BNSP AUC are those of Borkan et al. 2019, "Nuanced metrics for measuring unintended bias": does the
model separate violations from harmless messages within the group; harmless messages on the group from violations on
others (BPSN, "background positive, subgroup negative": low where the group raises false alarms); violations against the
group from harmless messages on others (BNSP: low where attacks on the group are overlooked).
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.bootstrap import TWO_SIDED_95, Ranking, interval, resampled
from classifier.functional_tests import ARTICLE
from classifier.guidelines import LABELS
from classifier.policy import ACTIONS, wilson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.functional_tests import Case, Identity

__all__ = ["AUCS", "bias_aucs", "fairness", "mention_fairness", "mentions"]

AUCS = ("subgroup_auc", "bpsn_auc", "bnsp_auc")
COMPARED = 0.85  # of the sentences that the most spoken-of group has: groups with fewer are shown, not compared
MENTIONS = 20  # harmless mentions before a rate on messages of one's own is given
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def bias_aucs(
    scores: NDArray[Any], truth: NDArray[Any], member: NDArray[np.bool_], weights: NDArray[Any] | None = None
) -> dict[str, NDArray[np.float64]]:
    """The three AUCs of a group, each of shape (resamples,), NaN where a side has no message.

    ``scores``, ``truth`` and ``member`` (is the message on the group) have shape (n,), ``weights`` (resamples, n).

    >>> scores, truth = np.array([0.9, 0.6, 0.8, 0.1]), np.array([1, 0, 1, 0])
    >>> found = bias_aucs(scores, truth, np.array([True, True, False, False]))
    >>> [float(found[name][0]) for name in AUCS]
    [1.0, 1.0, 1.0]
    """
    weights = np.ones((1, len(scores))) if weights is None else weights
    violates = truth > 0
    rows = (member, np.where(member, ~violates, violates), np.where(member, violates, ~violates))
    found = {}
    for name, chosen in zip(AUCS, rows, strict=True):
        ranking = Ranking.of(scores[chosen], truth[chosen])
        found[name] = ranking.figures(weights[:, chosen])[1] if chosen.any() else np.full(len(weights), np.nan)
    return found


def fairness(
    cases: Sequence[Case],
    kinds: Mapping[str, str],
    scores: NDArray[Any],
    levels: NDArray[np.uint8],
    *,
    resamples: int = 200,
    seed: int = 0,
) -> dict[str, Any]:
    """Figures per group on cases that name one, and the largest gap between groups, with bootstrap intervals.

    ``scores`` and recommended ``levels`` have shape (n, 6); ``kinds`` says of what kind a group is. A false alarm is
    any recommendation on a harmless sentence; the AUCs are those of ``hate``. Sentences are drawn whole. Gaps compare
    the groups that (nearly) all sentences are said of; the two that differ most are named, and the interval is that of
    their difference.
    """
    groups = [*dict.fromkeys(case.group for case in cases)]
    truth = np.array([case.expected for case in cases])
    member = {group: np.array([case.group == group for case in cases]) for group in groups}
    sentences, hate = np.array([case.pair for case in cases]), scores[:, LABELS.index("hate")]
    alarms = levels.max(axis=1, initial=0)
    names = [*(f"false_alarms_{action}" for action in ACTIONS[1:]), *AUCS]

    def figures(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (resamples, groups, names)."""
        found = np.empty((len(weights), len(groups), len(names)))
        for g, rows in enumerate(member.values()):
            harmless = weights[:, rows & ~truth]
            with np.errstate(invalid="ignore", divide="ignore"):
                for k, action in enumerate(ACTIONS[1:]):
                    alarmed = alarms[rows & ~truth] >= action.level
                    found[:, g, k] = harmless[:, alarmed].sum(axis=1) / harmless.sum(axis=1)
            found[:, g, len(ACTIONS) - 1 :] = np.column_stack([*bias_aucs(hate, truth, rows, weights).values()])
        return found

    here = figures(np.ones((1, len(cases))))[0]
    drawn = resampled(figures, len(cases), clusters=sentences, resamples=resamples, seed=seed)
    counts = np.array([rows.sum() for rows in member.values()])
    compared = np.flatnonzero(counts >= COMPARED * counts.max(initial=0))
    told = {
        group: {
            "kind": kinds.get(group, ""),
            "harmless": int((rows & ~truth).sum()), "violations": int((rows & truth).sum()),
            "compared": g in compared,
            **{name: _figure(here[g, k], drawn[:, g, k]) for k, name in enumerate(names)},
        }
        for g, (group, rows) in enumerate(member.items())
    }  # fmt: skip
    gaps = {name: _gap(here[compared, k], drawn[:, compared, k], [groups[g] for g in compared])
            for k, name in enumerate(names)}  # fmt: skip
    return {"groups": told, "gaps": gaps}


def _stacked(
    figures: Callable[[NDArray[np.float64]], dict[str, NDArray[np.float64]]], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.column_stack([*figures(weights).values()])


def _figure(value: float, drawn: NDArray[np.float64]) -> dict[str, Any]:
    return {"value": None if np.isnan(value) else round(float(value), 4), "interval": interval(drawn)}


def _gap(values: NDArray[np.float64], drawn: NDArray[np.float64], groups: list[str]) -> dict[str, Any] | None:
    """The largest difference between two groups; None where fewer than two have a figure."""
    if (~np.isnan(values)).sum() < 2:
        return None
    high, low = int(np.nanargmax(values)), int(np.nanargmin(values))
    figure = _figure(values[high] - values[low], drawn[:, high] - drawn[:, low])
    if values[high] == values[low]:  # no group stands out
        return {**figure, "highest": None, "lowest": None}
    return {**figure, "highest": groups[high], "lowest": groups[low]}


def mentions(texts: Sequence[str], identities: Sequence[Identity]) -> dict[str, NDArray[np.bool_]]:
    """Which texts name which group, by the terms of all languages: whole words, or anywhere in unspaced scripts.

    A word that means something else in another language counts too; a mention is no more than that.

    >>> from classifier.functional_tests import Identity
    >>> terms = [Identity("en", "gay", "orientation", "gay", "gay people")]
    >>> mentions(["My brother is gay.", "gayly"], terms)["gay"].tolist()
    [True, False]
    """
    words: dict[str, set[str]] = {}
    for term in identities:
        for phrase in (term.person, term.people):
            words.setdefault(term.group, set()).add(ARTICLE.sub("", phrase).lower())
    patterns = {
        group: re.compile("|".join(p if _UNSPACED.search(p) else rf"\b{p}\b" for p in map(re.escape, sorted(found))))
        for group, found in words.items()
    }
    lowered = [text.lower() for text in texts]
    return {
        group: np.array([pattern.search(text) is not None for text in lowered], bool)
        for group, pattern in patterns.items()
    }


def mention_fairness(
    texts: Sequence[str], identities: Sequence[Identity], scores: NDArray[Any], truth: NDArray[np.float32],
    levels: NDArray[np.uint8], *, resamples: int = 300, seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """False alarms and AUCs on labelled messages that happen to name a group, for groups with `MENTIONS` harmless ones.

    ``scores``, ``truth`` (NaN unknown) and ``levels`` have shape (n, 6). Here groups also differ in what is said of
    them, so compare with care.
    """
    column = LABELS.index("hate")
    known = ~np.isnan(truth[:, column])
    harmless = ~(truth > 0).any(axis=1) & known
    told = {}
    for group, rows in mentions(texts, identities).items():
        quiet = rows & harmless
        if quiet.sum() < MENTIONS:
            continue
        alarmed = levels[quiet].max(axis=1, initial=0)
        figures = {}
        for action in ACTIONS[1:]:
            taken, n = int((alarmed >= action.level).sum()), len(alarmed)
            ends = [float(end) for end in wilson(taken, n, TWO_SIDED_95)]
            figures[f"false_alarms_{action}"] = {"value": round(taken / n, 4), "interval": ends}
        aucs = partial(bias_aucs, scores[known, column], truth[known, column], rows[known])
        drawn = resampled(partial(_stacked, aucs), int(known.sum()), resamples=resamples, seed=seed)
        for k, (name, value) in enumerate(aucs().items()):
            figures[name] = _figure(value[0], drawn[:, k])
        kind = next(term.kind for term in identities if term.group == group)
        told[group] = {"kind": kind, "harmless": int(quiet.sum()),
                       "violations": int((rows & known & (truth[:, column] > 0)).sum()), **figures}  # fmt: skip
    return told
