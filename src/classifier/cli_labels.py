"""``classifier data suspects``, ``next`` and ``merge``: reviews for a person to fill in, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from classifier.console import bar, load_classifier, out, plain, release_option, stages
from classifier.guidelines import LABELS, SURFACES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = ["merge", "next_", "suspects"]

folder_option = click.option(
    "--folder", type=click.Path(), help="Folder with our labelled messages; default: the repository's data."
)
review_option = click.option(
    "-o", "--out", "target", type=click.Path(), required=True, help="The review to write, a new CSV."
)


def _folder(folder: str | None) -> Path:
    from classifier.assembly import data_folder

    return Path(folder) if folder else data_folder()


@click.command()
@review_option
@click.option("-n", "most", type=click.IntRange(min=1), default=200, show_default=True, help="Messages at most.")
@click.option("--corpus", "names", multiple=True, help="Public corpus to train on too (repeat); default: all; 'none'.")
@click.option("--downloads", type=click.Path(), default="data/downloads", show_default=True, help="Where corpora are.")
@click.option("--seed", type=int, default=0, show_default=True)
@folder_option
def suspects(target: str, most: int, names: tuple[str, ...], downloads: str, seed: int, folder: str | None) -> None:
    """Write our probably mislabelled messages, the likeliest first, for a person to judge.

    Trains on our messages and public corpora (some minutes; less with --corpus none) and lets models judge the authors
    they did not see. Held-out messages are left alone: a test set corrected where a model disagrees flatters the model.
    """
    from classifier.assembly import assemble, our_messages, read_splits
    from classifier.cli_corpora import chosen
    from classifier.corpora import load_registry
    from classifier.label_quality import likely_errors
    from classifier.reviews import write_review
    from classifier.training import Settings, train

    place, settings = _folder(folder), Settings(seed=seed)
    _refuse_existing(target)
    corpora = chosen(load_registry(), names) if names != ("none",) else []
    annotations = sorted((place / "annotations").glob("*.csv")) if corpora else []
    with bar("reading") as progress:
        rows = assemble(
            corpora, our_messages(place), annotations=annotations, splits=read_splits(place / "splits.toml"),
            folder=Path(downloads), seed=seed, progress=stages(progress), **settings.rows,
        ).train  # fmt: skip
        models = train(rows, settings=settings, progress=stages(progress)).pipeline["labels"]
        judged = rows["annotated"].to_numpy(bool)
        found = likely_errors(rows[judged].reset_index(drop=True), models.out_of_fold_[judged])
    n = write_review(_suspects(rows[judged].reset_index(drop=True), found, place, most), target)
    table = Table("label", "labels", "suspect", "said 1", "said 0", title="probably mislabelled")
    for label in LABELS:
        given = found.loc[found["label"] == label, "given"]
        known = int(rows.loc[judged, label].notna().sum())
        table.add_row(label, f"{known:,}", f"{len(given):,}", f"{int(given.sum()):,}", f"{int((1 - given).sum()):,}")
    out.print(table)
    out.print(f"wrote {plain(target)}: {n:,} messages; fill it in, then classifier data merge", highlight=False)


def _suspects(rows: pd.DataFrame, found: pd.DataFrame, place: Path, most: int) -> Iterator[Any]:
    """The rows of a review: each suspect message once, where its likeliest error stands."""
    import pandas as pd

    from classifier.assembly import our_messages
    from classifier.corpora import text_digest
    from classifier.examples import read_examples
    from classifier.reviews import ReviewRow

    files = {
        key: path.relative_to(place).as_posix() for path in our_messages(place) for key in read_examples(path)["id"]
    }
    annotated = _annotated(place)
    for row in found["row"].drop_duplicates().tolist()[:most]:
        entries = found[found["row"] == row]
        entry: Any = rows.iloc[row]
        source, key = files.get(str(entry["id"]), ""), str(entry["id"])
        if "corpus" in rows and isinstance(entry["corpus"], str):
            key = f"{entry['corpus']}:{text_digest(entry['text'])}"
            source = annotated[key]
        why = ", ".join(f"{e.label} {e.given}, but confidence {e.confidence:.2f}" for e in entries.itertuples())
        labels = tuple(None if pd.isna(entry[label]) else int(entry[label]) for label in LABELS)
        yield ReviewRow(key, source, entry["text"], entry["lang"], entry["surface"], labels, why)


def _annotated(place: Path) -> dict[str, str]:
    from classifier.examples import read_annotations

    return {
        f"{corpus}:{digest}": path.relative_to(place).as_posix()
        for path in sorted((place / "annotations").glob("*.csv"))
        for corpus, digest in read_annotations(path)[["corpus", "digest"]].itertuples(index=False)
    }


def _refuse_existing(target: str) -> None:
    from classifier.errors import ExamplesError

    if Path(target).exists():
        raise ExamplesError("is there already", where=target, todo="name a new file, lest labels be lost")


@click.command("next")
@click.argument("export", type=click.Path())
@review_option
@click.option("-n", "most", type=click.IntRange(min=1), default=200, show_default=True, help="Messages at most.")
@click.option("--surface", type=click.Choice(SURFACES), default="private_message", show_default=True,
              help="Surface of messages for which the export names none.")  # fmt: skip
@click.option("--lang", default="", help="Language of the messages, such as en; default: the reader fills it in.")
@click.option("--text-column", default="text", show_default=True)
@release_option
@folder_option
def next_(
    export: str, target: str, most: int, surface: str, lang: str, text_column: str, release: str | None,
    folder: str | None,
) -> None:  # fmt: skip
    """Write the messages of an EXPORT that are most worth labelling next.

    In turns: uncertain ones (near a threshold), conflicting ones (nearly the same words, judged differently, by the
    model or in our data), and ones with new vocabulary; of messages that say nearly the same only one.
    """
    from collections import Counter
    from contextlib import closing

    from classifier.dataset import load_messages
    from classifier.errors import ClassifierError
    from classifier.label_quality import REASONS, Pool, next_to_label
    from classifier.messages import Columns, read_messages
    from classifier.results import plain_id
    from classifier.reviews import NEW, ReviewRow, write_review
    from classifier.text import as_texts

    _refuse_existing(target)
    batches = read_messages(export, columns=Columns(text=text_column))
    try:
        labelled = load_messages(_folder(folder))
    except ClassifierError:
        if folder:
            raise
        labelled = None  # an installation without our messages
    pool = Pool(load_classifier(release, None), size=max(1000, 5 * most))
    with bar("reading") as progress, closing(batches):
        for batch in batches:
            ids = [str(plain_id(key)) for key in batch.ids]
            pool.add(as_texts(batch.texts), list(zip(ids, batch.surfaces, strict=True)))
            stages(progress)("reading", batch.fraction or 0.0)
        stages(progress)("comparing", 0.0)
        chosen = next_to_label(pool, most, labelled=labelled)

    def rows() -> Iterator[ReviewRow]:
        for reason, found in chosen:
            why = f"{reason}; {' '.join(found.labels) or 'nothing'} flagged"
            yield ReviewRow(
                found.extra[0], NEW, found.text, lang, found.extra[1] or surface, (None,) * len(LABELS), why
            )

    n = write_review(rows(), target)
    counts = Counter(reason for reason, _ in chosen)
    told = ", ".join(f"{counts[reason]} {reason}" for reason in REASONS)
    out.print(f"wrote {plain(target)}: {n:,} of {pool.n:,} messages ({told})", highlight=False, soft_wrap=True)


@click.command()
@click.argument("review", type=click.Path())
@click.option("--dry-run", is_flag=True, help="Check and say what would change; write nothing.")
@folder_option
def merge(review: str, dry_run: bool, folder: str | None) -> None:
    """Put the labels of a filled-in REVIEW back into our data files."""
    from classifier.labelling import merge

    report = merge(review, _folder(folder), dry_run=dry_run)
    if report.edits:
        table = Table("file", "message", "was", "is", "reader")
        for edit in report.edits:
            table.add_row(*map(plain, (edit.source, edit.id, edit.before or "–", edit.after or "–", edit.reader)))
        out.print(table)
    for note in report.notes:
        out.print(f"note: {plain(note)}", highlight=False, soft_wrap=True)
    would, added = ("would change", "would add") if dry_run else ("changed", "added")
    out.print(
        f"{report.read:,} rows read, {report.unread:,} without a reader left alone; {would} {len(report.edits):,}"
        f" messages, {added} {report.added:,}" + (f" to {plain(report.target)}" if report.added else ""),
        highlight=False, soft_wrap=True,
    )  # fmt: skip
