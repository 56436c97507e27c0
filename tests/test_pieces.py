"""Pieces of messages that are looked up whole."""

import dataclasses

import numpy as np
import pytest

from classifier.common_pieces import common_pieces
from classifier.errors import ReleaseError
from classifier.features import MessageVectorizer
from classifier.kernels.pieces import ARRAYS, no_pieces
from classifier.release import save_release
from classifier.scoring import Classifier
from classifier.text import clean


@pytest.fixture(scope="module")
def texts(examples):
    return examples["text"].tolist()[::7]


def holding(release, pieces):
    return dataclasses.replace(release, arrays={**release.arrays, **pieces})


def without(release):
    pieces = no_pieces()
    return holding(release, dict(zip(ARRAYS, (*pieces.table, pieces.ends, pieces.features), strict=True)))


def columns_of(pieces, k):
    return pieces["piece_features"][pieces["piece_ends"][k] : pieces["piece_ends"][k + 1]]


def test_a_model_scores_alike_with_and_without_them(trained, texts):
    release = trained.release
    assert len(release.arrays["piece_ends"]) > 100
    known, plain = Classifier(release), Classifier(without(release))
    texts = [
        *texts,
        "",
        " ",
        "the the the the",
        "the, the",
        "the\nthe",
        "in 2024 and in 1999",
        "you " * 5_000,
        "yoooou",
    ]
    np.testing.assert_allclose(known.confidences(texts), plain.confidences(texts), rtol=0, atol=1e-6)
    for text in texts:
        assert known.score(text).known == plain.score(text).known


def test_a_piece_holds_the_features_of_its_word():
    texts = ["see you in 2019!", "you in 2019! you", "in 2019! 2019! 2019! see you"]
    vectorizer = MessageVectorizer(min_df=2).fit(texts)
    names, pieces = vectorizer.get_feature_names_out(), common_pieces(texts, vectorizer)
    held = [sorted(names[columns_of(pieces, k)]) for k in range(len(pieces["piece_ends"]) - 1)]
    padded = [" 0000! ", " you ", " in "]  # by how often they occur; in n-grams digits read as 0
    for found, piece in zip(held, padded, strict=True):
        grams = [piece[i : i + size] for size in range(2, 6) for i in range(len(piece) - size + 1)]
        assert found == sorted(f"char__{gram}" for gram in grams if f"char__{gram}" in names)
        assert found


def test_the_commonest_are_kept(texts):
    vectorizer = MessageVectorizer().fit(texts)
    all_of_them, few = common_pieces(texts, vectorizer), common_pieces(texts, vectorizer, most=20)
    assert len(few["piece_ends"]) == 21 < len(all_of_them["piece_ends"])
    np.testing.assert_array_equal(few["piece_ends"], all_of_them["piece_ends"][:21])
    words = [word for text in texts for word in clean(text).split(" ")]
    assert max(words, key=words.count) in {"the", "i", "you", "to", "a"}


@pytest.mark.parametrize("texts", [["one", "two words", "three more words"], ["ab"] * 2])
def test_what_is_rare_is_not_kept(texts):
    pieces = common_pieces(texts, MessageVectorizer().fit(texts))
    assert pieces["piece_ends"].tolist() == [0]


def test_a_piece_that_claims_more_features_than_it_has_ngrams_is_no_piece(trained, texts):
    vectorizer = MessageVectorizer().fit(texts)
    pieces = common_pieces(texts, vectorizer, most=50)
    ends, features = pieces["piece_ends"].copy(), np.zeros(len(pieces["piece_features"]) + 30_000, np.uint32)
    ends[1:] += 30_000  # all of them the first piece's
    greedy = Classifier(holding(trained.release, pieces | {"piece_ends": ends, "piece_features": features}))
    np.testing.assert_array_equal(
        greedy.confidences([f"{text} " * 40 for text in texts[:50]]).shape, (50, len(trained.release.policy.points))
    )


@pytest.mark.parametrize("ends", [[0, 2**31 - 1, -(2**31), -1, 0], [0, 3, 2], [1, 2]])
def test_ends_that_fall_are_refused(trained, tmp_path, ends):
    slots = np.arange(1, len(ends) + 3, dtype=np.uint64)
    bad = {"piece_ends": np.array(ends, np.int32), "piece_slots": slots, "piece_features": np.zeros(16, np.uint32)}
    with pytest.raises(ReleaseError, match="piece"):
        save_release(holding(trained.release, bad), tmp_path, "card")


@pytest.mark.parametrize("char_ngrams", [(8, 3), (0, 3), (3, 0)])
def test_ranges_that_are_none_are_refused(trained, tmp_path, char_ngrams):
    settings = {**trained.release.settings, "char_ngrams": char_ngrams}
    with pytest.raises(ReleaseError, match="settings"):
        save_release(dataclasses.replace(trained.release, settings=settings), tmp_path, "card")


def test_a_model_of_words_alone_has_pieces_without_features(trained, texts):
    vectorizer = MessageVectorizer(char_ngrams=(0, 0)).fit(texts)
    assert common_pieces(texts, vectorizer)["piece_ends"].max() == 0
