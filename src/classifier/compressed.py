"""Gzip and Zstandard undone while reading, with an end to what a small file may unpack to."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Any

from classifier.errors import MessagesError

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["MAX_RATIO", "compression_of", "unpacked"]

MAX_RATIO = 200  # chats compress 5 to 30 times; a file made to explode 1000 times and more
_ALLOWED = 2**26  # what may always be unpacked, however small the file
_WINDOW = 2**27  # of Zstandard: the memory a file may ask for


def compression_of(head: bytes) -> str | None:
    r"""Name the compression of a file by its first bytes.

    >>> compression_of(b"\x1f\x8b\x08\x00"), compression_of(b"\x28\xb5\x2f\xfd"), compression_of(b"id,text")
    ('gzip', 'zstd', None)
    """
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    return "zstd" if head.startswith(b"\x28\xb5\x2f\xfd") else None


def unpacked(packed: BinaryIO, compression: str, where: str) -> io.BufferedReader:
    r"""Give what `packed` unpacks to, as a stream.

    Raises
    ------
    MessagesError
        While reading: when the data is damaged or cut off, or unpacks to more than 64 MiB and more than `MAX_RATIO`
        times what was read of it.

    Examples
    --------
    >>> import gzip
    >>> unpacked(io.BytesIO(gzip.compress(b"id,text\n")), "gzip", "a.csv.gz").read()
    b'id,text\n'
    >>> unpacked(io.BytesIO(gzip.compress(b"id,text\n")[:-9]), "gzip", "a.csv.gz").read()
    Traceback (most recent call last):
    ...
    classifier.errors.MessagesError: a.csv.gz: is damaged (gzip); export it again

    """
    return io.BufferedReader(_Unpacked(packed, compression, where), 2**18)


class _Counted(io.RawIOBase):
    """A stream that counts what was read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.count = file, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = self.file.read(min(len(view), 2**16))
        view[: len(data)] = data
        self.count += len(data)
        return len(data)


class _Unpacked(io.RawIOBase):
    def __init__(self, packed: BinaryIO, compression: str, where: str) -> None:
        self.packed = _Counted(packed)
        self.compression, self.where, self.count = compression, where, 0
        self.damage: tuple[type[Exception], ...] = (EOFError, OSError, zlib.error)
        if compression == "gzip":
            import gzip

            self.stream: Any = gzip.GzipFile(fileobj=self.packed, mode="rb")
        else:
            import zstandard

            self.damage = (*self.damage, zstandard.ZstdError)
            decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
            source: Any = self.packed
            self.stream = decompressor.stream_reader(source, read_across_frames=True)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        try:
            data = self.stream.read(len(view))
        except self.damage as error:
            if isinstance(error, OSError) and error.errno:  # the disk, not the file
                raise
            what = f"is damaged ({self.compression})"
            raise MessagesError(what, where=self.where, todo="export it again") from error
        view[: len(data)] = data
        self.count += len(data)
        if self.count > max(_ALLOWED, MAX_RATIO * self.packed.count):
            what = f"unpacks to more than {MAX_RATIO} times its size, which no chat does"
            raise MessagesError(what, where=self.where, todo="unpack it yourself if you trust it")
        return len(data)
