"""Presidio's analyzer in its own environment: its patterns for telephone numbers, e-mail, cards, IBANs and documents.

No named entities: a blank spaCy model tokenises, which costs least. The telephone recogniser keeps its own regions.
"""

from __future__ import annotations

import logging
import tempfile
from importlib.metadata import version

from serving import serve

RECOGNISERS = "Phone Email CreditCard Iban UsSsn UsPassport UsLicense UsBank UkNino EsNif ItFiscalCode"


def load(texts, more):  # noqa: ARG001
    """An engine with the recognisers of these kinds."""
    import presidio_analyzer.predefined_recognizers as predefined
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    logging.disable(logging.CRITICAL)
    blank = f"{tempfile.mkdtemp()}/blank"
    spacy.blank("en").to_disk(blank)
    models = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": blank}]}
    registry, added = RecognizerRegistry(supported_languages=["en"]), 0
    for name in RECOGNISERS.split():
        if recogniser := getattr(predefined, f"{name}Recognizer", None):
            registry.add_recognizer(recogniser(supported_language="en"))
            added += 1
    engine = AnalyzerEngine(
        registry=registry,
        nlp_engine=NlpEngineProvider(nlp_configuration=models).create_engine(),
        supported_languages=["en"],
    )
    return engine, texts, f"presidio-analyzer {version('presidio-analyzer')}, {added} pattern recognisers"


def one(engine, text):
    """Analyze one message."""
    return engine.analyze(text=text, language="en")


serve(load, lambda engine, texts: [one(engine, text) for text in texts], one)
