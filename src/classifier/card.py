"""The model card of a release, for people (Mitchell et al. 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.guidelines import GUIDELINES, LABELS
from classifier.policy_report import Offer, offers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.release import Release

__all__ = ["card"]


def card(release: Release) -> str:
    """The card as Markdown: what the model is for, its figures, what it promises, what it was made from."""
    record, offered = release.record, offers(release.policy, release.curves)
    enough = " or ".join(map(str, sorted({offer.min_positives for offer in offered})))
    lines = [
        f"# {release.name}",
        "",
        "Finds messages that break community guidelines of language-exchange platforms: calibrated confidences for six",
        "labels and flag / report / block recommendations. It advises people who moderate; it is no ground for acting on",
        "a member unseen. It reads single messages without their context.",
        "",
        f"Trained on {record.get('rows', 0):,} messages, {record.get('judged', 0):,} of them judged for all six labels",
        "by our guide.",
        f"{len(release.arrays['rows']):,} word and character n-grams and shapes of contact details, one linear model per label, sigmoid calibration.",
        "",
        "| label | meaning |",
        "| --- | --- |",
        *(f"| {label} | {GUIDELINES[label].meaning} |" for label in LABELS),
        "",
        "## What each action promises",
        "",
        "A threshold is chosen on out-of-fold confidences so that the precision stated by its sentence holds at the lower",
        "end of a one-sided 95 % interval, in a population where the stated share of messages breaks the guideline, and on",
        f"at least {enough} positives. Texts that were read because a model doubted them do not count here.",
        "An action that cannot be promised steps down to the next milder one.",
        "Actions and false alarms are those expected in 10,000 messages, at or above the threshold.",
        "",
        "| label | population share | action | sentence | threshold | precision | recall | actions | false alarms |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *map(_promise, offered),
        "",
        *(
            f"- **{offer.label}: no {offer.action}**, "
            + (f"steps down to {offer.steps_down_to}" if offer.steps_down_to > "none" else "nothing is recommended")
            + f": {offer.why_not}."
            for offer in offered
            if offer.threshold is None
        ),
    ]
    for part, metrics in record.get("metrics", {}).items():
        lines += ["", f"## Figures: {part}", "", *_figures(metrics)]
    lines += ["", "## Behaviour", "", *_behaviour_lines(record), "", "## Fairness", "", *_fairness_lines(record)]
    if release.settings.get("swapped"):
        lines += [
            "",
            "Training messages that name a group are there again, said of others; the sentences above are not among them.",
        ]
    lines += _severity_lines(record)
    lines += ["", "## Made from", "", "| source | rows | licence |", "| --- | --- | --- |"]
    for source in record.get("sources", []):
        name = f"[{source['corpus']}]({source['homepage']})" if "corpus" in source else source["file"]
        lines.append(f"| {name} | {source['rows']:,} | {source.get('licence', 'ours, Apache-2.0')} |")
    lines += [
        "",
        "Corpora under share-alike and attribution licences are credited here and in `data/README.md`; the release holds",
        "hashes and weights derived from them and none of their text.",
        "",
        "## Limits",
        "",
        "- A message is judged alone: irony, quotation and what was said before are often lost.",
        "- Beyond English the labels were written and read without native review; rare languages and dialects do worse.",
        "- Confidence is calibrated on the mixture it was trained on; monitor it on your own messages.",
        "",
    ]
    return "\n".join(lines)


def _promise(offer: Offer) -> str:
    row = f"| {offer.label} | {offer.base_rate:.1%} | {offer.action} | {offer.point or '–'} | "
    if offer.threshold is None:
        return f"{row}not offered | | | | |"
    if (found := offer.figures) is None:
        return f"{row}{offer.threshold:.3f} | | | | |"
    (low, high), (least, most) = found.precision_interval, found.recall_interval
    return (
        f"{row}{offer.threshold:.3f} | {found.precision:.2f} ({low:.2f}–{high:.2f}) | "
        f"{found.recall:.2f} ({least:.2f}–{most:.2f}) | {found.actions_per_10000:.1f} | {found.false_alarms_per_10000:.1f} |"
    )


def _behaviour_lines(record: Mapping[str, Any]) -> list[str]:
    """What the functional tests said of this release: by label, and the weakest functions."""
    if (stored := record.get("behaviour")) is None:
        return ["The behaviour gate was not run on this release."]
    found = {name: (e["passed"], e["cases"], e["floor"]) for name, e in stored["functions"].items() if e["cases"]}
    below = [name for name, (passed, cases, floor) in found.items() if floor is not None and passed < floor * cases]
    tables: dict[str, list[tuple[int, int, Any]]] = {}
    for name, counts in found.items():
        tables.setdefault(name.partition(".")[0], []).append(counts)
    weakest = sorted(found, key=lambda name: found[name][0] / found[name][1])[:12]
    return [
        f"Gate {'passed' if not below else '**not passed**: ' + ', '.join(below) + ' below their floors'}"
        f"{'' if stored.get('enforced') else '; it was reported, not enforced'}. Functional tests written for this purpose,",
        "run with `classifier gate`: what must be found, what must be left alone, disguises of what is found (evasion), and one",
        "sentence said of many groups (swap).",
        "",
        "| tests of | functions | cases | passed |",
        "| --- | --- | --- | --- |",
        *(
            f"| {table} | {len(rows)} | {sum(r[1] for r in rows):,} | {sum(r[0] for r in rows) / sum(r[1] for r in rows):.1%} |"
            for table, rows in tables.items()
        ),
        "",
        "| weakest functions | passed | of | floor |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {found[name][0]} | {found[name][1]} | {'–' if found[name][2] is None else f'{found[name][2]:.0%}'} |"
            for name in weakest
        ),
    ]


def _fairness_lines(record: Mapping[str, Any]) -> list[str]:
    """The largest gaps between identity groups, and the groups that raise most false alarms."""
    if (stored := record.get("fairness")) is None:
        return ["Fairness between identity groups was not measured on this release."]
    groups = [(name, group) for name, group in stored["groups"].items() if group["compared"]]
    lines = [
        f"The same sentences said of {len(stored['groups'])} groups in their languages; {len(groups)} groups are said in nearly all and are",
        "compared. A false alarm is any recommendation on a harmless sentence; AUCs rank `hate` (Borkan et al. 2019).",
        "",
        "| largest gap in | gap | 95 % interval | between |",
        "| --- | --- | --- | --- |",
    ]
    for name, gap in stored["gaps"].items():
        if gap is not None:
            ends = "–" if gap["interval"] is None else f"{gap['interval'][0]:.3f}–{gap['interval'][1]:.3f}"
            between = f"{gap['highest']} and {gap['lowest']}" if gap["highest"] else "–"
            lines.append(f"| {name.replace('_', ' ')} | {gap['value']:.3f} | {ends} | {between} |")
    lines += [
        "",
        "| group | harmless sentences | false alarms at flag | subgroup AUC | BPSN AUC | BNSP AUC |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, group in sorted(groups, key=lambda item: -(item[1]["false_alarms_flag"]["value"] or 0)):
        values = [group[key]["value"] for key in ("subgroup_auc", "bpsn_auc", "bnsp_auc")]
        aucs = " | ".join("–" if value is None else f"{value:.3f}" for value in values)
        alarms = group["false_alarms_flag"]["value"]
        lines.append(f"| {name} | {group['harmless']} | {'–' if alarms is None else f'{alarms:.1%}'} | {aucs} |")
    return lines


def _figures(metrics: dict[str, Any]) -> list[str]:
    macro = f"{metrics['macro']:.3f}" if metrics.get("macro") is not None else "–"
    lines = [
        f"{metrics['n']:,} messages; mean average precision over labels {macro}.",
        "",
        "| label | positives | average precision | 95 % interval | calibration error | recall at flag | precision at flag |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for label in LABELS:
        entry = metrics["labels"][label]
        flag = entry.get("actions", {}).get("flag", {})
        ap, interval = entry.get("average_precision"), entry.get("interval")
        lines.append(
            f"| {label} | {entry['positives']:,} | {'–' if ap is None else f'{ap:.3f}'} | "
            + ("–" if interval is None else f"{interval[0]:.3f}–{interval[1]:.3f}")
            + f" | {entry.get('calibration_error', 0):.3f} | {_two(flag.get('recall'))} | {_two(flag.get('precision'))} |"
        )
    return lines


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _severity_lines(record: Mapping[str, Any]) -> list[str]:
    """What the model of severity reaches on messages of authors it has not seen."""
    if "severity" not in record:
        return []
    lines = [
        "",
        "## Severity",
        "",
        "Inside a recommendation, threats, calls to self-harm and sexual demands raise it by one step, and writers in",
        "distress are never recommended for blocking. A second, small model tells them apart; on authors it has not seen:",
        "",
        "| detail | messages | positives | average precision | precision | recall |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for detail, found in record["severity"].items():
        numbers = (_two(found[name]) for name in ("average_precision", "precision", "recall"))
        lines.append(f"| {detail} | {found['n']:,} | {found['positives']} | {' | '.join(numbers)} |")
    return [*lines, "", "It misses more than half: who speaks of dying must also be found by people."]
