"""The page of an assessment: one HTML file, its pictures inside, for a phone too, in light and dark."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.errors import ExamplesError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["page", "read_learning_curve"]

_DASH = "–"


def page(assessment: Mapping[str, Any], *, learning_curve: Sequence[Mapping[str, Any]] | None = None) -> str:
    """The assessment of `assessment.assess` as HTML; every text in it is escaped.

    ``learning_curve`` holds rows as `read_learning_curve` gives them. Optional keys of the assessment: ``examples``
    (what was judged, in words), ``notes`` (warnings) and ``with_text``.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(loader=PackageLoader("classifier"), autoescape=True, trim_blocks=True,
                              undefined=StrictUndefined)  # fmt: skip
    environment.filters.update(
        plain=_plain, one=_rounded(1), two=_rounded(2), three=_rounded(3), percent=_percent, ends=_ends(2),
        counts=_ends(0), percents=lambda pair: _DASH if pair is None else f"{pair[0]:.0%}–{pair[1]:.0%}",
    )  # fmt: skip
    defaults = {"examples": "", "notes": [], "with_text": False, "behaviour": None, "fairness": None}
    told = {**defaults, **assessment}
    # An entry without positives lacks the figures of ranking.
    told["labels"] = {label: {"roc_auc": None, "interval": None, "roc_auc_interval": None, "brier": None,
                              "calibration_error": None, "actions": {}} | entry
                      for label, entry in assessment["labels"].items()}  # fmt: skip
    # The markup is ours; what pictures hold of the data, the values sliced by, matplotlib escapes.
    pictures = {name: Markup(text) for name, text in _pictures(told, learning_curve).items()}  # noqa: S704
    stored = told["behaviour"]["functions"].items() if told["behaviour"] else ()
    functions = sorted(stored, key=lambda item: item[1]["passed"] / max(item[1]["cases"], 1))
    return environment.get_template("report.html.j2").render(
        a=told, pictures=pictures, functions=functions, title=f"How good is {assessment['release']}",
        contents=_contents(told, pictures),
    )  # fmt: skip


def _pictures(told: Mapping[str, Any], learning_curve: Sequence[Mapping[str, Any]] | None) -> dict[str, str]:
    from classifier import pictures

    labels = told["labels"]
    drawn = {
        "precision_recall": (pictures.precision_recall(labels), "Precision against recall of each label"),
        "reliability": (pictures.reliability(labels), "Share that violates against confidence"),
        "workload": (pictures.workload(labels), "Messages taken per 10,000 against threshold"),
        "confusion": (pictures.confusion(told["confusion"]), "True labels against recommended labels"),
    }
    for by, parts in told["slices"].items():
        drawn[f"slices {by}"] = (pictures.slice_dots(parts, labels), "Average precision of parts of the messages")
    if learning_curve:
        drawn["learning_curve"] = (pictures.learning_curve(learning_curve), "Mean average precision as data grows")
    return {name: pictures.svg(figure, description) for name, (figure, description) in drawn.items()}


def _contents(told: Mapping[str, Any], pictures: Mapping[str, Any]) -> list[tuple[str, str]]:
    entries = [
        ("labels", "Labels", True), ("actions", "Actions", True), ("precision-recall", "Precision and recall", True),
        ("reliability", "Reliability", True), ("workload", "Workload", True), ("confusion", "Confusion", True),
        ("slices", "Parts", told["slices"]), ("behaviour", "Behaviour", told["behaviour"]),
        ("fairness", "Fairness", told["fairness"]), ("mentions", "Mentions", told["mentions"]),
        ("learning-curve", "Learning curve", "learning_curve" in pictures), ("hardest", "Hardest messages", True),
    ]  # fmt: skip
    return [(anchor, name) for anchor, name, there in entries if there]


def _plain(name: str) -> str:
    return str(name).replace("_", " ").replace(".", ": ")


def _rounded(digits: int) -> Any:
    return lambda value: _DASH if value is None else f"{value:,.{digits}f}"


def _percent(share: float | None) -> str:
    return _DASH if share is None else f"{share:.1%}"


def _ends(digits: int) -> Any:
    return lambda pair: "" if pair is None else f"{pair[0]:,.{digits}f}–{pair[1]:,.{digits}f}"


def read_learning_curve(path: str | Path) -> list[dict[str, Any]]:
    r"""The rows of a learning curve: CSV, a JSON list of objects, or the table of ``docs/learning_curve.md``.

    Each row has ``trained on``, ``rows`` and a figure for each held-out set. Raises `ExamplesError` naming the file.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "curve.csv")
    >>> _ = path.write_text("trained on,rows,dev\na half,1000,0.7\nall,2000,0.8\n")
    >>> read_learning_curve(path)[1]
    {'trained on': 'all', 'rows': 2000, 'dev': 0.8}
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            table = json.loads(text)
        elif path.suffix == ".md":
            cells = [
                [cell.strip() for cell in line.strip("| \n").split("|")] for line in text.splitlines() if "|" in line
            ]
            table = [dict(zip(cells[0], row, strict=True)) for row in cells[2:]] if cells else []
        else:
            table = [*csv.DictReader(text.splitlines(), strict=True)]
        rows = [
            {"trained on": str(row["trained on"]), "rows": int(str(row["rows"]).replace(",", ""))}
            | {key: float(value) for key, value in row.items() if key not in ("trained on", "rows")}
            for row in table
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        todo = "give columns 'trained on', 'rows' and a figure for each held-out set"
        what = f"holds no learning curve ({type(error).__name__}: {error})"
        raise ExamplesError(what, where=str(path), todo=todo) from error
    if not rows:
        raise ExamplesError("holds no learning curve", where=str(path), todo="give at least one row")
    return rows
