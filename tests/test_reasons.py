"""Why something is recommended: reasons with spans, and scores taken apart."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.golden import GOLDEN
from classifier.guidelines import GUIDELINES, LABELS
from classifier.policy import Policy
from classifier.scoring import Classifier
from classifier.text import clean

HOSTILE = [
    "",
    " \n",
    "\ud800 you \udfff",
    "a\x00b\x1b[31m",
    "\u202eyou idiot\u202c",
    "ﷺ" * 300,
    "z1" * 300,
    "!" * 900,
    "𐍈𒀀",
]


def test_a_verdict_tells_everything(classifier_):
    verdict = classifier_.score("add me on wh4tsapp please, 555 0142", surface="comment")
    assert verdict.recommendation >= "flag"
    assert [*verdict.confidences] == [*LABELS]
    assert "personal_info" in verdict.labels
    assert verdict.advice.splitlines() == [GUIDELINES[reason.label].advice for reason in verdict.reasons]
    assert (verdict.known, verdict.surface, verdict.release) == (True, "comment", classifier_.release_id)
    reason = next(reason for reason in verdict.reasons if reason.label == "personal_info")
    assert reason.action == verdict.recommendation
    assert verdict.confidences["personal_info"] == reason.confidence >= reason.threshold
    assert reason.spans
    assert pickle.loads(pickle.dumps(verdict)) == verdict


def test_reasons_are_sorted_and_their_spans_are_in_the_text(classifier_, examples):
    for text in [*examples["text"][::2], *GOLDEN, *HOSTILE]:
        verdict = classifier_.score(text)
        severity = [(reason.action.level, reason.confidence) for reason in verdict.reasons]
        assert severity == sorted(severity, reverse=True)
        assert [GUIDELINES[reason.label].advice for reason in verdict.reasons] == verdict.advice.splitlines()
        assert {reason.label for reason in verdict.reasons} == {*verdict.labels}
        for reason in verdict.reasons:
            assert reason.confidence >= reason.threshold
            assert len(reason.spans) <= 3
            ends = [end for span in reason.spans for end in (span.start, span.end)]
            assert ends == sorted(ends)
            assert all(span.text == text[span.start : span.end] != "" for span in reason.spans)


@pytest.mark.parametrize(
    ("text", "disguised", "word"),
    [
        ("so, my t e l e g r a m, now", "t e l e g r a m", "telegram"),
        ("so, my tеlеgrаm now", "tеlеgrаm", "telegram"),
        ("add wh4tsaaaapp", "wh4tsaaaapp", "whatsapp"),
        ("my ｔｅｌｅｇｒａｍ!", "ｔｅｌｅｇｒａｍ", "telegram"),
        ("\ud83d my te\u200ble\u200bgram!", "te\u200ble\u200bgram", "telegram"),
    ],
)
def test_disguised_words_are_shown_as_they_were_written(classifier_, text, disguised, word):
    part = next(part for part in classifier_.explain(text).contributions if part.cleaned == word)
    assert part.span.text == disguised
    assert part.scores["personal_info"] > 0.05  # in our messages many speak of such programs and give nothing away
    everything = Classifier(classifier_.release, Policy(thresholds=np.zeros((6, 3), np.float32)))
    reason = next(reason for reason in everything.score(text).reasons if reason.label == "personal_info")
    assert any(disguised in span.text for span in reason.spans)


letters = st.text(st.sampled_from("you idiot 1.@é你ㅋд😀\u200b\x00\ud800love http"), max_size=40)


@settings(max_examples=150, deadline=None)
@given(text=letters | st.sampled_from(GOLDEN) | st.sampled_from(HOSTILE))
def test_explanations_add_up(classifier_, text):
    found = classifier_.explain(text)
    coefficients = classifier_.release.coefficients
    assert found.cleaned == clean(text)
    assert "".join(part.cleaned for part in found.contributions) == found.cleaned.replace(" ", "")
    for i, label in enumerate(LABELS):
        total = found.intercepts[label] + sum(part.scores[label] for part in found.contributions)
        assert found.scores[label] == pytest.approx(total, abs=1e-8)
        z = coefficients["slopes"][i] * found.scores[label] + coefficients["offsets"][i]
        assert found.verdict.confidences[label] == pytest.approx(1 / (1 + np.exp(-z)), abs=1e-5)
    ends = [end for part in found.contributions for end in (part.span.start, part.span.end)]
    assert all(0 <= end <= len(text) for end in ends)
    assert all(part.span.text == text[part.span.start : part.span.end] for part in found.contributions)
