"""``classifier train``: a release from labelled messages and public corpora."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

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
def train(
    target: str,
    names: tuple[str, ...],
    files: tuple[str, ...],
    folder: str,
    policy: str | None,
    seed: int,
    with_test: bool,
) -> None:
    """Train a release on labelled messages and public corpora."""
    from classifier.assembly import assemble, data_folder, our_messages, read_splits
    from classifier.card import card
    from classifier.cli_corpora import chosen
    from classifier.corpora import load_registry
    from classifier.policy import read_policy
    from classifier.release import save_release
    from classifier.training import Settings, train

    settings = Settings(seed=seed)
    corpora = chosen(load_registry(), names) if names != ("none",) else []
    ours = not files
    examples = [Path(file) for file in files] or our_messages(data_folder())
    annotations = sorted((data_folder() / "annotations").glob("*.csv")) if corpora and ours else []
    splits = read_splits(data_folder() / "splits.toml") if ours else {}
    with bar("reading") as progress:
        rows = assemble(
            corpora, examples, annotations=annotations, splits=splits, folder=Path(folder),
            corpus_weight=settings.corpus_weight, corpus_limit=settings.corpus_limit, seed=seed,
            progress=stages(progress),
        )  # fmt: skip
        held_out = {name: frame for name, frame in rows.held_out.items() if with_test or not name.endswith("test")}
        trained = train(
            rows.train, name=Path(target).name, settings=settings, held_out=held_out,
            policy=read_policy(policy) if policy else None, record={"sources": rows.sources},
            progress=stages(progress),
        )  # fmt: skip
    saved = save_release(trained.release, target, card(trained.release))
    table = Table("messages", "n", *LABELS, "mean", title=f"average precision of {saved.id}")
    for part, metrics in saved.record["metrics"].items():
        values = [metrics["labels"][label]["average_precision"] for label in LABELS]
        table.add_row(
            part, f"{metrics['n']:,}", *("–" if v is None else f"{v:.3f}" for v in (*values, metrics["macro"]))
        )
    out.print(table)
    out.print(f"wrote {target} ({saved.id})", highlight=False)
