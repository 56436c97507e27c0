"""Public corpora: a registry says where each lies, how it is read, and what its own labels mean in our six.

The registry is data (``data/corpora.toml``, whose format is described at its top): adding a corpus is an entry there
and no code here. A cell is 1, 0 or unknown (`<NA>`); what no rule of a corpus claims stays unknown.

>>> corpora = load_registry()
>>> corpora["sms-spam-collection"].licence, corpora["sms-spam-collection"].languages
('CC-BY-4.0', ('en',))
"""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.corpus_registry import PARTS, Corpus, CorpusFile, load_registry
from classifier.corpus_steps import DERIVE, READERS, any_condition, decode_text, fill, text_digest
from classifier.downloads import download, verify
from classifier.errors import CorpusError
from classifier.guidelines import LABELS, SURFACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from classifier.downloads import Progress

__all__ = ["COLUMNS", "PARTS", "Corpus", "CorpusFile", "fetch", "load_registry", "read", "text_digest"]

COLUMNS = ("id", "text", "lang", "surface", *LABELS, "corpus", "part", "group")


def fetch(
    corpus: Corpus,
    folder: str | Path,
    *,
    mirror: str | Path | None = None,
    copy: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Get the verified files of `corpus`, in the registry's order; missing ones are downloaded to ``folder/<corpus>/``.

    With a `mirror` (or the environment variable ``CLASSIFIER_MIRROR``), laid out ``<mirror>/<corpus>/<file>``, files
    are taken from there and the network is not used: read in place or, with `copy`, copied to ``folder/<corpus>/``.

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
    if not (mirror and copy):
        return paths
    copies = [Path(folder) / corpus.name / path.name for path in paths]
    for path, target in zip(paths, copies, strict=True):
        part = target.with_name(f"{target.name}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, part)
        part.replace(target)
    return copies


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


def _records(corpus: Corpus, paths: Iterable[Path]) -> Iterator[dict[str, str]]:
    reader, encoding = READERS[corpus.read["format"]], corpus.read.get("encoding", "utf-8")
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


def _messages(corpus: Corpus, paths: Iterable[Path]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame.from_records([*_records(corpus, paths)]).fillna("")
    if melt := corpus.read.get("melt"):  # unlike DataFrame.melt this keeps the melted columns, for `derive`
        frame = pd.concat([frame.assign(variable=name, value=frame[name]) for name in melt], ignore_index=True)
    for made, how in corpus.derive.items():
        frame[made] = DERIVE[next(iter(how.keys() & DERIVE))](frame, how)
    decode = corpus.read.get("decode", ())
    text = frame[corpus.read.get("text", "text")].map(lambda value: decode_text(value, decode))
    for pattern, replacement in corpus.read.get("replace", ()):
        text = text.str.replace(pattern, replacement, regex=True)
    frame["text"] = text.str.strip()
    frame = frame[frame["text"] != ""].reset_index(drop=True)
    frame["id"] = f"{corpus.name}:" + fill(frame, corpus.id)
    result = frame[["id", "text"]].assign(lang=fill(frame, corpus.lang), surface=fill(frame, corpus.surface))
    for label in LABELS:
        rules = corpus.labels.get(label, {})
        yes, no = any_condition(frame, rules.get("positive", ())), any_condition(frame, rules.get("negative", ()))
        # Where both sides hold the corpus contradicts itself: unknown, as where neither does.
        result[label] = yes.astype("Int8").where(yes ^ no)
    return result.assign(corpus=corpus.name, part=fill(frame, corpus.part), group=fill(frame, corpus.group))


def _merge_copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep one row for each text, with the label its copies agree on or `<NA>`: (n_rows, 13) → (n_texts, 13)."""
    digest = frame["text"].map(text_digest)
    labels = frame[[*LABELS]].groupby(digest)
    low, high = labels.transform("min"), labels.transform("max")  # of the known ones
    frame = frame.assign(**{label: low[label].where(low[label] == high[label]) for label in LABELS})
    order = frame["part"].map({"test": 0, "dev": 1}).fillna(2).sort_values(kind="stable").index
    kept = digest[order].drop_duplicates().index.sort_values()
    return frame.loc[kept, [*COLUMNS]].reset_index(drop=True)
