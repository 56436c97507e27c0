"""alt-profanity-check in its own environment: one label, a count vectorizer and a calibrated linear model."""

from __future__ import annotations

from importlib.metadata import version

from serving import serve


def load(texts, more):  # noqa: ARG001
    """The model is loaded on import."""
    from profanity_check import predict_prob

    return predict_prob, texts, f"alt-profanity-check {version('alt-profanity-check')}"


serve(load, lambda predict, texts: predict(texts), lambda predict, text: predict([text]))
