"""``classifier mask``: an export with the contact details of its messages masked."""

from __future__ import annotations

import click
from rich.table import Table

from classifier.console import (
    bar,
    format_option,
    new_key_option,
    out,
    out_format_option,
    pseudonym_key,
    pseudonymize_option,
)


@click.command()
@click.argument("export", type=click.Path())
@click.option("-o", "--out", "target", type=click.Path(), required=True,
              help="Where to write the masked export, in the format its extension names.")  # fmt: skip
@click.option("--kinds", help="Mask only these, with commas: email, phone, handle, address, document, card.")
@click.option("--region", help="Where telephone numbers without a country code are from, such as GB.")
@format_option
@out_format_option
@pseudonymize_option
@new_key_option
@click.option("--text-column", default="text", show_default=True)
@click.option("--encoding", default="auto", show_default=True, help="Encoding of a text export.")
def mask(
    export: str, target: str, kinds: str | None, region: str | None, format: str | None, out_format: str | None,
    pseudonymize: str | None, new_key: bool, text_column: str, encoding: str,
) -> None:  # fmt: skip
    """Write an EXPORT again with contact details replaced by their kind, such as [phone]; all columns are kept.

    With --pseudonymize, columns of senders and recipients hold pseudonyms, and links to profiles are emptied.
    """
    from classifier.contacts import KINDS
    from classifier.masked_exports import mask_export
    from classifier.messages import Columns, read_messages

    chosen = tuple(kind.strip().lower() for kind in kinds.split(",")) if kinds else KINDS
    read_messages(export, format=format).close()  # what is wrong with its name is said before a key is made
    key = pseudonym_key(pseudonymize, new=new_key)
    with bar("masking") as progress:
        report = mask_export(
            export, target, format=format, target_format=out_format, columns=Columns(text=text_column), kinds=chosen,
            region=region.upper() if region else None, encoding=encoding, key=key,
            progress=lambda rows, share: progress.update(
                progress.task_ids[0], description=f"masked {rows:,} messages", completed=share or 0.0
            ),
        )  # fmt: skip
    table = Table("kind", "masked", title=f"contact details in {report.rows:,} rows of {export}")
    for kind, count in report.kinds.items():
        table.add_row(kind, f"{count:,}")
    out.print(table)
    out.print(
        f"{report.rows:,} rows = {report.written:,} written + {report.set_aside:,} set aside; "
        f"{report.changed:,} messages changed; result: {target}",
        soft_wrap=True, highlight=False,
    )  # fmt: skip
