"""What the commands share: where they print, progress bars, how a release is chosen and loaded."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["bar", "err", "load_classifier", "out", "plain", "policy_option", "release_option", "stages"]

out, err = Console(), Console(stderr=True)
if not out.is_terminal:  # a log or a pipe has no width of its own
    out = Console(width=120)


def plain(text: object) -> str:
    """Text as rich prints it, whatever brackets it holds."""
    from rich.markup import escape

    return escape(str(text))


@contextmanager
def bar(title: str, unit: str = "") -> Iterator[Progress]:
    """A progress bar on standard error that goes away when it is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, TextColumn(unit), TimeRemainingColumn(), console=err, transient=True) as progress:
        progress.add_task(title, total=1.0)
        yield progress


def stages(progress: Progress) -> Callable[[str, float], None]:
    """A callback that shows a stage and how much of it is done."""

    def report(stage: str, share: float) -> None:
        progress.update(progress.task_ids[0], description=stage, completed=share)

    return report


def load_classifier(release: str | None, policy: str | None) -> Any:
    """The classifier of a release folder (None: the shipped one) under a policy file (None: the release's own)."""
    from classifier.policy import read_policy
    from classifier.release import load_release, release_folder
    from classifier.scoring import load

    if err.is_terminal:
        err.print("[dim]loading the release (the first run ever compiles the scorer, some 20 s)[/]")
    if policy is None:
        return load(release)
    stored = load_release(release_folder(release))
    return load(release, policy=read_policy(policy, stored.policy).resolved(stored.curves, policy))


release_option = click.option("--release", type=click.Path(), help="Folder of a release; default: the shipped one.")
policy_option = click.option(
    "--policy", type=click.Path(), help="A policy.toml that overrides the policy of the release."
)
