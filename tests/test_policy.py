from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.errors import PolicyError
from classifier.guidelines import LABELS, SURFACES
from classifier.policy import ACTIONS, Action, Curve, Policy, SurfaceRule
from classifier.policy_file import read_policy, resolve_policy

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
        ("\n[labels", r"policy\.toml, line 2: is not TOML: "),
        ("flag = ]", r"policy\.toml, line 1: is not TOML: "),
        ("\n[label.spam]", r"line 2: 'label' is unknown; use one of min_positives, labels, surfaces, senders"),
        ("labels = 3", r"policy\.toml, line 1: 'labels' is no table of tables; write \[labels\.<name>\]"),
        ("[labels]\nspam = 0.5", r"policy\.toml, line 1: 'labels' is no table of tables"),
        ("senders = 1", r"policy\.toml, line 1: 'senders' is no table; write \[senders\]"),
        ("[labels.hate]\n# so\n[labels.spamm]", r"line 3, \[labels\]: 'spamm' is unknown; use one of harassment, "),
        ("[labels.spam]\nflagg = 1", r"line 2, \[labels\.spam\]: 'flagg' is unknown; use one of base_rate, min_pos"),
        ("[labels.spam]\n\nbase_rate = 0", r"line 3, \[labels\.spam\]: base_rate = 0 is no number from 1e-06 to 0\.99"),
        ("[labels.spam]\nbase_rate = 'x'", r"line 2, \[labels\.spam\]: base_rate = 'x' is no number"),
        ("[labels.spam]\nflag = 1.5", r"line 2, \[labels\.spam\]: flag = 1\.5 is no number from 0 to 1"),
        ("[labels.spam]\nflag = nan", r"line 2, \[labels\.spam\]: flag = nan is no number from 0 to 1"),
        ("[labels.spam]\nflag = true", r"line 2, \[labels\.spam\]: flag = True is no number"),
        ("[labels.spam]\nflag = [\n0.5\n]", r"line 2, \[labels\.spam\]: flag = \[0\.5\] is no number"),
        ("labels.spam.flag = 7", r"line 1, \[labels\.spam\]: flag = 7 is no number"),
        ("labels = {hate = {flag = 0.1}, spam = {flag = 7}}", r"line 1, \[labels\.spam\]: flag = 7 is no number"),
        ("[labels.spam]\nblock = 'all'", r"line 2, \[labels\.spam\]: block: 'all' is no operating point"),
        ("min_positives = 0", r"line 1: min_positives = 0 is no whole number from 1"),
        ("[labels.spam]\nmin_positives = 2.0", r"line 2, \[labels\.spam\]: min_positives = 2\.0 is no whole number"),
        ("[labels.spam]\nflag = 0.9\nblock = 0.5", r"line 3, .* thresholds fall .* \(flag 0\.9, block 0\.5\)"),
        ("[labels.spam]\nblock = 0.5\nflag = 0.9", r"line 2, .* thresholds fall .* \(flag 0\.9, block 0\.5\)"),
        (
            "[labels.spam]\nflag = 'maximum recall @ precision >= 0.9'",
            r"line 2, \[labels\.spam\]: flag asks for precision >= 0\.9 and report only for 0\.8; order them",
        ),
        (
            "[labels.spam]\nreport = 'maximum recall @ false_positive_rate <= 0.1'\n"
            "block = 'maximum recall @ false_positive_rate <= 0.2'",
            r"line 3, .* report asks for false_positive_rate <= 0\.1 and block only for 0\.2; order them",
        ),
        ("[surfaces.chat.spam]", r"line 1, \[surfaces\]: 'chat' is unknown; use one of private_message"),
        ("[surfaces.comment.spamm]", r"line 1, \[surfaces\.comment\]: 'spamm' is unknown"),
        ("[surfaces.comment.spam]\nmost = 1", r"line 2, \[surfaces\.comment\.spam\]: 'most' is unknown; use one"),
        ("[surfaces.comment.spam]\nat_most = 'ban'", r"line 2, .* at_most = 'ban' is no action; use one of none"),
        ("[surfaces.comment.spam]\nat_most = 2", r"line 2, \[surfaces\.comment\.spam\]: at_most = 2 is no action"),
        ("[surfaces.comment.spam]\nshift = 2", r"line 2, \[surfaces\.comment\.spam\]: shift = 2 is no number from"),
        ("[surfaces]\ncomment = 1", r"line 1: 'surfaces' is no table of tables"),
        ("[surfaces.comment]\nspam = 'flag'", r"line 2, \[surfaces\.comment\]: spam = 'flag' is no rule; write"),
        ("[surfaces.comment.spam]\nat_most = ['flag']", r"line 2, .* at_most = \['flag'\] is no action"),
    ],
)
def test_mistakes_in_a_policy_file_name_file_line_and_key(toml, text, message):
    with pytest.raises(PolicyError, match=message) as caught:
        read_policy(toml(text))
    assert "policy.toml, line " in str(caught.value)


def test_what_a_policy_file_passes_on(toml):
    policy = read_policy(toml("min_positives = 7\n[labels.hate]\nmin_positives = 3\n[senders]\nwindow = 30\n"))
    assert (policy.min_positives["spam"], policy.min_positives["hate"], policy.senders) == (7, 3, {"window": 30})
    assert Policy.from_dict(policy.as_dict()).as_dict() == policy.as_dict()
    assert read_policy(toml(""), policy).senders == {"window": 30}


# ---- policy.toml on a model ----

CURVES = dict.fromkeys(LABELS, CURVE)
RELEASED = Policy(base_rates=dict.fromkeys(LABELS, 0.1)).resolved(CURVES)


def test_what_a_policy_file_leaves_alone_stays_as_released(toml):
    released = replace(RELEASED, thresholds=RELEASED.thresholds + np.float32(0.001))  # as if on a finer curve
    policy = resolve_policy(toml('[labels.spam]\nflag = "maximum recall @ precision >= 0.4"'), released, CURVES)
    spam = LABELS.index("spam")
    others = [i for i in range(6) if i != spam]
    np.testing.assert_array_equal(policy.thresholds[others], released.thresholds[others])
    np.testing.assert_array_equal(policy.thresholds[spam, 1:], released.thresholds[spam, 1:])
    assert policy.thresholds[spam, 0] < released.thresholds[spam, 0]
    # a stated share changes what every sentence of the label means
    policy = resolve_policy(toml("[labels.spam]\nbase_rate = 0.5"), released, CURVES)
    assert (policy.thresholds[spam] < released.thresholds[spam]).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[labels.spam]\n# all\nreport = "maximum recall @ precision >= 0.9"\n'
            'block = "maximum recall @ precision >= 1"',
            r"line 4, \[labels\.spam\]: block = 'maximum recall @ precision >= 1' cannot be met: best lower bound of "
            r"precision on >= 20 positives is 0\.99\d; ask for less",
        ),
        (
            '[labels.spam]\nblock = "maximum recall @ precision >= 1"\n'
            '[labels.hate]\nblock = "maximum f1 @ recall >= 1"\nmin_positives = 99999',
            r"line 2, .* precision .* \(nor can line 4\); ask",
        ),
        (
            '[labels.spam]\nmin_positives = 3000\nflag = "maximum recall @ precision >= 0.1"',
            r"line 3, .* a promise needs 3000 positives, and only 2000 are found",
        ),
        ("[labels.spam]\nflag = 0.999", r"line 2, .* flag starts at 0\.999 and report already at 0\.\d+; set both"),
        ("[labels.spam]\nreport = 0.001", r"line 2, .* flag starts at 0\.\d+ and report already at 0\.001"),
    ],
)
def test_what_cannot_be_met_is_refused_with_the_line(toml, text, message):
    with pytest.raises(PolicyError, match=message):
        resolve_policy(toml(text), RELEASED, CURVES)


def test_a_default_that_cannot_be_met_steps_down_and_says_why(toml):
    curves = CURVES | {"hate": replace(CURVE, false_positives=np.full(200, 20_000.0))}
    policy = Policy().resolved(curves)
    hate = LABELS.index("hate")
    assert np.isnan(policy.thresholds[hate]).all()
    assert policy.why["hate"]["block"].startswith("best lower bound of precision on >= 20 positives is 0.")
    assert {action: policy.steps_down_to("hate", Action(action)) for action in policy.why["hate"]} == dict.fromkeys(
        ("flag", "report", "block"), Action.NONE
    )
    assert Policy.from_dict(policy.as_dict()).why == policy.why
    assert resolve_policy(toml(""), policy, curves).why == policy.why
    without = resolve_policy(toml("[labels.spam]\nblock = false"), RELEASED, CURVES)
    assert without.why["spam"] == {"block": "the policy has no sentence for it"}
    assert without.steps_down_to("spam", Action.BLOCK) == Action.REPORT


def test_a_policy_of_an_earlier_release_is_read():
    stored = RELEASED.as_dict()
    for entry in stored["labels"].values():
        del entry["min_positives"]
        for action in ("flag", "report", "block"):
            entry[action].pop("why", None)
    policy = Policy.from_dict(stored)
    np.testing.assert_array_equal(policy.thresholds, RELEASED.thresholds)
    assert set(policy.min_positives.values()) == {20}


def test_a_policy_file_that_cannot_be_read(tmp_path):
    with pytest.raises(PolicyError, match=r"none\.toml: No such file"):
        read_policy(tmp_path / "none.toml")
    with pytest.raises(PolicyError, match="Is a directory"):
        read_policy(tmp_path)
    (tmp_path / "latin.toml").write_bytes("# é".encode("latin-1"))
    with pytest.raises(PolicyError, match=r"latin\.toml: is not TOML"):
        read_policy(tmp_path / "latin.toml")
