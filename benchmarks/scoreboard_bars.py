"""The bars that the release must reach, and the cells that the scoreboard's tables are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scoreboard_baselines import RELEASE
from scoreboard_figures import alarms, calibration_errors, mean_of_others, passed_by_group
from scoreboard_sets import CORPORA, OURS, PARTS, REAL

from classifier.guidelines import LABELS
from classifier.policy import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from scoreboard_board import Board

N = len(LABELS)
HIGHER = ACTIONS[1:]  # flag, report, block


@dataclass(frozen=True)
class Bar:
    """Something to reach: at least ``wanted`` (or at most, where ``most``), in figures of dev and test or one figure.

    >>> print(Bar("release", 12, (9.21,), "MB", most=True).row())
    | release | ≤ 12 MB | 9.21 | – | yes |
    >>> print(Bar("macro", 0.72, (0.7199, 0.75)).row())
    | macro | ≥ 0.72 | 0.720 | 0.750 | **no** |
    """

    name: str
    wanted: float
    found: tuple[float, ...]
    unit: str = ""
    most: bool = False

    @property
    def met(self) -> bool:
        """Whether every figure reaches it, before rounding; one that could not be measured does not."""
        return all(value <= self.wanted if self.most else value >= self.wanted for value in self.found)

    def row(self) -> str:
        """A row of the table of bars."""
        wanted = f"{'≤' if self.most else '≥'} {self.wanted:g} {self.unit}".rstrip()
        cells = [number(value, 3 if self.wanted < 1 else 2) for value in (*self.found, np.nan)[:2]]
        return f"| {' | '.join([self.name, wanted, *cells, 'yes' if self.met else '**no**'])} |"


def number(value: float, digits: int = 2) -> str:
    """A figure as a cell; a dash where there is none."""
    return "–" if np.isnan(value) else f"{value:,.{digits}f}"


def pair(dev: float, test: float, digits: int = 2) -> str:
    """Two figures as a cell.

    >>> pair(0.812, float("nan")), pair(float("nan"), float("nan"))
    ('0.81 / –', '–')
    """
    return "–" if np.isnan(dev) and np.isnan(test) else f"{number(dev, digits)} / {number(test, digits)}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of Markdown.

    >>> table(["label", "AP"], [["spam", "0.90"]])
    ['| label | AP |', '| --- | --- |', '| spam | 0.90 |']
    """
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def bars(board: Board, size: int) -> list[Bar]:
    """The bars and what the release reaches."""
    languages = [board.languages(RELEASE, part) for part in PARTS]
    english = [found["en"] for found in languages]
    real = [board.precisions(RELEASE, f"{REAL}, {part}") for part in PARTS]
    wrong = {kind: [errors(board, RELEASE, f"{kind}, {part}") for part in PARTS] for kind in (OURS, REAL)}
    passed, cases = passed_by_group(board.gates[RELEASE][0])["evasion"]
    gap = board.gates[RELEASE][1]["gaps"]["false_alarms_flag"]
    share = {a: tuple(release_alarms(board, part, a.level) / 100 for part in PARTS) for a in (HIGHER[0], HIGHER[-1])}
    return [
        Bar("real text, mean average precision of the labels", 0.72, tuple(found[-1] for found in real)),
        Bar("our English messages, mean average precision", 0.92, tuple(found[-1] for found in english)),
        Bar("our English messages, the label that ranks worst", 0.8, tuple(float(e[:N].min()) for e in english)),
        Bar(f"our messages, mean of the other {len(languages[0]) - 1} languages", 0.85,
            tuple(mean_of_others(found)[-1] for found in languages)),
        Bar("false alarms at flag on harmless corpora", 1, share[HIGHER[0]], "%", most=True),
        Bar("false alarms at block on harmless corpora", 0.01, share[HIGHER[-1]], "%", most=True),
        Bar("recall kept under evasion", 0.85, (passed / cases if cases else np.nan,)),
        Bar("largest gap between identity groups, false alarms at flag", 5,
            (100 * gap["value"] if gap else np.nan,), "points", most=True),
        *(Bar(f"calibration error, {name}, {kind}", 0.03, tuple(float(of(e)) for e in found), most=True)
          for kind, found in wrong.items()
          for name, of in (("mean of the labels", np.mean), ("the worst label", np.max))),
        Bar("size of the release", 12, (size / 1e6,), "MB", most=True),
    ]  # fmt: skip


def release_alarms(board: Board, part: str, level: int) -> float:
    """False alarms of the release in 10,000 messages of all harmless corpora."""
    frame = f"{CORPORA}, {part}"
    rows = board.sets.held_out[frame]["harmless"].to_numpy(bool)
    return alarms(board.levels[frame][rows] >= level, board.truth[frame][rows, :N])


def errors(board: Board, name: str, frame: str) -> NDArray[np.float64]:
    """Calibration errors (6,) of a contestant on a frame."""
    return calibration_errors(board.scores[name][frame][:, :N], board.truth[frame][:, :N])
