"""``classifier train``: a release from labelled messages and public corpora."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from classifier.cli_track import log_run, register_options
from classifier.console import bar, out, stages
from classifier.guidelines import LABELS


@click.command()
@click.option(
    "--out", "target", type=click.Path(), required=True, help="Folder of the new release, such as models/mine."
)
@click.option(
    "--corpus", "names", multiple=True, help="Public corpus to train on (repeat); default: all; 'none' for none."
)
@click.option(
    "--examples", "files", multiple=True, type=click.Path(), help="Labelled messages (repeat); default: ours."
)
@click.option("--folder", type=click.Path(), default="data/downloads", show_default=True, help="Where corpora are.")
@click.option("--policy", type=click.Path(), help="A policy.toml with the operating points to resolve.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--test", "with_test", is_flag=True, help="Also report the test sets: once, when everything is chosen.")
@click.option(
    "--gate/--no-gate",
    default=None,
    help="Refuse a release that falls below a floor of the behaviour gate; default: on our data, not on yours.",
)
@click.option("--track", "tracked", is_flag=True, help="Also log the run with MLflow (see docs/mlflow.md).")
@register_options
def train(
    target: str,
    names: tuple[str, ...],
    files: tuple[str, ...],
    folder: str,
    policy: str | None,
    seed: int,
    with_test: bool,
    gate: bool | None,
    tracked: bool,
    experiment: str,
    register: str | None,
    alias: str | None,
) -> None:
    """Train a release on labelled messages and public corpora."""
    from classifier.assembly import assemble, data_folder, our_messages, read_splits
    from classifier.behaviour import GateReport, examined
    from classifier.card import card
    from classifier.cli_corpora import chosen
    from classifier.corpora import load_registry
    from classifier.policy_file import read_policy
    from classifier.release import save_release
    from classifier.severity_training import train_severity
    from classifier.training import Settings, train

    if (register or alias) and not tracked:
        raise click.UsageError("--register and --alias need --track")
    settings = Settings(seed=seed) if not files else Settings(seed=seed, disguised=0.0, framed=0.0, swapped=0)
    corpora = chosen(load_registry(), names) if names != ("none",) else []
    ours = not files
    examples = [Path(file) for file in files] or our_messages(data_folder())
    annotations = sorted((data_folder() / "annotations").glob("*.csv")) if corpora and ours else []
    splits = read_splits(data_folder() / "splits.toml") if ours else {}
    with bar("reading") as progress:
        rows = assemble(
            corpora, examples, annotations=annotations, splits=splits,
            severity=data_folder() / "severity" if ours else None, folder=Path(folder),
            seed=seed, progress=stages(progress), **settings.rows, **settings.copies,
        )  # fmt: skip
        held_out = {name: frame for name, frame in rows.held_out.items() if with_test or not name.endswith("test")}
        trained = train(
            rows.train, name=Path(target).name, settings=settings, held_out=held_out,
            policy=read_policy(policy) if policy else None, record={"sources": rows.sources},
            severity=train_severity(data_folder(), seed=seed) if ours else None,
            progress=stages(progress),
        )  # fmt: skip
    release = examined(trained.release, trained.pipeline.predict_proba, enforced=ours if gate is None else gate)
    before = _digest_in(Path(target))
    saved = save_release(release, target, card(release))
    table = Table("messages", "n", *LABELS, "mean", title=f"average precision of {saved.id}")
    for part, metrics in saved.record["metrics"].items():
        values = [metrics["labels"][label]["average_precision"] for label in LABELS]
        table.add_row(
            part, f"{metrics['n']:,}", *("–" if v is None else f"{v:.3f}" for v in (*values, metrics["macro"]))
        )
    out.print(table)
    out.print(f"wrote {target} ({saved.id})", highlight=False)
    if before:
        told = "is the same as before" if before == saved.digest else f"changed; it was {before[:12]}"
        out.print(f"its digest {told}", highlight=False)
    if below := GateReport.from_dict(saved.record["behaviour"]).below:
        said = ", ".join(found.name for found in below)
        out.print(f"note: behaviour gate not passed: {said}", soft_wrap=True, highlight=False)
    if tracked:
        log_run(target, experiment=experiment, register=register, alias=alias)


def _digest_in(folder: Path) -> str:
    """The digest of the release that is about to be replaced; of one that is damaged or none, nothing."""
    from classifier.errors import ReleaseError
    from classifier.release import load_release

    try:
        return load_release(folder).digest
    except ReleaseError:
        return ""
