"""`MessageVectorizer`: word and character TF-IDF of cleaned messages, a scikit-learn transformer over the kernels."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from classifier import codepoints
from classifier.kernels import cleaning, contact_shapes, counting, lookup, ngrams
from classifier.text import as_texts, cleaning_tables, code_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["MessageVectorizer", "token_pattern"]

_THREADS = 2
_WORTH_THREADS = 2000  # messages below which a second thread costs more than it gives


@cache
def token_pattern() -> str:
    """The regular expression that finds the tokens of a cleaned text, as `MessageVectorizer` does.

    >>> re.findall(token_pattern(), "i'm 20, 你好 😀ok")
    ['i', 'm', '20', '你', '好', '😀', 'ok']
    """
    tables = codepoints.load()
    kinds = tables.kind.reshape(-1, 256)[tables.block].reshape(-1)

    def characters(low: int, high: int) -> str:
        inside = np.flatnonzero((kinds >= low) & (kinds <= high))
        runs = (
            [code for _, code in run] for _, run in groupby(enumerate(inside.tolist()), lambda pair: pair[1] - pair[0])
        )
        return "".join(f"\\U{run[0]:08x}-\\U{run[-1]:08x}" for run in runs)

    words = characters(codepoints.DIGIT, codepoints.OTHER_LETTER)
    return f"[{words}]+|[{characters(codepoints.IDEOGRAPH, codepoints.EMOJI)}]"


class MessageVectorizer(TransformerMixin, BaseEstimator):
    """Turn messages into TF-IDF values of their word and character n-grams.

    Messages are cleaned by `classifier.text.clean`. Without ``contacts`` the matrix equals a ``FeatureUnion`` of
    two scikit-learn ``TfidfVectorizer``: one over word n-grams (``token_pattern()``), one with ``analyzer="char_wb"``
    that reads every digit as 0 and makes no n-gram of a lone space. Each block of a row has unit length. Columns are
    ordered by falling document frequency.

    Parameters
    ----------
    word_ngrams, char_ngrams : (int, int)
        Shortest and longest n-gram of each block; ``(0, 0)`` leaves the block out.
    min_df : int
        Leave out n-grams that occur in fewer messages.
    max_features : int or None
        Keep only that many n-grams, those that occur in most messages.
    contacts : bool
        Also count what has the shape of a contact detail (an address, seven digits or more, an ``@name``, a link, a
        name with digits), a block of its own; scikit-learn's vectorizers know no such thing.
    sublinear_tf : bool
        Use ``1 + ln(tf)`` instead of ``tf``.
    norm : {"l2", None}
        Whether to scale each block to unit length.
    dtype : type
        ``numpy.float64`` or ``numpy.float32``.

    Attributes
    ----------
    hashes_ : uint64 array of shape (n_features,)
    document_frequencies_ : int32 array of shape (n_features,)
    idf_ : float64 array of shape (n_features,)
        ``ln((1 + n_messages) / (1 + document frequency)) + 1``.
    n_messages_ : int
    table_ : FeatureTable
        Finds the column of a hash.

    Examples
    --------
    >>> vectorizer = MessageVectorizer(char_ngrams=(0, 0), min_df=2)
    >>> vectorizer.fit_transform(["Nice to meet you", "so N1CE of you"]).shape
    (2, 2)
    >>> vectorizer.get_feature_names_out()
    array(['word__nice', 'word__you'], dtype=object)
    >>> vectorizer.transform(["nice", None])
    Traceback (most recent call last):
    ...
    TypeError: texts[1] is NoneType, not str; set missing messages aside or pass ""
    """

    hashes_: NDArray[np.uint64]
    document_frequencies_: NDArray[np.int32]
    idf_: NDArray[np.float64]
    n_messages_: int
    table_: lookup.FeatureTable
    _spelled: tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.uint8]]
    _order: NDArray[np.intp]

    def __init__(
        self,
        *,
        word_ngrams: tuple[int, int] = (1, 2),
        char_ngrams: tuple[int, int] = (2, 5),
        min_df: int = 1,
        max_features: int | None = None,
        contacts: bool = False,
        sublinear_tf: bool = True,
        norm: str | None = "l2",
        dtype: type = np.float64,
    ) -> None:
        self.word_ngrams = word_ngrams
        self.char_ngrams = char_ngrams
        self.min_df = min_df
        self.max_features = max_features
        self.contacts = contacts
        self.sublinear_tf = sublinear_tf
        self.norm = norm
        self.dtype = dtype

    def fit(self, X: Sequence[str], y: Any = None) -> MessageVectorizer:  # noqa: ARG002
        """Learn the n-grams and their document frequencies.

        Raises
        ------
        TypeError
            A message is not a string; names its position.
        ValueError
            A parameter is out of its range, or no n-gram occurs in ``min_df`` messages.
        """
        self._fit(self._cleaned(X))
        return self

    def fit_transform(self, X: Sequence[str], y: Any = None, **_: Any) -> csr_matrix:  # noqa: ARG002
        """Learn from messages and return their matrix, cleaning them once."""
        cleaned = self._cleaned(X)
        self._fit(cleaned)
        return self._rows(cleaned)

    def transform(self, X: Sequence[str]) -> csr_matrix:
        """TF-IDF values of messages, a sparse matrix of shape (n_messages, n_features)."""
        check_is_fitted(self)
        return self._rows(self._cleaned(X))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """The n-grams in column order, as ``word__<tokens>``, ``contact__<shape>`` and ``char__<characters>``."""
        check_is_fitted(self)
        return _names(*self._spelled)[self._order]

    def restrict(self, columns: NDArray[np.intp]) -> MessageVectorizer:
        """Keep only these columns, in the order given; return self."""
        check_is_fitted(self)
        self.hashes_ = self.hashes_[columns]
        self.document_frequencies_ = self.document_frequencies_[columns]
        self.idf_ = self.idf_[columns]
        self._order = self._order[columns]
        self.table_ = lookup.build_table(self.hashes_)
        return self

    @property
    def ranges(self) -> ngrams.NgramRanges:
        """The n-gram ranges as the kernels take them."""
        return ngrams.NgramRanges(*self.word_ngrams, *self.char_ngrams, int(self.contacts))

    def _cleaned(self, X: Sequence[str]) -> tuple[Any, Any, Any]:
        for name, (low, high) in (("word_ngrams", self.word_ngrams), ("char_ngrams", self.char_ngrams)):
            if not (low == high == 0 or 1 <= low <= high):
                raise ValueError(f"{name}={(low, high)} is no range; use 1 <= shortest <= longest, or (0, 0)")
        if self.norm not in ("l2", None):
            raise ValueError(f"norm={self.norm!r} is not 'l2' or None")
        return cleaning.clean_messages(*code_points(as_texts(X)), cleaning_tables())

    def _fit(self, cleaned: tuple[Any, Any, Any]) -> None:
        text, kinds, offsets = cleaned
        parts = _THREADS if len(offsets) > _WORTH_THREADS else 1
        with ThreadPoolExecutor(parts) as pool:
            counted = pool.map(
                lambda part: counting.document_frequencies(text, kinds, offsets, self.ranges, part, parts, self.min_df),
                range(parts),
            )
            keys, frequencies, where, kinds = map(np.concatenate, zip(*counted, strict=True))
        if not len(keys):
            raise ValueError(
                f"no n-gram occurs in {self.min_df} of {len(offsets) - 1} messages; lower min_df or add messages"
            )
        kept = np.argsort(-frequencies, kind="stable")[: self.max_features]
        self.n_messages_ = len(offsets) - 1
        self.hashes_, self.document_frequencies_ = keys[kept], frequencies[kept]
        self.idf_ = np.log((1 + self.n_messages_) / (1 + self.document_frequencies_)) + 1
        self.table_ = lookup.build_table(self.hashes_)
        # Spelled out only when somebody asks: it takes longer than all the rest.
        self._spelled = (*counting.spelled(text, offsets, where[kept]), kinds[kept])
        self._order = np.arange(len(kept))

    def _rows(self, cleaned: tuple[Any, Any, Any]) -> csr_matrix:
        n = len(cleaned[2]) - 1
        bounds = np.linspace(0, n, 1 + min(_THREADS, 1 + n // _WORTH_THREADS)).astype(int)

        def rows(begin: int, end: int) -> tuple[Any, Any, Any]:
            return counting.tfidf_rows(
                *cleaned, begin, end, self.ranges, self.table_, self.idf_, self.sublinear_tf, self.norm == "l2"
            )

        with ThreadPoolExecutor(len(bounds) - 1) as pool:
            parts = list(pool.map(rows, bounds[:-1].tolist(), bounds[1:].tolist()))
            ends = np.cumsum([0, *(part[0][-1] for part in parts)])
            indptr = np.concatenate([[0], *(part[0][1:] + end for part, end in zip(parts, ends, strict=False))])
            indices, data = np.empty(ends[-1], np.int32), np.empty(ends[-1], self.dtype)

            def join(k: int) -> None:
                indices[ends[k] : ends[k + 1]], data[ends[k] : ends[k + 1]] = parts[k][1:]

            list(pool.map(join, range(len(parts))))
        return csr_matrix((data, indices, indptr), (n, len(self.idf_)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = True
        return tags


def _names(points: Any, ends: Any, kinds: Any) -> NDArray[np.object_]:
    """Names of n-grams from their characters."""
    token, digits = re.compile(token_pattern()), str.maketrans("123456789", "000000000")
    whole = points.astype("<u4").tobytes().decode("utf-32-le")
    names = []
    for start, end, kind in zip(ends[:-1].tolist(), ends[1:].tolist(), kinds.tolist(), strict=True):
        piece = whole[start:end]
        if kind > 1:
            names.append(f"contact__{contact_shapes.NAMES[kind - 2]}")
        else:
            names.append(f"word__{' '.join(token.findall(piece))}" if kind else f"char__{piece.translate(digits)}")
    return np.array(names, dtype=object)
