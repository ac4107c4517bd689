import numpy as np
import pandas as pd
import pytest

from pma.simulation.channels import CHANNEL_NAMES
from pma.simulation.tables import TABLES
from pma.simulation.truth import as_rows, truth_frames
from pma.tables import conform
from tests.simulation.marketplaces import small


@pytest.fixture(scope="module")
def frames():
    return truth_frames(small())


def test_every_table_has_its_columns_one_row_per_key_and_says_that_the_world_is_simulated(frames):
    assert set(frames) == {spec.name for spec in TABLES}
    for spec in TABLES:
        frame = frames[spec.name]
        assert list(frame.columns) == [column.name for column in spec.columns]
        assert len(frame) and not frame.duplicated(list(spec.key)).any(), spec.name
        assert not frame[list(spec.required)].isna().any(axis=None), spec.name
        assert frame["world"].unique().tolist() == [frame["world"].iloc[0]]
        assert frame["world"].str.match(r"simulated marketplace, seed 7, settings [0-9a-f]{12}$").all()


def test_the_contributions_of_a_week_add_up_to_expected_uploads_and_expected_gmv(frames):
    structure = small().structure
    sums = frames["truth.contributions"].groupby(["target", "country", "week_start"])["value"].sum()
    for target, expected in (("uploads", structure.uploads()), ("gmv", structure.gmv())):
        found = sums.loc[target].unstack("week_start").loc[list(small().settings.countries)]
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_channel_brought_what_its_weeks_and_what_its_campaigns_brought(frames):
    key = ["country", "target", "channel"]
    roas = frames["truth.channel_roas"].set_index(key)
    weeks = frames["truth.contributions"]
    paid = weeks[weeks["kind"] == "paid"].rename(columns={"component": "channel"}).groupby(key)["value"].sum()
    campaigns = frames["truth.campaign_response"].groupby(key)[["spend", "contribution"]].sum()
    ran = roas[roas["spend"] > 0]
    assert len(ran) == len(paid) == len(campaigns)
    np.testing.assert_allclose(paid.loc[ran.index], ran["contribution"], rtol=1e-9)
    np.testing.assert_allclose(campaigns.loc[ran.index], ran[["spend", "contribution"]], rtol=1e-9)
    np.testing.assert_allclose(ran["value"], ran["contribution"] / ran["spend"], rtol=1e-12)
    never = roas[roas["spend"] == 0]
    assert len(never) and never[["value", "marginal"]].isna().all(axis=None) and (never["contribution"] == 0).all()


def test_supply_campaigns_bring_uploads_and_demand_campaigns_bring_sales(frames):
    roas = frames["truth.channel_roas"].groupby(["target", "channel"])["contribution"].sum()
    supply, demand = "google_demand_gen_supply", "google_demand_gen_demand"
    assert roas["uploads", supply] > 2 * roas["uploads", demand]
    assert roas["gmv", demand] > 2 * roas["gmv", supply]


def test_parameters_are_those_of_channels_that_ran_and_spend_at_the_half_saturation_brings_half_of_beta(frames):
    wide = frames["truth.parameters"].set_index(["country", "target", "channel", "parameter"])["value"].unstack()
    assert wide["saturation_slope"].between(1, 2).all() and wide["adstock_alpha"].between(0.01, 0.9).all()
    assert (wide["beta"] > 0).all()
    structure, countries = small().structure, small().settings.countries
    ran = {(countries[i], CHANNEL_NAMES[c]) for i, c in zip(*np.nonzero(structure.spend.sum(axis=2) > 0), strict=True)}
    assert {(country, channel) for country, _, channel in wide.index} == ran
    alone = np.zeros(structure.spend.shape[:2])
    i, c = 0, CHANNEL_NAMES.index("google_pmax")
    row = wide.loc[(countries[i], "uploads", "google_pmax")]
    alone[i, c] = row["saturation_half"]
    assert structure.response.steady(alone, "uploads")[0][i] == pytest.approx(row["beta"] / 2)


def test_the_truth_of_a_test_and_of_flows_is_that_of_the_marketplace(frames):
    lift = frames["truth.lift_tests"].set_index(["test_id", "target"])["value"]
    assert lift.to_dict() == small().lift_tests.set_index(["test_id", "target"])["truth"].to_dict()
    flows = frames["truth.upload_flows"]
    assert flows["value"].tolist() == small().flows["share"].tolist()


def test_the_rows_have_the_types_of_their_tables_and_null_for_what_is_no_number(spark, frames):
    name = "truth.channel_roas"
    spec = {spec.name: spec for spec in TABLES}
    frame = frames[name][frames[name]["channel"] == "tv"]
    rows = conform(as_rows(spark, frame, spec[name]), spec[name]).collect()
    assert [row["value"] for row in rows] == [None if pd.isna(v) else v for v in frame["value"]]
    assert None in [row["value"] for row in rows]
    week = frames["truth.contributions"].head(1)
    (row,) = conform(as_rows(spark, week, spec["truth.contributions"]), spec["truth.contributions"]).collect()
    assert row["week_start"] == small().weeks[0].date()
