"""The messages that speed is measured on: texts of public corpora where they are at hand, else ours.

``real_messages(n)`` mixes them evenly, in an order that is the same every time. Nothing is downloaded: corpora come
from ``CLASSIFIER_MIRROR`` or ``data/downloads`` (`classifier corpora fetch`).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from measuring import ROOT
from message_mix import our_messages

from classifier.corpora import load_registry, read

DOWNLOADS = ROOT / "data" / "downloads"
# Chat, comments, posts and SMS of every length, in some fifteen languages; reading all corpora would take a minute.
CORPORA = (
    "davidson2017", "edos", "hatexplain", "wiki-toxicity", "goemotions", "topical-chat", "sms-spam-collection",
    "youtube-spam", "clinc150", "germeval2018_de", "toldbr_pt", "cold_zh", "kocohub_ko", "mlma", "sib-200",
    "tatoeba-laser",
)  # fmt: skip


def real_messages(n: int) -> tuple[list[str], str]:
    """So many different messages, and a sentence that says whose."""
    folder = os.environ.get("CLASSIFIER_MIRROR") or DOWNLOADS
    registry, random = load_registry(), np.random.default_rng(0)
    found: list[list[str]] = []
    for name in CORPORA:
        corpus = registry.get(name)
        if corpus is not None and all((Path(folder) / name / file.name).is_file() for file in corpus.files):
            texts = read(corpus, DOWNLOADS)["text"].tolist()
            found.append([texts[k] for k in random.permutation(len(texts))])
    if not found:
        texts = [text for part in our_messages() for text in part]
        return [texts[k] for k in random.permutation(len(texts))[:n]], "our own messages (no corpora at hand)"
    mixed: list[str] = []
    for turn in range(max(map(len, found))):
        mixed += [texts[turn] for texts in found if turn < len(texts)]
        if len(mixed) >= n:
            break
    chosen = mixed[:n]
    characters = sum(map(len, chosen)) / len(chosen)
    return chosen, f"{len(chosen):,} messages of {len(found)} public corpora, {characters:.0f} characters on average"
