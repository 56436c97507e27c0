"""Zip archives as folders of exports: nothing is ever written to disk, and nothing in them can lead out of them.

Refused are archives with more than `MAX_FILES` files, or which unpack to more than `MAX_BYTES` or, above 64 MiB, to
more than `compressed.MAX_RATIO` times their size. Files whose names lead elsewhere (``..``, a leading slash, a drive),
links, encrypted files and archives within the archive are not opened.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from classifier.compressed import MAX_RATIO
from classifier.errors import MessagesError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

__all__ = ["DAMAGE", "MAX_BYTES", "MAX_FILES", "zip_members"]

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError)  # what reading a damaged file in an archive raises
MAX_FILES = 200_000
MAX_BYTES = 2**36
_ALLOWED = 2**26


def zip_members(file: BinaryIO, path: Path) -> tuple[dict[str, Callable[[], Any]], list[str]]:
    r"""Name the files of an archive with what opens each, and those that are not opened, in sorted order.

    >>> import io
    >>> packed = io.BytesIO()
    >>> with zipfile.ZipFile(packed, "w") as archive:
    ...     archive.writestr("general/2026-01-02.json", "[]")
    ...     archive.writestr("../../evil.json", "[]")
    >>> members, refused = zip_members(packed, Path("export.zip"))
    >>> [*members], refused, members["general/2026-01-02.json"]().read()
    (['general/2026-01-02.json'], ['../../evil.json'], b'[]')
    """
    try:
        archive = zipfile.ZipFile(file)
        entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
        end = file.seek(0, 2)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OverflowError, struct.error) as error:
        raise MessagesError("is no whole zip archive", where=str(path), todo="export it again") from error
    total = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_FILES or total > MAX_BYTES or total > max(_ALLOWED, MAX_RATIO * end):
        what = f"unpacks to {len(entries):,} files of {total:,} bytes in all, too much for its size"
        raise MessagesError(what, where=str(path), todo="unpack it yourself if you trust it")
    members: dict[str, Callable[[], Any]] = {}
    refused = []
    for entry in sorted(entries, key=lambda entry: entry.filename):
        name = entry.filename
        # Of two entries of one name nobody knows which was meant.
        readable = not entry.flag_bits & 1 and entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if not (readable and _stays_inside(name)) or stat.S_ISLNK(entry.external_attr >> 16) or name in members:
            refused.append(name)
        else:
            members[name] = partial(_open, archive, entry, path)
    return members, refused


def _open(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> Any:
    try:
        return archive.open(entry)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError) as error:
        raise MessagesError("a file in it is damaged", where=str(path), todo="export it again") from error


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not {"..", "/", "//"} & {*parts} and not {"\\", "\0"} & {*name} and ":" not in parts[0]
