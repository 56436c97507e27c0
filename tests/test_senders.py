import csv
import json
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import sender_partitions
from classifier.cli import cli
from classifier.errors import MessagesError, PolicyError
from classifier.messages import Columns, read_messages
from classifier.policy import Action, Policy, SurfaceRule
from classifier.policy_file import read_policy
from classifier.sender_findings import Basis, Sent
from classifier.sender_histories import MAX_EVIDENCE, history
from classifier.sender_rules import SenderRules, read_sender_rules, sender_rules
from classifier.sender_table import SENDER_COLUMNS
from classifier.senders import review_senders
from classifier.severity import DETAILS

SAMPLE = Path(__file__).parents[1] / "data" / "samples" / "export.csv"
RULES = SenderRules()
FULL = Basis(timed=True, recipients=True)
HOUR = 3_600_000_000
DAY = 24 * HOUR
START = datetime(2026, 10, 1, tzinfo=UTC)


class Fake:
    """Finds the level after an exclamation mark, as spam: ``"buy !2"`` is a report; ``"sad"`` is distress."""

    release_id = "fake@0"

    def __init__(self, policy=None):
        self.policy = policy or Policy()

    def recommend(self, texts, surfaces):
        texts = [str(text) for text in texts]
        levels = np.zeros((len(texts), 6), np.uint8)
        levels[:, 2] = [int(text.partition("!")[2][:1] or 0) for text in texts]
        names = ["none", "flag", "report", "block"]
        reasons = [
            json.dumps([{"label": "spam", "detail": "distress" if "sad" in text else None, "action": names[level],
                         "confidence": 0.9, "threshold": 0.5,
                         "spans": [[text.index("!"), text.index("!") + 2, "!x"]]}] if level else [])
            for text, level in zip(texts, levels[:, 2].tolist(), strict=True)
        ]  # fmt: skip
        details = np.zeros((len(texts), len(DETAILS)), bool)
        details[:, DETAILS.index("distress")] = ["sad" in text for text in texts]
        return SimpleNamespace(
            label_actions=levels, actions=levels.max(axis=1, initial=0), reasons=reasons, details=details
        )


def sent(row, *, level=0, when=None, to="ana", text=None, ceiling=3, width=50, distress=False):
    key = (text or f"text {row}").encode()
    labels = bytes([0, 0, level, 0, 0, 0])
    time = None if when is None else (START + timedelta(microseconds=when)).isoformat()
    return Sent(row, f"m{row}", to, time, when, "comment", None, key, width, level, ceiling, labels, distress)


def rules_found(found):
    return {finding.rule: finding for finding in found.findings}


# Rules


def test_flags_within_a_window_make_a_report_and_spread_out_they_do_not():
    close = [sent(i, level=1, when=i * DAY) for i in range(3)]
    far = [sent(i, level=1, when=i * 8 * DAY) for i in range(3)]
    found = history("bob", close, RULES, basis=FULL)
    assert (found.recommendation, found.flags) == (Action.REPORT, 3)
    assert rules_found(found)["flags"].messages == ("m0", "m1", "m2")
    assert "3 of 3 messages within 7 days at flag or above" in rules_found(found)["flags"].sentence
    found = history("bob", far, RULES, basis=FULL)
    assert (found.recommendation, found.flags) == (Action.FLAG, 1)


def test_a_window_is_closed_at_both_ends():
    edge = [sent(0, level=1, when=0), sent(1, level=1, when=1), sent(2, level=1, when=7 * DAY)]
    assert history("bob", edge, RULES, basis=FULL).recommendation == Action.REPORT
    edge[2] = sent(2, level=1, when=7 * DAY + 1)
    assert history("bob", edge, RULES, basis=FULL).recommendation == Action.FLAG


def test_a_few_flags_among_many_messages_are_chance():
    flags = [sent(i, level=1, when=i * HOUR) for i in range(3)]
    for harmless, expected in ((27, Action.REPORT), (28, Action.FLAG)):
        talk = [sent(10 + i, when=6 * HOUR + i) for i in range(harmless)]
        assert history("bob", flags + talk, RULES, basis=FULL).recommendation == expected
        before = [sent(10 + i, when=-6 * HOUR + i) for i in range(harmless)]
        assert history("bob", flags + before, RULES, basis=FULL).recommendation == expected


def test_reports_within_a_window_make_a_block():
    found = history("bob", [sent(i, level=2, when=i) for i in range(3)], RULES, basis=FULL)
    assert (found.recommendation, found.reports) == (Action.BLOCK, 3)
    assert "flags" not in rules_found(found), "the same three messages are not told twice"
    without = replace(RULES, reports_to_block=None)
    assert history("bob", [sent(i, level=2, when=i) for i in range(3)], without, basis=FULL).reports == 3
    assert history("bob", [sent(i, level=2, when=i) for i in range(3)], without, basis=FULL).recommendation == "report"


def test_what_a_surface_allows_only_to_flag_makes_no_report():
    swaps = [sent(i, level=1, when=i, ceiling=1) for i in range(9)]
    assert history("bob", swaps, RULES, basis=FULL).recommendation == Action.FLAG
    capped = [sent(i, level=2, when=i, ceiling=2) for i in range(9)]
    assert history("bob", capped, RULES, basis=FULL).recommendation == Action.REPORT


def test_contacts_count_since_the_last_answer():
    messages = [sent(i, when=i * DAY) for i in range(12)]
    found = history("bob", messages, RULES, basis=FULL)
    assert (found.recommendation, found.unanswered) == (Action.REPORT, 12)
    assert "12 contacts with ana without an answer" in rules_found(found)["unanswered"].sentence
    for answered, count, expected in ((5, 6, "flag"), (6, 5, "flag"), (7, 4, "none"), (11, 0, "none")):
        found = history("bob", messages, RULES, basis=FULL, answers={"ana": answered * DAY, "eve": 99 * DAY})
        assert (found.unanswered, found.recommendation) == (count, expected)
    assert history("bob", messages, RULES, basis=FULL, answers={"ana": float("inf")}).unanswered == 0


def test_a_burst_is_one_contact():
    burst = [sent(i, when=i * 1_000_000) for i in range(30)]
    assert history("bob", burst, RULES, basis=FULL).unanswered == 1
    # ... but not one that never ends: a contact is over when the length of a burst is.
    drip = [sent(i, when=i * 9 * 60_000_000) for i in range(30)]
    assert history("bob", drip, RULES, basis=FULL).unanswered == 15


def test_copies_go_by_recipients():
    for count, expected in ((4, "none"), (5, "flag"), (19, "flag"), (20, "report"), (500, "report")):
        copies = [sent(i, when=i, to=f"r{i}", text="the same") for i in range(count)]
        found = history("bob", copies, RULES, basis=FULL)
        assert (found.recommendation, found.copies) == (expected, count)
    again = [sent(i, when=i, to="ana", text="the same") for i in range(50)]
    assert history("bob", again, RULES, basis=FULL).copies == 1
    small_talk = [sent(i, when=i, to=f"r{i}", text="hi", width=29) for i in range(50)]
    assert history("bob", small_talk, RULES, basis=FULL).recommendation == "none"


def test_the_same_message_twice_counts_once_and_the_severest_stands():
    twice = [
        sent(0, level=1, when=0, text="x"),
        sent(1, level=2, when=5, text="x"),
        sent(2, when=9, text="x", to="eve"),
    ]
    found = history("bob", twice, RULES, basis=FULL)
    assert (found.messages, found.duplicates, found.actions["report"], found.actions["flag"]) == (3, 1, 1, 0)
    assert found.actions["none"] == 1, "to somebody else it is another message"
    assert history("bob", [sent(i, level=2, when=i, text="x") for i in range(9)], RULES, basis=FULL).reports == 1


def test_distress_never_raises():
    sad = [sent(i, level=3, when=i * DAY, to="ana" if i % 2 else f"r{i}", distress=True) for i in range(60)]
    sad += [sent(100 + i, level=3, when=i, to=f"r{i}", text="same", distress=True) for i in range(60)]
    found = history("bob", sad, RULES, basis=FULL)
    assert found.recommendation == Action.NONE
    assert not found.findings
    assert (found.distress, found.evidence, sum(map(sum, (row.values() for row in found.labels.values())))) == (
        120,
        (),
        0,
    )
    assert any("distress" in note for note in found.notes)


def test_the_distress_of_a_release_is_read_from_its_reasons(tmp_path):
    rows = [{"id": i, "text": f"so sad {i} !3", "sender": "bob", "sent_at": START.isoformat()} for i in range(5)]
    [bob] = review_senders(Fake(), written(tmp_path / "e.csv", rows), tmp_path / "out").severest
    assert (bob["recommendation"], bob["distress"], bob["actions"]["none"]) == ("none", 5, 5)


def test_without_times_windows_go_by_order():
    untimed = Basis(timed=False, recipients=True)
    rules = replace(RULES, window_messages=10, flags_share=0)
    near = [sent(i, level=int(i in (0, 4, 9))) for i in range(20)]
    found = history("bob", near, rules, basis=untimed)
    assert found.recommendation == "report"
    assert "within 10 messages" in rules_found(found)["flags"].sentence
    assert any("order of its rows" in note for note in found.notes)
    near = [sent(i, level=int(i in (0, 4, 10)), to=f"r{i}") for i in range(20)]
    assert history("bob", near, rules, basis=untimed).recommendation == "flag"
    assert history("bob", [sent(i) for i in range(20)], rules, basis=untimed, answers={"ana": 15}).unanswered == 4


def test_without_recipients_nothing_is_said_of_contacts_and_copies():
    rows = [sent(i, when=i * DAY, to=None, text="x") for i in range(50)]
    found = history("bob", rows, RULES, basis=Basis(timed=True, recipients=False))
    assert (found.recommendation, found.unanswered, found.copies) == ("none", 0, 0)
    assert any("no recipients" in note for note in found.notes)


def test_a_message_without_a_readable_time_is_in_no_window():
    rows = [sent(i, level=1, when=None if i == 1 else i) for i in range(3)]
    found = history("bob", rows, RULES, basis=FULL)
    assert (found.flags, found.recommendation, found.actions["flag"]) == (2, "flag", 3)
    assert any(note.startswith("1 messages without a readable time") for note in found.notes)


def test_who_writes_to_himself_pesters_nobody():
    notes = [sent(i, when=i * DAY, to="bob") for i in range(50)]
    assert history("bob", notes, RULES, basis=FULL).recommendation == "none"


messages = st.builds(
    lambda row, level, when, to, text, ceiling, distress: sent(
        row, level=min(level, ceiling), when=when, to=to, text=text, ceiling=ceiling, distress=distress
    ),
    st.integers(0, 10**6), st.integers(0, 3), st.none() | st.integers(0, 30 * DAY),
    st.none() | st.sampled_from([f"r{i}" for i in range(25)] + ["bob"]), st.none() | st.sampled_from("abc"),
    st.integers(1, 3), st.booleans(),
)  # fmt: skip
some = st.lists(messages, max_size=30, unique_by=lambda one: one.row)
bases = st.builds(Basis, st.booleans(), st.booleans())


@settings(max_examples=30, deadline=None)
@given(some, bases, st.randoms(use_true_random=False))
def test_histories_hold_what_they_promise(rows, basis, rng):
    found = history("bob", rows, RULES, basis=basis)
    assert found.messages == len(rows) == sum(found.actions.values()) + found.duplicates
    sad = {(row.key, row.recipient) for row in rows if row.distress}  # a copy of these raises nothing either
    raised = [row for row in rows if row.level and (row.key, row.recipient) not in sad]
    if found.recommendation == Action.BLOCK:
        assert raised, "rules of time and number alone never block"
    if found.recommendation > Action.NONE:
        assert found.findings
        assert found.evidence
    assert found.recommendation.level >= max((row.level for row in raised), default=0)
    assert len(found.evidence) <= MAX_EVIDENCE
    assert {*found.evidence} <= {row.row for row in rows if not row.distress}
    shuffled = rng.sample(rows, len(rows))
    assert history("bob", shuffled, RULES, basis=basis) == found


@settings(max_examples=20, deadline=None)
@given(some, bases)
def test_without_raised_messages_a_report_is_the_most(rows, basis):
    calm = [row._replace(level=0) for row in rows]
    assert history("bob", calm, RULES, basis=basis).recommendation <= Action.REPORT


# The table of a policy


def test_rules_are_read_from_the_policy_file_and_back(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text('[senders]\nwindow = "36 hours"\ncopies_to_flag = false\nflags_share = 0\n')
    rules = read_sender_rules(path)
    assert (rules.window, rules.copies_to_flag, rules.flags_share) == (timedelta(hours=36), None, 0.0)
    assert sender_rules(rules.as_dict()) == rules
    assert sender_rules(read_policy(path).senders) == rules
    assert sender_rules({}) == RULES


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ('windw = "7 days"', "'windw' is unknown; use one of window,"),
        ('window = "soon"', 'no length of time; write "7 days"'),
        ('window = "0 days"', "no length of time"),
        ("window = 7", "no length of time"),
        ("flags_to_report = true", "no whole number from 2; write false"),
        ("flags_to_report = 1", "no whole number from 2"),
        ("flags_share = 1.5", "no share from 0 to 1"),
        ("flags_share = true", "no share from 0 to 1"),
        ("window_messages = false", "no whole number from 2"),
        ("unanswered_to_flag = 11", "is more than unanswered_to_report = 10"),
    ],
)
def test_wrong_rules_are_refused_with_the_key(tmp_path, table, what):
    path = tmp_path / "policy.toml"
    path.write_text(f"[senders]\n{table}\n")
    with pytest.raises(PolicyError, match=f"senders.*{what}"):
        read_sender_rules(path)


# The envelope of a message


def test_every_format_carries_the_envelope(tmp_path):
    moment = datetime(2026, 10, 24, 4, 40, 12, tzinfo=UTC)
    (tmp_path / "e.csv").write_text("From,To,text,Timestamp,profile\nbob,,hi,5,u/bob\nx,y\nana,bob,yo,,\n")
    lines = ['{"from": "bob", "text": "hi", "timestamp": 5, "profile": "u/bob"}', "{}",
             '{"from": "ana", "to": "bob", "text": "yo", "timestamp": null}']  # fmt: skip
    (tmp_path / "e.jsonl").write_text("\n".join(lines))
    columns = {"from": ["bob", None, "ana"], "to": [None, None, "bob"], "text": ["hi", None, "yo"],
               "timestamp": [5, None, None], "profile": ["u/bob", None, None]}  # fmt: skip
    pq.write_table(pa.table(columns), tmp_path / "e.parquet")
    for name in ("e.csv", "e.jsonl", "e.parquet"):
        [batch] = read_messages(tmp_path / name)
        assert (batch.senders, batch.recipients) == (["bob", "ana"], [None, "bob"])
        assert (batch.times, batch.profiles) == (["5", None], ["u/bob", None])
    times = pa.array([moment], pa.timestamp("ns", "UTC"))
    pq.write_table(pa.table({"text": ["hi"], "created_at": times, "user_id": [7]}), tmp_path / "t.parquet")
    [batch] = read_messages(tmp_path / "t.parquet")
    assert (batch.senders, batch.times) == (["7"], [moment.isoformat()])
    assert batch.recipients is batch.profiles is None


def test_an_envelope_named_on_purpose_must_be_there(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("text,who,sender\nhi,bob,x\n")
    [batch] = read_messages(path, columns=Columns(sender="who"))
    assert batch.senders == ["bob"]
    with pytest.raises(MessagesError, match="--recipient-column"):
        list(read_messages(path, columns=Columns(recipient="whom")))


# An export end to end


def written(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["id", "text", "surface", "sender", "recipient", "sent_at"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def made(n, senders, seed=5):
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        who, whom = rng.choice(senders), rng.choice(senders)
        text = rng.choice([f"hello {i}", "join us today and earn money from home !2", f"you {i} !1", "hi", "sad !3"])
        moment = START + timedelta(minutes=rng.randrange(60_000))
        rows.append({"id": f"m{i:05}", "text": text, "surface": rng.choice(["comment", "private_message", ""]),
                     "sender": who, "recipient": rng.choice([whom, ""]),
                     "sent_at": rng.choice([moment.isoformat(), moment.isoformat(), "?"])})  # fmt: skip
    return rows


def table_of(path):
    return [*csv.DictReader(path.read_text(encoding="utf-8").splitlines())]


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return written(
        tmp_path_factory.mktemp("made") / "export.csv", made(1200, [f"s{i}" for i in range(80)] + ["big"] * 40)
    )


@pytest.fixture(scope="module")
def whole(export, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "out"
    return review_senders(Fake(), export, folder, partitions=1), content(folder)


@pytest.mark.parametrize(("partitions", "held", "batch_size"), [(64, 10**6, 8192), (3, 40, 100), (1, 200, 50)])
def test_partitions_change_nothing(export, whole, tmp_path, monkeypatch, partitions, held, batch_size):
    monkeypatch.setattr(sender_partitions, "_BUFFERED", 500)
    held = max(held, max(Counter(row["sender"] for row in table_of(export)).values()))
    parts = review_senders(Fake(), export, tmp_path / "out", partitions=partitions, held=held, batch_size=batch_size)
    assert content(tmp_path / "out") == whole[1]
    expected = replace(whole[0], source=parts.source, target=parts.target, seconds=parts.seconds)
    assert parts == expected


def test_partitions_are_split_until_they_can_be_held(export, tmp_path, monkeypatch):
    sizes = []
    groups = sender_partitions.groups

    def watched(partition, **options):
        sizes.append((partition.rows, len(partition.owners)))
        return groups(partition, **options)

    monkeypatch.setattr("classifier.senders.groups", watched)
    report = review_senders(Fake(), export, tmp_path / "out", partitions=2, held=100)
    assert all(rows <= 100 or owners == 1 for rows, owners in sizes)
    assert report.senders == 81


def test_the_order_of_the_export_changes_nothing_but_row_numbers(export, whole, tmp_path):
    rows = table_of(export)
    random.Random(1).shuffle(rows)
    path = written(tmp_path / "export.csv", rows)
    review_senders(Fake(), path, tmp_path / "out")
    mixed = content(tmp_path / "out")
    for name in ("senders.csv", "senders.jsonl"):
        assert mixed[name] == whole[1][name]


def test_every_row_and_sender_is_accounted_for(whole, export):
    report, files = whole
    rows = table_of(export)
    assert (report.rows, report.scored, report.set_aside) == (1200, 1200, 0)
    table = list(csv.DictReader(files["senders.csv"].decode().splitlines()))
    assert [*table[0]] == [*SENDER_COLUMNS]
    assert {row["sender"]: int(row["messages"]) for row in table} == Counter(row["sender"] for row in rows)
    lines = [json.loads(line) for line in files["senders.jsonl"].splitlines()]
    assert [line["sender"] for line in lines] == [row["sender"] for row in table]
    order = [(-Action(line["recommendation"]).level, line["sender"]) for line in lines]
    assert order == sorted(order)
    assert report.recommendations == {a.value: sum(line["recommendation"] == a for line in lines) for a in Action}
    assert report.severest == tuple(lines[:10])
    due = [line for line in lines if line["recommendation"] in ("report", "block")]
    assert len(due) == report.to_report == report.dossiers
    assert len([name for name in files if name.endswith(".md")]) == len(due)
    assert report.unreadable_times == sum(row["sent_at"] == "?" for row in rows)


def test_the_limit_keeps_the_severest(export, whole, tmp_path):
    report = review_senders(Fake(), export, tmp_path / "out", limit=3, partitions=7)
    files = content(tmp_path / "out")
    assert (report.dossiers, report.to_report) == (3, whole[0].to_report)
    first = [json.loads(line)["sender"] for line in files["senders.jsonl"].splitlines()[:3]]
    kept = {name: data for name, data in files.items() if name.startswith("dossiers/")}
    assert sorted(json.loads(data)["sender"] for name, data in kept.items() if name.endswith("json")) == sorted(first)
    assert all(whole[1][name] == data for name, data in kept.items())
    assert any("the first 3 have a dossier" in note for note in report.notes)
    assert review_senders(Fake(), export, tmp_path / "none", limit=0).dossiers == 0


def test_an_answer_in_the_other_direction_ends_a_run(tmp_path):
    def rows(answer):
        for i in range(12):
            yield {"id": i, "text": f"are you there {i}", "sender": "bob", "recipient": "ana",
                   "sent_at": (START + timedelta(days=i)).isoformat()}  # fmt: skip
        if answer is not None:
            yield {"id": 99, "text": "yes", "sender": "ana", "recipient": "bob", "sent_at": answer}

    for answer, expected in ((None, 12), ((START + timedelta(days=9)).isoformat(), 2), ("some day", 0)):
        path = written(tmp_path / "e.csv", rows(answer))
        report = review_senders(Fake(), path, tmp_path / "out")
        bob = next(found for found in report.severest if found["sender"] == "bob")
        assert bob["unanswered"] == expected


def test_a_sender_larger_than_memory_is_searched_up_to_a_limit(tmp_path):
    rows = [{"id": i, "text": f"hello {i}" + " !1" * (i >= 900), "sender": "big", "recipient": "",
             "sent_at": (START + timedelta(days=i)).isoformat()} for i in range(1000)]  # fmt: skip
    report = review_senders(Fake(), written(tmp_path / "e.csv", rows), tmp_path / "out", held=100)
    [big] = report.severest
    assert (big["messages"], big["actions"]["none"], big["actions"]["flag"]) == (1000, 100, 100)
    assert "200 of 1,000 messages were searched, the raised ones first" in big["notes"]


def test_the_policy_of_a_surface_holds_for_senders(tmp_path):
    rows = [{"id": i, "text": f"call {i} !1", "surface": "private_message", "sender": "bob",
             "sent_at": START.isoformat()} for i in range(9)]  # fmt: skip
    path = written(tmp_path / "e.csv", rows)
    for rule, expected in ((SurfaceRule(Action.FLAG), "flag"), (SurfaceRule(), "report")):
        policy = Policy(surfaces={"private_message": {"spam": rule}})
        assert review_senders(Fake(policy), path, tmp_path / "out").recommendations[expected] == 1


def test_rows_without_a_sender_and_rows_set_aside_are_told(tmp_path):
    path = tmp_path / "e.jsonl"
    lines = ['{"id": 1, "text": "x !2", "sender": null}', '{"id": 2, "text": null, "sender": "bob"}',
             '{"id": 3, "text": "half \\ud83d !2", "sender": "b\\ud83db"}']  # fmt: skip
    path.write_text("\n".join(lines))
    report = review_senders(Fake(), path, tmp_path / "out")
    assert (report.rows, report.scored, report.set_aside, report.without_sender, report.senders) == (3, 2, 1, 1, 1)
    assert (tmp_path / "out" / "set-aside.csv").read_text().count("the text is null") == 1
    [data] = (tmp_path / "out" / "dossiers").glob("*.json")
    assert json.loads(data.read_text())["messages"][0]["text"] == "half \ud83d !2"
    assert json.dumps(report.as_dict())
    path.write_text(lines[2])
    review_senders(Fake(), path, tmp_path / "out")
    assert not (tmp_path / "out" / "set-aside.csv").exists(), "an earlier run's list would speak of another export"


def test_an_export_without_rows_gives_an_empty_table(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("id,text,sender\n")
    report = review_senders(Fake(), path, tmp_path / "out")
    assert (report.rows, report.senders, report.severest) == (0, 0, ())
    assert (tmp_path / "out" / "senders.jsonl").read_text() == ""


def test_errors_leave_nothing_behind_and_an_earlier_run_as_it_was(tmp_path, export):
    path = tmp_path / "e.csv"
    path.write_text("id,text\n1,hi\n")
    with pytest.raises(MessagesError, match="no column says who sent a message; name it with --sender-column"):
        review_senders(Fake(), path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    review_senders(Fake(), export, tmp_path / "out")
    before = content(tmp_path / "out")

    class Broken(Fake):
        def recommend(self, texts, surfaces):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        review_senders(Broken(), export, tmp_path / "out")
    assert content(tmp_path / "out") == before


def test_somebody_elses_files_are_not_touched(tmp_path, export):
    (tmp_path / "out" / "dossiers").mkdir(parents=True)
    with pytest.raises(MessagesError, match="no earlier run has left"):
        review_senders(Fake(), export, tmp_path / "out")
    (tmp_path / "file").write_text("x")
    with pytest.raises(MessagesError, match="this is a file"):
        review_senders(Fake(), export, tmp_path / "file")
    own = tmp_path / "senders.csv"
    own.write_bytes(export.read_bytes())
    with pytest.raises(MessagesError, match="would replace the export"):
        review_senders(Fake(), own, tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    review_senders(Fake(), export, tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "x"


def test_the_command_reviews_the_sample(tmp_path):
    done = CliRunner().invoke(cli, ["senders", str(SAMPLE), "-o", str(tmp_path / "out")], catch_exceptions=False)
    assert done.exit_code == 0
    assert "211 rows = 211 scored + 0 set aside" in done.output
    rows = table_of(tmp_path / "out" / "senders.csv")
    sample = table_of(SAMPLE)
    assert {row["sender"] for row in rows} == {row["sender"] for row in sample}
    pest = next(row for row in rows if row["sender"] == "mike_alone_77")
    assert int(pest["unanswered"]) == 7, "seven messages to one member who never wrote back"
    assert Action(pest["recommendation"]) >= Action.FLAG, "whatever the model makes of them"
    folder = tmp_path / "out" / "dossiers"
    dossiers = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    assert "amy_growth88" in {found["sender"] for found in dossiers}, "one advert to many members"
    known = {(row["id"], row["sender"]) for row in sample}
    assert all((message["id"], found["sender"]) in known for found in dossiers for message in found["messages"])
    assert (tmp_path / "out" / "senders.jsonl").read_text(encoding="utf-8").count("\n") == len(rows)
