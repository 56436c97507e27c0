import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion

from classifier.features import MessageVectorizer, token_pattern
from classifier.kernels import lookup
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
    names, ours = in_order_of_names(vectorizer.fit(fitted_on).get_feature_names_out(), vectorizer.transform(texts))
    reference = union(vectorizer).fit(fitted_on)
    expected_names, theirs = in_order_of_names(reference.get_feature_names_out(), reference.transform(texts))
    assert names.tolist() == expected_names.tolist()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("words", [(1, 1), (1, 2), (2, 3), (1, 4)])
@pytest.mark.parametrize("chars", [(2, 2), (2, 5), (3, 3), (4, 6), (9, 9)])
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


@pytest.mark.parametrize("chars", [(1, 1), (1, 3)])
def test_a_lone_space_is_no_ngram_of_ours(chars):
    vectorizer = MessageVectorizer(word_ngrams=(0, 0), char_ngrams=chars, norm=None).fit(TEXTS)
    reference = union(vectorizer).fit(TEXTS)
    names, theirs = in_order_of_names(reference.get_feature_names_out(), reference.transform(TEXTS))
    assert names[0] == "char__ "
    ours = in_order_of_names(vectorizer.get_feature_names_out(), vectorizer.transform(TEXTS))
    assert ours[0].tolist() == names[1:].tolist()
    np.testing.assert_allclose(ours[1], theirs[:, 1:], rtol=0, atol=1e-12)


alphabet = st.sampled_from("ab1 2.é你好ガが가ㅋдаا😀\u200b\x00\ud800'!-_ﬁ")
messages = st.text(alphabet, max_size=25) | st.text(max_size=15)


@settings(max_examples=150, deadline=None)
@given(st.lists(messages, min_size=1, max_size=6), messages, st.integers(1, 3), st.integers(0, 2))
def test_it_equals_the_union_on_any_text(texts, other, shortest, more):
    words, chars = (shortest, shortest + more), (shortest + 1, shortest + 1 + more)
    texts = [*texts, "always a word or two"]
    assert_equal_to_union(MessageVectorizer(word_ngrams=words, char_ngrams=chars), texts, [*texts, other])


def test_real_messages_equal_the_union(examples):
    texts = examples["text"].tolist()[::8]
    assert_equal_to_union(MessageVectorizer(min_df=2), texts, texts)


# ---- what it gives, what it refuses ----


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_matrix(dtype):
    X = MessageVectorizer(dtype=dtype).fit_transform(TEXTS)
    assert isinstance(X, csr_matrix)
    assert X.dtype == dtype
    squares = X.multiply(X).sum(axis=1).A1
    words_and_characters, nothing = squares[0], squares[TEXTS.index("")]
    assert (round(float(words_and_characters), 5), nothing) == (2.0, 0.0)


def test_columns_are_the_most_frequent_first_and_max_features_keeps_those():
    texts = ["a b c", "a b", "a", "d d d d"]
    vectorizer = MessageVectorizer(word_ngrams=(1, 1), char_ngrams=(0, 0)).fit(texts)
    assert vectorizer.document_frequencies_.tolist() == [3, 2, 1, 1]
    assert vectorizer.get_feature_names_out().tolist()[:2] == ["word__a", "word__b"]
    np.testing.assert_allclose(vectorizer.idf_, np.log(5 / (1 + vectorizer.document_frequencies_)) + 1)
    assert vectorizer.n_messages_ == 4
    few = clone(vectorizer).set_params(max_features=2).fit(texts)
    assert few.get_feature_names_out().tolist() == ["word__a", "word__b"]
    assert few.transform(["b b a d"]).shape == (1, 2)


def test_restrict_keeps_columns_in_the_order_given():
    vectorizer = MessageVectorizer(norm=None).fit(TEXTS)
    full, names = vectorizer.transform(TEXTS).toarray(), vectorizer.get_feature_names_out()
    columns = np.array([7, 3, len(names) - 1, 0])
    assert vectorizer.restrict(columns) is vectorizer
    assert vectorizer.get_feature_names_out().tolist() == names[columns].tolist()
    np.testing.assert_array_equal(vectorizer.transform(TEXTS).toarray(), full[:, columns])


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        (["a", None], TypeError, r"texts\[1\] is NoneType, not str"),
        (["a", "b", 3.5], TypeError, r"texts\[2\] is float, not str"),
        ([b"a"], TypeError, r"texts\[0\] is bytes, not str"),
        (np.ones((2, 2)), TypeError, "texts is ndarray, not a sequence of str"),
        ("one string", ValueError, "string object received"),
        ([], ValueError, "no n-gram occurs in 1 of 0 messages; lower min_df or add messages"),
        (["", " \x00", "\u200b"], ValueError, "no n-gram occurs in 1 of 3 messages"),
    ],
)
def test_what_is_no_messages_is_refused(texts, error, message):
    for method in (MessageVectorizer().fit, MessageVectorizer().fit_transform):
        with pytest.raises(error, match=message):
            method(texts)
    if error is TypeError:
        with pytest.raises(error, match=message):
            MessageVectorizer().fit(["a"]).transform(texts)


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"word_ngrams": (2, 1)}, r"word_ngrams=\(2, 1\) is no range; use 1 <= shortest <= longest, or \(0, 0\)"),
        ({"char_ngrams": (0, 3)}, r"char_ngrams=\(0, 3\) is no range"),
        ({"char_ngrams": (-1, 3)}, r"char_ngrams=\(-1, 3\) is no range"),
        ({"norm": "l1"}, "norm='l1' is not 'l2' or None"),
        ({"word_ngrams": (0, 0), "char_ngrams": (0, 0)}, "no n-gram occurs"),
        ({"min_df": 99}, "no n-gram occurs in 99 of 17 messages"),
    ],
)
def test_parameters_out_of_range_are_refused(parameter, message):
    with pytest.raises(ValueError, match=message):
        MessageVectorizer(**parameter).fit(TEXTS)


def test_no_messages_give_no_rows():
    assert MessageVectorizer().fit(["a b"]).transform([]).shape == (0, 9)


def test_two_keys_of_one_hash_are_refused():
    with pytest.raises(ValueError, match="two keys have the same hash"):
        lookup.build_table(np.array([5, 9, 5], np.uint64))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 100, 5000])
def test_the_table_finds_every_key_and_no_other(n):
    hashes = np.random.default_rng(n).integers(0, 2**64, 2 * n, np.uint64)
    keys, others = hashes[:n], hashes[n:]
    table = lookup.build_table(keys)
    assert [lookup.find_feature(key, table) for key in keys] == [*range(n)]
    assert {lookup.find_feature(key, table) for key in others} == {-1}
    assert len(table.slots) <= n + n // 16 + 8
