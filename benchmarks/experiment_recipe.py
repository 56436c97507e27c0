"""A recipe: what an experiment may change of how a model is made. Its defaults are those of the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from classifier.training import Settings

BEGUN = Settings(
    regularisation=0.5, real_text_weight=1.0, corpus_weight=0.1, harmless_weight=0.1, swapped=0, framed=0.0
)


@dataclass(frozen=True)
class Recipe:
    """How features, rows and fits are chosen.

    ``blocks`` are the groups of features, each of unit length in a row, in order, ``scales`` their weights (default
    1); ``tf`` how counts become term frequencies; ``selection`` by what ``max_features`` are chosen; ``loss`` what is
    fitted, ``scheme`` how fits are put together and ``strength`` the scheme's own number. ``real_weight`` and
    ``harmless_weight`` are factors of our labels on real text and of corpora in which nothing violates. ``tolerance``
    is where a fit stops: scikit-learn's 0.0001 takes half as long again and moves no average precision by 0.0001. The
    other fields are those of `classifier.training.Settings`.
    """

    blocks: tuple[str, ...] = ("words", "characters")
    scales: tuple[float, ...] = ()
    word_ngrams: tuple[int, int] = BEGUN.word_ngrams
    char_ngrams: tuple[int, int] = BEGUN.char_ngrams
    contacts: bool = BEGUN.contacts
    min_df: int = BEGUN.min_df
    tf: str = "sublinear"
    idf_power: float = 1.0
    selection: str = "weight"
    max_features: int | None = BEGUN.max_features
    corpus_rows: int = 30_000
    corpus_weight: float = BEGUN.corpus_weight
    real_weight: float = 1.0
    harmless_weight: float = 1.0
    disguised: float = BEGUN.disguised
    balance_languages: float = 0.0
    loss: str = "squared hinge"
    regularisation: float = BEGUN.regularisation
    imbalance: float = BEGUN.imbalance
    scheme: str = "one fit"
    strength: float = 0.0
    tolerance: float = 0.01
    seed: int = BEGUN.seed


@dataclass(frozen=True)
class Experiment:
    """A recipe with a name, the group it stands in on the page, and a sentence on what is changed."""

    name: str
    group: str
    change: str
    recipe: Recipe


@dataclass(frozen=True)
class Outcome:
    """Scores of the judged rows, shape (n, 6), higher for violations; size and cost of the model; other figures."""

    scores: Any
    features: int
    seconds: float
    extra: dict[str, float]
