"""``docs/experiments.md`` from the results of all experiments."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from experiment_figures import FALSE_ALARMS, PARTS
from measuring import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Result = dict[str, Any]
_MOST = 15


def gain(result: Result) -> float:
    """What experiments are ranked by: the mean of the differences on dev real text and on our dev messages.

    >>> gain({"parts": {"real text": {"difference": 0.02}, "our messages": {"difference": -0.01}}})
    0.005
    """
    return (result["parts"]["real text"]["difference"] + result["parts"]["our messages"]["difference"]) / 2


def page(results: Sequence[Result], left_out: Sequence[Result], whole: Sequence[Result] = ()) -> str:
    """The page, as Markdown; the first result is that of the baseline, the first of ``whole`` that on all rows."""
    baseline, others = results[0], list(results[1:])
    ranked = sorted(others, key=gain, reverse=True)
    groups: dict[str, list[Result]] = {}
    for result in others:
        groups.setdefault(result["group"], []).append(result)
    rows = [f"| {part} | {baseline['parts'][part]['value']:.3f} |" for part in PARTS if part in baseline["parts"]]
    lines = ["# What helps, and what does not", "", *_introduction(baseline, others)]
    lines += _table("| the recipe on | average precision |", rows)
    lines += [
        f"It finds {baseline['disguised recall']:.3f} of disguised violations, has",
        f"{baseline['features']:,} features and",
        f"was fitted in {baseline['seconds']:.0f} s, other work running beside.",
        "",
        "## The best",
        "",
        "By the mean of the differences on real text and on our messages; the first",
        f"{min(_MOST, len(ranked))} of {len(ranked)}.",
        "",
        *experiment_table(ranked[:_MOST], baseline),
        *_left_out(left_out),
        *_with_all_rows(whole),
        "## All",
        "",
    ]
    for group, found in groups.items():
        lines += [f"### {group.capitalize()}", "", *experiment_table(found, baseline)]
    return "\n".join(wrapped([*lines, *_extra(others)])) + "\n"


def _introduction(baseline: Result, others: Sequence[Result]) -> list[str]:
    n = Counter(baseline["counts"])
    beyond = sum(any(_beyond_chance(result, part) for part in PARTS[:2]) for result in others)
    return [
        "Written by `python benchmarks/experiments.py` (`make experiments`). Each experiment changes one thing of the",
        f"recipe at the start and is fitted on the same rows (snapshot `{baseline['snapshot']}`):",
        f"{n['ours train']:,} messages",
        f"of ours, {n['severity train']:,} judged for severity, a fifth of ours again in disguise,",
        f"{n['judged train']:,}",
        "texts of public corpora with our labels, and a fixed sample of corpora rows with their own labels:",
        f"{baseline['rows']:,} rows in all. One fit per label and no calibration, which average",
        "precision does not need.",
        "",
        "Figures are mean average precision over the labels on dev messages, whose authors, threads and",
        "templates are in",
        f"no training row: {n['ours dev']:,} of ours (`our`: all of them; `en`: English; `other`: the mean over twelve",
        f"languages) and {n['judged dev']:,} of real text. `disguised` is the mean recall on our dev",
        "messages in disguise,",
        f"at the score that {FALSE_ALARMS:.0%} of harmless dev messages exceed. Test messages were not looked at.",
        "Differences come with 95 % intervals of a paired bootstrap over whole authors and threads, and are bold where",
        "the interval leaves out 0.",
        "",
        f"With {len(others)} experiments some intervals leave out 0 by chance, five in a hundred: here",
        f"{beyond} do on one",
        "of the two sets. Believe a gain that stands on several sets, and on corpora and authors left out of training",
        "(below).",
        "",
    ]


def experiment_table(results: Iterable[Result], baseline: Result) -> list[str]:
    """One line of Markdown for each experiment: differences with intervals, recall in disguise, features, seconds."""
    lines = []
    for result in results:
        cells = [difference(result["parts"].get(part)) for part in PARTS[:4]]
        recall = result["disguised recall"] - baseline["disguised recall"]
        lines.append(f"| {result['name']}: {result['change']} | {' | '.join(cells)} | {recall:+.3f} | "
                     f"{result['features']:,} | {result['seconds']:.0f} |")  # fmt: skip
    return _table("| experiment | real text | our | en | other | disguised | features | s |", lines)


def difference(entry: Mapping[str, Any] | None) -> str:
    """A difference with its interval, bold where the interval leaves out 0.

    >>> difference({"difference": 0.0123, "interval": [0.004, 0.02]})
    '**+0.012** (+0.004 to +0.020)'
    >>> difference(None)
    ''
    """
    if not entry:
        return ""
    if not entry["interval"]:
        return f"{entry['difference']:+.3f}"
    low, high = entry["interval"]
    mark = "**" if low > 0 or high < 0 else ""
    return f"{mark}{entry['difference']:+.3f}{mark} ({low:+.3f} to {high:+.3f})"


def _beyond_chance(result: Result, part: str) -> bool:
    low, high = result["parts"][part]["interval"]
    return low > 0 or high < 0


def _table(header: str, lines: Iterable[str]) -> list[str]:
    return [header, f"|{' --- |' * (header.count('|') - 1)}", *lines, ""]


def _left_out(results: Sequence[Result]) -> list[str]:
    if not results:
        return []
    parts = list(results[0]["parts"])
    sizes = " and ".join(f"{results[0]['parts'][part]['n']:,} messages ({part})" for part in parts)
    lines = []
    for result in results:
        cells = [f"{result['parts'][part]['value']:.3f} | {difference(result['parts'][part])}" for part in parts]
        lines.append(f"| {result['name']} | {' | '.join(cells)} |")
    return [
        "### Corpora and authors left out",
        "",
        "Whole corpora are left out of training, a quarter of them at a time, and their texts that we",
        "judged are ranked;",
        "then a third of the authors of our messages, likewise. Mean average precision over labels and",
        "parts left out, on",
        f"{sizes}; those of dev are among them, those of test are not.",
        "",
        *_table(f"| experiment |{''.join(f' {part} | difference |' for part in parts)}", lines),
    ]


def _with_all_rows(results: Sequence[Result]) -> list[str]:
    if not results:
        return []
    values = " and ".join(f"{results[0]['parts'][part]['value']:.3f} on {part}" for part in PARTS[:2])
    return [
        "### With all rows of corpora",
        "",
        "As a release is trained: all rows that corpora give, not a sample. Differences are to the recipe on",
        f"these, which reaches {values}.",
        "",
        *experiment_table(results[1:], results[0]),
    ]


def _extra(results: Iterable[Result]) -> list[str]:
    extra = [(result["name"], *figure) for result in results for figure in result["extra"].items()]
    lines = [f"| {name} | {figure} | {value:,.4g} |" for name, figure, value in extra]
    return ["## Other figures", "", *_table("| experiment | figure | value |", lines)] if lines else []
