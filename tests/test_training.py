import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from classifier.errors import TrainingError
from classifier.features import MessageVectorizer
from classifier.guidelines import LABELS
from classifier.policy import Curve
from classifier.training import LabelModels, Settings, train

HATE = LABELS.index("hate")


@pytest.fixture(scope="module")
def matrix():
    """600 rows in 120 groups of five; every label follows a feature of its own, with noise."""
    rng = np.random.default_rng(5)
    X = csr_matrix((rng.random((600, 30)) < 0.2) * rng.random((600, 30)))
    y = (X[:, :6].toarray() + rng.normal(0, 0.15, (600, 6)) > 0.3).astype(np.float32)
    return X, y, np.repeat(np.arange(120), 5)


def fit(X, y, groups=None, **parameters):
    calibrate = parameters.pop("calibration_weight", None)
    weights = parameters.pop("weights", None)
    return LabelModels(folds=3, n_jobs=1, **parameters).fit(X, y, weights, groups, calibrate)


def assert_same_model(a, b, labels=range(6)):
    for name in ("coef_", "intercept_", "steps_", "slopes_", "offsets_"):
        np.testing.assert_array_equal(getattr(a, name)[[*labels]], getattr(b, name)[[*labels]], err_msg=name)


# ---- unknown labels ----


def test_rows_where_a_label_is_unknown_do_not_change_its_model(matrix):
    X, y, _ = matrix
    more_y = y[:200].copy()
    more_y[:, HATE] = np.nan
    with_unknown = fit(csr_matrix(np.vstack([X.toarray(), X[:200].toarray()])), np.vstack([y, more_y]), np.arange(800))
    alone = fit(X, y, np.arange(600))
    assert_same_model(with_unknown, alone, [HATE])
    assert not np.array_equal(with_unknown.coef_[0], alone.coef_[0])  # where they are known they count
    np.testing.assert_array_equal(with_unknown.out_of_fold_[:600, HATE], alone.out_of_fold_[:, HATE])
    assert np.isnan(with_unknown.out_of_fold_[600:, HATE]).all()


def test_unknown_is_not_zero(matrix):
    X, y, _ = matrix
    unknown, zero = y.copy(), y.copy()
    positives = np.flatnonzero(y[:, HATE] == 1)[::2]
    unknown[positives, HATE], zero[positives, HATE] = np.nan, 0
    assert fit(X, unknown).predict_proba(X)[:, HATE].mean() > 1.3 * fit(X, zero).predict_proba(X)[:, HATE].mean()


def test_a_label_whose_unknown_rows_are_removed_is_the_same(matrix):
    X, y, groups = matrix
    y = y.copy()
    y[::3, 1] = np.nan
    known = ~np.isnan(y[:, 1])
    assert_same_model(fit(X, y, groups), fit(X[known], y[known], groups[known]), [1])


# ---- what cannot be fitted ----


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y[:, HATE].fill(0), "label hate: only 0 positives in 0 groups for 3 folds; add labelled messages"),
        (lambda y: y[:, HATE].fill(1), "label hate: only 0 negatives in 0 groups"),
        (lambda y: y[:, HATE].fill(np.nan), "label hate: only 0 positives"),
        (lambda y: y[10:, HATE].fill(0) or y[:10, HATE].fill(1), "label hate: only 10 positives in 2 groups"),
    ],
)
def test_the_label_with_too_few_is_named(matrix, change, message):
    X, y, groups = matrix
    y = y.copy()
    change(y)
    with pytest.raises(TrainingError, match=message):
        fit(X, y, groups)


def test_other_refusals(matrix):
    X, y, _ = matrix
    with pytest.raises(TrainingError, match=r"labels have shape \(600, 5\); give \(n, 6\), NaN where unknown"):
        fit(X, y[:, :5])
    with pytest.raises(TrainingError, match="label harassment: no positives or no negatives to calibrate on"):
        fit(X, y, calibration_weight=y[:, 0] == 0)


# ---- folds, weights, calibration ----


def test_groups_stay_in_one_fold(matrix):
    _, y, groups = matrix
    models = LabelModels(folds=3)
    numbers = models._fold_numbers(y[:, 0], groups)
    assert {*numbers} == {0, 1, 2}
    assert all(len({*numbers[groups == group]}) == 1 for group in groups)
    shares = [y[numbers == fold, 0].mean() for fold in range(3)]
    assert max(shares) - min(shares) < 0.05  # stratified
    y = y.copy()
    y[:7, 0] = np.nan
    assert (models._fold_numbers(y[:, 0], groups)[:7] == -1).all()


def test_no_message_is_judged_by_a_model_that_saw_its_group():
    # Only a mark of the group tells the label: out of fold it tells nothing, whoever saw the group knows everything.
    n_groups, size = 60, 6
    groups = np.repeat(np.arange(n_groups), size)
    X = csr_matrix(np.eye(n_groups)[groups])
    y = np.repeat((groups % 2)[:, None], 6, axis=1).astype(np.float32)
    apart = fit(X, y, groups).out_of_fold_[:, 0]
    together = fit(X, y, None).out_of_fold_[:, 0]
    assert ((together > 0.5) == y[:, 0]).mean() > 0.95
    assert ((apart > 0.5) == y[:, 0]).mean() < 0.6


def test_group_names_may_be_anything(matrix):
    X, y, groups = matrix
    assert_same_model(fit(X, y, groups), fit(X, y, [str(group) for group in groups]))


def test_weights_matter(matrix):
    X, y, _ = matrix
    flipped = np.arange(0, 600, 2)
    y = y.copy()
    y[flipped] = 1 - y[flipped]
    weights = np.ones(600)
    weights[flipped] = 1e-9
    right, weighted = fit(X[1::2], y[1::2]), fit(X, y, weights=weights)
    for i in range(6):
        assert np.corrcoef(right.coef_[i], weighted.coef_[i])[0, 1] > 0.99
        assert np.corrcoef(right.coef_[i], fit(X, y).coef_[i])[0, 1] < 0.9
    assert_same_model(fit(X, y), fit(X, y, weights=np.ones(600)))


def test_positives_weigh_more_where_they_are_rare(matrix):
    X, y, _ = matrix
    plain, balanced = fit(X, y, imbalance=0.0), fit(X, y, imbalance=1.0)
    rare = y.mean(axis=0) < 0.4
    assert rare.any()
    scores = [model.decision_function(X)[:, rare].mean() for model in (plain, balanced)]
    assert scores[1] > scores[0] + 0.1


def test_calibration_maps_scores_to_frequencies(matrix):
    X, y, groups = matrix
    models = fit(X, y, groups)
    # A sigmoid fitted with an intercept gives the share of positives on average, in every label.
    np.testing.assert_allclose(models.out_of_fold_.mean(axis=0), y.mean(axis=0), atol=1e-4)
    p = models.out_of_fold_[:, 0].astype(float)
    scores = (np.log(p / (1 - p)) - models.offsets_[0]) / models.slopes_[0]
    again = LogisticRegression(C=1e6).fit(scores[:, None], y[:, 0])
    assert again.coef_[0, 0] == pytest.approx(models.slopes_[0], rel=1e-2)
    assert (models.slopes_ > 0).all()


def test_only_the_rows_named_calibrate(matrix):
    X, y, groups = matrix
    some = groups < 40
    models, all_ = fit(X, y, groups, calibration_weight=some), fit(X, y, groups)
    np.testing.assert_allclose(models.out_of_fold_[some].mean(axis=0), y[some].mean(axis=0), atol=1e-4)
    np.testing.assert_array_equal(models.coef_, all_.coef_)
    assert not np.isnan(models.out_of_fold_).any()


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_no_fold_holds_all_of_a_kind(folds):
    rng = np.random.default_rng(folds)
    for _ in range(300):
        n = int(rng.integers(folds, 12))
        y = np.float32(rng.random((40, 1)) < rng.choice([0.1, 0.5, 0.9]))
        groups = rng.integers(0, n, 40)
        if min(len({*groups[y[:, 0] == value]}) for value in (0, 1)) < folds:
            continue
        numbers = LabelModels(labels=("a",), folds=folds)._fold_numbers(y[:, 0], groups)
        assert {*numbers} == {*range(folds)}
        for fold in range(folds):
            assert len({*y[numbers != fold, 0]}) == 2
        assert all(len({*numbers[groups == group]}) == 1 for group in {*groups})


def test_rows_calibrate_by_their_weight(matrix):
    X, y, groups = matrix
    weight = np.where(groups < 40, 4.0, 0.5)
    models = fit(X, y, groups, calibration_weight=weight)
    wanted = np.average(y, axis=0, weights=weight)
    np.testing.assert_allclose(np.average(models.out_of_fold_, axis=0, weights=weight), wanted, atol=1e-4)
    assert np.abs(models.out_of_fold_.mean(axis=0) - y.mean(axis=0)).max() > 1e-3


def test_the_defaults_are_those_of_a_run():
    models, settings = LabelModels(), Settings()
    for name in ("regularisation", "imbalance", "folds", "seed"):
        assert getattr(models, name) == getattr(settings, name)


def test_coefficients_are_whole_steps_of_sixteen_bits(matrix):
    X, y, _ = matrix
    models = fit(X, y)
    steps = models.coef_ / models.steps_[:, None]
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)
    np.testing.assert_allclose(np.abs(steps).max(axis=1), 32767)
    assert models.out_of_fold_.shape == y.shape
    assert models.out_of_fold_.dtype == np.float32
    assert (models.predict(X) == (models.predict_proba(X) >= 0.5)).all()
    assert clone(models).get_params() == models.get_params()


# ---- a whole run ----


def test_a_run_tells_its_stages_and_keeps_its_record(trained):
    record = trained.release.record
    assert record["rows"] == record["judged"] == record["metrics"]["out of fold"]["n"]
    assert trained.release.arrays["rows"].shape == (20_000, 8)
    assert [name for name, _ in trained.pipeline.steps] == ["features", "labels"]
    # a small model, but it learned something about every label
    assert all(entry["average_precision"] > 0.25 for entry in record["metrics"]["out of fold"]["labels"].values())


def test_what_frames_may_hold(examples):
    rows = examples.iloc[::4].reset_index(drop=True)
    settings = Settings(max_features=500, folds=2, char_ngrams=(0, 0))
    stages = []

    def run(frame):
        return train(frame, settings=settings, n_jobs=1, progress=lambda stage, share: stages.append((stage, share)))

    plain = run(rows)
    assert (
        run(rows.assign(group=rows["author"], weight=1.0, annotated=True)).release.coefficients
        == plain.release.coefficients
    )
    assert {
        "reading n-grams",
        "selecting n-grams",
        "fitting",
        "looking up common words",
        "choosing operating points",
    } == {stage for stage, _ in stages}
    assert all(0 <= share <= 1 for _, share in stages)
    half = rows["id"].map(lambda name: sum(map(ord, name)) % 2 == 0)
    judged = run(rows.assign(annotated=half))
    assert judged.release.record["judged"] == half.sum() == judged.release.record["metrics"]["out of fold"]["n"]
    few = run(rows.assign(population=half)).release.counts["spam"]
    assert sum(few) == half.sum()


def test_features_that_weigh_most_are_kept(examples):
    rows = examples.iloc[::3].reset_index(drop=True)
    settings = Settings(max_features=300, folds=2, char_ngrams=(0, 0))
    names = train(rows, settings=settings, n_jobs=1).pipeline[0].get_feature_names_out()
    assert len(names) == 300
    assert {"word__whatsapp", "word__trump", "word__telegram", "word__government", "word__link"} & {*names}
    frequent = (
        MessageVectorizer(char_ngrams=(0, 0), min_df=2, max_features=300).fit(rows["text"]).get_feature_names_out()
    )
    assert len({*names} & {*frequent}) < 250


def test_curves_are_of_the_out_of_fold_confidences(trained, examples):
    labels = trained.pipeline[1]
    truth = examples.drop(index=examples.index[::25])["spam"].to_numpy(float)
    curve = Curve.of(labels.out_of_fold_[:, LABELS.index("spam")], truth).thinned()
    np.testing.assert_array_equal(trained.release.curves["spam"].thresholds, curve.thresholds)
    assert trained.release.counts["spam"] == (truth.sum(), (truth == 0).sum())
