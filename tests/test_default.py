"""The release that is shipped: sealed, small, and right about what nobody would argue over."""

import hashlib
import json
from pathlib import Path

import pytest

import classifier
from classifier.golden import GOLDEN
from classifier.guidelines import LABELS
from classifier.release import load_release

FOLDER = Path(__file__).parents[1] / "models" / "default"
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
