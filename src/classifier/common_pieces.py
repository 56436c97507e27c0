"""The commonest pieces of the messages a model is trained on, with the features they hold (`kernels.pieces`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.kernels import pieces
from classifier.kernels.cleaning import clean_messages
from classifier.kernels.lookup import build_table
from classifier.text import as_texts, cleaning_tables, code_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.features import MessageVectorizer

__all__ = ["common_pieces"]

MOST = 16_384  # of them: more are found less often than they push what is needed out of the processor's cache
_FEWEST = 3  # occurrences


def common_pieces(texts: Sequence[str], vectorizer: MessageVectorizer, most: int = MOST) -> dict[str, NDArray[Any]]:
    """The arrays in which a release holds its pieces.

    >>> from classifier.features import MessageVectorizer
    >>> texts = ["the cat", "the dog", "the end"]
    >>> found = common_pieces(texts, MessageVectorizer().fit(texts))
    >>> len(found["piece_ends"]) - 1, int(found["piece_ends"][-1])  # " the " has 4 + 3 + 2 + 1 n-grams
    (1, 10)
    """
    text, kinds, offsets = clean_messages(*code_points(as_texts(texts)), cleaning_tables())
    hashes, where = pieces.piece_hashes(text, kinds, offsets, vectorizer.ranges)
    distinct, firsts, counts = np.unique(hashes, return_index=True, return_counts=True)
    kept = np.argsort(-counts, kind="stable")[:most]
    kept = kept[counts[kept] >= _FEWEST]
    table = build_table(distinct[kept])
    ends, features = pieces.features_of_pieces(text, kinds, where[firsts[kept]], vectorizer.ranges, vectorizer.table_)
    return dict(zip(pieces.ARRAYS, (table.slots, table.pilots, ends, features), strict=True))
