"""An export end to end: read, score, write, and account for every row.

Rows of the export = rows scored + rows set aside = rows of the result, always; the report says so in figures.

A run can be killed at any moment. Finished work is made durable every `CHECKPOINT_ROWS` rows, and the same call goes
on from there to the result an undisturbed run writes, byte for byte. `checkpoints` says what is on the disk meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from classifier.checkpoints import checkpoint, content_digest, identity, replace_file
from classifier.errors import MessagesError
from classifier.guidelines import LABELS
from classifier.messages import Columns, read_messages
from classifier.pipelining import Behind, ahead
from classifier.results import Draft, ResultWriter, check_target, publish, set_aside_path, writing
from classifier.run_report import (
    ACTION_NAMES,
    Recommendations,
    RunReport,
    Severe,
    Tally,
    finished_report,
    report_path,
    run_policy,
    stamp,
)
from classifier.sources import find_sources, is_collection

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from classifier.checkpoints import Checkpoint
    from classifier.exports import Export
    from classifier.messages import MessageBatch

__all__ = ["CHECKPOINT_ROWS", "Recommendations", "Recommender", "RunReport", "Severe", "score_export"]

CHECKPOINT_ROWS = 2**17
_CHECKPOINT_CHARACTERS = 2**27


class Recommender(Protocol):
    """What scores an export: a classifier, or anything with its release id and its `recommend`."""

    @property
    def release_id(self) -> str: ...  # noqa: D102
    def recommend(  # noqa: D102
        self, texts: Sequence[str], surfaces: Sequence[str | None]
    ) -> Recommendations: ...


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
    shadow: bool = False,
    restart: bool = False,
    checkpoint_rows: int = CHECKPOINT_ROWS,
) -> RunReport:
    r"""Score the messages of `source` into `target`, which appears only when it is whole, with its report beside it.

    `progress` is called after each batch with the rows done and the part of the export read, None if that is unknown.
    The report holds the `severest` most severe recommendations with their messages. A `shadow` run names its columns so
    that nobody acts on them by mistake (see `results`).

    A run that was killed is gone on with by the same call, from the last multiple of about `checkpoint_rows` rows;
    another release, policy, option or export is refused then, unless `restart` begins again. A run that fails before
    that many rows leaves nothing.

    Raises
    ------
    MessagesError
        When the export cannot be read or changes meanwhile, when the result cannot be written or another run is writing
        it; a target of an earlier run then stays as it was.

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
    began = time.perf_counter()
    source, target = Path(source), Path(target)
    batches = read_messages(source, format=format, columns=columns, encoding=encoding, batch_size=batch_size)
    read = [found.path for found in find_sources(source)[0]] if is_collection(source) else [source]
    written = {path.resolve() for path in (target, set_aside_path(target), report_path(target))}
    if any(path.resolve() in written for path in read):
        raise MessagesError("the result would replace the export", where=str(target), todo="name another file with -o")
    check_target(target, target_format)
    run = {
        "export": identity(source),
        "release": classifier.release_id,
        "policy": run_policy(classifier),
        "options": [
            format,
            target_format,
            asdict(columns),
            encoding,
            batch_size,
            severest,
            shadow,
            checkpoint_rows,
            getattr(classifier, "contacts", None),
        ],
        "version": version("guideline-classifier"),
    }
    with closing(batches), checkpoint(target, run, restart=restart) as held:
        if "report" not in held.state:
            job = _Job(classifier, source, target, held, held.state, began, checkpoint_rows, progress)
            tally = Tally.from_dict(held.state["tally"]) if held.state else Tally(severest)
            draft = Draft(held.folder, held.state.get("writer", {}))
            writer = ResultWriter(
                target, release=classifier.release_id, format=target_format, shadow=shadow, draft=draft
            )
            export = _score(job, batches, writer, tally)
            digest, times = content_digest(source), job.times()
            report = finished_report(
                classifier, str(source), str(target), export, tally, shadow=shadow, digest=digest, **times
            )
            job.check_source()
            with writing(target):
                held.save({"report": report.as_dict(), "tally": tally.as_dict()})
        found = held.state["report"]
        with writing(target):
            publish(Draft(held.folder).parts, target, set_aside=bool(found["set_aside"]))
            replace_file(report_path(target.resolve()), json.dumps(found, indent=1).encode() + b"\n")
    return RunReport.from_dict(found, Tally.from_dict(held.state["tally"]).severest)


@dataclass(frozen=True)
class _Job:
    """A run under way; `before` is what the journal said when it began, empty for a fresh run."""

    classifier: Recommender
    source: Path
    target: Path
    held: Checkpoint
    before: dict[str, Any]
    began: float
    checkpoint_rows: int
    progress: Callable[[int, float | None], object] | None

    def times(self) -> dict[str, Any]:
        """When the first run started, the time of all of them so far, and how many came after the first."""
        seconds = time.perf_counter() - self.began
        if not self.before:
            return {"started": stamp(seconds), "seconds": seconds, "resumed": 0}
        times = self.before["times"]
        return times | {"seconds": times["seconds"] + seconds, "resumed": times["resumed"] + 1}

    def check_source(self) -> None:
        """Refuse to go on when the export is no longer the one the run began with."""
        if identity(self.source) != self.held.run["export"]:
            raise MessagesError("the export changed while it was read", where=str(self.source),
                                todo="wait until it is whole, then begin again with --restart")  # fmt: skip

    def write(self, writer: ResultWriter, batch: MessageBatch, found: Recommendations | None) -> None:
        """Write what was found in a batch."""
        if found is None:
            writer.write(batch, np.empty((0, len(LABELS)), np.float32), [], [])
        else:
            names = [ACTION_NAMES[action] for action in found.actions.tolist()]
            writer.write(batch, found.confidences, names, found.reasons)

    def commit(self, writer: ResultWriter, state: dict[str, Any]) -> None:
        """Make durable what was written so far."""
        with writing(self.target):
            self.held.save(state | {"writer": writer.commit()})


def _score(job: _Job, batches: Iterator[MessageBatch], writer: ResultWriter, tally: Tally) -> Export:
    """Read, score and write what is not yet finished, and add it to the tally."""
    saved, characters = tally.rows, 0
    try:
        with writer, Behind() as behind, closing(ahead(batches)) as coming:
            for batch, seen, finished in _marked(coming, job, tally.rows):
                if finished:
                    continue
                found = job.classifier.recommend(batch.texts, batch.surfaces) if len(batch) else None
                behind.call(job.write, writer, batch, found)
                tally.add(batch, found)
                characters += _characters(batch)
                if tally.rows - saved >= job.checkpoint_rows or characters >= _CHECKPOINT_CHARACTERS:
                    job.check_source()
                    behind.call(job.commit, writer, {"tally": tally.as_dict(), "seen": seen, "times": job.times()})
                    saved, characters = tally.rows, 0
                if job.progress is not None:
                    job.progress(tally.rows, batch.fraction)
    except MessagesError:
        job.check_source()  # what cannot be read may be what has changed
        raise
    return batch.export


def _marked(batches: Iterator[MessageBatch], job: _Job, rows: int) -> Iterator[tuple[MessageBatch, str, bool]]:
    """Each batch, a digest of all so far if they come out of a pipe, and whether it is among the first `rows`."""
    read, seen, pipe = 0, "", not job.held.run["export"]
    for batch in batches:
        finished = read < rows
        read += len(batch) + len(batch.bad)
        seen = _chained(seen, batch) if pipe else ""
        if finished and read >= rows and (read, seen) != (rows, job.before["seen"]):
            break
        yield batch, seen, finished
    else:
        if read >= rows:
            return
    raise MessagesError("this is not what the unfinished run read", where=str(job.source),
                        todo="give it the same again, or begin again with --restart")  # fmt: skip


def _chained(seen: str, batch: MessageBatch) -> str:
    """A digest of all batches so far: what tells a pipe from another one."""
    digest = hashlib.sha256(seen.encode())
    for text in (*batch.texts, *(row.reason for row in batch.bad)):
        digest.update(str(text).encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def _characters(batch: MessageBatch) -> int:
    """The length of a batch: characters of a list, bytes of an Arrow array."""
    return sum(map(len, batch.texts)) if isinstance(batch.texts, list) else batch.texts.nbytes  # type: ignore[attr-defined]
