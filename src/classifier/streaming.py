"""An export scored into a stream, such as a pipe: results as they come, without checkpoints and files beside them."""

from __future__ import annotations

import io
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import numpy as np

from classifier.errors import MessagesError
from classifier.guidelines import LABELS
from classifier.messages import Columns, format_of, read_messages
from classifier.pipelining import Behind, ahead
from classifier.results import ResultStream
from classifier.run_report import ACTION_NAMES, STDOUT, RunReport, Tally, finished_report

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from classifier.batch import Recommender
    from classifier.messages import MessageBatch
    from classifier.run_report import Recommendations

__all__ = ["STREAMED_FORMATS", "score_stream", "streamed_format"]

STREAMED_FORMATS = ("jsonl", "csv", "tsv")


def streamed_format(format: str | None) -> str:  # noqa: A002
    """Name the format of a result on standard output: JSON Lines unless another is asked for.

    >>> streamed_format(None), streamed_format("csv")
    ('jsonl', 'csv')
    >>> streamed_format("parquet")
    Traceback (most recent call last):
    ...
    classifier.errors.MessagesError: standard output: a Parquet file cannot be written as it comes; use --out-format
    jsonl, csv or tsv, or name a file with -o
    """
    kind = "jsonl" if format is None else format_of("standard output", format)
    if kind not in STREAMED_FORMATS:
        todo = "use --out-format jsonl, csv or tsv, or name a file with -o"
        raise MessagesError("a Parquet file cannot be written as it comes", where="standard output", todo=todo)
    return kind


def score_stream(
    classifier: Recommender,
    source: str | os.PathLike[str],
    out: BinaryIO,
    *,
    format: str | None = None,  # noqa: A002
    target_format: str | None = None,
    columns: Columns = Columns(),  # noqa: B008 (frozen)
    encoding: str = "auto",
    batch_size: int = 8192,
    progress: Callable[[int, float | None], object] | None = None,
    severest: int = 0,
    shadow: bool = False,
) -> RunReport:
    r"""Score the messages of `source` into the open file `out`, batch by batch, each flushed when it is done.

    The parameters are those of `batch.score_export`, and so are the rows. A row that was set aside keeps its place and
    says why; no other file lists it. What is written stays written when the export turns out damaged.

    Raises
    ------
    MessagesError
        When the export cannot be read, the format cannot be streamed, or `out` takes no more.
    BrokenPipeError
        When nobody reads on.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from types import SimpleNamespace
    >>> def recommend(texts, surfaces):
    ...     n = len(texts)
    ...     return SimpleNamespace(confidences=np.zeros((n, 6), np.float32), actions=np.zeros(n, np.uint8),
    ...         reasons=["[]"] * n, label_actions=np.zeros((n, 6), np.uint8), known=np.ones(n, bool))
    >>> out = io.BytesIO()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export = Path(folder, "export.jsonl")
    ...     _ = export.write_text('{"id": 1, "text": "hi"}\n')
    ...     report = score_stream(SimpleNamespace(release_id="r1", recommend=recommend), export, out)
    >>> out.getvalue()[:28], report.scored
    (b'{"id": 1, "harassment": 0.0,', 1)

    """
    began = time.perf_counter()
    kind = streamed_format(target_format)
    batches = read_messages(source, format=format, columns=columns, encoding=encoding, batch_size=batch_size)
    text = io.TextIOWrapper(out, "utf-8", errors="backslashreplace", newline="")
    tally = Tally(severest)
    try:
        with closing(batches), _told():
            stream = ResultStream(text, release=classifier.release_id, format=kind, shadow=shadow)
            with Behind() as behind, closing(ahead(batches)) as coming:
                for batch in coming:
                    found = classifier.recommend(batch.texts, batch.surfaces) if len(batch) else None
                    behind.call(_write, stream, batch, found)
                    tally.add(batch, found)
                    if progress is not None:
                        progress(tally.rows, batch.fraction)
            text.flush()
    finally:
        with suppress(OSError):  # what is left in its buffer goes nowhere
            text.detach()
    seconds = time.perf_counter() - began
    return finished_report(classifier, str(source), STDOUT, batch.export, tally, seconds=seconds, shadow=shadow)


def _write(stream: ResultStream, batch: MessageBatch, found: Recommendations | None) -> None:
    if found is None:
        stream.write(batch, np.empty((0, len(LABELS)), np.float32), [], [])
    else:
        names = [ACTION_NAMES[action] for action in found.actions.tolist()]
        stream.write(batch, found.confidences, names, found.reasons)


@contextmanager
def _told() -> Iterator[None]:
    """Tell what standard output does not take, unless it is nobody's any more."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        what = f"cannot be written ({error.strerror or error})"
        raise MessagesError(what, where="standard output", todo="free space, or name a file with -o") from error
