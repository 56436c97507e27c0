"""Pseudonyms for people: each id becomes a keyed hash, the same in every file as long as the key is the same.

BLAKE2b keyed with 256 bits (RFC 7693), 128 bits of it in base 32. Without the key nobody can tell whose pseudonym it
is, not even by trying all ids; with it anybody can, so it is kept apart from the results and thrown away to make them
anonymous. Replaced are the ids of senders and recipients, and the names of files and chats where they stand in ids of
messages or in lists of rows set aside, because chats are named after people. Texts stay as they are, with whatever
names stand in them; links to profiles are left out.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.errors import InputError
from classifier.exports import plain_envelope

if TYPE_CHECKING:
    from classifier.exports import MessageBatch

__all__ = ["KEY_VARIABLE", "new_key", "pseudonym", "pseudonym_of", "pseudonymize", "read_key"]

KEY_VARIABLE = "CLASSIFIER_PSEUDONYM_KEY"
_KEY = re.compile(r"[0-9a-fA-F]{64}")
_CHAT_IN_ID = ("slack", "telegram")  # formats whose ids may be <chat>/<message>
_QUOTED = re.compile(r"'.*'")


def new_key(path: str | os.PathLike[str]) -> bytes:
    """Write a new key to a file that only its owner can read, and give it.

    Raises
    ------
    InputError
        When the file is there already: a key that is lost cannot be made again.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     key = new_key(Path(folder, "key"))
    ...     read_key(Path(folder, "key")) == key
    True

    """
    key = secrets.token_bytes(32)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except FileExistsError as error:
        todo = "use it without --new-key, or name another file"
        raise InputError("is there already", where=os.fspath(path), todo=todo) from error
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror or error})", where=os.fspath(path)) from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{key.hex()}\n")
    return key


def read_key(path: str | os.PathLike[str] | None = None) -> bytes:
    """Read a key from a file, or without one from the environment variable `KEY_VARIABLE`.

    Raises
    ------
    InputError
        When there is no key, it is not 64 hexadecimal digits, or others may read the file.

    Examples
    --------
    >>> read_key("nowhere.key")
    Traceback (most recent call last):
    ...
    classifier.errors.InputError: nowhere.key: cannot be read (No such file or directory); make one with --new-key

    """
    if path is None:
        text, where = os.environ.get(KEY_VARIABLE, ""), KEY_VARIABLE
    else:
        where = os.fspath(path)
        try:
            with Path(path).open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read(200).decode("ascii", "replace")
        except OSError as error:
            what = f"cannot be read ({error.strerror or error})"
            raise InputError(what, where=where, todo="make one with --new-key") from error
        if os.name == "posix" and stat.S_ISREG(mode) and mode & 0o077:
            raise InputError("others may read this key", where=where, todo=f"chmod 600 {where}")
    if not _KEY.fullmatch(text.strip()):
        raise InputError("is no key of 64 hexadecimal digits", where=where, todo="make one with --new-key")
    return bytes.fromhex(text.strip())


def pseudonym(name: str, key: bytes) -> str:
    """Give the pseudonym of an id: 26 letters and digits.

    >>> pseudonym("user123", bytes(32)), pseudonym("user124", bytes(32)) == pseudonym("user123", bytes(32))
    ('ir7jj7x5c6gcyhtcrmp6eaigdm', False)
    """
    data = name.encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(data, digest_size=16, key=key, person=b"classifier.id").digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def pseudonym_of(value: Any, key: bytes) -> str | None:
    """Give the pseudonym of a value as any format may hold it: None for nothing and for what is no id.

    >>> pseudonym_of(123, bytes(32)) == pseudonym("123", bytes(32)), pseudonym_of({}, bytes(32)), pseudonym_of("", b"")
    (True, None, None)
    """
    name = plain_envelope(value)
    return None if name is None else pseudonym(name, key)


def pseudonymize(batch: MessageBatch, key: bytes) -> MessageBatch:
    """Give a batch with pseudonyms in place of people, chats and files, and without links to profiles.

    Ids of messages stay, but for one that is the sender's or recipient's own, and for the chat it may begin with.

    >>> from classifier.exports import Columns, Export, MessageBatch
    >>> export = Export(Path("e.csv"), "csv", "utf-8", Columns(sender="from"))
    >>> batch = MessageBatch(export, [1, 2], ["hi", "yo"], [None, None], [1, 2], senders=["ana", None])
    >>> pseudonymize(batch, bytes(32)).senders
    ['kkigcdtr5lbrdu3wudo2rnyyqe', None]
    """

    def hidden(names: list[str | None] | None) -> list[str | None] | None:
        return None if names is None else [None if name is None else pseudonym(name, key) for name in names]

    columns = batch.export.columns
    whole = columns.id is not None and columns.id in (columns.sender, columns.recipient)

    def hidden_id(value: Any) -> Any:
        if whole:
            return pseudonym_of(value, key)
        chat, slash, rest = value.rpartition("/") if isinstance(value, str) else ("", "", "")
        return f"{pseudonym(chat, key)}/{rest}" if slash else value

    ids, bad = batch.ids, batch.bad
    if whole or batch.export.format in _CHAT_IN_ID:
        ids = [hidden_id(value) for value in (ids if isinstance(ids, list) else ids.to_pylist())]
        bad = tuple(replace(row, id=hidden_id(row.id)) for row in bad)
    # A reason may name columns, and a file without a header has people where their names should be.
    bad = tuple(
        replace(row, file=pseudonym(re.split(r"[/\\!]", row.file)[-1], key), reason=_QUOTED.sub("…", row.reason))
        for row in bad
    )
    senders, recipients = hidden(batch.senders), hidden(batch.recipients)
    return replace(batch, ids=ids, bad=bad, senders=senders, recipients=recipients, profiles=None)
