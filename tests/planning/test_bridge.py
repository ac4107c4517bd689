"""The bridge on hand-made exits and on drawn ones whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from pma.planning.bridge import incidence, upload_bridge
from pma.planning.settings import BridgeSettings

COLUMNS = ["origin_country", "days", "destination_country", "uploads", "value", "value_squared"]


def test_the_share_that_sells_is_counted_where_nothing_is_censored():
    sold = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 0.0]])
    found = incidence(sold, np.array([0.0, 0.0, 4.0]))
    assert found[:, -1] == pytest.approx([0.3, 0.3])
    assert found[:, 0] == pytest.approx([0.2, 0.0])


def test_what_left_the_watch_early_is_neither_sold_nor_lost():
    """By hand: 10 at risk, 2 sell on day 0; 4 are censored before day 1; of 4 left 1 sells: 0.2 + 0.8 / 4."""
    found = incidence(np.array([[2.0, 1.0, 0.0]]), np.array([0.0, 4.0, 3.0]))
    assert found[0] == pytest.approx([0.2, 0.4, 0.4])


def drawn(seed, ages, uploads=40_000):
    """Two origins, three destinations; lags are log-normal with a median of 10 days; watched for up to `ages` days."""
    random = np.random.default_rng(seed)
    shares = {"DE": [0.40, 0.10, 0.02], "IT": [0.03, 0.30, 0.05]}
    places, price = ["DE", "IT", "PL"], 1000.0
    rows = []
    for origin, of in shares.items():
        at = random.choice(4, uploads, p=[*of, 1 - sum(of)])
        lag = 10.0 * np.exp(0.8 * random.standard_normal(uploads))
        age = random.integers(1, ages, uploads)
        value = price * np.exp(0.5 * random.standard_normal(uploads) - 0.125)
        is_sold = (at < 3) & (lag < age)
        frame = pd.DataFrame({"origin_country": origin, "days": np.where(is_sold, lag, age).astype(int)})
        frame["destination_country"] = [places[p] if done else None for p, done in zip(at, is_sold, strict=True)]
        frame["value"] = np.where(is_sold, value, 0.0)
        rows.append(frame.assign(uploads=1, value_squared=frame["value"] ** 2))
    exits = pd.concat(rows).groupby(COLUMNS[:3], dropna=False)[COLUMNS[3:]].sum().reset_index()
    truth = {(o, p): share for o, of in shares.items() for p, share in zip(places, of, strict=True)}
    return exits, truth, price


def test_censoring_is_seen_through_where_counting_is_not():
    exits, truth, price = drawn(0, ages=60)
    found = upload_bridge(exits, BridgeSettings(horizon_days=59)).set_index(["origin_country", "destination_country"])
    counted = found["orders"] / found["uploads"]
    for pair, share in truth.items():
        # 98 % of those that sell have sold after 59 days.
        assert found["orders_per_upload"][pair] == pytest.approx(0.98 * share, rel=0.07)
        assert found["gmv_per_upload"][pair] == pytest.approx(0.98 * share * price, rel=0.07)
    # The negative control: sold over uploaded is far off.
    assert (counted / pd.Series(truth)).median() < 0.8
    assert found["median_lag_days"]["DE", "DE"] == pytest.approx(9.5, abs=1)


def test_intervals_hold_the_truth_as_often_as_they_say():
    inside = []
    for seed in range(25):
        exits, truth, _ = drawn(seed, ages=200, uploads=1500)
        found = upload_bridge(exits, BridgeSettings(horizon_days=180, pair_orders=1.0, draws=200))
        for row in found.to_dict("records"):
            share = truth[row["origin_country"], row["destination_country"]]
            if share >= 0.05:
                inside.append(row["orders_per_upload_p05"] <= share <= row["orders_per_upload_p95"])
    assert 0.82 < np.mean(inside) < 0.97


def test_a_pair_of_few_orders_is_pulled_to_what_is_usual_and_one_of_many_is_not():
    few = [("DE", 5, "DE", 900, 900e3, 9e8), ("DE", 300, None, 1100, 0.0, 0.0), ("DE", 5, "IT", 100, 1e5, 1e8)]
    few += [("PL", 5, "PL", 1, 1e3, 1e6), ("PL", 300, None, 9, 0.0, 0.0)]
    found = upload_bridge(pd.DataFrame(few, columns=COLUMNS), BridgeSettings(horizon_days=100))
    share = found.set_index(["origin_country", "destination_country"])["orders_per_upload"]
    assert share["DE", "DE"] == pytest.approx(900 / 2100, rel=0.02) and share["DE", "IT"] == pytest.approx(
        1 / 21, rel=0.05
    )
    assert 0 < share["PL", "IT"] < share["PL", "PL"] < 0.1
    assert share["PL"].sum() == pytest.approx(0.1)


def test_no_uploads_are_an_error_that_says_what_to_do():
    with pytest.raises(ValueError, match=r"Load il\.listings"):
        upload_bridge(pd.DataFrame(columns=COLUMNS), BridgeSettings())
