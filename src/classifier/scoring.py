"""`Classifier`: the one way from text to confidences, recommendations and reasons.

The command line, batches, Spark, the MLflow model and importing services all enter here.
"""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.errors import ReleaseError
from classifier.guidelines import GUIDELINES, LABELS, SURFACES
from classifier.kernels import scoring as kernel
from classifier.kernels.ngrams import NgramRanges, room_for
from classifier.policy import ACTIONS, Action, Policy
from classifier.release import Release, load_release, release_folder
from classifier.text import as_texts, cleaning_tables, code_points, column_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Classifier", "Contribution", "Explanation", "Reason", "Recommendations", "Span", "Verdict", "load", "score"]

_CHUNK = 4096  # messages encoded at a time: bounds memory whatever the number of messages
_CHUNK_CHARACTERS = 4 << 20
_WORTH_THREADS = 512  # messages below which a second thread costs more than it gives
_MAX_SPANS = 3


class Span(NamedTuple):
    """A stretch of the original message, ``text[start:end]``."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Reason:
    """Why an action is recommended: a label whose confidence reached the action's threshold, and what weighed most."""

    label: str
    action: Action
    confidence: float
    threshold: float
    spans: tuple[Span, ...]

    def as_dict(self) -> dict[str, object]:
        """The reason as JSON takes it."""
        return {
            "label": self.label,
            "action": self.action.value,
            "confidence": round(self.confidence, 4),
            "threshold": round(self.threshold, 4),
            "spans": [list(span) for span in self.spans],
        }


@dataclass(frozen=True)
class Verdict:
    """What is recommended for one message, and why.

    ``labels`` are those at or above their flag threshold; ``advice`` what the platforms tell a member to do, a line for
    each reason; ``known`` is False where the text carries no feature the model knows, or too little to be judged (no
    ideograph or emoji, fewer than two letters and than six digits): nothing is then recommended.
    """

    recommendation: Action
    confidences: dict[str, float]
    labels: tuple[str, ...]
    reasons: tuple[Reason, ...]
    advice: str
    known: bool
    release: str
    surface: str | None = None


@dataclass(frozen=True)
class Recommendations:
    """Verdicts of many messages as arrays: confidences (n, 6), label_actions (n, 6), actions (n,), known (n,).

    Actions are levels, 0 none to 3 block; ``reasons[i]`` is a JSON list.
    """

    confidences: NDArray[np.float32]
    label_actions: NDArray[np.uint8]
    actions: NDArray[np.uint8]
    known: NDArray[np.bool_]
    reasons: list[str]


@dataclass(frozen=True)
class Contribution:
    """What one word (or ideograph, kana, emoji, sign) adds to the score of each label, before calibration."""

    span: Span
    cleaned: str
    scores: dict[str, float]


@dataclass(frozen=True)
class Explanation:
    """A score taken apart: for each label the contributions and the intercept add up to the score."""

    cleaned: str
    contributions: tuple[Contribution, ...]
    intercepts: dict[str, float]
    scores: dict[str, float]
    verdict: Verdict


class Classifier:
    """A loaded release that scores messages. Safe under threads and after ``fork``.

    Parameters
    ----------
    release : Release
    policy : Policy or None
        Replaces the policy of the release; must be resolved.

    Examples
    --------
    >>> import classifier
    >>> c = classifier.load()
    >>> verdict = c.score("you are such a worthless idiot, nobody likes you", surface="comment")
    >>> verdict.recommendation >= "flag", verdict.labels
    (True, ('harassment',))
    >>> c.confidences(["How do you say 'idiot' in Spanish?", "nice to meet you!"]).shape
    (2, 6)
    """

    def __init__(self, release: Release, policy: Policy | None = None) -> None:
        self.release = release
        self.policy = policy or release.policy
        arrays, coefficients = release.arrays, {k: np.array(v, np.float64) for k, v in release.coefficients.items()}
        self._model = kernel.Model(
            arrays["slots"], arrays["rows"], arrays["idf"],
            coefficients["steps"], coefficients["intercepts"], coefficients["slopes"], coefficients["offsets"],
        )  # fmt: skip
        self._ranges = NgramRanges(*release.settings["word_ngrams"], *release.settings["char_ngrams"])
        self._tables = cleaning_tables()
        self._local = threading.local()
        self._thresholds = {surface: self.policy.for_surface(surface) for surface in (None, *SURFACES)}

    def __reduce__(self) -> tuple[type[Classifier], tuple[Release, Policy]]:
        return Classifier, (self.release, self.policy)

    @property
    def release_id(self) -> str:
        """Name and digest of the release, carried by every result."""
        return self.release.id

    def confidences(self, texts: Iterable[str], *, threads: int | None = None) -> NDArray[np.float32]:
        """Calibrated confidences of messages, a float32 array of shape (n_messages, 6) in the order of `LABELS`.

        ``texts`` is any sequence of str, an Arrow or a pandas column; ``threads`` defaults to the number of processors.
        A message's row does not depend on the others, on the batch or on threads, to the bit.

        Raises `TypeError` naming the first position that holds no string.
        """
        return self._scored(as_texts(texts), threads)[0]

    def score(self, text: str, *, surface: str | None = None) -> Verdict:
        """The verdict on one message; ``surface`` is one of `SURFACES` or None.

        Raises `TypeError` where ``text`` is no string and `ValueError` where the surface is unknown.
        """
        if not isinstance(text, str):
            raise TypeError(f"text is {type(text).__name__}, not str")
        self._check_surface(surface)
        confidences, known = self._scored([text], 1)
        thresholds = self._thresholds[surface]
        # Comparing floats of one row costs less in Python than in numpy.
        values, limits = confidences[0].tolist(), thresholds.tolist()
        levels = [
            max((k for k in (1, 2, 3) if known[0] and value >= row[k - 1]), default=0)
            for value, row in zip(values, limits, strict=True)
        ]
        reasons = self._reasons(text, values, levels, limits) if any(levels) else ()
        return Verdict(
            ACTIONS[max(levels)],
            dict(zip(LABELS, values, strict=True)),
            tuple(label for label, level in zip(LABELS, levels, strict=True) if level),
            reasons,
            "\n".join(GUIDELINES[reason.label].advice for reason in reasons),
            bool(known[0]),
            self.release.id,
            surface,
        )

    def recommend(self, texts: Iterable[str], surfaces: Sequence[str | None] | None = None) -> Recommendations:
        """Verdicts of many messages as arrays; equal to `score` of each.

        ``surfaces`` is None or one of `SURFACES` or None for each message. Raises as `score` does, and `ValueError`
        where the lengths differ.
        """
        sequence = as_texts(texts)
        if surfaces is not None:
            # a missing surface is None in a list and NaN in a pandas column
            surfaces = [s if isinstance(s, str) else None for s in column_values(surfaces)]
            if len(surfaces) != len(sequence):
                raise ValueError(f"{len(surfaces)} surfaces for {len(sequence)} texts; give one for each")
            for surface in set(surfaces):
                self._check_surface(surface)
        confidences, known = self._scored(sequence, None)
        label_actions = self.policy.recommend(confidences, surfaces)
        label_actions[~known] = 0
        actions = label_actions.max(axis=1, initial=0)
        reasons = ["[]"] * len(sequence)
        for i in np.flatnonzero(actions).tolist():
            limits = self._thresholds[surfaces[i] if surfaces is not None else None].tolist()
            found = self._reasons(sequence[i], confidences[i].tolist(), label_actions[i].tolist(), limits)
            reasons[i] = json.dumps([reason.as_dict() for reason in found], ensure_ascii=False)
        return Recommendations(confidences, label_actions, actions, known, reasons)

    def explain(self, text: str, *, surface: str | None = None) -> Explanation:
        """The score of one message taken apart word by word.

        >>> import classifier
        >>> explanation = classifier.load().explain("you 1d10t")
        >>> [(c.span.text, c.cleaned) for c in explanation.contributions]
        [('you', 'you'), ('1d10t', 'idiot')]
        """
        verdict = self.score(text, surface=surface)
        cleaned, units, shares = self._shares(text)
        intercepts = self._model.intercepts
        contributions = tuple(
            Contribution(
                span, cleaned[start:end], dict(zip(LABELS, shares[start:end].sum(axis=0).tolist(), strict=True))
            )
            for start, end, span in units
        )
        return Explanation(
            cleaned,
            contributions,
            dict(zip(LABELS, intercepts.tolist(), strict=True)),
            dict(zip(LABELS, (intercepts + shares.sum(axis=0)).tolist(), strict=True)),
            verdict,
        )

    def _check_surface(self, surface: str | None) -> None:
        if surface not in self._thresholds:
            raise ValueError(f"surface {surface!r} is unknown; use one of {', '.join(SURFACES)} or None")

    def _scratch(self) -> kernel.Scratch:
        """The memory this thread works in."""
        scratch: kernel.Scratch | None = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = kernel.scratch_for(self._ranges)
        return scratch

    def _scored(self, texts: Sequence[str], threads: int | None) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        confidences, known = np.empty((len(texts), len(LABELS)), np.float32), np.empty(len(texts), np.bool_)
        workers = (threads or _processors()) if len(texts) >= _WORTH_THREADS else 1

        def run(first: int, last: int) -> None:
            points, offsets = code_points(texts[first:last])
            kernel.score_messages(
                points, offsets, 0, last - first, self._tables, self._ranges, self._model, self._scratch(),
                confidences[first:last], known[first:last],
            )  # fmt: skip

        chunks = _chunks(texts, min(_CHUNK, -(-len(texts) // workers)) if workers > 1 else _CHUNK)
        if workers == 1:
            for first, last in chunks:
                run(first, last)
        else:
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(lambda chunk: run(*chunk), chunks))
        return confidences, known

    def _shares(self, text: str) -> tuple[str, list[tuple[int, int, Span]], NDArray[np.float64]]:
        """The cleaned text, its units with their place in the original, and what each character adds to each label."""
        points, _ = code_points([text])
        room = kernel.cleaned_room(points, self._tables)
        scratch = kernel.fresh_scratch(room, self._ranges)
        spans = np.empty((room_for(room, self._ranges), 2), np.int32)
        shares = np.zeros((room, len(LABELS)))
        n = kernel.contributions(points, self._tables, self._ranges, self._model, scratch, spans, shares)
        cleaned = scratch.cleaned[:n].astype("<u4").tobytes().decode("utf-32-le")
        units = []
        for start, end in kernel.units(scratch.kinds, n).tolist():
            first, last = int(scratch.origins[start]), int(scratch.origins[end - 1]) + 1
            units.append((start, end, Span(first, last, text[first:last])))
        return cleaned, units, shares[:n]

    def _reasons(
        self, text: str, confidences: list[float], levels: list[int], limits: list[list[float]]
    ) -> tuple[Reason, ...]:
        _, units, shares = self._shares(text)
        totals = (
            np.add.reduceat(shares, [start for start, _, _ in units], axis=0) if units else np.zeros((0, len(LABELS)))
        )
        reasons = []
        for i in sorted(range(len(LABELS)), key=lambda label: (-levels[label], -confidences[label])):
            if levels[i]:
                spans = _heaviest(text, [span for _, _, span in units], totals[:, i])
                limit = limits[i][levels[i] - 1]
                reasons.append(Reason(LABELS[i], ACTIONS[levels[i]], confidences[i], limit, spans))
        return tuple(reasons)


def _heaviest(text: str, spans: list[Span], weights: NDArray[np.float64]) -> tuple[Span, ...]:
    """The few stretches of neighbouring units that weigh most, in the order of the text."""
    if not len(weights) or weights.max() <= 0:
        return ()
    stretches: list[list[float]] = []
    for k in np.flatnonzero(weights >= 0.25 * weights.max()).tolist():
        if stretches and stretches[-1][3] == k - 1:
            stretches[-1][1:] = [spans[k].end, stretches[-1][2] + weights[k], k]
        else:
            stretches.append([spans[k].start, spans[k].end, weights[k], k])
    # One original character may be spelled out as several units: stretches that share it become one.
    merged: list[tuple[int, int]] = []
    for start, end, *_ in sorted(sorted(stretches, key=lambda stretch: -stretch[2])[:_MAX_SPANS]):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], int(end)))
        else:
            merged.append((int(start), int(end)))
    return tuple(Span(start, end, text[start:end]) for start, end in merged)


def _chunks(texts: Sequence[str], size: int) -> list[tuple[int, int]]:
    """Consecutive ranges of at most ``size`` messages and, but for single long ones, `_CHUNK_CHARACTERS` characters."""
    chunks, first, characters = [], 0, 0
    for i, text in enumerate(texts):
        characters += len(text)
        if i > first and (i - first == size or characters > _CHUNK_CHARACTERS):
            chunks.append((first, i))
            first, characters = i, len(text)
    if first < len(texts):
        chunks.append((first, len(texts)))
    return chunks


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load(path: str | Path | None = None, *, policy: Policy | None = None) -> Classifier:
    """Load a release: the shipped one, or the folder given.

    Verifies every digest and scores the golden messages; raises `ReleaseError` where anything does not match.
    """
    classifier = Classifier(load_release(release_folder(path)), policy)
    _check_golden(classifier)
    return classifier


def _check_golden(classifier: Classifier) -> None:
    golden = classifier.release.record.get("golden", [])
    if golden:
        try:
            scored = classifier.confidences([entry["text"] for entry in golden])
            alike = np.allclose(scored, [entry["confidences"] for entry in golden], rtol=0, atol=1e-5)
        except (KeyError, TypeError, ValueError):
            alike = False
        if not alike:
            raise ReleaseError("scores its golden messages differently here", where=classifier.release.id,
                               todo="report it with your processor and library versions")  # fmt: skip


@cache
def _shipped() -> Classifier:
    return load()


def score(text: str, *, surface: str | None = None) -> Verdict:
    """The verdict of the shipped release on one message; the release is loaded once.

    >>> score("hi! shall we practise tomorrow at 8?").recommendation
    <Action.NONE: 'none'>
    """
    return _shipped().score(text, surface=surface)
