"""``classifier track``: a release into MLflow, and into its registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from classifier.console import bar, out, plain

if TYPE_CHECKING:
    from classifier.training import Training

__all__ = ["log_run", "register_options", "track"]


def register_options(command: Any) -> Any:
    """The options of a command that logs a run."""
    for option in (
        click.option("--alias", help="Alias to move to the new version, such as champion; needs --register."),
        click.option("--register", help="Registered model that gets a new version."),
        click.option("--experiment", default="guideline-classifier", show_default=True, help="MLflow's experiment."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("folder", type=click.Path())
@click.option("--run-name", help="Default: the name of the release.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Tag of the run (repeat).")
@click.option("--pictures", type=click.Path(), help="Folder of pictures and pages to log with the run.")
@register_options
def track(
    folder: str, run_name: str | None, tags: tuple[str, ...], pictures: str | None, experiment: str,
    register: str | None, alias: str | None,
) -> None:  # fmt: skip
    """Log the release in FOLDER as an MLflow run, and register it as a new version if asked.

    Runs go to MLFLOW_TRACKING_URI, by default to mlflow.db in the current folder.
    """
    pairs = [tag.partition("=") for tag in tags]
    for key, sign, _ in pairs:
        if not (key and sign):
            raise click.BadParameter(f"{key!r} is no KEY=VALUE", param_hint="--tag")
    log_run(folder, run_name=run_name, tags={key: value for key, _, value in pairs}, pictures=pictures,
            experiment=experiment, register=register, alias=alias)  # fmt: skip


def log_run(release: Training | str, **options: Any) -> None:
    """Log a run with the options of `tracking.track` and say where it is."""
    from classifier.tracking import track

    with bar("logging the run"):
        run = track(release, **options)
    name, alias = options.get("register"), options.get("alias")
    out.print(f"run {run} in experiment {plain(options['experiment'])}", highlight=False)
    if name:
        out.print(f"a new version of {plain(name)}" + (f", which is now {plain(name)}@{plain(alias)}" if alias else ""),
                  highlight=False)  # fmt: skip
