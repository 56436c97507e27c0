import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from classifier.evaluation import calibration_error, evaluate
from classifier.guidelines import LABELS

NAN = np.nan


def one_label(truth, confidences, levels=None, **options):
    """Figures of the first label; the others are unknown everywhere."""
    n = len(truth)
    y, p = np.full((n, 6), NAN, np.float32), np.full((n, 6), 0.5, np.float32)
    y[:, 0], p[:, 0] = truth, confidences
    recommended = None
    if levels is not None:
        recommended = np.zeros((n, 6), np.uint8)
        recommended[:, 0] = levels
    figures = evaluate(p, y, recommended, **options)
    return figures["labels"][LABELS[0]], figures


def test_figures_by_hand():
    truth = [1, 0, 1, 1, 0, 0, 0, 0]
    confidences = [0.95, 0.85, 0.75, 0.35, 0.35, 0.15, 0.05, 0.05]
    entry, figures = one_label(truth, confidences, levels=[3, 2, 1, 0, 1, 0, 0, 0])
    # precision is 1 at the first positive, 2/3 at the second and, as 0.35 is a tie, 3/5 at the third
    assert entry["average_precision"] == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    squares = [(p - y) ** 2 for p, y in zip(confidences, truth, strict=True)]
    assert entry["brier"] == pytest.approx(np.mean(squares), abs=1e-6)
    # in bins 0.9, 0.8, 0.7, 0.3 (two), 0.1, 0.0 (two): what was said less what was so
    gaps = [0.95 - 1, 0.85, 0.75 - 1, 0.7 - 1, 0.15, 0.1]
    assert entry["calibration_error"] == pytest.approx(np.abs(gaps).sum() / 8, abs=1e-6)
    assert entry["actions"] == {
        "flag": {"taken": 4, "precision": 2 / 4, "recall": 2 / 3, "f1": 4 / 7},
        "report": {"taken": 2, "precision": 1 / 2, "recall": 1 / 3, "f1": 2 / 5},
        "block": {"taken": 1, "precision": 1.0, "recall": 1 / 3, "f1": 2 / 4},
    }
    assert (entry["n"], entry["positives"], figures["n"]) == (8, 3, 8)
    assert figures["macro"] == entry["average_precision"]


def test_unknown_is_left_out_and_is_not_zero():
    known = ([1, 0, 1, 1, 0], [0.9, 0.8, 0.7, 0.3, 0.2])
    with_unknown = ([NAN, *known[0], NAN, NAN], [0.99, *known[1], 0.5, 0.0])
    entry, _ = one_label(*known, levels=[1, 1, 0, 0, 0])
    more, figures = one_label(*with_unknown, levels=[3, 1, 1, 0, 0, 0, 2, 0])
    assert more == entry
    assert figures["n"] == 8
    nothing = figures["labels"][LABELS[1]]
    assert (nothing["n"], nothing["positives"], nothing["average_precision"]) == (0, 0, None)
    assert "brier" not in nothing
    assert nothing["actions"]["flag"] == {"taken": 0, "precision": None, "recall": None, "f1": None}


@pytest.mark.parametrize(("truth", "measured"), [([1, 1, 0, 0], False), ([1, 1, 1, 0], True), ([1, 1, 1, 1], False)])
def test_average_precision_needs_three_positives_and_a_negative(truth, measured):
    entry, figures = one_label(truth, [0.9, 0.8, 0.2, 0.1])
    assert (entry["average_precision"] is not None) == measured == ("interval" in entry)
    assert (figures["macro"] is not None) == measured


def test_macro_is_the_mean_of_what_is_measured():
    rng = np.random.default_rng(3)
    truth = (rng.random((400, 6)) < 0.2).astype(np.float32)
    truth[:, 4] = NAN
    truth[rng.random((400, 6)) < 0.3] = NAN
    confidences = rng.random((400, 6)).astype(np.float32)
    figures = evaluate(confidences, truth)
    expected = []
    for i in (0, 1, 2, 3, 5):
        known = ~np.isnan(truth[:, i])
        expected.append(average_precision_score(truth[known, i], confidences[known, i]))
        entry = figures["labels"][LABELS[i]]
        assert entry["average_precision"] == pytest.approx(expected[-1])
        assert entry["interval"][0] < entry["average_precision"] < entry["interval"][1]
        assert "actions" not in entry
    assert figures["macro"] == pytest.approx(np.mean(expected))


def test_intervals_narrow_with_messages_and_repeat_with_the_seed():
    rng = np.random.default_rng(0)

    def width(n, seed=0):
        truth = (np.arange(n) % 4 == 0).astype(float)
        low, high = one_label(truth, np.clip(truth * 0.3 + rng.random(n) * 0.6, 0, 1), seed=seed)[0]["interval"]
        return high - low

    assert width(2000) < width(60)
    truth, confidences = [1, 0, 1, 0, 1, 0, 0, 1], np.linspace(0.9, 0.1, 8)
    assert one_label(truth, confidences, seed=1) == one_label(truth, confidences, seed=1)
    assert one_label(truth, confidences, seed=1) != one_label(truth, confidences, seed=2)


@pytest.mark.parametrize(
    ("confidences", "truth", "error"),
    [
        ([], [], 0.0),
        ([1.0, 1.0], [1, 1], 0.0),
        ([0.0, 1.0], [1, 0], 1.0),
        ([0.25, 0.25, 0.25, 0.25], [1, 0, 0, 0], 0.0),
        ([0.21, 0.29], [0, 0], 0.25),
    ],
)
def test_calibration_error(confidences, truth, error):
    assert calibration_error(np.array(confidences, float), np.array(truth, float)) == pytest.approx(error)
