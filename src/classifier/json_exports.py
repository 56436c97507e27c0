"""Exports as one JSON document: an array of messages, or an object with such an array under ``"messages"``.

The messages are objects and read like lines of JSON Lines: the same columns, the same exact ids, the same reasons.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from classifier.errors import MessagesError
from classifier.json_streams import DamagedError, Unreadable, walk
from classifier.text_exports import BROKEN, MAX_ROW, rows_of_objects

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path
    from typing import TextIO

    from classifier.exports import Columns
    from classifier.json_streams import Steps
    from classifier.text_exports import Row

__all__ = ["read_json", "told_values"]

_STREAMS: tuple[Steps, ...] = ((), ("messages",))


def read_json(file: TextIO, asked: Columns, path: Path) -> tuple[Columns, Iterator[Row]]:
    r"""Read the columns of a JSON document and its rows, good and set aside.

    >>> import io
    >>> from pathlib import Path
    >>> from classifier.exports import Columns
    >>> file = io.StringIO('[{"id": 1, "text": "hi"}, {"id": 2, "text": null}]')
    >>> columns, rows = read_json(file, Columns(), Path("e"))
    >>> [*rows]
    [(None, 1, 'hi', None, ()), ('the text is null, not a string', 2, '', None, ())]
    """
    found = (value for steps, value in told_values(file, _STREAMS, path) if steps in _STREAMS)
    stream = ((0, value) for value in map(_object, found))
    head = list(islice(stream, 1000))
    if not head:
        raise MessagesError("no messages in it", where=str(path), todo="give an array of objects, or one as 'messages'")
    return rows_of_objects(head, chain(head, stream), asked, path)


def told_values(file: TextIO, streams: Collection[Steps], path: Path) -> Iterator[tuple[Steps, Any]]:
    """Walk a document as `json_streams.walk` does; a damaged one raises `MessagesError`, which says after which row."""
    rows = 0
    try:
        for steps, value in walk(file, streams, BROKEN, MAX_ROW):
            rows += steps in streams
            yield steps, value
    except DamagedError as error:
        where = f"is damaged after row {rows}" if rows else "is not a JSON document"
        raise MessagesError(f"{where} ({error})", where=str(path), todo="export it again or use --format") from error


def _object(value: Any) -> Any:
    if type(value) is dict:
        return value
    kinds = {list: "a list", bool: "true or false", type(None): "null", str: "a string"}
    return str(value) if type(value) is Unreadable else f"not a JSON object but {kinds.get(type(value), 'a number')}"
