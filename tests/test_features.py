import pickle
import re

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator

from classifier.features import MessageVectorizer, table_bits, token_pattern
from classifier.text import clean

TEXTS = [
    "Hi! I'm looking for a partner to practise Spanish, 2 hours a week.",
    "hi hi HI, partner partner: call 555 0100 or 555-0142!!!",
    "¿Quieres practicar español conmigo? ¡Hola, hola!",
    "我想学中文，加我微信 lihua_88 好吗？",
    "今度いっしょに練習しませんか？ ガンバル ｶﾞﾝﾊﾞﾙ",
    "안녕하세요 같이 공부해요 ㅋㅋㅋ",
    "привет, хочу практиковать английский 2 раза",
    "مرحبا كيف حالك؟ كيف الحال",
    "हिन्दी सीखना है",
    "ไทยภาษา 😀😀 ok",
    "y0u 1d10t, s t u p i d ｆｏｏｌ",
    "a",
    "é 1 !",
    "",
    " \x00\u200b",
    "\ud83d x",
    "x" * 300 + " end",
]


def union(vectorizer):
    """What the docstring of `MessageVectorizer` says it equals."""
    shared = {
        "lowercase": False,
        "min_df": vectorizer.min_df,
        "sublinear_tf": vectorizer.sublinear_tf,
        "norm": vectorizer.norm,
    }
    blocks = []
    if vectorizer.word_ngrams != (0, 0):
        word = {"preprocessor": clean, "token_pattern": token_pattern(), "ngram_range": vectorizer.word_ngrams}
        blocks.append(("word", TfidfVectorizer(**word, **shared)))
    if vectorizer.char_ngrams != (0, 0):
        char = {"preprocessor": lambda text: re.sub("[0-9]", "0", clean(text)), "ngram_range": vectorizer.char_ngrams}
        blocks.append(("char", TfidfVectorizer(analyzer="char_wb", **char, **shared)))
    return FeatureUnion(blocks)


def in_order_of_names(names, X):
    order = np.argsort(names)
    return names[order], X.tocsc()[:, order].toarray()


def assert_equal_to_union(vectorizer, fitted_on, texts):
    names, ours = in_order_of_names(
        vectorizer.fit(fitted_on).get_feature_names_out(), vectorizer.transform(texts)
    )  # fmt: skip
    reference = union(vectorizer).fit(fitted_on)
    expected_names, theirs = in_order_of_names(reference.get_feature_names_out(), reference.transform(texts))
    assert names.tolist() == expected_names.tolist()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("words", [(1, 1), (1, 2), (2, 3), (1, 4)])
@pytest.mark.parametrize("chars", [(1, 1), (1, 3), (2, 5), (3, 3), (4, 6)])
def test_it_equals_a_union_of_two_tfidf_vectorizers(words, chars):
    assert_equal_to_union(MessageVectorizer(word_ngrams=words, char_ngrams=chars), TEXTS, [*TEXTS[::-1], "new words"])


@pytest.mark.parametrize("sublinear_tf", [True, False])
@pytest.mark.parametrize("norm", ["l2", None])
@pytest.mark.parametrize("min_df", [1, 2, 3])
@pytest.mark.parametrize("left_out", [None, "word_ngrams", "char_ngrams"])
def test_it_equals_the_union_under_every_setting(sublinear_tf, norm, min_df, left_out):
    ranges = {} if left_out is None else {left_out: (0, 0)}
    vectorizer = MessageVectorizer(sublinear_tf=sublinear_tf, norm=norm, min_df=min_df, **ranges)
    assert_equal_to_union(vectorizer, TEXTS + TEXTS[:6], TEXTS)


alphabet = st.sampled_from("ab1 2.é你好ガが가ㅋдаا😀\u200b\x00\ud800'!-_ﬁ")
messages = st.text(alphabet, max_size=25) | st.text(max_size=15)


@settings(max_examples=150, deadline=None)
@given(st.lists(messages, min_size=1, max_size=6), messages, st.integers(1, 3), st.integers(0, 2))
def test_it_equals_the_union_on_any_text(texts, other, shortest, more):
    ranges = (shortest, shortest + more)
    texts = [*texts, "always a word or two"]
    assert_equal_to_union(MessageVectorizer(word_ngrams=ranges, char_ngrams=ranges), texts, [*texts, other])


def test_real_messages_equal_the_union(examples):
    texts = examples["text"].tolist()[::8]
    assert_equal_to_union(MessageVectorizer(min_df=2), texts, texts)


# ---- as a scikit-learn estimator ----

# The checks that feed text, no data, or only look at the class and its parameters. All others fit on a matrix of
# numbers (many names say so: n_features_in, sparse, complex, nan_inf, dtypes …), which is refused as it is no text.
APPLICABLE = {
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_estimators_unfitted",
    "check_get_params_invariance",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
    "check_mixin_order",
    "check_positive_only_tag_during_fit",
    "check_readonly_memmap_input",
    "check_n_features_in_after_fitting",
    "check_transformer_n_iter",
}


def test_the_estimator_checks_that_apply_to_text_pass():
    results = check_estimator(MessageVectorizer(), on_skip=None, on_fail=None)
    passed = {result["check_name"] for result in results if result["status"] == "passed"}
    failed = {result["check_name"]: result["exception"] for result in results if result["status"] == "failed"}
    assert passed >= APPLICABLE & {result["check_name"] for result in results}
    # what fails, fails for being given numbers
    for name, error in failed.items():
        assert "is ndarray, not str" in str(error) or "float64, not str" in str(error), (name, error)


@pytest.mark.parametrize("check", ["check_dict_unchanged"])
def test_placeholder(check):
    assert hasattr(estimator_checks, check)
