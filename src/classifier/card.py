"""The model card of a release, for people (Mitchell et al. 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.guidelines import GUIDELINES, LABELS
from classifier.policy import ACTIONS

if TYPE_CHECKING:
    from classifier.release import Release

__all__ = ["card"]


def card(release: Release) -> str:
    """The card as Markdown: what the model is for, its figures, what it promises, what it was made from."""
    record, policy = release.record, release.policy
    lines = [
        f"# {release.name}",
        "",
        "Finds messages that break community guidelines of language-exchange platforms: calibrated confidences for six",
        "labels and flag / report / block recommendations. It advises people who moderate; it is no ground for acting on",
        "a member unseen. It reads single messages without their context.",
        "",
        f"Trained on {record.get('rows', 0):,} messages, {record.get('judged', 0):,} of them judged for all six labels",
        "by our guide.",
        f"{len(release.arrays['rows']):,} word and character n-grams, one linear model per label, sigmoid calibration.",
        "",
        "| label | meaning |",
        "| --- | --- |",
        *(f"| {label} | {GUIDELINES[label].meaning} |" for label in LABELS),
        "",
        "## What each action promises",
        "",
        "A threshold is chosen on out-of-fold confidences so that the precision stated by its sentence holds at the lower",
        "end of a one-sided 95 % interval, in a population where the stated share of messages breaks the guideline. Harmless",
        "messages written as near-twins of violations, or collected where there is abuse, count a fifth of others.",
        "",
        "| label | population share | action | sentence | threshold | recall out of fold |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for i, label in enumerate(LABELS):
        for k, action in enumerate(ACTIONS[1:]):
            threshold = policy.thresholds[i, k]
            recall = record.get("metrics", {}).get("out of fold", {}).get("labels", {}).get(label, {})
            recall = recall.get("actions", {}).get(action.value, {}).get("recall")
            lines.append(
                f"| {label} | {policy.base_rates[label]:.1%} | {action} | {policy.points[label].get(action.value)} | "
                + ("not offered: the sentence cannot be met" if np.isnan(threshold) else f"{threshold:.3f}")
                + f" | {'' if recall is None or np.isnan(threshold) else f'{recall:.2f}'} |"
            )
    for part, metrics in record.get("metrics", {}).items():
        lines += ["", f"## Figures: {part}", "", *_figures(metrics)]
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
