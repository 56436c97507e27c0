import numpy as np
import pytest
from scipy.stats import binomtest

from classifier.errors import PolicyError
from classifier.operating_points import MIN_POSITIVES, Curve, OperatingPoint, wilson

METRICS = ("recall", "precision", "f1", "false_positive_rate")


def curve_of(positives=300, negatives=3000, unknown=50, seed=0):
    """Confidences of which those of violations are higher on the whole, with ties."""
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.normal(1.2, 1, positives), rng.normal(-1.5, 1, negatives), rng.normal(0, 1, unknown)])
    truth = np.repeat([1.0, 0.0, np.nan], [positives, negatives, unknown])
    confidences = np.round(1 / (1 + np.exp(-scores)), 3).astype(np.float32)
    return confidences, truth, Curve.of(confidences, truth)


# ---- intervals ----


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (9, 10), (0, 500), (37, 1000), (500, 500)])
def test_wilson_bounds_are_those_of_scipy(successes, trials):
    interval = binomtest(successes, trials).proportion_ci(0.9, "wilson")  # two-sided 90 % is one-sided 95 % either end
    np.testing.assert_allclose(wilson(successes, trials), (interval.low, interval.high), atol=1e-12)


def test_no_trials_tell_nothing():
    np.testing.assert_allclose(wilson(0, 0), (0, 1), atol=1e-6)


# ---- curves ----


def test_a_curve_counts_what_is_at_or_above_each_threshold():
    confidences, truth, curve = curve_of()
    assert (np.diff(curve.thresholds) < 0).all()
    assert curve.thresholds.tolist() == sorted(set(confidences[~np.isnan(truth)].tolist()), reverse=True)
    for i, threshold in enumerate(curve.thresholds):
        above = confidences >= threshold
        assert curve.true_positives[i] == (above & (truth == 1)).sum()
        assert curve.false_positives[i] == (above & (truth == 0)).sum()
    assert (curve.positives, curve.negatives) == (300, 3000)


def test_thinning_keeps_true_points_and_both_ends():
    rng = np.random.default_rng(1)
    full = Curve.of(rng.random(5000, np.float32), (rng.random(5000) < 0.2).astype(float))
    thin = full.thinned(64)
    assert len(thin.thresholds) <= 64
    assert thin.thresholds[0] == full.thresholds[0]
    assert thin.thresholds[-1] == full.thresholds[-1]
    at = np.searchsorted(-full.thresholds, -thin.thresholds)
    assert (full.true_positives[at] == thin.true_positives).all()
    assert (full.false_positives[at] == thin.false_positives).all()
    assert full.thinned(10**4) is full


def test_metrics_by_hand():
    curve = Curve(np.float32([0.9, 0.5]), np.array([6.0, 8.0]), np.array([1.0, 10.0]), 10, 100)
    assert curve.metric("recall", 0.5).tolist() == [0.6, 0.8]
    assert curve.metric("false_positive_rate", 0.5).tolist() == [0.01, 0.1]
    # of 1000 messages 50 violate: 30 of them found, and 9.5 of the 950 others alarm
    precision = 30 / 39.5
    assert curve.metric("precision", 0.05)[0] == pytest.approx(precision)
    assert curve.metric("f1", 0.05)[0] == pytest.approx(2 * precision * 0.6 / (precision + 0.6))


@pytest.mark.parametrize("base_rate", [0.001, 0.01, 0.3])
def test_pessimistic_figures_are_worse(base_rate):
    curve = curve_of()[2]
    for metric in METRICS:
        kind, worst = curve.metric(metric, base_rate), curve.metric(metric, base_rate, pessimistic=True)
        assert ((worst > kind) if metric == "false_positive_rate" else (worst < kind))[: len(kind) // 2].all()


# ---- sentences ----


@pytest.mark.parametrize("aim", ["maximum", "minimum"])
@pytest.mark.parametrize("objective", METRICS)
def test_sentences_are_read(aim, objective):
    for condition in METRICS:
        for comparison, bound in ((">=", "0.9"), ("<=", ".01"), (">=", "1"), ("<=", "0"), (">=", "1.0")):
            point = OperatingPoint.parse(f" {aim}  {objective} @ {condition} {comparison}\n{bound}")
            assert (point.aim, point.objective, point.condition) == (aim, objective, condition)
            assert (point.comparison, point.bound) == (comparison, float(bound))
            assert OperatingPoint.parse(point.sentence) == point


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "maximum recall",
        "most recall @ precision >= 0.9",
        "maximum recall @ precision > 0.9",
        "maximum recall @ precision >= 1.1",
        "maximum recall @ precision >= -0.1",
        "maximum recall @ precision >= 90 %",
        "maximum recall @ accuracy >= 0.9",
        "Maximum recall @ precision >= 0.9",
        "maximum recall @ precision >= 0.9 and more",
    ],
)
def test_what_is_no_sentence_is_refused(sentence):
    with pytest.raises(PolicyError, match=r"^here: .* is no operating point; write 'maximum recall"):
        OperatingPoint.parse(sentence, "here")


def resolve_by_force(point, confidences, truth, base_rate):
    """Try every threshold, written independently of the arrays in `Curve`."""
    positives, negatives = (truth == 1).sum(), (truth == 0).sum()

    def figures(recall, false_rate):
        precision = base_rate * recall / max(base_rate * recall + (1 - base_rate) * false_rate, 1e-12)
        f1 = 2 * precision * recall / max(precision + recall, 1e-12)
        return {"recall": recall, "false_positive_rate": false_rate, "precision": precision, "f1": f1}

    best, found = None, float("nan")
    for threshold in sorted(set(confidences[~np.isnan(truth)].tolist()), reverse=True):
        hits, alarms = ((confidences >= threshold) & (truth == value) for value in (1, 0))
        recall_low = binomtest(int(hits.sum()), int(positives)).proportion_ci(0.9, "wilson").low
        alarms_high = binomtest(int(alarms.sum()), int(negatives)).proportion_ci(0.9, "wilson").high
        value = figures(recall_low, alarms_high)[point.condition]
        meets = value >= point.bound if point.comparison == ">=" else value <= point.bound
        objective = figures(hits.sum() / positives, alarms.sum() / negatives)[point.objective]
        objective *= 1 if point.aim == "maximum" else -1
        if meets and hits.sum() >= MIN_POSITIVES and (best is None or objective > best):
            best, found = objective, threshold
    return found


@pytest.mark.parametrize(
    ("sentence", "base_rate"),
    [
        ("maximum recall @ precision >= 0.5", 0.05),
        ("maximum recall @ precision >= 0.9", 0.3),
        ("maximum precision @ recall >= 0.6", 0.01),
        ("minimum false_positive_rate @ recall >= 0.8", 0.01),
        ("maximum recall @ false_positive_rate <= 0.02", 0.01),
        ("maximum f1 @ recall >= 0.1", 0.02),
        ("maximum recall @ precision >= 0.99", 0.001),
        ("maximum recall @ recall >= 1", 0.5),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_resolving_equals_trying_every_threshold(sentence, base_rate, seed):
    confidences, truth, curve = curve_of(120, 500, seed=seed)
    point = OperatingPoint.parse(sentence)
    expected = resolve_by_force(point, confidences, truth, base_rate)
    np.testing.assert_equal(point.resolve(curve, base_rate), np.float32(expected))


def test_too_few_positives_promise_nothing():
    perfect = {
        n: Curve.of(np.repeat(np.float32([0.9, 0.1]), [n, 5000]), np.repeat([1.0, 0.0], [n, 5000])) for n in (19, 20)
    }
    point = OperatingPoint.parse("maximum precision @ recall >= 0.5")
    assert np.isnan(point.resolve(perfect[19], 0.5))
    assert point.resolve(perfect[20], 0.5) == np.float32(0.9)
    assert np.isnan(point.resolve(Curve.of(np.zeros(0, np.float32), np.zeros(0)), 0.5))
