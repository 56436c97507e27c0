"""The command line: ``classifier``. No logic here, only reading options, calling the package and showing results."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from classifier.cli_corpora import corpora
from classifier.cli_data import data
from classifier.cli_train import train
from classifier.console import bar, err, load_classifier, out, plain, policy_option, release_option
from classifier.errors import ClassifierError
from classifier.guidelines import LABELS, SURFACES

if TYPE_CHECKING:
    from collections.abc import Callable

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
        err.print(f"[bold red]error:[/] {plain(error)}", soft_wrap=True, highlight=False)
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
    classifier = load_classifier(release, policy)
    columns = Columns(id=id_column, text=text_column, surface=surface_column)
    with bar("scoring") as progress:
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
            severest.add_row(*map(plain, shown), style=_STYLES[row.recommendation])
        out.print(severest)
    table = Table("recommendation", "messages", *LABELS, title=f"{report.rows:,} rows of {export} by {report.release}")
    for name, count in report.recommendations.items():
        cells = [str(report.labels[label].get(name, 0) or "") for label in LABELS]
        table.add_row(name, f"{count:,}", *cells, style=_STYLES[name])
    out.print(table)
    for note in report.notes:
        out.print(f"note: {plain(note)}", soft_wrap=True, highlight=False)
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
    found = load_classifier(release, policy).explain(text, surface=surface)
    verdict = found.verdict
    out.print(
        f"recommendation: [bold]{verdict.recommendation}[/]" + ("" if verdict.known else " (nothing in it is known)")
    )
    if found.cleaned != text:
        out.print(f"read as: {plain(found.cleaned)}", highlight=False)
    table = Table("label", "confidence", "score", "weighed most")
    for label in LABELS:
        ranked = sorted(found.contributions, key=_weight(label))
        words = ", ".join(
            f"{plain(part.cleaned)} {part.scores[label]:+.2f}" for part in ranked[:4] if part.scores[label] > 0
        )
        table.add_row(label, f"{verdict.confidences[label]:.3f}", f"{found.scores[label]:+.2f}", words,
                      style="" if label not in verdict.labels else "bold")  # fmt: skip
    out.print(table)
    for advice in verdict.advice.splitlines():
        out.print(f"advice: {advice}", highlight=False)


cli.add_command(train)
cli.add_command(data)
cli.add_command(corpora)


if __name__ == "__main__":
    main()
