"""Scoring against the same model as a scikit-learn pipeline: ``python benchmarks/scoring_speed.py [--quick]``.

Trains a release on our messages, makes the equal pipelines of it, checks that all confidences agree within 1e-5 and
measures batches (one thread and two), single messages, and the least that reading and hashing the same n-grams costs.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
from equal_pipeline import equal_pipelines, largest_difference, our_examples, zeros
from measuring import Bar, Part, Spread, interleaved, median_of_each, ratio, run, seconds_of
from real_messages import real_messages

from classifier.kernels import layout
from classifier.kernels import scoring as kernel
from classifier.kernels.cleaning import clean
from classifier.kernels.compiling import compiled
from classifier.kernels.lookup import FeatureTable
from classifier.kernels.ngrams import NgramRanges, char_hashes, read, word_hashes
from classifier.kernels.pieces import pieces_of
from classifier.text import clean as clean_text
from classifier.text import cleaning_tables, code_points

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


@compiled
def clean_only(points, offsets, fixed, scratch):
    """Clean all messages; return how many characters remain."""
    t, s = layout.tables_of(fixed), layout.scratch_of(scratch)
    total = 0
    for i in range(len(offsets) - 1):
        total += clean(points[offsets[i] : offsets[i + 1]], s.cleaned, s.origins, s.kinds, s.ngrams.marks, t)
    return total


@compiled
def clean_and_hash(points, offsets, fixed, scratch):
    """Clean all messages and hash all their n-grams into the same scratch; return how many."""
    t, s, r = layout.tables_of(fixed), layout.scratch_of(scratch), layout.ranges_of(fixed)
    total = 0
    for i in range(len(offsets) - 1):
        n = clean(points[offsets[i] : offsets[i + 1]], s.cleaned, s.origins, s.kinds, s.ngrams.marks, t)
        read(s.cleaned, s.kinds, n, s.ngrams)
        words = word_hashes(n, r, s.hashes, s.ngrams, None)
        total += words + char_hashes(s.cleaned, s.kinds, n, r, s.hashes[words:], s.ngrams, None)
    return total


@compiled
def clean_and_find(points, offsets, fixed, scratch):
    """The same, but for the known pieces, and find the features; return how many n-grams were hashed."""
    t, s = layout.tables_of(fixed), layout.scratch_of(scratch)
    r, m = layout.ranges_of(fixed), layout.model_of(fixed)
    total = 0
    for i in range(len(offsets) - 1):
        n = clean(points[offsets[i] : offsets[i + 1]], s.cleaned, s.origins, s.kinds, s.ngrams.marks, t)
        total += kernel.find_ngrams(r, m, s, n)[0]
    return total


def without_cleaning(pipeline: Pipeline) -> Pipeline:
    """A copy of a pipeline that takes its messages as they are, but for reading digits as 0."""
    copied = deepcopy(pipeline)
    (_, word), (_, char) = copied["features"].transformer_list
    word.preprocessor, char.preprocessor = str, zeros
    return copied


def steps(release: Any, texts: list[str]) -> dict[str, Any]:
    """What scoring does with a batch on one thread, up to ever later steps."""
    coefficients, arrays = release.coefficients, release.arrays
    numbers = (np.array(coefficients[name]) for name in ("steps", "intercepts", "slopes", "offsets"))
    table = FeatureTable(arrays["slots"], arrays["pilots"])
    model = layout.Model(table, pieces_of(arrays), arrays["rows"], arrays["idf"], *numbers)
    tables, ranges = cleaning_tables(), NgramRanges(*release.settings["word_ngrams"], *release.settings["char_ngrams"])
    fixed, scratch = layout.fixed_handle(tables, model, ranges), layout.scratch_for(ranges, len(model.rows))
    handle = layout.scratch_handle(scratch)
    points, offsets = code_points(texts)
    kept = (tables, model, scratch)  # a handle holds addresses: what it points to must live as long

    def whole() -> Any:
        confidences, known = np.empty((len(texts), 6), np.float32), np.empty(len(texts), np.bool_)
        return kernel.score_messages(
            points, offsets, np.arange(len(texts)), 0, fixed, handle, confidences, known
        ), kept  # fmt: skip

    return {
        "one buffer of code points": lambda: code_points(texts),
        "cleaning": lambda: clean_only(points, offsets, fixed, handle),
        "cleaning and hashing": lambda: clean_and_hash(points, offsets, fixed, handle),
        "cleaning, hashing and finding features": lambda: clean_and_find(points, offsets, fixed, handle),
        "the whole loop, weights added up and calibrated": whole,
    }


def measure(quick: bool) -> Part:
    """Measure and tell."""
    rounds, n = (2, 1_200) if quick else (15, 6_000)
    classifier, product, own, features = equal_pipelines(our_examples(12 if quick else 1))
    texts, whose = real_messages(n)
    texts = [text for text in texts if len(text) <= layout.ROOM]  # the loops below have scratch for these
    difference = max(largest_difference(classifier, pipeline, texts[:2000]) for pipeline in (product, own))
    cleaned, uncleaned = [clean_text(text) for text in texts], without_cleaning(product)
    n, few = len(texts), texts[:: max(1, len(texts) // (20 if quick else 150))]
    batch = interleaved({
        "product": lambda: seconds_of(lambda: product.predict_proba(texts)),
        "own": lambda: seconds_of(lambda: own.predict_proba(texts)),
        "cleaned": lambda: seconds_of(lambda: uncleaned.predict_proba(cleaned)),
        "one": lambda: seconds_of(lambda: classifier.confidences(texts, threads=1), 10),
        "two": lambda: seconds_of(lambda: classifier.confidences(texts, threads=2), 10),
    }, rounds)  # fmt: skip
    single = interleaved({
        "product": lambda: median_of_each(lambda text: product.predict_proba([text]), few),
        "own": lambda: median_of_each(lambda text: own.predict_proba([text]), few),
        "clean": lambda: median_of_each(clean_text, few),
        "confidences": lambda: median_of_each(lambda text: classifier.confidences([text]), few * 10),
        "score": lambda: median_of_each(classifier.score, few * 10),
    }, rounds)  # fmt: skip
    parts = steps(classifier.release, texts)
    parts["confidences"] = lambda: classifier.confidences(texts, threads=1)
    limit = interleaved({name: lambda action=action: seconds_of(action, 10) for name, action in parts.items()}, rounds)
    names = {
        "one": "ours, one thread", "two": "ours, two threads", "product": "scikit-learn, vectorizers and one product",
        "own": "scikit-learn, its own estimators", "confidences": "ours: confidences([text])",
        "score": "ours: score(text), with recommendation and reasons", "clean": "classifier.text.clean(text) alone",
        "cleaned": "scikit-learn, one product, messages cleaned beforehand (not counted)",
    }  # fmt: skip
    rows = [f"| {names[k]} | {Spread.of([n / s for s in found]).cells(0)} |" for k, found in batch.items()]
    rows_single = [f"| {names[k]} | {Spread.of([s * 1e6 for s in found]).cells()} |" for k, found in single.items()]
    rows_limit = [f"| {k} | {Spread.of([s / n * 1e6 for s in found]).cells(2)} |" for k, found in limit.items()]
    hashed = limit["cleaning and hashing"]
    times = ratio(limit, "confidences", "cleaning and hashing")
    return Part("Scoring against the equal scikit-learn pipeline", [
        Bar("batch, one thread, against the equal scikit-learn pipeline", 50, ratio(batch, "product", "one")),
        Bar("batch, two threads", 85, ratio(batch, "product", "two")),
        Bar("one message, median, against the equal scikit-learn pipeline", 400, ratio(single, "own", "confidences")),
        Bar("one message, against the pipeline with one product", 400, ratio(single, "product", "confidences")),
    ], [
        f"{whose}; a model of {features:,} features trained on our messages; {rounds} rounds. Largest difference",
        f"of any confidence: {difference:.1e}. The batch is compared with scikit-learn's vectorizers and one product",
        "with a matrix laid out for it, which is kinder to scikit-learn than its own estimators, ",
        "`MultiOutputClassifier(CalibratedClassifierCV(LinearSVC()))`; a single message with both. The preprocessor of",
        "both vectorizers is our compiled `clean`, so scikit-learn cleans each message twice; one row leaves that out.",
        "", "| batch | messages per second | least–most |", "| --- | --- | --- |", *rows,
        "", "| one message | µs, median | least–most |", "| --- | --- | --- |", *rows_single,
        "", "### The limit", "",
        f"Only cleaning the same messages and hashing their n-grams takes {Spread.of(hashed).median / n * 1e6:.2f} µs",
        f"a message; scoring them, from Python strings on one thread, takes {times.median:.2f} times that",
        f"({times.least:.2f}–{times.most:.2f}). Up to each step, one thread:",
        "", "| up to | µs a message | least–most |", "| --- | --- | --- |", *rows_limit,
    ])  # fmt: skip


if __name__ == "__main__":
    run(measure)
