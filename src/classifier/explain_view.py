"""An `Explanation` for people: words shaded by what they add, the evasion that was undone, why nothing is recommended.

Nothing is scored here. ``explanation`` is a `scoring.Explanation` everywhere: for each label its score is the intercept
plus what the words add, and its confidence the calibrated score. Words that speak for the label shown are red, words
that speak against it blue, the stronger the more they add.
"""

from __future__ import annotations

import html as markup
import unicodedata
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.guidelines import LABELS
from classifier.policy import ACTIONS

if TYPE_CHECKING:
    from rich.console import Group

__all__ = ["LabelRow", "as_dict", "as_html", "as_rich", "heat", "label_rows", "remarks", "undone", "visible"]

ACTION_STYLES = {"none": "", "flag": "yellow", "report": "dark_orange", "block": "bold red"}
_HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs"}
_FAINTEST, _STRONGEST = 0.08, 0.6
_FOR, _AGAINST = (220, 50, 47), (38, 139, 210)


@dataclass(frozen=True)
class LabelRow:
    """The figures of one label: ``score`` = ``intercept`` + ``words``, and the threshold nearest to the confidence.

    ``nearest`` is None where no action is offered for the label on this surface.
    """

    label: str
    action: str
    confidence: float
    intercept: float
    words: float
    score: float
    nearest: tuple[str, float] | None

    @property
    def sum(self) -> str:
        """The score as a sum."""
        return f"{self.intercept:+.3f} {self.words:+.3f} = {self.score:+.3f}"

    @property
    def distance(self) -> str:
        """The nearest threshold, and how far above or below it the confidence is."""
        if self.nearest is None:
            return "no action offered"
        action, threshold = self.nearest
        return f"{action} from {threshold:.3f}: {self.confidence - threshold:+.3f}"


def label_rows(explanation: Any) -> list[LabelRow]:
    """The figures of each label, in the order of `LABELS`.

    >>> import classifier
    >>> rows = label_rows(classifier.load().explain("you 1d10t"))
    >>> all(abs(row.intercept + row.words - row.score) < 1e-9 for row in rows)
    True
    """
    verdict = explanation.verdict
    limits = explanation.policy.for_surface(verdict.surface).tolist()
    actions = {reason.label: str(reason.action) for reason in verdict.reasons}
    rows = []
    for label, thresholds in zip(LABELS, limits, strict=True):
        confidence = verdict.confidences[label]
        offered = [(str(a), t) for a, t in zip(ACTIONS[1:], thresholds, strict=True) if t == t]
        nearest = min(offered, key=lambda entry: abs(entry[1] - confidence), default=None)
        words = sum(part.scores[label] for part in explanation.contributions)
        rows.append(
            LabelRow(label, actions.get(label, "none"), confidence, explanation.intercepts[label], words,
                     explanation.scores[label], nearest)
        )  # fmt: skip
    return rows


def shown_labels(explanation: Any) -> list[str]:
    """The labels worth a line of their own: those with an action, else the two most confident."""
    confidences = explanation.verdict.confidences
    return list(explanation.verdict.labels) or sorted(LABELS, key=lambda label: -confidences[label])[:2]


def undone(explanation: Any) -> list[tuple[str, str]]:
    """The stretches that are read as something else than they look, each once; case and accents do not count.

    >>> import classifier
    >>> undone(classifier.load().explain("Café, y0u 1d10t"))
    [('y0u', 'you'), ('1d10t', 'idiot')]
    """
    pairs = ((part.span.text, part.cleaned) for part in explanation.contributions)
    return [*dict.fromkeys((visible(text), read) for text, read in pairs if _plain(text) != _plain(read))]


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")


def visible(text: str) -> str:
    r"""Text with what nobody sees written out, such as zero-width and control characters.

    >>> visible("e\u200barn\x1b[31m")
    'e⟨U+200B⟩arn⟨U+001B⟩[31m'
    """
    shown = []
    for before, sign in zip(" " + text, text, strict=False):
        joins = sign in "\u200c\u200d" and not before.isascii()  # as Persian words and families of emoji need it
        hidden = unicodedata.category(sign) in _HIDDEN and sign not in "\n\t" and not joins
        shown.append(f"⟨U+{ord(sign):04X}⟩" if hidden else sign)
    return "".join(shown)


def heat(explanation: Any, label: str) -> list[tuple[str, float, float]]:
    """The whole original text in stretches: text, what it adds to a label's score, and that as a part of the largest.

    >>> import classifier
    >>> stretches = heat(classifier.load().explain("oh, you 1d10t"), "harassment")
    >>> "".join(text for text, _, _ in stretches), max(stretches, key=lambda stretch: stretch[1])[0]
    ('oh, you 1d10t', '1d10t')
    """
    text, parts = explanation.text, explanation.contributions
    weights, owners = [0.0] * len(text), [-1] * len(text)
    for number, part in enumerate(parts):
        # One original character may be spelled out as several units, which then share their stretch.
        start, end = part.span.start, part.span.end
        number = owners[start] if start < len(text) and owners[start] >= 0 else number
        for i in range(start, end):
            weights[i] += part.scores[label]
            owners[i] = number
    largest = max(map(abs, weights), default=0.0) or 1.0
    stretches = []
    for _, group in groupby(range(len(text)), key=lambda i: (owners[i], weights[i])):
        places = [*group]
        weight = weights[places[0]]
        stretches.append((text[places[0] : places[-1] + 1], weight, weight / largest))
    return stretches


def remarks(explanation: Any) -> list[str]:
    """What figures do not say: why nothing is recommended, and where a rule of the surface holds an action back."""
    verdict, policy = explanation.verdict, explanation.policy
    if not verdict.known:
        if not explanation.contributions:
            return ["nothing is recommended: there is nothing to read in it"]
        if any(score for part in explanation.contributions for score in part.scores.values()):
            return ["nothing is recommended: it is too little text to judge"]
        return ["nothing is recommended: nothing in it is known to the model"]
    rows = label_rows(explanation)
    said = []
    if not verdict.reasons:
        highest = max(rows, key=lambda row: row.confidence)
        said.append(f"nothing is recommended: {_short_of(highest, policy, verdict.surface)}")
        short = [row for row in rows if row.nearest]
        nearest = min(
            short, key=lambda row: _first(row.label, policy, verdict.surface) - row.confidence, default=highest
        )
        if nearest.label != highest.label:
            said.append(f"nearest to an action: {_short_of(nearest, policy, verdict.surface)}")
    for row, limits in zip(rows, policy.thresholds.tolist(), strict=True):
        without = max((a for a, t in zip(ACTIONS[1:], limits, strict=True) if row.confidence >= t), default=ACTIONS[0])
        if without > row.action:
            rule = policy.surfaces[verdict.surface][row.label]
            how = [f"at most {rule.at_most}"] * (rule.at_most < "block") + [f"thresholds {rule.shift:+g}"] * bool(
                rule.shift
            )
            said.append(f"{row.label} would be {without} elsewhere; the rule of {verdict.surface}: {', '.join(how)}")
    return said


def _first(label: str, policy: Any, surface: str | None) -> float:
    """The lowest threshold of a label, infinity where no action is offered."""
    limits = policy.for_surface(surface)[LABELS.index(label)]
    return float(np.nanmin(limits)) if not np.isnan(limits).all() else float("inf")


def _short_of(row: LabelRow, policy: Any, surface: str | None) -> str:
    first = _first(row.label, policy, surface)
    if first == float("inf"):
        return f"the highest label is {row.label} at {row.confidence:.3f}, for which no action is offered"
    limits = policy.for_surface(surface)[LABELS.index(row.label)].tolist()
    return f"{row.label} is at {row.confidence:.3f}, {ACTIONS[1 + limits.index(first)]} starts at {first:.3f}"


def as_dict(explanation: Any) -> dict[str, Any]:
    """The explanation as JSON takes it."""
    verdict = explanation.verdict
    return {
        "recommendation": str(verdict.recommendation),
        "release": verdict.release,
        "surface": verdict.surface,
        "known": verdict.known,
        "cleaned": explanation.cleaned,
        "undone": [list(pair) for pair in undone(explanation)],
        "remarks": remarks(explanation),
        "labels": {
            row.label: {
                "action": row.action, "confidence": row.confidence, "intercept": row.intercept, "words": row.words,
                "score": row.score, "nearest": list(row.nearest) if row.nearest else None,
            }
            for row in label_rows(explanation)
        },
        "contributions": [
            {"span": list(part.span), "cleaned": part.cleaned, "scores": part.scores}
            for part in explanation.contributions
        ],
        "reasons": [reason.as_dict() for reason in verdict.reasons],
        "advice": verdict.advice,
    }  # fmt: skip


def as_html(explanation: Any) -> str:
    """The explanation as a piece of HTML for a notebook, light or dark; every text in it is escaped."""
    verdict, rows = explanation.verdict, label_rows(explanation)
    lines = [
        '<div style="font-family: sans-serif; line-height: 1.6">',
        f"<div>recommendation: <b>{verdict.recommendation}</b>"
        + (f" on {markup.escape(verdict.surface)}" if verdict.surface else "")
        + "</div>",
    ]
    for label in shown_labels(explanation):
        shaded = "".join(_shaded(*stretch) for stretch in heat(explanation, label))
        figure = f"<b>{label}</b> {verdict.confidences[label]:.3f}"
        lines += [f'<div>{figure}: <span dir="auto" style="white-space: pre-wrap">{shaded}</span></div>']
    lines += [f"<div>{markup.escape(text)} read as {markup.escape(read)}</div>" for text, read in undone(explanation)]
    lines += [f"<div>{markup.escape(remark)}</div>" for remark in remarks(explanation)]
    cells = ("label", "action", "confidence", "intercept", "words", "score", "nearest threshold")
    lines.append("<table><tr>" + "".join(f"<th>{cell}</th>" for cell in cells) + "</tr>")
    for row in rows:
        figures = (
            row.label, row.action, f"{row.confidence:.3f}", f"{row.intercept:+.3f}", f"{row.words:+.3f}",
            f"{row.score:+.3f}", row.distance,
        )  # fmt: skip
        lines.append("<tr>" + "".join(f"<td>{markup.escape(cell)}</td>" for cell in figures) + "</tr>")
    lines.append("</table>")
    legend = f"{_shaded('speaks for the label', 0.0, 1.0)} {_shaded('speaks against it', 0.0, -1.0)}"
    lines.append(f"<small>{legend} score = intercept + words; release {markup.escape(verdict.release)}</small></div>")
    return "\n".join(lines)


def _shaded(text: str, weight: float, part: float) -> str:
    shown = markup.escape(visible(text))
    if abs(part) < 1e-9:
        return shown
    alpha = _FAINTEST + (_STRONGEST - _FAINTEST) * abs(part)
    colour = ", ".join(map(str, _FOR if part > 0 else _AGAINST))
    title = f' title="{weight:+.3f}"' if weight else ""
    return f'<span style="background: rgba({colour}, {alpha:.2f})"{title}>{shown}</span>'


def as_rich(explanation: Any) -> Group:
    """The explanation as rich prints it in a terminal; without colours everything but the shading is there."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    verdict = explanation.verdict
    lines: list[Any] = [
        Text("recommendation: ").append(str(verdict.recommendation), ACTION_STYLES[verdict.recommendation])
    ]
    for label in shown_labels(explanation) if explanation.text.strip() else ():
        line = Text(f"{label}: ")
        for text, _, part in heat(explanation, label):
            shade = _FOR if part > 0 else _AGAINST
            # Over white, so that black letters stay readable whatever the terminal's own background.
            red, green, blue = (round(255 - (255 - c) * (_FAINTEST + _STRONGEST * abs(part))) for c in shade)
            line.append(visible(text), f"black on rgb({red},{green},{blue})" if abs(part) >= 0.02 else "")
        lines.append(line)
    if explanation.cleaned != explanation.text:
        lines.append(Text(f"read as: {visible(explanation.cleaned)}"))
    lines += [Text(f"undone: {text} read as {read}") for text, read in undone(explanation)]
    lines += [Text(remark) for remark in remarks(explanation)]
    table = Table("label", "confidence", "intercept + words = score", "nearest threshold", "weighed most")
    for row in label_rows(explanation):
        ranked = sorted(explanation.contributions, key=lambda part: -part.scores[row.label])[:4]
        words = (
            f"{visible(part.cleaned)} {part.scores[row.label]:+.2f}" for part in ranked if part.scores[row.label] > 0
        )
        cells = (row.label, f"{row.confidence:.3f}", row.sum, row.distance, ", ".join(words))
        table.add_row(*map(Text, cells), style=ACTION_STYLES[row.action])
    lines.append(table)
    lines += [Text(f"advice: {advice}") for advice in verdict.advice.splitlines()]
    return Group(*lines)
