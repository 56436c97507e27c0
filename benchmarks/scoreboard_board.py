"""Everything the scoreboard measures, in one run: scores of all contestants, thresholds, behaviour, speed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from measuring import Spread, interleaved
from scoreboard_baselines import RELEASE
from scoreboard_figures import (
    COLUMNS,
    average_precisions,
    by_language,
    macro,
    matched_threshold,
    recall_of,
    union_truth,
    with_union,
)
from scoreboard_sets import OURS, PARTS, REAL

from classifier.behaviour import measured
from classifier.examples import label_matrix
from classifier.guidelines import LABELS
from classifier.policy import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray
    from scoreboard_baselines import Ranker
    from scoreboard_sets import Sets

    from classifier.behaviour import GateReport
    from classifier.scoring import Classifier

N = len(LABELS)


@dataclass(frozen=True)
class Board:
    """What was measured; arrays have one row for each message of a held-out frame and the columns `COLUMNS`.

    ``flagged`` and ``scores`` are by contestant and frame, ``levels`` (n, 6) what the release recommends; ``gates`` has
    the report of the behaviour gate and the fairness figures, ``speed`` messages per second and seconds of a message.
    """

    sets: Sets
    rankers: Sequence[Ranker]
    truth: Mapping[str, NDArray[Any]]
    scores: Mapping[str, Mapping[str, NDArray[Any]]]
    levels: Mapping[str, NDArray[np.uint8]]
    flagged: Mapping[str, Mapping[str, NDArray[np.bool_]]]
    gates: Mapping[str, tuple[GateReport, dict[str, Any]]]
    speed: Mapping[str, tuple[Spread, Spread]]

    @property
    def complete(self) -> list[Ranker]:
        """The contestants that score all six labels."""
        return [ranker for ranker in self.rankers if ranker.judges == COLUMNS]

    def precisions(self, name: str, frame: str) -> NDArray[np.float64]:
        """Average precisions of a contestant on a frame, and their mean over the labels as a last entry."""
        found = average_precisions(self.scores[name][frame], self.truth[frame])
        return np.append(found, macro(found, self.truth[frame]))

    def languages(self, name: str, part: str) -> dict[str, NDArray[np.float64]]:
        """The same on each language of our messages."""
        frame = f"{OURS}, {part}"
        return by_language(self.scores[name][frame], self.truth[frame], self.sets.held_out[frame]["lang"].tolist())

    def recall(self, name: str, column: str, part: str) -> float:
        """The share of positives flagged, on our messages and real text of a part."""
        i = COLUMNS.index(column)
        taken = np.concatenate([self.flagged[name][f"{kind}, {part}"][:, i] for kind in (OURS, REAL)])
        return recall_of(taken, np.concatenate([self.truth[f"{kind}, {part}"][:, i] for kind in (OURS, REAL)]))


def board(scorer: Classifier, rankers: Sequence[Ranker], sets: Sets, n: int, rounds: int) -> Board:
    """Measure everything; speed on ``n`` messages."""
    texts = {name: frame["text"].tolist() for name, frame in sets.held_out.items()}
    truth = {name: union_truth(label_matrix(frame)) for name, frame in sets.held_out.items()}
    levels = {name: scorer.recommend(found).label_actions for name, found in texts.items()}
    with ThreadPoolExecutor(2) as pool:  # half of them are processes of their own
        scores = dict(zip((r.name for r in rankers), pool.map(lambda r: _all(r, texts, truth), rankers), strict=True))
    flags = {name: found >= ACTIONS[1].level for name, found in levels.items()}
    flagged = {RELEASE: {name: with_union(found) for name, found in flags.items()}}
    limits = {}
    for ranker in rankers[1:]:
        found = scores[ranker.name]
        limits[ranker.name] = _limits(ranker, found, truth, flagged[RELEASE])
        taken = {name: values >= limits[ranker.name] for name, values in found.items()}
        # Where labels are scored, the last column is what is flagged for either of its two, as with the release.
        whole = ranker.judges == COLUMNS
        flagged[ranker.name] = {name: with_union(rows[:, :N]) if whole else rows for name, rows in taken.items()}
    gates = {RELEASE: measured(scorer.confidences, scorer.policy.recommend)}
    for ranker in rankers[1:]:
        if ranker.judges == COLUMNS:
            gates[ranker.name] = _gate(ranker, limits[ranker.name])
    return Board(sets, rankers, truth, scores, levels, flagged, gates, _speed(rankers, n, rounds))


def _all(
    ranker: Ranker, texts: Mapping[str, list[str]], truth: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[np.float64]]:
    """The scores of a contestant on every frame; NaN also where nothing is known of what it judges."""
    print(f"# scores of {ranker.name}", flush=True)
    columns, scores = [COLUMNS.index(column) for column in ranker.judges], {}
    for name, found in texts.items():
        scores[name] = np.full((len(found), len(COLUMNS)), np.nan)
        rows = np.flatnonzero(~np.isnan(truth[name][:, columns]).all(axis=1))
        if len(rows):
            scores[name][rows] = ranker.scores([found[row] for row in rows.tolist()])
    return scores


def _limits(
    ranker: Ranker,
    scores: Mapping[str, NDArray[Any]],
    truth: Mapping[str, NDArray[Any]],
    release: Mapping[str, NDArray[np.bool_]],
) -> NDArray[np.float64]:
    """Thresholds (7,) at which a contestant finds as many of the dev messages as the release flags."""
    names = [f"{kind}, {PARTS[0]}" for kind in (OURS, REAL)]
    theirs, y, ours = (np.concatenate([rows[name] for name in names]) for rows in (scores, truth, release))
    limits = np.full(len(COLUMNS), np.inf)
    for i in (COLUMNS.index(column) for column in ranker.judges):
        limits[i] = matched_threshold(theirs[:, i], y[:, i], recall_of(ours[:, i], y[:, i]), ranker.nothing)
    return limits


def _gate(ranker: Ranker, limits: NDArray[Any]) -> tuple[GateReport, dict[str, Any]]:
    """The behaviour gate and fairness of a baseline, with its threshold of flag as its only action."""
    print(f"# behaviour of {ranker.name}", flush=True)
    single = limits[:N].astype(np.float32)  # as the gate has scores
    return measured(
        lambda texts: ranker.scores(texts)[:, :N].astype(np.float32),
        lambda scores: (scores >= single).astype(np.uint8),
    )


def _speed(rankers: Sequence[Ranker], n: int, rounds: int) -> dict[str, tuple[Spread, Spread]]:
    """Messages per second and seconds of a single message, all contestants in turn."""
    print("# speed", flush=True)
    batch = interleaved({ranker.name: ranker.batch for ranker in rankers}, rounds)
    single = interleaved({ranker.name: ranker.single for ranker in rankers}, rounds)
    return {name: (Spread.of([n / taken for taken in batch[name]]), Spread.of(single[name])) for name in batch}
