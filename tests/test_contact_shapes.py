"""Shapes of contact details as features of a message."""

import numpy as np
import pytest

from classifier.features import MessageVectorizer


def shapes(text):
    vectorizer = MessageVectorizer(word_ngrams=(1, 1), char_ngrams=(0, 0), contacts=True, norm=None)
    vectorizer.fit([text, "anything"])
    row = vectorizer.transform([text]).toarray()[0]
    names = vectorizer.get_feature_names_out()
    return {name.removeprefix("contact__") for name, value in zip(names, row, strict=True) if value and "<" in name}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail kim.lee@example.com please", {"<address>"}),
        ("call +1 (555) 010-4422", {"<11 digits>"}),
        ("07700 900123 is mine", {"<11 digits>"}),
        ("555 0142", {"<7 digits>"}),
        ("i am @kim_88 there", {"<at name>"}),
        ("add kim_88", {"<id>"}),
        ("add kim88x", {"<id>"}),
        ("see https://example.org/a?b", {"<link>"}),
        ("4242 4242 4242 4242 17", {"<16 digits>"}),
        ("ten past 10, page 12, 3 of us", set()),
        ("nothing here at all", set()),
        ("a @ b", set()),
        ("100km in 2nd gear", set()),
        ("", set()),
    ],
)
def test_shapes(text, expected):
    assert shapes(text) == expected


def test_without_them_the_matrix_is_that_of_the_words_alone():
    texts = ["mail kim.lee@example.com", "call 555 0142 33", "hello there"]
    plain = MessageVectorizer(norm=None).fit(texts)
    both = MessageVectorizer(norm=None, contacts=True).fit(texts)
    ours = {name for name in both.get_feature_names_out() if "<" not in name}
    assert ours == {*plain.get_feature_names_out()}
    assert len(both.get_feature_names_out()) == len(ours) + 2
    same = [i for i, name in enumerate(both.get_feature_names_out()) if "<" not in name]
    order = np.argsort(both.get_feature_names_out()[same])
    np.testing.assert_allclose(
        both.transform(texts).toarray()[:, same][:, order],
        plain.transform(texts).toarray()[:, np.argsort(plain.get_feature_names_out())],
    )


def test_each_block_has_unit_length():
    texts = ["mail kim.lee@example.com or 555 0142 33 now", "hello there"]
    vectorizer = MessageVectorizer(contacts=True).fit(texts)
    squares = vectorizer.transform(texts).power(2).toarray()
    blocks = np.array([name.split("__")[0] for name in vectorizer.get_feature_names_out()])
    length = {block: squares[:, blocks == block].sum(axis=1).round(9).tolist() for block in np.unique(blocks)}
    assert length == {"word": [1, 1], "contact": [1, 0], "char": [1, 1]}


@pytest.mark.parametrize("piece", ["@", "@a", "1 ", "a_", "://", "1-", "a@b.", "((1))"])
def test_a_text_has_no_more_shapes_than_characters(piece):
    vectorizer = MessageVectorizer(
        word_ngrams=(1, 1), char_ngrams=(0, 0), contacts=True, norm=None, sublinear_tf=False
    ).fit(["hello kim_88 @kim_88 a@b.org 555 0142 http://x", "hello"])
    values = vectorizer.transform([piece * 2000]).toarray()[0] / vectorizer.idf_
    assert values.sum() <= 2 * 2000 * len(piece)
