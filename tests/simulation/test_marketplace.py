import numpy as np
import pandas as pd
import pytest

from pma.simulation.channels import CHANNEL_NAMES
from pma.simulation.marketplace import simulate
from pma.simulation.settings import SimulationSettings
from tests.simulation.marketplaces import small, tiny

FRAMES = (
    *("countries", "campaigns", "spend", "upload_contributions", "demand", "flows", "exchange_rates", "context"),
    *("bike_events", "lift_tests", "gaps"),
)
FIXED = [name for name in CHANNEL_NAMES if name not in ("tv", "tiktok", "youtube_flobikes", "affiliate")]


def weekly(frame, marketplace):
    """The sum of the components, countries in their order by weeks."""
    sums = frame.groupby(["country", "week_start"])["value"].sum().unstack("week_start")
    return sums.loc[list(marketplace.settings.countries)].to_numpy()


@pytest.mark.parametrize("marketplace", [tiny(), small()], ids=["tiny", "small"])
def test_the_components_of_a_week_add_up_to_its_expected_uploads_and_its_demand(marketplace):
    uploads, demand = marketplace.structure.uploads(), marketplace.structure.demand()
    np.testing.assert_allclose(weekly(marketplace.upload_contributions, marketplace), uploads, rtol=0, atol=1e-9)
    np.testing.assert_allclose(weekly(marketplace.demand, marketplace), demand, rtol=0, atol=1e-9)
    assert (uploads > 0).all() and (demand > 0).all()


def test_the_campaigns_of_a_channel_add_up_to_its_effect():
    marketplace = small()
    effects = marketplace.structure.paid["uploads"][0]
    paid = marketplace.upload_contributions.dropna(subset=["campaign_id"])
    sums = paid.groupby(["country", "component", "week_start"])["value"].sum()
    for i, country in enumerate(marketplace.settings.countries):
        for c, channel in enumerate(CHANNEL_NAMES):
            found = sums.get((country, channel), pd.Series(dtype=float)).reindex(marketplace.weeks, fill_value=0.0)
            np.testing.assert_allclose(found, effects[i, c], rtol=1e-9, atol=1e-12)


def test_the_model_answers_to_the_money_that_stands_in_the_spend_frame():
    marketplace = small()
    spend = marketplace.spend
    week = spend["date"] - pd.to_timedelta(spend["date"].dt.weekday, unit="D")
    sums = spend.groupby(["country", "channel", week])["spend_micros"].sum()
    for i, country in enumerate(marketplace.settings.countries):
        for c, channel in enumerate(CHANNEL_NAMES):
            found = sums.get((country, channel), pd.Series(dtype=float)).reindex(marketplace.weeks, fill_value=0)
            np.testing.assert_array_equal(found / 1_000_000, marketplace.structure.spend[i, c])


def test_the_same_seed_makes_the_same_world_and_another_seed_another():
    again = simulate(tiny().settings)
    other = simulate(tiny().settings.model_copy(update={"seed": 8}))
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(tiny(), name), check_exact=True)
    for name in ("campaigns", "spend", "upload_contributions", "demand", "flows", "context", "lift_tests"):
        assert not getattr(other, name).equals(getattr(tiny(), name)), name


def test_a_further_country_changes_nothing_that_was_drawn_for_the_others():
    one = SimulationSettings(regions={"DACH": ("DE", "AT")}, weeks=20, lift_tests=0)
    two = one.model_copy(update={"regions": {"SOUTH": ("FR",), "DACH": ("DE", "AT")}})
    before, after = simulate(one), simulate(two)
    kept = ["DE", "AT"]
    for name in ("carry_over", "slope", "half"):
        place = [after.settings.countries.index(country) for country in kept]
        np.testing.assert_array_equal(
            getattr(before.structure.response, name), getattr(after.structure.response, name)[place]
        )
    pairs = {
        "context": lambda m: m.context,
        "unpaid": lambda m: m.demand[~m.demand["kind"].isin(["paid", "interaction", "noise"])],
        "campaigns": lambda m: m.campaigns[m.campaigns["channel"].isin(FIXED)],
        "spend": lambda m: m.spend[m.spend["channel"].isin(FIXED)].drop(columns=["place", "in_feed"]),
    }
    for name, rows in pairs.items():
        found = [frame[frame["country"].isin(kept)].reset_index(drop=True) for frame in (rows(before), rows(after))]
        pd.testing.assert_frame_equal(found[0], found[1], check_exact=True, obj=name)
        assert len(found[0]), name
    drawn = ["origin_country", "destination_country", "mean_price", "median_lag_days", "lag_sigma"]
    flows = after.flows[after.flows["origin_country"].isin(kept) & after.flows["destination_country"].isin(kept)]
    pd.testing.assert_frame_equal(before.flows[drawn], flows[drawn].reset_index(drop=True), check_exact=True)


def test_paid_media_bring_their_share_of_uploads_and_of_demand():
    for frame in (small().upload_contributions, small().demand):
        of_country = frame.groupby("country")["value"].sum()
        paid = frame[frame["kind"].isin(["paid", "interaction"])].groupby("country")["value"].sum()
        np.testing.assert_allclose(paid / of_country, small().settings.media_share, atol=0.02)


def test_uploads_sell_in_all_countries_together_at_the_sales_rate_and_at_home_most():
    flows = small().flows
    shares = flows.groupby("origin_country")["share"].sum()
    np.testing.assert_allclose(shares, small().settings.sales_rate, rtol=1e-12)
    most = flows.loc[flows.groupby("origin_country")["share"].idxmax()]
    assert (most["origin_country"] == most["destination_country"]).all()


@pytest.mark.parametrize(("confounding", "low", "high"), [(0.0, -0.08, 0.08), (0.7, 0.45, 0.85)])
def test_budgets_follow_the_demand_that_comes_anyway_as_far_as_the_setting_says(confounding, low, high):
    marketplace = simulate(SimulationSettings(confounding=confounding, lift_tests=0, weeks=104))
    anyway = marketplace.demand[~marketplace.demand["kind"].isin(["paid", "interaction", "noise"])]
    uploads = marketplace.upload_contributions
    uploads = uploads[~uploads["kind"].isin(["paid", "interaction", "noise"])]
    both = [weekly(frame, marketplace) for frame in (anyway, uploads)]
    level = sum(values / values.mean(axis=1, keepdims=True) for values in both)
    found = [
        np.corrcoef(marketplace.structure.spend[i, CHANNEL_NAMES.index(name)], level[i])[0, 1]
        for i in range(len(level))
        for name in FIXED
    ]
    assert low < np.mean(found) < high


def test_some_channels_never_run_start_late_or_stop():
    marketplace = simulate(SimulationSettings(weeks=60, lift_tests=0))
    runs = marketplace.structure.spend > 0
    tv, tiktok, affiliate = (CHANNEL_NAMES.index(name) for name in ("tv", "tiktok", "affiliate"))
    assert (~runs[:, tv].any(axis=1)).sum() == 2
    assert (~runs[:, tiktok, 0]).sum() == 5 and runs[:, tiktok, -1].all()
    assert (~runs[:, affiliate, -1]).sum() == 1 and runs[:, affiliate, 0].all()


def test_a_campaign_spends_only_while_it_lives():
    campaigns, spend = small().campaigns, small().spend
    of = campaigns.iloc[spend["place"]].reset_index(drop=True)
    assert (spend["campaign_id"] == of["campaign_id"]).all() and (spend["country"] == of["country"]).all()
    assert (spend["date"] >= of["starts_on"]).all()
    assert (of["ends_on"].isna() | (spend["date"] <= of["ends_on"])).all()
    assert set(campaigns["status"]) == {"enabled", "paused", "ended", "deleted"}


def test_money_in_another_currency_is_converted_at_the_rate_of_its_day():
    rows = tiny().spend.merge(tiny().campaigns[["campaign_id", "country", "currency"]], on=["campaign_id", "country"])
    swiss = rows[rows["currency"] == "CHF"].merge(tiny().exchange_rates, on=["date", "currency"])
    assert len(swiss) == (rows["currency"] == "CHF").sum() > 0
    np.testing.assert_allclose(swiss["spend"], swiss["spend_local"] * swiss["rate"], rtol=0, atol=5.1e-7)
    euros = rows[rows["currency"] == "EUR"]
    assert (euros["spend_micros"] == euros["local_micros"]).all()


def test_a_last_week_that_is_cut_ends_with_the_last_day():
    cut = simulate(tiny().settings.model_copy(update={"last_day": pd.Timestamp("2026-10-29").date()}))
    assert cut.weeks[-1] == pd.Timestamp("2026-10-26") and len(cut.weeks) == 20
    assert cut.spend["date"].max() == pd.Timestamp("2026-10-29")
    assert (cut.lift_tests["ends_on"] <= pd.Timestamp("2026-10-25")).all()
