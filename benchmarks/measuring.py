"""How the benchmarks measure: contestants in turn, many short rounds, a ratio in each round, medians and spreads.

Whatever else the machine does falls on all contestants of a round alike, so a ratio of one round says more than the
ratio of two averages; the median of many rounds, with the least and the most, says how far to trust it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).parents[1]
Key = TypeVar("Key")

# Runs a command from a small process: Linux counts the memory of whoever starts a process into that process's peak.
_WATCHED = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
used = [time.perf_counter() - started, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime]
print(json.dumps(used) if status == 0 else "")
"""


@dataclass(frozen=True)
class Spread:
    """Median, least and most of several rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of some values."""
        return cls(statistics.median(values), min(values), max(values))

    def scaled(self, factor: float) -> Spread:
        """The same in another unit."""
        return Spread(self.median * factor, self.least * factor, self.most * factor)

    def cells(self, digits: int = 1) -> str:
        """Two cells of a table: the median, and the least to the most."""
        return f"{self.median:,.{digits}f} | {self.least:,.{digits}f}–{self.most:,.{digits}f}"


@dataclass(frozen=True)
class Bar:
    """Something to reach: at least ``wanted`` (or at most, where ``most``), in ``unit``."""

    name: str
    wanted: float
    measured: Spread
    unit: str = "×"
    most: bool = False

    @property
    def met(self) -> bool:
        """Whether the median reaches it."""
        return self.measured.median <= self.wanted if self.most else self.measured.median >= self.wanted

    def row(self) -> str:
        """A row of the table of bars."""
        digits = 0 if self.wanted >= 1000 else 2 if self.wanted <= 1 else 1
        wanted = f"{'≤' if self.most else '≥'} {self.wanted:,g} {self.unit}"
        return f"| {self.name} | {wanted} | {self.measured.cells(digits)} | {'yes' if self.met else '**no**'} |"


@dataclass(frozen=True)
class Part:
    """What one benchmark tells: its bars, and lines of Markdown."""

    title: str
    bars: list[Bar] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def seconds_of(action: Callable[[], Any], repeats: int = 1) -> float:
    """Seconds of one call, the mean of ``repeats`` in a row."""
    started = time.perf_counter()
    for _ in range(repeats):
        action()
    return (time.perf_counter() - started) / repeats


def median_of_each(action: Callable[[str], Any], texts: Sequence[str]) -> float:
    """The median of the seconds that one call for each text takes."""
    clock, taken = time.perf_counter, []
    for text in texts:
        started = clock()
        action(text)
        taken.append(clock() - started)
    return statistics.median(taken)


def interleaved(contestants: Mapping[Key, Callable[[], float]], rounds: int) -> dict[Key, list[float]]:
    """What each contestant measures in each round, after one round that is not counted; who begins takes turns."""
    names = list(contestants)
    found: dict[Key, list[float]] = {name: [] for name in names}
    for number in range(-1, rounds):
        for k in range(len(names)):
            name = names[(number + k) % len(names)]
            value = contestants[name]()
            if number >= 0:
                found[name].append(value)
    return found


def ratio(found: Mapping[str, Sequence[float]], slower: str, faster: str) -> Spread:
    """How many times ``slower`` takes of what ``faster`` takes, in each round."""
    return Spread.of([a / b for a, b in zip(found[slower], found[faster], strict=True)])


def watched(command: Sequence[str], environment: Mapping[str, str] | None = None) -> tuple[float, float, float]:
    """Run a command in a process of its own; wall-clock seconds, peak resident memory in MB, processor seconds."""
    told = subprocess.run(
        [sys.executable, "-S", "-c", _WATCHED, *command],
        check=True, stdout=subprocess.PIPE, env={**os.environ, **(environment or {})}, text=True,
    ).stdout  # fmt: skip
    if not told.strip():
        raise SystemExit(f"failed: {' '.join(command)}")
    seconds, peak, processor = json.loads(told)
    return seconds, peak, processor


def wrapped(lines: Sequence[str]) -> list[str]:
    """Lines of Markdown with their paragraphs filled; tables, headings and empty lines as they are."""
    filled: list[str] = []
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line and line[0] not in "|#!":
            paragraph.append(line)
        else:
            filled += [*wrap(" ".join(paragraph), 118, break_long_words=False, break_on_hyphens=False), line]
            paragraph = []
    return filled[:-1]


def run(measure: Callable[[bool], Part]) -> None:
    """What a benchmark does when it is run: read the options, measure, print, and store for ``run.py``."""
    parser = argparse.ArgumentParser(description=sys.modules[measure.__module__].__doc__)
    parser.add_argument("--quick", action="store_true", help="little data and few rounds: tries it, measures nothing")
    parser.add_argument("--json", type=Path, help="also store what was measured there")
    options = parser.parse_args()
    part = measure(options.quick)
    print(f"## {part.title}\n")
    print("\n".join(bar.row() for bar in part.bars))
    print("\n" + "\n".join(wrapped(part.lines)))
    if options.json:
        options.json.write_text(json.dumps(asdict(part)), encoding="utf-8")


def stored(path: Path) -> Part:
    """A part that `run` stored."""
    told = json.loads(path.read_text(encoding="utf-8"))
    bars = [Bar(**{**bar, "measured": Spread(**bar["measured"])}) for bar in told["bars"]]
    return Part(told["title"], bars, told["lines"])
