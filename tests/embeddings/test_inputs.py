import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pma.embeddings.inputs import DictionaryError, input_matrix, plan_inputs, raw_matrix
from pma.embeddings.settings import AutoencoderSettings

SETTINGS = AutoencoderSettings(level_weights={"type": 1.0}, recent_weight=0.5, value_weight=0.5, clip=3.0)


def dictionary():
    """Three types of product and a day of the week, in the order of their names; 7 is not in the vocabulary."""
    rows = [
        (2, "type/visits/365", "type", "bread", "visits", 365, 1.0, 1.0),
        (3, "type/visits/365", "type", "cake", "visits", 365, 1.0, 1.0),
        (5, "type/visits/30", "type", "milk", "visits", 30, 0.5, 1.0),
        (8, "type/spend/365", "type", "milk", "spend", 365, 2.0, 0.5),
        (9, "weekday/visits/365", "weekday", "monday", "visits", 365, 2.0, 0.01),
    ]
    columns = ["feature_index", "block", "level", "entity", "metric", "window_days", "center", "scale"]
    return pd.DataFrame(rows, columns=columns)


def dense(indices, values, settings=SETTINGS):
    plan = plan_inputs(dictionary(), settings)
    return input_matrix(raw_matrix([np.array(indices)], [np.array(values)], plan.feature_index), plan).toarray()[0]


def test_indicators_come_group_by_group_with_the_longest_window_first():
    plan = plan_inputs(dictionary(), SETTINGS)
    assert plan.indicators.tolist() == [0, 1, 2]
    assert plan.groups == [(0, 2), (2, 3)]
    assert plan.group_weights.tolist() == [1.0, 0.5]
    assert plan.width == 3 + 5


def test_the_value_and_the_indicator_of_a_feature_share_a_block():
    plan = plan_inputs(dictionary(), SETTINGS)
    assert plan.blocks[0] == plan.blocks[1] == plan.blocks[3] == plan.blocks[4]
    assert len(set(plan.blocks.tolist())) == 4


def test_a_row_is_scaled_as_the_formula_says():
    found = dense([2, 3, 8], [1.0, 4.0, 10.0])
    assert found[:3] == pytest.approx([1 / math.sqrt(2), 1 / math.sqrt(2), 0.0])
    values = [math.log1p(1) - 1, math.log1p(4) - 1, 0.0, (math.log1p(10) - 2) / 0.5, 0.0]
    assert found[3:] == pytest.approx([0.5 * v / math.sqrt(3) for v in values], rel=1e-5)


def test_a_value_far_out_is_cut_and_a_tiny_scale_does_not_blow_up():
    found = dense([8], [1e9])
    assert found[6] == pytest.approx(0.5 * 3.0)
    assert dense([9], [math.expm1(2.1)])[7] == pytest.approx(0.5 * 0.1 / SETTINGS.minimum_scale, rel=1e-4)


def test_the_median_amount_differs_from_nothing():
    median = dense([8], [math.expm1(2.0)])[6]
    assert 0 < abs(median) < 1e-4
    assert dense([2], [1.0])[6] == 0.0


def test_a_negative_value_is_the_mirror_of_a_positive_one():
    settings = SETTINGS.model_copy(update={"clip": 100.0})
    below, above = dense([8], [-5.0], settings)[6], dense([8], [5.0], settings)[6]
    assert below + above == pytest.approx(2 * 0.5 * -2.0 / 0.5, rel=1e-5)


@given(st.permutations(range(20, 25)))
def test_the_inputs_are_the_same_whatever_numbers_the_features_have(numbers):
    ours = dictionary()
    renumbered = dict(zip(ours["feature_index"], numbers, strict=True))
    theirs = ours.assign(feature_index=list(renumbered.values())).sort_values("feature_index")
    rows = [{2: 1.0, 3: 4.0, 8: 10.0}, {5: 2.0, 9: 3.0}, {}]
    found = []
    for names, number in ((ours, {key: key for key in renumbered}), (theirs, renumbered)):
        plan = plan_inputs(names, SETTINGS)
        rewritten = [sorted((number[key], value) for key, value in row.items()) for row in rows]
        indices = [np.array([key for key, _ in row], int) for row in rewritten]
        raw = raw_matrix(indices, [np.array([value for _, value in row]) for row in rewritten], plan.feature_index)
        found.append((input_matrix(raw, plan).toarray().tolist(), plan.blocks.tolist(), plan.groups))
    assert found[1] == found[0]


def test_features_outside_the_vocabulary_are_left_out():
    plan = plan_inputs(dictionary(), SETTINGS)
    raw = raw_matrix([np.array([0, 7, 8, 99])], [np.array([1.0, 1.0, 3.0, 1.0])], plan.feature_index)
    assert raw.toarray().tolist() == [[0.0, 0.0, 0.0, 3.0, 0.0]]


def test_a_customer_with_nothing_is_a_row_of_zeros():
    plan = plan_inputs(dictionary(), SETTINGS)
    raw = raw_matrix([np.array([], int), np.array([2])], [np.array([]), np.array([1.0])], plan.feature_index)
    found = input_matrix(raw, plan).toarray()
    assert not found[0].any()
    assert found[1].any()


def test_no_rows_give_no_inputs():
    plan = plan_inputs(dictionary(), SETTINGS)
    assert input_matrix(raw_matrix([], [], plan.feature_index), plan).shape == (0, plan.width)


@given(
    st.lists(
        st.dictionaries(st.sampled_from([2, 3, 5, 8, 9]), st.floats(0.0625, 1e6, width=32)), min_size=1, max_size=6
    )
)
def test_every_row_has_groups_of_their_weight_and_values_within_the_clip(rows):
    plan = plan_inputs(dictionary(), SETTINGS)
    raw = raw_matrix(
        [np.array(sorted(r), int) for r in rows],
        [np.array([r[k] for k in sorted(r)]) for r in rows],
        plan.feature_index,
    )
    found = input_matrix(raw, plan).toarray()
    for row, given_row in zip(found, rows, strict=True):
        for (start, end), weight in zip(plan.groups, plan.group_weights, strict=True):
            length = float(np.linalg.norm(row[start:end]))
            assert length == pytest.approx(float(weight), rel=1e-5) or length == 0.0
        assert np.count_nonzero(row[plan.values_start :]) == len(given_row)
        assert float(np.linalg.norm(row[plan.values_start :])) <= 0.5 * 3.0 * (1 + 1e-5)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda d: d.drop(columns="center"), "no column center"),
        (lambda d: d.iloc[:0], "empty, or a feature_index twice"),
        (lambda d: pd.concat([d, d]), "empty, or a feature_index twice"),
        (lambda d: d.assign(scale=np.nan), "center or scale is null"),
        (lambda d: d[d.metric == "spend"], "no visits feature of the levels type"),
    ],
)
def test_a_dictionary_that_cannot_be_used_is_refused_by_name(broken, message):
    with pytest.raises(DictionaryError, match=message):
        plan_inputs(broken(dictionary()), SETTINGS)
