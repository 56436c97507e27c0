"""What a person is shown of a score: sums that match, evasions undone, why nothing is recommended, all escaped."""

import io
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from classifier.cli import cli
from classifier.explain_view import as_dict, as_html, as_rich, heat, label_rows, remarks, undone, visible
from classifier.guidelines import LABELS
from classifier.policy import Action, Policy, SurfaceRule
from classifier.scoring import Classifier

TEXTS = [
    "you stupid pathetic idiot, nobody wants you here",
    "y0u st\u200bupid 1d10t!!!",
    "add me on whatsapp +1 555 0142 007",
    "  see you\ntomorrow ",
    "你好吗 😂😂 привет",
    "ﷺ ½ ㎏ ﬁne",  # single characters that are spelled out
    "<script>alert(1)</script> & \"you\" 'idiot'",
    "x",
    "",
]


def printed(explanation, **options):
    console = Console(width=160, file=io.StringIO(), **options)
    console.print(as_rich(explanation))
    return console.file.getvalue()


def with_policy(classifier_, **thresholds):
    """The classifier where labels have the thresholds given, and the others none."""
    table = np.full((6, 3), np.nan, np.float32)
    for label, limits in thresholds.items():
        table[LABELS.index(label)] = limits
    return Classifier(classifier_.release, Policy(thresholds=table))


@pytest.mark.parametrize("text", TEXTS)
def test_sums_match_the_scores_and_scores_the_confidences(classifier_, text):
    explanation = classifier_.explain(text)
    numbers = classifier_.release.coefficients
    for i, row in enumerate(label_rows(explanation)):
        assert row.label == LABELS[i]
        assert row.intercept + row.words == pytest.approx(row.score, abs=1e-9)
        confidence = 1 / (1 + math.exp(-(numbers["slopes"][i] * row.score + numbers["offsets"][i])))
        assert row.confidence == pytest.approx(confidence, abs=1e-5)
        stated = [float(part) for part in re.findall(r"[+-]\d+\.\d{3}", row.sum)]
        assert stated == [round(x, 3) + 0.0 for x in (row.intercept, row.words, row.score)]


@pytest.mark.parametrize("text", TEXTS)
def test_heat_covers_the_whole_text_with_all_that_the_words_add(classifier_, text):
    explanation = classifier_.explain(text)
    for label in LABELS:
        stretches = heat(explanation, label)
        assert "".join(part for part, _, _ in stretches) == text
        assert all(-1 <= share <= 1 for _, _, share in stretches)
        if len({part.span for part in explanation.contributions}) == len(explanation.contributions):
            added = sum(weight for _, weight, _ in stretches)
            assert added == pytest.approx(sum(part.scores[label] for part in explanation.contributions), abs=1e-9)


def test_the_nearest_threshold_is_that_of_the_surface(classifier_):
    scorer = with_policy(classifier_, harassment=[0.01, 0.5, 0.999])
    ruled = replace(scorer.policy, surfaces={"post": {"harassment": SurfaceRule(Action.FLAG, 0.02)}})
    row = label_rows(scorer.explain("you stupid idiot"))[0]
    assert row.nearest in {("report", 0.5), ("block", float(np.float32(0.999)))}
    row = label_rows(Classifier(scorer.release, ruled).explain("you stupid idiot", surface="post"))[0]
    assert row.nearest == ("flag", pytest.approx(0.03))
    assert row.distance == f"flag from 0.030: {row.confidence - 0.03:+.3f}"
    assert label_rows(scorer.explain("hi"))[1].distance == "no action offered"


def test_evasions_are_shown_with_what_is_hidden_in_them(classifier_):
    pairs = undone(classifier_.explain("Café YOU st\u200bupid 1d10t 1d10t \u202egood"))
    assert pairs[:2] == [("st⟨U+200B⟩upid", "stupid"), ("1d10t", "idiot")]
    assert len(pairs) == len({*pairs})
    assert visible("می\u200cخواهم 👩\u200d👧") == "می\u200cخواهم 👩\u200d👧"  # joiners that belong there


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is nothing to read in it"),
        (" \n", "there is nothing to read in it"),
        ("a", "it is too little text to judge"),
    ],
)
def test_why_a_text_is_not_judged(classifier_, text, said):
    assert remarks(classifier_.explain(text)) == [f"nothing is recommended: {said}"]


def test_why_an_unknown_word_is_not_judged(classifier_):
    explanation = classifier_.explain("a")
    silent = tuple(replace(part, scores=dict.fromkeys(LABELS, 0.0)) for part in explanation.contributions)
    unknown = replace(explanation, contributions=silent)
    assert remarks(unknown) == ["nothing is recommended: nothing in it is known to the model"]


def test_why_nothing_is_recommended(classifier_):
    text = "you stupid idiot"
    confidence = classifier_.score(text).confidences["harassment"]
    limit = (1 + confidence) / 2
    [remark] = remarks(with_policy(classifier_, harassment=[np.nan, limit, np.nan]).explain(text))
    assert remark == (
        f"nothing is recommended: harassment is at {confidence:.3f}, report starts at {np.float32(limit):.3f}"
    )
    first, second = remarks(with_policy(classifier_, hate=[1.0, 1.0, 1.0]).explain(text))
    assert first.endswith(f"harassment at {confidence:.3f}, for which no action is offered")
    assert second.startswith("nearest to an action: hate is at ")
    ruled = replace(
        with_policy(classifier_, harassment=[0.01, 0.02, np.nan]).policy,
        surfaces={
            "post": {"harassment": SurfaceRule(Action.NONE)},
            "comment": {"harassment": SurfaceRule(shift=-0.005)},
        },
    )
    scorer = Classifier(classifier_.release, ruled)
    assert remarks(scorer.explain(text, surface="post"))[-1] == (
        "harassment would be report elsewhere; the rule of post: at most none"
    )
    assert remarks(scorer.explain(text, surface="comment")) == []


# ---- HTML ----


class Tags(HTMLParser):
    """Every tag, and the text between them."""

    def __init__(self, html):
        super().__init__()
        self.open, self.seen, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("text", TEXTS)
def test_html_is_whole_escaped_and_without_colours_of_its_own(classifier_, text):
    html = classifier_.explain(text, surface="comment")._repr_html_()
    page = Tags(html)
    assert page.open == []
    assert {tag for tag, _ in page.seen} <= {"div", "b", "span", "table", "tr", "th", "td", "small"}
    assert {key for _, attributes in page.seen for key in attributes} <= {"style", "dir", "title"}
    if text.strip():
        assert visible(text) in page.text
    # a tint over whatever the page has, and its own letters
    assert "color:" not in html
    assert {*re.findall(r"background: (\w+)", html)} == {"rgba"}
    assert all(label in page.text for label in LABELS)


def test_html_shades_by_what_words_add(classifier_):
    scorer = with_policy(classifier_, harassment=[0.01, 0.02, 0.03], hate=[0.0, 1.0, 1.0])
    explanation = scorer.explain("tomorrow you stupid idiot")
    page = Tags(as_html(explanation))
    shades = [attributes for tag, attributes in page.seen if tag == "span" and "title" in attributes]
    largest = max(explanation.contributions, key=lambda part: part.scores["harassment"])
    [strongest] = [s for s in shades if s["title"] == f"{largest.scores['harassment']:+.3f}" and "0.60" in s["style"]][
        :1
    ]
    assert "220, 50, 47" in strongest["style"]
    assert sum(tag == "span" and "dir" in attributes for tag, attributes in page.seen) == 2  # labels with an action
    nothing = with_policy(classifier_).explain("tomorrow you stupid idiot")
    assert (
        sum(tag == "span" and "dir" in attributes for tag, attributes in Tags(as_html(nothing)).seen) == 2
    )  # the top two


# ---- terminal and JSON ----


def test_the_terminal_has_colours_and_no_codes_of_the_text(classifier_):
    text = "you st\u200bupid [red]1d10t[/red]\x1b[2J"
    explanation = with_policy(classifier_, harassment=[0.01, 0.02, 0.03]).explain(text)
    coloured = printed(explanation, force_terminal=True, color_system="truecolor")
    assert "\x1b[2J" not in coloured
    assert re.search(r"\x1b\[[\d;]*48;2;", coloured), "a background"
    plain = printed(explanation)
    assert f"harassment: {visible(text)}" in plain
    assert "undone: st⟨U+200B⟩upid read as stupid" in plain
    assert "[red]" in plain
    assert label_rows(explanation)[0].sum in plain


def test_json_of_the_command_is_that_of_the_explanation(classifier_, release_folder):
    command = ["explain", "you 1d10t", "--surface", "comment", "--json", "--release", str(release_folder)]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found == json.loads(json.dumps(as_dict(classifier_.explain("you 1d10t", surface="comment"))))
    for label, entry in found["labels"].items():
        words = sum(part["scores"][label] for part in found["contributions"])
        assert entry["intercept"] + words == pytest.approx(entry["score"], abs=1e-9)
    assert found["undone"] == [["1d10t", "idiot"]]
