"""The page of the scoreboard: what each table is, in words, around the tables of `scoreboard_tables`."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

import scoreboard_tables as tables
from measuring import wrapped
from scoreboard_bars import table
from scoreboard_sets import KNOWN, PARTS, same_rows

from classifier.guidelines import LABELS

if TYPE_CHECKING:
    from scoreboard_bars import Bar
    from scoreboard_board import Board

    from classifier.release import Release

HEAD = """# Scoreboard

Written by `{command}` on {date} in {minutes:.0f} minutes: {cores} cores, nice {nice}, load {load:.1f} at the end,
Python {python}, scikit-learn {sklearn}. The release is `{release}`; the {rows:,} training rows that the recipe of
`classifier train` gives here {same}.

{quick}A cell with two figures is dev / test. Dev is for choosing: data, settings and the baselines' thresholds may be
chosen by it. Test is looked at when all is chosen, and nothing is chosen by it. A dash is what cannot be measured: a
label that a contestant does not judge, or one with fewer than three positives there.

## The bars

What the release must reach, and what it does. A bar is met where every figure shown meets it, before rounding; a
figure that has no dev and test part stands in the first column.

{bars}

Of the {told} average precisions on held-out messages that the release's card holds, {again} are measured here again
to three digits.
"""
QUICK = "**This was a trial on few corpora and a tenth of the rows: its figures mean nothing.**\n\n"
CONTESTANTS = """
## The contestants

Baselines are trained in this run on the rows above: the same texts, labels and weights; a row is left out of a label's
model where that label is unknown. fastText takes no weights. alt-profanity-check and Presidio come as they are.

{abouts}
"""
DETAILS = """
## Our messages

Average precision by label on {ours} messages written for this purpose, by authors in no training row. First English,
then the mean of the other languages, then each language by its mean over the labels. “{union}” is there for programs
with one score for abuse; of the others it is the higher score of both labels.

{english}

{others}

{languages}

## Real text

Average precision by label on {real} messages of public corpora, judged by our guide. Their threads, pairs and templates
are in no training row, though other parts of the same corpora are.

{realtext}

## Held-out parts of the corpora

Average precision on {held} messages of all corpora whose groups are in no training row; copies of training rows are
left out, and a part that a corpus marks for evaluation counts as test. Labels are the corpora's own, and ours where we
judged. The corpora's differ from our guide: compare contestants here, not labels. The last row is the mean of this
table over what the release is measured on, “{union}” left out.

{corpora}

## False alarms

False alarms in 10,000 harmless messages, of corpora in which nothing is meant to violate. A message counts as harmless
where none of its labels is 1 and at least {known} are 0 by the corpus' own labels; an action counts where it is for a
label that is 0. The groups of these messages are in no training row. But every corpus here also trains, with as many
rows as the third column says, so that on a source never seen more must be expected. The registry has only the dev parts
of xpersona, topical-chat and kdconv-zh, therefore they train too, and what is measured are other dialogues of them.

Neutral comments of goemotions are shown and counted in no sum: its readers saw no emotion in them, but nobody said that
they are harmless, and some are not. Every action counts there. A baseline flags from the thresholds at which it finds
as large a share of each label as the release does, on our messages and real text, dev.

{alarms}

The same label by label, all harmless corpora together, and below it what is found for that, on our messages and real
text together. On dev the recalls are alike by choice, except where a program cannot reach that of the release: then all
that it finds counts. A contestant that cannot rank one label well flags nearly everything in the table above, to find
as much of that label as the release: here it can be seen which.

{labels}

{recalls}

## Behaviour

Shares (%) of the functional tests of `classifier gate` that are passed, by baselines at their thresholds of flag.
Under “any” no label at all may be flagged, which fails for whom one label is flagged nearly always, as above. Evasion
is recall kept: of the messages flagged undisguised, the share that is flagged in each disguise; who finds little
undisguised keeps it more easily. Swap compares confidences between groups, which the margins of an SVM are not. The
gap is the largest difference of false alarms at flag between two groups of whom the same harmless sentences are said.

{behaviour}

## Calibration

Expected calibration error, ten bins of equal width, of contestants whose scores are probabilities.

{calibration}

## Cost

{whose}; {rounds} rounds in which contestants take turns, medians. Batches on one thread, then one message at a time.
Size is that of the files of a release, of a baseline as pickled, of the model files of another program. Presidio has no
model, and its times are those of the messages it judged above.

{cost}
"""


def page(
    measured: Board, stored: Release, reached: list[Bar], missing: list[str], *, command: str, seconds: float,
    whose: str, rounds: int, quick: bool,
) -> str:  # fmt: skip
    """The whole page as Markdown."""
    told, again = agreement(stored, measured)
    same = "are those it was trained on"
    if not same_rows(stored.record, measured.sets):
        rows = stored.record.get("rows", 0)
        same = f"are **not** the {rows:,} it was trained on: baselines see other data than it did"
    text = HEAD.format(
        command=command, date=f"{datetime.now(UTC):%Y-%m-%d}", minutes=seconds / 60, cores=os.cpu_count(),
        nice=os.nice(0), load=os.getloadavg()[0], python=platform.python_version(), sklearn=version("scikit-learn"),
        release=stored.id, rows=len(measured.sets.train), same=same, quick=QUICK if quick else "",
        bars=joined(bar_table(reached)), told=told, again=again,
    )  # fmt: skip
    if len(measured.rankers) > 1:
        abouts = [f"- **{ranker.name}**: {ranker.about}." for ranker in measured.rankers]
        text += CONTESTANTS.format(abouts="\n\n".join([*abouts, *missing]))
    sizes = {name: f"{len(frame):,}" for name, frame in measured.sets.held_out.items()}
    text += DETAILS.format(
        union=tables.UNION, known=KNOWN, whose=whose, rounds=rounds,
        **{key: " / ".join(sizes[f"{name}, {part}"] for part in PARTS)
           for key, name in (("ours", tables.OURS), ("real", tables.REAL), ("held", tables.CORPORA))},
        english=joined(tables.ranking(measured, "English")),
        others=joined(tables.ranking(measured, "other languages")),
        languages=joined(tables.languages(measured)), realtext=joined(tables.ranking(measured, tables.REAL)),
        corpora=joined(tables.corpora(measured)), alarms=joined(tables.false_alarms(measured)),
        labels=joined(tables.alarms_by_label(measured)), recalls=joined(tables.recalls_by_label(measured)),
        behaviour=joined(tables.behaviour(measured)),
        calibration=joined(tables.calibration(measured)), cost=joined(tables.cost(measured)),
    )  # fmt: skip
    return "\n".join([*wrapped(text.rstrip().split("\n")), ""])


def bar_table(reached: list[Bar]) -> list[str]:
    """The table of bars."""
    return [*table(["", "bar", *PARTS, "met"], []), *(bar.row() for bar in reached)]


def joined(lines: list[str]) -> str:
    """Lines as a text."""
    return "\n".join(lines)


def agreement(stored: Release, measured: Board) -> tuple[int, int]:
    """How many average precisions the card has, which were computed at training, and how many are measured the same."""
    told = again = 0
    for name, metrics in stored.record.get("metrics", {}).items():
        if name not in measured.truth:
            continue
        found = measured.precisions(measured.rankers[0].name, name)
        for i, label in enumerate(LABELS):
            value = metrics["labels"][label]["average_precision"]
            told += value is not None
            again += value is not None and abs(value - found[i]) < 5e-4
    return told, again
