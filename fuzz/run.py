"""Fuzz each target for some seconds: ``python fuzz/run.py SECONDS [TARGET ...]``; `make fuzz` runs all.

With atheris the search follows the branches of the code; without it, it is hypothesis that makes up the bytes. Each
target runs in a process of its own, because a crash ends the process, which is what we look for.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def fuzz(name: str, seconds: int) -> None:
    """Run one target in this process."""
    if name == "cleaning":  # compiled loops have no branches that atheris sees, and its import hook stops numba
        _mutate(name, seconds)
        return
    try:
        import atheris
    except ModuleNotFoundError:
        _mutate(name, seconds)
        return
    with atheris.instrument_imports(include=["classifier"], exclude=["classifier.kernels", "numba", "numpy"]):
        import targets
    target = targets.TARGETS[name]
    with tempfile.TemporaryDirectory() as corpus:
        for kind, seed in targets.SEEDS.items():
            Path(corpus, kind).write_bytes(seed)
        options = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=20", "-rss_limit_mb=3000", "-verbosity=0",
                   "-print_final_stats=1", f"-artifact_prefix={tempfile.gettempdir()}/{name}-"]  # fmt: skip
        atheris.Setup([sys.argv[0], *options, corpus], target)
        atheris.Fuzz()


def _mutate(name: str, seconds: int) -> None:
    """Change the seeds at random and let hypothesis make up the rest."""
    import targets
    from hypothesis import given, settings
    from hypothesis import strategies as st

    target, runs, end = targets.TARGETS[name], 0, time.monotonic() + seconds
    hypothesis = settings(database=None, deadline=None)(given(st.binary(max_size=4096))(target))
    dice = random.Random(0)
    while time.monotonic() < end:
        data = bytearray(dice.choice([*targets.SEEDS.values()]))
        for _ in range(dice.randrange(1, 8)):
            at = dice.randrange(len(data) + 1)
            data[at : at + dice.randrange(4)] = dice.randbytes(dice.randrange(4))
        target(bytes(data))
        hypothesis.hypothesis.fuzz_one_input(dice.randbytes(512))
        runs += 2
    print(f"{name}: {runs} runs")


def main() -> None:
    """Run the targets named, or all, one after another; exit with 1 if one fails."""
    seconds, names = int(sys.argv[1]), sys.argv[2:]
    if names[:1] == ["--here"]:
        fuzz(names[1], seconds)
        return
    sys.path.insert(0, str(Path(__file__).parent))
    import targets

    failed = []
    for name in names or targets.TARGETS:
        done = subprocess.run(
            [sys.executable, __file__, str(seconds), "--here", name], capture_output=True, text=True, check=False,
            errors="replace",
        )  # fmt: skip
        runs = [
            line
            for line in (done.stdout + done.stderr).splitlines()
            if "number_of_executed_units" in line or "runs" in line
        ]
        print(f"{name}: exit code {done.returncode}; {runs[-1] if runs else ''}", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stderr[-3000:], flush=True)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
