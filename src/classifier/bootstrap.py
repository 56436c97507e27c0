"""Bootstrap intervals, all resamples at once: a resample is a row of weights, and figures are sums over weights.

Messages of one author (or sentence, or thread) are drawn together where their clusters are named: they are not
independent, and intervals that treat them so are too narrow (Field & Welsh 2007).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["TWO_SIDED_95", "Ranking", "interval", "resampled"]

TWO_SIDED_95 = 1.959963984540054  # two-sided 95 %
CELLS = 4_000_000  # weights held at a time


@dataclass(frozen=True)
class Ranking:
    """Confidences sorted once; then average precision and ROC AUC under any weights cost two running sums.

    ``order`` of shape (n,) sorts by falling confidence, ``ends`` are the last places of equal confidences, ``positive``
    is the truth in that order.

    >>> ranking = Ranking.of(np.array([0.9, 0.8, 0.7]), np.array([1, 0, 1]))
    >>> [round(float(figure[0]), 3) for figure in ranking.figures(np.ones((1, 3)))]
    [0.833, 0.5]
    """

    order: NDArray[np.intp]
    ends: NDArray[np.intp]
    positive: NDArray[np.bool_]

    @classmethod
    def of(cls, confidences: NDArray[Any], truth: NDArray[Any]) -> Ranking:
        """Rank confidences of shape (n,) with truth 1 or 0."""
        order = np.argsort(-confidences, kind="stable")
        ranked = confidences[order]
        return cls(order, np.flatnonzero(np.append(ranked[1:] != ranked[:-1], [True] * bool(len(ranked)))),
                   truth[order] > 0)  # fmt: skip

    def figures(self, weights: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Average precision and ROC AUC under weights of shape (resamples, n); NaN where a class has no weight.

        Ties count as scikit-learn counts them: precision at the end of the tie, half the area within it.
        """
        weights = np.asarray(weights, np.float64)[:, self.order]
        above = np.cumsum(weights, axis=1)[:, self.ends]
        hits = np.cumsum(np.where(self.positive, weights, 0.0), axis=1)[:, self.ends]
        gained = np.diff(hits, axis=1, prepend=0.0)
        missed = above - hits
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(above > 0, hits / above, 0.0)
            average = (gained * precision).sum(axis=1) / hits[:, -1]
            area = (np.diff(missed, axis=1, prepend=0.0) * (hits - gained / 2)).sum(axis=1)
            return average, area / (hits[:, -1] * missed[:, -1])

    def intervals(
        self, *, clusters: NDArray[Any] | None = None, resamples: int = 1000, seed: int = 0
    ) -> tuple[list[float] | None, list[float] | None]:
        """95 % bootstrap intervals of average precision and ROC AUC; see `resampled`."""

        def both(weights: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.column_stack(self.figures(weights))

        drawn = resampled(both, len(self.order), clusters=clusters, resamples=resamples, seed=seed)
        return interval(drawn[:, 0]), interval(drawn[:, 1])


def resampled(
    statistic: Callable[[NDArray[np.float64]], NDArray[Any]],
    n: int,
    *,
    clusters: NDArray[Any] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> NDArray[np.float64]:
    """A statistic of ``n`` messages under bootstrap weights, an array of shape (resamples, …).

    ``statistic`` takes weights (b, n), how often each message was drawn, and returns b rows. ``clusters`` of shape (n,)
    names what is drawn together.

    >>> resampled(lambda w: w.sum(axis=1), 5, resamples=3).tolist()
    [5.0, 5.0, 5.0]
    """
    rows = [np.asarray(statistic(weights)) for weights in _weights(n, clusters, resamples, seed)]
    rows = rows or [np.asarray(statistic(np.empty((0, n))))]
    return np.concatenate(rows).astype(np.float64)


def _weights(n: int, clusters: NDArray[Any] | None, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    member = np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    size = int(member.max(initial=-1)) + 1
    chunk = max(1, CELLS // max(n, 1))
    for first in range(0, resamples, chunk):
        b = min(chunk, resamples - first)
        drawn = rng.integers(0, size, (b, size)) + np.arange(b)[:, None] * size
        counts = np.bincount(drawn.ravel(), minlength=b * size).reshape(b, size)
        yield counts[:, member].astype(np.float64)


def interval(values: NDArray[np.float64], level: float = 0.95) -> list[float] | None:
    """Percentile interval of resampled values (n,), NaN left out; None where nothing is left.

    >>> [round(end) for end in interval(np.arange(81.0))]
    [2, 78]
    """
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    return [float(end) for end in np.quantile(values, [(1 - level) / 2, (1 + level) / 2])]
