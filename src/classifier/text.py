"""Cleaning: undo what people do to text, on purpose or not, and keep the way back to the original.

Code points are folded (case, width, accents, ligatures, invisible characters, controls), letters spaced out to evade
filters are joined, look-alike letters of another script and leet inside a word become plain letters, elongated letters
are shortened, and white space collapses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier import codepoints
from classifier.arrow_texts import ArrowTexts, arrow_texts
from classifier.kernels import cleaning, folding, marks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["CleanText", "as_texts", "clean", "clean_with_origins", "code_points", "column_values", "lengths_of"]

_AS_CYRILLIC = dict(zip("aeopcyxijskmtbhnrlw", "аеорсухіјѕкмтвнпгіш", strict=True))


@cache
def cleaning_tables() -> folding.CleaningTables:
    """The tables that the cleaning loops take."""
    tables = codepoints.load()
    leet, as_cyrillic = np.zeros(128, np.int32), np.zeros(128, np.int32)
    for sign, letter in codepoints.LEET.items():
        if sign.isascii():
            leet[ord(sign)] = ord(letter)
    for latin, letter in _AS_CYRILLIC.items():
        as_cyrillic[ord(latin)] = ord(letter)
    ascii_kinds = tables.kind.reshape(-1, 256)[tables.block[0], :128].copy()
    return folding.CleaningTables(
        **vars(tables), leet=leet, as_cyrillic=as_cyrillic,
        ascii_kinds=ascii_kinds, ascii_marks=marks.ascii_marks(ascii_kinds, leet),
    )  # fmt: skip


def column_values(column: Any) -> Any:
    """What an array, a pandas or an Arrow column or any iterable holds, as Python values.

    >>> column_values(np.array(["a", "b"]))
    ['a', 'b']
    """
    convert = getattr(column, "to_pylist", None) or getattr(column, "tolist", None)
    return convert() if convert else list(column)


def as_texts(texts: Iterable[str]) -> Sequence[str]:
    """A list, tuple, array, pandas or Arrow column of strings as a sequence of `str`.

    Raises `TypeError` naming the first position that does not hold a string.

    >>> as_texts(["a", 5])
    Traceback (most recent call last):
    ...
    TypeError: texts[1] is int, not str; set missing messages aside or pass ""
    """
    if isinstance(texts, (str, bytes)):
        # scikit-learn's own words: its estimator checks look for them
        raise ValueError("Iterable over raw text documents expected, string object received.")  # noqa: TRY004
    values: Any = texts if isinstance(texts, (list, tuple)) else None
    if values is None:
        if (column := arrow_texts(texts)) is not None:
            return column
        values = column_values(texts)
        if not isinstance(values, list) or getattr(texts, "ndim", 1) != 1:
            raise TypeError(f"texts is {type(texts).__name__}, not a sequence of str; give one column")
    if set(map(type, values)) <= {str}:  # the quick look; a str of a subclass passes below
        return values
    for position, text in enumerate(values):
        if not isinstance(text, str):
            raise TypeError(
                f'texts[{position}] is {type(text).__name__}, not str; set missing messages aside or pass ""'
            )
    return values


def lengths_of(texts: Sequence[str]) -> NDArray[np.int64]:
    """How many code points each text has; of Arrow texts, how many bytes, which is as many at least."""
    return texts.sizes() if isinstance(texts, ArrowTexts) else np.fromiter(map(len, texts), np.int64, len(texts))


def code_points(
    texts: Sequence[str], lengths: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The code points of all texts end to end, and where each begins (one offset more than texts).

    Lone surrogates are code points like any other. ``lengths`` are those of `lengths_of`, where they are known.

    >>> points, offsets = code_points(["hi", "", "é"])
    >>> points.tolist(), offsets.tolist()
    ([104, 105, 233], [0, 2, 2, 3])
    """
    if isinstance(texts, ArrowTexts):
        return texts.code_points()
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths_of(texts) if lengths is None else lengths, out=offsets[1:])
    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32), offsets


def _string(points: NDArray[np.int32]) -> str:
    return points.astype("<u4").tobytes().decode("utf-32-le")


@dataclass(frozen=True)
class CleanText:
    """A cleaned text; ``origins[i]`` is the position in the original of cleaned character ``i``."""

    text: str
    origins: NDArray[np.int32]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that cleaned characters ``start`` to ``end`` (exclusive) came from.

        >>> clean_with_origins("you i d i o t!").original_span(4, 9)
        (4, 13)
        """
        return int(self.origins[start]), int(self.origins[end - 1]) + 1


def clean_with_origins(text: str) -> CleanText:
    """Clean one text and keep the way back.

    >>> clean_with_origins("  ＳＰＡＭ").origins.tolist()
    [2, 3, 4, 5]
    """
    points, _ = code_points([text])
    room = folding.MAX_EXPANSION * len(points) + marks.MARGIN
    out, origins = np.empty(room, np.int32), np.empty(room, np.int32)
    kinds, marked = np.empty(room, np.uint8), np.empty(room, np.uint8)
    n = cleaning.clean(points, out, origins, kinds, marked, cleaning_tables())
    return CleanText(_string(out[:n]), origins[:n].copy())


def clean(text: str) -> str:
    r"""Clean one text. Pure and idempotent; any string is accepted.

    >>> clean("You're   SO  stuuuupid, 1d10t!!!!!!")
    "you're so stupid, idiot!!!"
    >>> clean("f.u.c.k  ｙｏｕ, ѕtuріd h\u200bo\u200be")
    'fuck you, stupid hoe'
    >>> clean("mail joe1@example.com or call 555 0100")
    'mail joe1@example.com or call 555 0100'
    """
    return clean_with_origins(text).text
