"""An export end to end: read, score, write, and account for every row.

Rows of the export = rows scored + rows set aside = rows of the result, always; the report says so in figures.
"""

from __future__ import annotations

import heapq
import json
import time
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from classifier.errors import MessagesError
from classifier.guidelines import LABELS
from classifier.messages import BadRow, Columns, read_messages
from classifier.policy import ACTIONS
from classifier.results import ResultWriter, plain_id, set_aside_path

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from classifier.messages import MessageBatch

__all__ = ["Recommendations", "Recommender", "RunReport", "Severe", "score_export"]

ACTION_NAMES = tuple(action.value for action in ACTIONS)
_SAMPLE = 10


class Recommendations(Protocol):
    """What a classifier says about n messages; actions are positions in `policy.ACTIONS`.

    `confidences` float32 (n, 6); `actions` uint8 (n,); `label_actions` uint8 (n, 6); `known` bool (n,), False where a
    message carries no feature the model knows; `reasons` n JSON strings.
    """

    @property
    def confidences(self) -> NDArray[np.float32]: ...  # noqa: D102
    @property
    def actions(self) -> NDArray[np.uint8]: ...  # noqa: D102
    @property
    def label_actions(self) -> NDArray[np.uint8]: ...  # noqa: D102
    @property
    def known(self) -> NDArray[np.bool_]: ...  # noqa: D102
    @property
    def reasons(self) -> list[str]: ...  # noqa: D102


class Recommender(Protocol):
    """What scores an export: a classifier, or anything with its release id and its `recommend`."""

    @property
    def release_id(self) -> str: ...  # noqa: D102
    def recommend(  # noqa: D102
        self, texts: Sequence[str], surfaces: Sequence[str | None]
    ) -> Recommendations: ...


@dataclass(frozen=True)
class Severe:
    """One of the severest recommendations of a run, with its message: for a person's eyes, not for a log."""

    id: Any
    recommendation: str
    why: str
    text: str


@dataclass(frozen=True)
class RunReport:
    """What a run did: `rows` = `scored` + `set_aside`.

    `unknown` counts the messages without a known feature, `recommendations` the messages per action, `labels` per label
    those it would flag, report or block, `bad_rows` holds the first ten rows set aside, `columns` the names found.
    """

    source: str
    target: str
    release: str
    rows: int
    scored: int
    set_aside: int
    unknown: int
    recommendations: dict[str, int]
    labels: dict[str, dict[str, int]]
    bad_rows: tuple[BadRow, ...]
    columns: Columns
    encoding: str | None
    unknown_surfaces: int
    seconds: float
    severest: tuple[Severe, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about how the export was read, one sentence each."""
        told = {
            "no id column: the ids are the row numbers": self.columns.id is None,
            f"read as {self.encoding}, not UTF-8": self.encoding not in (None, "utf-8", "utf-8-sig"),
            f"{self.unknown_surfaces} rows name a surface nobody knows and count as none": self.unknown_surfaces,
            f"{self.set_aside} rows were set aside, see {set_aside_path(self.target)}": self.set_aside,
        }
        return tuple(note for note, true in told.items() if true)

    def as_dict(self) -> dict[str, Any]:
        """Give everything but message texts as plain values, with the notes, for JSON."""
        bad_rows = [asdict(row) | {"id": plain_id(row.id)} for row in self.bad_rows]
        plain = asdict(self) | {"bad_rows": bad_rows, "notes": list(self.notes)}
        del plain["severest"]
        return plain


def score_export(
    classifier: Recommender,
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002
    target_format: str | None = None,
    columns: Columns = Columns(),  # noqa: B008
    encoding: str = "auto",
    batch_size: int = 8192,
    progress: Callable[[int, float | None], object] | None = None,
    severest: int = 0,
) -> RunReport:
    r"""Score the messages of `source` into `target`, which appears only when it is whole.

    `progress` is called after each batch with the rows done and the part of the export read, None if that is unknown.
    The report holds the `severest` most severe recommendations with their messages.

    Raises
    ------
    MessagesError
        When the export cannot be read or the result cannot be written; a target of an earlier run then stays as it was.

    Examples
    --------
    >>> import tempfile
    >>> from types import SimpleNamespace
    >>> def recommend(texts, surfaces):
    ...     n = len(texts)
    ...     actions = np.array([("buy" in text) * 2 for text in texts], np.uint8)
    ...     return SimpleNamespace(confidences=np.zeros((n, 6), np.float32), actions=actions, reasons=["[]"] * n,
    ...         label_actions=np.zeros((n, 6), np.uint8), known=np.ones(n, bool))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export, result = Path(folder, "export.jsonl"), Path(folder, "result.parquet")
    ...     _ = export.write_text('{"id": 1, "text": "buy now"}\n{"id": 2, "text": null}\n')
    ...     report = score_export(SimpleNamespace(release_id="r1", recommend=recommend), export, result)
    >>> report.rows, report.scored, report.set_aside, report.recommendations
    (2, 1, 1, {'none': 0, 'flag': 0, 'report': 1, 'block': 0})

    """
    started = time.perf_counter()
    source, target = Path(source), Path(target)
    batches = read_messages(source, format=format, columns=columns, encoding=encoding, batch_size=batch_size)
    if source.resolve() in (target.resolve(), set_aside_path(target).resolve()):
        raise MessagesError("the result would replace the export", where=str(target), todo="name another file with -o")
    scored = set_aside = unknown = unknown_surfaces = 0
    actions = np.zeros(len(ACTION_NAMES), np.int64)
    labels: Counter[tuple[str, str]] = Counter()
    sample: list[BadRow] = []
    worst: list[tuple[int, float, int, Severe]] = []
    with closing(batches), ResultWriter(target, release=classifier.release_id, format=target_format) as writer:
        for batch in batches:
            if len(batch):
                found = classifier.recommend(batch.texts, batch.surfaces)
                names = [ACTION_NAMES[action] for action in found.actions.tolist()]
                writer.write(batch, found.confidences, names, found.reasons)
                actions += np.bincount(found.actions, minlength=len(ACTION_NAMES))
                for place, name in enumerate(ACTION_NAMES[1:], 1):
                    sums = (found.label_actions == place).sum(axis=0).tolist()
                    labels.update({(label, name): n for label, n in zip(LABELS, sums, strict=True)})
                worst = _severest(worst, severest, batch, found)
                unknown += len(batch) - int(np.count_nonzero(found.known))
            else:
                writer.write(batch, np.empty((0, len(LABELS)), np.float32), [], [])
            scored, set_aside = scored + len(batch), set_aside + len(batch.bad)
            unknown_surfaces += batch.unknown_surfaces
            sample += batch.bad[: _SAMPLE - len(sample)]
            if progress is not None:
                progress(scored + set_aside, batch.fraction)
    return RunReport(
        source=str(source),
        target=str(target),
        release=classifier.release_id,
        rows=writer.rows,
        scored=scored,
        set_aside=set_aside,
        unknown=unknown,
        recommendations=dict(zip(ACTION_NAMES, actions.tolist(), strict=True)),
        labels={label: {name: labels[label, name] for name in ACTION_NAMES[1:]} for label in LABELS},
        bad_rows=tuple(sample),
        columns=batch.export.columns,
        encoding=batch.export.encoding,
        unknown_surfaces=unknown_surfaces,
        seconds=time.perf_counter() - started,
        severest=tuple(entry[-1] for entry in worst),
    )


def _severest(
    worst: list[tuple[int, float, int, Severe]], size: int, batch: MessageBatch, found: Recommendations
) -> list[tuple[int, float, int, Severe]]:
    """The `size` most severe of those found before and those of a batch, by action, confidence and row."""
    if not size:
        return worst
    top = found.confidences.max(axis=1)
    fresh = []
    order = np.lexsort((-top, -found.actions.astype(int)))[:size]
    for i in order[found.actions[order] > 0].tolist():
        why = ", ".join(f"{reason['label']} {reason['confidence']:.2f}" for reason in json.loads(found.reasons[i]))
        severe = Severe(plain_id(batch.ids[i]), ACTION_NAMES[found.actions[i]], why, str(batch.texts[i]))
        fresh.append((int(found.actions[i]), float(top[i]), -batch.rows[i], severe))
    return heapq.nlargest(size, worst + fresh, key=lambda entry: entry[:3])
