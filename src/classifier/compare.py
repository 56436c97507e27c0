"""Two releases or two policies on one export: what they would do differently, and why.

The export is read once and in bounded memory; where only the policy differs, each message is scored once.
"""

from __future__ import annotations

from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.changes import Changes, Said, changes_of
from classifier.errors import MessagesError
from classifier.guidelines import LABELS
from classifier.messages import Columns, read_messages
from classifier.operating_points import wilson
from classifier.policy import ACTIONS

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from numpy.typing import NDArray

    from classifier.messages import MessageBatch
    from classifier.scoring import Classifier

__all__ = ["Comparison", "CutOff", "Rate", "compare", "map_cut_off"]

Z_TWO_SIDED = 1.959963984540054  # 95 %
MIN_ABOVE = 20  # messages at or above a cut-off before its counterpart says anything
CUT_OFFS = tuple(round(0.05 * step, 2) for step in range(1, 20))
_STEPS = 10_000  # confidences are told apart to four decimals, as results are written
_NAMES = tuple(action.value for action in ACTIONS)


@dataclass(frozen=True)
class Rate:
    """Messages per 10,000, with a two-sided 95 % interval (Wilson 1927)."""

    per_10000: float
    low: float
    high: float

    @classmethod
    def of(cls, count: int, n: int) -> Rate:
        """The rate of ``count`` among ``n``.

        >>> found = Rate.of(50, 10_000)
        >>> found.per_10000, round(found.low, 1), round(found.high, 1)
        (50.0, 37.9, 65.9)
        """
        low, high = wilson(count, n, Z_TWO_SIDED)
        return cls(10_000 * count / max(n, 1), 10_000 * float(low), 10_000 * float(high))


@dataclass(frozen=True)
class CutOff:
    """The new confidence that as many messages reach as reached an old one; None where it cannot be told.

    ``above`` counts the messages at or above the old cut-off; ``low`` and ``high`` are where the new one may lie in
    the population, with 95 % at least. ``action`` is set where the old cut-off was the threshold of one.
    """

    old: float
    new: float | None
    low: float | None
    high: float | None
    above: int
    action: str = ""


@dataclass(frozen=True)
class Comparison:
    """What two classifiers said of the same ``scored`` messages.

    ``transitions[i][j]`` counts the messages recommended action i (none, flag, report, block) before and j after, and
    ``label_transitions`` the same for each label; ``overlap_before[i][j]`` the messages with a recommendation for both
    labels i and j, on the diagonal for i at all. ``review_hours`` are hours per 10,000 messages, before and after, for
    looking at what is flagged or reported. ``cut_offs`` maps each label's confidences from old to new.
    """

    source: str
    before: str
    after: str
    rows: int
    scored: int
    set_aside: int
    transitions: tuple[tuple[int, ...], ...]
    label_transitions: dict[str, tuple[tuple[int, ...], ...]]
    actions_before: dict[str, Rate]
    actions_after: dict[str, Rate]
    overlap_before: tuple[tuple[int, ...], ...]
    overlap_after: tuple[tuple[int, ...], ...]
    seconds_per_review: float
    review_hours: tuple[float, float]
    cut_offs: dict[str, tuple[CutOff, ...]]

    @property
    def changed(self) -> int:
        """Messages whose recommendation is another one."""
        return self.scored - sum(self.transitions[i][i] for i in range(len(ACTIONS)))

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        return asdict(self) | {"changed": self.changed, "actions": list(_NAMES), "labels": list(LABELS)}


def compare(
    before: Classifier,
    after: Classifier,
    source: str | os.PathLike[str],
    *,
    changes: str | os.PathLike[str] | None = None,
    with_text: bool = False,
    seconds_per_review: float = 30.0,
    format: str | None = None,  # noqa: A002
    columns: Columns = Columns(),  # noqa: B008 (frozen)
    encoding: str = "auto",
    batch_size: int = 8192,
    progress: Callable[[int, float | None], object] | None = None,
) -> Comparison:
    r"""Compare two classifiers on an export; write what changed to the CSV file ``changes``, if one is named.

    The file has a row for each label of a message whose action changed, see `changes`; the messages' text only
    ``with_text``. ``progress`` is called after each batch with the rows done and the part of the export read.

    Raises `MessagesError` where the export cannot be read or the file cannot be written.

    >>> import tempfile, classifier
    >>> from dataclasses import replace
    >>> before = classifier.load()
    >>> stricter = replace(before.policy, thresholds=np.full((6, 3), 0.0, np.float32))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export = Path(folder, "export.jsonl")
    ...     _ = export.write_text('{"id": 1, "text": "see you tomorrow"}\n')
    ...     found = compare(before, classifier.Classifier(before.release, stricter), export)
    >>> found.changed, found.transitions[0], found.actions_after["block"].per_10000
    (1, (0, 0, 0, 1), 10000.0)
    """
    source = Path(source)
    batches = read_messages(source, format=format, columns=columns, encoding=encoding, batch_size=batch_size)
    if changes is not None and Path(changes).resolve() == source.resolve():
        raise MessagesError("the changes would replace the export", where=str(changes), todo="name another file")
    tally, rows, set_aside = _Tally(), 0, 0
    with closing(batches), Changes(changes, with_text=with_text) if changes is not None else nullcontext() as file:
        for batch in batches:
            if len(batch):
                old, new = _both(before, after, batch)
                tally.add(old, new)
                if file is not None:
                    file.write(changes_of(batch, old, new, before.policy, after.policy))
            rows, set_aside = rows + len(batch) + len(batch.bad), set_aside + len(batch.bad)
            if progress is not None:
                progress(rows, batch.fraction)
    n = rows - set_aside
    reviewed = [sums[1] + sums[2] for sums in (tally.overall.sum(axis=1), tally.overall.sum(axis=0))]
    hours = [float(10_000 * count / max(n, 1) * seconds_per_review / 3600) for count in reviewed]
    return Comparison(
        source=str(source),
        before=before.release_id,
        after=after.release_id,
        rows=rows,
        scored=n,
        set_aside=set_aside,
        transitions=_table(tally.overall),
        label_transitions={label: _table(tally.labels[i]) for i, label in enumerate(LABELS)},
        actions_before=_rates(tally.overall.sum(axis=1), n),
        actions_after=_rates(tally.overall.sum(axis=0), n),
        overlap_before=_table(tally.overlap[0]),
        overlap_after=_table(tally.overlap[1]),
        seconds_per_review=seconds_per_review,
        review_hours=(hours[0], hours[1]),
        cut_offs={
            label: _cut_offs(tally.counts[0, i], tally.counts[1, i], before.policy.thresholds[i])
            for i, label in enumerate(LABELS)
        },
    )


def _both(before: Classifier, after: Classifier, batch: MessageBatch) -> tuple[Said, Said]:
    old = Said.of(before.recommend(batch.texts, batch.surfaces))
    if before.release_id != after.release_id:
        return old, Said.of(after.recommend(batch.texts, batch.surfaces))
    levels = after.policy.recommend(old.confidences, batch.surfaces)
    levels[~old.known] = 0
    return old, Said(old.confidences, levels, old.known)


class _Tally:
    """Running sums: actions before by after, labels recommended together, and how often each confidence occurs."""

    def __init__(self) -> None:
        size, n_labels = len(ACTIONS), len(LABELS)
        self.overall = np.zeros((size, size), np.int64)
        self.labels = np.zeros((n_labels, size, size), np.int64)
        self.overlap = np.zeros((2, n_labels, n_labels), np.int64)
        self.counts = np.zeros((2, n_labels, _STEPS + 1), np.int64)

    def add(self, old: Said, new: Said) -> None:
        np.add.at(self.overall, (old.levels.max(axis=1), new.levels.max(axis=1)), 1)
        for i in range(len(LABELS)):
            np.add.at(self.labels[i], (old.levels[:, i], new.levels[:, i]), 1)
        for side, said in enumerate((old, new)):
            acted = (said.levels > 0).astype(np.int64)
            self.overlap[side] += acted.T @ acted
            places = np.rint(said.confidences.astype(np.float64) * _STEPS).astype(np.int64)
            for i in range(len(LABELS)):
                self.counts[side, i] += np.bincount(places[:, i], minlength=_STEPS + 1)


def _cut_offs(old: NDArray[np.int64], new: NDArray[np.int64], thresholds: NDArray[np.float32]) -> tuple[CutOff, ...]:
    named = {round(float(t), 4): str(a) for a, t in zip(ACTIONS[1:], thresholds, strict=True) if not np.isnan(t)}
    return tuple(map_cut_off(old, new, cut, named.get(cut, "")) for cut in sorted({*CUT_OFFS, *named}))


def map_cut_off(old: NDArray[np.int64], new: NDArray[np.int64], cut: float, action: str = "") -> CutOff:
    """Where a cut-off on the old confidences lies on the new: at the same quantile, between neighbours by proportion.

    ``old`` and ``new`` count messages by confidence, at 0, 0.0001, … 1, shape (10001,) each. Equating scores by their
    quantiles is equipercentile equating (Kolen & Brennan 2014); it keeps the number of messages a cut-off takes.

    >>> old, new = np.zeros(10_001, np.int64), np.zeros(10_001, np.int64)
    >>> old[np.arange(0, 10_000, 10)] = 1
    >>> new[np.arange(0, 5_000, 5)] = 1   # every confidence is halved
    >>> found = map_cut_off(old, new, 0.8)
    >>> found.new, found.above, round(found.low, 2), round(found.high, 2)
    (0.4, 200, 0.38, 0.42)
    """
    n, above = int(old.sum()), int(old[int(np.ceil(cut * _STEPS - 1e-9)) :].sum())
    if above < MIN_ABOVE or above == n:  # at neither end are there neighbours to tell by
        return CutOff(cut, None, None, None, above, action)
    ranked_old, ranked_new = _Ranked(old), _Ranked(new)
    # Both shares are of the same messages, so their difference varies by twice the variance of one of them at most.
    least, most = wilson(above, n, Z_TWO_SIDED * 2**0.5)
    # How far the cut lies between the message just below it and the one at or above it.
    low, high = ranked_old.at(above), ranked_old.at(above - 1)
    part = (cut - low) / (high - low) if high > low else 0.0
    below, reached = ranked_new.at(above), ranked_new.at(above - 1)
    at = below + part * (reached - below)
    ends = sorted((ranked_new.at(round(float(most) * n) - 1), ranked_new.at(round(float(least) * n) - 1)))
    return CutOff(cut, round(at, 4), min(ends[0], round(at, 4)), max(ends[1], round(at, 4)), above, action)


class _Ranked:
    """Confidences by rank, highest first, from counts."""

    def __init__(self, counts: NDArray[np.int64]) -> None:
        self.above = np.cumsum(counts[::-1])

    def at(self, rank: int) -> float:
        """The confidence of the message with this rank, from 0."""
        rank = min(max(rank, 0), int(self.above[-1]) - 1)
        return (_STEPS - int(np.searchsorted(self.above, rank, side="right"))) / _STEPS


def _rates(counts: NDArray[np.int64], n: int) -> dict[str, Rate]:
    """Each action's rate, and that of any action at all."""
    rates = {name: Rate.of(int(count), n) for name, count in zip(_NAMES[1:], counts[1:], strict=True)}
    return rates | {"any": Rate.of(int(counts[1:].sum()), n)}


def _table(counts: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    return tuple(map(tuple, counts.tolist()))
