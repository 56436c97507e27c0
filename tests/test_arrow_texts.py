"""Arrow and pandas columns are read from their buffers, and score like a list."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.arrow_texts import ArrowTexts, arrow_texts
from classifier.kernels.decoding import decode
from classifier.text import as_texts, code_points

TEXTS = ["you idiot", "", "été à Nîmes", "你好，加我微信", "😀👍🏽", "add me: kim_88", "x" * 3000]


def columns(texts):
    yield pa.array(texts)
    yield pa.array(texts, pa.large_string())
    yield pa.array(texts, pa.string_view())
    yield pa.array(texts).dictionary_encode()
    yield pa.chunked_array([texts[:2], [], texts[2:]])
    yield pa.concat_arrays([pa.array(["before"]), pa.array(texts), pa.array(["after"])]).slice(1, len(texts))
    yield pd.Series(texts, dtype="string")
    yield pd.Series(texts, dtype=pd.ArrowDtype(pa.string()))
    yield pd.Series(texts, dtype="str")


@pytest.mark.parametrize("column", [*columns(TEXTS)], ids=lambda column: f"{type(column).__name__}")
def test_a_column_scores_like_a_list(classifier_, column):
    assert isinstance(as_texts(column), ArrowTexts) or isinstance(column, pd.Series)
    assert (classifier_.confidences(column) == classifier_.confidences(TEXTS)).all()
    assert classifier_.recommend(column).reasons == classifier_.recommend(TEXTS).reasons


def test_no_python_string_is_made_of_it(classifier_, monkeypatch):
    def forbidden(*_):
        raise AssertionError("a string was made")

    monkeypatch.setattr(ArrowTexts, "__getitem__", lambda self, index: ArrowTexts(self._column[index])
                        if isinstance(index, slice) else forbidden())  # fmt: skip
    assert classifier_.confidences(pa.array(["hello", "there"])).shape == (2, 6)


@pytest.mark.parametrize(
    ("column", "position", "kind"),
    [
        (pa.array(["a", None]), 1, "NoneType"),
        (pa.chunked_array([["a"], ["b", None]]), 2, "NoneType"),
        (pa.array([1, 2]), 0, "int"),
        (pa.array([b"bytes"]), 0, "bytes"),
        (pd.Series(["a", None], dtype="string"), 1, "NAType"),
    ],
)
def test_what_is_no_text_is_named_by_its_place(classifier_, column, position, kind):
    with pytest.raises(TypeError, match=rf"texts\[{position}\] is {kind}"):
        classifier_.confidences(column)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=8), st.integers(0, 8))
def test_code_points_are_those_of_the_strings(texts, cut):
    found = arrow_texts(pa.chunked_array([texts[:cut], texts[cut:]], pa.string()))
    points, offsets = found.code_points()
    expected, expected_offsets = code_points(texts)
    assert points.tolist() == expected.tolist()
    assert offsets.tolist() == expected_offsets.tolist()
    assert [found[i] for i in range(len(texts))] == texts


@given(st.lists(st.binary(max_size=10), min_size=1, max_size=5))
def test_bytes_that_are_no_utf_8_harm_nobody(strings):
    data = np.frombuffer(b"".join(strings), np.uint8)
    bounds = np.cumsum([0, *map(len, strings)])
    points, offsets = decode(data, bounds)
    assert len(offsets) == len(strings) + 1
    for i, string in enumerate(strings):
        got = "".join(map(chr, points[offsets[i] : offsets[i + 1]].tolist()))
        assert len(got) <= len(string)
        try:
            assert got == string.decode()
        except UnicodeDecodeError:
            assert "\ufffd" in got or any("\ud800" <= c <= "\udfff" or ord(c) > 127 for c in got)
