"""The rows of the experiments: read once into a snapshot, so that all experiments see the same ones.

A snapshot is one Parquet file. The column ``kind`` says where a row comes from (``ours``, ``severity``, ``copy``,
``judged`` or ``corpus``), ``role`` whether it trains or is judged on (``dev``), ``draw`` is a number from 0 to 1 drawn
once, by which shares of rows are taken. No test row is in it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from experiment_recipe import BEGUN

from classifier.assembly import assemble, data_folder, our_messages, read_splits
from classifier.corpora import load_registry
from classifier.examples import label_matrix, without_held_out_copies
from classifier.guidelines import LABELS
from classifier.perturbations import PERTURBATIONS, perturb

if TYPE_CHECKING:
    from experiment_recipe import Recipe
    from numpy.typing import NDArray

COLUMNS = ("id", "text", "lang", *LABELS, "group", "source", "corpus", "kind", "role", "weight", "population", "draw")
COPIES = 0.5  # share of our messages of which the snapshot holds a disguised copy; recipes take a part of them
QUICK = 0.05
_STILL_PLAIN = {"harmless_frame", "decomposed", "capitals", "doubled"}


@dataclass(frozen=True)
class Task:
    """Rows to train on, and rows to judge on, whose ``part`` says which figures they belong to."""

    train: pd.DataFrame
    dev: pd.DataFrame
    spare: pd.DataFrame  # rows of corpora that are not trained on

    @property
    def y(self) -> NDArray[np.float32]:
        """Labels of the training rows, NaN where unknown."""
        return label_matrix(self.train)

    @cached_property
    def texts_key(self) -> str:
        """A digest of the texts, by which counts are kept."""
        return "".join(_digest(frame[["text", "lang"]]) for frame in (self.train, self.dev))

    @cached_property
    def rows_key(self) -> str:
        """A digest of all there is to fit, by which fits are kept."""
        return _digest(self.train[["text", "lang", "group", "weight", *LABELS]])

    @property
    def weights(self) -> NDArray[np.float64]:
        """How much a training row counts."""
        return self.train["weight"].to_numpy(float)


def read_snapshot(folder: Path, corpora: str = "data/downloads", *, renew: bool = False) -> pd.DataFrame:
    """The snapshot in a folder; read anew from our data and the corpora where there is none or with ``renew``."""
    path = folder / "snapshot.parquet"
    if renew or not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        _assembled(corpora).to_parquet(path, index=False)
    return pd.read_parquet(path)


def snapshot_digest(rows: pd.DataFrame) -> str:
    """Twelve hexadecimal digits that change with any row."""
    return _digest(rows)[:12]


def _digest(rows: pd.DataFrame) -> str:
    return hashlib.sha256(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes()).hexdigest()


def _assembled(corpora: str) -> pd.DataFrame:
    folder = data_folder()
    data = assemble(
        load_registry().values(), our_messages(folder), annotations=sorted((folder / "annotations").glob("*.csv")),
        splits=read_splits(folder / "splits.toml"), severity=folder / "severity", folder=Path(corpora),
        disguised=COPIES, **BEGUN.rows,
    )  # fmt: skip
    held = [data.held_out[part] for part in ("our messages, dev", "real text, dev")]
    rows = pd.concat([data.train.assign(role="train"), *(part.assign(role="dev") for part in held)], ignore_index=True)
    real, judged = rows["source"] == "real text", rows["annotated"].astype(bool)
    copies = ~real & ~judged & (rows["weight"] < 1)
    rows["kind"] = np.select([real & judged, real, copies, judged], ["judged", "corpus", "copy", "ours"], "severity")
    rows["draw"] = np.random.default_rng(0).random(len(rows))
    rows["corpus"] = rows["corpus"].astype(object).where(real, "")
    texts = {column: rows[column].astype(str) for column in ("id", "text", "lang", "group", "source", "corpus")}
    return rows.assign(**texts)[list(COLUMNS)]


def quick_part(rows: pd.DataFrame) -> pd.DataFrame:
    """A twentieth of the training rows, to try out experiments."""
    return rows[(rows["role"] == "dev") | (np.modf(rows["draw"] * 997)[0] < QUICK)].reset_index(drop=True)


def rows_for(rows: pd.DataFrame, recipe: Recipe) -> pd.DataFrame:
    """The training rows of a recipe with their weights."""
    kind = rows["kind"]
    share = min(1.0, recipe.corpus_rows / max(1, (kind == "corpus").sum()))
    left_out = ((kind == "copy") & (rows["draw"] >= recipe.disguised / COPIES)) | (
        (kind == "corpus") & ((rows["draw"] >= share) | (recipe.corpus_weight == 0))
    )
    chosen = rows[~left_out].reset_index(drop=True)
    factors = {"corpus": recipe.corpus_weight / BEGUN.corpus_weight, "judged": recipe.real_weight}
    weights = chosen["weight"] * chosen["kind"].map(factors).fillna(1.0)
    harmless = (chosen["kind"] == "corpus") & (chosen["population"] == 1)
    weights *= np.where(harmless, recipe.harmless_weight, 1.0)
    if recipe.balance_languages:
        size = chosen.groupby(["source", "lang"])["lang"].transform("size")
        weights *= (size / size.mean()) ** -recipe.balance_languages
    return chosen.assign(weight=weights)


def dev_task(rows: pd.DataFrame, recipe: Recipe) -> Task:
    """Train on the recipe's rows; judge on our dev messages, these disguised, and dev real text."""
    dev = rows[rows["role"] == "dev"]
    dev = dev.assign(part=np.where(dev["source"] == "real text", "real text", "our messages"))
    ours = dev[dev["part"] == "our messages"]
    disguised = ours.assign(text=[disguise(text) for text in ours["text"]], part="disguised")
    return _task(rows[rows["role"] == "train"], pd.concat([dev, disguised], ignore_index=True), recipe)


def left_out_corpora(rows: pd.DataFrame, recipe: Recipe, fold: int, folds: int) -> Task:
    """Train without some corpora; judge on the texts of these that we judged, whatever their split."""
    names = sorted({*rows["corpus"]} - {""})
    out = rows["corpus"].isin(names[fold::folds])
    judged = rows[out & (rows["kind"] == "judged")]
    train = rows[~out & (rows["role"] == "train")]
    train = without_held_out_copies(train, judged)
    return _task(train, judged.assign(part="corpora left out", fold=fold), recipe)


def left_out_voices(rows: pd.DataFrame, recipe: Recipe, fold: int, folds: int) -> Task:
    """Train without some authors of our messages; judge on these."""
    number = np.array([hashlib.sha256(group.encode()).digest()[0] % folds for group in rows["group"]])
    out = (rows["source"] == "our messages").to_numpy() & (number == fold)
    train = rows[~out & (rows["role"] == "train").to_numpy()]
    judged = rows[out & (rows["kind"] == "ours").to_numpy()]
    train = without_held_out_copies(train, judged)
    return _task(train, judged.assign(part="voices left out", fold=fold), recipe)


def _task(train: pd.DataFrame, dev: pd.DataFrame, recipe: Recipe) -> Task:
    kept = rows_for(train, recipe)
    corpus = train[train["kind"] == "corpus"]
    spare = corpus[~corpus["id"].isin(kept.loc[kept["kind"] == "corpus", "id"])]
    return Task(kept, dev.reset_index(drop=True), spare.reset_index(drop=True))


@cache
def disguise(text: str) -> str:
    """One of the disguises of a message, chosen by a hash of the text; the text where none has a hold.

    >>> disguise("you idiot") != "you idiot", disguise("you idiot") == disguise("you idiot")
    (True, True)
    """
    found = perturb(text)
    kinds = [kind for kind in PERTURBATIONS if kind in found and kind not in _STILL_PLAIN]
    return found[kinds[hashlib.sha256(text.encode()).digest()[0] % len(kinds)]] if kinds else text
