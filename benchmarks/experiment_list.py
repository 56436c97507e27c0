"""The experiments: what is changed of the recipe at the start, by group."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from experiment_recipe import BEGUN, Experiment, Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

BASELINE = Experiment("recipe at the start", "baseline", "nothing", Recipe())
_BASE = ("words", "characters")
_APART: dict[str, Any] = {"blocks": (*_BASE, "contacts"), "contacts": False}
ALL_ROWS = 10**9
WHOLE = "all corpora rows"  # what experiments on all rows are compared with
_ALL = {"corpus_rows": ALL_ROWS}


def _changes() -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    """Name, what is changed, and the fields of the recipe, by group."""
    return {
        "cleaning": [
            ("folding only",
             "look-alikes, leet, spacing and runs stay: NFKC and lower case alone; contact shapes apart",
             {"blocks": ("folded words", "folded characters", "contacts")}),
            ("no contact shapes", "shapes of contact details are no features", {"contacts": False}),
            ("contact shapes apart", "shapes of contact details are a block of their own", _APART),
            *((f"contact shapes apart {scale:g}", "the same, the block at another weight",
               _APART | {"scales": (1, 1, scale)}) for scale in (0.5, 2)),
        ],
        "words": [
            ("words 1", "word unigrams alone", {"word_ngrams": (1, 1)}),
            ("words 1-3", "word trigrams too", {"word_ngrams": (1, 3)}),
            ("no words", "characters alone", {"blocks": ("characters",)}),
            ("skip-grams", "a block of word pairs over one or two others", {"blocks": (*_BASE, "skip-grams")}),
            ("tweet words", "words by NLTK's TweetTokenizer; contact shapes apart",
             {"blocks": ("tweet words", "characters", "contacts")}),
            ("stems instead of words", "Snowball stems in 8 languages, the language given; contact shapes apart",
             {"blocks": ("stems", "characters", "contacts")}),
            ("stems beside words", "Snowball stems as a further block", {"blocks": (*_BASE, "stems")}),
            ("words, digits as 0", "digits are 0 in words too; contact shapes apart",
             {"blocks": ("words, digits as 0", "characters", "contacts")}),
            ("number shapes", "a block of numbers with digits as 0", {"blocks": (*_BASE, "number shapes")}),
        ],
        "characters": [
            *((f"characters {low}-{high}", "another range of character n-grams", {"char_ngrams": (low, high)})
              for low, high in ((2, 4), (3, 5), (2, 6), (1, 4))),
            ("no characters", "words alone", {"blocks": ("words",)}),
            ("characters across words", "n-grams run over spaces",
             {"blocks": ("words", "characters across words")}),
            ("characters across words in zh and ja", "the same in Chinese and Japanese alone",
             {"blocks": ("words", "characters across words in zh and ja")}),
            *((f"characters count {scale}", "the block of characters against that of words",
               {"scales": (1.0, scale)}) for scale in (0.7, 1.5)),
        ],
        "markers": [
            ("quotation marks", "a feature: something is quoted", {"blocks": (*_BASE, "quotation marks")}),
            ("language questions", "a feature: a question about language", {"blocks": (*_BASE, "language questions")}),
            ("second person", "a feature: a word for you", {"blocks": (*_BASE, "second person")}),
            ("all markers", "the three together", {"blocks": (*_BASE, "markers"), "scales": (1, 1, 0.5)}),
            ("negated words", "a block of words after a denial", {"blocks": (*_BASE, "negated words")}),
            ("negated words, half", "the same at half its weight",
             {"blocks": (*_BASE, "negated words"), "scales": (1, 1, 0.5)}),
            ("scoped words", "NOT_word in place of words after a denial; contact shapes apart",
             {"blocks": ("scoped words", "characters", "contacts")}),
            ("quoted words", "a block of words in quotation marks", {"blocks": (*_BASE, "quoted words")}),
            ("asked words", "a block of the words of questions about language", {"blocks": (*_BASE, "asked words")}),
            ("quoted, asked, negated", "the three blocks, each at half its weight",
             {"blocks": (*_BASE, "quoted words", "asked words", "negated words"), "scales": (1, 1, 0.5, 0.5, 0.5)}),
        ],
        "weights of features": [
            *((f"{tf} tf", "another term frequency", {"tf": tf}) for tf in ("square root", "raw", "binary")),
            ("no idf", "term frequencies alone", {"idf_power": 0.0}),
            ("square root of idf", "rare n-grams count less", {"idf_power": 0.5}),
            *((f"log-count ratio {share:g}", "features times their log-count ratio, in part",
               {"scheme": "features times log-count ratio", "strength": share}) for share in (0.25, 1.0)),
        ],
        "choice of features": [
            *((f"{size // 1000}k features", "fewer or more kept", {"max_features": size})
              for size in (100_000, 200_000, 400_000)),
            ("all features", "none left out", {"max_features": None}),
            *((f"{size // 1000}k by {kind}", "chosen otherwise", {"max_features": size, "selection": kind})
              for kind in ("chi2", "frequency") for size in (100_000, 300_000)),
            *((f"min_df {n}", "n-grams in at least so many messages", {"min_df": n}) for n in (1, 3, 5)),
            ("hashed", "features folded into 131,072 columns", {"scheme": "hashed columns", "strength": 2**17}),
        ],
        "linear model": [
            *((f"C {c:g}", "regularisation", {"regularisation": c})
              for c in (0.1, 0.2, 0.3, 0.4, 0.8)),
            *((f"logistic, C {c:g}", "logistic regression", {"loss": "logistic", "regularisation": c})
              for c in (4.0, 16.0)),
            ("hinge", "hinge loss", {"loss": "hinge"}),
            ("naive Bayes", "complement naive Bayes alone", {"loss": "complement naive Bayes", "imbalance": 0.0}),
            *((f"imbalance {power:g}", "positives against negatives" + (" (balanced)" if power == 1 else ""),
               {"imbalance": power}) for power in (0.0, 0.5, 1.0)),
        ],
        "rows and weights": [
            *((f"corpora {weight:g}", "weight of a corpus' own label", {"corpus_weight": weight})
              for weight in (0.0, 0.05, 0.2, 0.3, 1.0)),
            ("harmless corpora 3", "rows of corpora in which nothing violates count 0.3", {"harmless_weight": 3.0}),
            *((f"real text {weight:g}", "weight of our labels on real text", {"real_weight": weight})
              for weight in (0.5, 2.0, 3.0)),
            *((f"disguised {share:g}", "share of our messages with a disguised copy", {"disguised": share})
              for share in (0.0, 0.5)),
            *((f"languages balanced {power:g}", "rows of rare languages count more", {"balance_languages": power})
              for power in (0.5, 1.0)),
        ],
        "several models": [
            ("average of words and characters", "a model of each block, added",
             {"scheme": "average of a model per block"}),
            *((f"naive Bayes blended {share:g}", "log odds of both",
               {"scheme": "blend with naive Bayes", "strength": share}) for share in (0.2, 0.4)),
            ("classifier chain", "confidences of the labels before", {"scheme": "chain", "strength": 1.0}),
            *((f"confidences beside features {strength:g}", "confidences of all labels, out of fold, and a second fit",
               {"scheme": "confidences beside features", "strength": strength}) for strength in (1.0,)),
            ("stacking", "a logistic regression on the six confidences", {"scheme": "stacking", "strength": 0.1}),
            *((f"SVD beside {strength:g}", "150 components beside the features",
               {"scheme": "SVD beside features", "strength": strength}) for strength in (0.5,)),
            ("SVD averaged", "a model of 150 components, added", {"scheme": "SVD model averaged", "strength": 0.15}),
            *((f"pseudo-labels in cells {strength:g}", "unknown cells filled above 0.95 and below 0.02",
               {"scheme": "pseudo-labels in unknown cells", "strength": strength}) for strength in (1.0,)),
            *((f"pseudo-labels on rows {weight:g}", "30,000 further rows, labels above 0.95 and below 0.02",
               {"scheme": "pseudo-labels on further rows", "strength": weight})
              for weight in (0.03, BEGUN.corpus_weight)),
            *((f"hard negatives {weight:g}", "1,500 harmless rows of corpora for each label that alarm most",
               {"scheme": "hard negatives", "strength": weight}) for weight in (0.3, 1.0)),
            ("sigmoid by language", "calibration by language", {"scheme": "sigmoid by language"}),
        ],
        "together, and all rows": [
            ("apart, corpora 0.2", "contact shapes apart and corpora at 0.2", _APART | {"corpus_weight": 0.2}),
            (WHOLE, "140,000 rows of corpora, as a release takes them", _ALL),
            ("all rows, apart 0.5", "the same, contact shapes apart", _ALL | _APART | {"scales": (1, 1, 0.5)}),
            ("all rows, harmless 3", "all rows, those of corpora in which nothing violates at 0.3",
             _ALL | {"harmless_weight": 3.0}),
            ("all rows, corpora 0.05", "all rows, at half their weight", _ALL | {"corpus_weight": 0.05}),
            ("all rows, corpora 0.2", "all rows, at twice their weight", _ALL | {"corpus_weight": 0.2}),
            ("all rows, apart 0.5, harmless 3", "contact shapes apart, harmless corpora at 0.3",
             _ALL | _APART | {"scales": (1, 1, 0.5), "harmless_weight": 3.0}),
        ],
    }  # fmt: skip


def experiments() -> dict[str, Experiment]:
    """All experiments by name, the baseline first."""
    found = [
        Experiment(name, group, change, replace(BASELINE.recipe, **fields))
        for group, rows in _changes().items()
        for name, change, fields in rows
    ]
    names = [experiment.name for experiment in found]
    if len({*names}) < len(names):
        raise ValueError("two experiments have one name")
    return {experiment.name: experiment for experiment in (BASELINE, *found)}


def in_turn(listed: Mapping[str, Experiment]) -> list[str]:
    """The first of each group, then the second of each, and so on: a run that is stopped has seen all groups.

    >>> in_turn(experiments())[:3]
    ['recipe at the start', 'folding only', 'words 1']
    """
    seen: Counter[str] = Counter()
    places = {}
    for name, experiment in listed.items():
        places[name] = seen[experiment.group]
        seen[experiment.group] += 1
    return sorted(listed, key=lambda name: places[name])
