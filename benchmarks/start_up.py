"""What a new process costs: ``python benchmarks/start_up.py [--quick]``.

Seconds to import the package and score a first message, with loops compiled before and with an empty compile cache;
and the memory of ten workers with the same release.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

from measuring import Bar, Part, Spread, run, watched

FIRST = """
import time
started = time.perf_counter()
import classifier
verdict = classifier.score("nice to meet you, shall we practise on Monday?")
print(time.perf_counter() - started)
"""
# A worker scores, says so, waits until all have, and tells what of its memory is its own.
WORKER = """
import json, re, sys
from pathlib import Path
import classifier
scorer = classifier.load()
scorer.confidences(["nice to meet you", "you 1d10t"] * 2000, threads=1)
print("ready", flush=True)
sys.stdin.readline()
rollup = Path("/proc/self/smaps_rollup").read_text()
found = {name: int(kb) for name, kb in re.findall(r"^(Rss|Pss|Private_Dirty):\\s+(\\d+)", rollup, re.M)}
release = {"Rss": 0, "Pss": 0}
inside = False
for line in Path("/proc/self/smaps").read_text().splitlines():
    if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
        inside = line.endswith(".npy")
    elif inside and (pair := re.match(r"(Rss|Pss):\\s+(\\d+)", line)):
        release[pair[1]] += int(pair[2])
print(json.dumps([found, release]), flush=True)
sys.stdin.readline()
"""


def first_message(environment: dict[str, str]) -> tuple[float, float, float]:
    """Wall-clock seconds of a process that scores one message, its peak memory in MB, and its processor seconds."""
    return watched([sys.executable, "-c", FIRST], environment)


def seconds_in(found: list[tuple[float, float, float]]) -> Spread:
    """The wall-clock seconds of several processes."""
    return Spread.of([seconds for seconds, _, _ in found])


def shared_by(workers: int) -> tuple[list[dict[str, int]], list[dict[str, int]]]:
    """What each of so many workers holds in kB: all it has, and of it the release's arrays."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([sys.executable, "-c", WORKER], **pipes) for _ in range(workers)]
    for process in started:
        process.stdout.readline()
    found = []
    for process in started:
        process.stdin.write("tell\n")
        process.stdin.flush()
        found.append(json.loads(process.stdout.readline()))
    for process in started:
        process.communicate("end\n")
    return [own for own, _ in found], [release for _, release in found]


def measure(quick: bool) -> Part:
    """Measure and tell."""
    rounds, cold_rounds, workers = (2, 1, 3) if quick else (15, 3, 10)
    first_message({})  # compiles, if need be
    warm = [first_message({}) for _ in range(rounds)]
    cold = []
    for _ in range(cold_rounds):
        with tempfile.TemporaryDirectory() as folder:
            cold.append(first_message({"NUMBA_CACHE_DIR": folder}))
    whole, release = shared_by(workers)
    own, of_release = ({key: sum(one[key] for one in found) / 1024 for key in found[0]} for found in (whole, release))
    rows = [
        f"| {name} | {seconds_in(found).cells(2)} | {Spread.of([peak for _, peak, _ in found]).cells(0)} |"
        for name, found in (("loops compiled before", warm), ("empty compile cache", cold))
    ]
    return Part("Start-up and memory of workers", [
        Bar("import and first message, new process, warm compile cache", 1.0, seconds_in(warm), "s", most=True),
        Bar("the same with an empty compile cache", 20, seconds_in(cold), "s", most=True),
    ], [
        f"Whole processes from start to end, the interpreter included; {rounds} warm runs, {cold_rounds} with an empty",
        "`NUMBA_CACHE_DIR`.",
        "", "| first message | s | least–most | peak memory, MB | least–most |", "| --- | --- | --- | --- | --- |",
        *rows, "",
        f"{workers} workers that loaded the shipped release and scored, each a process of its own, at the same time:",
        "", "| | resident, added up | shares added up (PSS) | private and written to |", "| --- | --- | --- | --- |",
        f"| all memory | {own['Rss']:.0f} MB | {own['Pss']:.0f} MB | {own['Private_Dirty']:.0f} MB |",
        f"| the release's arrays | {of_release['Rss']:.1f} MB | {of_release['Pss']:.1f} MB | |",
        "", "Shares added up are what the workers cost together: of the release there is one copy for all.",
    ])  # fmt: skip


if __name__ == "__main__":
    run(measure)
