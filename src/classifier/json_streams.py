"""JSON documents of any size, element by element: the arrays of messages in them, and the values beside those.

An element is decoded by the standard library; finding the next one is done here, and only where the decoder cannot.
Streaming parsers written in C were tried first and end the process on an integer of some thousand digits, which is what
somebody hostile would send.

Time is linear in the size of the document and memory is that of the largest element, `MAX_ROW` characters at most.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import TextIO

__all__ = ["DamagedError", "Digits", "Steps", "Unreadable", "walk"]

Steps = tuple[str, ...]
_CHUNK = 2**16
_MAX_VALUE = 2**20  # a value beside the messages that is longer than this is of no interest
_SPACE = re.compile(r"[ \t\r\n]*+")
# A string, closed or not, or a bracket: all that decides where an element ends.
_MARK = re.compile(r'"(?:[^"\\]++|\\.)*+("?)|[\[\]{}]', re.DOTALL)
_SCALAR_END = re.compile(r"[,\]}\s]")


class Digits(str):
    """A JSON number that is no integer, as written: the only way to keep it exactly."""

    __slots__ = ()


class Unreadable(str):
    """Why an element could not be read."""

    __slots__ = ()


class DamagedError(Exception):
    """The document is not JSON from some place on."""


_decode = json.JSONDecoder(parse_float=Digits, parse_constant=Digits).raw_decode


def walk(file: TextIO, streams: Collection[Steps], broken: str, longest: int) -> Iterator[tuple[Steps, Any]]:
    r"""Yield `(steps, value)` for the elements of the arrays at `streams` and for what stands on the way to them.

    Steps are keys, and ``"*"`` for the elements of an array on the way; the elements of the array at `streams` come
    with its steps. An element that is no JSON, longer than `longest` characters or holds `broken` is `Unreadable`.

    Raises
    ------
    DamagedError
        Where the brackets and commas around the elements do not fit.

    Examples
    --------
    >>> import io
    >>> file = io.StringIO('{"name": "Ana", "n": {"x": 1}, "messages": [{"id": 1.50}, {oops}, 3]}')
    >>> for steps, value in walk(file, [("messages",)], "\udcff", 1000):
    ...     print(steps, value)
    ('name',) Ana
    ('n',) {'x': 1}
    ('messages',) {'id': '1.50'}
    ('messages',) not JSON: Expecting property name enclosed in double quotes
    ('messages',) 3

    """
    document = _Document(file, broken, longest)
    yield from _walk(document, (), frozenset(streams))
    if document.next_mark():
        raise DamagedError("more after its end")


def _walk(document: _Document, steps: Steps, streams: frozenset[Steps]) -> Iterator[tuple[Steps, Any]]:
    mark = document.next_mark()
    if steps in streams and mark == "[":
        document.at += 1
        for _ in document.members("]"):
            yield steps, document.element()
    elif mark in ("{", "[") and any(len(stream) > len(steps) and stream[: len(steps)] == steps for stream in streams):
        document.at += 1
        for _ in document.members("}" if mark == "{" else "]"):
            step = document.key() if mark == "{" else "*"
            # No deeper than the steps asked for, however deep the document is.
            yield from _walk(document, (*steps, step), streams)
    else:
        yield steps, document.element(_MAX_VALUE)


class _Document:
    """A window on the document: `text` from `at` on is what comes next."""

    def __init__(self, file: TextIO, broken: str, longest: int) -> None:
        self.file, self.broken, self.longest = file, broken, longest
        self.text, self.at, self.ended = "", 0, False
        self.ahead: list[tuple[str, int]] = []  # read already, the nearest last

    def more(self, size: int = _CHUNK) -> bool:
        """Read on; what was passed is dropped."""
        if self.ahead:
            text, at = self.ahead.pop()
            chunk = text[at : at + size]
            if at + size < len(text):
                self.ahead.append((text, at + size))
        else:
            chunk = "" if self.ended else self.file.read(size)
            self.ended = not chunk
        self.text, self.at = self.text[self.at :] + chunk, 0
        return bool(chunk)

    def narrow(self) -> None:
        """Make the window small again after a large element: an error costs the decoder time by its length."""
        if len(self.text) - self.at > 4 * _CHUNK:
            self.ahead.append((self.text, self.at))
            self.text, self.at, self.ended = "", 0, False

    def next_mark(self) -> str:
        """The next character that is no space, not yet passed; empty at the end."""
        while True:
            self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def members(self, end: str) -> Iterator[None]:
        """Stand before each member of an array or object in turn; the caller passes it."""
        mark = self.next_mark()
        if mark == end:
            self.at += 1
            return
        while mark:
            yield
            mark = self.next_mark()
            if mark == end:
                self.at += 1
                return
            if mark and mark != ",":
                raise DamagedError("no comma between its parts")
            self.at += 1
            mark = self.next_mark()
        raise DamagedError("it ends too early")

    def key(self) -> str:
        """Pass a key and its colon."""
        if self.next_mark() != '"':
            raise DamagedError("no key where one should be")
        name = self.element(_MAX_VALUE)
        if self.next_mark() != ":":
            raise DamagedError("no colon after a key")
        self.at += 1
        return name if type(name) is str else ""

    def element(self, longest: int = 0) -> Any:
        """Pass one value and give it, or why it cannot be read."""
        longest = longest or self.longest
        self.next_mark()
        size = _CHUNK
        while True:
            why = ""
            try:
                value, end = _decode(self.text, self.at)
            except json.JSONDecodeError as error:
                why, end = f"not JSON: {error.msg}", _end(self.text, self.at)
            except (ValueError, RecursionError):  # a number of thousands of digits, a thousand brackets
                why, end = "not JSON that can be read", _end(self.text, self.at)
            # A number that touches the end of the window may go on behind it.
            if 0 <= end < len(self.text) or (end >= 0 and self.ended):
                break
            if len(self.text) - self.at > longest:
                self._pass_long()
                return Unreadable(f"longer than {longest:,} characters")
            if not self.more(size):
                if end >= 0:
                    break
                self.at = len(self.text)
                return Unreadable("the file ends inside it")
            size *= 2
        start, self.at = self.at, end
        found = self.text.find(self.broken, start, end) >= 0
        self.narrow()
        if end == start:
            raise DamagedError("no value where one should be")
        if end - start > longest:
            return Unreadable(f"longer than {longest:,} characters")
        if found:
            return Unreadable("bytes that do not fit the encoding")
        return Unreadable(why) if why else value

    def _pass_long(self) -> None:
        """Pass a value without keeping it."""
        depth, in_string = 0, False
        while True:
            at = 0
            self.text, self.at = self.text[self.at :], 0
            while at < len(self.text):
                if in_string:
                    closed = _REST.match(self.text, at)
                    at = closed.end() if closed else len(self.text)
                    in_string = not (closed and closed[1])
                    if in_string and at < len(self.text):  # half an escape
                        break
                    if in_string or depth:
                        continue
                    self.at = at
                    self.narrow()
                    return
                mark = (_MARK_ONLY if depth else _MARK_OR_END).search(self.text, at)
                if mark is None:
                    at = len(self.text)
                    break
                at = mark.end()
                if mark[0] == '"':
                    in_string = True
                elif mark[0] in "[{":
                    depth += 1
                elif depth:
                    depth -= mark[0] in "]}"
                    if not depth:
                        self.at = at
                        self.narrow()
                        return
                else:  # the end of a number
                    self.at = mark.start()
                    self.narrow()
                    return
            self.at = at
            if not self.more():
                self.at = len(self.text)
                return


_REST = re.compile(r'(?:[^"\\]++|\\.)*+("?)', re.DOTALL)
_MARK_ONLY = re.compile(r'["\[\]{}]')
_MARK_OR_END = re.compile(r'["\[\]{},\s]')


def _end(text: str, start: int) -> int:
    """Where the value that starts at `start` ends, -1 where that is behind the text."""
    depth = 0
    if start < len(text) and text[start] not in '"[{':
        found = _SCALAR_END.search(text, start)
        return found.start() if found else -1
    for mark in _MARK.finditer(text, start):
        kind = mark[0]
        if kind in ("[", "{"):
            depth += 1
        elif kind in ("]", "}"):
            depth -= 1
        elif not mark[1]:
            return -1
        if depth <= 0:
            return mark.end()
    return -1
