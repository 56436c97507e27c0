"""The tables of the scoreboard as lines of Markdown, from what `scoreboard_board.board` measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scoreboard_bars import HIGHER, N, errors, number, pair, table
from scoreboard_baselines import RELEASE
from scoreboard_figures import (
    COLUMNS,
    UNION,
    alarms,
    average_precisions,
    mean_of_others,
    passed_by_group,
)
from scoreboard_sets import CORPORA, OURS, PARTS, REAL

from classifier.guidelines import LABELS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scoreboard_baselines import Ranker
    from scoreboard_board import Board

SCORED = (*COLUMNS, "mean of the labels")


def ranking(board: Board, kind: str) -> list[str]:
    """Average precision of contestants by label on `REAL`, or on "English" or "other languages" of our messages."""

    def figures(name: str, part: str) -> NDArray[np.float64]:
        if kind == REAL:
            return board.precisions(name, f"{REAL}, {part}")
        found = board.languages(name, part)
        return found["en"] if kind == "English" else mean_of_others(found)

    return table(
        [kind, *SCORED],
        [[r.name, *map(pair, *(figures(r.name, part) for part in PARTS))] for r in board.rankers],
    )  # fmt: skip


def languages(board: Board) -> list[str]:
    """Mean average precision of the labels in each language of our messages."""
    found = {ranker.name: [board.languages(ranker.name, part) for part in PARTS] for ranker in board.complete}
    rows = [
        [lang, *(pair(*(part[lang][-1] if lang in part else np.nan for part in parts)) for parts in found.values())]
        for lang in found[RELEASE][0]
    ]
    others = ["mean of the others", *(pair(*(mean_of_others(part)[-1] for part in parts)) for parts in found.values())]
    return table(["language", *found], [*rows, others])


def corpora(board: Board) -> list[str]:
    """Average precision on the held-out part of each corpus and label that has both classes."""
    rows, kept = [], []
    frames = {part: board.sets.held_out[f"{CORPORA}, {part}"]["corpus"].to_numpy() for part in PARTS}
    for corpus in dict.fromkeys([*frames["dev"], *frames["test"]]):
        mine = {part: names == corpus for part, names in frames.items()}
        found = {r.name: _precisions_of(board, r.name, mine) for r in board.rankers}
        truth = {part: board.truth[f"{CORPORA}, {part}"][rows_] for part, rows_ in mine.items()}
        for i, column in enumerate(COLUMNS):
            if np.isnan([parts[i] for parts in found[RELEASE]]).all():
                continue
            positives = [f"{int((truth[part][:, i] > 0).sum()):,}" for part in PARTS]
            values = [[parts[i] for parts in figures] for figures in found.values()]
            rows.append([corpus, column, " / ".join(positives), *(pair(*value) for value in values)])
            if column != UNION:
                kept.append(values)
    means = np.array(kept).transpose(1, 2, 0) if kept else np.full((len(board.rankers), 2, 1), np.nan)
    whole = ~np.isnan(means[0])  # where the release is measured; a contestant that lacks some of those has no mean
    mean = ["all", "mean", "", *(pair(*(m[part][whole[part]].mean() for part in (0, 1))) for m in means)]
    return table(["corpus", "label", "positives", *(r.name for r in board.rankers)], [*rows, mean])


def _precisions_of(board: Board, name: str, rows: dict[str, NDArray[np.bool_]]) -> list[NDArray[np.float64]]:
    frames = {part: f"{CORPORA}, {part}" for part in PARTS}
    return [average_precisions(board.scores[name][f][rows[p]], board.truth[f][rows[p]]) for p, f in frames.items()]


def false_alarms(board: Board) -> list[str]:
    """False alarms in 10,000 harmless messages, of each corpus and part."""
    baselines, trained = board.complete[1:], board.sets.train["corpus"].value_counts()
    rows = []
    for part in PARTS:
        frame = f"{CORPORA}, {part}"
        held = board.sets.held_out[frame]
        whole, quiet = held["harmless"].to_numpy(bool), held["neutral"].to_numpy(bool)
        chosen = {name: whole & (held["corpus"] == name).to_numpy() for name in dict.fromkeys(held["corpus"][whole])}
        chosen |= {"**all of these**": whole, "goemotions, neutral comments": quiet}
        for name, mask in chosen.items():
            y = board.truth[frame][mask, :N]
            y = np.zeros_like(y) if mask is quiet else y
            ours = [alarms(board.levels[frame][mask] >= action.level, y) for action in HIGHER]
            theirs = [alarms(board.flagged[r.name][frame][mask][:, :N], y) for r in baselines]
            own = trained.get(name.split(",")[0], 0) if name in trained or mask is quiet else 0
            rows.append([f"{name}, {part}", f"{int(mask.sum()):,}", f"{own:,}" if own else "",
                         *(number(value, 1) for value in (*ours, *theirs))])  # fmt: skip
    head = [f"{RELEASE}, {action.value}" for action in HIGHER] + [f"{r.name}, flag" for r in baselines]
    return table(["corpus and part", "messages", "trained on others of it", *head], rows)


def alarms_by_label(board: Board) -> list[str]:
    """False alarms at flag for each label, of all harmless corpora together."""

    def cell(ranker: Ranker, i: int) -> str:
        found = []
        for part in PARTS:
            frame = f"{CORPORA}, {part}"
            rows = board.sets.held_out[frame]["harmless"].to_numpy(bool)
            found.append(
                alarms(board.flagged[ranker.name][frame][rows, i : i + 1], board.truth[frame][rows, i : i + 1])
            )
        return pair(*found, 1) if COLUMNS[i] in ranker.judges else "–"

    return table(["false alarms", *COLUMNS], [[r.name, *(cell(r, i) for i in range(N + 1))] for r in board.rankers])


def recalls_by_label(board: Board) -> list[str]:
    """The share of each label that is flagged, of our messages and real text together."""

    def cell(ranker: Ranker, column: str) -> str:
        found = [board.recall(ranker.name, column, part) for part in PARTS]
        return pair(*found) if column in ranker.judges else "–"

    return table(["recall", *COLUMNS], [[r.name, *(cell(r, column) for column in COLUMNS)] for r in board.rankers])


def behaviour(board: Board) -> list[str]:
    """Shares of functional tests passed, and the largest gaps between identity groups."""
    found = {name: passed_by_group(report) for name, (report, _) in board.gates.items()}
    rankers = {ranker.name: ranker for ranker in board.complete}
    rows = []
    for group, (_, cases) in found[RELEASE].items():
        told = {name: groups.get(group, (0, 0)) for name, groups in found.items()}
        cells = [number(100 * p / n, 1) if n else "–" for p, n in told.values()]
        if group == "swap":  # compares confidences, which margins are not
            cells = [c if rankers[name].probability else "–" for name, c in zip(told, cells, strict=True)]
        rows.append([group, f"{cases:,}", *cells])
    gaps = [figures["gaps"]["false_alarms_flag"] for _, figures in board.gates.values()]
    told = ["–" if gap is None else f"{100 * gap['value']:.1f}" for gap in gaps]
    between = ["–" if not gap or not gap["highest"] else f"{gap['highest']}, {gap['lowest']}" for gap in gaps]
    return table(["tests of", "cases", *found], [*rows, ["largest gap between groups, points", "", *told],
                                                 ["between", "", *between]])  # fmt: skip


def calibration(board: Board) -> list[str]:
    """Expected calibration errors of the contestants whose scores are probabilities."""
    rows = []
    for ranker in (r for r in board.complete if r.probability):
        for kind in (OURS, REAL):
            wrong = [errors(board, ranker.name, f"{kind}, {part}") for part in PARTS]
            told = [*zip(*wrong, strict=True), tuple(e.mean() for e in wrong), tuple(e.max() for e in wrong)]
            rows.append([f"{ranker.name}, {kind}", *(pair(*value, 3) for value in told)])
    return table(["", *LABELS, "mean", "worst"], rows)


def cost(board: Board) -> list[str]:
    """Speed and size of every contestant, and how many times the release's."""
    fast, small, ours = *board.speed[RELEASE], board.rankers[0].size or 0
    rows = []
    for ranker in board.rankers:
        batch, single = board.speed[ranker.name]
        size, times = ranker.size, (ranker.size or 0) / ours
        rows.append([
            ranker.name, f"{batch.median:,.0f}", f"{fast.median / batch.median:,.1f}", f"{single.median * 1e6:,.1f}",
            f"{single.median / small.median:,.1f}", number(size / 1e6, 1) if size else "–",
            f"{times:,.1f}" if size else "–",
        ])  # fmt: skip
    return table(["", "messages per second", "the release is faster by", "one message, µs", "the release is faster by",
                  "MB", "times the release"], rows)  # fmt: skip
