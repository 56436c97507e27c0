"""The registry of public corpora: entries of ``data/corpora.toml``, validated so that reading can rely on them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.corpus_steps import COMPARISON, DECODERS, DERIVE, READ_KEYS, READERS
from classifier.errors import CorpusError
from classifier.guidelines import LABELS, SURFACES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PARTS", "Corpus", "CorpusFile", "load_registry"]

PARTS = ("train", "dev", "test")


@dataclass(frozen=True)
class CorpusFile:
    """One file of a corpus: where it lies, what it must be, and what its rows have in common."""

    name: str
    url: str
    bytes: int
    sha256: str
    set: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Corpus:
    """One entry of the registry; the top of ``data/corpora.toml`` says what each field means."""

    name: str
    title: str
    licence: str
    citation: str
    homepage: str
    languages: tuple[str, ...]
    files: tuple[CorpusFile, ...]
    read: Mapping[str, Any]
    labels: Mapping[str, Mapping[str, list[dict[str, Any]]]]
    lang: str
    surface: str
    part: str = "train"
    group: str = "$id"
    id: str = "$file:$row"
    derive: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    evaluation: tuple[str, ...] = ()


def load_registry(path: str | Path | None = None) -> dict[str, Corpus]:
    """Load and validate the registry at `path`, or the one that comes with the package: corpora by name.

    Raises
    ------
    CorpusError
        The registry cannot be read or an entry is wrong; the message names the file and the key.

    Examples
    --------
    >>> load_registry()["clinc150"].evaluation
    ('test',)
    >>> load_registry("nowhere.toml")
    Traceback (most recent call last):
    ...
    classifier.errors.CorpusError: nowhere.toml: cannot read the registry (No such file or directory); name a TOML file

    """
    here = Path(__file__).parent
    shipped = here / "data" / "corpora.toml"  # in a wheel; a checkout keeps data/ at the top
    path = Path(path) if path else shipped if shipped.exists() else here.parents[1] / "data" / "corpora.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CorpusError(f"cannot read the registry ({reason})", where=str(path), todo="name a TOML file") from error
    if unknown := raw.keys() - {"patterns", "corpora"}:
        raise CorpusError(f"unknown table {min(unknown)!r}", where=str(path), todo="use [patterns] and [corpora.NAME]")
    return {name: _entry(name, raw, str(path)) for name in raw.get("corpora", {})}


def _entry(name: str, raw: Mapping[str, Any], source: str) -> Corpus:
    def check(fine: object, key: str, what: str, todo: str = "see the top of the registry") -> None:
        if not fine:
            raise CorpusError(what, where=f"{source}, corpora.{name}.{key}", todo=todo)

    def build(kind: Any, values: Mapping[str, Any], key: str) -> Any:
        known = {f.name: f for f in fields(kind)}
        for missing in (k for k, f in known.items() if f.default is MISSING and f.default_factory is MISSING):
            check(missing in values, key + missing, "missing", "add it")
        for given, value in values.items():
            check(given in known, key + given, "unknown key")
            wanted = {"str": str, "int": int, "tup": tuple, "Map": dict}[str(known[given].type)[:3]]
            check(isinstance(value, wanted), key + given, f"{value!r} is no {wanted.__name__}")
        return kind(**values)

    def conditions(found: Any, key: str) -> list[dict[str, Any]]:
        fine = isinstance(found, list) and all(isinstance(table, dict) for table in found)
        check(fine, key, "is no list of tables", "write [{ column = … }]")
        return [{column: condition(test, f"{key}.{column}") for column, test in table.items()} for table in found]

    def condition(test: Any, key: str) -> str | list[str]:
        if isinstance(test, list) and all(isinstance(value, str) for value in test):
            return test
        fine = isinstance(test, str) and (COMPARISON.fullmatch(test) or re.match("!?~", test))
        check(fine, key, f"{test!r} is no condition", 'write ["value"], ">= 2", "~regex" or "!~regex"')
        for pattern in re.findall(r"\{([a-z_]+)\}", test):
            check(pattern in patterns, key, f"no pattern {pattern!r}", "add it to [patterns]")
            test = test.replace(f"{{{pattern}}}", f"(?:{patterns[pattern]})")
        try:
            re.compile(test.lstrip("!~"))
        except re.error as error:
            check(False, key, f"no regular expression ({error})", "mend it")
        return str(test)

    patterns = raw.get("patterns", {})
    entry = {"name": name, **raw["corpora"][name]}
    for key in ("languages", "files", "evaluation"):
        check(isinstance(entry.get(key, []), list), key, "is no list")
        entry[key] = tuple(entry.get(key, ()))
    entry["files"] = tuple(build(CorpusFile, file, f"files[{i}].") for i, file in enumerate(entry["files"]))
    corpus: Corpus = build(Corpus, entry, "")
    check(corpus.files, "files", "empty", "add at least one file")
    check(corpus.languages, "languages", "empty", "name at least one language")
    names = [file.name for file in corpus.files]
    for i, file in enumerate(corpus.files):
        check(re.fullmatch("[0-9a-f]{64}", file.sha256), f"files[{i}].sha256", f"{file.sha256!r} is no SHA-256")
        check(file.url.startswith("https://"), f"files[{i}].url", f"{file.url!r} is no https:// address")
        check(Path(file.name).name == file.name, f"files[{i}].name", f"{file.name!r} is no plain file name")
        check(names.count(file.name) == 1, f"files[{i}].name", f"{file.name!r} occurs twice")
        check({*file.beside.values()} <= {*names}, f"files[{i}].beside", f"{file.beside} names no file of the corpus")
    for key, allowed in (("surface", SURFACES), ("part", PARTS)):
        value = getattr(corpus, key)
        check("$" in value or value in allowed, key, f"{value!r} is not allowed", f"use one of {', '.join(allowed)}")
    check({*corpus.evaluation} <= {*PARTS}, "evaluation", f"{corpus.evaluation} are no parts")
    check(corpus.read.get("format") in READERS, "read.format", "no such format", f"use one of {', '.join(READERS)}")
    for key in corpus.read.keys() - READ_KEYS:
        check(False, f"read.{key}", "unknown key")
    for kind in corpus.read.get("decode", ()):
        check(kind in DECODERS, "read.decode", f"{kind!r} is no decoding", f"use {', '.join(DECODERS)}")
    for made, how in corpus.derive.items():
        check(len(how.keys() & DERIVE) == 1, f"derive.{made}", "names no operation", f"use one of {', '.join(DERIVE)}")
    check(corpus.labels, "labels", "empty", "map at least one label")
    labels: dict[str, dict[str, Any]] = {}
    for label, rules in corpus.labels.items():
        check(label in LABELS, f"labels.{label}", "is none of our labels", f"use {', '.join(LABELS)}")
        check(rules.keys() <= {"positive", "negative"}, f"labels.{label}", "holds more than positive and negative")
        labels[label] = {side: conditions(found, f"labels.{label}.{side}") for side, found in rules.items()}
    return Corpus(**{**entry, "labels": labels})
