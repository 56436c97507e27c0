"""What is fuzzed: each target takes bytes, and may do nothing but return or raise a `ClassifierError`.

Each reader also checks what is promised whatever the bytes: every row is either given out or set aside, once.
"""

from __future__ import annotations

import gzip
import io
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

from classifier.errors import ClassifierError
from classifier.messages import read_messages
from classifier.policy_file import read_policy
from classifier.text import clean

__all__ = ["SEEDS", "TARGETS"]

SEEDS = {
    "csv": b'id,text,surface\n007,"Hi,\nAna",comment\n008,x,y,z\n',
    "tsv": b"id\ttext\n1\thi\n",
    "jsonl": b'{"id": 1, "text": "hi"}\n{"id": 2, "text": null}\n[[[1e5]]]\n',
    "json": b'{"v": [1], "messages": [{"id": 1.5, "text": "hi \\ud800"}, {"text": 5}, {oops}, "s"]}',
    "whatsapp": "12/31/23, 9:05\u202fPM - Ana: hi\nall\n[31.12.23, 21:05:12] \u200eBo: \u200eimage omitted\n".encode(),
    "telegram": b'{"name": "A", "type": "personal_chat", "id": 1, "messages": [{"id": 2, "type": "message", "from_id": '
    b'"user1", "date_unixtime": "1704103200", "text": ["a", {"type": "link", "text": "b"}]}]}',
    "discord": b'{"guild": {"id": "1"}, "channel": {"id": "2", "type": "DirectTextChat"}, "messages": [{"id": "3", '
    b'"type": "Default", "timestamp": "2024-01-01T10:00:00+00:00", "content": "hi", "author": {"id": "4"}}]}',
    "discord-csv": b'AuthorID,Author,Date,Content,Attachments,Reactions\n"1","a","2024","hi","",""\n',
    "slack": b'[{"type": "message", "user": "U1", "text": "hi <@U1|a> &lt;", "ts": "1.2"}]',
}


def _read(path: Path, form: str | None) -> None:
    rows = 0
    try:
        for batch in read_messages(path, format=form, batch_size=7):
            texts = [str(text) for text in batch.texts]
            assert len(texts) == len(batch.rows) == len(batch.surfaces)
            assert all(column is None or len(column) == len(texts) for column in (batch.senders, batch.times))
            places = sorted([*batch.rows, *(row.row for row in batch.bad)])
            assert places == list(range(rows + 1, rows + 1 + len(places))) or path.suffix == ".zip"
            rows += len(places)
    except ClassifierError:
        pass


def _reader(form: str | None, name: str) -> object:
    def target(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)
            path.write_bytes(data or b"\n")
            _read(path, form)

    return target


def _zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _slack(data: bytes) -> None:
    """The bytes are a day of a channel, and the list of users."""
    users = data if data[:1] == b"[" else b"[]"
    packed = _zipped({"users.json": users, "channels.json": b"[]", "general/2024-01-01.json": data})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "slack.zip")
        path.write_bytes(packed)
        _read(path, None)


def _clean(data: bytes) -> None:
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    assert isinstance(clean(text), str)


def _policy(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "policy.toml")
        path.write_bytes(data)
        with suppress(ClassifierError):
            read_policy(path)


TARGETS = {
    "detection": _reader(None, "export"),
    "archive": _reader("zip", "export.zip"),
    "gzip": _reader(None, "export.csv.gz"),
    "parquet": _reader("parquet", "export.parquet"),
    **{form: _reader(form, "export") for form in ("csv", "tsv", "jsonl", "json", "whatsapp", "telegram", "discord")},
    "slack": _slack,
    "cleaning": _clean,
    "policy": _policy,
}
SEEDS["gzip"] = gzip.compress(SEEDS["csv"])
SEEDS["archive"] = _zipped({"a.csv": SEEDS["csv"]})
SEEDS["policy"] = b'[labels.spam]\nbase_rate = 0.02\nflag = "maximum recall @ precision >= 0.4"\nblock = 0.97\n'
SEEDS["cleaning"] = "H\u200be\u0301llo \U0001d407 y0u 1d10t \ud83d ١٢".encode("utf-8", "surrogatepass")
