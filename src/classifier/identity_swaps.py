"""The same message said of another group: counterfactual copies, so that a group's name decides less.

A model learns that the names of groups that are often attacked are a sign of an attack. Copies in which one group
stands for another of its kind, with the same labels, take that sign away (counterfactual data augmentation: Park, Shin
& Fung 2018; Garg et al. 2019).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from classifier.functional_tests import ARTICLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.random import Generator

    from classifier.functional_tests import Identity

__all__ = ["swapper"]

_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_COLOURS = ("black", "white")  # whose adjectives are said of coffee and shirts more often than of people
_KINDS = {"nationality": "ethnicity"}  # said alike


def swapper(identities: Iterable[Identity]) -> Callable[[str, str, Generator], str]:
    """A function ``swap(text, lang, rng)``: each group a text names becomes another of its kind, the same throughout.

    Person stands for person ("Muslim") and people for people ("Muslims"), with an article for with an article; no two
    groups become the same. A text that names none, or a group of which its language has no other, stays.

    >>> import numpy as np
    >>> from classifier.functional_tests import Identity
    >>> terms = [Identity("en", "muslim", "religion", "Muslim", "Muslims"),
    ...          Identity("en", "hindu", "religion", "Hindu", "Hindus")]
    >>> swap = swapper(terms)
    >>> swap("Muslims at my gym, one muslim guy too", "en", np.random.default_rng(0))
    'Hindus at my gym, one hindu guy too'
    >>> swap("we met at the gym", "en", np.random.default_rng(0))
    'we met at the gym'
    """
    groups: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    found: dict[str, dict[str, tuple[str, str, int]]] = {}
    for term in identities:
        kind = _KINDS.get(term.kind, term.kind)
        groups.setdefault((term.lang, kind), {})[term.group] = (term.person, term.people)
        for form, phrase in enumerate((term.person, term.people)):
            # "Russian" is more often a language than a person.
            if form == 1 or ARTICLE.match(phrase) or not (term.group in _COLOURS or term.kind == "nationality"):
                found.setdefault(term.lang, {})[phrase.lower()] = (kind, term.group, form)
    patterns = {
        lang: re.compile("|".join(
            re.escape(phrase) if _UNSPACED.search(phrase) else rf"\b{re.escape(phrase)}\b"
            for phrase in sorted(phrases, key=len, reverse=True)
        ), re.IGNORECASE)
        for lang, phrases in found.items()
    }  # fmt: skip

    def swap(text: str, lang: str, rng: Generator) -> str:
        chosen: dict[str, str] = {}

        def other(match: re.Match[str]) -> str:
            term = found[lang].get(match[0].lower())
            if term is None:  # "HRISTIYAN": what ignores case takes I for i, lower case does not in Turkish
                return match[0]
            kind, group, form = term
            among = groups[lang, kind]
            if group not in chosen:
                rest = sorted(
                    name
                    for name, forms in among.items()
                    if name not in (group, *chosen.values())
                    and (form == 1 or name not in _COLOURS)
                    and bool(ARTICLE.match(forms[form])) == bool(ARTICLE.match(among[group][form]))
                )
                if not rest:
                    raise LookupError
                chosen[group] = rest[rng.integers(len(rest))]
            new = among[chosen[group]][form]
            return new.lower() if match[0].islower() else new

        try:
            return patterns[lang].sub(other, text) if lang in patterns else text
        except LookupError:  # a group of which there is no other left
            return text

    return swap
