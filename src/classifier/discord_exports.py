"""Discord, as DiscordChatExporter writes it: a JSON document or a CSV file for each channel.

* Ids are the messages' own, unique in all of Discord; the CSV form has none, so there row numbers are the ids.
* Sender is the author's id, recipient the channel, time the timestamp; messages of a direct channel are private.
* What the application wrote (joins, pins, calls) and messages without text (attachments, stickers, embeds) are set
  aside as no messages; of a forwarded message the text counts. In CSV the application's lines look like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.exports import Columns
from classifier.json_exports import told_values
from classifier.json_streams import Unreadable
from classifier.text_exports import READERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from classifier.text_exports import Row

__all__ = ["CSV_HEADER", "read_discord", "read_discord_csv"]

CSV_HEADER = ("AuthorID", "Author", "Date", "Content", "Attachments", "Reactions")
_MESSAGES = ("messages",)
_COLUMNS = Columns("id", "content", None, sender="author", recipient="channel", time="timestamp")
_CSV_COLUMNS = Columns(None, "Content", None, sender="AuthorID", time="Date")
# Kinds are written by name where the exporter knows one and else by number; 1 to 18 and these are the application's.
_SERVICE = (
    "RecipientAdd", "RecipientRemove", "Call", "ChannelNameChange", "ChannelIconChange", "ChannelPinnedMessage",
    "GuildMemberJoin", "ThreadCreated", *map(str, range(1, 19)),
)  # fmt: skip


def read_discord(file: TextIO, asked: Columns, path: Path) -> tuple[Columns, Iterator[Row]]:  # noqa: ARG001
    r"""Read the rows of a channel's JSON document; `asked` changes nothing, because the format names its own columns.

    >>> import io
    >>> from pathlib import Path
    >>> export = '''{"guild": {"id": "0"}, "channel": {"id": "55", "type": "DirectTextChat"}, "messages": [
    ...   {"id": "901", "type": "Default", "timestamp": "2026-01-02T03:04:05+00:00", "content": "hi",
    ...    "author": {"id": "7", "name": "ana"}},
    ...   {"id": "902", "type": "ChannelPinnedMessage", "content": "Pinned a message."}]}'''
    >>> for row in read_discord(io.StringIO(export), Columns(), Path("dm.json"))[1]:
    ...     print(row)
    (None, '901', 'hi', 'private_message', ('7', '55', '2026-01-02T03:04:05+00:00'))
    ('no message: written by the application', '902', '', None, ())
    """
    return _COLUMNS, _rows(file, path)


def _rows(file: TextIO, path: Path) -> Iterator[Row]:
    channel: dict[str, Any] = {}
    for steps, value in told_values(file, [_MESSAGES], path):
        if steps == ("channel",) and type(value) is dict:
            channel = value
        elif steps == _MESSAGES:
            if type(value) is dict:
                yield _row(value, channel)
            else:
                yield str(value) if type(value) is Unreadable else "not a JSON object", None, "", None, ()


def _row(message: dict[str, Any], channel: dict[str, Any]) -> Row:
    number, text = message.get("id"), message.get("content")
    key = number if type(number) is str and number.isascii() else None
    if message.get("type") in _SERVICE:
        return "no message: written by the application", key, "", None, ()
    forwarded = message.get("forwardedMessage")
    if text == "" and type(forwarded) is dict:
        text = forwarded.get("content")
    if type(text) is not str:
        return "there is no text", key, "", None, ()
    if not text.strip():
        return "no message: nothing but attachments, stickers or embeds", key, "", None, ()
    author = message.get("author")
    sender = author.get("id") or author.get("name") if type(author) is dict else None
    private = channel.get("type") == "DirectTextChat"
    envelope = (sender, channel.get("id"), message.get("timestamp"))
    return None, key, text, "private_message" if private else None, envelope


def read_discord_csv(lines: Iterator[str], asked: Columns, path: Path) -> tuple[Columns, Iterator[Row]]:  # noqa: ARG001
    """Read the rows of a channel's CSV file (`CSV_HEADER`)."""
    columns, rows = READERS["csv"](lines, _CSV_COLUMNS, path)
    nothing = "no message: nothing but attachments, stickers or embeds"
    empty: Row = (nothing, None, "", None, ())
    return columns, (row if row[0] or row[2].strip() else empty for row in rows)
