"""The choice among scores that are made up: who is chosen, why, and who is not compared."""

import numpy as np
import pandas as pd
import pytest

from pma.mmm.selection import choose, not_chosen, selection_text, with_changes

NAMED = {"geo_level": "country", "geo": "DE", "target": "uploads", "data_origin": "a test"}


def scored(name, crps, parameters=10, moved=0.1, **more):
    """Rows of bl.mmm_validation of a candidate with these scores."""
    return pd.DataFrame(
        {
            **NAMED,
            "candidate": name,
            "settings": None if name == "seasonal_naive" else f'{{"of": "{name}"}}',
            "fold": range(1, len(crps) + 1),
            "status": ["failed" if np.isnan(score) else "ok" for score in crps],
            "message": ["tv is unknown." if np.isnan(score) else None for score in crps],
            "crps": crps,
            "mape": crps,
            "coverage_90": 0.9,
            "parameters": parameters,
            "turnover": moved,
            **more,
        }
    )


def chosen(*candidates):
    return choose(pd.concat(candidates, ignore_index=True).astype(object))


BEST = scored("rich", [0.10, 0.12, 0.11, 0.13], parameters=30)


def test_of_those_within_one_standard_error_the_simplest_is_chosen():
    # On average 0.005 worse, with differences of 0.02, 0.0, -0.01 and 0.01: a standard error of 0.0065.
    plain = scored("plain", [0.12, 0.12, 0.10, 0.14], parameters=20)
    row = chosen(BEST, plain, scored("seasonal_naive", [0.2] * 4))
    assert (row["candidate"], row["best"], row["settings"]) == ("plain", "rich", '{"of": "plain"}')
    assert (row["crps"], row["best_crps"], row["difference"]) == pytest.approx((0.12, 0.115, 0.005))
    assert row["difference_standard_error"] == pytest.approx(np.std([0.02, 0, -0.01, 0.01], ddof=1) / 2)
    assert row["best_standard_error"] == pytest.approx(np.std([0.10, 0.12, 0.11, 0.13], ddof=1) / 2)
    assert "plain is the simplest of the 2 candidates within one standard error of the best, rich" in row["reason"]
    assert "40% smaller than that of last year's week (0.2000)" in row["reason"]
    assert (row["folds"], row["compared"], row["left_out"]) == (4, 2, [])


def test_a_small_loss_in_every_fold_is_a_loss():
    """Paired: folds differ far more from each other than the candidates do."""
    plain = scored("plain", [0.104, 0.125, 0.114, 0.135], parameters=5)
    row = chosen(BEST, plain)
    assert row["candidate"] == "rich" and "no other lies within one standard error" in row["reason"]
    assert "no forecast by last year's week" in row["reason"] and row["naive_crps"] is None


def test_of_equally_simple_ones_the_steadier_advice_is_chosen_then_the_name():
    same = [0.10, 0.12, 0.11, 0.13]
    steady = scored("steady", same, parameters=30, moved=0.05)
    assert chosen(BEST, steady)["candidate"] == "steady"
    # A turnover that nobody knows comes after all that are known.
    assert chosen(scored("z", same, moved=None), scored("b", same), scored("a", same))["candidate"] == "a"


def test_a_candidate_that_failed_a_fold_is_said_and_not_compared():
    lucky = scored("lucky", [0.01, np.nan, 0.01, 0.01], parameters=1)
    row = chosen(BEST, lucky)
    assert (row["candidate"], row["left_out"], row["compared"], row["folds"]) == ("rich", ["lucky"], 1, 4)
    assert "Left out: lucky failed fold 2 (tv is unknown)." in row["reason"]


def test_a_fold_that_failed_for_all_is_no_reason_to_leave_anybody_out():
    nobody = [scored(name, [np.nan, 0.1, score], parameters=3) for name, score in (("a", 0.3), ("b", 0.2))]
    row = chosen(*nobody, scored("seasonal_naive", [0.9, 0.1, 0.1]))
    assert (row["folds"], row["left_out"], row["naive_crps"]) == (2, [], pytest.approx(0.1))
    assert "no better than last year's week (0.1000)" in row["reason"]


def test_where_all_fail_nobody_is_chosen():
    row = chosen(scored("a", [np.nan, np.nan]), scored("b", [np.nan, np.nan]))
    assert (row["candidate"], row["folds"], row["left_out"]) == (None, 0, ["a", "b"])
    assert row["reason"].startswith("No candidate has a score of all folds. Left out: a failed fold 1, 2 (tv is")


def test_one_fold_says_nothing_of_its_own_error():
    row = chosen(scored("a", [0.1], parameters=9), scored("b", [0.2], parameters=1))
    assert (row["candidate"], row["best_standard_error"], row["difference_standard_error"]) == ("a", None, None)
    assert "one fold" in row["reason"]


def test_a_naive_forecast_is_never_chosen():
    assert chosen(BEST, scored("seasonal_naive", [0.0] * 4))["candidate"] == "rich"


def test_what_moved_since_the_fold_before_is_told_where_both_ended():
    channels = {"channels": [np.array(["a", "b"])] * 4}
    roas = {"roas": [np.array(pair) for pair in ([1.0, 2.0], [1.1, 2.4], [1.1, np.nan], [1.1, 2.4])]}
    weights = {"weights": [np.array(pair) for pair in ([0.5, 0.5], [0.4, 0.6], [1.0, 0.0], [0.4, 0.6])]}
    folds = scored("x", [0.1, 0.1, 0.1, np.nan]).drop(columns="turnover").assign(**channels, **roas, **weights)
    naive = scored("seasonal_naive", [0.2] * 4).drop(columns="turnover").assign(channels=[[]] * 4, roas=[[]] * 4)
    found = with_changes(pd.concat([naive.assign(weights=[[]] * 4), folds[::-1]]).astype(object))
    moved = found[found["candidate"] == "x"].sort_values("fold")
    assert moved["roas_change"].tolist() == [None, pytest.approx(0.15), pytest.approx(0.0), None]
    assert moved["turnover"].tolist() == [None, pytest.approx(0.1), pytest.approx(0.6), None]
    assert found[found["candidate"] == "seasonal_naive"]["turnover"].isna().all()


def test_a_geo_that_was_not_tried_is_a_row_with_its_reason():
    rows = not_chosen(pd.DataFrame([{**NAMED, "geo": "XX", "reason": "Too few weeks."}]))
    assert rows["candidate"].iloc[0] is None or pd.isna(rows["candidate"].iloc[0])
    assert selection_text(rows) == "XX uploads: Too few weeks."
