"""When a message was sent: the forms in which exports write a time, read into UTC, and never guessed.

A form is read only where it can mean one moment. ``03/04/2026`` is two days, so dates with slashes are read only with
the year in front; a general parser (dateutil) would read it one way, and ``5`` as the fifth of this month.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

__all__ = ["parse_time"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Digits of an epoch, from 1973 on, and how many of its units make a second.
_UNITS = {9: 1, 10: 1, 12: 1e3, 13: 1e3, 15: 1e6, 16: 1e6, 18: 1e9, 19: 1e9}
_COMPACT = re.compile(r"(?:19|20)\d{10}(?:\d\d)?")
_NUMBER = re.compile(r"\d{9,19}(?:\.\d*)?")
_ZONE_NAME = re.compile(r"\s*(?:UTC|GMT)$|(?<=[+-]\d{4}) [A-Z]{3,4}$")
_FORMATS = (
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y, %H:%M:%S", "%d.%m.%Y, %H:%M", "%d.%m.%Y",
    "%Y-%m-%d %I:%M:%S %p", "%Y-%m-%d %I:%M %p", "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S.%f %z",
    "%b %d, %Y, %I:%M:%S %p", "%b %d, %Y, %I:%M %p", "%b %d, %Y %I:%M %p", "%b %d, %Y %H:%M:%S", "%b %d, %Y",
    "%B %d, %Y at %I:%M %p", "%B %d, %Y %I:%M %p", "%B %d, %Y",
    "%d %b %Y %H:%M:%S", "%d %b %Y %H:%M", "%d %b %Y, %H:%M", "%d %b %Y", "%a %b %d %H:%M:%S %z %Y",
)  # fmt: skip


def parse_time(value: str | None) -> datetime | None:
    """Read a time as an aware datetime in UTC; None where it is missing or cannot be read for certain.

    Reads ISO 8601 in all its forms, the epoch in seconds to nanoseconds, e-mail dates and what spreadsheets and
    platforms write with the year in front, dots or the name of a month. A time without a zone is taken as UTC.

    >>> parse_time("2026-10-24T06:40:12+02:00").isoformat()
    '2026-10-24T04:40:12+00:00'
    >>> parse_time("1792816812000") == parse_time("1792816812") == parse_time("2026-10-24 04:40:12")
    True
    >>> parse_time("Oct 24, 2026, 4:40 AM") == parse_time("24.10.2026 04:40")
    True
    >>> parse_time("03/04/2026"), parse_time("yesterday"), parse_time(None)
    (None, None, None)
    """
    if value is None:
        return None
    try:
        found = _read(value)
        return None if found is None else found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _read(value: str) -> datetime | None:
    value = " ".join(value.split())  # also the narrow spaces before AM and PM
    if not value.isascii():
        return None
    if value[:1].isdigit():
        if _COMPACT.fullmatch(value):
            return datetime.strptime(value, "%Y%m%d%H%M%S" if len(value) == 14 else "%Y%m%d%H%M")
        if _NUMBER.fullmatch(value):
            unit = _UNITS.get(len(value.partition(".")[0]))
            return None if unit is None else _EPOCH + timedelta(seconds=float(value) / unit)
        if not value.isdigit() or len(value) == 8:  # a bare year or a row number is no time
            try:
                return datetime.fromisoformat(value)
            except ValueError:
                pass
    plain = _ZONE_NAME.sub("", value)
    if plain != value:
        return _read(plain)
    for form in _FORMATS:
        try:
            return datetime.strptime(value, form)
        except ValueError:
            continue
    # An e-mail date has a comma or a zone; without them the parser takes almost anything.
    return (
        parsedate_to_datetime(value)
        if re.match(r"[A-Z][a-z]{2}, \d|\d{1,2} [A-Z][a-z]{2} \d{4} .*[+-]\d{4}$", value)
        else None
    )
