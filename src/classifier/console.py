"""What the commands share: where they print, progress bars, how a release is chosen and loaded."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from classifier.export_detection import FORMAT_NAMES
from classifier.messages import FORMATS
from classifier.pseudonyms import KEY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "bar",
    "err",
    "format_option",
    "leave_stdout",
    "load_classifier",
    "new_key_option",
    "out",
    "out_format_option",
    "plain",
    "policy_option",
    "pseudonym_key",
    "pseudonymize_option",
    "release_option",
    "release_path",
    "stages",
    "told_notes",
]

out, err = Console(), Console(stderr=True)
if not out.is_terminal:  # a log or a pipe has no width of its own
    out = Console(width=120)


def leave_stdout() -> NoReturn:
    """End quietly when nobody reads on, as ``head`` does after its lines."""
    # Python would flush what is left into the broken pipe, and complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


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


def release_path(release: str | None) -> Path:
    """The folder of a release as ``--release`` names it: a folder, models:/NAME@ALIAS, or None for the shipped one."""
    from classifier.release import release_folder

    if release is not None and release.startswith("models:/"):
        from classifier.tracking import registered_release

        return Path(registered_release(release))
    return release_folder(release)


@contextmanager
def told_notes() -> Iterator[None]:
    """Print the notes of whatever ends the block, such as how an interrupted run is gone on with."""
    try:
        yield
    except BaseException as error:
        for note in getattr(error, "__notes__", ()):
            err.print(f"note: {plain(note)}", soft_wrap=True, highlight=False)
        raise


def load_classifier(release: str | None, policy: str | None, *, contacts: bool = True) -> Any:
    """The classifier of a release folder (None: the shipped one) under a policy file (None: the release's own)."""
    from classifier.policy_file import resolve_policy
    from classifier.release import load_release
    from classifier.scoring import load

    if err.is_terminal:
        err.print("[dim]loading the release (the first run ever compiles the scorer, some 20 s)[/]")
    folder = release_path(release)
    if policy is None:
        found = load(folder)
    else:
        stored = load_release(folder)
        found = load(folder, policy=resolve_policy(policy, stored.policy, stored.curves))
    found.contacts = contacts
    return found


release_option = click.option(
    "--release",
    type=click.Path(),
    help="Folder of a release, or models:/NAME@ALIAS in MLflow; default: the shipped one.",
)
policy_option = click.option(
    "--policy", type=click.Path(), help="A policy.toml that overrides the policy of the release."
)
format_option = click.option(
    "--format", help=f"Format of the export where its content and extension do not say: {FORMAT_NAMES}."
)
out_format_option = click.option(
    "--out-format",
    help=f"Format of the result where its extension does not say: {', '.join(dict.fromkeys(FORMATS.values()))}.",
)
pseudonymize_option = click.option(
    "--pseudonymize",
    metavar="KEYFILE",
    is_flag=False,
    flag_value="",
    help="Replace people by pseudonyms, the same under the same key; without a file the key is in "
    f"{KEY_VARIABLE} (then give the option last).",
)
new_key_option = click.option("--new-key", is_flag=True, help="Make the key file of --pseudonymize first.")


def pseudonym_key(keyfile: str | None, *, new: bool) -> bytes | None:
    """The key that ``--pseudonymize`` names, made first if it is `new`; "" is the environment's, None no pseudonyms."""
    from classifier import pseudonyms

    if new and not keyfile:
        raise click.UsageError("--new-key needs --pseudonymize KEYFILE, the file to make")
    if keyfile is None:
        return None
    return pseudonyms.new_key(keyfile) if new else pseudonyms.read_key(keyfile or None)
