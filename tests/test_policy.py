from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.errors import PolicyError
from classifier.guidelines import LABELS, SURFACES
from classifier.policy import ACTIONS, Action, Curve, Policy, SurfaceRule, read_policy

# Of violations more are confident than of the rest, at 200 thresholds.
_FALLING = np.linspace(1, 0, 200, dtype=np.float32)
CURVE = Curve(_FALLING, np.round(2000 * (1 - _FALLING**4)), np.round(40_000 * (1 - _FALLING) ** 8), 2000, 40_000)


# ---- actions ----


def test_actions_are_ordered_by_severity_and_print_as_their_names():
    assert [str(action) for action in ACTIONS] == ["none", "flag", "report", "block"]
    assert sorted(ACTIONS, reverse=True) == [*ACTIONS][::-1]
    assert max("flag", Action.BLOCK, key=Action) is Action.BLOCK
    for i, low in enumerate(ACTIONS):
        assert (low.level, f"{low}", low == low.value, hash(low)) == (i, low.value, True, hash(low.value))
        for j, high in enumerate(ACTIONS):
            for other in (high, high.value):
                assert (low < other, low <= other, low > other, low >= other) == (i < j, i <= j, i > j, i >= j)
    with pytest.raises(ValueError, match="'severe' is not a valid Action"):
        _ = Action.FLAG < "severe"


# ---- policies ----


def policy_of(thresholds, **more):
    return Policy(thresholds=np.tile(np.float32(thresholds), (6, 1)), **more)


@pytest.mark.parametrize(
    ("given", "resolved"),
    [
        ({"flag": 0.5, "report": 0.4, "block": 0.9}, [0.5, 0.5, 0.9]),
        ({"flag": 0.5, "block": 0.3}, [0.5, np.nan, 0.5]),
        ({"report": 0.6}, [np.nan, 0.6, np.nan]),
        ({"flag": 0.2, "report": "maximum recall @ precision >= 1", "block": 1}, [0.2, np.nan, 1.0]),
        ({}, [np.nan] * 3),
    ],
)
def test_thresholds_never_fall_and_what_is_not_met_is_not_offered(given, resolved):
    curves = dict.fromkeys(LABELS, CURVE)
    policy = Policy(points=dict.fromkeys(LABELS, given)).resolved(curves)
    np.testing.assert_array_equal(policy.thresholds, np.tile(np.float32(resolved), (6, 1)))


def test_the_default_sentences_are_met_in_order():
    curves = dict.fromkeys(LABELS, CURVE)
    thresholds = Policy(base_rates=dict.fromkeys(LABELS, 0.1)).resolved(curves).thresholds
    assert (np.diff(thresholds[:, :2]) >= 0).all()
    assert np.isnan(Policy().thresholds).all()


def test_nan_is_not_offered():
    policy = policy_of([np.nan, 0.5, np.nan])
    assert policy.recommend(np.full((1, 6), 1, np.float32)).tolist() == [[2] * 6]
    assert policy_of([np.nan] * 3).recommend(np.full((1, 6), 1, np.float32)).tolist() == [[0] * 6]


def test_surfaces_relax_and_tighten():
    rules = {
        "comment": {"spam": SurfaceRule(Action.REPORT, -0.1), "hate": SurfaceRule(shift=0.3)},
        "profile": {"spam": SurfaceRule(Action.NONE)},
    }
    policy = policy_of([0.5, 0.8, 0.95], surfaces=rules)
    comment, spam, hate = policy.for_surface("comment"), LABELS.index("spam"), LABELS.index("hate")
    np.testing.assert_allclose(comment[spam], [0.4, 0.7, np.nan], rtol=1e-6)
    np.testing.assert_allclose(comment[hate], [0.8, 1.0, 1.0], rtol=1e-6)  # never above 1
    assert np.isnan(policy.for_surface("profile")[spam]).all()
    for surface in (None, "post"):
        np.testing.assert_array_equal(policy.for_surface(surface), policy.thresholds)
    assert policy.thresholds[spam, 0] == 0.5  # unchanged


thresholds = st.lists(st.floats(0, 1, width=32) | st.just(float("nan")), min_size=18, max_size=18)
rows = st.lists(
    st.tuples(st.lists(st.floats(0, 1, width=32), min_size=6, max_size=6), st.sampled_from([None, *SURFACES]))
)


@settings(max_examples=200, deadline=None)
@given(thresholds, rows)
def test_recommending_many_equals_one_at_a_time(thresholds, rows):
    rules = {"comment": {"spam": SurfaceRule(Action.FLAG, 0.1)}, "post": {"hate": SurfaceRule(shift=-0.5)}}
    policy = Policy(thresholds=np.float32(thresholds).reshape(6, 3), surfaces=rules)
    confidences = np.float32([row for row, _ in rows]).reshape(-1, 6)
    levels = policy.recommend(confidences, [surface for _, surface in rows])
    assert levels.dtype == np.uint8
    for i, (_, surface) in enumerate(rows):
        for j in range(6):
            limits = policy.for_surface(surface)[j]
            met = [k + 1 for k in range(3) if not np.isnan(limits[k]) and confidences[i, j] >= limits[k]]
            assert levels[i, j] == max(met, default=0)


def test_surfaces_must_be_one_for_each_message():
    with pytest.raises(ValueError, match="surfaces"):
        policy_of([0.5, 0.8, 0.95]).recommend(np.ones((3, 6), np.float32), ["comment"])


def test_a_stored_policy_comes_back():
    points = {label: {"flag": 0.25, "report": "maximum recall @ precision >= 0.1"} for label in LABELS}
    policy = Policy(
        points=points,
        base_rates=dict.fromkeys(LABELS, 0.05),
        surfaces={"post": {"hate": SurfaceRule(Action.FLAG, -0.1)}},
    )
    policy = policy.resolved(dict.fromkeys(LABELS, CURVE))
    again = Policy.from_dict(policy.as_dict())
    np.testing.assert_array_equal(again.thresholds, policy.thresholds)
    assert (again.base_rates, again.surfaces) == (policy.base_rates, policy.surfaces)
    assert again.as_dict() == policy.as_dict()
    resolved = again.resolved(dict.fromkeys(LABELS, CURVE))
    np.testing.assert_array_equal(resolved.thresholds, policy.thresholds)


# ---- policy.toml ----


@pytest.fixture
def toml(tmp_path):
    def write(text):
        path = tmp_path / "policy.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_policy_file_changes_what_it_names(toml):
    base = replace(Policy(), surfaces={"comment": {"hate": SurfaceRule(Action.REPORT)}})
    policy = read_policy(
        toml(
            """
            [labels.harassment]
            base_rate = 0.02
            flag = "maximum recall @ precision   >= 0.4"
            report = false
            block = 0.97
            [surfaces.comment.personal_info]
            at_most = "report"
            shift = -0.05
            """
        ),
        base,
    )
    assert policy.points["harassment"] == {"flag": "maximum recall @ precision >= 0.4", "block": 0.97}
    assert policy.points["spam"] == base.points["spam"]
    assert (policy.base_rates["harassment"], policy.base_rates["spam"]) == (0.02, 0.01)
    expected = {"hate": SurfaceRule(Action.REPORT), "personal_info": SurfaceRule(Action.REPORT, -0.05)}
    assert policy.surfaces == {"comment": expected}
    assert base.points["harassment"] == Policy().points["harassment"]
    assert read_policy(toml("")).as_dict() == Policy().as_dict()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[labels", r"policy\.toml: is not TOML: "),
        ("[label.spam]", r"policy\.toml: 'label' is unknown; use one of labels, surfaces"),
        ("labels = 3", r"policy\.toml: 'labels' is no table of tables; write \[labels\.<name>\]"),
        ("[labels]\nspam = 0.5", r"policy\.toml: 'labels' is no table of tables"),
        ("[labels.spamm]", r"\[labels\.spamm\]: 'spamm' is unknown; use one of harassment, "),
        (
            "[labels.spam]\nflagg = 1",
            r"\[labels\.spam\]: 'flagg' is unknown; use one of base_rate, flag",
        ),
        ("[labels.spam]\nbase_rate = 0", r"\[labels\.spam\]: base_rate = 0 is no number from 1e-06 to 0\.999"),
        ("[labels.spam]\nbase_rate = 'x'", r"\[labels\.spam\]: base_rate = 'x' is no number"),
        ("[labels.spam]\nflag = 1.5", r"\[labels\.spam\]: flag = 1\.5 is no number from 0 to 1"),
        ("[labels.spam]\nflag = nan", r"\[labels\.spam\]: flag = nan is no number from 0 to 1"),
        ("[labels.spam]\nflag = true", r"\[labels\.spam\]: flag = True is no number"),
        ("[labels.spam]\nflag = [0.5]", r"\[labels\.spam\]: flag = \[0\.5\] is no number"),
        ("[labels.spam]\nblock = 'all'", r"\[labels\.spam\] block: 'all' is no operating point"),
        ("[labels.spam]\nflag = 0.9\nblock = 0.5", r"\[labels\.spam\]: thresholds \[0\.9, 0\.5\] fall"),
        ("[surfaces.chat.spam]", r"policy\.toml: 'chat' is unknown; use one of private_message"),
        ("[surfaces.comment.spamm]", r"\[surfaces\.comment\.spamm\]: 'spamm' is unknown"),
        (
            "[surfaces.comment.spam]\nmost = 1",
            r"\[surfaces\.comment\.spam\]: 'most' is unknown; use one of at_most",
        ),
        (
            "[surfaces.comment.spam]\nat_most = 'ban'",
            r"at_most = 'ban' is no action; use one of none",
        ),
        ("[surfaces.comment.spam]\nat_most = 2", r"\[surfaces\.comment\.spam\]: at_most = 2 is no action"),
        ("[surfaces.comment.spam]\nshift = 2", r"\[surfaces\.comment\.spam\]: shift = 2 is no number from -1 to 1"),
        ("[surfaces]\ncomment = 1", r"'surfaces' is no table of tables"),
        ("[surfaces.comment]\nspam = 0.1", r"surfaces\.comment"),
        ("[surfaces.comment]\nspam = 'flag'", r"surfaces\.comment\.spam\]: (?!'f' is unknown)"),
        (
            "[surfaces.comment.spam]\nat_most = ['flag']",
            r"\[surfaces\.comment\.spam\]: at_most = \['flag'\] is no action",
        ),
    ],
)
def test_mistakes_in_a_policy_file_name_file_and_key(toml, text, message):
    with pytest.raises(PolicyError, match=message) as caught:
        read_policy(toml(text))
    assert "policy.toml" in str(caught.value)


def test_a_policy_file_that_cannot_be_read(tmp_path):
    with pytest.raises(PolicyError, match=r"none\.toml: No such file"):
        read_policy(tmp_path / "none.toml")
    with pytest.raises(PolicyError, match="Is a directory"):
        read_policy(tmp_path)
    (tmp_path / "latin.toml").write_bytes("# é".encode("latin-1"))
    with pytest.raises(PolicyError, match=r"latin\.toml: is not TOML"):
        read_policy(tmp_path / "latin.toml")
