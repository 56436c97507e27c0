"""How cost grows: ``python benchmarks/growth.py [--quick]``.

Cost of a message against its length, the number of features and labels, batch size and threads, and of messages made
to cost as much as they can. Writes docs/growth.md and docs/growth/*.svg (out/growth with ``--quick``).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
from growth_models import found_in, padded, real_hashes, scorer
from growth_page import draw, exponent, table
from hostile_messages import HOSTILE
from measuring import ROOT, Part, Spread, interleaved, run, seconds_of, wrapped
from real_messages import real_messages

import classifier
from classifier.kernels.layout import ROOM

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from growth_page import Series
    from numpy.typing import NDArray

Actions = dict[tuple[str, int], tuple["Callable[[], object]", float, int]]


def series_of(actions: Actions, rounds: int, scale: float = 1e6) -> Series:
    """Measure actions ``(name, x): (call, messages in it, repeats)`` in turn; microseconds a message by name and x."""
    contestants = {
        key: lambda call=call, units=units, repeats=repeats: seconds_of(call, repeats) / units * scale
        for key, (call, units, repeats) in actions.items()
    }
    found: Series = {}
    for (name, x), values in interleaved(contestants, rounds).items():
        found.setdefault(name, {})[x] = Spread.of(values)
    return found


def by_length(scorer_: classifier.Classifier, texts: list[str], rounds: int, longest: int) -> Series:
    """Messages cut from one long text, at lengths from 10 characters."""
    whole, actions = " ".join(texts), {}
    for n in (n for n in (10, 30, 100, 300, 1_000, 3_000, 10_000, 100_000, 1_000_000) if n <= longest):
        starts = np.linspace(0, max(0, len(whole) - n), max(2, min(500, 100_000 // n))).astype(int)
        pieces = [whole[start : start + n] for start in starts.tolist()]
        actions["a message", n] = (lambda pieces=pieces: scorer_.confidences(pieces, threads=1), len(pieces), 1)
    return series_of(actions, rounds)


def by_features(texts: list[str], known: NDArray[np.uint64], rounds: int, largest: int) -> tuple[Series, str]:
    """Models of ever more n-grams of real messages, and of 3,000 of them among ever more that never occur.

    Also a clause: how many of a message's n-grams the smallest and the largest model know.
    """
    actions: Actions = {}
    sizes = [n for n in (3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000) if n <= largest]
    (all_, least), (_, most) = (found_in(padded(known, n), texts) for n in (sizes[0], sizes[-1]))
    hits = f"of the {all_:.0f} n-grams of a message the smallest model knows {least:.0f} and the largest {most:.0f}"
    for n in sizes:
        of_text, of_none = padded(known, n), padded(known[:3_000], n)
        actions["n-grams of real messages", n] = (scorer(of_text, 6, texts), len(texts), 3)
        actions["3,000 of them, the others never found", n] = (scorer(of_none, 6, texts), len(texts), 3)
    return series_of(actions, rounds), hits


def by_labels(texts: list[str], hashes: NDArray[np.uint64], rounds: int) -> Series:
    """Models of 1 to 7 labels over the same features."""
    return series_of({("a message", n): (scorer(hashes, n, texts), len(texts), 3) for n in range(1, 8)}, rounds)


def by_batch(scorer_: classifier.Classifier, texts: list[str], rounds: int, largest: int) -> Series:
    """Batches of 1 message to 100,000, on one thread and two."""
    actions: Actions = {}
    for n in (n for n in (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000) if n <= largest):
        batch = (texts * (1 + n // len(texts)))[:n]
        for threads in (1, 2):
            call = lambda batch=batch, threads=threads: scorer_.confidences(batch, threads=threads)  # noqa: E731
            actions[f"{threads} thread{'s' * (threads > 1)}", n] = (call, n, max(1, 5_000 // n))
    return series_of(actions, rounds)


def by_threads(scorer_: classifier.Classifier, texts: list[str], rounds: int) -> Series:
    """One to eight threads."""
    return series_of({
        ("a message", n): (lambda n=n: scorer_.confidences(texts, threads=n), len(texts), 2) for n in (1, 2, 4, 8)
    }, rounds)  # fmt: skip


def by_hostility(scorer_: classifier.Classifier, rounds: int, longest: int) -> Series:
    """Nanoseconds a character of messages made to cost much."""
    actions: Actions = {}
    for name, make in HOSTILE.items():
        for n in (n for n in (1_000, 10_000, 100_000, 1_000_000) if n <= longest):
            message = make(n)
            actions[name, n] = (lambda message=message: scorer_.confidences([message]), n, max(1, 20_000 // n))
    return series_of(actions, rounds, 1e9)


def sections(found: dict[str, Series], hits: str) -> list[str]:
    """What the page says to each picture: two sentences and the figures."""
    length, features, labels = found["length"]["a message"], found["features"], found["labels"]["a message"]
    real, none = features.values()
    one, two = found["batch"].values()
    threads, hostile = found["threads"]["a message"], found["hostile"]
    low, high = min(real), max(real)
    worst = max(hostile, key=lambda name: hostile[name][max(hostile[name])].median)
    wide = {name: series[max(series)].median / series[10_000].median for name, series in hostile.items()}
    grown = max(wide, key=wide.__getitem__)
    told = {
        "length": ("Length of a message", "characters", f"Cost grows with the power {exponent(length, 100):.2f} of the "
                   "length from 100 characters on: each n-gram is hashed, looked up and added once. Below that the "
                   f"fixed cost of a message shows; above {ROOM:,} characters it has memory of its own, and its "
                   "n-grams outgrow the nearest caches."),
        "features": ("Features of the model", "features",
                     f"With n-grams of real messages, {low:,} to {high:,} features take "
                     f" {real[low].median:.1f} to {real[high].median:.1f} µs, because {hits}. Where the others are "
                     f"never found it is {none[low].median:.1f} to {none[high].median:.1f} µs: a lookup is two reads "
                     "whatever the size, and only how often they miss the caches grows."),
        "labels": ("Labels", "labels",
                   "A feature's weights lie in a row of eight lanes that are added up at once, so seven labels, the "
                   f"most there is room for, cost {labels[7].median / labels[1].median:.2f} times what one costs "
                   f"({labels[7].median:.1f} and {labels[1].median:.1f} µs): a logistic function for each."),
        "batch": ("Batch size", "messages at a time", f"From {one[1].median:.1f} µs for one message to "
                  f"{one[max(one)].median:.1f} µs each in batches of {max(one):,} on one thread: nothing is shared "
                  "between messages but the call. A second thread is used from 512 messages on and gives "
                  f"{one[max(one)].median / two[max(two)].median:.2f} times the speed in the largest batch."),
        "threads": ("Threads", "threads",
                    f"Two threads are {threads[1].median / threads[2].median:.2f} times as fast as one: "
                    "each has its own memory, the loops hold no interpreter lock, and what is left in Python is "
                    "joining the texts of a chunk. Eight threads are "
                    f"{threads[1].median / threads[8].median:.2f} times as fast "
                    f"on {os.cpu_count()} processors."),
        "hostile": ("Hostile messages", "characters",
                    f"A character of a message of {max(hostile[worst]):,} costs at most {wide[grown]:.1f} times what "
                    f"it costs in one of 10,000 ({grown}); the dearest is {worst} with "
                    f"{hostile[worst][max(hostile[worst])].median:,.0f} ns. Growth is linear because the passes of "
                    "cleaning are bounded, n-grams are in proportion to characters, and a lookup is two reads, so that "
                    "hashes which collide cost no more than others; what is above 1 is longer messages leaving the "
                    "caches."),
    }  # fmt: skip
    lines = []
    for key, (title, what, sentences) in told.items():
        lines += [f"## {title}", "", sentences, "", f"![µs a message over {what}](growth/{key}.svg)", ""]
        series = found[key]
        if key == "hostile":  # a row for each kind is easier to read than a column
            xs = [*next(iter(series.values()))]
            lines += ["| ns a character | " + " | ".join(f"{x:,} characters" for x in xs) + " |",
                      "| --- " * (len(xs) + 1) + "|"]  # fmt: skip
            for name, spreads in series.items():
                lines.append(f"| {name} | " + " | ".join(f"{spreads[x].median:,.0f}" for x in xs) + " |")
        else:
            lines += table({f"{name}, µs": spreads for name, spreads in series.items()}, what)
        lines.append("")
    return lines


def measure(quick: bool) -> Part:
    """Measure, draw and write the page."""
    rounds, n, size = (2, 300, 30_000) if quick else (9, 4_000, 1_000_000)
    many, whose = real_messages(2_000 if quick else 60_000)
    texts = [text for text in many if len(text) <= ROOM][:n]
    scorer_ = classifier.load()
    largest = min(size, 100_000)
    known = real_hashes(many)
    features, hits = by_features(texts, known, rounds, size)
    found = {
        "length": by_length(scorer_, many, rounds, size),
        "features": features,
        "labels": by_labels(texts, known[:100_000], rounds),
        "batch": by_batch(scorer_, texts, rounds, 3_000 if quick else largest),
        "threads": by_threads(scorer_, texts * (2 if quick else 10), rounds),
        "hostile": by_hostility(scorer_, rounds if quick else 3, 100_000 if quick else size),
    }
    docs: Path = ROOT / ("out/growth" if quick else "docs")
    for name, series in found.items():
        xlabel = {"length": "characters", "features": "features", "labels": "labels", "batch": "messages at a time",
                  "threads": "threads", "hostile": "characters"}[name]  # fmt: skip
        if name == "hostile":  # from a character to a message, as in the other pictures
            series = {
                kind: {n: each.scaled(n / 1000) for n, each in spreads.items()} for kind, spreads in series.items()
            }
        proportional = name in ("length", "hostile")
        draw(docs / "growth" / f"{name}.svg", series, xlabel, "µs a message", proportional=proportional)
    head = f"""# How cost grows

Written by `python benchmarks/growth.py`: {whose};
the shipped release and one thread where nothing else is said, medians of {rounds} rounds (3 for hostile messages) in
which all sizes take turns, least–most in brackets.
"""
    lines = sections(found, hits)
    (docs / "growth.md").write_text("\n".join([head, *wrapped(lines)]), encoding="utf-8")
    wide = [series[max(series)].median / series[10_000].median for series in found["hostile"].values()]
    return Part("How cost grows", [], [
        f"With the power {exponent(found['length']['a message'], 100):.2f} of a message's length, from 100 characters.",
        f"Of messages made to cost much, a character of the longest takes {min(wide):.1f} to {max(wide):.1f} times",
        "what one of ten thousand takes. Pictures and figures: [docs/growth.md](../docs/growth.md).",
    ])  # fmt: skip


if __name__ == "__main__":
    run(measure)
