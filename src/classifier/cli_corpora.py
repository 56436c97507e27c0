"""``classifier corpora``: list, download and read public labelled corpora."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.table import Table

from classifier.console import err, out
from classifier.guidelines import LABELS


def chosen(registry: dict[str, Any], names: tuple[str, ...]) -> list[Any]:
    """The corpora of these names, or all."""
    from classifier.errors import CorpusError

    for name in names:
        if name not in registry:
            raise CorpusError(f"corpus {name!r} is not in the registry", todo=f"use one of {', '.join(registry)}")
    return [registry[name] for name in names or registry]


@click.group()
def corpora() -> None:
    """List, download and read public labelled corpora."""


@corpora.command("list")
def corpora_list() -> None:
    """List the corpora of the registry with licence, languages and size."""
    from classifier.corpora import load_registry

    table = Table("corpus", "licence", "languages", "files", "MB", "labels")
    for corpus in load_registry().values():
        size = sum(file.bytes for file in corpus.files) / 1e6
        table.add_row(
            corpus.name,
            corpus.licence,
            " ".join(corpus.languages),
            str(len(corpus.files)),
            f"{size:.1f}",
            " ".join(corpus.labels),
        )
    out.print(table)


def _advance(progress: Progress, task: TaskID, file: str, done: int, total: int) -> None:
    progress.update(task, description=file, completed=done, total=total)


@corpora.command("fetch")
@click.argument("names", nargs=-1)
@click.option("--folder", type=click.Path(), default="data/downloads", show_default=True)
@click.option("--mirror", type=click.Path(), help="Local folder to take files from (or CLASSIFIER_MIRROR).")
def corpora_fetch(names: tuple[str, ...], folder: str, mirror: str | None) -> None:
    """Download corpora (NAMES; default: all) and verify their digests."""
    from classifier.corpora import fetch, load_registry

    found = chosen(load_registry(), names)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=err) as progress:
        for corpus in found:
            task = progress.add_task(corpus.name, total=None)
            fetch(corpus, folder, mirror=mirror, copy=True, progress=partial(_advance, progress, task))
            progress.update(task, description=corpus.name, completed=1, total=1)
    out.print(f"{len(found)} corpora are whole and verified in {folder}", highlight=False)


@corpora.command("read")
@click.argument("name")
@click.option("-o", "--out", "target", type=click.Path(), help="Write the rows there (.csv or .parquet).")
@click.option("--folder", type=click.Path(), default="data/downloads", show_default=True)
@click.option("--mirror", type=click.Path(), help="Local folder to take files from (or CLASSIFIER_MIRROR).")
def corpora_read(name: str, target: str | None, folder: str, mirror: str | None) -> None:
    """Read a corpus as labelled messages: count them, or write them with -o."""
    from classifier.corpora import load_registry, read
    from classifier.errors import CorpusError

    frame = read(chosen(load_registry(), (name,))[0], folder, mirror=mirror)
    table = Table("label", "violates", "does not", "unknown", title=f"{name}: {len(frame):,} messages")
    for label in LABELS:
        column = frame[label]
        table.add_row(label, *(f"{int(n):,}" for n in ((column == 1).sum(), (column == 0).sum(), column.isna().sum())))
    out.print(table)
    if target:
        if Path(target).suffix == ".parquet":
            frame.to_parquet(target, index=False)
        elif Path(target).suffix == ".csv":
            frame.to_csv(target, index=False)
        else:
            raise CorpusError(
                f"extension {Path(target).suffix!r} is unknown", where=target, todo="use .csv or .parquet"
            )
        out.print(f"wrote {target}", highlight=False)
