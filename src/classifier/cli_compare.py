"""``classifier compare``: what two releases or two policies would do differently on one export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from classifier.console import bar, format_option, load_classifier, out, plain
from classifier.guidelines import LABELS

if TYPE_CHECKING:
    from classifier.compare import Comparison, CutOff

_ACTIONS = ("none", "flag", "report", "block")


@click.command()
@click.argument("export", type=click.Path())
@click.option("--before", type=click.Path(), help="Folder of the release in use; default: the shipped one.")
@click.option("--after", type=click.Path(), help="Folder of the release to come; default: the shipped one.")
@click.option("--before-policy", type=click.Path(), help="A policy.toml over the policy of the release in use.")
@click.option("--after-policy", type=click.Path(), help="A policy.toml over the policy of the release to come.")
@click.option("-o", "--out", "changes", type=click.Path(), help="Write what changed and why into this .csv file.")
@click.option("--with-text", is_flag=True, help="Write the messages' text into it, too.")
@click.option("--seconds-per-review", type=click.FloatRange(min=0), default=30.0, show_default=True,
              help="What a moderator takes to look at a message that is flagged or reported.")  # fmt: skip
@click.option("--json", "figures", type=click.Path(), help="Write all figures into this JSON file.")
@format_option
@click.option("--id-column", default="id", show_default=True)
@click.option("--text-column", default="text", show_default=True)
@click.option("--surface-column", default="surface", show_default=True)
@click.option("--encoding", default="auto", show_default=True, help="Encoding of a text export.")
def compare(
    export: str, before: str | None, after: str | None, before_policy: str | None, after_policy: str | None,
    changes: str | None, with_text: bool, seconds_per_review: float, figures: str | None, format: str | None,
    id_column: str, text_column: str, surface_column: str, encoding: str,
) -> None:  # fmt: skip
    """Compare two releases or two policies on an EXPORT before one of them acts."""
    from classifier.compare import compare as compared
    from classifier.errors import MessagesError
    from classifier.messages import Columns, read_messages

    if not any((before, after, before_policy, after_policy)):
        raise click.UsageError("name what differs: --before, --after, --before-policy or --after-policy")
    if with_text and not changes:
        raise click.UsageError("--with-text needs -o, the file to write it into")
    read_messages(export, format=format).close()  # what is wrong with its name is said before anything is loaded
    one, two = load_classifier(before, before_policy), load_classifier(after, after_policy)
    with bar("comparing") as progress:
        found = compared(
            one, two, export, changes=changes, with_text=with_text, seconds_per_review=seconds_per_review,
            format=format, columns=Columns(id=id_column, text=text_column, surface=surface_column), encoding=encoding,
            progress=lambda rows, share: progress.update(
                progress.task_ids[0], description=f"compared {rows:,} messages", completed=share or 0.0
            ),
        )  # fmt: skip
    if figures:
        try:
            Path(figures).write_text(json.dumps(found.as_dict(), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            what = f"cannot be written ({error.strerror or error})"
            raise MessagesError(what, where=figures, todo="name another file with --json") from error
    _show(found)
    if changes:
        out.print(f"wrote {plain(changes)}", highlight=False, soft_wrap=True)


def _show(found: Comparison) -> None:
    title = f"{found.scored:,} messages of {plain(found.source)}: {found.before} (down), {found.after} (across)"
    table = Table("before", *(f"{action} after" for action in _ACTIONS), "before, per 10,000", title=title)
    for i, action in enumerate(_ACTIONS):
        cells = [f"[bold]{n:,}[/]" if n and i != j else f"{n:,}" for j, n in enumerate(found.transitions[i])]
        table.add_row(action, *cells, _rate(found, "before", action))
    table.add_row("after, per 10,000", *(_rate(found, "after", action) for action in _ACTIONS), end_section=True)
    out.print(table)
    labels = Table("label", "none → action", "action → none", "milder", "severer", "before", "after",
                   title="messages by label")  # fmt: skip
    for i, label in enumerate(LABELS):
        counts = found.label_transitions[label]
        milder = sum(counts[a][b] for a in range(1, 4) for b in range(1, a))
        severer = sum(counts[a][b] for a in range(1, 4) for b in range(a + 1, 4))
        moved = (sum(counts[0][1:]), sum(row[0] for row in counts[1:]), milder, severer)
        totals = (found.overlap_before[i][i], found.overlap_after[i][i])
        labels.add_row(label, *(f"{n:,}" for n in (*moved, *totals)))
    out.print(labels)
    overlap = Table("", *LABELS, title="messages with a recommendation for both labels: before → after")
    for i, label in enumerate(LABELS[:-1]):
        pairs = ["" if j <= i else f"{found.overlap_before[i][j]:,} → {found.overlap_after[i][j]:,}" for j in range(6)]
        overlap.add_row(label, *pairs)
    out.print(overlap)
    _show_cut_offs(found)
    out.print(
        f"{found.changed:,} of {found.scored:,} messages change recommendation; {found.set_aside:,} rows set aside; "
        f"reviewing at {found.seconds_per_review:g} s: {found.review_hours[0]:.1f} → {found.review_hours[1]:.1f} hours "
        "per 10,000 messages",
        soft_wrap=True, highlight=False,
    )  # fmt: skip


def _show_cut_offs(found: Comparison) -> None:
    from classifier.compare import CUT_OFFS, MIN_ABOVE

    if found.before == found.after:
        return  # of one release every confidence stays what it was
    caption = f"with the 95 % interval; –: fewer than {MIN_ABOVE} messages, or all, reach the old one"
    table = Table("old cut-off", *LABELS, title="the same share of messages is reached from", caption=caption)
    by_cut = {label: {entry.old: entry for entry in found.cut_offs[label]} for label in LABELS}
    for cut in CUT_OFFS:
        table.add_row(f"{cut:.2f}", *(_new(by_cut[label].get(cut)) for label in LABELS))
    table.add_section()
    for action in _ACTIONS[1:]:
        named = [[entry for entry in found.cut_offs[label] if entry.action == action] for label in LABELS]
        table.add_row(action, *(f"{entries[0].old:.2f}: {_new(entries[0])}" if entries else "" for entries in named))
    out.print(table)


def _new(entry: CutOff | None) -> str:
    if entry is None or entry.new is None:
        return "–"
    return f"{entry.new:.2f} ({entry.low:.2f}–{entry.high:.2f})"


def _rate(found: Comparison, side: str, action: str) -> str:
    rates = found.actions_before if side == "before" else found.actions_after
    if action == "none":
        return ""
    return f"{rates[action].per_10000:.0f} ({rates[action].low:.0f}–{rates[action].high:.0f})"
