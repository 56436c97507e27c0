"""Slack's export: a zip archive, or the folder it unpacks to, with a JSON file for each channel and day.

* ``channels.json``, ``groups.json``, ``mpims.json`` and ``dms.json`` list the conversations, ``users.json`` the people.
* Ids are ``<channel>/<ts>``, because a ``ts`` is unique in its channel only. Sender is the user's or bot's id, time the
  ``ts``, recipient the channel, and in a direct conversation the other person; what is written there is private.
* ``<@U123>`` is read as ``@name``, ``<#C123|name>`` as ``#name``, ``<url|label>`` as both, ``&lt;`` as its character.
* Replies in threads stand in the files of their days like any message.
* What Slack wrote (joins, topics, pins), deleted messages and messages without text are set aside as no messages.
"""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

from classifier.archives import DAMAGE
from classifier.errors import MessagesError
from classifier.exports import Columns
from classifier.json_exports import told_values
from classifier.json_streams import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from classifier.sources import Source
    from classifier.text_exports import Row

__all__ = ["LISTS", "is_slack", "read_slack"]

LISTS = ("channels.json", "groups.json", "mpims.json", "dms.json")
_COLUMNS = Columns("id", "text", None, sender="user", recipient="channel", time="ts")
_DAY = re.compile(r"(?P<channel>[^/]+)/\d{4}-\d\d-\d\d\.json")
_MAX_LIST = 2**26
_BY_PEOPLE = (
    None, "", "bot_message", "file_comment", "file_share", "me_message", "reply_broadcast", "thread_broadcast",
)  # fmt: skip
_MARKUP = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


def is_slack(names: Sequence[str]) -> bool:
    """Tell whether the files of a folder or archive are those of a Slack export.

    >>> is_slack(["users.json", "channels.json", "general/2026-01-02.json"]), is_slack(["users.json", "a.csv"])
    (True, False)
    """
    return "users.json" in names and any(name in LISTS for name in names)


def read_slack(sources: Mapping[str, Source], path: Path) -> tuple[Columns, Iterator[Row]]:
    """Read the rows of an export whose files are `sources`, by name, channel by channel and day by day."""
    names = {user["id"]: _name(user) for user in _list(sources, "users.json", path) if type(user.get("id")) is str}
    pairs: dict[str, list[Any]] = {}
    for entry in _list(sources, "dms.json", path):
        members = entry.get("members")
        if type(entry.get("id")) is str and type(members) is list:
            pairs[entry["id"]] = members
    return _COLUMNS, _rows(sources, names, pairs)


def _rows(sources: Mapping[str, Source], names: Mapping[str, str], pairs: Mapping[str, list[Any]]) -> Iterator[Row]:
    for name in sorted(sources):
        if not (day := _DAY.fullmatch(name)):
            continue
        channel = day["channel"]
        try:
            with sources[name].open() as raw, io.TextIOWrapper(raw, "utf-8-sig", errors="classifier.broken") as file:
                for steps, value in told_values(file, [()], sources[name].path):
                    if type(value) is dict and not steps:
                        yield _row(value, channel, names, pairs)
                    else:
                        yield str(value) if type(value) is Unreadable else "not a JSON object", None, "", None, ()
        except (MessagesError, OSError, *DAMAGE) as error:
            yield f"{name} is set aside from here: {getattr(error, 'what', 'it cannot be read')}", None, "", None, ()


def _row(message: dict[str, Any], channel: str, names: Mapping[str, str], pairs: Mapping[str, list[Any]]) -> Row:
    time, kind, text = message.get("ts"), message.get("subtype"), message.get("text")
    key = f"{channel}/{time}" if type(time) is str and time.isascii() else None
    if kind == "tombstone":
        return "no message: deleted", key, "", None, ()
    if message.get("type", "message") != "message" or kind not in _BY_PEOPLE:
        return "no message: written by Slack", key, "", None, ()
    if type(text) is not str:
        return "there is no text", key, "", None, ()
    if not text.strip():
        return "no message: nothing but files or attachments", key, "", None, ()
    sender = message.get("user") or message.get("bot_id")
    members = pairs.get(channel)
    recipient = channel if members is None else next((member for member in members if member != sender), None)
    return None, key, _plain(text, names), None if members is None else "private_message", (sender, recipient, time)


def _plain(text: str, names: Mapping[str, str]) -> str:
    r"""Undo Slack's markup.

    >>> _plain("<@U1> see <https://example.org|here> in <#C1|general> &lt;3 <!channel>", {"U1": "ana"})
    '@ana see here https://example.org in #general <3 @channel'
    """

    def undo(match: re.Match[str]) -> str:
        target, label = match[1], match[2]
        if target.startswith("@"):
            return f"@{label or names.get(target[1:], target[1:])}"
        if target.startswith("#"):
            return f"#{label or target[1:]}"
        if target.startswith("!"):
            return label or f"@{target[1:].partition('^')[0]}"
        plain = target.removeprefix("mailto:").removeprefix("tel:")
        return plain if label in (None, "", plain, target) else f"{label} {plain}"

    text = _MARKUP.sub(undo, text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _name(user: dict[str, Any]) -> str:
    profile = user.get("profile")
    shown = profile.get("display_name") if type(profile) is dict else None
    return next((name for name in (shown, user.get("name"), user.get("real_name")) if name and type(name) is str), "?")


def _list(sources: Mapping[str, Source], name: str, path: Path) -> list[dict[str, Any]]:
    """Read one of the lists that describe an export; what is wrong with it costs names, not messages."""
    if name not in sources:
        return []
    try:
        with sources[name].open() as file:
            content = file.read(_MAX_LIST + 1)
        entries = json.loads(content) if len(content) <= _MAX_LIST else None
    except (ValueError, RecursionError, OSError, *DAMAGE):
        entries = None
    if type(entries) is not list:
        raise MessagesError(f"{name} in it is no list", where=str(path), todo="export it again")
    return [entry for entry in entries if type(entry) is dict]
