from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from pma.embeddings.penetration import (
    Cuts,
    Labels,
    auc,
    buy_rate_labels,
    household_folds,
    label_cuts,
    lift,
    mean_auc_difference,
    measures,
    penetration_labels,
    pooled_differences,
    probe_scores,
    top_categories,
)
from pma.embeddings.settings import PenetrationSettings

CUTS = (date(2017, 1, 2), date(2017, 1, 30), date(2017, 2, 27))
SETTINGS = PenetrationSettings(folds=3, penalties=(1.0, 50.0), categories=2, bootstrap=60)


def pairs(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "category", "visits"][: len(rows[0])])


def test_penetration_is_of_active_customers_who_did_not_have_the_category():
    history = pairs(("a", "milk"), ("b", "bread"))
    future = pairs(("a", "milk"), ("a", "bread"), ("c", "milk"), ("x", "milk"))
    found = penetration_labels(history, future, ["a", "b", "c"], ["bread", "milk"])
    assert found.eligible.tolist() == [[True, False], [False, True], [False, False]]
    assert found.positive.tolist() == [[True, False], [False, False], [False, False]]


def test_buy_rate_is_positive_above_a_customers_own_pace():
    history = pairs(("a", "milk", 10.0), ("b", "milk", 30.0), ("c", "bread", 1.0))
    future = pairs(("a", "milk", 2.0), ("b", "milk", 3.0), ("c", "milk", 5.0))
    found = buy_rate_labels(history, future, ["a", "b", "c"], ["milk"], periods=10.0)
    assert found.eligible[:, 0].tolist() == [True, True, False]
    assert found.positive[:, 0].tolist() == [True, False, False]


def test_the_categories_with_most_positives_are_chosen():
    positive = np.zeros((5, 4), bool)
    positive[:3, 2] = positive[:4, 0] = positive[:1, 1] = True
    assert top_categories(Labels(np.ones((5, 4), bool), positive), SETTINGS).tolist() == [0, 2]


def test_a_household_keeps_its_fold_in_any_order():
    names = [f"h{i}" for i in range(50)]
    folds = dict(zip(names, household_folds(names, SETTINGS), strict=True))
    assert dict(zip(names[::-1], household_folds(names[::-1], SETTINGS), strict=True)) == folds
    assert np.bincount(list(folds.values())).tolist() == [17, 17, 16]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=60))
def test_auc_agrees_with_scikit_learn(rows):
    positive, scores = np.array([r[0] for r in rows]), np.array([r[1] for r in rows], float)
    if positive.all() or not positive.any():
        assert np.isnan(auc(positive, scores))
    else:
        assert auc(positive, scores) == pytest.approx(roc_auc_score(positive, scores))


def test_lift_is_the_hit_rate_of_the_top_over_the_base():
    positive = np.array([True, True, False, False, True, False, False, False, False, False])
    assert lift(positive, np.arange(10, 0, -1.0), 0.2) == pytest.approx(1.0 / 0.3)
    assert lift(positive, np.arange(10, dtype=float), 0.2) == 0.0


def study(n=240, d=4, seed=0):
    """Vectors that know a little of both categories, at three cuts."""
    rng = np.random.default_rng(seed)
    vectors, labels = {}, {}
    for cut in CUTS:
        x = rng.normal(size=(n, d)) * [5.0, 1.0, 1.0, 0.2] + 3.0
        odds = np.column_stack([x[:, 0] - 3.0, 2 * (x[:, 1] - 3.0)]) - 1.0
        eligible = rng.random((n, 2)) < 0.8
        vectors[cut], labels[cut] = x, Labels(eligible, eligible & (rng.random((n, 2)) < 1 / (1 + np.exp(-odds))))
    return vectors, labels, household_folds([f"h{i:03d}" for i in range(n)], SETTINGS)


def test_a_probe_is_scikit_learns_ridge_on_other_households():
    vectors, labels, folds = study()
    settings = SETTINGS.model_copy(update={"penalties": (50.0,)})
    found = probe_scores(vectors, labels, folds, settings)
    train = CUTS[:2]
    known = np.concatenate([vectors[cut][labels[cut].eligible.any(axis=1)] for cut in train])
    spread = np.sqrt(((known - known.mean(axis=0)) ** 2).mean())
    for category in range(2):
        for fold in range(3):
            rows = [labels[cut].eligible[:, category] & (folds != fold) for cut in train]
            x = np.concatenate([vectors[cut][r] for cut, r in zip(train, rows, strict=True)]) / spread
            y = np.concatenate([labels[cut].positive[r, category] for cut, r in zip(train, rows, strict=True)])
            ridge = Ridge(50.0).fit(x, y.astype(float))
            expected = ridge.predict(vectors[CUTS[2]][folds == fold] / spread)
            assert found.values[folds == fold, category] == pytest.approx(expected, abs=1e-9)


def test_the_score_of_a_household_does_not_depend_on_its_own_labels():
    vectors, labels, folds = study()
    settings = SETTINGS.model_copy(update={"penalties": (50.0,)})
    before = probe_scores(vectors, labels, folds, settings).values
    changed = {cut: Labels(part.eligible, part.positive.copy()) for cut, part in labels.items()}
    for part in changed.values():
        part.positive[folds == 1] = part.eligible[folds == 1] & ~part.positive[folds == 1]
    after = probe_scores(vectors, changed, folds, settings).values
    assert np.array_equal(before[folds == 1], after[folds == 1])
    assert not np.allclose(before[folds == 0], after[folds == 0])


def test_a_probe_sees_neither_rotation_nor_scale():
    vectors, labels, folds = study()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0] * 7.0
    turned = {cut: x @ turn - 11.0 for cut, x in vectors.items()}
    first, second = (probe_scores(v, labels, folds, SETTINGS) for v in (vectors, turned))
    assert first.penalty == second.penalty
    assert first.values == pytest.approx(second.values, abs=1e-8)


def test_the_last_date_with_its_weeks_over_is_the_test_and_no_probe_learns_from_those_weeks():
    as_of = [date(2017, 8, 28), date(2017, 9, 25), date(2017, 10, 30), date(2017, 11, 20), date(2018, 1, 1)]
    four_weeks = PenetrationSettings(label_weeks=4)
    # The weeks of 10-30 end on 11-26, after the test has begun.
    expected = Cuts((date(2017, 8, 28), date(2017, 9, 25)), date(2017, 11, 20))
    assert label_cuts(as_of, date(2018, 1, 1), four_weeks) == expected
    assert label_cuts(as_of, date(2017, 12, 17), four_weeks) == expected
    assert label_cuts(as_of, date(2017, 12, 16), four_weeks) == Cuts(tuple(as_of[:2]), date(2017, 10, 30))


@pytest.mark.parametrize("as_of", [[], [date(2026, 1, 1)], [date(2017, 8, 28)], [date(2017, 8, 28), date(2017, 9, 4)]])
def test_dates_without_one_to_learn_from_and_one_to_judge_at_give_no_cuts(as_of):
    assert label_cuts(as_of, date(2018, 1, 1), PenetrationSettings(label_weeks=4)) is None


def test_the_penalty_is_chosen_without_the_test_cut():
    vectors, labels, folds = study()
    shuffled = dict(labels)
    shuffled[CUTS[2]] = Labels(labels[CUTS[2]].eligible, ~labels[CUTS[2]].positive)
    first, second = (probe_scores(vectors, part, folds, SETTINGS) for part in (labels, shuffled))
    assert first.penalty == second.penalty
    assert np.array_equal(first.values, second.values)


def test_measures_hold_pooled_and_mean_values_with_intervals_around_them():
    vectors, labels, folds = study()
    scores = probe_scores(vectors, labels, folds, SETTINGS).values
    test = labels[CUTS[2]]
    found = measures(test, scores, SETTINGS).set_index("metric")
    assert found.loc["auc", "value"] == pytest.approx(
        roc_auc_score(test.positive[test.eligible], scores[test.eligible])
    )
    assert found.loc["auc", "ci_low"] < found.loc["auc", "value"] < found.loc["auc", "ci_high"]
    parts = [roc_auc_score(test.positive[test.eligible[:, c], c], scores[test.eligible[:, c], c]) for c in range(2)]
    assert found.loc["mean_auc", "value"] == pytest.approx(np.mean(parts))
    assert found.loc["base_rate", "value"] == pytest.approx(test.positive[test.eligible].mean())
    assert list(found.index) == ["auc", "lift_at_10", "mean_auc", "mean_lift_at_10", "base_rate"]


def test_a_resample_that_draws_every_household_once_gives_the_plain_auc(monkeypatch):
    vectors, labels, folds = study()
    scores = np.round(probe_scores(vectors, labels, folds, SETTINGS).values, 1)

    class Everyone:
        def integers(self, low, high, size):
            return np.arange(size)

    monkeypatch.setattr(np.random, "default_rng", lambda seed: Everyone())
    found = measures(labels[CUTS[2]], scores, SETTINGS).set_index("metric")
    assert found.loc["auc", "ci_low"] == pytest.approx(found.loc["auc", "value"])


def test_the_difference_of_an_arm_and_itself_is_zero_and_a_better_arm_is_told_apart():
    vectors, labels, folds = study()
    test = labels[CUTS[2]]
    scores = probe_scores(vectors, labels, folds, SETTINGS).values
    noise = np.random.default_rng(3).normal(size=scores.shape)
    nothing = pooled_differences(test, scores, scores, SETTINGS)
    assert nothing == {"auc": (0.0, 0.0, 0.0), "lift_at_10": (0.0, 0.0, 0.0)}
    assert mean_auc_difference(test, scores, scores, SETTINGS) == (0.0, 0.0, 0.0)
    pooled = pooled_differences(test, scores, noise, SETTINGS)
    for value, low, high in (*pooled.values(), mean_auc_difference(test, scores, noise, SETTINGS)):
        assert 0 < low < value < high
    ours, theirs = (measures(test, values, SETTINGS).set_index("metric")["value"] for values in (scores, noise))
    assert {name: value for name, (value, _, _) in pooled.items()} == {
        name: pytest.approx(ours[name] - theirs[name]) for name in ("auc", "lift_at_10")
    }


def test_the_difference_of_the_means_is_that_of_each_categorys_own_auc():
    vectors, labels, folds = study()
    test = labels[CUTS[2]]
    scores = probe_scores(vectors, labels, folds, SETTINGS).values
    noise = np.random.default_rng(3).normal(size=scores.shape)
    eligible, positive = test.eligible, test.positive
    each = [
        [roc_auc_score(positive[eligible[:, c], c], values[eligible[:, c], c]) for c in range(2)]
        for values in (scores, noise)
    ]
    expected = np.mean(each[0]) - np.mean(each[1])
    assert mean_auc_difference(test, scores, noise, SETTINGS)[0] == pytest.approx(expected)
