"""The shipped release against baselines trained on the same rows: ``make scoreboard`` (some ten minutes).

Writes ``docs/scoreboard.md``: what must be reached and what is, and the figures of every contestant. Corpora come from
``CLASSIFIER_MIRROR`` or ``data/downloads``. ``--only-release`` leaves the baselines out (a minute); ``--quick`` tries
it on few corpora and a tenth of the rows. What is not the whole run goes to ``out/scoreboard.md``, or to ``--out``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from measuring import ROOT
from real_messages import real_messages
from scoreboard_bars import bars
from scoreboard_baselines import baselines, release
from scoreboard_board import board
from scoreboard_page import bar_table, page
from scoreboard_sets import read_sets

import classifier
from classifier.release import load_release, release_folder


def main() -> None:
    """Read the options, measure, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few corpora, a tenth of the rows: a trial, no measure")
    parser.add_argument("--only-release", action="store_true", help="without the baselines")
    parser.add_argument("--release", help="name or folder of another release than the shipped one")
    parser.add_argument("--folder", type=Path, default=ROOT / "data" / "downloads", help="where corpora are")
    parser.add_argument("--out", type=Path, help="where the page goes")
    options = parser.parse_args()
    whole = not (options.quick or options.only_release or options.release)
    target = options.out or ROOT / ("docs" if whole else "out") / "scoreboard.md"
    began, place = time.perf_counter(), release_folder(options.release)
    scorer, stored = classifier.load(place), load_release(place)
    size = sum(path.stat().st_size for path in place.iterdir())
    print("# reading", flush=True)
    sets = read_sets(options.folder, quick=options.quick)
    n, few, rounds = (200, 20, 2) if options.quick else (4_000, 200, 5)
    texts, whose = real_messages(n)
    with ExitStack() as stack:
        rankers, missing = [release(scorer, size, texts, few)], []
        if not options.only_release:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            others, missing = baselines(sets.train, texts, few, folder)
            for other in others:
                stack.callback(other.stop)
            rankers += others
        measured = board(scorer, rankers, sets, len(texts), rounds)
    reached = bars(measured, size)
    command = "make scoreboard" if whole else " ".join(["python benchmarks/scoreboard.py", *sys.argv[1:]])
    seconds = time.perf_counter() - began
    text = page(measured, stored, reached, missing, command=command, seconds=seconds, whose=whose, rounds=rounds,
                quick=options.quick)  # fmt: skip
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    print("\n".join(bar_table(reached)))
    print(f"written to {target}, {seconds:.0f} seconds")


if __name__ == "__main__":
    main()
