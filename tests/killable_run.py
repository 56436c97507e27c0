"""Runs for test_resume.py to kill. What they score with takes no model and says what follows from the text alone.

killable_run.py run PAUSE ROWS SOURCE TARGET     print "ready", then score at a pace; print how often it was resumed
killable_run.py everywhere SOURCE FOLDER KIND    kill a run before each step on the disk, and finish it; print steps
"""

import os
import resource
import signal
import sys
import time
import zlib
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet  # noqa: F401

from classifier.batch import score_export


def scorer(pause=0.0, release_id="r1"):
    def recommend(texts, surfaces):
        time.sleep(pause)
        sums = np.array([zlib.crc32(str(text).encode()) for text in texts], np.int64)
        confidences = (np.stack([sums >> shift & 1023 for shift in range(0, 12, 2)], 1) / 1023).astype(np.float32)
        label_actions = (confidences * 3.9).astype(np.uint8)
        reasons = [f'[{{"label": "spam", "confidence": 0.5, "spans": [[0, 1, "{n % 9973}"]]}}]' for n in sums]
        actions = label_actions.max(axis=1)
        return SimpleNamespace(
            confidences=confidences, actions=actions, known=sums % 7 > 0, label_actions=label_actions, reasons=reasons
        )

    return SimpleNamespace(release_id=release_id, recommend=recommend)


def run(pause, rows, source, target):
    if limit := int(os.environ.get("LARGEST_FILE", "0")):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    print("ready", flush=True)
    options = {"batch_size": 512, "checkpoint_rows": int(rows), "severest": 5}
    print(score_export(scorer(float(pause)), source, target, **options).resumed)


def forked(source, target, at):
    """Score in a child that kills itself before its `at`-th step that changes what is on the disk."""
    if pid := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    steps = count(1)

    def patched(function):
        def step(*args, **kwargs):
            if next(steps) == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return step

    for name in ("fsync", "replace", "unlink", "rmdir", "mkdir"):
        setattr(os, name, patched(getattr(os, name)))
    score_export(scorer(), source, target, batch_size=64, checkpoint_rows=256)
    os._exit(0)


def everywhere(source, folder, kind):
    for at in count(1):
        target = Path(folder, str(at), f"r.{kind}")
        target.parent.mkdir()
        target.with_name(f"r.{kind}.set-aside.csv").write_text("of an earlier run")
        code = forked(source, target, at)
        if code == 0:
            print(at - 1)
            return
        assert code == -signal.SIGKILL
        assert forked(source, target, 0) == 0


if __name__ == "__main__":
    {"run": run, "everywhere": everywhere}[sys.argv[1]](*sys.argv[2:])
