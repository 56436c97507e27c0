"""What the messages looked like: histograms of confidence, length, script and vocabulary, in training or in an export.

A release keeps those of its training messages, taken as honestly as its figures: confidences out of fold, and an n-gram
counts as known only if enough messages of other authors have it. They are counts; no message can be read from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.guidelines import LABELS
from classifier.kernels import cleaning
from classifier.kernels.counting import ngram_hashes
from classifier.kernels.lookup import FeatureTable, are_known
from classifier.text import as_texts, cleaning_tables, code_points

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.kernels.ngrams import NgramRanges

__all__ = ["EDGES", "SCRIPTS", "add", "coverage", "coverage_without_own_group", "reference", "scripts"]

_CONFIDENCE = (0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1)
EDGES: dict[str, tuple[float, ...]] = {
    **{f"confidence of {label}": _CONFIDENCE for label in LABELS},
    "length": (0, 1, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 1e9),
    "coverage": (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
}
"""The bins of each histogram, the last one closed; ``length`` is in characters."""

SCRIPTS = (
    "none",
    "Latin",
    "Cyrillic",
    "Greek",
    "Arabic",
    "Hebrew",
    "Devanagari",
    "Thai",
    "Kana",
    "Hangul",
    "Han",
    "other",
)
# First code points of the blocks of letters; what lies between letters counts as none. Kana before Han: Japanese
# mixes both, and a message with any kana is not Chinese.
_BLOCKS = (
    (0, 0), (0x41, 1), (0x5B, 0), (0x61, 1), (0x7B, 0), (0xC0, 1), (0x2B0, 0), (0x370, 3), (0x400, 2), (0x530, 11),
    (0x590, 5), (0x600, 4), (0x780, 11), (0x8A0, 4), (0x900, 6), (0x980, 11), (0xE00, 7), (0xE80, 11), (0x1100, 9),
    (0x1200, 11), (0x1E00, 1), (0x1F00, 3), (0x2000, 0), (0x2C00, 11), (0x2E00, 0), (0x3041, 8), (0x3100, 11),
    (0x3130, 9), (0x3190, 0), (0x31F0, 8), (0x3200, 0), (0x3400, 10), (0x4DC0, 0), (0x4E00, 10), (0xA000, 11),
    (0xAC00, 9), (0xD7A4, 0), (0xF900, 10), (0xFB00, 1), (0xFB07, 11), (0xFB1D, 5), (0xFB50, 4), (0xFE00, 0),
    (0xFE70, 4), (0xFEFF, 0), (0xFF21, 1), (0xFF3B, 0), (0xFF41, 1), (0xFF5B, 0), (0xFF66, 8), (0xFFA0, 9), (0xFFDD, 0),
    (0x10000, 11), (0x1F000, 0), (0x20000, 10), (0x40000, 0),
)  # fmt: skip


def reference(texts: Iterable[str], confidences: NDArray[Any], known_shares: NDArray[Any]) -> dict[str, Any]:
    """The histograms of some messages as JSON takes them.

    ``confidences`` has shape (n, 6), NaN where a label is left out; ``known_shares`` (n,) is `coverage`.

    >>> found = reference(["hi", "привет!"], np.full((2, 6), 0.3), np.array([1.0, 0.25]))
    >>> found["n"], found["histograms"]["script"][:3], found["unknown"]["rate"]
    (2, [0, 1, 1], 0.375)
    """
    found = as_texts(texts)
    values = {f"confidence of {label}": confidences[:, i] for i, label in enumerate(LABELS)}
    values |= {"length": np.fromiter(map(len, found), float, len(found)), "coverage": known_shares}
    counts = {name: np.histogram(values[name], edges)[0].tolist() for name, edges in EDGES.items()}
    counts["script"] = np.bincount(scripts(found), minlength=len(SCRIPTS)).tolist()
    unknown = 1.0 - np.asarray(known_shares, float)
    n = len(found)
    return {
        "n": n,
        "histograms": counts,
        "unknown": {"rate": float(unknown.mean()) if n else 0.0, "variance": float(unknown.var()) if n else 0.0},
    }


def add(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """The histograms of both sets of messages together.

    >>> one = reference(["hi"], np.zeros((1, 6)), np.array([1.0]))
    >>> two = reference(["ok", "so"], np.ones((2, 6)), np.array([0.5, 0.0]))
    >>> both = add(one, two)
    >>> both["n"], both["histograms"]["confidence of spam"], both["unknown"]["rate"]
    (3, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], 0.5)
    """
    n = a["n"] + b["n"]
    if not n:
        return dict(a)
    rate = sum(part["n"] * part["unknown"]["rate"] for part in (a, b)) / n
    spread = sum(part["n"] * (part["unknown"]["variance"] + (part["unknown"]["rate"] - rate) ** 2) for part in (a, b))
    counts = {
        name: [x + y for x, y in zip(values, b["histograms"][name], strict=True)]
        for name, values in a["histograms"].items()
    }
    return {"n": n, "histograms": counts, "unknown": {"rate": rate, "variance": spread / n}}


def scripts(texts: Sequence[str]) -> NDArray[np.intp]:
    """The script most letters of each message are in, as a position in `SCRIPTS`; one kana makes it Kana.

    >>> [SCRIPTS[i] for i in scripts(["hello мир", "今日は", "你好吗 ok", "123 :)", "안녕"])]
    ['Latin', 'Kana', 'Han', 'none', 'Hangul']
    """
    points, offsets = code_points(texts)
    starts, names = (np.array(column) for column in zip(*_BLOCKS, strict=True))
    kinds = names[np.searchsorted(starts, points, "right") - 1]
    of = np.repeat(np.arange(len(texts)), np.diff(offsets))
    counts = np.bincount(of * len(SCRIPTS) + kinds, minlength=len(texts) * len(SCRIPTS)).reshape(-1, len(SCRIPTS))
    counts[:, 0] = 0
    kana, han = SCRIPTS.index("Kana"), SCRIPTS.index("Han")
    japanese = counts[:, kana] > 0
    counts[japanese, kana] += counts[japanese, han]
    counts[japanese, han] = 0
    return counts.argmax(axis=1)


def coverage(texts: Sequence[str], table: FeatureTable, ranges: NgramRanges) -> NDArray[np.float32]:
    """The share of each message's n-grams that a release knows; 1 where a message has none.

    ``table`` is the feature table of a release. Every occurrence of a word or character n-gram counts.
    """
    hashes, counts = _hashes(texts, ranges)
    return _shares(are_known(hashes, table), counts)


def coverage_without_own_group(
    texts: Sequence[str],
    groups: Sequence[str] | None,
    hashes: NDArray[np.uint64],
    frequencies: NDArray[Any],
    min_df: int,
    ranges: NgramRanges,
) -> NDArray[np.float32]:
    """`coverage` of training messages had their own group (default: each its own) not been trained on.

    An n-gram is known if it is a feature and ``min_df`` messages outside the group have it.
    """
    found, ends = _hashes(texts, ranges)
    order = np.argsort(hashes)
    place = _places(found, hashes[order])
    feature = np.where(place >= 0, order[place], -1)
    message = np.repeat(np.arange(len(texts)), ends)
    group = np.arange(len(texts)) if groups is None else np.unique(np.asarray(groups, str), return_inverse=True)[1]
    known = np.flatnonzero(feature >= 0)
    size = len(hashes)
    pairs, back = np.unique(message[known] * size + feature[known], return_inverse=True)
    _, back_group, inside = np.unique(
        group[pairs // size] * size + pairs % size, return_inverse=True, return_counts=True
    )
    outside = frequencies[pairs % size] - inside[back_group]
    is_known = np.zeros(len(found), bool)
    is_known[known] = (outside >= min_df)[back]
    return _shares(is_known, ends)


def _hashes(texts: Sequence[str], ranges: NgramRanges) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The hashes of all n-grams of all messages, end to end, and how many each message has."""
    cleaned, kinds, offsets = cleaning.clean_messages(*code_points(texts), cleaning_tables())
    hashes, counts = ngram_hashes(cleaned, kinds, offsets, ranges)
    return hashes, counts


def _places(values: NDArray[np.uint64], ordered: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Where each value stands in an ordered array, -1 where it does not."""
    if not len(ordered):
        return np.full(len(values), -1)
    places = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return np.where(ordered[places] == values, places, -1)


def _shares(known: NDArray[np.bool_], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    message = np.repeat(np.arange(len(counts)), counts)
    hits = np.bincount(message, weights=known, minlength=len(counts))
    return np.where(counts > 0, hits / np.maximum(counts, 1), 1.0).astype(np.float32)
