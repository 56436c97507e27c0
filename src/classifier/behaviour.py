"""The behaviour gate: what a model does on functional tests, by function, against floors it must not fall below.

A case that violates passes when its label is recommended at all, a harmless one when its label (under ``any``: no
label) is not. A disguised case counts where its plain message is recommended, and passes when it still is. A harmless
sentence said of many groups passes when no label's confidence differs by more than ``spread`` between them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.errors import TrainingError
from classifier.fairness import fairness
from classifier.functional_tests import ANY, Case, disguised, read_cases, read_floors, read_identities
from classifier.guidelines import LABELS
from classifier.policy import wilson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from classifier.functional_tests import Floors
    from classifier.release import Release

    Confidences = Callable[[list[str]], NDArray[Any]]
    Levels = Callable[[NDArray[Any]], NDArray[np.uint8]]

__all__ = ["FunctionResult", "GateReport", "examined", "floors_toml", "measured", "run_gate"]

EVASION, SWAP = "evasion", "swap"
HIGHEST_FLOOR = 0.95  # a wish for more would refuse releases over a case or two


@dataclass(frozen=True)
class FunctionResult:
    """How many cases of a function passed, and the floor set for their share (None: no floor)."""

    name: str
    cases: int
    passed: int
    floor: float | None = None
    units: int = 0  # independent cases: those of one sentence said of many groups are not; 0: all are
    languages: tuple[tuple[str, int, int], ...] = ()  # language, cases, passed

    @property
    def share(self) -> float:
        """The share that passed; 1 where there were no cases."""
        return self.passed / self.cases if self.cases else 1.0

    @property
    def below(self) -> bool:
        """Whether the share is below the floor."""
        return self.floor is not None and self.share < self.floor

    def defensible_floor(self) -> float:
        """The share less its sampling error: the lower end of a one-sided 95 % interval, in hundredths, at most 0.95.

        >>> FunctionResult("evasion.leet", 100, 90).defensible_floor()
        0.83
        >>> FunctionResult("any.identity_self", 100, 90, units=10).defensible_floor()
        0.65
        """
        units = self.units or self.cases
        low = float(wilson(self.share * units, units)[0]) if units else 0.0
        return min(math.floor(low * 100) / 100, HIGHEST_FLOOR)


@dataclass(frozen=True)
class GateReport:
    """Results of all functions, in the order of the cases."""

    functions: tuple[FunctionResult, ...]

    @property
    def below(self) -> tuple[FunctionResult, ...]:
        """The functions that fell below their floor."""
        return tuple(result for result in self.functions if result.below)

    @property
    def passed(self) -> bool:
        """Whether no function fell below its floor."""
        return not self.below

    def check(self) -> None:
        """Raise `TrainingError` naming function, share and floor of all that fell below.

        >>> GateReport((FunctionResult("hate.reclaimed", 8, 5, 0.7),)).check()
        Traceback (most recent call last):
        ...
        classifier.errors.TrainingError: behaviour gate: hate.reclaimed 62.5 % (5 of 8) is below its floor of 70 %;
        improve the model, or write it nevertheless with --no-gate
        """
        if self.below:
            said = "; ".join(
                f"{found.name} {found.share:.1%} ({found.passed} of {found.cases}) "
                f"is below its floor of {found.floor:.0%}"
                for found in self.below
            )
            todo = "improve the model, or write it nevertheless with --no-gate"
            raise TrainingError(said.replace("%", " %"), where="behaviour gate", todo=todo)

    def as_dict(self) -> dict[str, Any]:
        """The report as a release stores it: figures only, no text."""
        functions = {
            result.name: {"cases": result.cases, "passed": result.passed, "floor": result.floor}
            for result in self.functions
        }
        return {"passed": self.passed, "functions": functions}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> GateReport:
        """The report that `as_dict` stored."""
        results = stored["functions"].items()
        return cls(tuple(FunctionResult(name, e["cases"], e["passed"], e["floor"]) for name, e in results))


def run_gate(
    confidences: Confidences, levels: Levels, *, cases: Sequence[Case] | None = None, floors: Floors | None = None
) -> GateReport:
    """Run the functional tests (default: ours) on a model and hold the shares against floors (default: ours).

    ``confidences`` gives an array (n, 6) for n texts, ``levels`` recommended actions (n, 6) for those, as
    `Classifier.confidences` and `Policy.recommend` do. Raises `ExamplesError` where cases or floors cannot be read.

    >>> def shouts(texts):
    ...     return np.array([[text.isupper()] * 6 for text in texts], float)
    >>> cases = [Case(str(i), "shouting", "en", text, "spam", True) for i, text in enumerate(["BUY", "buy"])]
    >>> report = run_gate(shouts, lambda p: (p > 0.5).astype(np.uint8), cases=cases)
    >>> report.functions[0].name, report.functions[0].share
    ('spam.shouting', 0.5)
    """
    cases = read_cases() if cases is None else cases
    floors = read_floors() if floors is None else floors
    hidden = disguised(cases)
    scores = np.asarray(confidences([case.text for case in (*cases, *hidden)]), np.float32)
    recommended = _recommended([*cases, *hidden], np.asarray(levels(scores)))
    found = dict(zip((case.id for case in cases), recommended, strict=False))
    tallies = _Tallies()
    for case in cases:
        tallies.add(case.name, case, found[case.id] == case.expected)
    for case, still in zip(hidden, recommended[len(cases) :].tolist(), strict=True):
        if found[case.pair]:
            tallies.add(f"{EVASION}.{case.function}", case, bool(still))
    for case, spread in _spreads(cases, scores):
        tallies.add(f"{SWAP}.{case.function}", case, spread <= floors.spread)
    return GateReport(tuple(tallies.results(floors.shares)))


def _recommended(cases: Sequence[Case], levels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether an action is recommended for the label of each case."""
    columns = np.array([len(LABELS) if case.label == ANY else LABELS.index(case.label) for case in cases], np.intp)
    taken = np.column_stack([levels > 0, (levels > 0).any(axis=1)])
    return taken[np.arange(len(cases)), columns]


def _spreads(cases: Sequence[Case], scores: NDArray[Any]) -> Iterable[tuple[Case, float]]:
    """One case of each harmless sentence said of groups, and how far a confidence differs between the groups."""
    sentences: dict[str, list[int]] = defaultdict(list)
    for i, case in enumerate(cases):
        if case.group and not case.expected:
            sentences[case.pair].append(i)
    return [(cases[rows[0]], float(np.ptp(scores[rows], axis=0).max())) for rows in sentences.values()]


class _Tallies:
    """Cases and passes by function and language."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, list[int]]] = {}
        self._units: dict[str, set[str]] = defaultdict(set)

    def add(self, name: str, case: Case, passed: bool) -> None:
        count = self._counts.setdefault(name, {}).setdefault(case.lang, [0, 0])
        count[0] += 1
        count[1] += bool(passed)
        self._units[name].add(case.pair or case.id)

    def results(self, floors: dict[str, float]) -> Iterator[FunctionResult]:
        for name, by_lang in self._counts.items():
            cases, passed = (sum(count[k] for count in by_lang.values()) for k in (0, 1))
            languages = tuple((lang, count[0], count[1]) for lang, count in by_lang.items())
            yield FunctionResult(name, cases, passed, floors.get(name), len(self._units[name]), languages)


def floors_toml(report: GateReport, spread: float) -> str:
    """A ``floors.toml`` with the defensible floor of each function of a report.

    >>> print(floors_toml(GateReport((FunctionResult("hate.reclaimed", 20, 19),)), 0.25))
    # The least share of cases that must pass: what a release reached, less its sampling error, as
    # `classifier gate --propose FILE` writes it.
    # `spread`: how far a confidence may differ between groups named in the same harmless sentence.
    spread = 0.25
    <BLANKLINE>
    [hate]
    reclaimed = 0.8
    <BLANKLINE>
    """
    tables: dict[str, list[FunctionResult]] = defaultdict(list)
    for result in report.functions:
        tables[result.name.partition(".")[0]].append(result)
    lines = [
        "# The least share of cases that must pass: what a release reached, less its sampling error, as",
        "# `classifier gate --propose FILE` writes it.",
        "# `spread`: how far a confidence may differ between groups named in the same harmless sentence.",
        f"spread = {spread}",
        "",
    ]
    for table, results in tables.items():
        lines += [f"[{table}]", *(f"{r.name.partition('.')[2]} = {r.defensible_floor():g}" for r in results), ""]
    return "\n".join(lines)


def measured(confidences: Confidences, levels: Levels) -> tuple[GateReport, dict[str, Any]]:
    """The gate's report and the fairness figures of a model on our functional tests; arguments as `run_gate`."""
    cases = read_cases()
    said = [case for case in cases if case.group]
    kinds = {term.group: term.kind for term in read_identities()}
    scores = np.asarray(confidences([case.text for case in said]), np.float32)
    return run_gate(confidences, levels, cases=cases), fairness(said, kinds, scores, levels(scores))


def examined(release: Release, confidences: Confidences, *, enforced: bool) -> Release:
    """A release not yet written with what the gate and the fairness figures say added to its record.

    ``enforced`` says whether to raise `TrainingError` where a function falls below its floor.
    """
    gate, figures = measured(confidences, release.policy.recommend)
    if enforced:
        gate.check()
    record = {**release.record, "behaviour": gate.as_dict() | {"enforced": enforced}, "fairness": figures}
    return replace(release, record=record)
