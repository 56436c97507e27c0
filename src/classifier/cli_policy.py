"""``classifier policy``: what a policy promises, whether a policy file can be met, and choosing its points."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.box import SIMPLE_HEAVY
from rich.table import Column, Table

from classifier.console import out, plain, policy_option, release_option, release_path
from classifier.guidelines import LABELS

if TYPE_CHECKING:
    from classifier.policy import Policy
    from classifier.policy_report import Figures
    from classifier.policy_tuning import Choice
    from classifier.release import Release

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines instead of a table.")
_COLUMNS = ("threshold", "precision", "recall", "actions", "false\nalarms")
_CAPTION = "95 % intervals; actions and false alarms are expected in 10,000 messages, at or above the threshold"


def _loaded(release: str | None, policy: str | None) -> tuple[Release, Policy]:
    from classifier.policy_file import resolve_policy
    from classifier.release import load_release

    stored = load_release(release_path(release))
    return stored, resolve_policy(policy, stored.policy, stored.curves) if policy else stored.policy


@click.group()
def policy() -> None:
    """Show what the recommendations promise, check a policy file, choose operating points."""


@policy.command()
@release_option
@policy_option
@json_option
def show(release: str | None, policy: str | None, as_json: bool) -> None:
    """Show per label and action the sentence, its threshold and what it gives, or why it is not offered."""
    stored, resolved = _loaded(release, policy)
    _show(stored, resolved, as_json)


@policy.command()
@click.argument("file", type=click.Path(), metavar="POLICY.TOML")
@release_option
@json_option
def check(file: str, release: str | None, as_json: bool) -> None:
    """Refuse a POLICY.TOML that is wrong or cannot be met on a release, with the line; else show what it gives."""
    stored, resolved = _loaded(release, file)
    _show(stored, resolved, as_json)
    if not as_json:
        out.print(f"{plain(file)} can be met on {stored.id}", highlight=False, soft_wrap=True)


def _show(release: Release, policy: Policy, as_json: bool) -> None:
    from classifier.policy_report import offers

    found = offers(policy, release.curves)
    if as_json:
        click.echo(json.dumps({"release": release.id, "offers": [offer.as_dict() for offer in found]}, indent=1))
        return
    title = f"what is promised on {release.id}"
    sentence = Column("operating point", min_width=20)
    table = Table("label", "action", sentence, *_COLUMNS, title=title, caption=_CAPTION, box=SIMPLE_HEAVY)
    for offer in found:
        first, last = offer.action == "flag", offer.action == "block"
        share = f"{offer.label}\n[dim]in {offer.base_rate:.2%}[/]" if first else ""
        point = "" if offer.point is None else str(offer.point).replace(" @", "\n@")
        cells: tuple[str, ...]
        if offer.threshold is None:
            cells = ("–", "not offered")
        elif offer.figures is None:
            cells = (f"{offer.threshold:.3f}", "nothing seen", "is that sure")
        else:
            cells = _cells(offer.figures)
        table.add_row(share, str(offer.action), plain(point), *cells, end_section=last)
    out.print(table)
    for offer in found:
        if offer.threshold is None:
            steps = f"steps down to {offer.steps_down_to}" if offer.steps_down_to > "none" else "nothing is recommended"
            out.print(f"{offer.label}: no {offer.action}, {steps}: {offer.why_not}", highlight=False, soft_wrap=True)
    for surface, rules in policy.surfaces.items():
        for label, rule in rules.items():
            out.print(f"on {surface}, {label}: at most {rule.at_most}, thresholds {rule.shift:+g}", highlight=False)


def _cells(found: Figures) -> tuple[str, ...]:
    (low, high), (least, most) = found.precision_interval, found.recall_interval
    return (
        f"{found.threshold:.3f}",
        f"{found.precision:.2f} ({low:.2f}–{high:.2f})",
        f"{found.recall:.2f} ({least:.2f}–{most:.2f})",
        f"{found.actions_per_10000:.1f}",
        f"{found.false_alarms_per_10000:.1f}",
    )


@policy.command()
@click.option("--label", required=True, type=click.Choice(LABELS))
@click.option("--action", required=True, type=click.Choice(["flag", "report", "block"]))
@click.option("--precision", type=click.FloatRange(0, 1), help="At least this precision, finding the most.")
@click.option("--recall", type=click.FloatRange(0, 1), help="Find at least this part, with the best precision.")
@click.option("--per-10000", type=click.FloatRange(0, 10_000), help="At most so many actions per 10,000 messages.")
@click.option("--false-alarms", type=click.FloatRange(0, 10_000), help="At most so many false alarms per 10,000.")
@click.option("--base-rate", type=click.FloatRange(1e-6, 0.999), help="Share of messages that break the guideline.")
@click.option("--min-positives", type=click.IntRange(1), help="Known violations a promise must rest on.")
@click.option(
    "-o", "--out", "target", type=click.Path(), help="Write the point into this policy.toml, new or existing."
)
@release_option
@json_option
def tune(
    label: str, action: str, base_rate: float | None, min_positives: int | None, target: str | None,
    release: str | None, as_json: bool, **wishes: float | None,
) -> None:  # fmt: skip
    """Find the threshold that meets a wish at the safe end of its interval, and show the trade-off around it.

    With -o the sentence is written into a policy.toml, whose other lines stay as they are and count too.
    """
    from classifier.errors import PolicyError
    from classifier.policy_file import parse_policy, read_text, write_text
    from classifier.policy_tuning import Choice, sentence_for, trade_off
    from classifier.policy_tuning import tune as tuned

    asked = [(wish, value) for wish, value in wishes.items() if value is not None]
    if len(asked) != 1:
        raise click.UsageError("give one of --precision, --recall, --per-10000, --false-alarms")
    stored, name = _loaded(release, None)[0], target or "the policy tuned"
    text = read_text(target) if target and Path(target).exists() else ""
    policy = parse_policy(text, name, stored.policy)
    choice = Choice(label, action, sentence_for(*asked[0]), base_rate, min_positives)
    share = base_rate or policy.base_rates[label]
    now = dict(zip(("flag", "report", "block"), stored.policy.thresholds[LABELS.index(label)].tolist(), strict=True))
    now = {action: threshold for action, threshold in now.items() if threshold == threshold}
    try:
        found = tuned(stored, choice, text, name)
    except PolicyError:
        if not as_json:  # what can be had instead
            _trade_off(trade_off(stored.curves[label], share, now.values()), now, choice, stored.id)
        raise
    threshold = found.offer.threshold or 0.0
    rows = trade_off(stored.curves[label], share, [*now.values(), threshold])
    if target:
        write_text(target, found.text)
    if as_json:
        figures = {"chosen": found.offer.as_dict(), "trade_off": [asdict(row) for row in rows]}
        click.echo(json.dumps({"release": stored.id, **figures}, indent=1))
        return
    _trade_off(rows, now, choice, stored.id, threshold)
    out.print(f"wrote {target}" if target else found.text.rstrip(), highlight=False, soft_wrap=True, markup=False)


def _trade_off(
    rows: list[Figures], now: dict[str, float], choice: Choice, release: str, chosen: float | None = None
) -> None:
    title = f"{choice.label} on {release}: {choice.sentence}"
    table = Table("", *_COLUMNS, "positives", title=plain(title), caption=_CAPTION, box=SIMPLE_HEAVY)
    for row in rows:
        names = [f"{action} now" for action, threshold in now.items() if threshold == row.threshold]
        if row.threshold == chosen:
            names.insert(0, f"→ {choice.action}")
        table.add_row(
            ", ".join(names), *_cells(row), f"{row.positives:,}", style="bold" if row.threshold == chosen else ""
        )
    out.print(table)
