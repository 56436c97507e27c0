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
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classifier.errors import ReleaseError
from classifier.guidelines import GUIDELINES, LABELS, SURFACES
from classifier.kernels import explaining
from classifier.kernels import scoring as kernel
from classifier.kernels.lookup import FeatureTable
from classifier.kernels.ngrams import NgramRanges
from classifier.policy import ACTIONS, Action, Policy
from classifier.release import Release, load_release, release_folder
from classifier.text import as_texts, cleaning_tables, code_points, column_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Classifier", "Contribution", "Explanation", "Reason", "Recommendations", "Span", "Verdict", "load", "score"]

_CHUNK = 4096  # messages encoded at a time: bounds memory whatever the number of messages
_CHUNK_CHARACTERS = 4 << 20
_WORTH_THREADS = 512  # messages below which a second thread costs more than it gives


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
    """A score taken apart: for each label the contributions and the intercept add up to the score.

    A notebook shows it with its words shaded, see `explain_view`.
    """

    cleaned: str
    contributions: tuple[Contribution, ...]
    intercepts: dict[str, float]
    scores: dict[str, float]
    verdict: Verdict
    text: str
    policy: Policy

    def _repr_html_(self) -> str:
        from classifier.explain_view import as_html

        return as_html(self)


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
            FeatureTable(arrays["slots"], arrays["pilots"]), arrays["rows"], arrays["idf"],
            coefficients["steps"], coefficients["intercepts"], coefficients["slopes"], coefficients["offsets"],
        )  # fmt: skip
        self._ranges = NgramRanges(*release.settings["word_ngrams"], *release.settings["char_ngrams"])
        self._tables = cleaning_tables()
        self._fixed = kernel.fixed_handle(self._tables, self._model, self._ranges)
        self._local = threading.local()
        self._release_id = release.id
        # Per surface and label: the lowest threshold, and those of the three actions (NaN: not offered).
        self._limits = {
            surface: [(min((t for t in row if t == t), default=2.0), row) for row in thresholds.tolist()]
            for surface in (None, *SURFACES)
            for thresholds in [self.policy.for_surface(surface)]
        }

    def __reduce__(self) -> tuple[type[Classifier], tuple[Release, Policy]]:
        return Classifier, (self.release, self.policy)

    @property
    def release_id(self) -> str:
        """Name and digest of the release, carried by every result."""
        return self._release_id

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
        confidences, known = np.empty((1, len(LABELS)), np.float32), np.empty(1, np.bool_)
        self._score_text(text, confidences, known)
        # Comparing floats of one row costs less in Python than in numpy.
        values: list[float] = confidences[0].tolist()
        limits = self._limits[surface]
        levels = [
            0 if value < row[0] or not known[0] else _level(value, row[1])
            for value, row in zip(values, limits, strict=True)
        ]
        reasons: tuple[Reason, ...] = ()
        if any(levels):
            points, offsets = code_points([text])
            [spans] = self._spans(points, offsets, np.zeros(1, np.int64), np.array([levels], np.uint8)).tolist()
            reasons = _as_reasons(text, values, levels, limits, spans)
        return Verdict(
            ACTIONS[max(levels)],
            dict(zip(LABELS, values, strict=True)),
            tuple(label for label, level in zip(LABELS, levels, strict=True) if level),
            reasons,
            "\n".join(GUIDELINES[reason.label].advice for reason in reasons),
            bool(known[0]),
            self._release_id,
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
        n = len(sequence)
        confidences, known = np.empty((n, len(LABELS)), np.float32), np.empty(n, np.bool_)
        label_actions = np.empty((n, len(LABELS)), np.uint8)
        reasons = ["[]"] * n

        def run(first: int, last: int) -> None:
            points, offsets = code_points(sequence[first:last])
            self._score(points, offsets, confidences[first:last], known[first:last])
            levels = self.policy.recommend(confidences[first:last], None if surfaces is None else surfaces[first:last])
            levels[~known[first:last]] = 0
            label_actions[first:last] = levels
            rows = np.flatnonzero(levels.any(axis=1))
            spans = self._spans(points, offsets, rows, levels)
            for row, of_labels in zip(rows.tolist(), spans.tolist(), strict=True):
                i = first + row
                limits = self._limits[surfaces[i] if surfaces is not None else None]
                found = _as_reasons(sequence[i], confidences[i].tolist(), levels[row].tolist(), limits, of_labels)
                reasons[i] = _as_json(found)

        _in_chunks(run, sequence, None)
        return Recommendations(confidences, label_actions, label_actions.max(axis=1, initial=0), known, reasons)

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
            text,
            self.policy,
        )

    def _check_surface(self, surface: str | None) -> None:
        if surface not in self._limits:
            raise ValueError(f"surface {surface!r} is unknown; use one of {', '.join(SURFACES)} or None")

    def _scratch(self) -> NDArray[np.int64]:
        """The memory this thread works in."""
        kept: tuple[kernel.Scratch, NDArray[np.int64]] | None = getattr(self._local, "scratch", None)
        if kept is None:
            scratch = kernel.scratch_for(self._ranges, len(self._model.rows))
            kept = self._local.scratch = (scratch, kernel.scratch_handle(scratch))
            self._local.offsets = np.zeros(2, np.int64)
        return kept[1]

    def _scored(self, texts: Sequence[str], threads: int | None) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        confidences, known = np.empty((len(texts), len(LABELS)), np.float32), np.empty(len(texts), np.bool_)
        if len(texts) == 1:
            self._score_text(texts[0], confidences, known)
            return confidences, known

        def run(first: int, last: int) -> None:
            points, offsets = code_points(texts[first:last])
            self._score(points, offsets, confidences[first:last], known[first:last])

        _in_chunks(run, texts, threads)
        return confidences, known

    def _score_text(self, text: str, confidences: Any, known: Any) -> None:
        """Fill in the confidences of one message, with as little around the loop as can be."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        scratch = self._scratch()
        if len(points) > kernel.ROOM:
            own = self._own_scratch(points)
            scratch = kernel.scratch_handle(own)
        offsets = self._local.offsets
        offsets[1] = len(points)
        kernel.score_messages(points, offsets, 0, 1, self._fixed, scratch, confidences, known)

    def _score(self, points: Any, offsets: Any, confidences: Any, known: Any) -> None:
        """Fill in the confidences of messages given by their code points."""
        done, count = 0, len(known)
        while done < count:
            scratch = self._scratch()
            if offsets[done + 1] - offsets[done] > kernel.ROOM:
                own = self._own_scratch(points[offsets[done] : offsets[done + 1]])
                scratch = kernel.scratch_handle(own)
            done = kernel.score_messages(points, offsets, done, count, self._fixed, scratch, confidences, known)

    def _own_scratch(self, points: Any) -> kernel.Scratch:
        """Memory for one message of any length."""
        self._scratch()
        return kernel.fresh_scratch(
            kernel.cleaned_room(points, self._fixed), self._ranges, self._local.scratch[0].counts
        )

    def _shares(self, text: str) -> tuple[str, list[tuple[int, int, Span]], NDArray[np.float64]]:
        """The cleaned text, its units with their place in the original, and what each character adds to each label."""
        points, _ = code_points([text])
        scratch = self._own_scratch(points)
        shares, characters, origins, kinds = explaining.contributions(
            points, self._fixed, kernel.scratch_handle(scratch)
        )
        cleaned = characters.astype("<u4").tobytes().decode("utf-32-le")
        units = []
        for start, end in explaining.units(kinds).tolist():
            first, last = int(origins[start]), int(origins[end - 1]) + 1
            units.append((start, end, Span(first, last, text[first:last])))
        return cleaned, units, shares

    def _spans(self, points: Any, offsets: Any, rows: Any, levels: Any) -> NDArray[np.int32]:
        """What weighed most for each recommended label of the messages ``rows``: (rows, 6, spans, 2), -1 for none."""
        found = np.empty((len(rows), len(LABELS), explaining.MAX_SPANS, 2), np.int32)
        done = 0
        while done < len(rows):
            scratch, row = self._scratch(), rows[done]
            if offsets[row + 1] - offsets[row] > kernel.ROOM:
                own = self._own_scratch(points[offsets[row] : offsets[row + 1]])
                scratch = kernel.scratch_handle(own)
            done = explaining.heaviest_spans(points, offsets, rows, done, levels, self._fixed, scratch, found)
        return found


def _level(value: float, limits: list[float]) -> int:
    return max((k for k in (1, 2, 3) if value >= limits[k - 1]), default=0)


def _as_reasons(text: str, confidences: list[float], levels: list[int], limits: Any, spans: Any) -> tuple[Reason, ...]:
    """The reasons of one message, the severest first."""
    labels = [i for i, level in enumerate(levels) if level]
    if len(labels) > 1:
        labels.sort(key=lambda i: (-levels[i], -confidences[i]))
    return tuple(
        Reason(
            LABELS[i],
            ACTIONS[levels[i]],
            confidences[i],
            limits[i][1][levels[i] - 1],
            tuple(Span(start, end, text[start:end]) for start, end in spans[i] if start >= 0),
        )
        for i in labels
    )


def _as_json(reasons: tuple[Reason, ...]) -> str:
    return json.dumps([reason.as_dict() for reason in reasons], ensure_ascii=False)


def _in_chunks(run: Callable[[int, int], None], texts: Sequence[str], threads: int | None) -> None:
    """Call ``run`` for consecutive ranges of messages, on several threads where there are enough of them."""
    workers = (threads or _processors()) if len(texts) >= _WORTH_THREADS else 1
    chunks = _chunks(texts, min(_CHUNK, -(-len(texts) // workers)) if workers > 1 else _CHUNK)
    if workers == 1:
        for first, last in chunks:
            run(first, last)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda chunk: run(*chunk), chunks))


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
    """Load a release: the shipped one, the folder given, or one of MLflow's registry (``models:/name@alias``).

    Verifies every digest and scores the golden messages; raises `ReleaseError` where anything does not match.
    """
    if str(path).startswith("models:/"):
        from classifier.tracking import registered_release

        path = registered_release(str(path))
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
