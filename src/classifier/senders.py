"""Senders, not only messages: an export end to end, to a table of senders and a dossier of those to report or block.

The export is scored as a stream and spilled by sender (`sender_partitions`), then each sender's history is drawn up
(`sender_histories`) under the rules of the policy (`sender_rules`). Memory does not grow with the export, nor with the
number of senders. The folder holds::

    senders.csv, senders.jsonl   every sender, the most severe first, then by name
    dossiers/NAME.md, NAME.json  senders recommended for report or block, the most severe first up to the limit
    set-aside.csv                rows that could not be read, if there are any

All of it appears when it is whole, and replaces what an earlier run left there.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.dossier import Origin
from classifier.errors import MessagesError
from classifier.messages import BadRow, Columns, read_messages
from classifier.pseudonyms import pseudonym
from classifier.results import plain_id
from classifier.run_report import first_notes
from classifier.sender_columns import answer_columns, sent_columns
from classifier.sender_findings import Basis
from classifier.sender_histories import history
from classifier.sender_outputs import Folder, SetAside, Shelf
from classifier.sender_partitions import HELD, Spill, groups, leaves, messages_in
from classifier.sender_rules import SenderRules, sender_rules
from classifier.sender_table import Runs

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Iterable, Iterator

    from classifier.batch import Recommender
    from classifier.messages import MessageBatch
    from classifier.policy import Policy
    from classifier.sender_partitions import Partition

__all__ = ["SendersReport", "policy_digest", "review_senders"]


@dataclass(frozen=True)
class SendersReport:
    """What a run found: `rows` = `scored` + `set_aside`, and `without_sender` of the scored have no sender.

    `recommendations` counts the `senders` per action, `to_report` those that a dossier is due for, `dossiers` those
    that got one; `severest` are the first ten as ``senders.jsonl`` has them. `unreadable_times` counts times that are
    given and cannot be read.
    """

    source: str
    target: str
    release: str
    policy: str
    rows: int
    scored: int
    set_aside: int
    without_sender: int
    unreadable_times: int
    senders: int
    recommendations: dict[str, int]
    to_report: int
    dossiers: int
    bad_rows: tuple[BadRow, ...]
    columns: Columns
    encoding: str | None
    seconds: float
    severest: tuple[dict[str, Any], ...] = ()
    export_notes: tuple[str, ...] = ()
    pseudonyms: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about the run, one sentence each."""
        columns = self.columns
        told = {
            "no time column: windows go by the order of the rows": columns.time is None,
            "no recipient column: contacts without answer and copies were not looked for": columns.recipient is None,
            "no profile column: the dossiers name senders by id":
                columns.profile is None and not self.pseudonyms and self.dossiers,
            "people have pseudonyms, and links to profiles are left out": self.pseudonyms,
            f"{self.unreadable_times:,} times could not be read": self.unreadable_times,
            f"{self.without_sender:,} messages have no sender and are in no history": self.without_sender,
            f"{self.to_report:,} senders are to be reported, the first {self.dossiers:,} have a dossier (--limit)":
                self.to_report > self.dossiers,
            f"{self.set_aside:,} rows were set aside, see {Path(self.target, 'set-aside.csv')}": self.set_aside,
        }  # fmt: skip
        return (*first_notes(self.export_notes), *(note for note, true in told.items() if true))

    def as_dict(self) -> dict[str, Any]:
        """Everything but the severest as plain values, with the notes, for JSON."""
        bad_rows = [asdict(row) | {"id": plain_id(row.id)} for row in self.bad_rows]
        plain = asdict(self) | {"bad_rows": bad_rows, "notes": list(self.notes)}
        del plain["severest"]
        return plain


def review_senders(
    classifier: Recommender,
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    rules: SenderRules | None = None,
    format: str | None = None,  # noqa: A002
    columns: Columns = Columns(),  # noqa: B008
    encoding: str = "auto",
    batch_size: int = 8192,
    progress: Callable[[str, int, float | None], object] | None = None,
    limit: int = 200,
    masked: bool = True,
    partitions: int = 64,
    held: int = HELD,
    key: bytes | None = None,
) -> SendersReport:
    r"""Review the senders of `source` into the folder `target`, which is made if need be.

    ``rules`` default to the ``[senders]`` table of the classifier's policy. At most `limit` dossiers are written, with
    contact details `masked`. With a `key` people have pseudonyms (`pseudonyms`), in the names of dossiers and of the
    export in them too. `progress` is called with the stage, what of it is done and the share of it, None if
    unknown. ``partitions`` and ``held`` (rows) bound memory and change nothing in the result.

    Raises
    ------
    MessagesError
        When the export cannot be read or names no senders, or the folder cannot be written or holds somebody else's
        dossiers; what an earlier run left then stays as it was.

    Examples
    --------
    >>> import tempfile
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> def recommend(texts, surfaces):
    ...     levels = np.array([[2 * ("buy" in text)] + [0] * 5 for text in texts], np.uint8)
    ...     return SimpleNamespace(label_actions=levels, actions=levels.max(axis=1), reasons=["[]"] * len(texts),
    ...         details=np.zeros((len(texts), 4), bool))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export = Path(folder, "export.csv")
    ...     _ = export.write_text("id,text,sender\n1,buy now,bob\n2,hi,ana\n3,buy  NOW,bob\n")
    ...     report = review_senders(SimpleNamespace(release_id="r1", recommend=recommend), export, Path(folder, "out"))
    ...     print(sorted(path.suffix for path in Path(folder, "out", "dossiers").iterdir()))
    ['.json', '.md']
    >>> report.recommendations["report"], report.severest[0]["sender"], report.severest[0]["duplicates"]
    (1, 'bob', 1)

    """
    started = time.perf_counter()
    source, target = Path(source), Path(target)
    batches = read_messages(source, format=format, columns=columns, encoding=encoding, batch_size=batch_size, key=key)
    policy: Policy | None = getattr(classifier, "policy", None)
    rules = rules or sender_rules(getattr(policy, "senders", {}))
    name = source.name if key is None else pseudonym(source.name, key)
    origin = Origin(name, classifier.release_id, policy_digest(policy, rules), pseudonyms=key is not None)
    told = progress or (lambda *_: None)
    with closing(batches), Folder(target, source) as folder:
        with SetAside(folder.new) as set_aside:
            spill = Spill(folder.work, partitions)
            folder.callback(spill.abandon)
            read = _spilled(classifier, batches, spill, set_aside, told)
        basis = Basis(read.readable_times > 0, read.columns.recipient is not None)
        shelf, runs = Shelf(folder.new / "dossiers", limit, origin, masked=masked), Runs(folder.work)
        filled = spill.close()
        for i, partition in enumerate(filled, 1):
            for leaf in leaves(partition, held):
                _review(leaf, rules, basis, held, runs, shelf)
            told("drawing up histories", sum(runs.counts.values()), i / len(filled))
        severest = runs.merge(folder.new)
    return SendersReport(
        source=str(source),
        target=str(target),
        release=origin.release,
        policy=origin.policy,
        rows=read.scored + set_aside.count,
        scored=read.scored,
        set_aside=set_aside.count,
        without_sender=read.without_sender,
        unreadable_times=read.unreadable_times,
        senders=sum(runs.counts.values()),
        recommendations={action.value: count for action, count in runs.counts.items()},
        to_report=shelf.due,
        dossiers=len(shelf),
        bad_rows=tuple(set_aside.sample),
        columns=read.columns,
        encoding=read.encoding,
        seconds=time.perf_counter() - started,
        severest=tuple(severest),
        export_notes=read.notes,
        pseudonyms=key is not None,
    )


@dataclass
class _Read:
    """What was counted while an export was read."""

    columns: Columns
    encoding: str | None
    scored: int = 0
    without_sender: int = 0
    readable_times: int = 0
    unreadable_times: int = 0
    notes: tuple[str, ...] = ()


def _spilled(
    classifier: Recommender,
    batches: Generator[MessageBatch, None, None],
    spill: Spill,
    set_aside: SetAside,
    progress: Callable[[str, int, float | None], object],
) -> _Read:
    """Score an export and spill it by sender."""
    read = _Read(Columns(), None)
    for batch in _numbered(batches):
        export = batch.export
        if export.columns.sender is None:
            what, todo = "no column says who sent a message", "name it with --sender-column"
            raise MessagesError(what, where=str(export.path), todo=todo)
        read.columns, read.encoding, read.notes = export.columns, export.encoding, export.notes
        set_aside.add(batch.bad)
        if len(batch):
            found = classifier.recommend(batch.texts, batch.surfaces)
            sent = sent_columns(batch, found, getattr(classifier, "policy", None))
            readable = sum(when is not None for when in sent["when"])
            read.readable_times += readable
            read.unreadable_times += sum(time is not None for time in sent["time"]) - readable
            spill.add(answer_columns(sent))
            known = [i for i, owner in enumerate(sent["owner"]) if owner is not None]
            spill.add(sent if len(known) == len(batch) else {k: [v[i] for i in known] for k, v in sent.items()})
            read.scored += len(batch)
            read.without_sender += len(batch) - len(known)
        progress("scoring", read.scored + set_aside.count, batch.fraction)
    return read


def _numbered(batches: Iterable[MessageBatch]) -> Iterator[MessageBatch]:
    """The batches with rows counted on through all files, because evidence and order go by the row."""
    file, before, last = None, 0, 0
    for batch in batches:
        if file is not None and batch.export.path != file:
            before, last = before + last, 0
        file = batch.export.path
        last = max([last, *batch.rows[-1:], *(row.row for row in batch.bad)])
        yield batch if not before else replace(batch, rows=[before + row for row in batch.rows])


def _review(partition: Partition, rules: SenderRules, basis: Basis, held: int, runs: Runs, shelf: Shelf) -> None:
    """Draw up the histories of a partition, and the dossiers that are due."""
    taken = []
    for group in groups(partition, timed=basis.timed, held=held):
        found = history(group.sender, group.sent, rules, basis=basis, answers=group.answers, beyond=group.beyond)
        runs.add(found)
        if shelf.takes(found):
            taken.append(found)
    runs.end_partition()
    if taken:
        messages = messages_in(partition, {row for found in taken for row in found.evidence})
        for found in taken:
            shelf.put(found, [messages[row] for row in found.evidence])


def policy_digest(policy: Policy | None, rules: SenderRules) -> str:
    """Twelve digits that stand for the thresholds of a policy and the rules for senders."""
    content = json.dumps([policy.as_dict() if policy else None, rules.as_dict()], sort_keys=True)
    return sha256(content.encode()).hexdigest()[:12]
