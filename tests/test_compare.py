"""Two classifiers on one export: every figure counted again by hand."""

import csv
import json
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy.stats import binomtest

from classifier.changes import COLUMNS, Changes, why
from classifier.cli import cli
from classifier.compare import CUT_OFFS, MIN_ABOVE, Rate, compare, map_cut_off
from classifier.errors import MessagesError
from classifier.guidelines import LABELS
from classifier.policy import ACTIONS, Action, SurfaceRule
from classifier.scoring import Classifier

NAMES = [str(action) for action in ACTIONS]


@pytest.fixture(scope="module")
def export(examples, tmp_path_factory):
    """Some 360 messages on all surfaces, one row that cannot be read and one text without letters."""
    frame = examples.iloc[::6][["id", "text", "surface"]].reset_index(drop=True)
    frame.loc[0, "text"] = "..."
    path = tmp_path_factory.mktemp("compare") / "export.jsonl"
    lines = [json.dumps(row) for row in frame.to_dict("records")] + ['{"id": "bad", "text": null}']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def messages(export):
    return [row for row in map(json.loads, export.read_text().splitlines()) if row["text"] is not None]


@pytest.fixture(scope="module")
def after(classifier_):
    """Other weights, thresholds and surfaces: every reason for a change occurs."""
    coefficients = dict(classifier_.release.coefficients)
    coefficients["slopes"] = [slope * factor for slope, factor in zip(coefficients["slopes"], (1.5, 0.6, 1, 1, 1, 1))]  # noqa: B905
    release = replace(classifier_.release, coefficients=coefficients, digest="f" * 64)
    thresholds = classifier_.policy.thresholds + np.float32([[0.1], [-0.1], [-0.2], [0], [0.05], [0]])
    thresholds[LABELS.index("hate"), 2] = np.nan
    rules = {"comment": {"spam": SurfaceRule(Action.FLAG)}}
    return Classifier(release, replace(classifier_.policy, thresholds=thresholds, surfaces=rules))


def levels(classifier, messages):
    found = classifier.recommend([m["text"] for m in messages], [m["surface"] for m in messages])
    return found.label_actions, found.confidences


@pytest.mark.parametrize("batch_size", [7, 8192])
def test_every_figure_counted_again(classifier_, after, export, messages, batch_size):
    found = compare(classifier_, after, export, batch_size=batch_size, seconds_per_review=45)
    (old, _), (new, _) = levels(classifier_, messages), levels(after, messages)
    n = len(messages)
    assert (found.rows, found.scored, found.set_aside) == (n + 1, n, 1)
    assert (found.before, found.after) == (classifier_.release_id, after.release_id)
    pairs = Counter(zip(old.max(axis=1).tolist(), new.max(axis=1).tolist(), strict=True))
    assert found.transitions == tuple(tuple(pairs[i, j] for j in range(4)) for i in range(4))
    assert found.changed == sum(count for (i, j), count in pairs.items() if i != j) > 0
    for k, label in enumerate(LABELS):
        pairs = Counter(zip(old[:, k].tolist(), new[:, k].tolist(), strict=True))
        assert found.label_transitions[label] == tuple(tuple(pairs[i, j] for j in range(4)) for i in range(4))
    for side, said in ((found.overlap_before, old), (found.overlap_after, new)):
        for i in range(6):
            assert list(side[i]) == [int(((said[:, i] > 0) & (said[:, j] > 0)).sum()) for j in range(6)]
    for rates, said in ((found.actions_before, old), (found.actions_after, new)):
        top = said.max(axis=1)
        for level, name in enumerate(NAMES[1:], 1):
            assert rates[name] == Rate.of(int((top == level).sum()), n)
        assert rates["any"].per_10000 == pytest.approx(10_000 * (top > 0).mean())
    for hours, said in zip(found.review_hours, (old, new), strict=True):
        assert hours == pytest.approx(np.isin(said.max(axis=1), (1, 2)).mean() * 10_000 * 45 / 3600)
    again = json.loads(json.dumps(found.as_dict()))
    assert (again["changed"], again["transitions"][0][0]) == (found.changed, found.transitions[0][0])


@pytest.mark.parametrize(("count", "n"), [(0, 50), (3, 50), (50, 50)])
def test_rates_have_the_interval_of_scipy(count, n):
    interval = binomtest(count, n).proportion_ci(0.95, "wilson")
    rate = Rate.of(count, n)
    assert (rate.low, rate.high) == (pytest.approx(10_000 * interval.low), pytest.approx(10_000 * interval.high))


def test_a_policy_alone_equals_scoring_twice(classifier_, after, export, monkeypatch):
    other = Classifier(classifier_.release, after.policy)
    twin = Classifier(replace(classifier_.release, name="twin"), after.policy)  # another name is scored again
    again, once = compare(classifier_, twin, export), compare(classifier_, other, export)
    assert replace(again, after=once.after) == once
    assert once.changed > 0
    monkeypatch.setattr(other, "recommend", None)  # never called
    assert compare(classifier_, other, export) == once


def test_nothing_changes_under_the_same_classifier(classifier_, export, tmp_path):
    found = compare(classifier_, classifier_, export, changes=tmp_path / "c.csv")
    assert found.changed == 0
    assert (tmp_path / "c.csv").read_text().count("\n") == 1
    for entries in found.cut_offs.values():
        for entry in entries:
            assert entry.new is None if entry.above < MIN_ABOVE else entry.new == pytest.approx(entry.old, abs=1e-4)


# ---- the file of changes ----


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return [*csv.DictReader(file)]


def test_changes_name_message_label_and_reason(classifier_, after, export, messages, tmp_path):
    compare(classifier_, after, export, changes=tmp_path / "c.csv")
    rows = read(tmp_path / "c.csv")
    (old, was), (new, now) = levels(classifier_, messages), levels(after, messages)
    expected = [(i, j) for i in range(len(messages)) for j in range(6) if old[i, j] != new[i, j]]
    assert len(rows) == len(expected) > 20
    assert {*rows[0]} == {*COLUMNS}
    for row, (i, j) in zip(rows, expected, strict=True):
        assert (row["id"], int(row["row"]), row["label"]) == (messages[i]["id"], i + 1, LABELS[j])
        assert (row["action_before"], row["action_after"]) == (NAMES[old[i, j]], NAMES[new[i, j]])
        assert (row["before"], row["after"]) == (NAMES[old[i].max()], NAMES[new[i].max()])
        assert float(row["confidence_before"]) == pytest.approx(was[i, j], abs=1e-4)
        assert float(row["confidence_after"]) == pytest.approx(now[i, j], abs=1e-4)
        limit = after.policy.for_surface(messages[i]["surface"])[j, max(old[i, j], new[i, j]) - 1]
        np.testing.assert_allclose(float(row["threshold_after"] or "nan"), limit, atol=1e-4)
    kinds = " ".join(row["why"] for row in rows)
    assert all(part in kinds for part in ("crossed", "threshold 0.", "no longer offered"))
    assert not any(m["text"] in (tmp_path / "c.csv").read_text() for m in messages if len(m["text"]) > 12)


def test_text_is_written_only_when_asked_for(classifier_, after, export, messages, tmp_path):
    compare(classifier_, after, export, changes=tmp_path / "c.csv", with_text=True)
    texts = {m["id"]: m["text"] for m in messages}
    for row in read(tmp_path / "c.csv"):
        text = texts[row["id"]]
        assert row["text"] == (f"'{text}" if text[0] in "=+-@" else text)  # no live formula


NO_BLOCK, LIMITS, HIGHER = [0.5, 0.8, np.nan], [0.5, 0.8, 0.9], [0.6, 0.85, 0.95]


@pytest.mark.parametrize(
    ("levels", "confidences", "limits", "said"),
    [
        ((0, 2), (0.1, 0.82), (LIMITS, LIMITS), "confidence 0.100 → 0.820 crossed report 0.800"),
        ((1, 0), (0.7, 0.2), (LIMITS, LIMITS), "confidence 0.700 → 0.200 crossed flag 0.500"),
        ((3, 2), (0.92, 0.92), (LIMITS, NO_BLOCK), "block is no longer offered (confidence 0.920)"),
        ((3, 1), (0.92, 0.7), (LIMITS, NO_BLOCK), "block is no longer offered (confidence 0.920 → 0.700)"),
        ((1, 0), (0.55, 0.58), (LIMITS, HIGHER), "flag threshold 0.500 → 0.600 (confidence 0.550 → 0.580)"),
        ((1, 0), (0.55, 0.3), (LIMITS, HIGHER), "confidence 0.550 → 0.300 and flag threshold 0.500 → 0.600"),
        ((0, 1), (0.3, 0.7), (LIMITS, HIGHER), "confidence 0.300 → 0.700 crossed flag 0.600"),
    ],
)
def test_reasons_in_words(levels, confidences, limits, said):
    assert why(levels, confidences, limits) == said


def test_a_message_that_is_no_longer_judged():
    assert why((1, 0), (0.7, 0.7), (LIMITS, LIMITS), (True, False)) == "too little in it is known now"
    assert why((0, 1), (0.7, 0.7), (LIMITS, LIMITS), (False, True)) == "too little in it was known before"


def test_ids_of_a_parquet_export(classifier_, after, messages, tmp_path):
    frame = pd.DataFrame(messages).assign(id=range(len(messages)))
    frame.to_parquet(tmp_path / "e.parquet", index=False)
    compare(classifier_, after, tmp_path / "e.parquet", changes=tmp_path / "c.csv")
    assert all(int(row["id"]) == int(row["row"]) - 1 for row in read(tmp_path / "c.csv"))


def test_changes_that_cannot_be_written(classifier_, export, tmp_path):
    for name, message in (("c.xlsx", "as CSV"), ("no/c.csv", "No such file")):
        with pytest.raises(MessagesError, match=message):
            compare(classifier_, classifier_, export, changes=tmp_path / name)
    with pytest.raises(MessagesError, match="would replace the export"):
        compare(classifier_, classifier_, export, changes=export)
    (tmp_path / "old.csv").write_text("old")
    with pytest.raises(RuntimeError), Changes(tmp_path / "old.csv"):
        raise RuntimeError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("old.csv", "old")]


# ---- the map of confidences ----


def counts(confidences):
    return np.bincount(np.rint(np.asarray(confidences, float) * 10_000).astype(int), minlength=10_001)


def test_cut_offs_move_with_the_confidences():
    rng = np.random.default_rng(0)
    old = rng.beta(0.5, 1, 20_000).round(4)
    found = {cut: map_cut_off(counts(old), counts(old**2), cut) for cut in CUT_OFFS}
    for cut, entry in found.items():
        assert entry.above == (old >= cut).sum()
        assert entry.new == pytest.approx(cut**2, abs=2e-3)
        assert entry.low <= entry.new <= entry.high
        # as many messages as before, up to one that ties with the cut-off
        assert abs(int((old**2 >= entry.new).sum()) - entry.above) <= 12


def test_the_interval_holds_the_true_counterpart():
    rng = np.random.default_rng(1)
    missed = 0
    for _ in range(200):
        old = rng.random(400)  # the population's cut-off 0.7 corresponds to 0.49 exactly
        entry = map_cut_off(counts(old), counts(rng.random(400) ** 2), 0.7)
        missed += not entry.low <= 0.49 <= entry.high
    assert missed <= 20
    same = [map_cut_off(counts(old), counts(old**2), 0.7) for old in (rng.random(400) for _ in range(100))]
    assert sum(not entry.low <= 0.49 <= entry.high for entry in same) == 0


def test_too_few_messages_tell_nothing():
    old = counts([0.9] * (MIN_ABOVE - 1) + [0.1] * 500)
    assert map_cut_off(old, old, 0.5).new is None
    assert map_cut_off(old, old, 0.05).new is None  # all are above
    assert map_cut_off(counts([]), counts([]), 0.5).above == 0


# ---- command ----


def run(*arguments):
    return CliRunner().invoke(cli, ["compare", *map(str, arguments)], env={"COLUMNS": "200"})


def test_the_command(export, release_folder, tmp_path):
    policy = tmp_path / "p.toml"
    policy.write_text("[labels.spam]\nflag = 0.1\n")
    figures, changes = tmp_path / "f.json", tmp_path / "c.csv"
    done = run(export, "--before", release_folder, "--after", release_folder, "--after-policy", policy, "-o", changes,
               "--json", figures, "--with-text", "--seconds-per-review", 60)  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(figures.read_text())
    assert found["changed"] > 0
    assert len({row["id"] for row in read(changes)}) >= found["changed"]
    assert {row["label"] for row in read(changes)} == {"spam"}
    assert (
        f"{found['changed']:,} of {found['scored']:,} messages change recommendation; 1 rows set aside" in done.output
    )
    assert re.search(r"reviewing at 60 s: [\d.]+ → [\d.]+ hours", done.output)
    assert "cut-off" not in done.output  # one release: every confidence stays


def test_wrong_usage(export, release_folder):
    for arguments, message in (((), "name what differs"), (("--after", release_folder, "--with-text"), "needs -o")):
        done = run(export, *arguments)
        assert (done.exit_code, message in done.output) == (2, True)
