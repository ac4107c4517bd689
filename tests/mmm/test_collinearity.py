"""Variance inflation against the definition, by regression of each column on the others."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pma.mmm.collinearity import LARGEST_VIF, common_weeks, vif


def by_regression(values):
    factors = []
    for place in range(values.shape[1]):
        others = np.column_stack([np.ones(len(values)), np.delete(values, place, axis=1)])
        fitted = others @ np.linalg.lstsq(others, values[:, place], rcond=None)[0]
        total = ((values[:, place] - values[:, place].mean()) ** 2).sum()
        factors.append(total / ((values[:, place] - fitted) ** 2).sum())
    return np.array(factors)


@given(seed=st.integers(0, 2**32 - 1), columns=st.integers(2, 8), mix=st.floats(0.05, 3))
def test_the_inverse_says_what_the_regressions_say(seed, columns, mix):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((60, columns))
    values[:, 0] = values[:, 1:].sum(axis=1) + mix * values[:, 0]
    units = 10.0 ** rng.integers(-3, 6, columns)
    assert vif(values) == pytest.approx(by_regression(values), rel=1e-6)
    assert vif(values * units + 7 * units) == pytest.approx(vif(values), rel=1e-5)


def test_a_column_that_is_the_sum_of_others_has_no_end_and_the_rest_keeps_its_own():
    rng = np.random.default_rng(1)
    values = rng.standard_normal((80, 5))
    values[:, 3] = values[:, 0] + values[:, 1]
    factors = vif(values)
    assert list(factors[[0, 1, 3]]) == [LARGEST_VIF] * 3
    assert factors[[2, 4]] == pytest.approx(by_regression(values[:, [0, 1, 2, 4]])[[2, 3]], rel=1e-6)


def test_variables_with_few_known_weeks_go_before_the_weeks_do():
    frame = pd.DataFrame({name: np.random.default_rng(2).standard_normal(40) for name in ("a", "b", "c")})
    frame["b"] = frame["b"] ** 2
    frame.loc[:34, "c"] = np.nan
    assert list(common_weeks(frame).columns) == ["a", "b"]
    frame.loc[:20, "c"] = np.arange(21) ** 2.0
    assert len(common_weeks(frame)) == 26
