"""Text in CSV files that spreadsheets open: shown, never run."""

from __future__ import annotations

import re
from typing import TypeVar

__all__ = ["inert"]

_T = TypeVar("_T")
# What starts a formula in Excel, LibreOffice, Google Sheets or Numbers, the wide forms too, behind spaces or not.
_STARTS = frozenset("=+-@\t\r\n \u00a0\u3000\uff1d\uff0b\uff0d\uff20")
_FORMULA = re.compile(r"[\s\x00]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?", re.ASCII)


def inert(value: _T) -> _T | str:
    r"""Put an apostrophe before a text that a spreadsheet would run as a formula; numbers stay numbers.

    Doubling quotes does not help: a spreadsheet takes them off before it looks. The rule is that of OWASP ("CSV
    injection"). Who reads such a file by program takes the apostrophe off again, or asks for JSON Lines or Parquet.

    >>> inert("=1+1"), inert("@SUM(A1)"), inert("\t=1"), inert("-3"), inert("007"), inert(-3), inert(None)
    ("'=1+1", "'@SUM(A1)", "'\t=1", '-3', '007', -3, None)
    """
    if not isinstance(value, str) or not value or value[0] not in _STARTS:
        return value
    return f"'{value}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else value
