"""From a batch of an export and what is recommended for it to the columns that are sorted by sender."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.guidelines import LABELS, SURFACES
from classifier.policy import Action
from classifier.results import plain_id
from classifier.severity import DETAILS
from classifier.text import clean
from classifier.timestamps import parse_time

if TYPE_CHECKING:
    from classifier.batch import Recommendations
    from classifier.exports import MessageBatch
    from classifier.policy import Policy

__all__ = ["answer_columns", "sent_columns"]

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def sent_columns(batch: MessageBatch, found: Recommendations, policy: Policy | None) -> dict[str, list[Any]]:
    """The messages of a batch as columns of `sender_partitions.COLUMNS`; `owner` is the sender, None where unknown.

    A message speaks of the writer's own distress where the model of severity says so, recommended or not.
    """
    n = len(batch)
    nothing: list[str | None] = [None] * n
    times = batch.times or nothing
    texts = [str(text) for text in batch.texts]
    cleaned = [clean(text) for text in texts]
    moments = [parse_time(value) for value in times]
    ids = batch.ids if isinstance(batch.ids, list) else batch.ids.to_pylist()
    ceilings = _ceilings(policy)
    levels = found.label_actions
    allowed = np.array([ceilings[surface] for surface in batch.surfaces], np.uint8).reshape(n, len(LABELS))
    return {
        "owner": batch.senders or nothing,
        "recipient": batch.recipients or nothing,
        "row": list(batch.rows),
        "id": [json.dumps(plain_id(key)) for key in ids],
        "time": times,
        "when": [None if moment is None else (moment - _EPOCH) // _MICROSECOND for moment in moments],
        "surface": batch.surfaces,
        "profile": batch.profiles or nothing,
        "key": [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in cleaned],
        "width": [_width(text) for text in cleaned],
        "level": found.actions.tolist(),
        "ceiling": np.where(levels > 0, allowed, 0).max(axis=1, initial=0).tolist(),
        "labels": [row.tobytes() for row in np.ascontiguousarray(levels, np.uint8)],
        "distress": found.details[:, DETAILS.index("distress")].tolist(),
        "text": [text.encode("utf-8", "surrogatepass") for text in texts],
        "reasons": [reason.encode("utf-8", "surrogatepass") for reason in found.reasons],
    }


def answer_columns(sent: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Who wrote to whom and when, seen from the recipient: rows without a message, to the recipient's partition."""
    pairs = zip(sent["recipient"], sent["owner"], sent["row"], sent["when"], strict=True)
    rows = [pair for pair in pairs if pair[0] is not None and pair[1] is not None and pair[0] != pair[1]]
    return {name: [row[i] for row in rows] for i, name in enumerate(("owner", "recipient", "row", "when"))}


def _ceilings(policy: Policy | None) -> dict[str | None, list[int]]:
    """The highest level of action of each label on each surface."""
    ceilings: dict[str | None, list[int]] = {
        surface: [Action.BLOCK.level] * len(LABELS) for surface in (None, *SURFACES)
    }
    for surface, by_label in (policy.surfaces if policy else {}).items():
        for label, rule in by_label.items():
            ceilings[surface][LABELS.index(label)] = rule.at_most.level
    return ceilings


def _width(text: str) -> int:
    """Characters, ideographs and syllables of East Asian scripts twice."""
    return len(text) if text.isascii() else len(text) + sum("\u1100" <= char <= "\ud7ff" for char in text)
