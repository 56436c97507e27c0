"""fastText in its own environment: our six labels, n-grams of the lengths we use, trained here.

With ``more["train"]``, a file in fastText's format, one model of all labels, one against all. With ``more["labels"]``,
a folder with such a file for each label (``__label__1`` and ``__label__0``), a model for each, in the order of names.
A line break ends a message in those files, so none has one.
"""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from pathlib import Path

from serving import serve

SETTINGS = {"loss": "ova", "wordNgrams": 2, "minn": 2, "maxn": 5, "dim": 50, "minCount": 2, "thread": 2, "verbose": 0}


def load(texts, more):
    """Train, and bring the messages into lines."""
    import fasttext

    files = sorted(Path(more["labels"]).glob("?_*.txt")) if "labels" in more else [more["train"]]
    epochs, rate = int(more.get("epochs", 5)), float(more.get("rate", 0.1))  # defaults: fastText's own
    models = [fasttext.train_supervised(str(file), epoch=epochs, lr=rate, **SETTINGS) for file in files]
    told = f"fastText (fasttext-wheel {version('fasttext-wheel')}), 50 dimensions"
    told += f", {len(models)} models, {epochs} epochs, learning rate {rate:g}" if "labels" in more else ""
    return models, lines(texts), told


def lines(texts):
    """Messages without line breaks."""
    return [" ".join(text.split()) for text in texts]


def ask(models, texts):
    """What each model says of a message or of all."""
    return [model.predict(texts, k=-1) for model in models]


def scores(models, texts):
    """The probability of ``__label__1`` by each model."""
    columns = []
    for found, shares in ask(models, lines(texts)):
        told = (dict(zip(*row, strict=True)) for row in zip(found, shares, strict=True))
        columns.append([float(row.get("__label__1", 0.0)) for row in told])
    return list(zip(*columns, strict=True))


def size(models):
    """Bytes of all models as files."""
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.bin")
        for model in models:
            model.save_model(str(path))
            total += path.stat().st_size
    return total


serve(load, ask, ask, scores, size)
