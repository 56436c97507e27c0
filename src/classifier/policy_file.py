"""A ``policy.toml``: read over the policy of a release, and refused with the line where it is wrong or cannot be met.

::

    min_positives = 30                    # of each label, before a sentence may be promised; default 20

    [labels.harassment]
    base_rate = 0.02                      # share of messages that break this guideline; default 0.01
    flag = "maximum recall @ precision >= 0.4"
    block = 0.97                          # a threshold; false: do not offer the action

    [surfaces.comment.personal_info]
    at_most = "report"
    shift = -0.05                         # thresholds lower by 0.05: stricter

What the file does not name stays as the release has it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.errors import PolicyError
from classifier.guidelines import LABELS, SURFACES
from classifier.operating_points import OperatingPoint
from classifier.policy import ACTIONS, Action, Policy, SurfaceRule

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from classifier.operating_points import Curve

__all__ = ["parse_policy", "read_policy", "read_text", "resolve_policy", "write_text"]

_ACTIONS = tuple(action.value for action in ACTIONS[1:])


def read_policy(path: str | os.PathLike[str], base: Policy | None = None) -> Policy:
    """Read a policy file over ``base`` (default: the built-in sentences), without a model; call `Policy.resolved` next.

    Raises `PolicyError` naming the file, the line and the key.
    """
    return parse_policy(read_text(path), str(path), base)


def resolve_policy(
    path: str | os.PathLike[str], base: Policy, curves: Mapping[str, Curve], text: str | None = None
) -> Policy:
    """Read a policy file and resolve it on the curves of a model, or refuse it.

    What the file itself asks for must be met: where a sentence of it cannot be, or its thresholds fall as actions grow
    more severe, `PolicyError` names file and line and says what best can be had. What it leaves alone keeps the
    thresholds of ``base``, a release's own policy, whose curves are stored with fewer points than it was resolved on.
    ``text`` is the file's content where it is not yet written.
    """
    text = read_text(path) if text is None else text
    file = _File(str(path), text, _toml(text, str(path)))
    policy = _parsed(file, base).resolved(curves, base)
    placed = policy.placed(curves, base)
    unmet = [
        (label, action)
        for label, entry in file.content.get("labels", {}).items()
        for action in _ACTIONS
        if isinstance(entry.get(action), str) and np.isnan(placed[LABELS.index(label), Action(action).level - 1])
    ]
    if unmet:
        label, action = min(unmet, key=lambda keys: file.line("labels", *keys))
        more = [f"line {file.line('labels', *keys)}" for keys in unmet if keys != (label, action)]
        raise PolicyError(
            f"{action} = {policy.points[label][action]!r} cannot be met: {policy.why[label][action]}"
            + (f" (nor can {', '.join(more)})" if more else ""),
            where=file.where("labels", label, action),
            todo="ask for less, or write false to do without the action",
        )
    for label, entry in file.content.get("labels", {}).items():
        _check_order(file, label, entry, placed[LABELS.index(label)])
    return policy


def parse_policy(text: str, name: str, base: Policy | None = None) -> Policy:
    r"""Read the text of a policy file called ``name``; raises as `read_policy` does.

    >>> policy = parse_policy('[labels.spam]\nflag = "maximum recall @ precision >= 0.9"', "policy.toml")
    Traceback (most recent call last):
    ...
    classifier.errors.PolicyError: policy.toml, line 2, [labels.spam]: flag asks for precision >= 0.9 and report only
    for 0.8; order them flag, report, block, each asking for more, or write false to do without one
    """
    return _parsed(_File(name, text, _toml(text, name)), base or Policy())


@dataclass(frozen=True)
class _File:
    name: str
    text: str
    content: dict[str, Any]

    def line(self, *keys: str) -> int:
        """The line a key stands in, from 1.

        TOML's parser keeps no positions. The first lines that are TOML by themselves and hold the key end with its
        statement, which starts behind the last ones that do not hold it yet.
        """
        lines = self.text.split("\n")
        start = 0
        for end in range(1, len(lines) + 1):
            try:
                found: Any = tomllib.loads("\n".join(lines[:end]))
            except tomllib.TOMLDecodeError:
                continue  # within a statement of several lines
            for key in keys:
                found = found.get(key) if isinstance(found, dict) else None
            if found is not None:
                break
            start = end
        return start + 1

    def where(self, *keys: str) -> str:
        """File, line and table of a key, as errors name them."""
        table = f", [{'.'.join(keys[:-1])}]" if len(keys) > 1 else ""
        return f"{self.name}, line {self.line(*keys)}{table}"


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a policy file; raises `PolicyError`."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyError(error.strerror or "cannot be read", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"is not TOML: {error}", where=str(path)) from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a policy file, whole or not at all; raises `PolicyError`."""
    path = Path(path)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise PolicyError(error.strerror or "cannot be written", where=str(path)) from error


def _toml(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = re.search(r"at line (\d+)", str(error))
        line = int(at[1]) if at else len(text.splitlines()) or 1
        raise PolicyError(f"is not TOML: {error}", where=f"{name}, line {line}") from error


def _parsed(file: _File, base: Policy) -> Policy:
    content = file.content
    _known_keys(file, content, ("min_positives", "labels", "surfaces", "senders"))
    points = {label: dict(by_action) for label, by_action in base.points.items()}
    base_rates, min_positives = dict(base.base_rates), dict(base.min_positives)
    surfaces = {surface: dict(rules) for surface, rules in base.surfaces.items()}
    if "min_positives" in content:
        min_positives = dict.fromkeys(LABELS, _count(file, content, "min_positives"))
    labels = _table(file, "labels")
    _known_keys(file, labels, LABELS, "labels")
    for label, entry in labels.items():
        keys = ("labels", label)
        _known_keys(file, entry, ("base_rate", "min_positives", *_ACTIONS), *keys)
        if "base_rate" in entry:
            base_rates[label] = _number(file, entry, 1e-6, 0.999, *keys, "base_rate")
        if "min_positives" in entry:
            min_positives[label] = _count(file, entry, *keys, "min_positives")
        for action in _ACTIONS:
            if entry.get(action) is False:
                points[label].pop(action, None)
            elif isinstance(entry.get(action), str):
                points[label][action] = _sentence(file, entry[action], *keys, action)
            elif action in entry:
                points[label][action] = _number(file, entry, 0, 1, *keys, action)
        _check_sentences(file, label, entry, points[label])
    _table(file, "surfaces")
    _known_keys(file, content.get("surfaces", {}), SURFACES, "surfaces")
    for surface, rules in content.get("surfaces", {}).items():
        _known_keys(file, rules, LABELS, "surfaces", surface)
        for label, rule in rules.items():
            surfaces.setdefault(surface, {})[label] = _rule(file, rule, "surfaces", surface, label)
    senders = _table(file, "senders", of_tables=False) or base.senders
    return replace(Policy(points, base_rates, surfaces), min_positives=min_positives, senders=senders)


def _rule(file: _File, rule: Any, *keys: str) -> SurfaceRule:
    if not isinstance(rule, dict):
        raise PolicyError(
            f"{keys[-1]} = {rule!r} is no rule", where=file.where(*keys), todo="write at_most = … or shift = … below it"
        )
    _known_keys(file, rule, ("at_most", "shift"), *keys)
    names = [action.value for action in ACTIONS]
    at_most = rule.get("at_most", "block")
    if at_most not in names:
        raise PolicyError(
            f"at_most = {at_most!r} is no action",
            where=file.where(*keys, "at_most"),
            todo=f"use one of {', '.join(names)}",
        )
    shift = _number(file, rule, -1, 1, *keys, "shift") if "shift" in rule else 0.0
    return SurfaceRule(Action(at_most), shift)


def _check_sentences(file: _File, label: str, entry: Mapping[str, Any], points: Mapping[str, str | float]) -> None:
    """Refuse what no model can put in order: a severer action that asks for less than a milder one."""
    todo = "order them flag, report, block, each asking for more, or write false to do without one"
    for milder, severer in (("flag", "report"), ("report", "block"), ("flag", "block")):
        low, high = points.get(milder), points.get(severer)
        wrong = ""
        if isinstance(low, str) and isinstance(high, str):
            one, two = OperatingPoint.parse(low), OperatingPoint.parse(high)
            if two.asks_less_than(one):
                asked = f"{one.condition} {one.comparison} {one.bound:g}"
                wrong = f"{milder} asks for {asked} and {severer} only for {two.bound:g}"
        elif isinstance(low, (int, float)) and isinstance(high, (int, float)) and low > high:
            wrong = f"thresholds fall as actions grow more severe ({milder} {low:g}, {severer} {high:g})"
        written = [action for action in (severer, milder) if isinstance(entry.get(action), (str, int, float))]
        if wrong and written:
            raise PolicyError(wrong, where=file.where("labels", label, written[0]), todo=todo)


def _check_order(file: _File, label: str, entry: Mapping[str, Any], placed: Sequence[float]) -> None:
    """Refuse thresholds that fall on this model, where the file has set one of them."""
    for k in range(3):
        for j in range(k):
            written = [_ACTIONS[i] for i in (k, j) if entry.get(_ACTIONS[i], False) is not False]
            if written and placed[j] > placed[k]:
                raise PolicyError(
                    f"{_ACTIONS[j]} starts at {placed[j]:.3f} and {_ACTIONS[k]} already at {placed[k]:.3f}",
                    where=file.where("labels", label, written[0]),
                    todo="set both so that the severer action starts higher, or write false to do without one",
                )


def _table(file: _File, key: str, *, of_tables: bool = True) -> dict[str, Any]:
    value = file.content.get(key, {})
    if not isinstance(value, dict) or (of_tables and not all(isinstance(entry, dict) for entry in value.values())):
        what = "table of tables" if of_tables else "table"
        todo = f"write [{key}.<name>]" if of_tables else f"write [{key}]"
        raise PolicyError(f"'{key}' is no {what}", where=file.where(key), todo=todo)
    return value


def _known_keys(file: _File, entry: Mapping[str, Any], known: Sequence[str], *keys: str) -> None:
    for key in entry:
        if key not in known:
            raise PolicyError(
                f"'{key}' is unknown", where=file.where(*keys, key), todo=f"use one of {', '.join(known)}"
            )


def _sentence(file: _File, sentence: str, *keys: str) -> str:
    try:
        return OperatingPoint.parse(sentence).sentence
    except PolicyError as error:
        raise PolicyError(f"{keys[-1]}: {error.what}", where=file.where(*keys), todo=error.todo) from error


def _number(file: _File, entry: Mapping[str, Any], low: float, high: float, *keys: str) -> float:
    value = entry[keys[-1]]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise PolicyError(f"{keys[-1]} = {value!r} is no number from {low} to {high}", where=file.where(*keys))
    return float(value)


def _count(file: _File, entry: Mapping[str, Any], *keys: str) -> int:
    value = entry[keys[-1]]
    if type(value) is not int or value < 1:
        raise PolicyError(f"{keys[-1]} = {value!r} is no whole number from 1", where=file.where(*keys))
    return value
