"""alt-profanity-check in its own environment: one label, a count vectorizer and a calibrated linear model."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from serving import serve


def load(texts, more):  # noqa: ARG001
    """The model is loaded on import."""
    from profanity_check import predict_prob

    return predict_prob, texts, f"alt-profanity-check {version('alt-profanity-check')}"


def size(_predict):
    """Bytes of the files of its model."""
    import profanity_check

    return sum(path.stat().st_size for path in Path(profanity_check.__file__).parent.rglob("*.joblib"))


serve(
    load,
    lambda predict, texts: predict(texts),
    lambda predict, text: predict([text]),
    lambda predict, texts: predict(texts).tolist(),
    size,
)
