"""``classifier monitor``: whether an export looks like what the release was trained on, or like an earlier export."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.table import Table

from classifier.console import bar, format_option, load_classifier, out, plain, release_option


@click.command()
@click.argument("export", type=click.Path())
@release_option
@click.option("--reference", type=click.Path(), help="Compare with the export this file was saved from.")
@click.option("--save", type=click.Path(), help="Write the histograms of EXPORT to this file, for --reference later.")
@format_option
@click.option("--text-column", default="text", show_default=True)
@click.option("--encoding", default="auto", show_default=True, help="Encoding of a text export.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole comparison as JSON.")
@click.option("--fail-on-drift", is_flag=True, help="Exit with code 1 if anything moved.")
def monitor(
    export: str, release: str | None, reference: str | None, save: str | None, format: str | None, text_column: str,
    encoding: str, as_json: bool, fail_on_drift: bool,
) -> None:  # fmt: skip
    """Say what moved in an EXPORT against the messages the release was trained on.

    Training messages hold more violations than any platform sees, so against them much has moved. For a running alarm
    save an export you have looked at (--save) and compare the next ones with it (--reference).
    """
    from classifier.errors import MessagesError
    from classifier.messages import Columns, read_messages
    from classifier.monitoring import compare, read_reference, summarise

    read_messages(export, format=format).close()  # what is wrong with its name is said before anything is loaded
    classifier = load_classifier(release, None)
    before = None if save and not reference else read_reference(classifier, reference)
    with bar("reading") as progress:
        now = summarise(
            classifier, export, format=format, columns=Columns(text=text_column), encoding=encoding,
            progress=lambda rows, share: progress.update(
                progress.task_ids[0], description=f"read {rows:,} messages", completed=share or 0.0
            ),
        )  # fmt: skip
    if save:
        try:
            Path(save).write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise MessagesError(f"cannot be written ({error.strerror})", where=save) from error
    if before is None:
        out.print(f"wrote {plain(save)}: {now['n']:,} messages as histograms", highlight=False)
        return
    report = compare(before, now)
    if as_json:
        click.echo(json.dumps(report.as_dict(), ensure_ascii=False, indent=1))
    else:
        table = Table("", "index", "limit", "moved", title=f"{report.now:,} messages against {report.before:,}")
        for found in report.movements:
            style = "bold" if found.moved else ""
            table.add_row(found.name, f"{found.index:.3f}", f"{found.limit:.3f}", "yes" if found.moved else "",
                          style=style)  # fmt: skip
        out.print(table)
        for sentence in report.sentences:
            out.print(plain(sentence), soft_wrap=True, highlight=False)
        out.print(f"these limits give a false alarm in {report.false_alarms:.1%} of exports without drift (simulated)",
                  highlight=False)  # fmt: skip
    if fail_on_drift and report.moved:
        sys.exit(1)
