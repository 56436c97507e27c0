"""Which format a file of messages is in: told by its content where that is unmistakable, else by its ending.

Unmistakable are the first bytes of Parquet files and archives, the lines of WhatsApp, the header of a Discord CSV file,
and JSON: an array of objects, an object with messages in it, or an object on each line.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from classifier.discord_exports import CSV_HEADER
from classifier.errors import MessagesError
from classifier.exports import Columns, find_columns
from classifier.json_streams import DamagedError, walk
from classifier.text_exports import BROKEN
from classifier.whatsapp_exports import looks_like_whatsapp

if TYPE_CHECKING:
    import os
    from pathlib import Path

__all__ = ["EXPORT_FORMATS", "FORMAT_NAMES", "check_format", "detect_format"]

# What --format takes, and under which names.
EXPORT_FORMATS = {
    "csv": "csv", "tsv": "tsv", "jsonl": "jsonl", "ndjson": "jsonl", "json": "json", "parquet": "parquet",
    "whatsapp": "whatsapp", "telegram": "telegram", "discord": "discord", "slack": "slack", "zip": "zip",
}  # fmt: skip
FORMAT_NAMES = ", ".join(dict.fromkeys(EXPORT_FORMATS.values()))  # as help and errors list them
_ENDINGS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".parquet": "parquet"}
_PACKED = (".gz", ".zst", ".zstd")
_MESSAGES = re.compile(r'"messages"\s*:\s*\[')
_SEEN = {
    b"%PDF": "a PDF document", b"SQLite": "an SQLite database", b"<": "HTML or XML", b"\x1f\x8b": "compressed twice",
    b"\x28\xb5\x2f\xfd": "compressed twice", b"\xd0\xcf\x11\xe0": "an old Office document", b"\x7fELF": "a program",
}  # fmt: skip


def check_format(format: str | None, where: str | os.PathLike[str]) -> str | None:  # noqa: A002
    """Give the format that somebody named, None for none.

    >>> check_format("NDJSON", "e.dump")
    'jsonl'
    """
    if format is None:
        return None
    if (found := EXPORT_FORMATS.get(format.lower())) is None:
        todo = f"use one of {FORMAT_NAMES}"
        raise MessagesError(f"unknown format '{format}'", where=str(where), todo=todo)
    return found


def detect_format(head: bytes, path: Path, asked: str | None = None) -> str:
    r"""Name the format of a file that begins with `head`: one of `EXPORT_FORMATS` or ``discord-csv``.

    Raises
    ------
    MessagesError
        When nothing fits; it says what was seen, without quoting it.

    Examples
    --------
    >>> from pathlib import Path
    >>> heads = b"PAR1\x15", b'{"id": 1, "text": "a"}\n{"id": 2}', b'[{"text": "a"}]', b"12/31/23, 21:05 - Ana: hi"
    >>> for head in heads:
    ...     print(detect_format(head, Path("export.txt")))
    parquet
    jsonl
    json
    whatsapp
    >>> detect_format(b"%PDF-1.7", Path("chat.pdf"))
    Traceback (most recent call last):
    ...
    classifier.errors.MessagesError: chat.pdf: unknown extension '.pdf' and content (a PDF document); use .csv, .tsv,
    .jsonl, .ndjson, .json, .parquet or name the format with --format

    """
    text = _text(head).lstrip("\ufeff \t\r\n")
    if asked is not None:
        return "discord-csv" if asked == "discord" and not text.startswith(("{", "[")) else asked
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if looks_like_whatsapp(text[:8192]):
        return "whatsapp"
    name = PurePath(path).name.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    suffix = PurePath(name).suffix
    by_name = _ENDINGS.get(suffix)
    if text.startswith(("{", "[")) and (found := _of_json(text, by_name)):
        return found
    first = text.partition("\n")[0].strip("\r")
    if ",".join(CSV_HEADER[:4]) in first.replace('"', ""):
        return "discord-csv"
    if by_name is not None:
        return by_name
    if len(first) < 4096 and _is_header(first, path):
        return "csv"
    seen = next((what for start, what in _SEEN.items() if head.lstrip().startswith(start)), None)
    seen = seen or ("binary data" if b"\0" in head[:4096] else "text without dates, braces or a header")
    what = f"unknown extension '{suffix}' and content ({seen})"
    todo = f"use {', '.join(_ENDINGS)} or name the format with --format"
    raise MessagesError(what, where=str(path), todo=todo)


def _text(head: bytes) -> str:
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return head.decode("utf-16" if utf16 else "utf-8", "replace")


def _of_json(text: str, by_name: str | None) -> str | None:
    """Tell the kinds of JSON apart; None where it is none that holds messages."""
    first, _, rest = text.partition("\n")
    try:
        whole = json.JSONDecoder().raw_decode(first)[0]
    except (ValueError, RecursionError):
        whole = None
    if text.startswith("["):
        if by_name == "jsonl" and type(whole) is list and rest.lstrip().startswith("{"):
            return "jsonl"
        return "json" if re.match(r"\[\s*[\[{\]]", text) else None
    keys: set[str] = set()
    chats = False
    try:
        for steps, _ in walk(io.StringIO(text), [("messages",), ("chats", "list", "*", "messages")], BROKEN, 2**24):
            keys.update(steps[:1])
            chats = chats or steps[:2] == ("chats", "list")
            if steps == ("messages",):
                break
    except DamagedError:  # the head of a document is cut off
        pass
    if chats:
        return "telegram"
    if _MESSAGES.search(text) and (type(whole) is not dict or "messages" in whole):
        if {"guild", "channel"} <= keys:
            return "discord"
        return "telegram" if {"type", "id"} <= keys else "json"
    # One object on each line, and not one that goes on over lines.
    return "jsonl" if type(whole) is dict or by_name == "jsonl" else by_name


def _is_header(line: str, path: Path) -> bool:
    fields = [field.strip().strip('"') for field in line.split(max(",;\t", key=line.count))]
    try:
        find_columns(fields, Columns(), path)
    except MessagesError:
        return False
    return True
