"""Has the traffic moved? An export against the messages a release was trained on, or against an earlier export.

Each histogram is compared by the population stability index (Siddiqi 2006, "Credit Risk Scorecards"). How large one
comes about by chance depends on the numbers of messages, so the limit of each is drawn from exports without drift: all
histograms together raise a false alarm in one report of a hundred. Where very many messages make the smallest change
certain, an index below 0.1, by custom "no change", is still no alarm.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.errors import MessagesError, ReleaseError
from classifier.guidelines import LABELS
from classifier.kernels.lookup import FeatureTable
from classifier.messages import Columns, read_messages
from classifier.reference import EDGES, SCRIPTS, add, coverage, reference
from classifier.text import as_texts

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.scoring import Classifier

__all__ = ["Change", "DriftReport", "Movement", "compare", "read_reference", "stability_index", "summarise"]

FALSE_ALARMS = 0.01
TOLERANCE = 0.1
_DRAWS = 20_000


@dataclass(frozen=True)
class Change:
    """One bin of a histogram and its share of messages, before and now."""

    bin: str
    before: float
    now: float

    def __str__(self) -> str:
        return f"{self.bin} from {self.before:.1%} to {self.now:.1%}"


@dataclass(frozen=True)
class Movement:
    """One histogram: its index, the limit beyond which it has moved, and the bins that weigh most in it."""

    name: str
    index: float
    limit: float
    changes: tuple[Change, ...]

    @property
    def moved(self) -> bool:
        """Whether the index is beyond its limit."""
        return self.index > self.limit


@dataclass(frozen=True)
class DriftReport:
    """What moved between ``before`` and ``now`` messages.

    ``unknown_before`` and ``unknown_now`` are the shares of n-grams the release does not know, each with its 95 %
    interval; ``false_alarms`` is the share of simulated exports without drift that these limits would call moved.
    """

    before: int
    now: int
    movements: tuple[Movement, ...]
    unknown_before: tuple[float, float, float]
    unknown_now: tuple[float, float, float]
    false_alarms: float

    @property
    def moved(self) -> tuple[Movement, ...]:
        """The histograms that moved, the furthest first."""
        return tuple(sorted((m for m in self.movements if m.moved), key=lambda m: -m.index))

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a person should know, one sentence each."""
        if self.moved:
            told = [f"{m.name} moved (index {m.index:.2f}, limit {m.limit:.2f}): {', '.join(map(str, m.changes))}"
                    for m in self.moved]  # fmt: skip
        else:
            told = ["nothing moved more than chance and custom allow"]
        (old, *_), (new, low, high) = self.unknown_before, self.unknown_now
        told.append(f"unknown n-grams: {new:.1%} (95 % interval {low:.1%} to {high:.1%}), {old:.1%} in the reference")
        return tuple(told)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON takes it."""
        plain = asdict(self)
        for entry, movement in zip(plain["movements"], self.movements, strict=True):
            entry["moved"] = movement.moved
        return plain | {"moved": [m.name for m in self.moved], "sentences": list(self.sentences)}


def summarise(
    classifier: Classifier,
    source: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002
    columns: Columns = Columns(),  # noqa: B008 (frozen)
    encoding: str = "auto",
    batch_size: int = 8192,
    progress: Callable[[int, float | None], object] | None = None,
) -> dict[str, Any]:
    """The histograms of an export, read as a stream; rows that cannot be read are left out.

    Raises `MessagesError` where the export cannot be read or holds no message.
    """
    found = reference([], np.zeros((0, len(LABELS))), np.zeros(0))
    batches = read_messages(source, format=format, columns=columns, encoding=encoding, batch_size=batch_size)
    with closing(batches):
        for batch in batches:
            if len(batch):
                texts = as_texts(batch.texts)
                shares = known_shares(classifier, texts)
                found = add(found, reference(texts, classifier.confidences(texts), shares))
            if progress is not None:
                progress(found["n"], batch.fraction)
    if not found["n"]:
        raise MessagesError("holds no message that can be read", where=str(source), todo="give an export with messages")
    return found | {"release": classifier.release_id}


def known_shares(classifier: Classifier, texts: Sequence[str]) -> NDArray[np.float32]:
    """The share of each message's n-grams that a classifier knows."""
    arrays = classifier.release.arrays
    return coverage(texts, FeatureTable(arrays["slots"], arrays["pilots"]), classifier.release.ranges)


def read_reference(classifier: Classifier, path: str | Path | None = None) -> dict[str, Any]:
    """What to compare with: the release's training messages, or a file that ``classifier monitor --save`` wrote.

    Raises `ReleaseError` where the release keeps none, and `MessagesError` where the file is none, or of another
    release.
    """
    if path is None:
        found = classifier.release.record.get("reference")
        if not found:
            raise ReleaseError(
                "keeps no histograms of its training messages", where=classifier.release_id,
                todo="compare with an earlier export (--save, then --reference), or train again",
            )  # fmt: skip
        return _checked(dict(found), classifier.release_id)
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MessagesError(f"cannot be read ({error})", where=str(path), todo="write one with --save") from error
    if isinstance(found, dict) and found.get("release") != classifier.release_id:
        raise MessagesError(f"was written with {found.get('release')}, not {classifier.release_id}", where=str(path),
                            todo="write it again from the same export with this release")  # fmt: skip
    return _checked(found, str(path))


def _checked(found: Any, where: str) -> dict[str, Any]:
    try:
        sizes = {name: len(values) for name, values in found["histograms"].items()}
        counts = [count for values in found["histograms"].values() for count in values]
        sound = sizes == {name: len(_names(name)) for name in (*EDGES, "script")} and found["n"] > 0
        sound = sound and all(type(count) is int and count >= 0 for count in counts)
        sound = sound and all(0 <= float(found["unknown"][key]) <= 1 for key in ("rate", "variance"))
    except (KeyError, TypeError, ValueError, AttributeError):
        sound = False
    if not sound:
        raise MessagesError("holds other histograms than this version compares", where=where, todo="write it again")
    return dict(found)


def stability_index(before: NDArray[Any], now: NDArray[Any]) -> NDArray[np.float64]:
    """Population stability index of counts along the last axis; half a message more in each bin keeps it finite.

    >>> round(float(stability_index(np.array([500, 500]), np.array([300, 700]))), 3)
    0.169
    """
    p, q = ((counts + 0.5) / (counts + 0.5).sum(axis=-1, keepdims=True) for counts in (before, now))
    return np.sum((q - p) * np.log(q / p), axis=-1)


def compare(
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    *,
    false_alarms: float = FALSE_ALARMS,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> DriftReport:
    """Compare two sets of histograms.

    ``false_alarms`` is the chance that a report calls anything moved without drift, at most; ``tolerance`` the index
    up to which a change is none, however certain. Messages count as drawn one by one: where few senders write most of
    an export, its histograms vary more than that.

    >>> from classifier.reference import reference
    >>> quiet = reference(["see you at eight"] * 400, np.full((400, 6), 0.01), np.full(400, 0.9))
    >>> loud = reference(["BUY"] * 400, np.full((400, 6), 0.01), np.full(400, 0.2))
    >>> print(compare(quiet, loud).sentences[0])
    coverage moved (index 13.21, limit 0.10): 0.2–0.3 from 0.1% to 98.9%, 0.9–1 from 98.9% to 0.1%
    >>> compare(quiet, quiet).moved
    ()
    """
    rng = np.random.default_rng(seed)
    names = list(before["histograms"])
    level = false_alarms / len(names)
    movements, quiet = [], np.ones(_DRAWS, bool)
    for name in names:
        a, b = (np.asarray(side["histograms"][name], float) for side in (before, now))
        index = float(stability_index(a, b))
        limit = max(tolerance, float(np.quantile(_by_chance(a, b, rng), 1 - level)))
        quiet &= _by_chance(a, b, rng) <= limit  # draws of its own: the limit was not chosen on them
        movements.append(Movement(name, index, limit, _changes(name, a, b)))
    return DriftReport(
        before["n"], now["n"], tuple(movements), _unknown(before), _unknown(now), float(1 - quiet.mean())
    )


def _by_chance(a: NDArray[Any], b: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float64]:
    """Indices of pairs of samples of these sizes, both drawn from the messages of both sides together."""
    p = (a + b + 0.5) / (a + b + 0.5).sum()
    return stability_index(rng.multinomial(int(a.sum()), p, _DRAWS), rng.multinomial(int(b.sum()), p, _DRAWS))


def _changes(name: str, a: NDArray[Any], b: NDArray[Any], most: int = 3) -> tuple[Change, ...]:
    p, q = ((counts + 0.5) / (counts + 0.5).sum() for counts in (a, b))
    weights, bins = (q - p) * np.log(q / p), _names(name)
    heaviest = [int(i) for i in np.argsort(-weights, kind="stable")[:most] if weights[i] >= 0.1 * weights.sum() > 0]
    return tuple(Change(bins[i], float(p[i]), float(q[i])) for i in heaviest)


def _names(name: str) -> list[str]:
    if name == "script":
        return list(SCRIPTS)
    pairs = zip(EDGES[name], EDGES[name][1:], strict=False)
    if name == "length":
        return [f"{low:g}–{high:g} characters" if high < 1e6 else f"{low:g} characters or more" for low, high in pairs]
    return [f"{low:g}–{high:g}" for low, high in pairs]


def _unknown(side: Mapping[str, Any]) -> tuple[float, float, float]:
    rate, error = side["unknown"]["rate"], 1.96 * float(np.sqrt(side["unknown"]["variance"] / side["n"]))
    return rate, max(0.0, rate - error), min(1.0, rate + error)
