"""Features of an experiment: blocks of counts, their weights, and the choice of those that are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from experiment_words import ANALYZERS
from joblib import Memory
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import chi2
from sklearn.preprocessing import normalize

from classifier.features import MessageVectorizer

if TYPE_CHECKING:
    from pathlib import Path

    from experiment_data import Task
    from experiment_recipe import Recipe
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Block:
    """TF-IDF values of a group of features, not yet of unit length, for the training and the judged rows."""

    train: csr_matrix
    dev: csr_matrix
    idf: NDArray[np.float64]
    scale: float = 1.0

    def rows(self, of: str) -> csr_matrix:
        """The rows of ``train`` or ``dev``, each of length ``scale``."""
        return normalize(getattr(self, of)) * self.scale


@dataclass(frozen=True)
class Features:
    """Blocks side by side."""

    blocks: tuple[Block, ...]

    @property
    def train(self) -> csr_matrix:
        """The matrix of the training rows, (n, n_features)."""
        return beside([block.rows("train") for block in self.blocks])

    @property
    def dev(self) -> csr_matrix:
        """The matrix of the judged rows."""
        return beside([block.rows("dev") for block in self.blocks])

    @property
    def idf(self) -> NDArray[np.float64]:
        """Inverse document frequencies, in column order."""
        return np.concatenate([block.idf for block in self.blocks])

    def restricted(self, columns: NDArray[np.intp]) -> Features:
        """Only these columns (ascending), each block of unit length again."""
        kept, first = [], 0
        for block in self.blocks:
            own = columns[(columns >= first) & (columns < first + len(block.idf))] - first
            kept.append(replace(block, train=block.train[:, own], dev=block.dev[:, own], idf=block.idf[own]))
            first += len(block.idf)
        return Features(tuple(kept))


def features(task: Task, recipe: Recipe, cache: Path | None = None) -> Features:
    """The features of a recipe, learned on the training rows; counts are kept in ``cache``."""
    keep = Memory(cache, verbose=0)
    texts = [frame[["text", "lang"]].to_numpy(object).tolist() for frame in (task.train, task.dev)]
    scales = recipe.scales or (1.0,) * len(recipe.blocks)
    found = []
    for name, scale in zip(recipe.blocks, scales, strict=True):
        if name in ANALYZERS:
            count = keep.cache(analyzed_counts, ignore=["train", "dev"])
            counts = count(*texts, name, recipe.min_df, key=task.texts_key)
        else:
            words = recipe.word_ngrams if name == "words" else (0, 0)
            chars = recipe.char_ngrams if name == "characters" else (0, 0)
            shapes = name == "contacts" or (name == "words" and recipe.contacts)
            count = keep.cache(kernel_counts, ignore=["train", "dev"])
            counts = count(*texts, words, chars, shapes, recipe.min_df, key=task.texts_key)
        found.append(_weighted(*counts, recipe, scale))
    return Features(tuple(found))


def kernel_counts(
    train: list[Any], dev: list[Any], words: tuple[int, int], chars: tuple[int, int], contacts: bool, min_df: int,
    key: str = "",  # noqa: ARG001
) -> tuple[csr_matrix, csr_matrix]:  # fmt: skip
    """Counts of the classifier's own n-grams; they are kept by ``key`` in place of the texts."""
    vectorizer = MessageVectorizer(
        word_ngrams=words, char_ngrams=chars, contacts=contacts, min_df=min_df, sublinear_tf=False, norm=None
    )
    texts = [[text for text, _ in rows] for rows in (train, dev)]
    matrices = vectorizer.fit(texts[0]).transform(texts[0]), vectorizer.transform(texts[1])
    for matrix in matrices:
        matrix.data = np.rint(matrix.data / vectorizer.idf_[matrix.indices]).astype(np.float32)
    return matrices


def analyzed_counts(
    train: list[Any], dev: list[Any], name: str, min_df: int, key: str = ""  # noqa: ARG001
) -> tuple[csr_matrix, csr_matrix]:  # fmt: skip
    """Counts of what one of `experiment_words.ANALYZERS` finds; they are kept by ``key`` in place of the texts."""
    analyzer = ANALYZERS[name]
    vectorizer = CountVectorizer(analyzer=lambda row: analyzer(*row), min_df=min_df, dtype=np.float32)
    return vectorizer.fit_transform(train), vectorizer.transform(dev)


def _weighted(train: csr_matrix, dev: csr_matrix, recipe: Recipe, scale: float) -> Block:
    frequencies = np.bincount(train.indices, minlength=train.shape[1])
    idf = (np.log((1 + train.shape[0]) / (1 + frequencies)) + 1) ** recipe.idf_power
    return Block(*(_tf_idf(counts, idf, recipe.tf) for counts in (train, dev)), idf, scale)


def _tf_idf(counts: csr_matrix, idf: NDArray[np.float64], tf: str) -> csr_matrix:
    change = {"sublinear": lambda n: 1 + np.log(n), "square root": np.sqrt, "raw": lambda n: n, "binary": np.sign}[tf]
    data = change(counts.data.astype(np.float64)) * idf[counts.indices]
    return csr_matrix((data, counts.indices, counts.indptr), counts.shape)


def most_associated(X: csr_matrix, y: NDArray[np.float32], size: int) -> NDArray[np.intp]:
    """The columns of largest chi-squared with any label, each label's scaled to its largest (Yang & Pedersen 1997)."""
    worth = np.zeros(X.shape[1])
    for truth in y.T:
        known = ~np.isnan(truth)
        found = np.nan_to_num(chi2(X[known], truth[known])[0])
        worth = np.maximum(worth, found / found.max())
    return _largest(worth, size)


def most_frequent(X: csr_matrix, size: int) -> NDArray[np.intp]:
    """The columns that are in most rows."""
    return _largest(np.bincount(X.indices, minlength=X.shape[1]), size)


def weightiest(coefficients: NDArray[np.float64], idf: NDArray[np.float64], size: int) -> NDArray[np.intp]:
    """The columns whose contribution to any label is largest, as in `classifier.training`."""
    return _largest((np.abs(coefficients) / np.abs(coefficients).max(axis=1, keepdims=True)).max(axis=0) * idf, size)


def _largest(worth: NDArray[Any], size: int) -> NDArray[np.intp]:
    return np.sort(np.argsort(-worth, kind="stable")[:size])


def hashed(X: csr_matrix, columns: int, seed: int = 0) -> csr_matrix:
    """Columns folded into fewer at random, with random signs (Weinberger et al. 2009).

    >>> hashed(csr_matrix(np.eye(5)), 3).shape
    (5, 3)
    """
    rng = np.random.default_rng(seed)
    n = X.shape[1]
    fold = csr_matrix((rng.choice([-1.0, 1.0], n), (np.arange(n), rng.integers(0, columns, n))), (n, columns))
    return csr_matrix(X @ fold)


def below(*matrices: csr_matrix) -> csr_matrix:
    """Matrices stacked below each other."""
    return csr_matrix(vstack(matrices, format="csr"))


def beside(matrices: list[Any]) -> csr_matrix:
    """Matrices side by side."""
    return csr_matrix(hstack(matrices, format="csr")) if len(matrices) > 1 else matrices[0]
