"""The same `Classifier` on a Spark cluster: a data frame in, the data frame with recommendations out.

What `recommend` adds is what a result file holds, to the bit: six confidences, ``recommendation``, ``reasons``,
``release`` and ``error``. Rows travel as Arrow record batches (`DataFrame.mapInArrow`), never as pandas; a Python
worker loads the release once and keeps it for all its tasks. docs/spark.md says how to size a cluster.

The package must be installed on the workers, in the driver's version. A release that is not the shipped one travels
with the job, or is opened by each worker on a path they share. Nothing here touches `SparkContext`, so that a client of
Spark Connect can call it as well.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classifier.errors import MessagesError, ReleaseError
from classifier.exports import surface_names
from classifier.guidelines import LABELS
from classifier.parquet_exports import unreadable_texts, values_of
from classifier.policy import ACTIONS, Policy
from classifier.policy_file import resolve_policy
from classifier.release import load_release, release_folder
from classifier.scoring import load

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from classifier.scoring import Classifier

__all__ = ["ADDED", "Job", "loaded", "prepared", "recommend"]

ADDED = (*LABELS, "recommendation", "reasons", "release", "error")
_ACTION_NAMES = [action.value for action in ACTIONS]
_WHERE = "the data frame"
_MAX_LOADED = 4  # classifiers a worker keeps: jobs of one session may differ in release or policy
_LOADED: dict[tuple[str, str | None, str | None], Classifier] = {}


@dataclass(frozen=True)
class Job:
    """What a task needs to know. `files` are those of a release that travels along, else `folder` names it."""

    digest: str
    folder: str | None
    files: tuple[tuple[str, bytes], ...]
    policy: str | None
    text: str
    surface: str | None
    keep: tuple[str, ...]


def recommend(
    df: DataFrame,
    *,
    text: str = "text",
    surface: str | None = None,
    keep: Sequence[str] | None = None,
    release: str | os.PathLike[str] | None = None,
    shared: bool = False,
    policy: Policy | str | os.PathLike[str] | None = None,
) -> DataFrame:
    """Add the columns `ADDED` to a data frame of messages; nothing runs before Spark is asked for rows.

    Parameters
    ----------
    df : DataFrame
        One message in each row; the rows stay what they are, in their partitions and order.
    text, surface : str
        The columns of the message and of its surface; a column called ``surface`` is found without being named.
    keep : sequence of str, optional
        The columns that come along, such as an id; default: all.
    release : path, optional
        A release folder; default: the shipped release, which each worker has in its installation.
    shared : bool
        ``release`` is a path that every worker can open; otherwise its files travel with the job.
    policy : Policy or path, optional
        A resolved policy or a ``policy.toml``, read here on the driver; default: the release's own.

    Returns
    -------
    DataFrame
        The kept columns and `ADDED`. A row whose text is null or not UTF-8 is set aside: its confidences are null, its
        recommendation is "none", its reasons are ``[]`` and ``error`` says why; elsewhere ``error`` is null.

    Raises
    ------
    MessagesError
        A column is missing, holds no text, or has the name of one of `ADDED`.
    ReleaseError, PolicyError
        As `classifier.load` and a policy file raise; on a worker, where its release is not the driver's.

    Examples
    --------
    ::

        messages = spark.read.parquet("messages.parquet")
        recommend(messages).where("recommendation = 'block'").write.parquet("to_block.parquet")

    """
    from pyspark.sql.types import FloatType, StringType, StructField, StructType

    kept = [df.schema[name] for name in _kept(df, keep)]
    surface = _check_columns(df, text, surface)
    job = prepared(release, policy, shared=shared, text=text, surface=surface, keep=[field.name for field in kept])
    figures = [StructField(label, FloatType()) for label in LABELS]
    words = [StructField(name, StringType(), name == "error") for name in ADDED[len(LABELS) :]]
    return df.mapInArrow(partial(_score, job), StructType([*kept, *figures, *words]))


def prepared(
    release: str | os.PathLike[str] | None,
    policy: Policy | str | os.PathLike[str] | None,
    *,
    shared: bool,
    text: str,
    surface: str | None,
    keep: Sequence[str] = (),
) -> Job:
    """Read release and policy on the driver; the arguments are those of `recommend`."""
    folder = release_folder(None if release is None else Path(release))
    stored = load_release(folder)
    if policy is not None and not isinstance(policy, Policy):
        policy = resolve_policy(policy, stored.policy, stored.curves)
    return Job(
        stored.digest,
        None if release is None else str(folder.resolve()),
        () if release is None or shared else tuple((name, (folder / name).read_bytes()) for name in _files(folder)),
        None if policy is None else json.dumps(policy.as_dict()),
        text,
        surface,
        tuple(keep),
    )


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix in (".npy", ".json", ".md"))


def _check_columns(df: DataFrame, text: str, surface: str | None) -> str | None:
    """The column of the surface, if there is one; refuses a data frame without messages."""
    from pyspark.sql.types import StringType

    for kind, name in (("text", text), ("surface", surface)):
        if name is not None and name not in df.columns:
            what = f"no column '{name}' among {', '.join(df.columns[:24])}"
            raise MessagesError(what, where=_WHERE, todo=f"name the right one with {kind}=")
    if not isinstance(of_text := df.schema[text].dataType, StringType):
        what = f"column '{text}' holds {of_text.simpleString()}, not text"
        raise MessagesError(what, where=_WHERE, todo="name another column with text=, or cast it to a string")
    return surface or ("surface" if "surface" in df.columns else None)


def _kept(df: DataFrame, keep: Sequence[str] | None) -> list[str]:
    """The columns that come along, none of them twice."""
    names = [*(df.columns if keep is None else keep)]
    for name in names:
        if name not in df.columns:
            raise MessagesError(f"no column '{name}' to keep", where=_WHERE, todo="name columns it has with keep=")
        if name in ADDED:
            raise MessagesError(f"column '{name}' is one that a result adds", where=_WHERE,
                                todo="rename it, or leave it out with keep=")  # fmt: skip
        if names.count(name) > 1 or df.columns.count(name) > 1:
            raise MessagesError(f"column '{name}' is there twice", where=_WHERE, todo="rename one of them")
    return names


# What follows runs on a worker.


def _score(job: Job, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Score one partition, record batch by record batch."""
    classifier: Classifier | None = None
    for batch in batches:
        # an empty partition loads nothing
        classifier = classifier or loaded(job)
        yield _scored(classifier, job, batch)


def loaded(job: Job) -> Classifier:
    """The classifier of a job, loaded once by each worker process and kept for its later tasks."""
    key = (job.digest, job.folder, job.policy)
    if key not in _LOADED:
        policy = None if job.policy is None else Policy.from_dict(json.loads(job.policy))
        if job.files:
            # Loading maps the arrays into memory, which outlasts the names of their files.
            with tempfile.TemporaryDirectory(prefix="classifier-", ignore_cleanup_errors=True) as folder:
                for name, content in job.files:
                    Path(folder, name).write_bytes(content)
                classifier = load(folder, policy=policy)
        else:
            classifier = load(job.folder, policy=policy)
        if classifier.release.digest != job.digest:
            raise ReleaseError(f"a worker has {classifier.release_id}, the driver {job.digest[:12]}",
                               where=job.folder or "the shipped release",
                               todo="install the same version on all machines")  # fmt: skip
        while len(_LOADED) >= _MAX_LOADED:
            del _LOADED[next(iter(_LOADED))]
        _LOADED[key] = classifier
    return _LOADED[key]


def _scored(classifier: Classifier, job: Job, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The kept columns of a batch and what is said of its messages, `ADDED`."""
    import pyarrow as pa

    texts, n = batch.column(job.text), len(batch)
    bad = unreadable_texts(texts)
    errors = [bad.get(i) for i in range(n)]
    nothing = np.array([error is not None for error in errors], bool)
    good = np.flatnonzero(~nothing)
    surfaces = [None] * n if job.surface is None else surface_names(values_of(batch.column(job.surface), "?"))[0]
    # Tasks are what runs side by side: a task uses one thread.
    found = classifier.recommend(texts.take(pa.array(good)), [surfaces[i] for i in good.tolist()], threads=1)
    figures, actions = np.zeros((n, len(LABELS)), np.float32), np.zeros(n, np.int32)
    figures[good], actions[good] = found.confidences, found.actions
    reasons = ["[]"] * n
    for i, why in zip(good.tolist(), found.reasons, strict=True):
        reasons[i] = why
    columns = [
        *(batch.column(name) for name in job.keep),
        *(pa.array(column, pa.float32(), mask=nothing) for column in figures.T),
        pa.array(_ACTION_NAMES, pa.string()).take(pa.array(actions)),
        pa.array(reasons, pa.string()),
        pa.repeat(pa.scalar(classifier.release_id, pa.string()), n),
        pa.array(errors, pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, names=[*job.keep, *ADDED])
