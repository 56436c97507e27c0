"""Telegram Desktop's ``result.json``: one chat, or a whole account with its chats and those left.

* ``text`` is a string or a list of strings and entities; put together it is the message as it was written.
* Ids are those of the messages; in the export of an account, where they repeat, ``<chat>/<message>``.
* Sender is ``from_id`` (else ``from``), recipient the chat, time ``date_unixtime`` (else ``date``). What is written in
  a chat of two is a private message; what other chats are to a platform the export does not say.
* Service messages (calls, pins, who joined) and messages without text (photos, stickers) are set aside as no messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.exports import Columns
from classifier.json_exports import told_values
from classifier.json_streams import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from classifier.text_exports import Row

__all__ = ["read_telegram"]

_LISTS = (("chats", "list", "*"), ("left_chats", "list", "*"))
_STREAMS = (("messages",), *((*steps, "messages") for steps in _LISTS))
_COLUMNS = Columns("id", "text", None, sender="from_id", recipient="chat", time="date_unixtime")
_PRIVATE = ("personal_chat", "bot_chat", "saved_messages")


def read_telegram(file: TextIO, asked: Columns, path: Path) -> tuple[Columns, Iterator[Row]]:  # noqa: ARG001
    r"""Read the rows of a ``result.json``; `asked` changes nothing, because the format names its own columns.

    >>> import io
    >>> from pathlib import Path
    >>> export = '''{"name": "Ana", "type": "personal_chat", "id": 12, "messages": [
    ...   {"id": 1, "type": "service", "date": "2026-01-02T03:04:05", "action": "phone_call", "text": ""},
    ...   {"id": 2, "type": "message", "date_unixtime": "1767323045", "from": "Ana", "from_id": "user12",
    ...    "text": ["see ", {"type": "link", "text": "example.org"}]}]}'''
    >>> for row in read_telegram(io.StringIO(export), Columns(), Path("result.json"))[1]:
    ...     print(row)
    ('no message: a service message', 1, '', None, ())
    (None, 2, 'see example.org', 'private_message', ('user12', None, '1767323045'))
    """
    return _COLUMNS, _rows(file, path)


def _rows(file: TextIO, path: Path) -> Iterator[Row]:
    chat: dict[str, Any] = {}
    for steps, value in told_values(file, _STREAMS, path):
        if steps not in _STREAMS:
            if steps[-1:] == ("name",) or (steps[-1:] == ("type",) and "name" not in chat):
                chat = {}  # a chat begins with one of the two
            if steps:
                chat[steps[-1]] = value
        elif type(value) is not dict:
            yield str(value) if type(value) is Unreadable else "not a JSON object", None, "", None, ()
        else:
            yield _row(value, chat, whole_account=len(steps) > 1)


def _row(message: dict[str, Any], chat: dict[str, Any], *, whole_account: bool) -> Row:
    number, peer = message.get("id"), chat.get("id")
    key: Any = number if type(number) is int else None
    if whole_account and key is not None:
        key = f"{peer}/{key}" if type(peer) is int else None
    if message.get("type") == "service":
        return "no message: a service message", key, "", None, ()
    text = _text(message.get("text"))
    if text is None:
        return "the text is neither a string nor a list of entities", key, "", None, ()
    if not text.strip():
        return "no message: nothing but media", key, "", None, ()
    sender = message.get("from_id") or message.get("from")
    # A chat of two bears the number of the other person, who does not write to himself.
    recipient = None if peer is None or sender == f"user{peer}" else str(peer)
    surface = "private_message" if chat.get("type") in _PRIVATE else None
    return None, key, text, surface, (sender, recipient, message.get("date_unixtime") or message.get("date"))


def _text(value: Any) -> str | None:
    if type(value) is str:
        return value
    if type(value) is not list:
        return None
    parts: list[Any] = [part.get("text") if type(part) is dict else part for part in value]
    return "".join(parts) if all(type(part) is str for part in parts) else None
