"""fastText in its own environment: our six labels one against all, n-grams of the lengths we use, trained here."""

from __future__ import annotations

from importlib.metadata import version

from serving import serve


def load(texts, more):
    """Train on ``more["train"]``, a file in fastText's format; a line break ends a message there, so none has one."""
    import fasttext

    model = fasttext.train_supervised(
        more["train"], loss="ova", wordNgrams=2, minn=2, maxn=5, dim=50, epoch=5, minCount=2, thread=2, verbose=0
    )
    told = f"fastText (fasttext-wheel {version('fasttext-wheel')}), 50 dimensions"
    return model, [" ".join(text.split()) for text in texts], told


serve(load, lambda model, texts: model.predict(texts, k=-1), lambda model, text: model.predict(text, k=-1))
