"""``classifier data``: check, count, describe and correct our labelled messages."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from classifier.cli_labels import merge, next_, suspects
from classifier.guidelines import LABELS

folder_option = click.option(
    "--folder",
    type=click.Path(),
    help="Folder with messages/, annotations/ and splits.toml; default: the repository's.",
)


def _folder(folder: str | None) -> Path:
    from classifier.assembly import data_folder

    return Path(folder) if folder else data_folder()


@click.group()
def data() -> None:
    """Check, count, describe and correct our labelled messages."""


@data.command()
@folder_option
def check(folder: str | None) -> None:
    """Verify every rule of the data set; the exit code is 1 if one is broken."""
    from classifier.dataset import check

    out = Console()
    findings = check(_folder(folder))
    if not findings:
        out.print("every rule holds")
        return
    table = Table("", "where", "what", "what to do", title=f"{len(findings):,} findings")
    for found in findings:
        style = "bold red" if found.severity == "error" else "yellow"
        table.add_row(f"[{style}]{found.severity}[/]", *map(escape, (found.where, found.what, found.todo)))
    out.print(table)
    if any(found.severity == "error" for found in findings):
        sys.exit(1)


@data.command()
@folder_option
@click.option("--authors", is_flag=True, help="Also count by author.")
@click.option("--shape", is_flag=True, help="Also measure what bare shape gives away (some 10 s).")
@click.option("--plot", "picture", type=click.Path(), help="Draw the counts into this image file, such as counts.png.")
def stats(folder: str | None, authors: bool, shape: bool, picture: str | None) -> None:
    """Count the messages by split, language, kind and surface, and the labels in each."""
    from classifier.counts import plot
    from classifier.dataset import load_messages, shape_auc, stats
    from classifier.rules import FAKER

    out = Console()
    messages = load_messages(_folder(folder))
    tables = stats(messages)
    for group, counts in tables.items():
        if group == "author" and not authors:
            continue
        table = Table(group, *counts.columns, title=f"messages by {group}")
        for name, *row in counts.itertuples():
            table.add_row(escape(str(name)), *(f"{count:,}" for count in row), end_section=name == counts.index[-2])
        out.print(table)
    if shape:
        aucs = shape_auc(messages[messages["author"] != FAKER])
        table = Table(*LABELS, title="ROC AUC of a model that sees only shape, language and surface")
        table.add_row(*(f"{aucs[label]:.2f}" for label in LABELS))
        out.print(table)
    if picture:
        plot(tables, picture)
        out.print(f"wrote {escape(picture)}", highlight=False)


@data.command()
@folder_option
@click.option("--limit", type=click.IntRange(min=0), help="Show at most this many disagreements.")
def agreement(folder: str | None, limit: int | None) -> None:
    """Report Krippendorff's alpha of the two readers and list where they differ."""
    from classifier.agreement import agreement, read_reading, settle
    from classifier.dataset import load_annotations, load_messages

    out, place = Console(), _folder(folder)
    found = agreement(settle(read_reading(place / "second_reading.csv"), load_messages(place), load_annotations(place)))
    table = Table("label", "first reader", "second reader", "alpha", title=f"{found.n:,} messages read twice")
    for label in LABELS:
        table.add_row(label, *(f"{count:,}" for count in found.positives[label]), f"{found.alphas[label]:.3f}")
    table.add_row("label sets (MASI)", "", "", f"{found.alpha:.3f}")
    out.print(table)
    differ = found.disagreements
    table = Table("message", "of", "lang", "first", "second", "settled", title=f"{len(differ):,} disagreements")
    for row in differ.fillna({"settled": "(gone)"}).head(len(differ) if limit is None else limit).to_dict("records"):
        key = row["key"] if row["source"] == "messages" else row["key"][:12]
        labels = (row[column] or "–" for column in ("first", "second", "settled"))
        table.add_row(*map(escape, (key, row["source"], row["lang"], *labels)))
    out.print(table)


@data.command()
@folder_option
@click.argument("readme", type=click.Path(), required=False)
def datasheet(folder: str | None, readme: str | None) -> None:
    """Renew the tables of the datasheet README (default: README.md beside the messages)."""
    from classifier.datasheet import fill, tables
    from classifier.errors import ExamplesError

    place = _folder(folder)
    path = Path(readme) if readme else place / "README.md"
    if not path.is_file():
        raise ExamplesError("is missing", where=str(path), todo="name the datasheet")
    path.write_text(fill(path.read_text(encoding="utf-8"), tables(place)), encoding="utf-8")
    Console().print(f"wrote {escape(str(path))}", highlight=False)


data.add_command(suspects)
data.add_command(next_)
data.add_command(merge)
