"""Contact details as spans: every kind, every language, what only looks like one, and hostile input."""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.contacts import KINDS, Contact, find_contacts, mask

DATA = Path(__file__).parents[1] / "data" / "contacts"
LANGUAGES = ["ar", "de", "en", "es", "fr", "id", "it", "ja", "ko", "pt", "ru", "tr", "zh"]


def found(text, **options):
    return [(contact.kind, contact.platform, contact.text) for contact in find_contacts(text, **options)]


@pytest.mark.parametrize(
    ("text", "kind", "span"),
    [
        ("mail ana.b+x@example.com!", "email", "ana.b+x@example.com"),
        ("john dot smith at gmail dot com", "email", "john dot smith at gmail dot com"),
        ("john dot smith at gmail", "email", "john dot smith at gmail"),
        ("jo77 at g m a i l dot com", "email", "jo77 at g m a i l dot com"),
        ("ana.luz arroba gmail.com", "email", "ana.luz arroba gmail.com"),
        ("petya99 собака mail точка ru", "email", "petya99 собака mail точка ru"),
        ("jiwon골뱅이example.com", "email", "jiwon골뱅이example.com"),
        ("mori.kアットexample.com", "email", "mori.kアットexample.com"),
        ("leo chiocciola example punto it", "email", "leo chiocciola example punto it"),
        ("lea tiret bas roy arobase example point fr", "email", "lea tiret bas roy arobase example point fr"),
        ("ring +44 7700 900123", "phone", "+44 7700 900123"),
        ("07700 900 123", "phone", "07700 900 123"),
        ("call 555-0147", "phone", "555-0147"),
        ("0️⃣7️⃣7️⃣0️⃣0️⃣ 9️⃣0️⃣0️⃣1️⃣2️⃣3️⃣", "phone", "0️⃣7️⃣7️⃣0️⃣0️⃣ 9️⃣0️⃣0️⃣1️⃣2️⃣3️⃣"),
        ("رقمي ٠٥٥٥٥٠٠١٤٢", "phone", "٠٥٥٥٥٠٠١٤٢"),
        ("０９０－００５５－０１４２", "phone", "０９０－００５５－０１４２"),
        ("my number is o77oo 9oo 123", "phone", "o77oo 9oo 123"),
        ("cero siete siete cero nueve uno dos", "phone", "cero siete siete cero nueve uno dos"),
        ("null eins sieben eins drei neun zwei", "phone", "null eins sieben eins drei neun zwei"),
        ("zéro sept douze quarante-deux zéro un", "phone", "zéro sept douze quarante-deux zéro un"),
        ("ноль девять один два семь три один", "phone", "ноль девять один два семь три один"),
        ("공일공 오오공공 일사이육", "phone", "공일공 오오공공 일사이육"),
        ("幺三八零零五五零幺四二", "phone", "幺三八零零五五零幺四二"),
        ("ぜろきゅーぜろ、ごーごーぜろいちに", "phone", "ぜろきゅーぜろ、ごーごーぜろいちに"),
        ("visit 14 Orchard Road, Leeds", "address", "14 Orchard Road, Leeds"),
        ("passport no K5550174 ok?", "document", "K5550174"),
        ("DNI 12345678Z", "document", "12345678Z"),
        ("身份证11010519491231002X", "document", "11010519491231002X"),
        ("паспорт 4510 555017", "document", "4510 555017"),
        ("use 4242 4242 4242 4242", "card", "4242 4242 4242 4242"),
        ("IBAN GB82 WEST 1234 5698 7654 32 ok", "card", "GB82 WEST 1234 5698 7654 32"),
    ],
)
def test_each_kind_is_found(text, kind, span):
    assert (kind, None, span) in found(text)


@pytest.mark.parametrize(
    ("text", "platform", "span"),
    [
        ("t.me/mara_v9", "Telegram", "t.me/mara_v9"),
        ("https://wa.me/447700900123", "WhatsApp", "https://wa.me/447700900123"),
        ("wechat: mara_v9", "WeChat", "mara_v9"),
        ("加薇 mara_v9", "WeChat", "mara_v9"),
        ("加我VX：mara_v9", "WeChat", "mara_v9"),
        ("威信 mara_v9", "WeChat", "mara_v9"),
        ("LINEのIDはmara_v9です", "LINE", "mara_v9"),
        ("카톡 mara_v9", "KakaoTalk", "mara_v9"),
        ("тг @mara_v9", "Telegram", "@mara_v9"),
        ("t e l e g r a m: mara_v9", "Telegram", "mara_v9"),
        ("skype live:mara.v_9", "Skype", "live:mara.v_9"),
        ("my insta is mara.v_9", "Instagram", "mara.v_9"),
        ("инста mara.v_9", "Instagram", "mara.v_9"),
        ("انستا mara.v_9", "Instagram", "mara.v_9"),
        ("marav#4410", "Discord", "marav#4410"),
        ("snap: maravel", "Snapchat", "maravel"),
        ("zalo mara_v9", "Zalo", "mara_v9"),
        ("vk.com/mara_v9", "VK", "vk.com/mara_v9"),
        ("facebook.com/mara.v.9", "Facebook", "facebook.com/mara.v.9"),
        ("tiktok @mara.v9", "TikTok", "@mara.v9"),
        ("QQ 300550142", "QQ", "300550142"),
        ("twitter: @marav9x", "X", "@marav9x"),
        ("signal: mara.22", "Signal", "mara.22"),
        ("I'm bigtoast on discord", "Discord", "bigtoast"),
    ],
)
def test_each_platform_is_named(text, platform, span):
    assert ("handle", platform, span) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "hi", "@Yuki thanks", "see https://example.com/a/5550142",
        "my number is lucky 7", "the score was 21-19, 21-15",
        "order 07700900123", "between 1939 and 1945",
        "on 12/09/2024 at 10:30", "v14.0.2", "192.168.0.14", "51.5074, -0.1278",
        "ISBN 978-0-306-40615-7", "flight BA2490 lands 06:55", "$1,250,000",
        "1 250 000 habitants", "lesson 20240611-0093",
        "do you have whatsapp?", "add me on line please", "one two three four five six seven eight", "I work at gmail",
        "what is the signal here", "IELTS 7.5 7.0 6.5 8.0",
        "注文番号090-0055-0142", "订单号13800550142", "заказ 89005550142",
        "passport control was slow in 2019", "I ate 14 apples in my street", "the piano during 10 years",
    ],
)  # fmt: skip
def test_what_only_looks_like_one_is_left(text):
    assert found(text) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_written_messages_of_each_language(language):
    # A floor, so that a change that costs a language is seen; docs/contacts.md has the figures.
    hits = wanted = alarms = harmless = 0
    with (DATA / f"{language}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            gold, contacts = json.loads(row["spans"]), find_contacts(row["text"])
            for span in gold:
                assert row["text"][span["start"] : span["end"]].strip()
                assert span["kind"] in KINDS
            wanted += len(gold)
            hits += sum(any(_alike(span, contact) for contact in contacts) for span in gold)
            harmless += not gold
            alarms += bool(contacts and not gold)
    assert wanted >= 14
    assert harmless >= 13
    assert hits / wanted >= 0.8
    assert alarms <= 2


def _alike(span, contact):
    common = min(span["end"], contact.end) - max(span["start"], contact.start)
    return span["kind"] == contact.kind and 2 * common >= max(span["end"] - span["start"], contact.end - contact.start)


PIECES = st.lists(
    st.sampled_from([*"0123456789", " ", "@", ".", "-", "+", "a", "dot", "at",
                     "gmail", "insta ", "t.me/", "0️⃣", "号", "三", "一",
                     "شارع ", "paspor ", "calle ", "street", "ул. ", "ﬁ", "ß",
                     "İ", "\u200b", "\ud800", "４", "x" * 40, "\n"])
).map("".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), PIECES))
def test_spans_lie_in_the_text_in_order_and_apart(text):
    contacts = find_contacts(text)
    end = 0
    for contact in contacts:
        assert end <= contact.start < contact.end <= len(text)
        assert contact.text == text[contact.start : contact.end]
        assert contact.kind in KINDS
        assert (contact.platform is not None) == (contact.kind == "handle")
        end = contact.end
    masked = mask(text, contacts)
    for contact in contacts:
        assert masked.count(contact.text) <= text.count(contact.text) + masked.count("[")


def test_mask_says_what_was_there():
    text = "ana@example.com, 07700 900123, wechat: ana_w9 and snap: ana.s_9"
    assert mask(text) == "[email], [phone], wechat: [handle: WeChat] and snap: [handle: Snapchat]"
    assert mask(mask(text)) == mask(text)
    assert mask("no contact here") == "no contact here"
    assert mask("abc", [Contact("email", None, 1, 2, "b")]) == "a[email]c"


def test_a_region_says_where_national_numbers_are_from():
    assert found("it is 2025550143 hm", region="US") == [("phone", None, "2025550143")]
    assert found("it is 2025550143 hm") == []


HOSTILE = {
    "digits": "1", "spaced digits": "1 ", "at": "@", "letters": "a",
    "dots": "a.", "mails": "a@", "ats": "x at ", "dot": "dot ",
    "numbers": "one two ", "ideographs": "三", "roads": "文路", "kana": "に",
    "hangul": "가", "names": "insta ", "handles": "insta: a_b ",
    "cards": "4242 ", "ibans": "gb11 ", "passports": "passport 12 ",
    "streets": "1 a ", "commas": "1 street, ", "spelled": "x dot y at z dot com ",
    "gaps": "1" + " " * 50, "zero width": "a\u200b", "keycaps": "1\ufe0f\u20e3", "spaces": "t e ",
}  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_time_is_linear_on_hostile_input(unit):
    def seconds(length):
        text = (unit * (length // len(unit) + 1))[:length]
        began = time.perf_counter()
        find_contacts(text)
        return time.perf_counter() - began

    seconds(2_000)
    # Eight times the text would take 64 times as long if it were quadratic.
    assert seconds(12_000) < 24 * max(seconds(1_500), 0.002)


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = (
        "import sys, classifier.contacts as c\n"
        "c.find_contacts('hello, how are you? see you at 10:30')\n"
        "print(*sorted({'phonenumbers', 'stdnum', 'pandas', 'pyarrow'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
