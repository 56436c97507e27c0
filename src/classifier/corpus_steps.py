"""What an entry of the registry of corpora can ask for: readers, decodings, derived columns, conditions, templates."""

from __future__ import annotations

import ast
import csv
import fnmatch
import hashlib
import html
import io
import json
import operator
import re
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pandas as pd

__all__ = [
    "COMPARISON",
    "DECODERS",
    "DERIVE",
    "READERS",
    "READ_KEYS",
    "any_condition",
    "decode_text",
    "fill",
    "text_digest",
]

# ---- readers: each yields one dict of strings for every row of a file ----


def _read_csv(content: str, options: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    quoting: Any = csv.QUOTE_MINIMAL if options.get("quoted", True) else csv.QUOTE_NONE
    # Only "\n" ends a line: some messages hold other line breaks.
    rows = csv.reader(io.StringIO(content, newline="\n"), delimiter=options.get("delimiter", ","), quoting=quoting)
    header = options.get("columns") or next(rows, [])
    for cells in rows:
        if len(cells) > len(header):
            raise ValueError(f"line {rows.line_num} has {len(cells)} cells for {len(header)} columns")
        yield dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=True))


def _read_lines(content: str, _: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    yield from ({"text": line} for line in content.removesuffix("\n").split("\n"))


def _read_json(content: str, options: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    columns = {name: path.split(".") if path else [] for name, path in options["columns"].items()}
    for keys, row in _walk(json.loads(content), options["records"].split("."), {}):
        found = {name: [leaf for _, leaf in _walk(row, steps, {})] for name, steps in columns.items()}
        yield keys | {k: "|".join(v if isinstance(v, str) else json.dumps(v) for v in vs) for k, vs in found.items()}


def _walk(node: Any, steps: list[str], keys: dict[str, str]) -> Iterator[tuple[dict[str, str], Any]]:
    """Follow a path: ``name`` or ``0`` goes down, ``*`` to every child, ``<column>`` too and keeps the child's key."""
    if not steps:
        yield keys, node
        return
    children = node if isinstance(node, dict) else dict(enumerate(node)) if isinstance(node, list) else {}
    for key, child in children.items():
        if steps[0].startswith("<"):
            yield from _walk(child, steps[1:], {**keys, steps[0].strip("<>"): str(key)})
        elif steps[0] in ("*", str(key)):
            yield from _walk(child, steps[1:], keys)


READERS: dict[str, Callable[[str, Mapping[str, Any]], Iterator[dict[str, str]]]] = {
    "csv": _read_csv,
    "lines": _read_lines,
    "json": _read_json,
}
READ_KEYS = {"format", "encoding", "delimiter", "quoted", "columns", "records", "melt", "text", "decode", "replace"}


# ---- texts ----

DECODERS: dict[str, Callable[[str], str]] = {
    # Entities with their semicolon only: html.unescape alone would also turn "?a=1&copy=2" into "?a=1©=2".
    "entities": lambda text: re.sub(
        r"&(?:#\d{1,7}|#[xX]\w{1,6}|[A-Za-z]\w{1,30});", lambda m: html.unescape(m[0]), text
    ),
    "tags": lambda text: re.sub(r"(?i)</?(?:a|b|i|s|span)(?: [^<>]*)?>", "", re.sub(r"(?i)<br ?/?>", "\n", text)),
    "escapes": lambda text: (
        re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)  # may be halves of a surrogate pair
        .encode("utf-16", "surrogatepass")
        .decode("utf-16", "replace")
    ),
}


def decode_text(text: str, kinds: Iterable[str]) -> str:
    """Apply the decoders of these `kinds`, in order, until nothing changes any more."""
    before = None if any(mark in text for mark in "&<\\") else text
    while text != before:  # some corpora were escaped twice
        before = text
        for kind in kinds:
            text = DECODERS[kind](text)
    return text


def text_digest(text: str) -> str:
    r"""Digest by which annotations find a message again in its corpus.

    SHA-256, in hexadecimal, of the text with Unicode normalised (NFC) and white space collapsed and stripped. HTML
    entities, HTML tags and ``\u`` escapes are read first, so that a message has one digest before and after `read` has
    decoded it.

    >>> text_digest(" Tom &amp;\tAna ") == text_digest("Tom & Ana")
    True
    >>> text_digest("Tom & Ana") == text_digest("tom & ana")
    False
    """
    plain = " ".join(unicodedata.normalize("NFC", decode_text(text, DECODERS)).split())
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


# ---- derived columns, conditions and templates, over a frame of strings ----


def _numbers(frame: pd.DataFrame, globs: Iterable[str]) -> Any:
    import pandas as pd

    columns = [column for column in frame.columns if any(fnmatch.fnmatchcase(column, glob) for glob in globs)]
    if not columns:
        raise KeyError(", ".join(globs))
    return frame[columns].apply(pd.to_numeric, errors="coerce")


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return (found[found.re.groups and 1] or "") if found else ""


DERIVE: dict[str, Callable[[pd.DataFrame, Mapping[str, Any]], Any]] = {
    "sum": lambda frame, how: _numbers(frame, how["sum"]).sum(axis=1),
    "ratio": lambda frame, how: operator.truediv(*(_numbers(frame, [name]).iloc[:, 0] for name in how["ratio"])),
    "map": lambda frame, how: frame[how["of"]].map(lambda value: how["map"].get(value, how.get("default", ""))),
    "extract": lambda frame, how: frame[how["of"]].map(lambda value: _first(how["extract"], value)),
    "tokens": lambda frame, how: frame[how["tokens"]].map(lambda value: " ".join(ast.literal_eval(value))),
    "digest": lambda frame, how: frame[how["digest"]].map(lambda value: text_digest(value)[:16]),
}
_OPERATORS = {">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt}
COMPARISON = re.compile(r"(>=|<=|==|>|<) (-?\d+(?:\.\d+)?)")


def _matches(values: pd.Series[Any], test: str | list[str]) -> pd.Series[bool]:
    import pandas as pd

    if isinstance(test, list):
        return values.isin(test)
    if comparison := COMPARISON.fullmatch(test):  # with what is no number every comparison is false
        numbers = pd.to_numeric(values, errors="coerce")
        return pd.Series(_OPERATORS[comparison[1]](numbers, float(comparison[2])), dtype=bool)
    search = re.compile(test.lstrip("!").removeprefix("~"), re.IGNORECASE).search
    return values.map(lambda value: (search(value) is None) == test.startswith("!")).astype(bool)


def any_condition(frame: pd.DataFrame, conditions: Iterable[Mapping[str, Any]]) -> pd.Series[bool]:
    """Rows where some condition holds; a condition holds where each of its columns does."""
    import pandas as pd

    some = pd.Series(False, index=frame.index)
    for condition in conditions:
        every = pd.Series(True, index=frame.index)
        for column, test in condition.items():
            every &= _matches(frame[column], test)
        some |= every
    return some


def fill(frame: pd.DataFrame, template: str) -> Any:
    """Replace each ``$column`` of a template by the row's value: shape (n_rows,)."""
    result: Any = ""
    for i, piece in enumerate(re.split(r"\$(\w+)", template)):
        result = result + (frame[piece] if i % 2 else piece)
    return result
