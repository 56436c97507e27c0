"""``classifier score`` of a million messages, Parquet to Parquet: ``python benchmarks/million_messages.py [--quick]``.

The command line as a person runs it, start-up included, on our messages perturbed (`message_mix`). Its peak resident
memory is what the system reports of that process.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measuring import Bar, Part, Spread, run, watched
from message_mix import write_export


def measure(quick: bool) -> Part:
    """Measure and tell."""
    rounds, rows = (1, 20_000) if quick else (3, 1_000_000)
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = write_export(folder / "export.parquet", rows)
        for turn in range(rounds):
            target = folder / f"result{turn}.parquet"
            command = [sys.executable, "-m", "classifier.cli", "score", str(source), "-o", str(target)]
            found.append(watched(command))
            size = target.stat().st_size / 1e6
            target.unlink()
        read = source.stat().st_size / 1e6
    rate, peak = Spread.of([rows / s for s, _, _ in found]), Spread.of([mb for _, mb, _ in found])
    processor = Spread.of([used for _, _, used in found])
    return Part(f"`classifier score` of {rows:,} messages, Parquet to Parquet", [
        Bar(f"end to end, {rows:,} messages, Parquet → Parquet", 60_000, rate, "messages/s"),
        Bar("peak memory of it", 700, peak, "MB", most=True),
    ], [
        f"{rounds} runs of the whole command, start-up included: {read:.0f} MB in, {size:.0f} MB out, one message in",
        "ten with a label, every recommendation with its reasons, checkpoints on.",
        "", "| | median | least–most |", "| --- | --- | --- |",
        f"| seconds | {Spread.of([s for s, _, _ in found]).cells()} |",
        f"| processor seconds | {processor.cells()} |",
        f"| messages per second | {rate.cells(0)} |", f"| peak memory, MB | {peak.cells(0)} |",
    ])  # fmt: skip


if __name__ == "__main__":
    run(measure)
