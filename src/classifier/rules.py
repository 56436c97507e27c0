"""The rules of our data set, each a function that yields a finding where it does not hold."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.agreement import agreement, settle
from classifier.assembly import HELD_OUT
from classifier.corpora import load_registry
from classifier.duplicates import near_duplicates
from classifier.guidelines import LABELS
from classifier.shape import shape_auc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

__all__ = ["FAKER", "KINDS", "LANGUAGES", "MESSAGE_RULES", "Finding", "Limits", "check_annotations", "check_reading"]

LANGUAGES = ("en", "es", "pt", "fr", "de", "it", "ru", "tr", "ar", "zh", "ja", "ko", "id")
KINDS = ("positive", "hard_negative", "ordinary")
FAKER = "faker"
EVALUATION_ONLY = ("clinc150", "germeval2018_de", "cold_zh", "hatexplain")  # their published test parts


@dataclass(frozen=True)
class Limits:
    """What the data set must reach, or must not exceed."""

    rows: int = 15_000  # written by us, Faker's not counted
    english_rows: int = 9_000
    language_rows: int = 500
    english_positives: int = 800  # for each label
    language_positives: int = 60  # for each label and other language
    none_share: tuple[float, float] = (0.45, 0.62)  # of rows, without any label
    several_share: tuple[float, float] = (0.07, 0.15)  # of positives, with more than one label
    hard_negatives: int = 3_500
    held_out_rows: int = 1_200  # in each of dev and test
    faker_rows: int = 3_000
    similarity_within: float = 0.9  # contrast twins, whose labels differ, are allowed
    similarity_across: float = 0.8  # of splits, whatever the labels
    shape_auc: float = 0.65
    annotations: int = 10_000
    annotations_not_english: int = 3_000
    read_twice: int = 800
    alpha: float = 0.8


@dataclass(frozen=True)
class Finding:
    """One rule that does not hold: an ``error``, or a ``warning`` where a target is missed that no rule enforces.

    >>> print(Finding("error", "de.csv, row 7", "'kind' holds 'joke'", "use positive, hard_negative or ordinary"))
    error: de.csv, row 7: 'kind' holds 'joke'; use positive, hard_negative or ordinary
    """

    severity: str
    where: str
    what: str
    todo: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.where}: {self.what}; {self.todo}"


def _first(frame: pd.DataFrame, bad: pd.Series[bool], what: str, todo: str) -> Iterator[Finding]:
    """One finding for the rows where `bad` holds, naming the first; {column} in `what` is filled from it."""
    if bad.any():
        row = frame[bad].iloc[0]
        more = f" (and {bad.sum() - 1} more rows)" if bad.sum() > 1 else ""
        yield Finding("error", f"{row['file']}, row {row['row']}", what.format(**row) + more, todo)


# ---- rules over our messages ----


def _rows(frame: pd.DataFrame, _folder: Path, _limits: Limits) -> Iterator[Finding]:
    ids = frame["id"].duplicated()
    yield from _first(frame, ids, "the id {id!r} stands in another file too", "give each message an id of its own")
    stem, faker = frame["file"].str.removesuffix(".csv"), frame["author"] == FAKER
    yield from _first(frame, ~frame["lang"].isin(LANGUAGES), "'lang' holds {lang!r}", f"use {', '.join(LANGUAGES)}")
    elsewhere = (stem != FAKER) & (frame["lang"] != stem)
    yield from _first(frame, elsewhere, "'lang' {lang!r} is not that of the file", "move it to its language's file")
    mixed = (stem == FAKER) ^ faker
    yield from _first(frame, mixed, "the author is {author!r}", "keep Faker's rows, and only them, in faker.csv")
    yield from _first(frame, frame["author"].str.strip() == "", "has no author", "name the voice that wrote it")
    yield from _first(frame, frame["text"].str.strip() == "", "has no text", "write it or remove the row")
    yield from _first(frame, ~frame["kind"].isin(KINDS), "'kind' holds {kind!r}", f"use {', '.join(KINDS)}")
    unknown = frame[[*LABELS]].isna().any(axis=1)
    yield from _first(frame, unknown, "is not judged for all six labels", "our own messages leave no label unknown")
    violates = (frame[[*LABELS]] == 1).any(axis=1).astype(bool)
    odd = ~unknown & (violates ^ (frame["kind"] == "positive"))
    yield from _first(
        frame, odd, "'kind' is {kind!r} against its labels", "positive: some label is 1; otherwise none is"
    )


def _amounts(frame: pd.DataFrame, _folder: Path, limits: Limits) -> Iterator[Finding]:
    faker = int((frame["author"] == FAKER).sum())
    if faker > limits.faker_rows:
        yield Finding("error", "faker.csv", f"{faker:,} rows", f"keep at most {limits.faker_rows:,}")
    frame = frame[frame["author"] != FAKER]
    violates = frame[[*LABELS]] == 1
    floors = [("messages", len(frame), limits.rows)]
    floors.append(("hard negatives", int((frame["kind"] == "hard_negative").sum()), limits.hard_negatives))
    for lang in LANGUAGES:
        english, here = lang == "en", frame["lang"] == lang
        floor = limits.english_rows if english else limits.language_rows
        floors.append((f"messages in {lang}", int(here.sum()), floor))
        floor = limits.english_positives if english else limits.language_positives
        floors += [(f"{label} in {lang}", int(violates.loc[here, label].sum()), floor) for label in LABELS]
    for name, count, floor in floors:
        if count < floor:
            yield Finding("error", "messages", f"{name}: {count:,}", f"write at least {floor:,}")
    number = violates.sum(axis=1)
    none, several = float((number == 0).mean()), float((number[number > 0] > 1).mean())
    shares = (("of messages carry no label", none, limits.none_share),
              ("of positives carry several labels", several, limits.several_share))  # fmt: skip
    for name, share, (low, high) in shares:
        if not low <= share <= high:
            yield Finding("error", "messages", f"{share:.1%} {name}", f"keep it between {low:.0%} and {high:.0%}")


def _splits(frame: pd.DataFrame, folder: Path, limits: Limits) -> Iterator[Finding]:
    path = folder / "splits.toml"
    named = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    dev, test = (set(named.get(part, [])) for part in HELD_OUT)
    for author in sorted(dev & test):
        yield Finding("error", "splits.toml", f"{author!r} is in dev and test", "an author is in one part only")
    for author in sorted((dev | test) - set(frame["author"])):
        yield Finding("warning", "splits.toml", f"{author!r} wrote nothing", "remove the name or mend it")
    if FAKER in dev | test:
        yield Finding("error", "splits.toml", "Faker's rows are held out", "use them in training only")
    for part in HELD_OUT:
        held = frame[frame["split"] == part]
        if len(held) < limits.held_out_rows:
            yield Finding("error", f"splits.toml, {part}", f"{len(held):,} messages",
                          f"hold out authors of at least {limits.held_out_rows:,}")  # fmt: skip
        if missing := [lang for lang in LANGUAGES if lang not in set(held["lang"])]:
            yield Finding(
                "error", f"splits.toml, {part}", f"nothing in {', '.join(missing)}", "hold out authors of each"
            )


def _copies(frame: pd.DataFrame, _folder: Path, limits: Limits) -> Iterator[Finding]:
    labels = frame[[*LABELS]].to_numpy(dtype=float, na_value=-1)
    split, author = frame["split"].to_numpy(), frame["author"].to_numpy()
    where = (frame["file"] + ", row " + frame["row"].astype(str)).to_numpy()
    for pair in near_duplicates(frame["text"], threshold=min(limits.similarity_across, limits.similarity_within)):
        a, b = pair.first, pair.second
        across = split[a] != split[b]
        twins = not across and (labels[a] != labels[b]).any()
        filled = author[a] == author[b] == FAKER  # one carrier sentence with other values
        if twins or filled or pair.similarity < (limits.similarity_across if across else limits.similarity_within):
            continue
        ids = frame["id"].iloc[a], frame["id"].iloc[b]
        parts = f"{split[a]} and {split[b]}" if across else f"both {split[a]}"
        yield Finding("error", str(where[b]), f"{ids[1]} copies {ids[0]} ({where[a]}; {parts}; {pair.similarity:.2f})",
                      "keep the held-out one" if across else "drop one of them")  # fmt: skip


def _shape(frame: pd.DataFrame, _folder: Path, limits: Limits) -> Iterator[Finding]:
    for label, auc in shape_auc(frame[frame["author"] != FAKER]).items():
        if auc > limits.shape_auc:
            yield Finding("error", "messages", f"shape alone predicts {label} with ROC AUC {auc:.2f}",
                          f"write against it until it is at most {limits.shape_auc:.2f}")  # fmt: skip


MESSAGE_RULES = (_rows, _amounts, _splits, _copies, _shape)


# ---- rules over real text, and over what was read twice ----


def check_annotations(frame: pd.DataFrame, limits: Limits) -> Iterator[Finding]:
    """Rules over our labels on real text."""
    registry = load_registry()
    for name in EVALUATION_ONLY:
        if name not in registry or "test" not in registry[name].evaluation:
            yield Finding("error", f"corpora.toml, {name}", "its test part is trained on", 'set evaluation = ["test"]')
    if missing := [column for column in ("lang", "reader", "unsure") if column not in frame]:
        yield Finding("error", "annotations", f"column {', '.join(missing)} is missing", "add it")
        return
    strange = ~frame["corpus"].isin([*registry])
    yield from _first(frame, strange, "the corpus {corpus!r} is not in the registry", "add it there")
    other = ~frame["lang"].isin(LANGUAGES)
    yield from _first(frame, other, "'lang' holds {lang!r}", f"use {', '.join(LANGUAGES)}")
    digest = frame["digest"].str.fullmatch("[0-9a-f]{64}")
    yield from _first(frame, ~digest, "'digest' holds {digest!r}", "use text_digest of the message")
    yield from _first(frame, frame["reader"].fillna("") == "", "has no reader", "name who judged it")
    yield from _first(frame, ~frame["unsure"].isin(["0", "1"]), "'unsure' holds {unsure!r}", "use 1 or 0")
    foreign = int((frame["lang"] != "en").sum())
    floors = (("texts", len(frame), limits.annotations), ("not in English", foreign, limits.annotations_not_english))
    for name, count, floor in floors:
        if count < floor:
            yield Finding("error", "annotations", f"{count:,} {name}", f"judge at least {floor:,}")


def check_reading(
    reading: pd.DataFrame, messages: pd.DataFrame, annotations: pd.DataFrame, limits: Limits
) -> Iterator[Finding]:
    """Rules over what a second reader made of messages and real text."""
    reading = settle(reading, messages, annotations).assign(file="second_reading.csv", row=range(2, len(reading) + 2))
    yield from _first(reading, reading["settled"].isna(), "{key!r} of {source} is not in the data", "remove the row")
    yield from _first(reading, reading.duplicated(["source", "key"]), "{key!r} stands twice", "keep one row")
    yield from _first(reading, ~reading["split"].isin(HELD_OUT), "'split' holds {split!r}", "use dev or test")
    now = reading["key"].map(messages.drop_duplicates("id").set_index("id")["split"])
    moved = (reading["source"] == "messages") & now.notna() & (now != reading["split"])
    yield from _first(reading, moved, "{key!r} is not in {split} any more", "write down the split it is in")
    if len(reading) < limits.read_twice:
        yield Finding(
            "error", "second_reading.csv", f"{len(reading):,} messages", f"read {limits.read_twice:,} or more"
        )
    for label, alpha in agreement(reading).alphas.items():
        if alpha < limits.alpha:
            yield Finding("warning", "second_reading.csv", f"alpha of {label} is {alpha:.2f}",
                          f"sharpen the guide until readers reach {limits.alpha:.2f}")  # fmt: skip
