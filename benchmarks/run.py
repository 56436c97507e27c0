"""All speed benchmarks in one run: ``make bench``, or ``python benchmarks/run.py [--quick] [--only PART ...]``.

Each part runs in a process of its own; what they measure becomes benchmarks/RESULTS.md, first the bars, then the
details. With ``--quick`` everything is tried on little data and written to out/bench instead.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from measuring import ROOT, Part, stored, wrapped

PARTS = {
    "scoring": "scoring_speed.py",
    "peers": "peers_speed.py",
    "fit": "fit_speed.py",
    "million": "million_messages.py",
    "start-up": "start_up.py",
    "growth": "growth.py",
}
PACKAGES = ("guideline-classifier", "numpy", "numba", "llvmlite", "scikit-learn", "scipy", "pandas", "pyarrow")


def processor() -> str:
    """The name of the processor as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "an unnamed processor"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def page(parts: list[Part], command: str, load: tuple[float, float]) -> str:
    """The whole page."""
    bars = [bar.row() for part in parts for bar in part.bars]
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    details = [line for part in parts for line in ("", f"## {part.title}", "", *part.lines)]
    return "\n".join(wrapped([
        "# How fast", "",
        f"Written by `{command}` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, {processor()},",
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}; {versions}.",
        f"Load of the machine before {load[0]:.1f} and after {load[1]:.1f}, nice {os.nice(0)}.", "",
        "Contestants take turns, round by round; ratios are of the same round. A bar is met where the median meets it.",
        "", "## The bars", "",
        "| | bar | measured, median | least–most | met |", "| --- | --- | --- | --- | --- |", *bars, *details, "",
    ]))  # fmt: skip


def main() -> None:
    """Run the parts and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little data and few rounds: tries it, measures nothing")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part (may be repeated)")
    options = parser.parse_args()
    chosen, before, parts, failed = options.only or [*PARTS], os.getloadavg()[0], [], False
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            print(f"# {name}", flush=True)
            script, kept = Path(__file__).with_name(PARTS[name]), Path(folder, f"{name}.json")
            more = ["--quick"] if options.quick else []
            ended = subprocess.run([sys.executable, script, "--json", kept, *more], check=False).returncode
            parts.append(Part(name, lines=[f"This part ended with exit code {ended}."]) if ended else stored(kept))
            failed |= bool(ended)
    whole = not options.quick and not options.only
    target = ROOT / "benchmarks" / "RESULTS.md" if whole else ROOT / "out" / "bench" / "RESULTS.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    command = "make bench" if whole else " ".join(["python benchmarks/run.py", *sys.argv[1:]])
    target.write_text(page(parts, command, (before, os.getloadavg()[0])), encoding="utf-8")
    print(f"\nwritten to {target.relative_to(ROOT)}")
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
