import json
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from classifier.dossier import MAX_TEXT, Origin, dossier, file_name
from classifier.dossier_page import markdown
from classifier.guidelines import GUIDELINES, LABELS
from classifier.sender_findings import Basis, Sent
from classifier.sender_histories import history
from classifier.sender_partitions import Message
from classifier.sender_rules import SenderRules

ORIGIN = Origin("export.csv", "default@0123", "abcdef")
FULL = Basis(timed=True, recipients=True)
PARSE = MarkdownIt("commonmark").enable("table").parse


def message(row, text, *, label="harassment", level=2, spans=(), recipient="ana", when=0, time="2026-10-01", key=None):
    levels = bytes(level * (name == label) for name in LABELS)
    one = Sent(row, f"m{row}", recipient, time, when, "comment", None, key or str(row).encode(), 40, level, 3, levels)
    reason = {"label": label, "action": ["none", "flag", "report", "block"][level], "confidence": 0.97,
              "threshold": 0.88, "spans": [[a, b, text[a:b]] for a, b in spans]}  # fmt: skip
    return Message(one, text, json.dumps([reason] if level else []))


def made(*messages, sender="bob", masked=True, basis=FULL):
    rules = SenderRules(burst=timedelta(0))
    found = history(sender, [one.sent for one in messages], rules, basis=basis)
    by_row = {one.sent.row: one for one in messages}
    return dossier(found, [by_row[row] for row in found.evidence], ORIGIN, masked=masked)


def walked(tokens):
    for token in tokens:
        yield token
        yield from walked(token.children or [])


def test_it_holds_what_a_report_needs():
    found = made(message(1, "you fool", spans=[(4, 8)]), message(2, "go away fool", when=5, level=1))
    assert (found["sender"], found["profile"], found["recommendation"]) == ("bob", None, "report")
    assert (found["export"], found["release"], found["policy"]) == ("export.csv", "default@0123", "abcdef")
    assert found["counts"]["labels"] == {"harassment": {"flag": 1, "report": 1, "block": 0}}
    first = found["messages"][0]
    assert (first["id"], first["row"], first["time"], first["surface"], first["recipient"]) == (
        "m1", 1, "2026-10-01", "comment", "ana",
    )  # fmt: skip
    assert first["labels"][0]["clauses"] == [*GUIDELINES["harassment"].clauses]
    assert first["labels"][0]["spans"] == [[4, 8, "fool"]]
    assert (first["labels"][0]["confidence"], first["labels"][0]["threshold"]) == (0.97, 0.88)
    assert found["evidence"] == {"shown": 2, "found": 2}
    assert any("authorities" in step for step in found["steps"])
    assert json.loads(json.dumps(found)) == found
    page = markdown(found)
    assert "you ⟦fool⟧" in page
    assert "**harassment**: report, confidence 0.97, threshold 0.88; italki: Bullying and Harassment" in page
    assert "release `default@0123`; policy `abcdef`" in page


def test_steps_follow_the_labels_and_the_recommendation():
    blocked = made(message(1, "buy", label="spam", level=3))["steps"]
    assert blocked[0].startswith("Do not follow links")
    assert sum(step.startswith("Report the user") for step in blocked) == 1
    assert sum(step.startswith("Block the user") for step in blocked) == 1
    assert not any("authorities" in step for step in blocked)


def test_a_threat_is_named_and_its_advice_comes_first():
    threat = message(1, "i will find you")
    reasons = [reason | {"detail": "threat"} for reason in json.loads(threat.reasons)]
    found = made(threat._replace(reasons=json.dumps(reasons)))
    assert found["steps"][0].startswith("This reads as a threat")
    assert "- **harassment** (threat): report" in markdown(found)
    assert not any("threat: keep" in step for step in made(threat)["steps"])


def test_what_rules_find_names_its_clauses():
    pests = [message(i, f"hey {i}", level=0, when=i) for i in range(12)]
    found = made(*pests)
    assert found["recommendation"] == "report"
    [finding] = found["findings"]
    assert (finding["rule"], finding["clauses"]) == ("unanswered", [*GUIDELINES["harassment"].clauses])
    assert found["evidence"]["shown"] == 12, "the messages behind a finding are shown although none is raised"
    page = markdown(found)
    assert "12 contacts with ana without an answer" in page
    assert "## Messages by label" not in page


def test_contact_details_are_masked_and_spans_move_with_them():
    text = "write joe@example.com you fool, or mia@example.org"
    spans = [(6, 10), (22, 30), (0, 50)]
    found = made(message(1, text, spans=spans, recipient="ana@example.com"))
    [shown] = found["messages"]
    assert shown["text"] == "write [email] you fool, or [email]"
    assert shown["recipient"] == "[email]"
    assert shown["labels"][0]["spans"] == [[0, 34, shown["text"]]]
    assert "example." not in json.dumps(found) + markdown(found)
    [shown] = made(message(1, text, spans=spans[:2]))["messages"]
    assert [span[2] for span in shown["labels"][0]["spans"]] == ["[email]", "you fool"]
    assert "masked as [kind]" in found["masking"]


def test_unmasked_keeps_everything_and_says_so():
    text = "write joe@example.com"
    found = made(message(1, text, recipient="ana@example.com"), masked=False)
    assert (found["messages"][0]["text"], found["messages"][0]["recipient"]) == (text, "ana@example.com")
    assert "not masked" in found["masking"]


def test_a_recipient_is_masked_in_what_was_found_too():
    pests = [message(i, f"hey {i}", level=0, when=i, recipient="ana@example.com") for i in range(12)]
    found = made(*pests)
    assert "example.com" not in json.dumps(found) + markdown(found)
    assert "12 contacts with [email] without" in found["findings"][0]["sentence"]


def test_long_messages_and_many_are_cut_and_it_is_said():
    found = made(message(1, "fool " * 2000, spans=[(0, 4), (MAX_TEXT - 2, MAX_TEXT + 50), (9000, 9004)]))
    [shown] = found["messages"]
    assert (len(shown["text"]), shown["left_out"]) == (MAX_TEXT, 10_000 - MAX_TEXT)
    assert [span[:2] for span in shown["labels"][0]["spans"]] == [[0, 4], [MAX_TEXT - 2, MAX_TEXT]]
    assert "6,000 more characters are left out" in markdown(found)
    found = made(*(message(i, "fool", when=i) for i in range(300)))
    assert found["evidence"] == {"shown": 50, "found": 300}
    assert "50 of 300 that weighed" in markdown(found)


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.sampled_from("`~#*_[]()<>!&\\|-=+.\n\r\t ab:/@⟦⟧\u202e\x00\x0b\u2028") | st.characters(), max_size=60),
    st.text(st.sampled_from("`#*_[]()<>!&\\|-\n\r ab\u202e"), min_size=1, max_size=20),
)
@example("```\n# Heading\n<script>alert(1)</script>\n![x](http://e.example/x.png)", "</code><b>`")
@example("~~~~~~\n````````\n```", "``")
@example("\r```\r# x", "`")
@example("a\n\n\n    - [x](http://e.example)", "a|b")
def test_no_text_breaks_out_of_its_block(text, name):
    found = made(message(1, text, recipient=name, time=name), sender=name, masked=False)
    tokens = [*walked(PARSE(markdown(found)))]
    kinds = [token.type for token in tokens]
    assert not {"html_block", "html_inline", "link_open", "image", "code_block", "hr"} & {*kinds}
    assert kinds.count("fence") == 1
    headings = [tokens[i + 1].content for i, kind in enumerate(kinds) if kind == "heading_open"]
    assert headings == ["Evidence dossier", "What was found", "Messages by label", "Messages", "1. `m1`",
                        "Recommended steps", "Masking"]  # fmt: skip
    shown = next(token.content for token in tokens if token.type == "fence")
    assert not {*shown} & {*"\u202e\x00\x0b\r\u2028⟧"}
    assert shown.count("\n") == text.replace("\r\n", "\n").count("\n") + 1


@given(st.text(min_size=1))
@example("../../etc/passwd")
@example("CON")
@example("a/b\\c:d")
@example("\ud83d")
def test_file_names_stay_in_their_folder(sender):
    name = file_name(sender)
    assert name.isascii()
    assert name.replace("_", "").replace("-", "").isalnum()
    assert len(name) <= 60
    assert file_name(sender + "x") != name


@pytest.mark.parametrize("pair", [("a.b", "a_b"), ("Amy", "amy"), ("é", "è"), (" ", "  ")])
def test_senders_of_like_names_have_files_of_their_own(pair):
    assert file_name(pair[0]).lower() != file_name(pair[1]).lower()


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=5))
def test_spans_are_of_the_text_shown(text, spans):
    text = f"{text} joe@example.com {text}"
    spans = [(min(a, b, len(text)), min(max(a, b), len(text))) for a, b in spans]
    [shown] = made(message(1, text, spans=spans))["messages"]
    for start, end, part in (span for label in shown["labels"] for span in label["spans"]):
        assert shown["text"][start:end] == part != ""
