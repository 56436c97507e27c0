"""WhatsApp's text export, from Android (``12/31/23, 9:05 PM - Ana: hi``) and iOS (``[31.12.23, 21:05:12] Ana: hi``).

* Every order and sign of dates, 12 and 24 hours, digits and words for the half of the day of many languages, invisible
  marks and narrow spaces are read. A message goes on until the next line that begins with such a date.
* Day and month: of the orders the dates in the first 4 MiB of text allow, the one in which time runs forward; where all
  fit, ``/`` with AM and PM means the month first, anything else the day. A note says which order was taken and why.
* Row numbers are the ids: the format has none. Times come as ISO 8601 without a zone, that of the phone.
* A dated line without a sender was written by WhatsApp (joins, encryption notices). It is set aside as no message, as
  are omitted media and deleted messages, if they say exactly a phrase of `whatsapp_phrases`.
* The format cannot tell a message that quotes such a dated line from two messages; it is read as two.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from classifier.errors import MessagesError
from classifier.exports import Columns
from classifier.text_exports import BROKEN, MAX_ROW
from classifier.whatsapp_phrases import AFTERNOON, DELETED, EDITED, MEDIA, MORNING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier.text_exports import Row

__all__ = ["looks_like_whatsapp", "read_whatsapp"]

_COLUMNS = Columns(None, "text", None, sender="sender", time="time")
_HEAD = 2**22
_MAX_LINES = 2**16
_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_WORD = r"[^\W\d_][^\d\[\]:,\-–/]{0,15}?"  # um, klo, в, p. m., 下午
_HEADER = re.compile(
    r"(?P<ios>\[)?"
    r"(?P<a>\d{1,4})(?: ?[./\-] ?|年 ?|년 ?)(?P<b>\d{1,2})(?: ?[./\-] ?|月 ?|월 ?)(?P<c>\d{1,4})(?:日|일|\.)?(?: ?г\.)?"
    rf"(?:[,،、] ?| )(?: ?{_WORD}(?:[,،] ?| ?))??(?P<before>{_WORD})? ?"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?"
    rf"(?: ?(?P<after>{_WORD}))?(?(ios)\] ?| [-–] )"
)
_ORDERS = {"dmy": "the day first", "mdy": "the month first", "ymd": "the year first"}
# Names WhatsApp gives to files; anything else in brackets may be a message.
_ATTACHED = re.compile(
    r"<[^\W\d_][^<>:]{0,20}: ?\d{8}-[A-Z]+-[\d-]+\.\w{2,5}>|"
    r"(?:IMG|VID|AUD|PTT|STK|DOC|GIF)-\d{8}-WA\d{4}\.\w{2,5} [(<][^()<>]{1,30}[)>]"
)


def looks_like_whatsapp(head: str) -> bool:
    """Tell whether a text begins like an export of WhatsApp.

    >>> looks_like_whatsapp("[31.12.23, 21:05:12] Ana: hi"), looks_like_whatsapp("31.12.23, 21:05;hi")
    (True, False)
    """
    lines = [line for line in head.lstrip().splitlines()[:20] if line.strip()]
    return any(_header(line) for line in lines[:5])


def read_whatsapp(lines: Iterator[str], asked: Columns, path: Path) -> tuple[Columns, Iterator[Row], str]:  # noqa: ARG001
    r"""Read the rows of an export and the note on its dates; `asked` changes nothing: the format has its own columns.

    >>> from pathlib import Path
    >>> export = ["12/31/23, 9:05\u202fPM - Ana: hi\n", "all\n", "12/31/23, 9:06 PM - Ana left\n"]
    >>> _, rows, note = read_whatsapp(iter(export), Columns(), Path("chat.txt"))
    >>> for row in rows:
    ...     print(row)
    (None, None, 'hi\nall', None, ('Ana', '2023-12-31T21:05:00'))
    ('no message: written by WhatsApp (line 3)', None, '', None, ())
    >>> note
    'dates are read with the month first, the only order they allow'
    """
    head, size = [], 0
    for line in lines:
        head.append(line)
        size += len(line)
        if size >= _HEAD:
            break
    found = [match for line in head if (match := _header(line))]
    if not found:
        what = "no line begins with a date, a time and a name as WhatsApp writes them"
        raise MessagesError(what, where=str(path), todo="export it again or name its format with --format")
    order, why = _order(found)
    note = f"dates are read with {_ORDERS[order]}, {why}"
    return _COLUMNS, _rows(chain(head, lines), order, ios=found[0]["ios"] is not None), note


def _rows(lines: Iterator[str], order: str, *, ios: bool) -> Iterator[Row]:
    header: re.Match[str] | None = None
    entry: list[str] = []
    start = size = 0
    for number, line in enumerate(lines, 1):
        match = _header(line)
        if match and (match["ios"] is not None) == ios and _time(match, order):
            if entry:
                yield _row(header, entry, start, size, order)
            header, entry, start, size = match, [match.string[match.end() :]], number, len(line)
        elif entry or line.strip():
            start = start if entry else number
            size += len(line)
            if size < MAX_ROW and len(entry) < _MAX_LINES:  # an entry beyond is set aside; do not keep it
                entry.append(line)
            else:
                size = MAX_ROW
    if entry:
        yield _row(header, entry, start, size, order)


def _row(header: re.Match[str] | None, entry: list[str], start: int, size: int, order: str) -> Row:
    place = f" (line {start})"
    if size >= MAX_ROW:
        return f"longer than {MAX_ROW:,} characters or {_MAX_LINES:,} lines{place}", None, "", None, ()
    if header is None:
        return f"text before the first message{place}", None, "", None, ()
    text = "".join(entry)
    if BROKEN in text:
        return f"bytes that do not fit the encoding{place}", None, "", None, ()
    sender, colon, text = text.partition(":")
    if not colon or not text[:1].isspace() or "\n" in sender or len(sender) > 120 or {'"', "“"} & {*sender}:
        return f"no message: written by WhatsApp{place}", None, "", None, ()
    text = text[1:].replace("\r\n", "\n").rstrip("\n").lstrip("\u200e\u200f")
    plain = _MARKS.sub("", text).strip()
    for mark in EDITED:
        if plain.endswith(mark):
            text = text[: text.rindex(mark)].rstrip("\u200e\u200f ") if mark in text else text
            plain = plain.removesuffix(mark).rstrip()
    phrase = plain.strip("<>").strip().rstrip(".。").casefold()
    if phrase in MEDIA or (rest := _ATTACHED.sub("", plain, count=1).strip()) == "":
        return f"no message: media{place}", None, "", None, ()
    if phrase in DELETED:
        return f"no message: deleted{place}", None, "", None, ()
    time = _time(header, order)
    sender = _MARKS.sub("", sender).strip().removeprefix("~").strip()
    # Earlier years are those of other calendars.
    envelope = (sender, time.isoformat() if time and time.year > 1990 else None)
    return None, None, text if rest == plain else rest, None, envelope


def _header(line: str) -> re.Match[str] | None:
    """Find the date and time a line begins with; the match is of the line with plain spaces and digits before them."""
    top = line[:80]
    if not any(char.isdigit() for char in top[:8]):  # most lines that go on with a message
        return None
    plain = _MARKS.sub("", top) if not top.isascii() else top
    if not plain.isascii():
        plain = "".join(_plain(char) for char in plain)
    match = _HEADER.match(plain)
    if match is None:
        return None
    # What follows the date stays as it was written.
    kept, at = 0, 0
    while kept < match.end():
        kept += not _MARKS.match(line[at])
        at += 1
    return _HEADER.match(plain[: match.end()] + line[at:])


def _plain(char: str) -> str:
    if char.isspace():
        return " "
    return str(unicodedata.decimal(char)) if char.isdecimal() else char


def _order(found: list[re.Match[str]]) -> tuple[str, str]:
    """Decide which of day, month and year comes first, and say why."""
    fits = {}
    for order in _ORDERS:
        times = [time for match in found if (time := _time(match, order))]
        forward = sum(one <= other for one, other in pairwise(times))
        fits[order] = (len(times), forward)
    most = max(count for count, _ in fits.values())
    left = [order for order in _ORDERS if fits[order][0] == most]
    if len(found[0]["a"]) < 4 and len(left) > 1 and "ymd" in left:  # two digits of a year stand last nearly everywhere
        left.remove("ymd")
    if len(left) == 1:
        return left[0], "the only order they allow"
    best = max(fits[order][1] for order in left)
    running = [order for order in left if fits[order][1] == best]
    if len(running) == 1:
        return running[0], "the order in which time runs forward"
    halves = any(_half(match) is not None for match in found)
    american = halves and "/" in found[0][0] and len(found[0]["c"]) == 2 and "mdy" in running
    return "mdy" if american else running[0], "which nothing in it proves"


def _half(match: re.Match[str]) -> int | None:
    """Tell the half of the day: 0, 1, or None on a clock of 24 hours."""
    for word in (match["after"], match["before"]):
        if word:
            plain = re.sub(r"[.\s]", "", word).casefold()
            if plain in AFTERNOON:
                return 1
            if plain in MORNING:
                return 0
    return None


def _time(match: re.Match[str], order: str) -> datetime | None:
    parts = dict(zip(order, (match["a"], match["b"], match["c"]), strict=True))
    if len(parts["y"]) not in (2, 4) or len(parts["d"]) > 2 or len(parts["m"]) > 2:
        return None
    year, hour, half = int(parts["y"]), int(match["hour"]), _half(match)
    if len(parts["y"]) == 2:
        year += 2000
        if not 2009 <= year <= datetime.now().year + 1:  # WhatsApp began in 2009
            return None
    elif 2500 <= year < 2700:  # the Buddhist calendar of Thailand
        year -= 543
    if half is not None and hour <= 12:
        hour = hour % 12 + 12 * half
    try:
        return datetime(year, int(parts["m"]), int(parts["d"]), hour, int(match["minute"]), int(match["second"] or 0))
    except ValueError:
        return None
