"""``classifier evaluate`` and ``classifier gate``, ``train``'s gate, slices, the page and its pictures."""

import csv
import hashlib
import json
import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from classifier import behaviour, cli, training
from classifier.assessment import assess
from classifier.errors import ExamplesError
from classifier.evaluation import confusion, evaluate, hardest, reliability, workload
from classifier.functional_tests import Case, Floors
from classifier.guidelines import LABELS
from classifier.pictures import COLOURS
from classifier.release import load_release, save_release
from classifier.report import page, read_learning_curve
from classifier.slices import length_bucket, slices

BAIT = '<script>alert("x")</script>'


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["classifier", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as error:
            code = error.code or 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture(scope="module")
def held(examples):
    """Two hundred labelled messages, some cells unknown, one text, one id and one author meant to break a page."""
    frame = examples.iloc[::11].head(200).reset_index(drop=True)
    frame.loc[:9, "spam"] = pd.NA
    frame.loc[0, ["text", "id"]] = f"you idiot {BAIT} $x_1$", f"{BAIT}1"
    frame.loc[:14, "author"] = f"$a$ {BAIT}"
    frame.loc[0, [*LABELS]] = [1, 0, pd.NA, 0, 0, 0]
    return frame


@pytest.fixture(scope="module")
def file(held, tmp_path_factory):
    path = tmp_path_factory.mktemp("examples") / "held.csv"
    held.to_csv(path, index=False, quoting=csv.QUOTE_NONNUMERIC)
    return path


@pytest.fixture(scope="module")
def found(classifier_, held):
    return assess(classifier_, held, resamples=60)


# ---- figures ----


def matrix(column, n, fill=np.nan):
    out = np.full((n, 6), fill, np.float32)
    out[:, 0] = column
    return out


def test_reliability_and_its_interval_by_hand():
    bins = reliability(np.array([0.05, 0.95, 0.91, 0.99, 1.0]), np.array([0, 1, 1, 0, 1]))
    assert [(b["low"], b["n"], b["share"]) for b in bins] == [(0.0, 1, 0.0), (0.9, 4, 0.75)]
    low, high = bins[1]["interval"]
    assert (round(low, 3), round(high, 3)) == (0.301, 0.954)  # Wilson, 3 of 4


def test_figures_at_the_base_rate_by_hand():
    truth = matrix([1] * 10 + [0] * 100, 110)
    confidences, levels = matrix(0.5, 110, 0.5), np.zeros((110, 6), np.uint8)
    levels[:8, 0], levels[10:15, 0] = 1, 1  # recall 0.8, false-alarm rate 0.05
    rates = dict.fromkeys(LABELS, 0.01)
    entry = evaluate(confidences, truth, levels, base_rates=rates, resamples=300)["labels"][LABELS[0]]
    there = entry["actions"]["flag"]["at_base_rate"]
    assert there["precision"] == pytest.approx(0.008 / (0.008 + 0.0495))
    assert there["per_10000"] == pytest.approx(80 + 495)
    assert there["per_10000_interval"][0] < 575 < there["per_10000_interval"][1]
    weights = np.where(np.arange(110) < 15, 0.2, 1.0)  # the false alarms are of a kind rare among members
    rarer = evaluate(confidences, truth, levels, base_rates=rates, population=weights, resamples=0)
    assert rarer["labels"][LABELS[0]]["actions"]["flag"]["at_base_rate"]["per_10000"] == pytest.approx(80 + 9900 / 96)


def test_a_figure_without_false_alarms_is_not_thought_certain():
    truth, levels = matrix([1] * 20 + [0] * 50, 70), np.zeros((70, 6), np.uint8)
    levels[:10, 0] = 1
    entry = evaluate(matrix(0.5, 70, 0.5), truth, levels, base_rates=dict.fromkeys(LABELS, 0.01))["labels"][LABELS[0]]
    flag = entry["actions"]["flag"]
    assert flag["precision"] == flag["at_base_rate"]["precision"] == 1
    assert flag["intervals"]["precision"][0] == pytest.approx(0.722, abs=0.001)  # Wilson, 10 of 10
    assert flag["at_base_rate"]["precision_interval"][0] < 0.1


def test_workload_falls_as_the_threshold_rises():
    rng = np.random.default_rng(0)
    truth = (rng.random(500) < 0.3).astype(float)
    rows = workload(np.float32(np.clip(truth * 0.4 + rng.random(500) * 0.6, 0, 1)), truth, 0.02)
    taken, rightly = [r["per_10000"] for r in rows], [r["found_per_10000"] for r in rows]
    assert taken == sorted(taken)
    assert taken[-1] == pytest.approx(10_000)
    assert rightly[-1] == pytest.approx(200)
    assert all(a <= b + 1e-9 for a, b in zip(rightly, taken, strict=True))


def test_confusion_by_hand():
    truth = np.zeros((3, 6))
    truth[0, [0, 3]] = 1  # harassment and hate, recommended for hate alone
    truth[2, 1:] = np.nan  # not known to be harmless
    levels = np.zeros((3, 6), np.uint8)
    levels[0, 3] = 2
    got = confusion(levels, truth)
    assert got["counts"][0] == got["counts"][3] == [0, 0, 0, 1, 0, 0, 0]
    assert got["counts"][6] == [0, 0, 0, 0, 0, 0, 1]
    assert got["totals"] == [1, 0, 0, 1, 0, 0, 1]


def test_hardest_are_the_most_confident_mistakes():
    p, y = matrix([0.9, 0.8, 0.7, 0.1, 0.2], 5), matrix([0, 1, 0, 1, np.nan], 5)
    wrong = hardest(p, y, [*"abcde"], 1)["harassment"]
    assert [(row["id"], row["confidence"]) for row in wrong["false_positives"]] == [("a", 0.9)]
    assert [(row["id"], row["confidence"]) for row in wrong["false_negatives"]] == [("d", 0.1)]


def test_slices_say_what_is_too_small():
    n = 40
    frame = pd.DataFrame({"text": ["x" * 30] * n, "lang": ["en"] * 30 + ["de"] * 10, "mine": ["a", "b"] * 20})
    truth = matrix([1, 0] * 20, n)
    truth[38:, 0] = np.nan
    p, levels = matrix([0.9, 0.1] * 20, n, 0.0), np.zeros((n, 6), np.uint8)
    levels[:10:2, 0] = 1
    got = slices(frame, p, truth, levels, resamples=20)
    assert {*got} == {"lang"}  # one length only, and no surface, author or corpus
    english, german = got["lang"]
    assert (english["value"], english["n"]) == ("en", 30)
    entry = english["labels"]["harassment"]
    assert (entry["average_precision"], entry["roc_auc"], entry["recall"]) == (1.0, 1.0, pytest.approx(5 / 15))
    assert german["labels"]["harassment"]["too_few"] == "4 violations, 5 needed"
    assert german["labels"]["harassment"]["average_precision"] is None
    assert english["any"]["recall"] == pytest.approx(5 / 15)
    assert slices(frame, p, truth, levels, ["language"], resamples=0).keys() == {"lang"}
    assert [part["value"] for part in slices(frame, p, truth, levels, ["mine"], resamples=20)["mine"]] == ["a", "b"]
    with pytest.raises(ExamplesError, match="no column 'colour'"):
        slices(frame, p, truth, levels, ["colour"])


def test_lengths_are_in_order(found):
    names = [part["value"] for part in found["slices"]["length"]]
    assert names == [n for n in ("under 20", "20–49", "50–99", "100–199", "200 and more") if n in names]
    assert length_bucket("") == "under 20"


def test_an_assessment_is_figures_without_text(found, held, classifier_):
    told = json.dumps(found, allow_nan=False)
    assert not any(text in told for text in held["text"] if len(text) > 15)
    assert {*found["slices"]} >= {"lang", "surface", "length", "author"}
    assert found["labels"]["spam"]["n"] == len(held) - 10
    assert found["release"] == classifier_.release_id
    hard = [row for kinds in found["hardest"].values() for rows in kinds.values() for row in rows]
    assert hard
    assert {key for row in hard for key in row} == {"id", "confidence"}


def test_nothing_known_is_refused(classifier_, held):
    unknown = held.assign(**{label: pd.array([pd.NA] * len(held), "Int8") for label in LABELS})
    with pytest.raises(ExamplesError, match="no label of any message is known"):
        assess(classifier_, unknown)


# ---- the page ----


@pytest.fixture(scope="module")
def text(found):
    curve = [{"trained on": "a half", "rows": 10, "dev": 0.5}, {"trained on": BAIT, "rows": 20, "dev": 0.6}]
    return page({**found, "examples": BAIT, "notes": [BAIT]}, learning_curve=curve)


def test_the_page_stands_alone_and_escapes_everything(text):
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert re.search(r"<svg.*?\$a\$ &lt;script&gt;", text, flags=re.DOTALL)  # the author, in a picture
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*', text.replace('href="#', "").replace("xlink:href", "at"))
    assert "url(http" not in text
    assert '<meta name="viewport"' in text
    assert "prefers-color-scheme: dark" in text
    anchors = set(re.findall(r'href="#([\w-]+)"', text))
    assert {"labels", "workload", "confusion", "slices", "learning-curve", "hardest"} <= anchors
    assert {*re.findall(r'<h2 id="([\w-]+)"', text)} <= anchors  # the contents name every section


def test_pictures_are_well_formed_and_take_their_colours_from_the_page(text, found):
    pictures = re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)
    assert len(pictures) == 5 + len(found["slices"])
    for picture in pictures:
        root = ET.fromstring(picture)
        assert root.get("role") == "img"
        assert root.get("viewBox")
        assert root.get("width") is None  # scales with the page
        assert "<script" not in picture
    assert not any(colour in text for colour in COLOURS)
    assert all(f"--{name}:" in text for name in COLOURS.values())


def test_the_page_of_a_label_nobody_judged(classifier_, held):
    some = held.assign(hate=pd.array([pd.NA] * len(held), "Int8")).drop(columns=["author", "kind"]).head(40)
    told = page(assess(classifier_, some, by=("surface",), resamples=0))
    assert "no known label" in told
    assert "authors drawn whole" not in told


@pytest.mark.parametrize("kind", ["csv", "json", "md"])
def test_learning_curves_are_read_alike(tmp_path, kind):
    content = {
        "csv": 'trained on,rows,dev\nhalf,"1,000",0.5\nall,2000,0.75\n',
        "json": json.dumps(
            [{"trained on": "half", "rows": 1000, "dev": 0.5}, {"trained on": "all", "rows": "2,000", "dev": 0.75}]
        ),
        "md": "# t\n\n| trained on | rows | dev |\n| - | - | - |\n| half | 1,000 | 0.5 |\n| all | 2,000 | 0.75 |\n",
    }
    path = tmp_path / f"curve.{kind}"
    path.write_text(content[kind])
    assert read_learning_curve(path) == [
        {"trained on": "half", "rows": 1000, "dev": 0.5}, {"trained on": "all", "rows": 2000, "dev": 0.75},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content", ["", "a,b\n1,2\n", "trained on,rows,dev\nx,many,0.5\n", "trained on,rows,dev\nx,3\n"]
)
def test_no_learning_curve_is_refused(tmp_path, content):
    (tmp_path / "c.csv").write_text(content)
    with pytest.raises(ExamplesError, match="holds no learning curve"):
        read_learning_curve(tmp_path / "c.csv")


# ---- the commands ----


def test_evaluate_writes_page_and_figures(run, release_folder, file, tmp_path):
    html, figures = tmp_path / "r.html", tmp_path / "r.json"
    code, out, err = run("evaluate", release_folder, file, "--html", html, "--json", figures, "--by", "lang,length",
                         "--resamples", 20)  # fmt: skip
    assert (code, err.strip()) == (0, "")
    assert "harassment" in out
    assert "mean average precision" in out
    told = json.loads(figures.read_text())
    assert {*told["slices"]} == {"lang", "length"}
    assert not told["with_text"]
    page_text = html.read_text()
    assert "you idiot" not in page_text
    assert "This page holds no message text" in page_text


def test_text_is_shown_only_when_asked_for(run, release_folder, file, tmp_path, held):
    figures = tmp_path / "r.json"
    code, _, _ = run("evaluate", release_folder, file, "--json", figures, "--with-text", "--resamples", 0)
    told = json.loads(figures.read_text())
    assert code == 0
    rows = [row for kinds in told["hardest"].values() for rows in kinds.values() for row in rows]
    assert {row["text"] for row in rows} <= {*held["text"]}


def test_a_file_the_release_was_trained_on_is_named(run, trained, file, tmp_path):
    source = {"file": "held.csv", "sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "rows": 1}
    release = replace(trained.release, record={**trained.release.record, "sources": [source]})
    save_release(release, tmp_path / "m", "card")
    code, out, _ = run("evaluate", tmp_path / "m", file, "--resamples", 0)
    assert code == 0
    assert "the release was trained on held.csv" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv"], "missing.csv: is missing"),
        (["FILE", "FILE"], "stands in two files"),
        (["FILE", "--by", "colour"], "no column 'colour'"),
        (["FILE", "--html", "no/such/folder/r.html"], "there is no folder"),
        (["FILE", "--learning-curve", "none.csv"], "holds no learning curve"),
        (["FILE", "--real-text"], "--real-text goes without EXAMPLES"),
    ],
)
def test_evaluate_refuses_in_one_sentence(run, release_folder, file, arguments, message):
    code, _, err = run("evaluate", release_folder, *(file if a == "FILE" else a for a in arguments))
    assert code == 2
    assert "Traceback" not in err
    assert message in " ".join(err.split())


CASES = """id,function,lang,text,label,expected
1,insult,en,you stupid pathetic idiot,harassment,1
2,hi,en,hello there,any,0
"""


def test_gate_shows_functions_and_fails_below_a_floor(run, release_folder, tmp_path):
    (tmp_path / "c.csv").write_text(CASES)
    code, out, _ = run("gate", release_folder, "--cases", tmp_path, "--languages")
    assert code == 0
    assert "harassment.insult" in out
    floors = tmp_path / "floors.toml"
    assert run("gate", release_folder, "--cases", tmp_path, "--propose", floors)[0] == 0
    assert run("gate", release_folder, "--cases", tmp_path)[0] == 0  # meets what it proposed
    floors.write_text("[harassment]\ninsult = 1.0\n")
    policy = tmp_path / "policy.toml"  # nothing is ever recommended
    policy.write_text("".join(f"[labels.{label}]\nflag = false\nreport = false\nblock = false\n" for label in LABELS))
    code, out, _ = run("gate", release_folder, "--cases", tmp_path, "--policy", policy)
    assert code == 1
    assert "below the floor: harassment.insult" in out
    assert (
        run("gate", release_folder, "--cases", tmp_path, "--policy", policy, "--floors", tmp_path / "no.toml")[0] == 2
    )


def test_train_reports_or_refuses(run, trained, tmp_path, monkeypatch, file):
    cases = [Case("1", "insult", "en", "x y z", "hate", True)]
    cases += [Case(f"s/{g}", "identity", "en", f"I am {g}", "any", False, "s", g) for g in ("A", "B")]
    monkeypatch.setattr(behaviour, "read_cases", lambda: cases)
    monkeypatch.setattr(behaviour, "read_floors", lambda: Floors({"hate.insult": 1.0}))
    monkeypatch.setattr(training, "train", lambda *_, **__: trained)  # what it gives is not the question here
    arguments = ["train", "--examples", file, "--corpus", "none"]
    code, _, err = run(*arguments, "--out", tmp_path / "refused", "--gate")
    assert code == 2
    assert "hate.insult 0.0 % (0 of 1) is below its floor of 100 %" in " ".join(err.split())
    assert not (tmp_path / "refused").exists()
    code, out, _ = run(*arguments, "--out", tmp_path / "written")
    assert code == 0
    assert "behaviour gate not passed: hate.insult" in out
    stored = load_release(tmp_path / "written").record["behaviour"]
    assert (stored["passed"], stored["enforced"]) == (False, False)
    assert "Gate **not passed**" in (tmp_path / "written" / "CARD.md").read_text()


@pytest.mark.parametrize(("options", "code"), [([], 2), (["--no-gate"], 0)])
def test_our_own_data_is_held_to_the_gate(run, trained, tmp_path, monkeypatch, options, code):
    monkeypatch.setattr(
        behaviour, "read_floors", lambda: Floors({"any.ordinary_thanks": 1.0, "harassment.threat": 1.0})
    )
    monkeypatch.setattr(training, "train", lambda *_, **__: trained)
    found, _, err = run("train", "--corpus", "none", "--out", tmp_path / "mine", *options)
    assert (found, "harassment.threat" in err) == (code, code == 2)
    assert (tmp_path / "mine").exists() == (code == 0)
