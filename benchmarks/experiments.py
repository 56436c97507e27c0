"""What helps: ``python benchmarks/experiments.py [--only NAME ...] [--quick] [--renew]`` (an hour on two free cores).

Each experiment changes one thing of the recipe at the start (``experiment_list.py``), is fitted once on the same rows
and compared with that recipe on dev messages, never on test. The best are then compared on corpora and on authors left
out of training. Results stay in ``out/experiments`` as JSON by name, so that a second run goes on where the first
ended; each is logged with MLflow in ``out/mlflow``. Writes ``docs/experiments.md`` from all results.

``--renew`` reads our messages and the corpora again; results on other rows are then run again too.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from functools import cache
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np
from experiment_data import (
    QUICK,
    dev_task,
    left_out_corpora,
    left_out_voices,
    quick_part,
    read_snapshot,
    snapshot_digest,
)
from experiment_figures import compared, figures, macro, recall_of_disguised
from experiment_list import ALL_ROWS, BASELINE, WHOLE, experiments, in_turn
from experiment_models import outcome
from experiment_page import gain, page
from experiment_recipe import Recipe
from measuring import ROOT

from classifier.examples import label_matrix
from classifier.tracking import track_figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from experiment_recipe import Experiment

EXPERIMENT = "default recipe"
CACHE = ROOT / "out" / "experiments" / "cache"
LEFT_OUT = {"corpora left out": (left_out_corpora, 4), "voices left out": (left_out_voices, 3)}
BEST = 6  # experiments looked at on corpora and authors left out


def run(experiment: Experiment, folder: Path, quick: bool) -> dict[str, Any]:
    """Fit one experiment, compare it with the baseline's scores in the folder, and write its result there."""
    rows, digest = _rows(quick)
    recipe = _smaller(experiment.recipe) if quick else experiment.recipe
    task = dev_task(rows, recipe)
    found = outcome(task, recipe, CACHE)
    np.save(_scores(folder, experiment.name), found.scores)
    baseline = np.load(_scores(folder, BASELINE.name))  # its own, where it is the baseline
    result = {
        "run": experiment.name, "name": experiment.name, "group": experiment.group, "change": experiment.change,
        "snapshot": digest, "recipe": asdict(experiment.recipe), "rows": len(task.train), "features": found.features,
        "seconds": round(found.seconds, 1), "parts": figures(task.dev, found.scores, baseline),
        "disguised recall": recall_of_disguised(task.dev, found.scores), "extra": found.extra,
        "counts": (rows["kind"] + " " + rows["role"]).value_counts().to_dict(),
    }  # fmt: skip
    return _written(folder, result)


def run_left_out(experiment: Experiment, folder: Path, quick: bool) -> dict[str, Any]:
    """Compare one experiment with the baseline on corpora, and on authors of ours, that are left out of training."""
    rows, digest = _rows(quick)
    recipe = _smaller(experiment.recipe) if quick else experiment.recipe
    parts = {}
    for part, (split, folds) in LEFT_OUT.items():
        tasks = (split(rows, recipe, fold, folds) for fold in range(folds))
        scored = [(task.dev, outcome(task, recipe, CACHE).scores) for task in tasks]
        scores, strata, groups, truth = map(np.concatenate, zip(*(
            (found, dev["fold"], dev["group"].to_numpy(object), label_matrix(dev)) for dev, found in scored
        ), strict=True))  # fmt: skip
        np.save(_scores(folder, f"{experiment.name}, {part}"), scores)
        baseline = np.load(_scores(folder, f"{BASELINE.name}, {part}"))
        ours, theirs = (macro(values, truth, strata) for values in (scores, baseline))
        parts[part] = compared(ours, theirs, len(truth), groups, resamples=300) | {"n": len(truth)}
    name = f"{experiment.name}, left out"
    return _written(folder, {"run": name, "name": experiment.name, "snapshot": digest, "recipe": asdict(recipe),
                             "parts": parts})  # fmt: skip


def with_all_rows(results: dict[str, Any], folder: Path, quick: bool) -> list[dict[str, Any]]:
    """The results on all rows of corpora with their differences to the recipe on these; none before that was run."""
    names = [name for name, result in results.items() if result["recipe"]["corpus_rows"] == ALL_ROWS]
    if WHOLE not in names:
        return []
    dev, whole = dev_task(_rows(quick)[0], BASELINE.recipe).dev, np.load(_scores(folder, WHOLE))
    return [results[name] | {"parts": figures(dev, np.load(_scores(folder, name)), whole)} for name in names]


def log(result: dict[str, Any]) -> None:
    """A result as a run of MLflow: the recipe as parameters, the figures, and what was changed as tags."""
    metrics = dict(result.get("extra", {}))
    for part, entry in result["parts"].items():
        metrics |= {f"{part}/average_precision": entry["value"], f"{part}/difference": entry["difference"]}
        if entry["interval"]:
            metrics[f"{part}/difference_low"], metrics[f"{part}/difference_high"] = entry["interval"]
    metrics |= {name.replace(" ", "_"): result[name] for name in ("features", "seconds", "disguised recall")
                if name in result}  # fmt: skip
    tags = {name: result[name] for name in ("group", "change", "snapshot") if name in result}
    track_figures(result["run"], experiment=EXPERIMENT, params=result["recipe"], metrics=metrics, tags=tags)


@cache
def _rows(quick: bool) -> tuple[Any, str]:
    rows = read_snapshot(CACHE)
    return (quick_part(rows) if quick else rows), snapshot_digest(rows)


def _smaller(recipe: Recipe) -> Recipe:
    return replace(recipe, corpus_rows=int(recipe.corpus_rows * QUICK))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")


def _scores(folder: Path, name: str) -> Path:
    return folder / "scores" / f"{_slug(name)}.npy"


def _written(folder: Path, result: dict[str, Any]) -> dict[str, Any]:
    (folder / f"{_slug(result['run'])}.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    return result


def _known(folder: Path, name: str, snapshot: str, recipe: Recipe) -> dict[str, Any] | None:
    """An earlier result, if it is of the same rows and recipe."""
    path = folder / f"{_slug(name)}.json"
    result = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if result.get("snapshot") != snapshot:
        return None
    # A field that a recipe got later had its default.
    of = asdict(Recipe(**result["recipe"]))
    return result if json.dumps(of) == json.dumps(asdict(recipe)) else None


def _each(
    function: Callable[..., Any], chosen: Iterable[Experiment], folder: Path, quick: bool, jobs: int
) -> list[str]:
    """Run experiments in processes, log and tell each as it comes; the names of those that failed."""
    failed = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        tasks = {pool.submit(function, experiment, folder, quick): experiment.name for experiment in chosen}
        for done in as_completed(tasks):
            if error := done.exception():
                failed.append(tasks[done])
                print(f"{tasks[done]} failed: {error!r}", flush=True)
                continue
            log(result := done.result())
            gains = "  ".join(f"{part} {entry['difference']:+.4f}" for part, entry in result["parts"].items())
            print(f"{result['run']:40} {gains}", flush=True)
    return failed


def main() -> None:
    """Read the options, run what has no result yet, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="run these alone; the page shows all there are")
    parser.add_argument(
        "--left-out", nargs="+", metavar="NAME", help="those to compare on what is left out of training"
    )
    parser.add_argument("--quick", action="store_true", help="a twentieth of the rows, to out/experiments/quick")
    parser.add_argument("--renew", action="store_true", help="read our messages and the corpora again")
    parser.add_argument("--folder", default="data/downloads", help="where the corpora are, without a mirror")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    listed = experiments()
    if unknown := {*(options.only or ()), *(options.left_out or ())} - {*listed}:
        parser.error(f"no experiment is called {', '.join(sorted(unknown))}; there are: {', '.join(listed)}")
    folder = ROOT / "out" / "experiments" / ("quick" if options.quick else "")
    (folder / "scores").mkdir(parents=True, exist_ok=True)
    (ROOT / "out" / "mlflow").mkdir(exist_ok=True)
    os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{ROOT / 'out' / 'mlflow' / 'mlflow.db'}")
    snapshot = snapshot_digest(read_snapshot(CACHE, options.folder, renew=options.renew))
    failed: list[str] = []

    def results(ending: str = "") -> dict[str, Any]:
        found = {name: _known(folder, name + ending, snapshot, _recipe(name, ending)) for name in listed}
        told = {name: {"group": listed[name].group, "change": listed[name].change} for name in listed}
        return {name: result | told[name] for name, result in found.items() if result}

    def _recipe(name: str, ending: str) -> Recipe:
        return _smaller(listed[name].recipe) if ending and options.quick else listed[name].recipe

    def missing(function: Callable[..., Any], names: Sequence[str], ending: str = "") -> None:
        # All others are compared with the baseline, which comes first.
        for chosen in ([BASELINE.name], names):
            there = results(ending)
            left = [listed[name] for name in chosen if name not in there]
            failed.extend(_each(function, left, folder, options.quick, options.jobs))

    missing(run, options.only or in_turn(listed))
    found = results()
    best = sorted((name for name in found if name != BASELINE.name), key=lambda name: -gain(found[name]))[:BEST]
    if options.left_out or not options.only:
        missing(run_left_out, options.left_out or best, ", left out")
    target = folder / "experiments.md" if options.quick else ROOT / "docs" / "experiments.md"
    left_out, whole = [*results(", left out").values()], with_all_rows(found, folder, options.quick)
    target.write_text(page([*found.values()], left_out, whole), encoding="utf-8")
    print(f"wrote {target.relative_to(ROOT)}")
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
