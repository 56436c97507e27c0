"""Against other programs, each in an environment of its own: ``python benchmarks/peers_speed.py [--quick]``.

alt-profanity-check (one label) and fastText (our six labels) score the messages we score; Presidio looks for contact
details where ``classifier.contacts.find_contacts`` does. Environments are made under ``benchmarks/.venvs`` on the first
run; a program that cannot be installed is reported as such. Each runs in a process of its own and takes its turn.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import Bar, Part, Spread, interleaved, median_of_each, ratio, run, seconds_of
from real_messages import real_messages

import classifier
from classifier.contacts import find_contacts
from classifier.guidelines import LABELS

HERE = Path(__file__).parent
NEEDS = {
    "alt_profanity": ["alt-profanity-check"],
    "fasttext_model": ["fasttext-wheel", "numpy<2"],  # its predict breaks under numpy 2
    "presidio": ["presidio-analyzer"],
}


class Missing(Exception):  # noqa: N818
    """A program that could not be installed or started."""


class Contestant:
    """A program in its own environment, started once and asked line by line."""

    def __init__(self, name: str, texts: list[str], folder: Path, **more: str) -> None:
        path = folder / f"{name}.json"
        path.write_text(json.dumps(texts), encoding="utf-8")
        script = HERE / "contestants" / f"{name}.py"
        self.complaints = (folder / f"{name}.txt").open("w+")
        self.process = subprocess.Popen(
            [environment(name), script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            text=True,
        )
        self.told = str(self.ask(do="load", texts=str(path), more=more))

    def ask(self, **request: Any) -> Any:
        """Send a request and wait for its answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{json.dumps(request)}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.process.wait()
            self.complaints.seek(0)
            lines = self.complaints.read().strip().splitlines() or ["it said nothing"]
            raise Missing(lines[-1])
        return json.loads(answer)

    def batch(self) -> float:
        """Seconds for all messages."""
        return float(self.ask(do="batch"))

    def single(self, n: int) -> float:
        """Median seconds of one message, of the first ``n``."""
        return statistics.median(self.ask(do="single", n=n))

    def stop(self) -> None:
        """End the process."""
        self.process.communicate()
        self.complaints.close()


def environment(name: str) -> Path:
    """The Python of a program's own environment, which is made where there is none."""
    folder = HERE / ".venvs" / name
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True, capture_output=True)
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *NEEDS[name]], check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            raise Missing(
                f"cannot be installed: {(error.stderr or 'no reason given').strip().splitlines()[-1]}"
            ) from error
        (folder / "ready").touch()
    return python


def training_file(folder: Path) -> Path:
    """Our labelled messages as fastText reads them; "none" where all labels are 0."""
    from equal_pipeline import our_examples

    path, lines = folder / "train.txt", []
    for row in our_examples().to_dict("records"):
        cells = [row[label] for label in LABELS]
        if any(cell not in (0, 1) for cell in cells):
            continue
        labels = [label for label, cell in zip(LABELS, cells, strict=True) if cell] or ["none"]
        lines.append(" ".join([*(f"__label__{label}" for label in labels), *row["text"].split()]))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def against(name: str, texts: list[str], few: int, rounds: int, ours: Any, ours_one: Any, **more: str) -> Any:
    """Batch and single figures of a program and ours, in turn: both dictionaries of rounds, and what it says it is."""
    with tempfile.TemporaryDirectory() as folder:
        if name == "fasttext_model":
            more["train"] = str(training_file(Path(folder)))
        contestant = Contestant(name, texts, Path(folder), **more)
        batch = interleaved({"theirs": contestant.batch, **ours}, rounds)
        single = interleaved({"theirs": lambda: contestant.single(few), "ours": ours_one}, rounds)
        contestant.stop()
    return batch, single, contestant.told


def measure(quick: bool) -> Part:
    """Measure and tell."""
    rounds, n, few = (2, 300, 40) if quick else (15, 8_000, 300)
    texts, whose = real_messages(n)
    scorer = classifier.load()
    contacts = texts[: max(few, n // 20)]
    batches = {"ours": lambda: seconds_of(lambda: scorer.confidences(texts, threads=1), 5),
               "ours, all threads": lambda: seconds_of(lambda: scorer.confidences(texts), 5)}  # fmt: skip
    contests = {
        "alt_profanity": (texts, batches, lambda: median_of_each(lambda text: scorer.confidences([text]), texts[:few])),
        "presidio": (contacts, {"ours": lambda: seconds_of(lambda: [find_contacts(text) for text in contacts])},
                     lambda: median_of_each(find_contacts, contacts[:few])),
    }  # fmt: skip
    contests["fasttext_model"] = (texts, *contests["alt_profanity"][1:])
    bars, rows, missing = [], [], []
    for name in ("alt_profanity", "fasttext_model", "presidio"):
        theirs, *ours = contests[name]
        try:
            batch, single, told = against(name, theirs, few, rounds, *ours)
        except Missing as error:
            missing.append(f"{name} is not measured: {error}.")
            continue
        for who, what in (("theirs", told), ("ours", "ours, one thread")):
            rate = Spread.of([len(theirs) / s for s in batch[who]])
            micro = Spread.of([s * 1e6 for s in single[who]])
            rows.append(f"| {what} | {rate.cells(0)} | {micro.cells()} |")
        factor, factor_one = ratio(batch, "theirs", "ours"), ratio(single, "theirs", "ours")
        rows.append(f"| **times as fast** | {factor.cells()} | {factor_one.cells()} |")
        if name == "alt_profanity":
            bars.append(Bar("batch against alt-profanity-check (one label) with our six, one thread", 3, factor))
            called = ratio(batch, "theirs", "ours, all threads")
            bars.append(Bar("the same, both as they are called: ours then takes all processors", 3, called))
    return Part("Against other programs", bars, [
        f"{whose}; the shipped release ({len(scorer.release.arrays['rows']):,} features, six labels), {rounds} rounds.",
        "fastText is trained on our messages with our n-gram lengths, and asked for all labels. Presidio and ours look",
        f"for contact details in {len(contacts):,} of the messages, one after the other.",
        *missing,
        "", "| program | messages per second | least–most | one message, µs | least–most |",
        "| --- | --- | --- | --- | --- |", *rows,
    ])  # fmt: skip


if __name__ == "__main__":
    run(measure)
