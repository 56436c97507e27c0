"""``classifier senders``: who wrote the messages of an export, and a dossier of those to report or block."""

from __future__ import annotations

import click
from rich.table import Table

from classifier.console import (
    bar,
    format_option,
    load_classifier,
    new_key_option,
    out,
    plain,
    policy_option,
    pseudonym_key,
    pseudonymize_option,
    release_option,
)

__all__ = ["senders"]

_STYLES = {"none": "", "flag": "yellow", "report": "dark_orange", "block": "bold red"}
_FOUND = "sender, from, author, user_id and the like"


@click.command()
@click.argument("export", type=click.Path())
@click.option(
    "-o", "--out", "target", type=click.Path(), required=True, help="Folder for the table of senders and the dossiers."
)
@release_option
@policy_option
@format_option
@click.option("--id-column", default="id", show_default=True)
@click.option("--text-column", default="text", show_default=True)
@click.option("--surface-column", default="surface", show_default=True)
@click.option("--sender-column", help=f"Default: {_FOUND}.")
@click.option("--recipient-column", help="Default: recipient, to and the like.")
@click.option("--time-column", help="Default: sent_at, timestamp, date and the like.")
@click.option("--profile-column", help="Link to the sender's profile. Default: profile_url, profile.")
@click.option("--encoding", default="auto", show_default=True, help="Encoding of a text export.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=200, show_default=True, help="Dossiers at most, the severest first."
)
@pseudonymize_option
@new_key_option
@click.option("--unmasked", is_flag=True, help="Leave the contact details in the dossiers.")
def senders(
    export: str, target: str, release: str | None, policy: str | None, format: str | None, id_column: str,
    text_column: str, surface_column: str, sender_column: str | None, recipient_column: str | None,
    time_column: str | None, profile_column: str | None, encoding: str, limit: int, pseudonymize: str | None,
    new_key: bool, unmasked: bool,
) -> None:  # fmt: skip
    """Review the senders of an EXPORT: a history of each, and a dossier of those to report or block."""
    from classifier.messages import Columns, read_messages
    from classifier.policy import ACTIONS
    from classifier.senders import review_senders

    read_messages(export, format=format).close()  # what is wrong with its name is said before anything is loaded
    key = pseudonym_key(pseudonymize, new=new_key)
    classifier = load_classifier(release, policy)
    columns = Columns(
        id_column, text_column, surface_column, sender_column, recipient_column, time_column, profile_column
    )
    with bar("scoring") as progress:
        report = review_senders(
            classifier, export, target, format=format, columns=columns, encoding=encoding, limit=limit,
            masked=not unmasked, key=key,
            progress=lambda stage, done, share: progress.update(
                progress.task_ids[0], description=f"{stage}: {done:,}", completed=share or 0.0
            ),
        )  # fmt: skip
    if report.severest:
        severest = Table("sender", "recommendation", "messages", "what was found", title="the severest senders")
        for found in report.severest:
            why = "\n".join(finding["summary"] for finding in found["findings"])
            shown = (found["sender"], found["recommendation"], f"{found['messages']:,}", why)
            severest.add_row(*map(plain, shown), style=_STYLES[found["recommendation"]])
        out.print(severest)
    table = Table(
        "recommendation", "senders", title=plain(f"{report.senders:,} senders of {export} by {report.release}")
    )
    for action in ACTIONS:
        table.add_row(action.value, f"{report.recommendations[action.value]:,}", style=_STYLES[action.value])
    out.print(table)
    for note in report.notes:
        out.print(f"note: {plain(note)}", soft_wrap=True, highlight=False)
    out.print(
        f"{report.rows:,} rows = {report.scored:,} scored + {report.set_aside:,} set aside; "
        f"{report.dossiers:,} dossiers of {report.to_report:,} senders to report or block; {report.seconds:.1f} s; "
        f"result: {plain(target)}",
        soft_wrap=True, highlight=False,
    )  # fmt: skip
