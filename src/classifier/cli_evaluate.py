"""``classifier evaluate`` and ``classifier gate``: how good a release is, and how it behaves."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from classifier.console import bar, load_classifier, out, plain, policy_option
from classifier.guidelines import LABELS

if TYPE_CHECKING:
    import pandas as pd

    from classifier.behaviour import GateReport

_SHIPPED = "default"


def _loaded(release: str, policy: str | None = None) -> Any:
    return load_classifier(None if release == _SHIPPED else release, policy)


@click.command()
@click.argument("release")
@click.argument("examples", nargs=-1, type=click.Path())
@click.option("--html", "page_file", type=click.Path(), help="Write a page with pictures, such as report.html.")
@click.option("--json", "json_file", type=click.Path(), help="Write all figures.")
@click.option("--with-text", is_flag=True, help="Show the hardest messages with their text, in the page and the JSON.")
@click.option("--by", default="", help="Columns to slice by, such as lang,surface,length; default: all that there are.")
@click.option(
    "--real-text", is_flag=True, help="Without EXAMPLES: also the dev split of real text (needs the corpora)."
)
@click.option("--folder", type=click.Path(), default="data/downloads", show_default=True, help="Where corpora are.")
@click.option(
    "--learning-curve", "curve_file", type=click.Path(), help="Draw this learning curve (CSV, JSON, Markdown)."
)
@click.option(
    "--hard", type=click.IntRange(min=0), default=10, show_default=True, help="Hardest messages of each kind."
)
@click.option("--resamples", type=click.IntRange(min=0), default=1000, show_default=True, help="Of the bootstrap.")
@policy_option
def evaluate(
    release: str, examples: tuple[str, ...], page_file: str | None, json_file: str | None, with_text: bool, by: str,
    real_text: bool, folder: str, curve_file: str | None, hard: int, resamples: int, policy: str | None,
) -> None:  # fmt: skip
    """Judge a RELEASE ('default': the shipped one) on labelled EXAMPLES, by default on our dev split.

    EXAMPLES are CSV or Parquet files with the columns id, text, lang, surface and one per label holding 1, 0 or nothing
    (unknown). Reports hold ids and figures; message text only with --with-text.
    """
    from classifier.assessment import assess
    from classifier.report import page, read_learning_curve
    from classifier.slices import DEFAULT_SLICES

    _check_targets(page_file, json_file)
    curve = read_learning_curve(curve_file) if curve_file else None
    frame, said = _examples(examples, real_text, Path(folder))
    classifier = _loaded(release, policy)
    columns = tuple(column.strip() for column in by.split(",") if column.strip()) or DEFAULT_SLICES
    with bar("judging"):
        found = assess(classifier, frame, by=columns, with_text=with_text, hard=hard, resamples=resamples)
    notes = _trained_on(classifier.release.record, examples)
    found |= {"examples": said, "with_text": with_text, "notes": notes}
    _print(found)
    for note in notes:
        out.print(f"note: {plain(note)}", soft_wrap=True, highlight=False)
    if json_file:
        _write(json_file, json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False))
    if page_file:
        with bar("drawing"):
            text = page(found, learning_curve=curve)
        _write(page_file, text)


def _examples(files: tuple[str, ...], real_text: bool, folder: Path) -> tuple[pd.DataFrame, str]:
    """The labelled messages to judge on, and what they are in words."""
    import pandas as pd

    from classifier.assembly import assemble, data_folder, our_messages, read_splits
    from classifier.corpora import load_registry
    from classifier.errors import ExamplesError
    from classifier.examples import read_examples

    if files and real_text:
        raise click.UsageError("--real-text goes without EXAMPLES")
    if files:
        frames = [read_examples(path).assign(file=Path(path).name) for path in files]
        frame = pd.concat(frames, ignore_index=True)
        if (twice := frame["id"].duplicated()).any():
            raise ExamplesError(f"the id {frame['id'][twice].iloc[0]!r} stands in two files", where=", ".join(files),
                                todo="give each message an id of its own")  # fmt: skip
        return frame, ", ".join(Path(path).name for path in files)
    data = data_folder()
    corpora = list(load_registry().values()) if real_text else []
    annotations = sorted((data / "annotations").glob("*.csv")) if real_text else []
    rows = assemble(corpora, our_messages(data), annotations=annotations, splits=read_splits(data / "splits.toml"),
                    folder=folder)  # fmt: skip
    parts = [name for name in rows.held_out if name.endswith("dev")]
    frame = pd.concat([rows.held_out[name] for name in parts], ignore_index=True)
    return frame, " and ".join(f"held-out {name}" for name in parts)


def _trained_on(record: Any, files: tuple[str, ...]) -> list[str]:
    """A warning for each file the release was trained on, known by its digest."""
    import hashlib

    known = {source.get("sha256") for source in record.get("sources", [])} - {None}
    return [
        f"the release was trained on {Path(path).name}, all but its held-out authors: the figures flatter"
        for path in files
        if hashlib.sha256(Path(path).read_bytes()).hexdigest() in known
    ]


def _check_targets(*targets: str | None) -> None:
    """Say what is wrong with a target before any work is done."""
    from classifier.errors import InputError

    for target in filter(None, targets):
        if not Path(target).parent.is_dir():
            raise InputError(f"there is no folder '{Path(target).parent}'", where=target, todo="create it first")
        if Path(target).is_dir():
            raise InputError("this is a folder", where=target, todo="name a file in it")


def _write(target: str, text: str) -> None:
    from classifier.errors import InputError

    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", where=target, todo="name another file") from error
    out.print(f"wrote {plain(target)}", highlight=False)


def _print(found: dict[str, Any]) -> None:
    title = f"{found['release']} on {found['n']:,} messages: {plain(found['examples'])}"
    ranking = Table(
        "label", "violations", "of", "average precision", "ROC AUC", "Brier", "calibration error", title=title
    )
    actions = Table("label", "action", "from", "precision", "recall", "F1", "precision there", "per 10,000 there",
                    title="actions, here and where violations are as rare as the policy says")  # fmt: skip
    for label in LABELS:
        entry = found["labels"][label]
        ranking.add_row(
            label, f"{entry['positives']:,}", f"{entry['n']:,}",
            _with_ends(entry["average_precision"], entry.get("interval")),
            _with_ends(entry.get("roc_auc"), entry.get("roc_auc_interval")),
            _rounded(entry.get("brier"), 3), _rounded(entry.get("calibration_error"), 3),
        )  # fmt: skip
        for action, limit in entry["thresholds"].items():
            if limit is not None:
                figures = entry["actions"][action]
                there, ends = figures["at_base_rate"], figures["intervals"]
                actions.add_row(
                    label, action, f"{limit:.2f}",
                    *(_with_ends(figures[key], ends[key]) for key in ("precision", "recall")), _rounded(figures["f1"]),
                    _with_ends(there["precision"], there["precision_interval"]), _rounded(there["per_10000"], 0),
                )  # fmt: skip
        actions.add_section()
    out.print(ranking)
    out.print(actions)
    out.print(f"mean average precision {_rounded(found['macro'], 3)}; intervals: 95 % bootstrap", highlight=False)


def _rounded(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _with_ends(value: float | None, ends: list[float] | None) -> str:
    return _rounded(value) + (f" ({ends[0]:.2f}–{ends[1]:.2f})" if ends else "")


@click.command()
@click.argument("release", default=_SHIPPED)
@click.option(
    "--cases",
    "folder",
    type=click.Path(exists=True, file_okay=False),
    help="Folder of functional tests; default: ours.",
)
@click.option("--floors", "floors_file", type=click.Path(), help="A floors.toml; default: that of the cases.")
@click.option("--propose", type=click.Path(), help="Write floors this release can defend into this file.")
@click.option("--languages", is_flag=True, help="Also show in which languages cases fail.")
@policy_option
def gate(
    release: str, folder: str | None, floors_file: str | None, propose: str | None, languages: bool, policy: str | None
) -> None:
    """Run the functional tests on a RELEASE, by function; the exit code is 1 if one falls below its floor."""
    from classifier.behaviour import floors_toml, run_gate
    from classifier.functional_tests import Floors, behaviour_folder, read_cases, read_floors

    _check_targets(propose)
    place = Path(folder) if folder else behaviour_folder()
    cases = read_cases(place)
    own = place / "floors.toml"
    floors = read_floors(floors_file or own) if floors_file or own.is_file() else Floors({})
    classifier = _loaded(release, policy)
    report = run_gate(classifier.confidences, classifier.policy.recommend, cases=cases, floors=floors)
    out.print(_gate_table(report, classifier.release_id, languages))
    if propose:
        _write(propose, floors_toml(report, floors.spread))
    if report.below:
        names = ", ".join(found.name for found in report.below)
        out.print(f"[bold red]below the floor:[/] {plain(names)}", soft_wrap=True, highlight=False)
        sys.exit(1)
    out.print(f"{len(report.functions)} functions, none below its floor", highlight=False)


def _gate_table(report: GateReport, release: str, languages: bool) -> Table:
    columns = ["function", "passed", "of", "share", "floor", *(["fails in"] if languages else [])]
    table = Table(*columns, title=f"behaviour of {release}, weakest first")
    for found in sorted(report.functions, key=lambda found: found.share):
        failing = ", ".join(f"{lang} {n - passed} of {n}" for lang, n, passed in found.languages if passed < n)
        cells = [found.name, str(found.passed), str(found.cases), f"{found.share:.0%}",
                 "–" if found.floor is None else f"{found.floor:.0%}", *([failing] if languages else [])]  # fmt: skip
        table.add_row(*cells, style="bold red" if found.below else "")
    return table
