"""The policy commands: figures counted again, refusals with the line, and files that the other commands take."""

import json
import re
import sys
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from classifier import cli
from classifier.card import card
from classifier.guidelines import LABELS
from classifier.operating_points import Curve, wilson
from classifier.policy import Policy
from classifier.policy_file import read_policy, resolve_policy
from classifier.policy_report import figures_at, offers
from classifier.policy_tuning import Choice, sentence_for, trade_off, with_point
from classifier.release import load_release, save_release


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line as its entry point does; the exit code, what it printed, and its errors."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["classifier", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as error:
            code = error.code or 0
        printed = capsys.readouterr()
        return code, printed.out, " ".join(printed.err.split())

    return run


@pytest.fixture(scope="module")
def promised(trained, tmp_path_factory):
    """The small release under sentences, of which some cannot be met."""
    points = {"flag": "maximum recall @ precision >= 0.3", "report": "maximum recall @ precision >= 0.6"}
    policy = Policy(
        points={label: points | {"block": "maximum recall @ precision >= 0.999"} for label in LABELS},
        base_rates=dict.fromkeys(LABELS, 0.05),
    )
    release = replace(trained.release, policy=policy.resolved(trained.release.curves))
    folder = tmp_path_factory.mktemp("promised") / "small"
    return folder, save_release(release, folder, card(release))


# ---- figures ----


def test_figures_by_hand():
    confidences = np.repeat(np.float32([0.9, 0.7, 0.2]), [50, 150, 800])
    truth = np.concatenate([np.repeat([1.0, 0.0], n) for n in ((45, 5), (50, 100), (5, 795))])
    curve = Curve.of(confidences, truth)
    found = figures_at(curve, 0.5, base_rate=0.02)
    recall, false_rate = 95 / 100, 105 / 900
    hits, alarms = 0.02 * recall, 0.98 * false_rate
    assert found.positives == 95
    assert found.recall == pytest.approx(recall)
    assert found.precision == pytest.approx(hits / (hits + alarms))
    assert found.actions_per_10000 == pytest.approx(10_000 * (hits + alarms))
    assert found.false_alarms_per_10000 == pytest.approx(10_000 * alarms)
    (low, high), (few, many) = wilson(95, 100), wilson(105, 900)
    assert found.recall_interval == (pytest.approx(low), pytest.approx(high))
    assert found.precision_interval == (
        pytest.approx(0.02 * low / (0.02 * low + 0.98 * many)), pytest.approx(0.02 * high / (0.02 * high + 0.98 * few))
    )  # fmt: skip
    assert figures_at(curve, 0.91, 0.02) is None
    assert figures_at(curve, 0.0, 0.02).recall == 1


def test_offers_keep_what_the_sentence_promises(promised):
    _, release = promised
    found = offers(release.policy, release.curves)
    assert [(offer.label, str(offer.action)) for offer in found] == [
        (label, action) for label in LABELS for action in ("flag", "report", "block")
    ]
    met = [offer for offer in found if offer.threshold is not None]
    assert len(met) > 5
    for offer in met:
        assert offer.figures.precision_interval[0] >= float(offer.point.split()[-1])
        assert offer.figures.positives >= offer.min_positives
    for offer in found:
        if offer.threshold is None:
            assert re.fullmatch(r"best lower bound of precision on >= 20 positives is 0\.\d+", offer.why_not)
    json.dumps([offer.as_dict() for offer in found], allow_nan=False)


def test_a_release_without_stored_reasons_still_tells_them(promised):
    _, release = promised
    told = offers(release.policy, release.curves)
    assert [o.why_not for o in offers(replace(release.policy, why={}), release.curves)] == [o.why_not for o in told]


# ---- show, check ----


def test_show_says_what_is_promised_and_what_steps_down(run, promised):
    folder, release = promised
    code, out, err = run("policy", "show", "--release", folder)
    assert (code, err) == (0, "")
    steps = release.policy.steps_down_to("hate", "block")
    line = f"hate: no block, steps down to {steps}: {release.policy.why['hate']['block']}"
    assert line in out.splitlines()
    assert all(label in out for label in LABELS)
    flag = offers(release.policy, release.curves)[0].figures
    assert re.search(rf"{flag.threshold:.3f} +{flag.precision:.2f} \({flag.precision_interval[0]:.2f}–", out)
    code, out, _ = run("policy", "show", "--release", folder, "--json")
    assert json.loads(out)["offers"] == [
        json.loads(json.dumps(o.as_dict())) for o in offers(release.policy, release.curves)
    ]


def test_the_card_says_why_and_where_an_action_steps_down(promised):
    folder, release = promised
    text = (folder / "CARD.md").read_text()
    why, steps = release.policy.why["hate"]["block"], release.policy.steps_down_to("hate", "block")
    assert f"- **hate: no block**, steps down to {steps}: {why}." in text.splitlines()
    flag = offers(release.policy, release.curves)[0]
    assert f"| harassment | 5.0% | flag | {flag.point} | {flag.threshold:.3f} | {flag.figures.precision:.2f} (" in text
    assert "at least 20 positives" in text


def test_check_takes_what_can_be_met_and_refuses_the_rest_with_the_line(run, promised, tmp_path):
    folder, release = promised
    path = tmp_path / "policy.toml"
    path.write_text('# ours\n[labels.spam]\nflag = "maximum recall @ precision >= 0.2"\n')
    code, out, _ = run("policy", "check", path, "--release", folder)
    assert code == 0
    assert f"{path} can be met on {release.id}" in out.replace("\n", "")
    path.write_text('# ours\n[labels.spam]\nblock = "maximum recall @ precision >= 0.9999"\n')
    for command in (
        ("policy", "check", path),
        ("policy", "show", "--policy", path),
        ("explain", "hi", "--policy", path),
        ("score", tmp_path / "e.jsonl", "-o", tmp_path / "r.csv", "--policy", path),
    ):
        (tmp_path / "e.jsonl").write_text('{"text": "hi"}\n')
        code, out, err = run(*command, "--release", folder)
        assert (code, out) == (2, "")
        assert re.search(
            r"policy\.toml, line 3, \[labels\.spam\]: block = .* cannot be met: best lower bound .* is 0\.\d+; ask for",
            err,
        )
    path.write_text("[labels.spamm]\n")
    code, _, err = run("policy", "check", path, "--release", folder)
    assert (code, "line 1, [labels]: 'spamm' is unknown" in err) == (2, True)


# ---- tune ----


@pytest.mark.parametrize(
    ("wish", "metric"),
    [
        (("--precision", 0.4), "precision"),
        (("--recall", 0.6), "recall"),
        (("--per-10000", 500), "actions_per_10000"),
        (("--false-alarms", 250), "false_alarms_per_10000"),
    ],
)
def test_tune_finds_a_threshold_that_keeps_the_wish(run, promised, wish, metric):
    folder, release = promised
    command = ("policy", "tune", "--label", "spam", "--action", "flag", *wish, "--release", folder)
    code, out, err = run(*command, "--json")
    assert code == 0, err
    found = json.loads(out)
    threshold = found["chosen"]["threshold"]
    curve = release.curves["spam"]
    place = curve.place(threshold)
    value = curve.metric(metric, 0.05, pessimistic=True)[place]
    assert value >= wish[1] if metric in ("precision", "recall") else value <= wish[1]
    cuts = [row["threshold"] for row in found["trade_off"]]
    assert cuts == sorted(cuts, reverse=True)
    assert threshold in cuts
    assert len(cuts) >= 8
    code, out, _ = run(*command)
    assert f"{found['chosen']['figures']['precision']:.2f} (" in re.search(r"→ flag.*", out)[0]
    assert found["chosen"]["point"] in " ".join(out.split())


def test_tune_writes_a_policy_that_check_takes(run, promised, tmp_path):
    folder, release = promised
    path = tmp_path / "policy.toml"
    path.write_text("# ours\n[surfaces.post.spam]\nat_most = 'flag' # for now\n")
    tune = ("policy", "tune", "--release", folder, "-o", path, "--action", "flag")
    assert run(*tune, "--label", "spam", "--precision", 0.25)[0] == 0
    assert run(*tune, "--label", "hate", "--recall", 0.8, "--base-rate", 0.1, "--min-positives", 5)[0] == 0
    text = path.read_text()
    assert text.startswith("# ours\n[surfaces.post.spam]\nat_most = 'flag' # for now\n")
    assert re.search(rf'flag = "maximum recall @ precision >= 0.25" # from 0\.\d+ on {release.id}: precision ', text)
    policy = read_policy(path, release.policy)
    assert (policy.base_rates["hate"], policy.min_positives["hate"]) == (0.1, 5)
    assert run("policy", "check", path, "--release", folder)[0] == 0
    resolved = resolve_policy(path, release.policy, release.curves)
    spam = LABELS.index("spam")
    assert f"# from {resolved.thresholds[spam, 0]:.3f} on" in text
    assert [entry.name for entry in tmp_path.iterdir()] == ["policy.toml"]


def test_tune_refuses_and_shows_what_can_be_had(run, promised, tmp_path):
    folder, _ = promised
    path = tmp_path / "policy.toml"
    tune = ("policy", "tune", "--release", folder, "--label", "spam", "--action")
    code, out, err = run(*tune, "block", "--precision", 0.9999, "-o", path)
    assert (code, "cannot be met: best lower bound" in err, "0.900" in out) == (2, True, True)
    assert not path.exists()
    code, out, err = run(*tune, "flag", "--precision", 0.9, "-o", path)
    assert (code, "flag asks for precision >= 0.9 and report only for 0.6" in err) == (2, True)
    assert run(*tune, "block", "--precision", 0.9999, "--json")[:2] == (2, "")
    for wishes in ((), ("--recall", 0.5, "--precision", 0.5)):
        assert run(*tune, "flag", *wishes)[0] == 2
    path.write_text("[labels.hate\n")
    code, _, err = run(*tune, "flag", "--precision", 0.25, "-o", path)
    assert (code, "policy.toml, line 1: is not TOML" in err) == (2, True)
    assert path.read_text() == "[labels.hate\n"


def test_sentences_and_files_as_written():
    assert sentence_for("precision", 1e-4) == "maximum recall @ precision >= 0.0001"
    assert sentence_for("false_alarms", 10) == "maximum recall @ false_alarms_per_10000 <= 10"
    choice = Choice("spam", "flag", "maximum recall @ precision >= 0.5")
    inline = with_point("labels = {hate = {flag = 0.5}}\n", choice, "note")
    assert tomllib.loads(inline)["labels"] == {"hate": {"flag": 0.5}, "spam": {"flag": choice.sentence}}
    dotted = with_point("labels.spam.flag = 0.1\nlabels.spam.block = false\n", choice)
    assert dotted == 'labels.spam.flag = "maximum recall @ precision >= 0.5"\nlabels.spam.block = false\n'


def test_the_trade_off_falls_with_the_threshold(promised):
    _, release = promised
    rows = trade_off(release.curves["spam"], 0.05, [0.333])
    assert [row.threshold for row in rows] == sorted({row.threshold for row in rows}, reverse=True)
    assert 0.333 in {row.threshold for row in rows}
    assert [row.recall for row in rows] == sorted(row.recall for row in rows)


def test_a_stored_release_keeps_its_reasons(promised):
    folder, release = promised
    assert load_release(folder).policy.why == release.policy.why
    assert release.policy.why["spam"]
