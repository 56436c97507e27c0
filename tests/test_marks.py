"""What the marks of characters say of the passes of cleaning."""

import random

import numpy as np
import pytest

from classifier.kernels import cleaning, folding, marks
from classifier.text import cleaning_tables, code_points

SIGNS = "aaabbeilоѕуаα1350@$!|.-_*~ 加微信あㅋ각😀X'"


def marked(text):
    """A folded message: characters, origins, kinds, its length and the passes it may need."""
    points, _ = code_points([text])
    tables = cleaning_tables()
    room = folding.folded_length(points, tables) + marks.MARGIN
    out, origins = np.zeros(room, np.int32), np.zeros(room, np.int32)
    kinds, written = np.zeros(room, np.uint8), np.full(room, 255, np.uint8)
    n = folding.fold(points, out, origins, tables)
    marks.mark(out, kinds, written, n, tables)
    return out, origins, kinds, n, int(marks.passes_needed(out, written, n))


def changed_by(text):
    """The passes that change a folded message, each tried on its own."""
    found = 0
    for flag in (marks.SPACED, marks.DISGUISED, marks.REPEATED):
        out, origins, kinds, n, _ = marked(text)
        before = out[:n].copy()
        if flag == marks.SPACED:
            m = cleaning.join_spaced(out, origins, kinds, n)
        elif flag == marks.DISGUISED:
            cleaning.undo_disguise(out, kinds, n, cleaning_tables())
            m = n
        else:
            m = cleaning.shorten_runs(out, origins, kinds, n)
        if m != n or not np.array_equal(out[:m], before):
            found |= int(flag)
    return found


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("hello, how are you? it's 20:15!", 0),
        ("", 0),
        ("f u c k", int(marks.SPACED)),
        ("加.微-信", int(marks.SPACED)),
        ("1d10t", int(marks.DISGUISED)),
        ("ѕtupid", int(marks.DISGUISED)),
        ("sooo", int(marks.REPEATED)),
        ("wow!!!!", int(marks.REPEATED)),
        ("wow!!! 1000000", 0),
    ],
)
def test_each_disguise_asks_for_its_pass(text, needed):
    assert marked(text)[-1] == needed


def test_a_pass_that_is_not_asked_for_would_change_nothing():
    chance = random.Random(7)
    asked = 0
    for _ in range(4_000):
        text = "".join(chance.choices(SIGNS, k=chance.randint(0, 80)))
        needed = marked(text)[-1]
        assert changed_by(text) & ~needed == 0, text
        asked += needed != 7
    assert asked > 1_000  # many were not asked for everything


@pytest.mark.parametrize("n", [61, 62, 63, 64, 65, 125, 126, 127, 128, 129])
@pytest.mark.parametrize("end", ["aaa", "x1x", "аx", "i d i o t"])
def test_the_last_characters_are_looked_at_whatever_the_length(n, end):
    plain = ("the quick brown fox jumped over lazy dogs, " * 4)[: n - len(end) - 1]
    text = f"{plain.rstrip('ad ')} {end}"
    assert changed_by(text) & ~marked(text)[-1] == 0
    assert marked(text)[-1] == marked(f"x {end}")[-1] != 0
