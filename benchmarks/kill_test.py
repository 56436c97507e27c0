"""Kills real runs of ``classifier score`` and compares what they end with: ``python benchmarks/kill_test.py [kills]``.

Scores an export of 60,000 messages with the shipped model through the command line, from and to CSV, JSON Lines and
Parquet in turn. Each run is killed (SIGKILL) at a random moment, start-up included, and the same command given again,
until an unkilled one ends; then the result, the list of rows set aside and the report must be those of a run that
nobody disturbed. Prints how many kills fell where.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import cycle
from pathlib import Path

from message_mix import write_export

ROWS, CHECKPOINT = 60_000, 4096
TIMES = ("seconds", "started", "finished", "resumed", "target", "notes")


def command(source: Path, target: Path) -> list[str]:
    """The command a person types."""
    scorer = [sys.executable, "-m", "classifier.cli", "score"]
    return [*scorer, str(source), "-o", str(target), "--checkpoint-rows", str(CHECKPOINT)]


def contents(folder: Path) -> dict[str, object]:
    """Every file of a folder; of a report what does not depend on time or place."""
    found: dict[str, object] = {}
    for path in sorted(folder.iterdir()):
        found[path.name] = path.read_bytes() if path.is_file() else "a folder"
        if path.name.endswith(".report.json"):
            found[path.name] = {k: v for k, v in json.loads(path.read_text()).items() if k not in TIMES}
    return found


def journal(target: Path) -> int:
    """How many rows a killed run had finished."""
    try:
        state = json.loads(Path(f"{target}.partial", "journal.json").read_text())["state"]
    except FileNotFoundError:
        return 0
    return int(state.get("tally", {}).get("rows", 0))


def main(kills: int = 200) -> None:
    """Kill and compare."""
    draw, where, finished = random.Random(7), Counter[str](), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = []
        for kind in ("csv", "parquet", "jsonl"):
            source = write_export(folder / f"messages.{'csv' if kind == 'jsonl' else kind}", ROWS)
            undisturbed = folder / f"undisturbed-{kind}"
            undisturbed.mkdir()
            started = time.perf_counter()
            subprocess.run(command(source, undisturbed / f"r.{kind}"), check=True, capture_output=True)
            cases.append((kind, source, contents(undisturbed), time.perf_counter() - started))
        for turn, (kind, source, expected, seconds) in enumerate(cycle(cases)):
            place = folder / str(turn)
            place.mkdir()
            target = place / f"r.{kind}"
            for _ in range(draw.randint(1, 8)):
                before = journal(target)
                with subprocess.Popen(command(source, target), stdout=subprocess.DEVNULL) as process:
                    try:
                        process.wait(draw.uniform(0, seconds))
                    except subprocess.TimeoutExpired:
                        process.kill()
                        kills -= 1
                    else:
                        if process.returncode:
                            raise SystemExit(f"exit code {process.returncode}")
                        break
                done = journal(target)
                moment = "after more was finished" if done > before else "before anything more was finished"
                where[f"{moment}, {'resumed' if before else 'fresh'}"] += 1
            subprocess.run(command(source, target), check=True, capture_output=True)
            if contents(place) != expected:
                raise SystemExit(f"{kind}: the result differs, see seed 7, turn {turn}")
            finished += 1
            if kills <= 0:
                break
    print(f"{sum(where.values())} kills, {finished} results, all equal byte for byte to those of undisturbed runs")
    for moment, count in where.most_common():
        print(f"  {count:4} {moment}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
