"""Functional tests of behaviour: cases by function, in the spirit of CheckList and HateCheck.

``data/behaviour`` holds messages written for this purpose (none is trained on), one file per label: what a model must
find (``expected`` 1) and what it must leave alone (0; under the label ``any`` no label may be recommended). Sentences
with a slot are filled with identity terms in thirteen languages, so that the same sentence is said of every group; what
a model must find is also disguised by `perturbations`. Ribeiro et al. 2020; Röttger et al. 2021; no text is theirs.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.errors import ExamplesError
from classifier.guidelines import LABELS
from classifier.perturbations import perturb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["ANY", "ARTICLE", "Case", "Floors", "Identity", "behaviour_folder", "disguised", "read_cases", "read_floors",
           "read_identities"]  # fmt: skip

ANY = "any"
ARTICLE = re.compile(r"^(?:an?|una?|une|eine?|l[aeo]s|[ao]s|i|gli|le) ")  # before the name of a person or people
IDENTITY = "identity"  # functions of sentences with a slot begin with it
_CASES = ("id", "function", "lang", "text", "label", "expected")
_TERMS = ("lang", "group", "kind", "person", "people")


@dataclass(frozen=True)
class Case:
    """One message and what must be made of it.

    ``label`` is one of `LABELS` or ``any``; ``pair`` names the sentence that cases of several groups share, or the
    plain message that a disguised one was made of; ``group`` is the identity group spoken of.
    """

    id: str
    function: str
    lang: str
    text: str
    label: str
    expected: bool
    pair: str = ""
    group: str = ""

    @property
    def name(self) -> str:
        """Label and function: what a floor is set for.

        >>> Case("1", "threat", "en", "…", "harassment", True).name
        'harassment.threat'
        """
        return f"{self.label}.{self.function}"


@dataclass(frozen=True)
class Identity:
    """How a language names a group: ``person`` after "I am", ``people`` as subject or object."""

    lang: str
    group: str
    kind: str
    person: str
    people: str


def behaviour_folder() -> Path:
    """The folder of our functional tests; raises `ExamplesError` where they are not installed."""
    here = Path(__file__).resolve().parent
    for folder in (here / "data" / "behaviour", here.parents[1] / "data" / "behaviour"):
        if folder.is_dir():
            return folder
    raise ExamplesError("the functional tests are not installed", where=str(here), todo="install the package again")


def read_cases(folder: str | Path | None = None) -> list[Case]:
    """All cases of a folder (default: ours), sentences with a slot filled, in the order of the files.

    Raises `ExamplesError` naming file, row and column.

    >>> cases = read_cases()
    >>> len({case.lang for case in cases}), len({case.name for case in cases if not case.group}) > 25
    (13, True)
    """
    folder = Path(folder) if folder else behaviour_folder()
    identities, cases = read_identities(folder), []
    for path in sorted(folder.glob("*.csv")):
        if path.name != "identities.csv":
            cases += [filled for case in _cases(path) for filled in _filled(case, identities)]
    for case_id, count in Counter(case.id for case in cases).items():
        if count > 1:
            raise ExamplesError(f"the id {case_id!r} stands twice", where=str(folder), todo="give each case its own")
    if not cases:
        raise ExamplesError("holds no functional tests", where=str(folder), todo="name a folder with CSV files of them")
    return cases


def read_identities(folder: str | Path | None = None) -> list[Identity]:
    """The identity terms of a folder (default: ours); none where it has no ``identities.csv``."""
    path = (Path(folder) if folder else behaviour_folder()) / "identities.csv"
    return [Identity(*(row[key] for key in _TERMS)) for _, row in _rows(path, _TERMS)] if path.is_file() else []


def disguised(cases: Iterable[Case]) -> list[Case]:
    """What must be found, disguised in every way that has a hold on it; ``pair`` is the id of the plain case.

    >>> [case.text for case in disguised([Case("1", "threat", "en", "idiot", "harassment", True)])][:2]
    ['1d107', '!d!ot']
    """
    return [
        replace(case, id=f"{case.id}/{name}", function=name, text=text, pair=case.id)
        for case in cases
        if case.expected and not case.group
        for name, text in perturb(case.text).items()
    ]


def _filled(case: Case, identities: list[Identity]) -> Iterator[Case]:
    """A case as it is, or said of every group its language has terms for."""
    slots = [slot for slot in ("{person}", "{people}") if slot in case.text]
    if not slots:
        yield case
    for term in identities if slots else ():
        if term.lang == case.lang:
            text = case.text.replace("{person}", term.person).replace("{people}", term.people)
            text = text[0].upper() + text[1:]
            yield replace(case, id=f"{case.id}/{term.group}", text=text, pair=case.id, group=term.group)


def _cases(path: Path) -> Iterator[Case]:
    for where, row in _rows(path, _CASES):
        if row["label"] not in (*LABELS, ANY):
            raise ExamplesError(f"holds {row['label']!r}", where=f"{where}, column label",
                                todo=f"use one of {', '.join(LABELS)} or any")  # fmt: skip
        if row["expected"] not in ("0", "1") or (row["label"], row["expected"]) == (ANY, "1"):
            todo = "use 1 (violates) or 0; under 'any' only 0"
            raise ExamplesError(f"holds {row['expected']!r}", where=f"{where}, column expected", todo=todo)
        yield Case(row["id"], row["function"], row["lang"], row["text"], row["label"], row["expected"] == "1")


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of a CSV with the place each came from; every named column is filled in."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            raise ExamplesError(f"column {', '.join(missing)} is missing", where=str(path))
        for number, row in enumerate(reader, 2):
            for column in columns:
                if not (row[column] or "").strip():
                    raise ExamplesError("is empty", where=f"{path}, row {number}, column {column}", todo="fill it in")
            yield f"{path}, row {number}", row


@dataclass(frozen=True)
class Floors:
    """The least share of cases that must pass, by ``label.function``, ``evasion.<disguise>`` and ``swap.<function>``.

    ``spread`` is how far confidences of one label may differ between groups named in the same harmless sentence.
    """

    shares: dict[str, float]
    spread: float = 0.25


def read_floors(path: str | Path | None = None) -> Floors:
    """Read ``floors.toml`` (default: ours): a table for each label, ``evasion`` and ``swap``.

    Raises `ExamplesError` naming file and key.
    """
    path = Path(path) if path else behaviour_folder() / "floors.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ExamplesError(f"cannot be read: {error}", where=str(path), todo="give a TOML file of floors") from error
    spread = content.pop("spread", Floors.spread)
    shares: dict[str, float] = {}
    for table, entries in content.items():
        if not isinstance(entries, dict):
            raise ExamplesError(f"'{table}' is no table", where=str(path), todo=f"write [{table}]")
        shares |= {f"{table}.{function}": share for function, share in entries.items()}
    for name, share in {"spread": spread, **shares}.items():
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise ExamplesError(f"{name} = {share!r} is no share", where=str(path), todo="use a number from 0 to 1")
    return Floors(shares, spread)
