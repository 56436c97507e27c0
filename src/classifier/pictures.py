"""Pictures as SVG for an HTML page or a notebook: small multiples in one style, labelled where they are read.

Colours are placeholders that the page gives meaning by CSS variables, so that one picture serves light and dark; a
notebook, which has no such page, gets them on white (`shown`).
"""

from __future__ import annotations

import io
import re
import textwrap
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from classifier.guidelines import LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from classifier.operating_points import Curve

__all__ = ["COLOURS", "Picture", "actions", "base_rates", "confusion", "dots", "learning_curve", "precision_recall",
           "reliability", "shown", "slice_dots", "svg", "timeline", "workload"]  # fmt: skip

# Placeholder → CSS variable; the values must be distinct and are never seen.
COLOURS = {"#010101": "ink", "#020202": "muted", "#030303": "grid", "#040404": "accent", "#050505": "second",
           "#060606": "flag", "#070707": "report", "#080808": "block", "#090909": "paper"}  # fmt: skip
INK, MUTED, GRID, ACCENT, SECOND, FLAG, REPORT, BLOCK, PAPER = COLOURS
ACTION_COLOURS = {"flag": FLAG, "report": REPORT, "block": BLOCK}
# What they mean on white, as in the page's light style.
_ON_WHITE = {"ink": "#1d2430", "muted": "#667085", "grid": "#e4e7ec", "accent": "#2563a8", "second": "#c2570c",
             "flag": "#b98900", "report": "#c2570c", "block": "#b42318", "paper": "#ffffff"}  # fmt: skip
STYLE: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "classifier", "font.family": "sans-serif", "font.size": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": MUTED, "axes.labelcolor": MUTED,
    "axes.titlesize": 11, "axes.titlecolor": INK, "axes.titlelocation": "left", "axes.titleweight": "bold",
    "axes.facecolor": "none", "axes.linewidth": 0.8, "figure.facecolor": "none", "text.color": INK,
    "xtick.color": MUTED, "ytick.color": MUTED, "xtick.labelsize": 9, "ytick.labelsize": 9,
    "axes.grid": True, "grid.color": GRID, "grid.linewidth": 0.6, "axes.axisbelow": True, "lines.linewidth": 2,
}  # fmt: skip


def svg(figure: Figure, description: str) -> str:
    """A figure as an inline SVG element that scales with the page, its colours CSS variables."""
    file = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    for placeholder, name in COLOURS.items():
        text = text.replace(placeholder, f"var(--{name})")
    text = re.sub(r'(<svg [^>]*?)width="[\d.]+pt" height="[\d.]+pt"', r"\1", text, count=1)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"(font(?:-family)?: [^;\"]*?)'DejaVu Sans'[^;\"]*", r"\1sans-serif", text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(description)}" ', 1)


@dataclass(frozen=True)
class Picture:
    """A figure as a notebook shows it; ``svg`` is a whole SVG image."""

    svg: str

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"image/svg+xml": self.svg}


def shown(figure: Figure, description: str) -> Picture:
    """A figure of this module for a notebook: the last line of a cell; ``description`` is for those who do not see it.

    >>> picture = shown(dots([{"name": "spam", "value": 0.9}], x="recall"), "Recall of one label")
    >>> "var(--" in picture.svg, 'aria-label="Recall of one label"' in picture.svg
    (False, True)
    """
    text = svg(figure, description)
    for name, colour in _ON_WHITE.items():
        text = text.replace(f"var(--{name})", colour)
    # A notebook in dark mode leaves the picture its own paper.
    return Picture(text.replace("<svg ", '<svg style="background:#ffffff;max-width:60rem" ', 1))


def _grid(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=size, layout="constrained")
    return figure, list(np.atleast_1d(figure.subplots(rows, columns, sharex=True, sharey=True)).flat)


def _six(height: float = 6.4) -> tuple[Figure, list[Axes]]:
    return _grid(2, 3, (10, height))


def _name(label: str) -> str:
    return label.replace("_", " ")


def _empty(axes: Axes, why: str) -> None:
    axes.text(0.5, 0.5, why, ha="center", va="center", color=MUTED, transform=axes.transAxes)


def precision_recall(labels: Mapping[str, Any]) -> Figure:
    """Precision against recall on these messages, one panel per label, with the point of each action."""
    with mpl.rc_context(STYLE):
        figure, panels = _six()
        for axes, label in zip(panels, LABELS, strict=True):
            entry = labels[label]
            axes.set_title(_name(label))
            axes.set(xlim=(0, 1.02), ylim=(0, 1.04))
            if "curve" not in entry:
                _empty(axes, f"{entry['positives']} violations: too few")
                continue
            recall, precision = zip(*entry["curve"], strict=True)
            axes.plot(recall, precision, color=ACCENT)
            share = entry["positives"] / entry["n"]
            axes.axhline(share, color=MUTED, linewidth=0.8, linestyle=":")
            axes.text(0.05, share + 0.015, f"chance {share:.2f}", color=MUTED, fontsize=8)
            axes.text(0.05, 0.36, f"AP {entry['average_precision']:.2f}", color=ACCENT, fontsize=12, weight="bold")
            if ends := entry.get("interval"):
                axes.text(0.05, 0.28, f"95 %: {ends[0]:.2f}–{ends[1]:.2f}", color=MUTED, fontsize=9)
            for action, figures in entry.get("actions", {}).items():
                if figures["precision"] is not None and figures["recall"] is not None:
                    point = figures["recall"], figures["precision"]
                    axes.plot(*point, "o", color=ACTION_COLOURS[action], markersize=7, markeredgecolor=PAPER)
                    side = ("left", 2, -24) if point[0] < 0.25 else ("right", -4, -13)  # where there is room
                    axes.annotate(action, point, xytext=(side[1], side[2]), textcoords="offset points", ha=side[0],
                                  fontsize=9, color=ACTION_COLOURS[action])  # fmt: skip
        _outer(panels, "recall", "precision")
        return figure


def _outer(panels: Sequence[Axes], x: str, y: str) -> None:
    for number, axes in enumerate(panels):
        if number >= len(panels) - 3:
            axes.set_xlabel(x)
        if number % 3 == 0:
            axes.set_ylabel(y)


def reliability(labels: Mapping[str, Any]) -> Figure:
    """The share that truly violates against the confidence; larger dots are more messages, bars 95 % intervals."""
    with mpl.rc_context(STYLE):
        figure, panels = _six()
        for axes, label in zip(panels, LABELS, strict=True):
            entry = labels[label]
            axes.set_title(_name(label))
            axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
            axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
            if not entry["reliability"]:
                _empty(axes, "no known label")
                continue
            for found in entry["reliability"]:
                low, high = found["interval"]
                axes.plot([found["confidence"]] * 2, [low, high], color=ACCENT, linewidth=1.2, alpha=0.55)
                axes.plot(found["confidence"], found["share"], "o", color=ACCENT, markeredgecolor=PAPER,
                          markersize=3 + 2.2 * np.log10(found["n"] + 1))  # fmt: skip
            axes.text(0.97, 0.05, f"error {entry['calibration_error']:.3f}\nBrier {entry['brier']:.3f}", ha="right",
                      color=MUTED, fontsize=9, transform=axes.transAxes)  # fmt: skip
        _outer(panels, "confidence", "share that violates")
        return figure


def workload(labels: Mapping[str, Any]) -> Figure:
    """How many of 10,000 messages each threshold takes at the base rate, and how many of them rightly."""
    with mpl.rc_context(STYLE):
        figure, panels = _six()
        for number, (axes, label) in enumerate(zip(panels, LABELS, strict=True)):
            entry = labels[label]
            axes.set_title(_name(label))
            axes.set(xlim=(0, 1), yscale="log", ylim=(0.8, 12_000))
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
            if "workload" not in entry:
                _empty(axes, "too few violations")
                continue
            at, taken, found = (
                np.array([row[key] for row in entry["workload"]])
                for key in ("threshold", "per_10000", "found_per_10000")
            )
            axes.fill_between(at, np.maximum(found, 0.1), np.maximum(taken, 0.1), color=SECOND, alpha=0.18, linewidth=0)
            axes.plot(at, taken, color=SECOND)
            axes.plot(at, found, color=ACCENT)
            if number == 0:  # named once, where the lines begin
                axes.text(0.14, taken[np.argmin(np.abs(at - 0.14))] * 1.5, "taken", color=SECOND, fontsize=9)
                axes.text(0.14, found[np.argmin(np.abs(at - 0.14))] / 2.2, "rightly", color=ACCENT, fontsize=9)
            for action, limit in entry["thresholds"].items():
                if limit is not None:
                    place = entry["actions"][action].get("at_base_rate", {}).get("per_10000")
                    axes.axvline(limit, color=ACTION_COLOURS[action], linewidth=1, linestyle="--")
                    said = f"{action} {place:,.0f}" if place is not None else action
                    axes.text(limit - 0.015, 9_000, said, rotation=90, ha="right", va="top", fontsize=8.5,
                              color=ACTION_COLOURS[action])  # fmt: skip
        _outer(panels, "threshold", "per 10,000 messages")
        return figure


def confusion(found: Mapping[str, Any]) -> Figure:
    """Of messages with each true label, the share recommended for each label."""
    names, counts = [_name(label) for label in found["labels"]], np.array(found["counts"], float)
    totals = np.array(found["totals"], float)
    shares = counts / np.maximum(totals, 1)[:, None]
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure, (axes,) = _grid(1, 1, (7.6, 5.2))
        for (row, column), share in np.ndenumerate(shares):
            right = row == column
            axes.add_patch(Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, linewidth=0, alpha=float(share) ** 0.7,
                                     color=ACCENT if right else SECOND))  # fmt: skip
            if share >= 0.005:
                axes.text(column, row, f"{share:.0%}", ha="center", va="center", fontsize=10,
                          color=PAPER if share > 0.6 else INK, weight="bold" if right else "normal")  # fmt: skip
        axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5))
        axes.set_xticks(range(len(names)), [name.replace(" ", "\n") for name in names])
        axes.set_yticks(range(len(names)), [f"{n} ({int(t):,})" for n, t in zip(names, totals, strict=True)])
        axes.xaxis.tick_top()
        axes.tick_params(length=0, labelcolor=INK)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_ylabel("truly")
        axes.set_title("recommended for", pad=8, fontsize=10, color=MUTED, weight="normal")
        return figure


def slice_dots(parts: Sequence[Mapping[str, Any]], overall: Mapping[str, Any]) -> Figure:
    """Average precision of each part, one column per label, with 95 % intervals; a rule at the figure of all.

    Where few parts have enough violations: the share of violations found, of any label, and of false alarms.
    """
    columns: list[tuple[str, float | None, list[Any]]] = []
    for label in LABELS:
        figures = [(entry["average_precision"], entry.get("interval")) for part in parts
                   for entry in [part["labels"][label]]]  # fmt: skip
        columns.append((_name(label), overall[label]["average_precision"], figures))
    if np.mean([value is None for _, _, figures in columns for value, _ in figures]) > 0.6:
        columns = [
            (title, None, [(part["any"][key], part["any"][f"{key}_interval"]) for part in parts])
            for title, key in (("violations found", "recall"), ("harmless recommended", "false_alarm_rate"))
        ]
    with mpl.rc_context(STYLE):
        figure, panels = _grid(1, len(columns), (11 if len(columns) > 2 else 7.5, 1.1 + 0.3 * len(parts)))
        for axes, (title, rule, figures) in zip(panels, columns, strict=True):
            axes.set_title(title, fontsize=9.5)
            axes.set(xlim=(-0.03, 1.05), ylim=(len(parts) - 0.5, -0.6))
            if rule is not None:
                axes.axvline(rule, color=MUTED, linewidth=0.8, linestyle=":")
            for row, (value, ends) in enumerate(figures):
                if value is None:
                    axes.text(0.0, row, "too few", color=MUTED, fontsize=7.5, va="center")
                    continue
                if ends:
                    axes.plot(ends, [row, row], color=ACCENT, linewidth=1.4, alpha=0.55)
                axes.plot(value, row, "o", color=ACCENT, markersize=5.5, markeredgecolor=PAPER)
            axes.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
            axes.tick_params(length=0)
            axes.spines["left"].set_visible(False)
            axes.grid(axis="y", visible=False)
        panels[0].set_yticks(range(len(parts)), [f"{_shown(part['value'])} ({part['n']:,})" for part in parts])
        panels[0].tick_params(axis="y", labelcolor=INK)
        return figure


def _shown(value: str, most: int = 28) -> str:
    """A value of a column as a label: short, and with nothing matplotlib would read as mathematics."""
    return _short(_name(value), most)


def _short(text: str, most: int = 28) -> str:
    return (text if len(text) <= most else f"{text[: most - 1]}…").replace("$", r"\$")


def learning_curve(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """What each part of the training data gave: a line per held-out set, labelled at its end."""
    names = [key for key in rows[0] if key not in ("trained on", "rows")]
    with mpl.rc_context(STYLE):
        figure, (axes,) = _grid(1, 1, (9, 4.4))
        places = range(len(rows))
        axes.set(xlim=(-0.2, len(rows) + 0.6), ylim=(0, 1.02), ylabel="mean average precision")
        ends = _apart([float(rows[-1][name]) for name in names], 0.06)
        for name, colour, end in zip(names, (ACCENT, SECOND, INK, FLAG, MUTED), ends, strict=False):
            values = [float(row[name]) for row in rows]
            axes.plot(places, values, "o-", color=colour, markersize=5, markeredgecolor=PAPER)
            axes.text(len(rows) - 0.85, end, f"{name} {values[-1]:.2f}", color=colour, va="center", fontsize=9)
        labels = [f"{textwrap.fill(str(row['trained on']), 15)}\n{int(row['rows']):,}" for row in rows]
        axes.set_xticks(places, labels, fontsize=8)
        axes.grid(axis="x", visible=False)
        return figure


def _apart(heights: Sequence[float], least: float) -> list[float]:
    """Heights of labels, moved so that none is nearer than ``least`` to the next."""
    placed, order = list(heights), np.argsort(heights).tolist()
    for before, after in pairwise(order):
        placed[after] = max(placed[after], placed[before] + least)
    return placed


def dots(
    rows: Sequence[Mapping[str, Any]], *, x: str, span: tuple[float, float] | None = None, rule: float | None = None,
    said: str = "",
) -> Figure:  # fmt: skip
    """A dot for each row from top to bottom: ``name``, ``value`` (None: too few), and maybe ``interval`` and ``mark``.

    A ``mark`` is a short line, such as the floor that a value must not fall below; dots below theirs are in the colour
    of alarm. ``x`` names the axis and ``span`` its ends; ``rule`` is a line through all rows, ``said`` its name.
    """
    with mpl.rc_context(STYLE):
        figure, (axes,) = _grid(1, 1, (8.6, 1.0 + 0.27 * len(rows)))
        axes.set(ylim=(len(rows) - 0.4, -0.6 - bool(said)), xlabel=x)
        if span is not None:
            margin = 0.02 * (span[1] - span[0])  # so that a dot at the end is whole
            axes.set_xlim(span[0] - margin, span[1] + margin)
        if rule is not None:
            axes.axvline(rule, color=MUTED, linewidth=0.9, linestyle=":")
            axes.annotate(said, (rule, -0.9), xytext=(4, 0), textcoords="offset points", color=MUTED, fontsize=8.5,
                          va="center")  # fmt: skip
        for place, row in enumerate(rows):
            if row["value"] is None:
                axes.text(
                    0.01, place, "too few", color=MUTED, fontsize=8, va="center", transform=axes.get_yaxis_transform()
                )
                continue
            mark = row.get("mark")
            colour = BLOCK if mark is not None and row["value"] < mark else ACCENT
            if ends := row.get("interval"):
                axes.plot(ends, [place, place], color=colour, linewidth=1.6, alpha=0.5)
            if mark is not None:
                axes.plot([mark, mark], [place - 0.32, place + 0.32], color=MUTED, linewidth=1.6)
            axes.plot(row["value"], place, "o", color=colour, markersize=6.5, markeredgecolor=PAPER)
        axes.set_yticks(range(len(rows)), [_shown(str(row["name"]), 48) for row in rows])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="y", visible=False)
        return figure


def base_rates(curves: Mapping[str, Curve], rates: Sequence[float]) -> Figure:
    """Precision against recall of the same model where violations are more and less common, one panel per label."""
    with mpl.rc_context(STYLE):
        figure, panels = _six()
        for axes, label in zip(panels, LABELS, strict=True):
            axes.set_title(_name(label))
            axes.set(xlim=(0, 1.02), ylim=(0, 1.04))
            recall = curves[label].metric("recall", 0.5)
            # Each line is named at a height of its own, where it falls below it.
            marks = zip(rates, np.linspace(1, 0.35, len(rates)), np.linspace(0.85, 0.25, len(rates)), strict=True)
            for rate, strength, height in marks:
                precision = curves[label].metric("precision", rate)
                axes.plot(recall, precision, color=ACCENT, alpha=strength, linewidth=1.7)
                at = float(recall[precision >= height].max(initial=0.1))
                axes.text(at - 0.02, height, f"{rate:.1%}", color=INK, fontsize=8.5, va="center", ha="right")
        _outer(panels, "recall", "precision")
        return figure


def actions(labels: Mapping[str, Mapping[str, int]]) -> Figure:
    """How many messages each action is recommended for, by label: ``labels[label][action]``, as in a `RunReport`."""
    with mpl.rc_context(STYLE):
        figure, (axes,) = _grid(1, 1, (8.6, 3.2))
        for place, label in enumerate(LABELS):
            left = 0
            for action, colour in ACTION_COLOURS.items():
                count = labels[label].get(action, 0)
                axes.barh(place, count, left=left, color=colour, height=0.62, alpha=0.85)
                if count:
                    axes.text(left + count / 2, place, f"{count:,}", color=PAPER, ha="center", va="center", fontsize=9)
                left += count
        axes.set_yticks(range(len(LABELS)), [_name(label) for label in LABELS])
        axes.set(ylim=(len(LABELS) - 0.5, -1.3), xlabel="messages")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.grid(axis="y", visible=False)
        _legend(axes, ACTION_COLOURS)
        return figure


def timeline(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """What senders wrote when: a line for each ``name``, a point for each of ``times`` (datetimes) in ``actions``."""
    with mpl.rc_context(STYLE):
        figure, (axes,) = _grid(1, 1, (9.4, 1.1 + 0.3 * len(rows)))
        for place, row in enumerate(rows):
            axes.plot([min(row["times"]), max(row["times"])], [place, place], color=GRID, linewidth=1)
            for when, action in zip(row["times"], row["actions"], strict=True):
                grave = action in ACTION_COLOURS
                axes.plot(when, place, "o", color=ACTION_COLOURS.get(action, MUTED), alpha=0.9 if grave else 0.35,
                          markersize=7.5 if grave else 4, markeredgecolor=PAPER, zorder=3 if grave else 2)  # fmt: skip
        axes.set_yticks(range(len(rows)), [_short(str(row["name"])) for row in rows])
        axes.set(ylim=(len(rows) - 0.4, -1.4))
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="y", visible=False)
        locator = AutoDateLocator()
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        _legend(axes, {"nothing": MUTED, **ACTION_COLOURS})
        return figure


def _legend(axes: Axes, colours: Mapping[str, str]) -> None:
    """The names of colours in those colours, above the first row."""
    for step, (name, colour) in enumerate(colours.items()):
        axes.text(0.01 + 0.1 * step, 1, name, color=colour, weight="bold", va="top", transform=axes.transAxes)
