"""Draws what ``growth.py`` measures: one small SVG a question, log over log, with a line of proportional growth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from measuring import Spread

    Series = dict[str, dict[int, Spread]]


def exponent(series: dict[int, Spread], least: int = 0) -> float:
    """The power with which cost grows from ``least`` on: 1 is proportional, 0 not at all."""
    points = [(x, spread.median) for x, spread in series.items() if x >= least]
    x, y = np.log(np.array(points).T)
    return float(np.polyfit(x, y, 1)[0])


def draw(path: Path, found: Series, xlabel: str, ylabel: str, *, proportional: bool = True) -> None:
    """Draw medians as lines and least to most as bands; a dotted line grows in proportion."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "growth", "svg.fonttype": "none", "font.size": 9,
                         "axes.spines.top": False, "axes.spines.right": False})  # fmt: skip
    from matplotlib import pyplot as plt

    many = len(found) > 4
    picture, axes = plt.subplots(figsize=(6.4 if many else 5.2, 3.6), layout="constrained")
    colours = plt.get_cmap("tab20" if many else "tab10")
    for k, (name, series) in enumerate(found.items()):
        x = list(series)
        axes.plot(x, [spread.median for spread in series.values()], "o-", ms=3, lw=1.2, color=colours(k), label=name)
        low, high = zip(*((spread.least, spread.most) for spread in series.values()), strict=True)
        axes.fill_between(x, low, high, color=colours(k), alpha=0.15, lw=0)
    if proportional:
        first = next(iter(found.values()))
        ends = min(first), max(first)
        start = min(spread.median for spread in first.values()) * 0.6
        axes.plot(ends, [start, start * ends[1] / ends[0]], ":", color="grey", lw=1, label="in proportion")
    axes.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    if not proportional:
        highest = max(spread.most for series in found.values() for spread in series.values())
        axes.set(yscale="linear", ylim=(0, highest * 1.08))
    axes.grid(which="major", color="#e4e4e4", lw=0.6)
    axes.legend(frameon=False, fontsize=7 if many else 8, **({"bbox_to_anchor": (1.0, 1.0)} if many else {}))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, metadata={"Date": None})
    plt.close(picture)


def table(found: Series, what: str, digits: int = 2) -> list[str]:
    """A table with a row for each value of x and a column for each series: medians, least to most in brackets."""
    xs = sorted({x for series in found.values() for x in series})
    lines = [f"| {what} | {' | '.join(found)} |", "| --- " * (len(found) + 1) + "|"]
    for x in xs:
        cells = [
            f"{series[x].median:,.{digits}f} ({series[x].least:,.{digits}f}–{series[x].most:,.{digits}f})"
            if x in series
            else ""
            for series in found.values()
        ]
        lines.append(f"| {x:,} | {' | '.join(cells)} |")
    return lines
