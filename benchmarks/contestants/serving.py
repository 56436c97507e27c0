"""The line protocol of a contestant: one JSON request a line in, one JSON answer a line out, in its own environment.

``{"do": "load", "texts": path, "more": {...}}`` reads messages, ``batch`` gives the seconds of one pass over all of
them, ``single`` the seconds of one call for each of the first ``n``. Start-up and reading are never counted. Where a
contestant says how, ``{"do": "scores", "texts": path}`` gives scores of other messages and ``size`` its model's bytes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def serve(load, batch, single, scores=None, size=None) -> None:
    """Answer until input ends: ``load(texts, more)`` gives a model, its texts and what it is; the others take them."""
    answers = os.fdopen(os.dup(1), "w")  # what libraries print must not come between
    os.dup2(2, 1)
    model, texts = None, []
    for line in sys.stdin:
        request = json.loads(line)
        answer: object = None
        if request["do"] == "load":
            texts = json.loads(Path(request["texts"]).read_text(encoding="utf-8"))
            model, texts, answer = load(texts, request["more"])
        elif request["do"] == "batch":
            started = time.perf_counter()
            batch(model, texts)
            answer = time.perf_counter() - started
        elif request["do"] == "scores":
            answer = scores(model, json.loads(Path(request["texts"]).read_text(encoding="utf-8")))
        elif request["do"] == "size":
            answer = size(model)
        else:
            answer = []
            for text in texts[: request["n"]]:
                started = time.perf_counter()
                single(model, text)
                answer.append(time.perf_counter() - started)
        print(json.dumps(answer), file=answers, flush=True)
