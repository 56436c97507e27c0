"""Public corpora: a registry says where each lies, how it is read, and what its own labels mean in our six.

The registry is data (``data/corpora.toml``, whose format is described at its top): adding a corpus is an entry there
and no code here. A cell is 1, 0 or unknown (`<NA>`); what no rule of a corpus claims stays unknown.

>>> corpora = load_registry()
>>> corpora["sms-spam-collection"].licence, corpora["sms-spam-collection"].languages
('CC-BY-4.0', ('en',))
"""

from __future__ import annotations

import ast
import csv
import fnmatch
import hashlib
import html
import io
import json
import operator
import os
import re
import tomllib
import unicodedata
import zipfile
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.downloads import download, verify
from classifier.errors import CorpusError
from classifier.guidelines import LABELS, SURFACES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pandas as pd

    from classifier.downloads import Progress

__all__ = ["COLUMNS", "PARTS", "Corpus", "CorpusFile", "fetch", "load_registry", "read", "text_digest"]

PARTS = ("train", "dev", "test")
COLUMNS = ("id", "text", "lang", "surface", *LABELS, "corpus", "part", "group")


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


# ---- the registry ----


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
        fine = isinstance(test, str) and (_COMPARISON.fullmatch(test) or re.match("!?~", test))
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
    check(corpus.read.get("format") in _READERS, "read.format", "no such format", f"use one of {', '.join(_READERS)}")
    for key in corpus.read.keys() - _READ_KEYS:
        check(False, f"read.{key}", "unknown key")
    for kind in corpus.read.get("decode", ()):
        check(kind in _DECODERS, "read.decode", f"{kind!r} is no decoding", f"use {', '.join(_DECODERS)}")
    for made, how in corpus.derive.items():
        check(
            len(how.keys() & _DERIVE) == 1, f"derive.{made}", "names no operation", f"use one of {', '.join(_DERIVE)}"
        )
    check(corpus.labels, "labels", "empty", "map at least one label")
    labels: dict[str, dict[str, Any]] = {}
    for label, rules in corpus.labels.items():
        check(label in LABELS, f"labels.{label}", "is none of our labels", f"use {', '.join(LABELS)}")
        check(rules.keys() <= {"positive", "negative"}, f"labels.{label}", "holds more than positive and negative")
        labels[label] = {side: conditions(found, f"labels.{label}.{side}") for side, found in rules.items()}
    return Corpus(**{**entry, "labels": labels})


def fetch(
    corpus: Corpus, folder: str | Path, *, mirror: str | Path | None = None, progress: Progress | None = None
) -> list[Path]:
    """Get the verified files of `corpus`, in the registry's order; missing ones are downloaded to ``folder/<corpus>/``.

    With a `mirror` (or the environment variable ``CLASSIFIER_MIRROR``), laid out ``<mirror>/<corpus>/<file>``, files
    are read in place and the network is not used.

    Raises
    ------
    CorpusError
        A file is missing from the mirror, cannot be downloaded, or does not have the registry's SHA-256.

    Examples
    --------
    >>> fetch(load_registry()["banking77"], "corpora", mirror="no-mirror")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    classifier.errors.CorpusError: no-mirror/banking77/train.csv: not in the mirror; put it there, from https://...

    """
    mirror = mirror or os.environ.get("CLASSIFIER_MIRROR")
    paths = [Path(mirror or folder) / corpus.name / file.name for file in corpus.files]
    for file, path in zip(corpus.files, paths, strict=True):
        if path.exists():
            verify(path, file.sha256, todo="restore it" if mirror else "delete it to have it downloaded again")
        elif mirror:
            raise CorpusError("not in the mirror", where=str(path), todo=f"put it there, from {file.url}")
        else:
            download(file.url, path, size=file.bytes, sha256=file.sha256, progress=progress)
    return paths


# ---- readers: each yields one dict of strings for every row of a file ----


def _read_csv(content: str, options: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    quoting: Any = csv.QUOTE_MINIMAL if options.get("quoted", True) else csv.QUOTE_NONE
    # Only "\n" ends a line: some messages hold other line breaks.
    rows = csv.reader(io.StringIO(content, newline="\n"), delimiter=options.get("delimiter", ","), quoting=quoting)
    header = options.get("columns") or next(rows, [])
    for cells in rows:
        if len(cells) > len(header):
            raise ValueError(f"line {rows.line_num} has {len(cells)} cells for {len(header)} columns")
        yield dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=True))


def _read_lines(content: str, _: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    yield from ({"text": line} for line in content.removesuffix("\n").split("\n"))


def _read_json(content: str, options: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    columns = {name: path.split(".") if path else [] for name, path in options["columns"].items()}
    for keys, row in _walk(json.loads(content), options["records"].split("."), {}):
        found = {name: [leaf for _, leaf in _walk(row, steps, {})] for name, steps in columns.items()}
        yield keys | {k: "|".join(v if isinstance(v, str) else json.dumps(v) for v in vs) for k, vs in found.items()}


def _walk(node: Any, steps: list[str], keys: dict[str, str]) -> Iterator[tuple[dict[str, str], Any]]:
    """Follow a path: ``name`` or ``0`` goes down, ``*`` to every child, ``<column>`` too and keeps the child's key."""
    if not steps:
        yield keys, node
        return
    children = node if isinstance(node, dict) else dict(enumerate(node)) if isinstance(node, list) else {}
    for key, child in children.items():
        if steps[0].startswith("<"):
            yield from _walk(child, steps[1:], {**keys, steps[0].strip("<>"): str(key)})
        elif steps[0] in ("*", str(key)):
            yield from _walk(child, steps[1:], keys)


_READERS: dict[str, Callable[[str, Mapping[str, Any]], Iterator[dict[str, str]]]] = {
    "csv": _read_csv,
    "lines": _read_lines,
    "json": _read_json,
}
_READ_KEYS = {"format", "encoding", "delimiter", "quoted", "columns", "records", "melt", "text", "decode", "replace"}


def _records(corpus: Corpus, paths: Iterable[Path]) -> Iterator[dict[str, str]]:
    reader, encoding = _READERS[corpus.read["format"]], corpus.read.get("encoding", "utf-8")
    content = {path.name: path.read_bytes() for path in paths}
    for file in corpus.files:
        units = {file.name: (content[file.name], file.set)}
        if file.members:
            with zipfile.ZipFile(io.BytesIO(content[file.name])) as archive:
                units = {Path(member).name: (archive.read(member), more) for member, more in file.members.items()}
        beside = {column: content[other].decode(encoding).split("\n") for column, other in file.beside.items()}
        for name, (data, constant) in units.items():
            for number, row in enumerate(reader(data.decode(encoding), corpus.read)):
                parallel = {column: lines[number] for column, lines in beside.items()}
                yield {"corpus": corpus.name, "file": name, "row": str(number), **constant, **row, **parallel}


# ---- texts ----

_DECODERS: dict[str, Callable[[str], str]] = {
    # Entities with their semicolon only: html.unescape alone would also turn "?a=1&copy=2" into "?a=1©=2".
    "entities": lambda text: re.sub(
        r"&(?:#\d{1,7}|#[xX]\w{1,6}|[A-Za-z]\w{1,30});", lambda m: html.unescape(m[0]), text
    ),
    "tags": lambda text: re.sub(r"(?i)</?(?:a|b|i|s|span)(?: [^<>]*)?>", "", re.sub(r"(?i)<br ?/?>", "\n", text)),
    "escapes": lambda text: (
        re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)  # may be halves of a surrogate pair
        .encode("utf-16", "surrogatepass")
        .decode("utf-16", "replace")
    ),
}


def _decode(text: str, kinds: Iterable[str]) -> str:
    before = None if any(mark in text for mark in "&<\\") else text
    while text != before:  # some corpora were escaped twice
        before = text
        for kind in kinds:
            text = _DECODERS[kind](text)
    return text


def text_digest(text: str) -> str:
    r"""Digest by which annotations find a message again in its corpus.

    SHA-256, in hexadecimal, of the text with Unicode normalised (NFC) and white space collapsed and stripped. HTML
    entities, HTML tags and ``\u`` escapes are read first, so that a message has one digest before and after `read` has
    decoded it.

    >>> text_digest(" Tom &amp;\tAna ") == text_digest("Tom & Ana")
    True
    >>> text_digest("Tom & Ana") == text_digest("tom & ana")
    False
    """
    plain = " ".join(unicodedata.normalize("NFC", _decode(text, _DECODERS)).split())
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


# ---- derived columns, conditions and templates, over a frame of strings ----


def _numbers(frame: pd.DataFrame, globs: Iterable[str]) -> Any:
    import pandas as pd

    columns = [column for column in frame.columns if any(fnmatch.fnmatchcase(column, glob) for glob in globs)]
    if not columns:
        raise KeyError(", ".join(globs))
    return frame[columns].apply(pd.to_numeric, errors="coerce")


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return (found[found.re.groups and 1] or "") if found else ""


_DERIVE: dict[str, Callable[[pd.DataFrame, Mapping[str, Any]], Any]] = {
    "sum": lambda frame, how: _numbers(frame, how["sum"]).sum(axis=1),
    "ratio": lambda frame, how: operator.truediv(*(_numbers(frame, [name]).iloc[:, 0] for name in how["ratio"])),
    "map": lambda frame, how: frame[how["of"]].map(lambda value: how["map"].get(value, how.get("default", ""))),
    "extract": lambda frame, how: frame[how["of"]].map(lambda value: _first(how["extract"], value)),
    "tokens": lambda frame, how: frame[how["tokens"]].map(lambda value: " ".join(ast.literal_eval(value))),
    "digest": lambda frame, how: frame[how["digest"]].map(lambda value: text_digest(value)[:16]),
}
_OPERATORS = {">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt}
_COMPARISON = re.compile(r"(>=|<=|==|>|<) (-?\d+(?:\.\d+)?)")


def _matches(values: pd.Series[Any], test: str | list[str]) -> pd.Series[bool]:
    import pandas as pd

    if isinstance(test, list):
        return values.isin(test)
    if comparison := _COMPARISON.fullmatch(test):  # with what is no number every comparison is false
        numbers = pd.to_numeric(values, errors="coerce")
        return pd.Series(_OPERATORS[comparison[1]](numbers, float(comparison[2])), dtype=bool)
    search = re.compile(test.lstrip("!").removeprefix("~"), re.IGNORECASE).search
    return values.map(lambda value: (search(value) is None) == test.startswith("!")).astype(bool)


def _any(frame: pd.DataFrame, conditions: Iterable[Mapping[str, Any]]) -> pd.Series[bool]:
    """Rows where some condition holds; a condition holds where each of its columns does."""
    import pandas as pd

    some = pd.Series(False, index=frame.index)
    for condition in conditions:
        every = pd.Series(True, index=frame.index)
        for column, test in condition.items():
            every &= _matches(frame[column], test)
        some |= every
    return some


def _fill(frame: pd.DataFrame, template: str) -> Any:
    """Replace each ``$column`` of a template by the row's value: shape (n_rows,)."""
    result: Any = ""
    for i, piece in enumerate(re.split(r"\$(\w+)", template)):
        result = result + (frame[piece] if i % 2 else piece)
    return result


def read(
    corpus: Corpus,
    folder: str | Path,
    *,
    mirror: str | Path | None = None,
    parts: Iterable[str] | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Read the messages of a corpus, with our six labels.

    Each text occurs once: copies are merged, a label on which they disagree becomes unknown, and the copy in the test
    (then dev) part is the one that stays, so that no published test text is trained on.

    Parameters
    ----------
    corpus : Corpus
        An entry of `load_registry`.
    folder, mirror, progress
        As for `fetch`, which gets the files.
    parts : iterable of {"train", "dev", "test"}, optional
        Keep only these parts.

    Returns
    -------
    DataFrame of shape (n_messages, 13)
        `COLUMNS`: labels are "Int8" with `<NA>` for unknown; `id` is stable and unique; rows of one `group` belong on
        one side of any split; `part` is "train" where the corpus publishes none.

    Raises
    ------
    CorpusError
        The files cannot be had, or do not fit their entry in the registry.

    Examples
    --------
    >>> read(load_registry()["edos"], "corpora", mirror="no-mirror")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    classifier.errors.CorpusError: no-mirror/edos/edos_labelled_aggregated.csv: not in the mirror; put it there, ...

    """
    paths = fetch(corpus, folder, mirror=mirror, progress=progress)
    try:
        frame = _merge_copies(_messages(corpus, paths))
    # The files are verified, so whatever does not fit is the entry's fault.
    except (LookupError, SyntaxError, ValueError, TypeError, zipfile.BadZipFile) as error:
        reason = f"{type(error).__name__}: {error}"
        raise CorpusError(f"files and entry do not fit ({reason})", where=corpus.name, todo="mend the entry") from error
    allowed = {"part": PARTS, "surface": SURFACES, "lang": corpus.languages}
    for column, values in allowed.items():
        if strange := set(frame[column]) - {*values}:
            raise CorpusError(
                f"{column} {min(strange)!r} is none of {values}", where=corpus.name, todo="mend the entry"
            )
    if not frame["id"].is_unique:
        twice = frame["id"][frame["id"].duplicated()].iloc[0]
        raise CorpusError(f"the id {twice!r} occurs twice", where=corpus.name, todo="choose another id template")
    return frame if parts is None else frame[frame["part"].isin([*parts])].reset_index(drop=True)


def _messages(corpus: Corpus, paths: Iterable[Path]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame.from_records([*_records(corpus, paths)]).fillna("")
    if melt := corpus.read.get("melt"):  # unlike DataFrame.melt this keeps the melted columns, for `derive`
        frame = pd.concat([frame.assign(variable=name, value=frame[name]) for name in melt], ignore_index=True)
    for made, how in corpus.derive.items():
        frame[made] = _DERIVE[next(iter(how.keys() & _DERIVE))](frame, how)
    decode = corpus.read.get("decode", ())
    text = frame[corpus.read.get("text", "text")].map(lambda value: _decode(value, decode))
    for pattern, replacement in corpus.read.get("replace", ()):
        text = text.str.replace(pattern, replacement, regex=True)
    frame["text"] = text.str.strip()
    frame = frame[frame["text"] != ""].reset_index(drop=True)
    frame["id"] = f"{corpus.name}:" + _fill(frame, corpus.id)
    result = frame[["id", "text"]].assign(lang=_fill(frame, corpus.lang), surface=_fill(frame, corpus.surface))
    for label in LABELS:
        rules = corpus.labels.get(label, {})
        yes, no = _any(frame, rules.get("positive", ())), _any(frame, rules.get("negative", ()))
        # Where both sides hold the corpus contradicts itself: unknown, as where neither does.
        result[label] = yes.astype("Int8").where(yes ^ no)
    return result.assign(corpus=corpus.name, part=_fill(frame, corpus.part), group=_fill(frame, corpus.group))


def _merge_copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep one row for each text, with the label its copies agree on or `<NA>`: (n_rows, 13) → (n_texts, 13)."""
    digest = frame["text"].map(text_digest)
    labels = frame[[*LABELS]].groupby(digest)
    low, high = labels.transform("min"), labels.transform("max")  # of the known ones
    frame = frame.assign(**{label: low[label].where(low[label] == high[label]) for label in LABELS})
    order = frame["part"].map({"test": 0, "dev": 1}).fillna(2).sort_values(kind="stable").index
    kept = digest[order].drop_duplicates().index.sort_values()
    return frame.loc[kept, [*COLUMNS]].reset_index(drop=True)
