"""The release that is shipped: sealed, small, and right about what nobody would argue over."""

import hashlib
import json
import os
import shlex
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

import classifier
from classifier.assembly import our_messages
from classifier.cli import cli
from classifier.corpora import load_registry
from classifier.dataset import load_messages
from classifier.golden import GOLDEN
from classifier.guidelines import LABELS
from classifier.release import load_release

ROOT = Path(__file__).parents[1]
FOLDER, DATA = ROOT / "models" / "default", ROOT / "data"
if not (FOLDER / "release.json").is_file():
    pytest.skip("models/default is not there: train it with `classifier train`", allow_module_level=True)

VIOLATIONS = [
    ("harassment", "You are a stupid worthless idiot and everybody here hates you, go kill yourself"),
    ("harassment", "eres una imbécil asquerosa, cállate, nadie te quiere aquí"),
    ("harassment", "ты тупая дура, заткнись, тебя все ненавидят"),
    ("dating_flirting", "you are so beautiful and sexy, I love you, do you want to be my girlfriend?"),
    ("dating_flirting", "Tu es tellement belle, tu es célibataire ? Je veux sortir avec toi mon amour"),
    ("spam", "Earn $500 a day from home!!! Click my link and subscribe to my channel for a free bonus"),
    ("spam", "限时优惠！点击链接购买课程，加入我们的频道赚钱"),
    ("hate", "all muslims are filthy animals and should be thrown out of our country"),
    ("hate", "Los negros son animales, no deberían existir"),
    ("political_religious", "The president is a liar, vote him out in the election and protest against his government"),
    ("political_religious", "Jesus is the only way to God, repent and accept the Bible or you will burn in hell"),
    ("personal_info", "add me on whatsapp +1 415 555 0142 or write to kim.jones@example.com"),
    ("personal_info", "내 카톡 아이디는 minsu8831 이고 전화번호는 010-5555-0142 야"),
    ("personal_info", "meine Handynummer ist 0151 5550142, meine Adresse ist Hauptstraße 12, 10115 Berlin"),
]  # fmt: skip
HARMLESS = [
    "Hi! I'm learning Korean and would like to practise twice a week.",
    "What is the difference between 'since' and 'for'?",
    "How do you say 'idiot' in Spanish?",
    "Your pronunciation is really clear, well done!",
    "Can we move our lesson to Tuesday at 6 pm?",
    "Mañana tengo un examen de francés, ¿me ayudas con los verbos?",
    "Je cherche un partenaire pour pratiquer l'anglais.",
    "Ich lerne seit zwei Jahren Japanisch und mag die Schrift sehr.",
    "今日は雨だったので、家で本を読みました。",
    "我昨天学了三十个新单词，可是今天都忘了。",
    "오늘은 날씨가 좋아서 공원에서 산책했어요.",
    "Вчера я посмотрел хороший фильм на английском.",
    "Bugün yeni bir kitap okumaya başladım, çok güzel.",
    "أحب تعلم اللغات وأدرس الإسبانية كل يوم.",
]


@pytest.fixture(scope="module")
def shipped():
    return classifier.load()


def test_it_is_the_one_that_loads_and_is_sealed(shipped):
    assert load_release(FOLDER).digest == shipped.release.digest
    assert shipped.release_id.startswith("default@")
    content = json.loads((FOLDER / "release.json").read_text())
    assert {*content["files"]} | {"release.json"} == {path.name for path in FOLDER.iterdir()}
    for name, digest in content["files"].items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest


def test_its_golden_messages_are_those_of_the_code(shipped):
    golden = shipped.release.record["golden"]
    assert [entry["text"] for entry in golden] == [*GOLDEN]
    scored = shipped.confidences([entry["text"] for entry in golden])
    for entry, row in zip(golden, scored, strict=True):
        assert row.tolist() == pytest.approx(entry["confidences"], abs=1e-5)


def test_it_is_at_most_twelve_megabytes():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 12 * 10**6


def test_it_tells_what_it_was_made_from(shipped):
    record, card = shipped.release.record, (FOLDER / "CARD.md").read_text()
    assert record["rows"] > 10_000
    assert any("corpus" in source for source in record["sources"])
    for source in record["sources"]:
        assert source.get("corpus", source.get("file")) in card
        assert source.get("licence", "Apache-2.0") in card
    assert all(label in card for label in LABELS)


@pytest.mark.parametrize(("label", "text"), VIOLATIONS)
def test_blatant_violations_are_found(shipped, label, text):
    verdict = shipped.score(text)
    assert verdict.recommendation >= "flag", verdict.confidences
    assert label in verdict.labels
    assert max(verdict.confidences, key=verdict.confidences.get) == label


@pytest.mark.parametrize("text", HARMLESS)
def test_the_harmless_is_left_alone(shipped, text):
    verdict = shipped.score(text)
    assert verdict.known
    assert verdict.recommendation == "none", verdict.reasons


def test_the_module_scores_with_it(shipped):
    assert classifier.score(VIOLATIONS[0][1]) == shipped.score(VIOLATIONS[0][1])


# ---- is it what the data gives? ----

STALE = "the data changed after models/default was trained: train it again with `make default`"


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_it_was_trained_on_the_data_files_that_are_here(shipped):
    """Messages and those whose shape tells go by the same names in the record, hence counts of names and digests."""
    sources = [source for source in shipped.release.record["sources"] if "file" in source]
    trained_on = Counter((Path(source["file"]).name, source["sha256"]) for source in sources)
    also = [path for folder in ("severity", "annotations") for path in (DATA / folder).glob("*.csv")]
    here = Counter((path.name, sha256(path)) for path in [*our_messages(DATA), *also])
    assert sorted({name for name, _ in (here - trained_on) + (trained_on - here)}) == [], STALE


def test_it_was_judged_on_the_authors_held_out_here(shipped):
    sizes = load_messages(DATA)["split"].value_counts()
    judged = shipped.release.record["metrics"]
    assert {part: judged[f"our messages, {part}"]["n"] for part in ("dev", "test")} == {
        part: sizes[part] for part in ("dev", "test")
    }, STALE


def test_it_was_trained_on_the_corpora_of_the_registry(shipped):
    assert [source["corpus"] for source in shipped.release.record["sources"] if "corpus" in source] == [
        *load_registry()
    ], STALE


def training_command():
    """What ``make default`` types to train."""
    lines = [line.strip() for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()]
    [command] = [line for line in lines if line.startswith("$(BIN)/classifier train --out models/default")]
    return shlex.split(command)[1:]


def test_what_make_default_types_is_a_command():
    command = training_command()
    assert {"--gate", "--test"} <= {*command}
    cli.commands["train"].make_context("train", command[1:])  # refuses an unknown option


@pytest.mark.skipif(
    os.environ.get("CLASSIFIER_REBUILD") != "1" or not os.environ.get("CLASSIFIER_MIRROR"),
    reason="trains for some minutes: set CLASSIFIER_REBUILD=1, and CLASSIFIER_MIRROR to the folder of the corpora",
)
def test_make_default_gives_this_digest(shipped, tmp_path):
    again = tmp_path / "default"
    command = [str(again) if word == "models/default" else word for word in training_command()]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    rebuilt = load_release(again)
    assert rebuilt.record["libraries"] == shipped.release.record["libraries"], (
        "other libraries than it was trained with"
    )
    assert rebuilt.digest == shipped.release.digest
