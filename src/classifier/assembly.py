"""The rows a model is trained and judged on: our messages, public corpora, and our labels on their texts.

Our messages split by author (``data/splits.toml``); corpora by their own groups (threads, pairs, templates), those of
their parts marked for evaluation never being trained on. Held-out rows are only those judged for all six labels.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.corpora import read
from classifier.errors import ExamplesError
from classifier.examples import (
    annotate,
    label_matrix,
    read_annotations,
    read_examples,
    split_of,
    without_held_out_copies,
)
from classifier.functional_tests import read_identities
from classifier.guidelines import LABELS
from classifier.identity_swaps import swapper
from classifier.perturbations import perturb
from classifier.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from classifier.corpora import Corpus

__all__ = ["TrainingData", "assemble", "data_folder", "our_messages", "read_splits"]

HELD_OUT = ("dev", "test")
# What a row counts against 1 for a message of ours: a text of a public corpus that we judged, a corpus' own label, and
# a text of a corpus in which nothing violates.
REAL_TEXT_WEIGHT, CORPUS_WEIGHT, HARMLESS_WEIGHT = 0.35, 0.03, 1.3
CORPUS_LIMIT = 8_000
_COPY_WEIGHT = 0.5
# What real text counts in calibration, all of it together, against all our messages: of both there are samples, in
# other mixtures than people will score, and real text is nearer to those.
_REAL_IN_CALIBRATION = 1.5
_EVASIONS = {"leet", "leet_symbols", "masked", "swapped", "doubled", "elongation", "emoji_between", "stacked_marks"}


@dataclass(frozen=True)
class TrainingData:
    """``train`` has the columns `training.train` reads; ``held_out`` frames by name; ``sources`` for the record."""

    train: pd.DataFrame
    held_out: dict[str, pd.DataFrame]
    sources: list[dict[str, Any]]


def data_folder() -> Path:
    """The repository's ``data`` folder; raises `ExamplesError` in an installation without one."""
    folder = Path(__file__).resolve().parents[2] / "data"
    if not (folder / "messages").is_dir():
        raise ExamplesError("our labelled messages are not installed", where=str(folder),
                            todo="clone the repository, or name your own with --examples")  # fmt: skip
    return folder


def our_messages(folder: Path) -> list[Path]:
    """The files of our messages, also those whose shape tells their labels: they train and are never held out."""
    return [path for name in ("messages", "shape_telling") for path in sorted((folder / name).glob("*.csv"))]


def read_splits(path: Path) -> dict[str, str]:
    """Author to ``dev`` or ``test``, from a file that lists the authors of each; all others train."""
    if not path.is_file():
        return {}
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return {author: part for part in HELD_OUT for author in content.get(part, [])}


def assemble(
    corpora: Iterable[Corpus],
    examples: Iterable[Path],
    *,
    annotations: Iterable[Path] = (),
    splits: Mapping[str, str] | None = None,
    severity: Path | None = None,
    folder: Path,
    mirror: str | Path | None = None,
    real_text_weight: float = REAL_TEXT_WEIGHT,
    corpus_weight: float = CORPUS_WEIGHT,
    harmless_weight: float = HARMLESS_WEIGHT,
    corpus_limit: int = CORPUS_LIMIT,
    disguised: float = 0.0,
    framed: float = 0.0,
    swapped: int = 0,
    seed: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> TrainingData:
    """Read everything, join our annotations, split, and drop training rows that copy a held-out one.

    A corpus gives at most ``corpus_limit`` rows with its own labels, half of them positive where there are enough,
    each weighing ``corpus_weight`` against 1 for a message of ours and ``real_text_weight`` for a text we judged.
    ``severity`` is a folder of messages judged for severity, which tell some of the labels too. ``disguised`` is the
    share of our training messages that are there a second time, as people write who evade a filter (`perturbations`),
    violations and harmless ones alike; ``framed`` the share that is there again with an ordinary message of the same
    author before or behind it; ``swapped`` is how many times messages that name a group are there again, said
    of others (`identity_swaps`).

    Raises `ExamplesError` and `CorpusError`.
    """
    import pandas as pd

    splits, report = splits or {}, progress or (lambda stage, share: None)
    files, sources, frames = [Path(path) for path in examples], [], []
    for path in files:
        frame = read_examples(path)
        frame["group"] = frame["author"] if "author" in frame else frame["id"]
        frame["split"] = frame["group"].map(lambda author: splits.get(author, "train"))
        frame["annotated"] = True
        frame["population"], frame["weight"], frame["source"] = 1.0, 1.0, "our messages"
        frame["doubted"] = False
        frames.append(frame)
        sources.append(_source(path, len(frame)))
    if severity is not None:
        for path in sorted(severity.glob("??.csv")):
            frame = _labels_of_severity(pd.read_csv(path))
            frames.append(frame)
            sources.append(_source(path, len(frame), "severity/"))
        if (again := severity / "existing.csv").is_file():
            sources.append(_source(again, len(pd.read_csv(again)), "severity/"))
    read_as = {path: read_annotations(path) for path in map(Path, annotations)}
    ours = pd.concat(read_as.values(), ignore_index=True) if read_as else None
    chosen = list(corpora)
    for number, corpus in enumerate(chosen):
        report(f"reading {corpus.name}", number / len(chosen))
        frame = read(corpus, folder, mirror=mirror)
        if ours is not None:
            frame = annotate(frame, ours[ours["corpus"] == corpus.name])
        else:
            frame = frame.assign(annotated=False, doubted=False)
        frame["split"], frame["source"] = split_of(frame["group"]), "real text"
        # A corpus in which nothing violates shows how often harmless messages alarm; where a corpus marks violations of
        # one kind, what it leaves unmarked is too doubtful for that.
        harmless = not any(rules.get("positive") for rules in corpus.labels.values())
        weight = harmless_weight if harmless else corpus_weight
        frame["weight"] = np.where(frame["annotated"], real_text_weight, weight)
        kept, rate = _kept(frame, corpus, corpus_limit, np.random.default_rng(seed))
        # What a model doubted is no sample of anything, but where all the rest of a corpus is one: there it counts as
        # its like would that no model was asked about.
        population = (frame["annotated"] | harmless).astype(float)
        frame["population"] = population.where(~frame["doubted"], rate if harmless else 0.0)
        frames.append(frame[kept])
        sources.append({"corpus": corpus.name, "licence": corpus.licence, "homepage": corpus.homepage,
                        "citation": corpus.citation, "rows": int(kept.sum()),
                        "judged": int(frame["annotated"].sum())})  # fmt: skip
    sources += [_source(path, len(found), "annotations/") for path, found in read_as.items()]
    if not frames:
        raise ExamplesError("no examples were named", todo="give --examples or --corpus")
    rows = pd.concat(frames, ignore_index=True)
    held = rows[(rows["split"] != "train") & rows["annotated"] & ~rows["doubted"]]
    train = without_held_out_copies(rows[rows["split"] == "train"], held)
    copies = _disguised(train[train["source"] == "our messages"], disguised, np.random.default_rng(seed))
    among = _framed(train[train["source"] == "our messages"], framed, np.random.default_rng([seed, 1]))
    others = _said_of_others(train, swapped, np.random.default_rng(seed))
    train = pd.concat([train, without_held_out_copies(pd.concat([copies, among, others]), held)], ignore_index=True)
    train["calibrates"] = _calibration_weights(train)
    held_out = {
        f"{source}, {part}": held[(held["split"] == part) & (held["source"] == source)].reset_index(drop=True)
        for source in ("our messages", "real text")
        for part in HELD_OUT
    }
    return TrainingData(train, {name: frame for name, frame in held_out.items() if len(frame)}, sources)


def _calibration_weights(train: pd.DataFrame) -> pd.Series[float]:
    """How much each row counts in calibration: those judged, and not because a model doubted them."""
    judged = train["annotated"] & ~train["doubted"]
    real = judged & (train["source"] == "real text")
    weights = judged.astype(float)
    if real.any() and (judged & ~real).any():
        weights[real] = _REAL_IN_CALIBRATION * (judged & ~real).sum() / real.sum()
    return weights


def _disguised(frame: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    """Disguised copies of a share of messages, of the same groups, that neither calibrate nor choose thresholds."""
    copies = frame[rng.random(len(frame)) < share].copy()
    texts = []
    for text in copies["text"]:
        # what cleaning undoes is no news to the model
        kinds = sorted(
            {other for name, other in perturb(text).items() if name in _EVASIONS and clean(other) != clean(text)}
        )
        texts.append(kinds[rng.integers(len(kinds))] if kinds else text)
    changed = np.array(texts, object) != copies["text"].to_numpy(object)
    copies["text"] = texts
    _only_trains(copies)
    return copies[changed]


def _framed(frame: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    """Copies of a share of messages, each beside an ordinary one of its author, as people hide what they mean."""
    copies = frame[rng.random(len(frame)) < share].copy()
    if not len(copies):
        return copies
    # By the same author: beside another's, a fold would train on what is left out of it.
    ordinary = dict(frame[frame["kind"] == "ordinary"].groupby("group")["text"].agg(list))
    copies = copies[copies["group"].isin(ordinary)]
    texts = []
    for text, group in zip(copies["text"], copies["group"], strict=True):
        beside = ordinary[group][rng.integers(len(ordinary[group]))]
        texts.append(f"{beside} {text}" if rng.random() < 0.5 else f"{text} {beside}")
    copies["text"] = texts
    _only_trains(copies)
    return copies


def _said_of_others(frame: pd.DataFrame, times: int, rng: np.random.Generator) -> pd.DataFrame:
    """Copies of the messages we judged that name a group, said of others; they neither calibrate nor count."""
    swap = swapper(read_identities())
    judged = frame[(frame["source"] == "our messages") | frame["annotated"]]
    copies = judged.loc[judged.index.repeat(times)].copy()
    texts = copies["text"].tolist()
    copies["text"] = [swap(text, lang, rng) for text, lang in zip(texts, copies["lang"], strict=True)]
    _only_trains(copies)
    return copies[copies["text"].to_numpy(object) != np.array(texts, object)].drop_duplicates(["id", "text"])


def _only_trains(copies: pd.DataFrame) -> None:
    copies["annotated"], copies["population"] = False, 0.0
    copies["weight"] *= _COPY_WEIGHT


def _source(path: Path, rows: int, folder: str = "") -> dict[str, Any]:
    return {"file": f"{folder}{path.name}", "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "rows": rows}


def _labels_of_severity(frame: pd.DataFrame) -> pd.DataFrame:
    """The training rows among messages judged for severity, with the labels that follow from it; others are unknown.

    A threat, a call to self-harm and a sexual demand are harassment, the last is treating the site as a dating site
    too; speaking of one's own distress is neither.
    """
    frame = frame[frame["part"] == "train"].copy()
    harasses = (frame[["threat", "self_harm_call", "sexual_demand"]] == 1).any(axis=1)
    told = harasses | (frame["distress"] == 1)
    for label in LABELS:
        frame[label] = np.nan
    frame["harassment"] = np.where(told, harasses.astype(float), np.nan)
    frame["dating_flirting"] = np.where(told, frame["sexual_demand"].astype(float), np.nan)
    frame["group"], frame["split"], frame["source"] = frame["author"], "train", "our messages"
    frame["annotated"], frame["doubted"], frame["population"], frame["weight"] = False, False, 0.0, 1.0
    return frame


def _kept(
    frame: pd.DataFrame, corpus: Corpus, limit: int, rng: np.random.Generator
) -> tuple[np.ndarray[Any, Any], float]:
    """All annotated rows, and of the others at most ``limit`` training rows with a known label, half positive.

    Also which share of the others that is.
    """
    labels = label_matrix(frame)
    usable = (
        ~np.isnan(labels).all(axis=1)
        & (frame["split"] == "train").to_numpy()
        & ~frame["part"].isin(corpus.evaluation).to_numpy()
    )
    usable &= ~frame["annotated"].to_numpy(bool)
    positive = np.nan_to_num(labels).max(axis=1) > 0
    kept = (
        frame["annotated"].to_numpy(bool)
        & ~(frame["part"].isin(corpus.evaluation) & (frame["split"] == "train")).to_numpy()
    )
    positives = rng.permutation(np.flatnonzero(usable & positive))[: limit // 2]
    negatives = rng.permutation(np.flatnonzero(usable & ~positive))[: limit - len(positives)]
    kept[positives] = kept[negatives] = True
    return kept, (len(positives) + len(negatives)) / max(int(usable.sum()), 1)
