"""What a run over an export did, in figures: counted as it goes, kept across interruptions, told at the end."""

from __future__ import annotations

import hashlib
import heapq
import json
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from classifier.guidelines import LABELS
from classifier.messages import BadRow, Columns
from classifier.policy import ACTIONS
from classifier.results import plain_id, set_aside_path

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.exports import Export
    from classifier.messages import MessageBatch
    from classifier.policy import Policy

__all__ = [
    "ACTION_NAMES", "STDOUT", "Recommendations", "RunReport", "Severe", "Tally", "finished_report", "first_notes",
    "report_path", "run_policy", "stamp",
]  # fmt: skip

ACTION_NAMES = tuple(action.value for action in ACTIONS)
STDOUT = "-"
_SAMPLE = 10


def report_path(target: str | os.PathLike[str]) -> Path:
    """Name the file that holds the report of a run.

    >>> report_path("out/result.jsonl").name
    'result.jsonl.report.json'
    """
    target = Path(target)
    return target.with_name(f"{target.name}.report.json")


class Recommendations(Protocol):
    """What a classifier says about n messages; actions are positions in `policy.ACTIONS`.

    `confidences` float32 (n, 6); `actions` uint8 (n,); `label_actions` uint8 (n, 6); `known` bool (n,), False where a
    message carries no feature the model knows; `reasons` n JSON strings; `details` bool (n, 4), see
    `severity.DETAILS`.
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
    @property
    def details(self) -> NDArray[np.bool_]: ...  # noqa: D102


def first_notes(notes: Sequence[str], most: int = _SAMPLE) -> tuple[str, ...]:
    """The first notes, and how many more there are: a folder of chats may have one for each.

    >>> first_notes(["a", "b", "c"], most=2)
    ('a', 'b', 'and 1 more notes of this kind')
    """
    more = len(notes) - most
    return (*notes[:most], f"and {more:,} more notes of this kind") if more > 0 else tuple(notes)


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
    `policy` and `digest` are the SHA-256 of the policy and of the export (None for a pipe), `versions` those of what
    computed the figures, `seconds` the time of all runs it took and `resumed` how often it was gone on with.
    `export_notes` are what the reader of the export noted, of which `notes` shows the first.
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
    shadow: bool = False
    policy: str | None = None
    digest: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    started: str = ""
    finished: str = ""
    resumed: int = 0
    export_notes: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about how the export was read, one sentence each."""
        aside = "their rows of the result say why" if self.target == STDOUT else f"see {set_aside_path(self.target)}"
        told = {
            "shadow run: the recommendations are for comparing, not to be acted on": self.shadow,
            "no id column: the ids are the row numbers": self.columns.id is None,
            f"read as {self.encoding}, not UTF-8": self.encoding not in (None, "utf-8", "utf-8-sig"),
            f"{self.unknown_surfaces} rows name a surface nobody knows and count as none": self.unknown_surfaces,
            f"{self.set_aside} rows were set aside, {aside}": self.set_aside,
        }
        return (*first_notes(self.export_notes), *(note for note, true in told.items() if true))

    def as_dict(self) -> dict[str, Any]:
        """Give everything but message texts as plain values, with the notes, for JSON."""
        bad_rows = [asdict(row) | {"id": plain_id(row.id)} for row in self.bad_rows]
        plain = asdict(self) | {"bad_rows": bad_rows, "notes": list(self.notes)}
        del plain["severest"]
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], severest: tuple[Severe, ...] = ()) -> RunReport:
        """The report that `as_dict` gave."""
        kept = {entry.name: plain[entry.name] for entry in fields(cls) if entry.name in plain}
        bad_rows = tuple(BadRow(**row) for row in plain["bad_rows"])
        columns, notes = Columns(**plain["columns"]), tuple(plain.get("export_notes", ()))
        return cls(**kept | {"bad_rows": bad_rows, "columns": columns, "severest": severest, "export_notes": notes})


class Tally:
    """The figures of a `RunReport` so far. `as_dict` and back keeps them while a run is interrupted."""

    def __init__(self, size: int = 0) -> None:
        self.size = size
        self.scored = self.set_aside = self.unknown = self.unknown_surfaces = 0
        self.actions = np.zeros(len(ACTION_NAMES), np.int64)
        self.label_actions = np.zeros((len(LABELS), len(ACTION_NAMES)), np.int64)
        self.bad_rows: list[BadRow] = []
        self.worst: list[tuple[int, float, int, Severe]] = []

    @property
    def rows(self) -> int:
        """The rows of the export so far."""
        return self.scored + self.set_aside

    @property
    def severest(self) -> tuple[Severe, ...]:
        """The `size` most severe recommendations so far, by action, confidence and row."""
        return tuple(entry[-1] for entry in self.worst)

    def add(self, batch: MessageBatch, found: Recommendations | None) -> None:
        """Count a batch; `found` is None where it has no messages."""
        self.scored += len(batch)
        self.set_aside += len(batch.bad)
        self.unknown_surfaces += batch.unknown_surfaces
        self.bad_rows += [
            BadRow(row.file, row.row, row.reason, plain_id(row.id)) for row in batch.bad[: _SAMPLE - len(self.bad_rows)]
        ]
        if found is not None:
            self.unknown += len(batch) - int(np.count_nonzero(found.known))
            self.actions += np.bincount(found.actions, minlength=len(ACTION_NAMES))
            for place in range(1, len(ACTION_NAMES)):
                self.label_actions[:, place] += (found.label_actions == place).sum(axis=0)
            if self.size:
                self._add_severe(batch, found)

    def _add_severe(self, batch: MessageBatch, found: Recommendations) -> None:
        top = found.confidences.max(axis=1)
        order = np.lexsort((-top, -found.actions.astype(int)))[: self.size]
        for i in order[found.actions[order] > 0].tolist():
            why = ", ".join(f"{reason['label']} {reason['confidence']:.2f}" for reason in json.loads(found.reasons[i]))
            severe = Severe(plain_id(batch.ids[i]), ACTION_NAMES[found.actions[i]], why, str(batch.texts[i]))
            self.worst.append((int(found.actions[i]), float(top[i]), -batch.rows[i], severe))
        self.worst = heapq.nlargest(self.size, self.worst, key=lambda entry: entry[:3])

    @property
    def counts(self) -> dict[str, Any]:
        """The fields of a `RunReport` that are counted."""
        names = ACTION_NAMES[1:]
        figures = self.label_actions[:, 1:].tolist()
        return {
            "rows": self.rows,
            "scored": self.scored,
            "set_aside": self.set_aside,
            "unknown": self.unknown,
            "unknown_surfaces": self.unknown_surfaces,
            "recommendations": dict(zip(ACTION_NAMES, self.actions.tolist(), strict=True)),
            "labels": {label: dict(zip(names, row, strict=True)) for label, row in zip(LABELS, figures, strict=True)},
            "bad_rows": tuple(self.bad_rows),
        }

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON; the messages of the severest too."""
        worst = [(*entry[:3], asdict(entry[3])) for entry in self.worst]
        return self.counts | {"bad_rows": [asdict(row) for row in self.bad_rows], "size": self.size, "worst": worst}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Tally:
        """The tally that `as_dict` gave."""
        tally = cls(plain["size"])
        tally.scored, tally.set_aside, tally.unknown = plain["scored"], plain["set_aside"], plain["unknown"]
        tally.unknown_surfaces = plain["unknown_surfaces"]
        tally.actions[:] = [plain["recommendations"][name] for name in ACTION_NAMES]
        tally.label_actions[:, 1:] = [[plain["labels"][label][name] for name in ACTION_NAMES[1:]] for label in LABELS]
        tally.bad_rows = [BadRow(**row) for row in plain["bad_rows"]]
        tally.worst = [(level, top, row, Severe(**severe)) for level, top, row, severe in plain["worst"]]
        return tally


def finished_report(
    classifier: Any, source: str, target: str, export: Export, tally: Tally, *, seconds: float, **more: Any
) -> RunReport:
    """The report of a run that ends now after `seconds`; `more` are fields that only some runs know."""
    told: dict[str, Any] = {
        "source": source, "target": target, "release": classifier.release_id, "columns": export.columns,
        "encoding": export.encoding, "policy": run_policy(classifier), "export_notes": export.notes,
        "versions": {name: version(name) for name in ("guideline-classifier", "numba", "numpy")},
        "started": stamp(seconds), "finished": stamp(), "seconds": seconds, "severest": tally.severest,
    }  # fmt: skip
    return RunReport(**told | tally.counts | more)


def run_policy(classifier: Any) -> str | None:
    """The SHA-256 of a classifier's policy, None where it has none."""
    policy: Policy | None = getattr(classifier, "policy", None)
    if policy is None:
        return None
    return hashlib.sha256(json.dumps(policy.as_dict(), sort_keys=True).encode()).hexdigest()


def stamp(ago: float = 0.0) -> str:
    """The time `ago` seconds before now, in UTC."""
    return (datetime.now(UTC) - timedelta(seconds=ago)).isoformat(timespec="seconds")
