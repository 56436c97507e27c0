"""The command line: ``classifier``. No logic here, only reading options, calling the package and showing results."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from classifier.cli_compare import compare
from classifier.cli_corpora import corpora
from classifier.cli_data import data
from classifier.cli_evaluate import evaluate, gate
from classifier.cli_mask import mask
from classifier.cli_monitor import monitor
from classifier.cli_policy import policy as policy_commands
from classifier.cli_senders import senders
from classifier.cli_track import track
from classifier.cli_train import train
from classifier.console import (
    bar,
    err,
    format_option,
    leave_stdout,
    load_classifier,
    out,
    out_format_option,
    plain,
    policy_option,
    release_option,
    told_notes,
)
from classifier.errors import ClassifierError
from classifier.guidelines import LABELS, SURFACES

if TYPE_CHECKING:
    from rich.console import Console

    from classifier.run_report import RunReport

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
        extra = {"mlflow": "track", "pyspark": "spark"}.get(error.name or "", "train")
        err.print(
            f"[bold red]error:[/] this needs {error.name}; install it: pip install 'guideline-classifier\\[{extra}]'"
        )
        sys.exit(2)
    except KeyboardInterrupt:
        err.print("interrupted")
        sys.exit(130)
    except BrokenPipeError:
        leave_stdout()


@cli.command()
@click.argument("export", type=click.Path())
@click.option(
    "-o",
    "--out",
    "target",
    type=click.Path(),
    required=True,
    help="Where to write the result (.csv, .jsonl, .parquet); - is standard output, as JSON Lines.",
)
@release_option
@policy_option
@format_option
@out_format_option
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
@click.option(
    "--shadow",
    is_flag=True,
    help="For comparing: the result has shadow_recommendation and shadow_reasons, and no recommendation to act on.",
)
@click.option(
    "--contacts", is_flag=True, help="Name the contact details found in the reasons (some four times slower)."
)
@click.option("--restart", is_flag=True, help="Begin again instead of going on with an interrupted run.")
@click.option("--discard", is_flag=True, help="Only remove what an interrupted run of this result left.")
@click.option(
    "--checkpoint-rows",
    type=click.IntRange(min=1),
    default=2**17,
    show_default=True,
    help="Make finished work safe from a crash each time so many rows are done.",
)
def score(
    export: str, target: str, release: str | None, policy: str | None, format: str | None, out_format: str | None,
    id_column: str, text_column: str, surface_column: str, encoding: str, show: int, shadow: bool,
    contacts: bool, restart: bool, discard: bool, checkpoint_rows: int,
) -> None:  # fmt: skip
    """Score an EXPORT of messages and write one result row for each of its rows.

    EXPORT is a file, a folder, an archive, or - for standard input. A run that was interrupted or killed is gone on
    with by the same command; what goes to standard output (-o -) begins anew.
    """
    from classifier import checkpoints
    from classifier.batch import score_export
    from classifier.messages import Columns, format_of, read_messages
    from classifier.run_report import STDOUT
    from classifier.streaming import score_stream, streamed_format

    to_stdout = target == STDOUT
    if to_stdout and (discard or restart):
        raise click.UsageError("-o - keeps nothing to go on with: leave out --restart and --discard")
    if discard:
        told = "removed what was left of" if checkpoints.discard(target) else "there is no interrupted run of"
        out.print(f"{told} {plain(target)}", soft_wrap=True, highlight=False)
        return
    read_messages(export, format=format).close()  # what is wrong with its name is said before anything is loaded
    if to_stdout:
        streamed_format(out_format)
    else:
        format_of(target, out_format)
    classifier = load_classifier(release, policy, contacts=contacts)
    columns = Columns(id=id_column, text=text_column, surface=surface_column)
    with told_notes(), bar("scoring") as progress:
        options: dict[str, Any] = {
            "format": format, "target_format": out_format, "columns": columns, "encoding": encoding,
            "severest": show, "shadow": shadow,
            "progress": lambda rows, share: progress.update(
                progress.task_ids[0], description=f"scored {rows:,} messages", completed=share or 0.0
            ),
        }  # fmt: skip
        if to_stdout:
            try:
                report = score_stream(classifier, export, sys.stdout.buffer, **options)
            except BrokenPipeError:
                leave_stdout()
        else:
            report = score_export(
                classifier, export, target, restart=restart, checkpoint_rows=checkpoint_rows, **options
            )
    _show_report(report, err if to_stdout else out)


def _show_report(report: RunReport, out: Console) -> None:
    """Print what a run did."""
    if report.severest:
        severest = Table("id", "recommendation", "why", "message", title="the severest recommendations")
        for row in report.severest:
            text = " ".join(row.text.split())
            shown = (row.id, row.recommendation, row.why, f"{text[:99]}…" if len(text) > 100 else text)
            severest.add_row(*map(plain, shown), style=_STYLES[row.recommendation])
        out.print(severest)
    title = f"{report.rows:,} rows of {report.source} by {report.release}" + (" in shadow" if report.shadow else "")
    table = Table("recommendation", "messages", *LABELS, title=title)
    for name, count in report.recommendations.items():
        cells = [str(report.labels[label].get(name, 0) or "") for label in LABELS]
        table.add_row(name, f"{count:,}", *cells, style=_STYLES[name])
    out.print(table)
    for note in report.notes:
        out.print(f"note: {plain(note)}", soft_wrap=True, highlight=False)
    out.print(
        f"{report.rows:,} rows = {report.scored:,} scored + {report.set_aside:,} set aside; "
        f"{report.unknown:,} without any known feature; {report.seconds:.1f} s"
        f"{f' in {report.resumed + 1} runs' if report.resumed else ''}; result: {report.target}",
        soft_wrap=True, highlight=False,
    )  # fmt: skip


@cli.command()
@click.argument("text")
@click.option("--surface", type=click.Choice(SURFACES))
@release_option
@policy_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def explain(text: str, surface: str | None, release: str | None, policy: str | None, as_json: bool) -> None:
    """Score one TEXT and show what its words add to each label, and why something or nothing is recommended."""
    from classifier.explain_view import as_dict, as_rich

    found = load_classifier(release, policy).explain(text, surface=surface)
    if as_json:
        click.echo(json.dumps(as_dict(found), indent=1))
    else:
        out.print(as_rich(found))


cli.add_command(train)
cli.add_command(evaluate)
cli.add_command(gate)
cli.add_command(track)
cli.add_command(monitor)
cli.add_command(data)
cli.add_command(policy_commands)
cli.add_command(compare)
cli.add_command(mask)
cli.add_command(senders)
cli.add_command(corpora)


if __name__ == "__main__":
    main()
