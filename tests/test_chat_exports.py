"""Exports as the programs write them; the people in them are invented."""

import gzip
import io
import json
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from classifier.errors import InputError, MessagesError
from classifier.messages import read_messages
from classifier.pseudonyms import KEY_VARIABLE, new_key, pseudonym, pseudonymize, read_key


def read(path, **options):
    """All of an export: messages as (id, text, surface, sender, recipient, time), reasons without their lines."""
    found = SimpleNamespace(messages=[], bad=[], notes=(), batches=list(read_messages(path, **options)))
    for batch in found.batches:
        nothing = [None] * len(batch)
        ids = batch.ids if isinstance(batch.ids, list) else batch.ids.to_pylist()
        envelope = (batch.senders or nothing, batch.recipients or nothing, batch.times or nothing)
        found.messages += zip(ids, map(str, batch.texts), batch.surfaces, *envelope, strict=True)
        found.bad += batch.bad
        found.notes = batch.export.notes
    found.format = found.batches[0].export.format
    found.reasons = [row.reason.split(" (line")[0] for row in found.bad]
    found.rows = len(found.messages) + len(found.bad)
    return found


@pytest.fixture
def written(tmp_path):
    def write(content, name):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# WhatsApp

ANDROID = """12/31/23, 9:04 PM - Messages and calls are end-to-end encrypted. No one outside of this chat can read them.
12/31/23, 9:05\u202fPM - Mila Novak: happy new year
and all the best:
12 grapes
12/31/23, 9:06\u202fPM - +44 7700 900123: <Media omitted>
1/1/24, 12:01\u202fAM - Mila Novak: call me https://example.org: now <This message was edited>
1/1/24, 12:02\u202fAM - Jon P.: This message was deleted
1/1/24, 12:03\u202fAM - Jon P. left
1/1/24, 12:04\u202fAM - Mila Novak: IMG-20240101-WA0001.jpg (file attached)
look at this
"""
IOS = (
    "[31.12.23, 21:04:12] Familie: \u200eNachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.\r\n"
    "[31.12.23, 21:05:12] Mila Novak: Guten Rutsch\nan alle\r\n"
    "\u200e[31.12.23, 21:06:01] ~\u202fJon P.: \u200eBild weggelassen\r\n"
    "\u200e[31.12.23, 21:07:59] Jon P.: \u200e<Anhang: 00000012-PHOTO-2023-12-31-21-07-59.jpg>\r\n"
)


def test_whatsapp_from_android(written):
    found = read(written(ANDROID, "WhatsApp Chat with Mila.txt"))
    assert found.format == "whatsapp"
    assert found.messages == [
        (2, "happy new year\nand all the best:\n12 grapes", None, "Mila Novak", None, "2023-12-31T21:05:00"),
        (4, "call me https://example.org: now", None, "Mila Novak", None, "2024-01-01T00:01:00"),
        (7, "look at this", None, "Mila Novak", None, "2024-01-01T00:04:00"),
    ]
    assert found.reasons == [
        "no message: written by WhatsApp", "no message: media", "no message: deleted",
        "no message: written by WhatsApp",
    ]  # fmt: skip
    assert found.bad[0].reason.endswith("(line 1)")
    assert found.bad[1].reason.endswith("(line 5)")
    assert found.notes == ("dates are read with the month first, the only order they allow",)


def test_whatsapp_from_ios(written):
    found = read(written(IOS, "_chat.txt"))
    assert [message[1:4] for message in found.messages] == [
        ("Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.", None, "Familie"),
        ("Guten Rutsch\nan alle", None, "Mila Novak"),
    ]
    assert found.reasons == ["no message: media"] * 2
    assert found.messages[1][5] == "2023-12-31T21:05:12"


LOCALES = {
    "de": "31.12.23, 21:05 - {}",
    "de, old": "31.12.23 um 21:05 - {}",
    "fr": "31/12/2023 à 21:05 - {}",
    "fr, comma": "31/12/2023, 21:05 - {}",
    "es": "31/12/23, 9:05\u00a0p.\u00a0m. - {}",
    "pt": "31/12/2023 21:05 - {}",
    "nl": "31-12-2023 21:05 - {}",
    "sv": "2023-12-31 21:05 - {}",
    "da": "31.12.2023 21.05 - {}",
    "fi, ios": "[31.12.2023 klo 21.05.00] {}",
    "cs": "31. 12. 2023 21:05 - {}",
    "bg": "31.12.23 г., 21:05 ч. - {}",
    "el": "31/12/23, 9:05 μ.μ. - {}",
    "tr": "31.12.2023 21:05 - {}",
    "tr, 12 h": "31.12.2023 ÖS 9:05 - {}",
    "en-IN": "31/12/23, 9:05 pm - {}",
    "en-US, ios": "[12/31/23, 9:05:00\u202fPM] {}",
    "zh": "2023/12/31 下午9:05 - {}",
    "zh, ios": "[2023/12/31 下午9:05:00] {}",
    "zh, words": "2023年12月31日 晚上9:05 - {}",
    "ja": "2023/12/31 21:05 - {}",
    "ja, 12 h": "[2023/12/31 午後9:05:00] {}",
    "ko": "2023. 12. 31. 오후 9:05 - {}",
    "ko, ios": "[2023. 12. 31. 오후 9:05:00] {}",
    "ar": "٣١\u200f/١٢\u200f/٢٠٢٣، ٩:٠٥ م - {}",
    "ar, ios": "[٣١\u200f/١٢\u200f/٢٠٢٣، ٩:٠٥:٠٠ م] {}",
    "th": "31/12/2566 21:05 - {}",
    "vi": "31/12/2023, 9:05 CH - {}",
    "ru": "31.12.2023, 21:05 - {}",
    "hi": "31/12/23, 9:05 अपराह्न - {}",
}


@pytest.mark.parametrize("locale", LOCALES)
def test_whatsapp_dates_of_many_countries(written, locale):
    found = read(written("\n".join(LOCALES[locale].format(f"Noor: {text}") for text in ("hi", "yo")) + "\n", "c.txt"))
    assert [(text, sender, time) for _, text, _, sender, _, time in found.messages] == [
        ("hi", "Noor", "2023-12-31T21:05:00"),
        ("yo", "Noor", "2023-12-31T21:05:00"),
    ]


@pytest.mark.parametrize(
    ("lines", "times", "note"),
    [
        # Day first these are the first days of February; month first, the second of three months. Both run forward.
        (["1/2/24, 10:00", "2/2/24, 9:00", "3/2/24, 8:00"], ["2024-02-01", "2024-02-02", "2024-02-03"], "proves"),
        (["1/2/24, 10:00", "1/3/24, 9:00", "2/1/24, 8:00"], ["2024-01-02", "2024-01-03", "2024-02-01"], "forward"),
        (["01/02/24, 9:00 AM", "02/02/24, 9:00 AM"], ["2024-01-02", "2024-02-02"], "proves"),
        (["01.02.24, 10:00", "14.02.24, 09:00"], ["2024-02-01", "2024-02-14"], "only order"),
    ],
)  # fmt: skip
def test_whatsapp_day_and_month_are_told_by_the_whole_file(written, lines, times, note):
    found = read(written("".join(f"{line} - Noor: hi\n" for line in lines), "c.txt"))
    assert [message[5][:10] for message in found.messages] == times
    assert note in found.notes[0]


def test_whatsapp_marks_hide_no_message(written):
    """Invisible marks, brackets and phrases added to a text do not make it "no message"."""
    texts = [
        "\u200eyou idiot",
        "<you idiot>",
        "<attached: you idiot>",
        "image omitted you idiot",
        "idiot.pdf (file attached)",
    ]
    found = read(written("".join(f"[31.12.23, 21:05:12] Jon: {text}\r\n" for text in texts), "_chat.txt"))
    assert len(found.messages) == len(texts)
    assert all("idiot" in message[1] for message in found.messages)


def test_whatsapp_bytes_that_fit_no_encoding_cost_their_message(written):
    found = read(
        written(b"31.12.23, 21:05 - Jon: hi\n31.12.23, 21:06 - Jon: \xff\xfe\n31.12.23, 21:07 - Jon: yo\n", "c.txt")
    )
    assert [message[1] for message in found.messages] == ["hi", "yo"]
    assert found.reasons == ["bytes that do not fit the encoding"]


# Telegram

CHAT = {
    "name": "Mila Novak",
    "type": "personal_chat",
    "id": 4100200300,
    "messages": [
        {"id": 7, "type": "service", "date": "2024-01-01T10:00:00", "date_unixtime": "1704103200", "actor": "Mila",
         "actor_id": "user4100200300", "action": "phone_call", "text": "", "text_entities": []},
        {"id": 8, "type": "message", "date": "2024-01-01T10:01:00", "date_unixtime": "1704103260", "from": "Mila",
         "from_id": "user4100200300", "text": "hi", "text_entities": [{"type": "plain", "text": "hi"}]},
        {"id": 9, "type": "message", "date": "2024-01-01T10:02:00", "date_unixtime": "1704103320", "from": "Jon P.",
         "from_id": "user5100200300", "text": ["see ", {"type": "link", "text": "https://example.org"}, " and ",
         {"type": "mention", "text": "@mila_n"}]},
        {"id": 10, "type": "message", "date": "2024-01-01T10:03:00", "from": "Jon P.", "from_id": "user5100200300",
         "photo": "photos/photo_1.jpg", "text": ""},
    ],
}  # fmt: skip


def test_telegram_chat(written):
    found = read(written(json.dumps(CHAT, indent=1, ensure_ascii=False), "result.json"))
    assert found.format == "telegram"
    assert found.messages == [
        (8, "hi", "private_message", "user4100200300", None, "1704103260"),
        (9, "see https://example.org and @mila_n", "private_message", "user5100200300", "4100200300", "1704103320"),
    ]
    assert found.reasons == ["no message: a service message", "no message: nothing but media"]


@pytest.mark.parametrize("indent", [None, 1])
def test_telegram_account(written, indent):
    group = {"name": "Book club", "type": "private_supergroup", "id": 900, "messages": CHAT["messages"][1:2]}
    nameless = {"type": "saved_messages", "id": 77, "messages": CHAT["messages"][2:3]}
    account = {
        "about": "Here is the data you requested.",
        "personal_information": {"user_id": 5100200300, "first_name": "Jon"},
        "contacts": {"about": "", "list": [{"first_name": "Mila"}]},
        "chats": {"about": "This page lists all chats.", "list": [CHAT, group, nameless]},
        "left_chats": {"about": "", "list": [group | {"id": 901}]},
    }
    found = read(written(json.dumps(account, indent=indent), "result.json"))
    assert found.format == "telegram"
    assert [(key, surface) for key, _, surface, *_ in found.messages] == [
        ("4100200300/8", "private_message"), ("4100200300/9", "private_message"), ("900/8", None),
        ("77/9", "private_message"), ("901/8", None),
    ]  # fmt: skip
    assert found.rows == 7


# Discord

CHANNEL = {
    "guild": {"id": "100000000000000001", "name": "Language café", "iconUrl": "https://example.org/i.png"},
    "channel": {"id": "100000000000000002", "type": "GuildTextChat", "categoryId": "1", "category": "Text",
                "name": "general", "topic": None},
    "dateRange": {"after": None, "before": None},
    "exportedAt": "2024-01-02T00:00:00+00:00",
    "messages": [
        {"id": "1190000000000000001", "type": "GuildMemberJoin", "timestamp": "2024-01-01T10:00:00+00:00",
         "timestampEdited": None, "callEndedTimestamp": None, "isPinned": False, "content": "Joined the server.",
         "author": {"id": "555000000000000001", "name": "mila_n", "discriminator": "0000", "nickname": "Mila",
                    "color": None, "isBot": False, "roles": [], "avatarUrl": ""},
         "attachments": [], "embeds": [], "stickers": [], "reactions": [], "mentions": []},
        {"id": "1190000000000000002", "type": "Default", "timestamp": "2024-01-01T10:01:00.123+00:00",
         "timestampEdited": "2024-01-01T10:02:00+00:00", "isPinned": False, "content": "hi\nall",
         "author": {"id": "555000000000000001", "name": "mila_n"}, "attachments": [], "embeds": []},
        {"id": "1190000000000000003", "type": "Reply", "timestamp": "2024-01-01T10:03:00+00:00", "content": "",
         "author": {"id": "555000000000000002", "name": "jon"}, "attachments": [{"id": "1", "fileName": "a.png"}],
         "reference": {"messageId": "1190000000000000002", "channelId": "100000000000000002", "guildId": "1"}},
        {"id": "1190000000000000004", "type": "Default", "timestamp": "2024-01-01T10:04:00+00:00", "content": "",
         "author": {"id": "555000000000000002", "name": "jon"}, "forwardedMessage": {"content": "forwarded words"}},
    ],
    "messageCount": 4,
}  # fmt: skip


@pytest.mark.parametrize("indent", [None, 2])
def test_discord_json(written, indent):
    found = read(written(json.dumps(CHANNEL, indent=indent), "Language café - Text - general [100].json"))
    channel = "100000000000000002"
    assert found.format == "discord"
    assert found.messages == [
        ("1190000000000000002", "hi\nall", None, "555000000000000001", channel, "2024-01-01T10:01:00.123+00:00"),
        ("1190000000000000004", "forwarded words", None, "555000000000000002", channel, "2024-01-01T10:04:00+00:00"),
    ]
    assert [row.id for row in found.bad] == ["1190000000000000001", "1190000000000000003"]


@pytest.mark.parametrize("name", ["general.csv", "general.txt"])
def test_discord_csv(written, name):
    found = read(
        written(
            "AuthorID,Author,Date,Content,Attachments,Reactions\n"
            '"555000000000000001","mila_n","2024-01-01T10:01:00.0000000+00:00","hi, ""all""","",""\n'
            '"555000000000000002","jon","2024-01-01T10:03:00.0000000+00:00","","https://example.org/a.png","👍 (2)"\n',
            name,
        )
    )
    assert found.format == "discord"
    assert found.messages == [(1, 'hi, "all"', None, "555000000000000001", None, "2024-01-01T10:01:00.0000000+00:00")]
    assert found.reasons == ["no message: nothing but attachments, stickers or embeds"]


# Slack

SLACK = {
    "users.json": [
        {"id": "U01", "name": "mila", "real_name": "Mila Novak", "profile": {"display_name": "Mila"}},
        {"id": "U02", "name": "jon", "profile": {"display_name": ""}},
    ],
    "channels.json": [{"id": "C01", "name": "general", "members": ["U01", "U02"]}],
    "dms.json": [{"id": "D01", "members": ["U01", "U02"]}],
    "general/2024-01-01.json": [
        {"type": "message", "subtype": "channel_join", "user": "U02", "text": "<@U02> has joined the channel",
         "ts": "1704103100.000100"},
        {"type": "message", "user": "U01", "text": "hi <@U02> &amp; <!here>: 1 &lt; 2, <https://example.org|my site>",
         "ts": "1704103200.000200", "thread_ts": "1704103200.000200", "reply_count": 1,
         "replies": [{"user": "U02", "ts": "1704103300.000300"}]},
        {"type": "message", "user": "U02", "text": "a reply", "ts": "1704103300.000300",
         "thread_ts": "1704103200.000200", "parent_user_id": "U01"},
        {"type": "message", "subtype": "bot_message", "bot_id": "B01", "text": "beep", "ts": "1704103400.000400"},
        {"type": "message", "subtype": "tombstone", "text": "This message was deleted.", "ts": "1704103500.000500"},
    ],
    "D01/2024-01-02.json": [{"type": "message", "user": "U02", "text": "psst", "ts": "1704189600.000100"}],
}  # fmt: skip
SLACK_MESSAGES = [
    ("D01/1704189600.000100", "psst", "private_message", "U02", "U01", "1704189600.000100"),
    ("general/1704103200.000200", "hi @jon & @here: 1 < 2, my site https://example.org", None, "U01", "general",
     "1704103200.000200"),
    ("general/1704103300.000300", "a reply", None, "U02", "general", "1704103300.000300"),
    ("general/1704103400.000400", "beep", None, "B01", "general", "1704103400.000400"),
]  # fmt: skip


def zipped(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, str | bytes) else json.dumps(content))
    return packed.getvalue()


def test_slack_zip_and_folder(written, tmp_path):
    for name, content in SLACK.items():
        written(json.dumps(content, indent=4), f"slack/{name}")
    for found in (read(written(zipped(SLACK), "Language café Slack export.zip")), read(tmp_path / "slack")):
        assert found.format == "slack"
        assert found.messages == SLACK_MESSAGES
        assert found.reasons == ["no message: written by Slack", "no message: deleted"]


def test_a_damaged_day_of_slack_costs_no_other(written):
    found = read(written(zipped(SLACK | {"general/2023-12-31.json": '[{"type": "mess'}), "slack.zip"))
    assert found.messages == SLACK_MESSAGES
    assert "the file ends inside it" in found.reasons or "is set aside from here" in found.reasons[0]


# JSON

ROWS = [{"id": "007", "text": "hi", "sender": "mila"}, {"id": "008", "text": None}, "no object"]


@pytest.mark.parametrize("document", [ROWS, {"messages": ROWS}, {"version": 1, "messages": ROWS, "count": 3}])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json(written, document, indent, encoding):
    found = read(written(json.dumps(document, indent=indent).encode(encoding), "export.json"))
    assert found.format == "json"
    assert found.messages == [("007", "hi", None, "mila", None, None)]
    assert found.reasons == ["the text is null, not a string", "not a JSON object but a string"]


def test_json_numbers_stay_as_written(written):
    ids = ["1", "1.50", "1e3", "123456789012345678901234567890"]
    found = read(written("[" + ",".join(f'{{"id": {key}, "text": "hi"}}' for key in ids) + "]", "e.json"))
    assert [message[0] for message in found.messages] == [1, "1.50", "1e3", 123456789012345678901234567890]


# Packed, many, standard input


@pytest.mark.parametrize("name", ["a.csv", "a.dump", "a"])
@pytest.mark.parametrize(
    "pack", [gzip.compress, zstandard.compress, lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])]
)
def test_gzip_and_zstandard(written, name, pack):
    found = read(
        written(pack(b"id,text\n1,hi\n2,yo\n"), f"{name}.packed" if name != "a.csv" else "a.csv.gz"), format=None
    )
    assert [message[:2] for message in found.messages] == [("1", "hi"), ("2", "yo")]


def test_parquet_packed_and_in_an_archive(written, tmp_path):
    pq.write_table(pa.table({"id": [1], "text": ["hi"]}), tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()
    assert read(written(gzip.compress(data), "b.parquet.gz")).messages[0][:2] == (1, "hi")
    assert read(written(zipped({"a.parquet": data}), "a.zip")).messages[0][:2] == (1, "hi")  # the one part of an export


def test_formats_are_told_by_content_and_forced_by_name(written):
    assert read(written(ANDROID, "chat.csv")).format == "whatsapp"
    assert read(written('{"text": "a"}\n{"text": "b"}\n', "e.csv")).format == "jsonl"
    assert read(written("text\tid\nhi\t1\n", "e")).messages[0][:2] == ("1", "hi")
    forced = read(
        written("12/31/23, 9:05 PM - Mila: hi\nx,y\n", "c.txt"), format="csv", columns=read_columns("12/31/23")
    )
    assert forced.format == "csv"
    with pytest.raises(MessagesError, match="no line begins with a date"):
        read(written("id,text\n1,hi\n", "e.csv"), format="whatsapp")


def read_columns(text):
    from classifier.messages import Columns

    return Columns(text=text)


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x00\x01\x02", "binary data"),
        (b"<html>", "HTML"),
        (b"hello", "text without"),
    ],
)
def test_what_is_no_export_is_named_without_quoting_it(written, content, seen):
    with pytest.raises(MessagesError, match=seen) as caught:
        read_messages(written(content, "secret.dat"))
    assert "hello" not in str(caught.value)


def test_a_folder_is_read_in_order_and_one_bad_file_costs_no_other(written, tmp_path):
    written(ANDROID, "in/b/chat.txt")
    written("id,text\n1,hi\n", "in/a.csv")
    written(b"PAR1 and nothing more", "in/c.parquet")
    written(json.dumps([{"id": 1, "text": "yo"}]), "in/d.json")
    written("id,text\n", "in/d.json.set-aside.csv")
    written(b"\xff\xd8", "in/photo.jpg")
    written("text\nno\n", "in/.hidden.csv")
    (tmp_path / "in/link.csv").symlink_to(written("text\nsecret\n", "out.csv"))
    found = read(tmp_path / "in")
    assert [message[0] for message in found.messages] == [
        "a.csv#1",
        "b/chat.txt#2",
        "b/chat.txt#4",
        "b/chat.txt#7",
        "d.json#1",
    ]
    assert len({message[0] for message in found.messages}) == 5
    assert [row.reason for row in found.bad if row.file.endswith("parquet")] == [
        "the file is set aside from here: is not a whole Parquet file"
    ]
    assert any("passed over" in note for note in found.notes)
    assert found.batches[-1].fraction == 1.0
    found = read(str(tmp_path / "in/*.[cj]s*"))
    assert [message[0] for message in found.messages] == ["a.csv#1", "d.json#1", "link.csv#1"]


def test_a_folder_without_exports(tmp_path):
    with pytest.raises(MessagesError, match="there is no export in it"):
        read_messages(tmp_path)


def test_standard_input(monkeypatch):
    for content in (b"id,text\n1,hi\n", gzip.compress(b"id,text\n1,hi\n"), zipped({"a.csv": "id,text\n1,hi\n"})):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        assert [message[1] for message in read("-").messages] == ["hi"]


# Pseudonyms


def test_pseudonyms_are_the_same_in_every_file_and_say_nothing(written, tmp_path):
    key = new_key(tmp_path / "key")
    other = new_key(tmp_path / "other")
    texts = []
    for name, content in (("c.csv", "id,text,sender\n1,hi,user4100200300\n"), ("result.json", json.dumps(CHAT))):
        [batch] = read_messages(written(content, name))
        hidden = pseudonymize(batch, key)
        texts.append(hidden.senders[0])
        assert "4100200300" not in f"{hidden.senders}{hidden.recipients}"
        assert hidden.texts == batch.texts
        assert pseudonymize(batch, other).senders != hidden.senders
    assert texts[0] == texts[1] == pseudonym("user4100200300", key)


def test_keys(tmp_path, monkeypatch):
    key = new_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert read_key(tmp_path / "key") == key
    monkeypatch.setenv(KEY_VARIABLE, key.hex())
    assert read_key() == key
    with pytest.raises(InputError, match="is there already"):
        new_key(tmp_path / "key")
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(InputError, match="others may read this key; chmod 600"):
        read_key(tmp_path / "key")
    monkeypatch.setenv(KEY_VARIABLE, "abc")
    with pytest.raises(InputError, match="is no key") as caught:
        read_key()
    assert "abc" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be written"):
        new_key(Path(tmp_path, "nowhere", "key"))
