"""`MessageVectorizer` as a scikit-learn estimator."""

import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from classifier.features import MessageVectorizer

TEXTS = ["hi there, partner", "¿Quieres practicar español?", "加我微信 lihua_88", "", "привет 20", "y0u 1d10t 😀"] * 2

# `check_estimator` runs one check on an estimator that takes strings and warns that it cannot test the rest, so we call
# the others ourselves. These look at the class and its parameters, or call methods before `fit`:
# fmt: off
ON_THE_CLASS = [
    "do_not_raise_errors_in_init_or_set_params", "estimator_cloneable", "estimator_repr",
    "estimator_tags_renamed", "estimators_unfitted", "get_params_invariance", "mixin_order",
    "no_attributes_set_in_init", "parameters_default_constructible", "set_params",
    "transformers_unfitted", "valid_tag_types",
]
# fmt: on
# These fit; the rows of numbers they bring are spelled out as words for them (`OnNumbers`):
# fmt: off
ON_NUMBERS = [
    "dict_unchanged", "dont_overwrite_parameters", "estimators_fit_returns_self",
    "estimators_overwrite_params", "estimators_pickle", "f_contiguous_array_estimator",
    "fit2d_1sample", "fit_check_is_fitted", "fit_idempotent", "fit_score_takes_y",
    "methods_sample_order_invariance", "methods_subset_invariance", "pipeline_consistency",
    "positive_only_tag_during_fit", "readonly_memmap_input",
]
# fmt: on
# The rest concern what text has not: dtypes, sparse, complex, NaN or wrongly shaped input, n_features_in_, sample
# weights, array API namespaces, data frames of several columns; or other kinds of estimator.


class OnNumbers(MessageVectorizer):
    """Reads a row of numbers as a message of words."""

    @staticmethod
    def _messages(X):
        return [
            row if isinstance(row, str) else " ".join(f"n{round(float(n))}q{i}" for i, n in enumerate(row)) for row in X
        ]

    def fit(self, X, y=None):
        return super().fit(self._messages(X), y)

    def fit_transform(self, X, y=None):
        return super().fit_transform(self._messages(X), y)

    def transform(self, X):
        return super().transform(self._messages(X))


@pytest.mark.parametrize("check", ON_THE_CLASS)
def test_scikit_learns_checks_of_the_class(check):
    getattr(estimator_checks, f"check_{check}")("MessageVectorizer", MessageVectorizer())


@pytest.mark.parametrize("check", ON_NUMBERS)
def test_scikit_learns_checks_of_fitting(check):
    getattr(estimator_checks, f"check_{check}")("MessageVectorizer", OnNumbers())


def test_copies_give_the_same(tmp_path):
    vectorizer = MessageVectorizer(min_df=2, max_features=50).fit(TEXTS)
    expected = vectorizer.transform(TEXTS).toarray()
    joblib.dump(vectorizer, tmp_path / "v.joblib")
    for copy in (pickle.loads(pickle.dumps(vectorizer)), joblib.load(tmp_path / "v.joblib")):
        np.testing.assert_array_equal(copy.transform(TEXTS).toarray(), expected)
        assert copy.get_feature_names_out().tolist() == vectorizer.get_feature_names_out().tolist()
    unfitted = clone(vectorizer)
    assert unfitted.get_params() == vectorizer.get_params()
    with pytest.raises(NotFittedError):
        unfitted.transform(TEXTS)
    np.testing.assert_array_equal(unfitted.fit_transform(TEXTS).toarray(), expected)


def test_it_works_in_a_pipeline_and_a_grid_search():
    texts, y = ["you fool", "nice day", "old fool", "good day"] * 5, [1, 0, 1, 0] * 5
    pipeline = make_pipeline(MessageVectorizer(), LogisticRegression())
    grid = {"messagevectorizer__char_ngrams": [(0, 0), (2, 3)], "messagevectorizer__min_df": [1, 50]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score=0.0)
    with pytest.warns(match="fits failed"):  # nothing occurs in 50 messages
        search.fit(texts, y)
    assert search.best_params_["messagevectorizer__min_df"] == 1
    assert search.predict(["a fool", "a day"]).tolist() == [1, 0]
