"""Fetch one file over HTTP so that what lies on disk is either complete and verified, or visibly partial.

A download grows in ``<name>.part`` next to its target; a broken connection is resumed with a Range request, and only a
file whose SHA-256 is the expected one is renamed (atomically) to its name. Only the standard library is needed.
"""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from classifier.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    # progress(file name, bytes so far, bytes in all), called after every block
    Progress = Callable[[str, int, int], None]

__all__ = ["download", "file_digest", "verify"]

_BLOCK = 1 << 16
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})  # answers worth another try; any other 4xx is final


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "empty"
    >>> _ = path.write_bytes(b"")
    >>> file_digest(path)[:16]
    'e3b0c44298fc1c14'
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def verify(path: Path, sha256: str, *, todo: str) -> None:
    """Raise `CorpusError` unless `path` has the digest `sha256`; the file is left where it is.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "rows.csv"
    >>> _ = path.write_bytes(b"changed")
    >>> verify(path, "0" * 64, todo="restore it")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    classifier.errors.CorpusError: rows.csv: SHA-256 is d67e…, expected 0000…; restore it
    """
    if (got := file_digest(path)) != sha256:
        raise CorpusError(f"SHA-256 is {got}, expected {sha256}", where=str(path), todo=todo)


def download(
    url: str,
    target: Path,
    *,
    size: int,
    sha256: str,
    progress: Progress | None = None,
    tries: int = 4,
    pause: float = 0.5,
    timeout: float = 30.0,
) -> Path:
    """Download `url` to `target` and return `target`; a partial download left by an earlier call is continued.

    Parameters
    ----------
    url : str
        An ``https://`` or ``http://`` address.
    target : Path
        Where the verified file ends up; folders are made as needed.
    size, sha256 : int, str
        What the file must be. More bytes than `size` end the download at once.
    progress : callable, optional
        Called as ``progress(name, done, size)`` after every block.
    tries, pause, timeout : int, float, float
        Attempts in all, seconds before the second attempt (doubled each time), seconds a silent server is waited for.

    Raises
    ------
    CorpusError
        The server refuses the file, stays unreachable, or sends a file of another digest (which is then removed).

    """
    if not url.startswith(("https://", "http://")):
        raise CorpusError(f"cannot download {url!r}", where=target.name, todo="give an https:// address")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    failure = ""
    for attempt in range(tries):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        had = part.stat().st_size if part.exists() else 0
        if had > size:  # of another version of the file, or not ours
            part.unlink()
            had = 0
        try:
            if had < size or not size:
                had = _append(url, part, had, size, progress, timeout)
        except urllib.error.HTTPError as error:
            error.close()
            failure = f"the server answered {error.code} {error.reason}"
            if error.code == 416:  # our partial file does not fit theirs: start over
                part.unlink(missing_ok=True)
            elif error.code not in _TRANSIENT:
                break
            continue
        except (OSError, http.client.HTTPException) as error:
            failure = str(getattr(error, "reason", error)) or type(error).__name__
            continue
        if (done := part.stat().st_size) < size:
            failure = f"the connection ended after {done} of {size} bytes"
        elif (got := file_digest(part)) == sha256:
            return part.replace(target)
        else:
            part.unlink()
            failure = f"SHA-256 is {got} ({done} bytes), expected {sha256} ({size} bytes)"
            if not had:  # sent in one piece: the server holds another file, asking again gives the same
                break
    raise CorpusError(
        f"cannot download {url}: {failure}",
        where=target.name,
        todo="check the connection and try again, or put the file into a mirror folder",
    )


def _append(url: str, part: Path, had: int, size: int, progress: Progress | None, timeout: float) -> int:
    """Write what the server sends to `part`; return how many bytes of an earlier attempt were kept."""
    headers = {"User-Agent": "guideline-classifier", "Accept-Encoding": "identity"}
    if had:
        headers["Range"] = f"bytes={had}-"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme is checked by `download`
    with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
        kept = had if answer.status == 206 else 0  # 200: the server ignores Range and sends everything
        with part.open("ab" if kept else "wb") as stream:
            done = kept
            while done <= size and (block := answer.read(_BLOCK)):
                done += stream.write(block)
                if progress:
                    progress(part.name.removesuffix(".part"), done, size)
    return kept
