"""Speed and memory of ``classifier score`` by size of export: ``python benchmarks/export_size.py [rows ...]``.

Each export is scored by the command line in a process of its own, start-up included; its peak resident memory is what
the system reports of that process. Writes docs/export_size.md and docs/export_size.svg.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from message_mix import write_export

DOCS = Path(__file__).parents[1] / "docs"
Figures = tuple[str, int, float, float, float, float]


def measured(kind: str, rows: int, folder: Path) -> Figures:
    """The format, the rows, and seconds, peak memory in MB, size of the export in MB and processor seconds."""
    source = write_export(folder / f"e{rows}.{kind}", rows)
    target = folder / f"r{rows}.{kind}"
    command = [sys.executable, "-m", "classifier.cli", "score", str(source), "-o", str(target)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if process.returncode or status:
        raise SystemExit(f"{' '.join(command)}: {status}")
    size = source.stat().st_size / 1e6
    for path in folder.iterdir():
        path.unlink()
    return kind, rows, seconds, usage.ru_maxrss / 1024, size, usage.ru_utime + usage.ru_stime


def draw(figures: list[Figures]) -> None:
    """Speed and memory over size, one line per format."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "export_size"
    from matplotlib import pyplot as plt

    picture, (speed, memory) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for kind in dict.fromkeys(figure[0] for figure in figures):
        rows = [figure[1] for figure in figures if figure[0] == kind]
        speed.plot(rows, [n / figure[2] for n, figure in zip(rows, of(figures, kind), strict=True)], "o-", label=kind)
        memory.plot(rows, [figure[3] for figure in of(figures, kind)], "o-", label=kind)
    memory.axhline(500, color="grey", linestyle=":")
    for axes, title in ((speed, "messages per second, start-up included"), (memory, "peak memory, MB")):
        axes.set(xscale="log", xlabel="messages", title=title, ylim=(0, None))
        axes.legend()
    picture.savefig(DOCS / "export_size.svg", metadata={"Date": None})


def of(figures: list[Figures], kind: str) -> list[Figures]:
    """The figures of one format."""
    return [figure for figure in figures if figure[0] == kind]


def main(*sizes: int) -> None:
    """Measure, print and write the page."""
    figures = []
    lines = ["| export | messages | size | seconds | messages per second | processor seconds | peak memory |",
             "| --- " * 7 + "|"]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for rows in sizes or (1_000, 100_000, 1_000_000, 10_000_000):
            for kind in ("parquet", "csv"):
                figures.append(figure := measured(kind, rows, Path(folder)))
                _, _, seconds, peak, size, processor = figure
                lines.append(f"| {kind} → {kind} | {rows:,} | {size:,.1f} MB | {seconds:,.1f} | "
                             f"{rows / seconds:,.0f} | {processor:,.1f} | {peak:,.0f} MB |")  # fmt: skip
                print(lines[-1], flush=True)
    draw(figures)
    when = f"{os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}"
    load = f"at nice {os.nice(0)} and a load of {os.getloadavg()[2]:.1f} at the end"
    page = f"""# Speed and memory by size of export

Measured by `python benchmarks/export_size.py` on {when}, {load}:
the command line as a person runs it, start-up included. The messages are ours, one in ten of them with a label. What
other programs do meanwhile changes the wall-clock seconds; it changes neither processor seconds nor memory.

{chr(10).join(lines)}

![messages per second and peak memory over the number of messages](export_size.svg)

Memory does not grow with the export: at most two batches of 8,192 rows are read ahead and two wait to be written, and
the rows of one row group of the result (131,072) are held until it is whole.
"""
    (DOCS / "export_size.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
