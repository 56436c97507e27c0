"""A release, and scikit-learn pipelines that are the same model: the same n-grams, weights and calibration.

The vectorizers are scikit-learn's own, given the vocabulary and document frequencies of the release. What follows them
comes twice: as scikit-learn's own estimators, fitted to nothing and given the release's coefficients, and as one
product with a matrix laid out for it, which is kinder to scikit-learn than its own estimators are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import LinearSVC

from classifier.features import MessageVectorizer, token_pattern
from classifier.guidelines import LABELS
from classifier.scoring import Classifier
from classifier.text import clean
from classifier.training import Settings, train

if TYPE_CHECKING:
    import pandas as pd

_DIGITS = re.compile("[0-9]")


def zeros(text: str) -> str:
    """A cleaned text whose digits read as 0, as the character n-grams want it."""
    return _DIGITS.sub("0", text)


def clean_with_zeros(text: str) -> str:
    """Clean a text and read its digits as 0."""
    return zeros(clean(text))


def our_examples(every: int = 1) -> pd.DataFrame:
    """Our labelled messages, or one in ``every``."""
    import pandas as pd
    from message_mix import MESSAGES

    from classifier.examples import read_examples

    frames = [read_examples(path).iloc[::every] for path in sorted(MESSAGES.glob("*.csv"))]
    return pd.concat(frames, ignore_index=True)


def union_of(vectorizer: MessageVectorizer, **more: Any) -> FeatureUnion:
    """scikit-learn's union on the settings of a vectorizer, not fitted; ``more`` goes to both."""
    shared = {"lowercase": False, "min_df": vectorizer.min_df, "sublinear_tf": vectorizer.sublinear_tf,
              "norm": vectorizer.norm, **more}  # fmt: skip
    word = TfidfVectorizer(
        preprocessor=clean, token_pattern=token_pattern(), ngram_range=vectorizer.word_ngrams, **shared
    )
    char = TfidfVectorizer(
        analyzer="char_wb", preprocessor=clean_with_zeros, ngram_range=vectorizer.char_ngrams, **shared
    )
    return FeatureUnion([("word", word), ("char", char)])


class MatrixProduct(ClassifierMixin, BaseEstimator):
    """The six linear models and their sigmoids as one product, the matrix in the order that scipy reads it."""

    def __init__(self, coef: Any = None, intercept: Any = None, slopes: Any = None, offsets: Any = None) -> None:
        self.coef = coef  # (n_features, 6), C order
        self.intercept, self.slopes, self.offsets = intercept, slopes, offsets

    def __sklearn_is_fitted__(self) -> bool:
        return self.coef is not None

    def fit(self, X: Any, y: Any = None) -> MatrixProduct:  # noqa: ARG002
        """Nothing to learn: the coefficients are given."""
        return self

    def predict_proba(self, X: csr_matrix) -> Any:
        """Confidences of shape (n, 6)."""
        return expit((X @ self.coef + self.intercept) * self.slopes + self.offsets)


def own_estimators(coef: Any, models: Any) -> MultiOutputClassifier:
    """``MultiOutputClassifier(CalibratedClassifierCV(LinearSVC()))`` with these coefficients, ``coef`` (6, F)."""
    X = csr_matrix((np.ones(8), (np.arange(8), np.arange(8) % 2)), (8, coef.shape[1]))
    y = np.tile((np.arange(8) % 2)[:, None], (1, len(coef)))
    fitted = MultiOutputClassifier(CalibratedClassifierCV(LinearSVC(), ensemble=False, cv=2)).fit(X, y)
    for i, calibrated in enumerate(fitted.estimators_):
        (pair,) = calibrated.calibrated_classifiers_
        pair.estimator.coef_, pair.estimator.intercept_ = coef[i : i + 1].copy(), models.intercept_[i : i + 1]
        (sigmoid,) = pair.calibrators
        sigmoid.a_, sigmoid.b_ = -models.slopes_[i], -models.offsets_[i]
    return fitted


def confidences(pipeline: Pipeline, texts: list[str]) -> Any:
    """Confidences of shape (n, 6) by either pipeline."""
    found = pipeline.predict_proba(texts)
    return np.column_stack([values[:, 1] for values in found]) if isinstance(found, list) else found


def equal_pipelines(examples: pd.DataFrame) -> tuple[Classifier, Pipeline, Pipeline, int]:
    """A classifier trained on examples; the equal pipelines, by product and by own estimators; how many features."""
    trained = train(examples, name="benchmark", settings=Settings(folds=2, contacts=False))
    vectorizer, models = trained.pipeline["features"], trained.pipeline["labels"]
    names, order, blocks = vectorizer.get_feature_names_out(), [], []
    for (name, block), prefix in zip(union_of(vectorizer).transformer_list, ("word__", "char__"), strict=True):
        columns = np.flatnonzero([feature.startswith(prefix) for feature in names])
        block.set_params(vocabulary={names[k].removeprefix(prefix): place for place, k in enumerate(columns)})
        block.idf_ = vectorizer.idf_[columns]
        order.append(columns)
        blocks.append((name, block))
    coef = models.coef_[:, np.concatenate(order)]
    product = MatrixProduct(np.ascontiguousarray(coef.T), models.intercept_, models.slopes_, models.offsets_)
    features = FeatureUnion(blocks)
    pipelines = [
        Pipeline([("features", features), ("labels", last)]) for last in (product, own_estimators(coef, models))
    ]
    return Classifier(trained.release), *pipelines, len(names)


def largest_difference(classifier: Classifier, pipeline: Pipeline, texts: list[str]) -> float:
    """The largest difference of any confidence; more than 1e-5 ends the benchmark, for then it compares two models."""
    largest = float(np.abs(classifier.confidences(texts) - confidences(pipeline, texts)).max())
    if not (largest <= 1e-5 and len(LABELS) == 6):
        raise SystemExit(f"not the same model: confidences differ by {largest:.1e}")
    return largest
