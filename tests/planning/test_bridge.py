"""The bridge on hand-made exits and on drawn ones whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pma.planning.bridge import incidence, upload_bridge, watched_short
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
    assert 0 < share["PL", "IT"] < share["PL", "PL"]
    # By hand: all sell on day 5, 1001 of 2110; 10 uploads of PL would have made 4.744 orders, and made 1.
    assert share["PL"].sum() == pytest.approx(1001 / 2110 * (1 + 20) / (10 * 1001 / 2110 + 20))


def shares_of(rows, **asked):
    """Rows of the bridge of exits by hand, of a horizon of 100 days."""
    return upload_bridge(pd.DataFrame(rows, columns=COLUMNS), BridgeSettings(horizon_days=100, **asked))


def test_an_origin_that_sold_nothing_is_worth_less_than_usual_not_nothing():
    """By hand: 400 of 1050 sell on day 10, so 50 uploads would have made 19.05 orders, and made none."""
    rows = [("DE", 10, "DE", 400, 4e5, 4e8), ("DE", 200, None, 600, 0.0, 0.0), ("PL", 200, None, 50, 0.0, 0.0)]
    found = shares_of(rows, draws=4000).set_index(["origin_country", "destination_country"])
    usual = 400 / 1050
    pulled = 20 / (50 * usual + 20)
    assert found["orders_per_upload"]["PL"].sum() == pytest.approx(usual * pulled)
    # Of the 402 orders that say where sales go, one more at home and one abroad, 401 are at home.
    at_home = 20 * 401 / 402
    known = stats.beta(at_home, 20 / usual - at_home)
    ends = found.loc[("PL", "PL"), ["orders_per_upload_p05", "orders_per_upload_p95"]].to_numpy(dtype=float)
    assert ends == pytest.approx(pulled * known.ppf([0.05, 0.95]), rel=0.05)
    assert found["value_per_order"]["PL", "PL"] == pytest.approx(1000.0)
    assert found["gmv_per_upload"]["PL", "PL"] > found["p05"]["PL", "PL"] > 0
    assert found["orders_per_upload"]["DE"].sum() == pytest.approx(0.4, rel=0.005)


YOUNG = [
    *(("DE", 10, "DE", 200, 2e5, 2e8), ("DE", 80, "DE", 200, 2e5, 2e8), ("DE", 300, None, 600, 0.0, 0.0)),
    *(("PL", 10, "PL", 10, 1e4, 1e7), ("PL", 60, None, 90, 0.0, 0.0)),
]


def test_where_the_watch_of_an_origin_ends_it_goes_on_as_all_do_at_its_own_height():
    """By hand: of all 210 of 1100 sell on day 10, 200 of the 800 still watched on day 80; PL sells 10 of 100 first."""
    found = shares_of(YOUNG).set_index("origin_country")
    first, later = 210 / 1100, 200 / 800
    expected = 100 * first
    own = 0.1 + 0.9 * later * 10 / expected
    usual = first + (1 - first) * later
    share = found["orders_per_upload"].groupby("origin_country").sum()
    assert share["PL"] == pytest.approx((expected * own + 20 * usual) / (expected + 20))
    # An origin of many orders, watched all the time, hardly changes: 400 of 1000.
    assert share["DE"] == pytest.approx(0.4, rel=0.002)
    assert found["days_watched"].groupby("origin_country").first().to_dict() == {"DE": 300, "PL": 60}


def test_origins_that_were_watched_for_less_than_the_horizon_are_said():
    assert "horizon_days" in (said := watched_short(shares_of(YOUNG))) and said.endswith(": PL (60 days, 10 orders)")
    assert watched_short(shares_of(YOUNG[:3])) is None
    assert "which nobody knows after 60 days" in watched_short(shares_of(YOUNG[3:]))


def test_a_few_old_uploads_do_not_say_that_the_young_ones_will_not_sell():
    without, found = (
        shares_of(rows).groupby("origin_country")["orders_per_upload"].sum()["PL"]
        for rows in (YOUNG, [*YOUNG, ("PL", 400, None, 3, 0.0, 0.0)])
    )
    assert found == pytest.approx(without, rel=0.05)


def test_the_only_origin_is_not_its_own_witness():
    """5 of 50 sell: what is usual is known no better than that, so the interval is about a beta's."""
    found = shares_of([("DE", 10, "DE", 5, 5e3, 5e6), ("DE", 200, None, 45, 0.0, 0.0)], draws=4000).iloc[0]
    assert found["orders_per_upload"] == pytest.approx(0.1)
    width = found["orders_per_upload_p95"] - found["orders_per_upload_p05"]
    assert width == pytest.approx(np.diff(stats.beta(5, 45).ppf([0.05, 0.95]))[0], rel=0.15)


def test_the_value_of_a_single_order_is_pulled_and_not_certain():
    """By hand: an order of 500 with 20 of 1000 is what is usual in PL, and the order with 20 of those its value."""
    rows = [("DE", 5, "DE", 900, 9e5, 9e8), ("DE", 300, None, 900, 0.0, 0.0)]
    rows += [("PL", 5, "PL", 1, 500.0, 25e4), ("PL", 300, None, 1, 0.0, 0.0)]
    found = shares_of(rows).set_index(["origin_country", "destination_country"])["value_per_order"]
    everywhere = (9e5 + 500) / 901
    near = (500 + 20 * everywhere) / 21
    assert found["PL", "PL"] == pytest.approx((500 + 20 * near) / 21)
    assert found["DE", "DE"] == pytest.approx(1000.0, rel=1e-3)


exits_of_origins = st.lists(
    st.tuples(
        st.sampled_from(["DE", "IT", "PL"]),
        st.integers(0, 40),
        st.sampled_from(["DE", "IT", "PL", None]),
        st.integers(1, 60),
    ),
    min_size=1,
    max_size=12,
)


def usual_share(rows, horizon):
    """Kaplan and Meier's share of all uploads that sell, one day after the other."""
    there, share = sum(uploads for *_, uploads in rows), 0.0
    for day in range(horizon + 1):
        # The watch of those that are so old and did not sell ended before the day.
        there -= sum(n for _, days, place, n in rows if days == day and place is None)
        sold = sum(n for _, days, place, n in rows if days == day and place is not None)
        share += (1 - share) * sold / there if sold else 0.0
        there -= sold
    return share


@settings(max_examples=30, deadline=None)
@given(exits_of_origins)
def test_more_orders_of_prior_bring_an_origin_nearer_to_all_and_no_more_sells_than_was_uploaded(rows):
    horizon = 30
    rows = [("DE", 3, "DE", 1), *rows]
    exits = pd.DataFrame([(*row, 900.0 * row[3] * (row[2] is not None), 1e6 * row[3]) for row in rows], columns=COLUMNS)
    usual = usual_share(rows, horizon)
    far = None
    for more in (1.0, 5.0, 50.0, 1e9):
        found = upload_bridge(exits, BridgeSettings(horizon_days=horizon, pair_orders=more, draws=20))
        share = found.groupby("origin_country")["orders_per_upload"].sum()
        assert (share > 0).all() and (share <= 1 + 1e-9).all() and np.isfinite(found["p95"]).all()
        assert (found["orders_per_upload_p05"] <= found["orders_per_upload_p95"]).all()
        near = (share - usual).abs()
        assert far is None or (near <= far + 1e-9).all()
        far = near
    assert far.max() < 1e-6


def test_uploads_of_which_none_sold_are_an_error_that_says_what_to_do():
    with pytest.raises(ValueError, match=r"of 5 uploads of il\.listings .* il\.orders .*listing_id"):
        shares_of([("DE", 200, None, 5, 0.0, 0.0)])


def test_no_uploads_are_an_error_that_says_what_to_do():
    with pytest.raises(ValueError, match=r"Load il\.listings"):
        upload_bridge(pd.DataFrame(columns=COLUMNS), BridgeSettings())
