"""Near-duplicates: messages that say the same in almost the same characters, found without comparing all pairs.

Each cleaned text becomes its set of character shingles; MinHash signatures in banded buckets (locality-sensitive
hashing) propose pairs, and the exact Jaccard similarity of the two sets decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from classifier.errors import ExamplesError
from classifier.text import as_texts, clean

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NearDuplicate", "near_duplicates", "shingles", "similarity"]

MISSED = 1e-3  # chance that the buckets overlook a pair which is exactly as similar as the threshold


@dataclass(frozen=True, order=True)
class NearDuplicate:
    """Positions of two texts, the earlier first, and the Jaccard similarity of their shingles."""

    first: int
    second: int
    similarity: float


def shingles(text: str, size: int = 3) -> frozenset[str]:
    """All runs of `size` characters of the cleaned text; a shorter text is its own only shingle.

    Three, because a Chinese or Japanese message may have no more than four or five characters.

    >>> sorted(shingles("Halloo!"))
    ['all', 'hal', 'llo', 'loo', 'oo!']
    >>> shingles("OK")
    frozenset({'ok'})
    """
    cleaned = clean(text)
    return frozenset(cleaned[i : i + size] for i in range(max(1, len(cleaned) - size + 1)))


def similarity(a: frozenset[str], b: frozenset[str]) -> float:
    """Jaccard similarity of two sets of shingles: shared over all.

    >>> round(similarity(shingles("see you soon"), shingles("see you soon!")), 2)
    0.91
    """
    return len(a & b) / len(a | b)


def near_duplicates(
    texts: Iterable[str], *, threshold: float = 0.8, size: int = 3, permutations: int = 128, seed: int = 1
) -> list[NearDuplicate]:
    """Pairs of texts whose shingles are at least `threshold` similar, ordered by position.

    Parameters
    ----------
    texts : iterable of str
        Cleaned first, so that capitals, spacing tricks, look-alikes and elongation hide no copy.
    threshold : float
        Smallest Jaccard similarity of a pair, above 0 and at most 1.
    size : int
        Characters in a shingle.
    permutations, seed : int
        Length and seed of the MinHash signatures. A pair at the threshold is overlooked once in a thousand times, a
        more similar one less often; what is returned is exact.

    Raises
    ------
    ExamplesError
        `threshold` is not in (0, 1], or too low for so few permutations.

    Examples
    --------
    >>> near_duplicates(["Free lesson, write me!", "see you at five", "free l.e.s.s.o.n, write meeee!!"])
    [NearDuplicate(first=0, second=2, similarity=0.9...)]
    >>> near_duplicates(["a", "b"], threshold=0)
    Traceback (most recent call last):
    ...
    classifier.errors.ExamplesError: near_duplicates: threshold 0 is not in (0, 1]

    """
    from datasketch import MinHash, MinHashLSH

    bands, rows = _bands(threshold, permutations)
    sets = [shingles(text, size) for text in as_texts(texts)]
    # crc32 and not hash(): the same pairs in every process
    signatures = MinHash.bulk(
        ([shingle.encode("utf-8", "surrogatepass") for shingle in found] for found in sets),
        num_perm=permutations,
        seed=seed,
        hashfunc=crc32,
    )
    buckets = MinHashLSH(num_perm=permutations, params=(bands, rows))
    pairs = []
    for position, (found, signature) in enumerate(zip(sets, signatures, strict=True)):
        for earlier in buckets.query(signature):
            close = similarity(sets[earlier], found)
            if close >= threshold:
                pairs.append(NearDuplicate(earlier, position, close))
        buckets.insert(position, signature)
    return sorted(pairs)


def _bands(threshold: float, permutations: int) -> tuple[int, int]:
    """Bands, and rows in each: the most selective buckets that overlook at most `MISSED` of pairs at the threshold.

    A band of r rows agrees with probability threshold ** r; a pair is proposed if any band agrees.
    """
    if not 0 < threshold <= 1:
        raise ExamplesError(f"threshold {threshold} is not in (0, 1]", where="near_duplicates")
    for rows in range(permutations, 0, -1):
        bands = permutations // rows
        if (1 - threshold**rows) ** bands <= MISSED:
            return bands, rows
    raise ExamplesError(
        f"threshold {threshold} is too low for {permutations} permutations",
        where="near_duplicates",
        todo="raise either",
    )
