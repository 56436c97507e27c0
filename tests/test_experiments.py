"""The experiments' own parts: what words are cut into, features, paired differences, and the page."""

import doctest
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from classifier.bootstrap import Ranking
from classifier.features import MessageVectorizer
from classifier.guidelines import LABELS
from classifier.label_models import LabelModels

FOLDER = Path(__file__).parents[1] / "benchmarks"
MODULES = ("data", "features", "figures", "fits", "list", "models", "page", "recipe", "words")


@pytest.fixture(scope="module")
def parts():
    """The modules of the experiments, which lie outside the package, by the last word of their names."""
    sys.path.insert(0, str(FOLDER))
    yield {name: import_module(f"experiment_{name}") for name in MODULES}
    sys.path.remove(str(FOLDER))


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings_hold(parts, name):
    assert doctest.testmod(parts[name], optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0


def rows(n=240, seed=0):
    """Rows as a snapshot holds them; a label is said by a word of its own."""
    rng = np.random.default_rng(seed)
    y = rng.random((n, len(LABELS))) < 0.25
    fillers = np.array(["the", "a", "to", "of", "and", "we", "go", "see", "time", "day"])
    texts = [
        " ".join([*rng.choice(fillers, 5), *(f"sign{label}" for label, true in zip(LABELS, row, strict=True) if true)])
        for row in y
    ]
    kinds = rng.choice(["ours", "judged", "corpus", "copy"], n)
    real, dev = np.isin(kinds, ["judged", "corpus"]), np.isin(kinds, ["ours", "judged"]) & (np.arange(n) % 4 == 0)
    return pd.DataFrame(y.astype(np.float32), columns=LABELS).assign(
        id=[f"m{i}" for i in range(n)],
        text=texts,
        lang=rng.choice(["en", "de"], n),
        group=[f"g{i}" for i in range(n)],
        kind=kinds,
        source=np.where(real, "real text", "our messages"),
        corpus=np.where(real, [f"c{i % 3}" for i in range(n)], ""),
        role=np.where(dev, "dev", "train"),
        weight=np.select([kinds == "corpus", kinds == "copy"], [0.1, 0.5], 1.0),
        population=1.0,
        draw=rng.random(n),
    )


@pytest.fixture(scope="module")
def recipe(parts):
    return replace(parts["recipe"].Recipe(), max_features=None, corpus_rows=30)


def test_features_and_fits_are_the_classifiers_own(parts, recipe):
    recipe = replace(recipe, blocks=("words", "contacts", "characters"), contacts=False)
    task = parts["data"].dev_task(rows(), recipe)
    X = MessageVectorizer(contacts=True, min_df=2).fit_transform(task.train["text"].tolist())
    found = parts["features"].features(task, recipe).train
    np.testing.assert_allclose(np.sort(found.sum(axis=0)), np.sort(X.sum(axis=0)))
    models = LabelModels(folds=2, regularisation=parts["recipe"].BEGUN.regularisation).fit(X, task.y, task.weights)
    coefficients = parts["fits"].fit(X, task.y, task.weights, recipe)[0]
    np.testing.assert_allclose(coefficients, models.coef_, atol=2e-3)


def test_rows_of_a_recipe(parts, recipe):
    data, frame = parts["data"], rows()
    chosen = data.rows_for(frame, replace(recipe, corpus_weight=0.3, real_weight=2.0, disguised=0.0))
    weights = chosen.groupby("kind")["weight"].agg(["min", "max"])
    assert weights.loc["corpus"].tolist() == pytest.approx([0.3, 0.3])
    assert weights.loc["judged"].tolist() == [2, 2]
    assert "copy" not in weights.index
    assert not (data.rows_for(frame, replace(recipe, corpus_weight=0.0))["kind"] == "corpus").any()
    task = data.dev_task(frame, recipe)
    corpus = frame[frame["kind"] == "corpus"]
    assert {*task.spare["id"]} == {*corpus["id"]} - {*task.train["id"]}
    assert not {*task.train["group"]} & {*task.dev["group"]}
    assert {*task.dev["part"]} == {"our messages", "real text", "disguised"}


def test_what_is_left_out_is_in_no_training_row(parts, recipe):
    frame, judged = rows(), []
    for fold in range(3):
        task = parts["data"].left_out_corpora(frame, recipe, fold, 3)
        assert not {*task.dev["corpus"]} & {*task.train["corpus"]}
        judged += task.dev["id"].tolist()
        task = parts["data"].left_out_voices(frame, recipe, fold, 3)
        assert not {*task.dev["group"]} & {*task.train.loc[task.train["source"] == "our messages", "group"]}
    assert sorted(judged) == sorted(frame.loc[frame["kind"] == "judged", "id"])


def test_every_scheme_finds_what_is_plain(parts, recipe):
    models = parts["models"]
    task = parts["data"].dev_task(rows(360), recipe)
    baseline = models.outcome(task, recipe).scores
    used = {e.recipe.scheme: e.recipe.strength for e in parts["list"].experiments().values()}
    assert {*used} == {*models.SCHEMES}
    small = {"SVD beside features", "SVD model averaged"}  # more components than these rows have
    for scheme in {*used} - small:
        strength = 64 if scheme == "hashed columns" else used[scheme]
        found = models.outcome(task, replace(recipe, scheme=scheme, strength=strength))
        figure = parts["figures"].figures(task.dev, found.scores, baseline, resamples=20)["real text"]
        assert figure["value"] > (0.5 if scheme == "hashed columns" else 0.9), scheme


def test_every_block_can_be_counted(parts):
    texts = ['"not a fool", 20 €, how do you say it', "how do you spell 20 € not 'a fool'"]
    train = [[text, "en"] for text in texts]
    blocks = {block for e in parts["list"].experiments().values() for block in e.recipe.blocks}
    assert blocks <= {*parts["words"].ANALYZERS, "words", "characters", "contacts"}
    for name in parts["words"].ANALYZERS:
        counts = parts["features"].analyzed_counts(train, [["x", "en"]], name, 2)
        assert counts[0].sum() > 0, name
        assert counts[0].shape[1] == counts[1].shape[1]


def test_a_paired_difference_is_surer_than_two_figures(parts):
    figures, rng = parts["figures"], np.random.default_rng(1)
    truth = (rng.random((400, 1)) < 0.2).astype(float)
    worse = truth + rng.normal(0, 1.0, (400, 1))
    better = worse + 0.2 * truth
    found = figures.compared(figures.macro(better, truth), figures.macro(worse, truth), 400, None, 200)
    assert 0 < found["interval"][0] < found["difference"]
    alone = [Ranking.of(scores[:, 0], truth[:, 0]).intervals(resamples=200)[0] for scores in (worse, better)]
    assert alone[0][1] > alone[1][0]  # the two figures' own intervals overlap
    same = figures.compared(figures.macro(worse, truth), figures.macro(worse, truth), 400, None, 50)
    assert (same["difference"], same["interval"]) == (0.0, [0.0, 0.0])


def result(name, real, ours, interval=(-0.01, 0.03)):
    entry = {"value": 0.8, "interval": [*interval]}
    parts = {"real text": entry | {"difference": real}, "our messages": entry | {"difference": ours}}
    return {
        "name": name, "group": "words", "change": "something", "snapshot": "abc", "parts": parts,
        "disguised recall": 0.5, "features": 1000, "seconds": 3.0, "rows": 62000, "extra": {},
        "counts": {"ours train": 19000},
    }  # fmt: skip


def test_the_page_ranks_and_counts(parts):
    results = [result("base", 0, 0), result("low", 0.01, -0.02), result("high", 0.02, 0.01, (0.001, 0.03))]
    page = parts["page"].page(results, [])
    best = page[page.index("## The best") : page.index("## All")]
    assert best.index("| high: something | **+0.020**") < best.index("| low: something | +0.010 (")
    assert "19,000 messages of ours" in page
    assert "With 2 experiments" in page
    assert "here 1 do on one" in page
    entry = {"value": 0.7, "difference": 0.01, "interval": None, "n": 9}
    page = parts["page"].page(results, [{"name": "high", "parts": {"corpora left out": entry}}])
    assert "| high | 0.700 | +0.010 |" in page
    page = parts["page"].page(results, [], [result("all rows", 0, 0), result("more", 0.03, 0)])
    assert "0.800 on real text" in page
    assert "| more: something | +0.030" in page
