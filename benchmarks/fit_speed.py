"""Fitting features against scikit-learn: ``python benchmarks/fit_speed.py [--quick]``.

`MessageVectorizer.fit_transform` against the union of two ``TfidfVectorizer`` on the same settings and messages; the
matrices are compared, column by column of the same name, and must agree within 1e-9.
"""

from __future__ import annotations

import time

import numpy as np
from equal_pipeline import union_of
from measuring import Bar, Part, Spread, interleaved, ratio, run, seconds_of
from real_messages import real_messages

from classifier.features import MessageVectorizer


def largest_difference(texts: list[str]) -> tuple[float, int]:
    """The largest difference of two cells, and how many features there are; ends the benchmark above 1e-9."""
    ours = MessageVectorizer(min_df=2)
    theirs = union_of(ours)
    X, Y = ours.fit_transform(texts), theirs.fit_transform(texts)
    names, others = ours.get_feature_names_out(), theirs.get_feature_names_out()
    order, other = np.argsort(names), np.argsort(others)
    if names[order].tolist() != others[other].tolist():
        raise SystemExit("not the same n-grams")
    largest = float(abs(X.tocsc()[:, order] - Y.tocsc()[:, other]).max())
    if not largest <= 1e-9:
        raise SystemExit(f"not the same values: they differ by {largest:.1e}")
    return largest, len(names)


def measure(quick: bool) -> Part:
    """Measure and tell."""
    rounds, sizes = (2, (2_500,)) if quick else (5, (5_000, 20_000))
    texts, whose = real_messages(max(sizes))
    difference, _ = largest_difference(texts[:2_000])
    bars, rows = [], []
    for size in sizes:
        some, processor = texts[:size], {"ours": [], "theirs": []}

        def timed(name: str, fit, some=some, processor=processor, repeats: int = 1) -> float:
            before = time.process_time()
            seconds = seconds_of(lambda: fit(some), repeats)
            processor[name].append((time.process_time() - before) / repeats)
            return seconds

        found = interleaved({
            "ours": lambda timed=timed: timed("ours", MessageVectorizer(min_df=2).fit_transform, repeats=4),
            "theirs": lambda timed=timed: timed("theirs", union_of(MessageVectorizer(min_df=2)).fit_transform),
        }, rounds)  # fmt: skip
        used = ratio({name: values[1:] for name, values in processor.items()}, "theirs", "ours")
        factor = ratio(found, "theirs", "ours")
        if size == sizes[-1]:
            bars.append(Bar(f"`fit_transform` of {size:,} messages against scikit-learn", 20, factor))
        seconds = {name: Spread.of(values).cells(3) for name, values in found.items()}
        rows.append(f"| {size:,} | {seconds['ours']} | {seconds['theirs']} | {factor.cells()} | {used.cells()} |")
    return Part("`fit_transform` against scikit-learn", bars, [
        f"{whose}; words of 1 to 2, characters of 2 to 5, min_df 2, two threads (scikit-learn one);",
        f"{rounds} rounds.",
        f"Equal output: cells differ by at most {difference:.1e} on {min(len(texts), 2_000):,} messages. The last pair",
        "of columns compares processor seconds, in which threads count one by one.",
        "", "| messages | ours, s | least–most | scikit-learn, s | least–most | times as fast | least–most | "
        "by processor seconds | least–most |", "| --- " * 9 + "|", *rows,
        "", "The default recipe end to end: `classifier train --out FOLDER` prints the seconds of each stage.",
    ])  # fmt: skip


if __name__ == "__main__":
    run(measure)
