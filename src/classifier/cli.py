"""The command line: ``classifier``. No logic here, only reading options, calling the package and showing results."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from classifier.cli_data import data
from classifier.errors import ClassifierError
from classifier.guidelines import LABELS, SURFACES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

out, err = Console(), Console(stderr=True)
if not out.is_terminal:  # a log or a pipe has no width of its own
    out = Console(width=120)
_STYLES = {"none": "", "flag": "yellow", "report": "dark_orange", "block": "bold red"}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="guideline-classifier")
def cli() -> None:
    """Find messages that break community guidelines, and recommend what to do about them."""


def main() -> None:
    """Run the command line; errors of the package become one sentence and an exit code."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        err.print("interrupted")
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ClassifierError as error:
        err.print(f"[bold red]error:[/] {_plain(error)}", soft_wrap=True, highlight=False)
        sys.exit(2)
    except ModuleNotFoundError as error:
        err.print(
            f"[bold red]error:[/] this needs {error.name}; install it: pip install 'guideline-classifier\\[train]'"
        )
        sys.exit(2)
    except KeyboardInterrupt:
        err.print("interrupted")
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)


def _plain(text: object) -> str:
    from rich.markup import escape

    return escape(str(text))


@contextmanager
def _bar(title: str, unit: str = "") -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, TextColumn(unit), TimeRemainingColumn(), console=err, transient=True) as progress:
        progress.add_task(title, total=1.0)
        yield progress


def _stages(progress: Progress) -> Callable[[str, float], None]:
    def report(stage: str, share: float) -> None:
        progress.update(progress.task_ids[0], description=stage, completed=share)

    return report


def _load(release: str | None, policy: str | None) -> Any:
    from classifier.policy import read_policy
    from classifier.release import load_release, release_folder
    from classifier.scoring import load

    if err.is_terminal:
        err.print("[dim]loading the release (the first run ever compiles the scorer, some 20 s)[/]")
    if policy is None:
        return load(release)
    stored = load_release(release_folder(release))
    return load(release, policy=read_policy(policy, stored.policy).resolved(stored.curves, policy))


release_option = click.option("--release", type=click.Path(), help="Folder of a release; default: the shipped one.")
policy_option = click.option(
    "--policy", type=click.Path(), help="A policy.toml that overrides the policy of the release."
)


@cli.command()
@click.argument("export", type=click.Path())
@click.option(
    "-o",
    "--out",
    "target",
    type=click.Path(),
    required=True,
    help="Where to write the result (.csv, .jsonl, .parquet).",
)
@release_option
@policy_option
@click.option("--format", help="Format of the export where its extension does not say: csv, tsv, jsonl, parquet.")
@click.option("--out-format", help="Format of the result where its extension does not say.")
@click.option("--id-column", default="id", show_default=True)
@click.option("--text-column", default="text", show_default=True)
@click.option("--surface-column", default="surface", show_default=True)
@click.option("--encoding", default="auto", show_default=True, help="Encoding of a text export.")
@click.option(
    "--show",
    type=click.IntRange(min=0),
    default=0,
    help="Also print this many of the severest recommendations, with text.",
)
def score(
    export: str, target: str, release: str | None, policy: str | None, format: str | None, out_format: str | None,
    id_column: str, text_column: str, surface_column: str, encoding: str, show: int,
) -> None:  # fmt: skip
    """Score an EXPORT of messages and write one result row for each of its rows."""
    from classifier.batch import score_export
    from classifier.messages import Columns, format_of, read_messages

    read_messages(export, format=format).close()  # what is wrong with its name is said before anything is loaded
    format_of(target, out_format)
    classifier = _load(release, policy)
    columns = Columns(id=id_column, text=text_column, surface=surface_column)
    with _bar("scoring") as progress:
        report = score_export(
            classifier, export, target, format=format, target_format=out_format, columns=columns, encoding=encoding,
            severest=show,
            progress=lambda rows, share: progress.update(
                progress.task_ids[0], description=f"scored {rows:,} messages", completed=share or 0.0
            ),
        )  # fmt: skip
    if report.severest:
        severest = Table("id", "recommendation", "why", "message", title="the severest recommendations")
        for row in report.severest:
            text = " ".join(row.text.split())
            shown = (row.id, row.recommendation, row.why, f"{text[:99]}…" if len(text) > 100 else text)
            severest.add_row(*map(_plain, shown), style=_STYLES[row.recommendation])
        out.print(severest)
    table = Table("recommendation", "messages", *LABELS, title=f"{report.rows:,} rows of {export} by {report.release}")
    for name, count in report.recommendations.items():
        cells = [str(report.labels[label].get(name, 0) or "") for label in LABELS]
        table.add_row(name, f"{count:,}", *cells, style=_STYLES[name])
    out.print(table)
    for note in report.notes:
        out.print(f"note: {_plain(note)}", soft_wrap=True, highlight=False)
    out.print(
        f"{report.rows:,} rows = {report.scored:,} scored + {report.set_aside:,} set aside; "
        f"{report.unknown:,} without any known feature; {report.seconds:.1f} s; result: {target}",
        soft_wrap=True, highlight=False,
    )  # fmt: skip


def _weight(label: str) -> Callable[[Any], float]:
    return lambda part: -float(part.scores[label])


@cli.command()
@click.argument("text")
@click.option("--surface", type=click.Choice(SURFACES))
@release_option
@policy_option
def explain(text: str, surface: str | None, release: str | None, policy: str | None) -> None:
    """Score one TEXT and show which of its words weighed for which label."""
    found = _load(release, policy).explain(text, surface=surface)
    verdict = found.verdict
    out.print(
        f"recommendation: [bold]{verdict.recommendation}[/]" + ("" if verdict.known else " (nothing in it is known)")
    )
    if found.cleaned != text:
        out.print(f"read as: {_plain(found.cleaned)}", highlight=False)
    table = Table("label", "confidence", "score", "weighed most")
    for label in LABELS:
        ranked = sorted(found.contributions, key=_weight(label))
        words = ", ".join(
            f"{_plain(part.cleaned)} {part.scores[label]:+.2f}" for part in ranked[:4] if part.scores[label] > 0
        )
        table.add_row(label, f"{verdict.confidences[label]:.3f}", f"{found.scores[label]:+.2f}", words,
                      style="" if label not in verdict.labels else "bold")  # fmt: skip
    out.print(table)
    for advice in verdict.advice.splitlines():
        out.print(f"advice: {advice}", highlight=False)


@cli.command()
@click.option(
    "--out", "target", type=click.Path(), required=True, help="Folder of the new release, such as models/mine."
)
@click.option(
    "--corpus", "names", multiple=True, help="Public corpus to train on (repeat); default: all; 'none' for none."
)
@click.option(
    "--examples", "files", multiple=True, type=click.Path(), help="Labelled messages (repeat); default: ours."
)
@click.option("--folder", type=click.Path(), default="data/downloads", show_default=True, help="Where corpora are.")
@click.option("--policy", type=click.Path(), help="A policy.toml with the operating points to resolve.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--test", "with_test", is_flag=True, help="Also report the test sets: once, when everything is chosen.")
def train(
    target: str,
    names: tuple[str, ...],
    files: tuple[str, ...],
    folder: str,
    policy: str | None,
    seed: int,
    with_test: bool,
) -> None:
    """Train a release on labelled messages and public corpora."""
    from classifier.assembly import assemble, data_folder, our_messages, read_splits
    from classifier.card import card
    from classifier.corpora import load_registry
    from classifier.policy import read_policy
    from classifier.release import save_release
    from classifier.training import Settings, train

    settings = Settings(seed=seed)
    corpora = _corpora(load_registry(), () if names == ("none",) else names) if names != ("none",) else []
    ours = not files
    examples = [Path(file) for file in files] or our_messages(data_folder())
    annotations = sorted((data_folder() / "annotations").glob("*.csv")) if corpora and ours else []
    splits = read_splits(data_folder() / "splits.toml") if ours else {}
    with _bar("reading") as progress:
        rows = assemble(
            corpora, examples, annotations=annotations, splits=splits, folder=Path(folder),
            corpus_weight=settings.corpus_weight, corpus_limit=settings.corpus_limit, seed=seed,
            progress=_stages(progress),
        )  # fmt: skip
        held_out = {name: frame for name, frame in rows.held_out.items() if with_test or not name.endswith("test")}
        trained = train(
            rows.train, name=Path(target).name, settings=settings, held_out=held_out,
            policy=read_policy(policy) if policy else None, record={"sources": rows.sources},
            progress=_stages(progress),
        )  # fmt: skip
    saved = save_release(trained.release, target, card(trained.release))
    table = Table("messages", "n", *LABELS, "mean", title=f"average precision of {saved.id}")
    for part, metrics in saved.record["metrics"].items():
        values = [metrics["labels"][label]["average_precision"] for label in LABELS]
        table.add_row(
            part, f"{metrics['n']:,}", *("–" if v is None else f"{v:.3f}" for v in (*values, metrics["macro"]))
        )
    out.print(table)
    out.print(f"wrote {target} ({saved.id})", highlight=False)


def _corpora(registry: dict[str, Any], names: tuple[str, ...]) -> list[Any]:
    from classifier.errors import CorpusError

    for name in names:
        if name not in registry:
            raise CorpusError(f"corpus {name!r} is not in the registry", todo=f"use one of {', '.join(registry)}")
    return [registry[name] for name in names or registry]


cli.add_command(data)


@cli.group()
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

    chosen = _corpora(load_registry(), names)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=err) as progress:
        for corpus in chosen:
            task = progress.add_task(corpus.name, total=None)
            fetch(corpus, folder, mirror=mirror, copy=True, progress=partial(_advance, progress, task))
            progress.update(task, description=corpus.name, completed=1, total=1)
    out.print(f"{len(chosen)} corpora are whole and verified in {folder}", highlight=False)


@corpora.command("read")
@click.argument("name")
@click.option("-o", "--out", "target", type=click.Path(), help="Write the rows there (.csv or .parquet).")
@click.option("--folder", type=click.Path(), default="data/downloads", show_default=True)
@click.option("--mirror", type=click.Path(), help="Local folder to take files from (or CLASSIFIER_MIRROR).")
def corpora_read(name: str, target: str | None, folder: str, mirror: str | None) -> None:
    """Read a corpus as labelled messages: count them, or write them with -o."""
    from classifier.corpora import load_registry, read
    from classifier.errors import CorpusError

    frame = read(_corpora(load_registry(), (name,))[0], folder, mirror=mirror)
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


if __name__ == "__main__":
    main()
