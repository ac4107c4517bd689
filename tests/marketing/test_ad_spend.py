import csv
import json
import shutil
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pma.checks import QUARANTINE, kept, refused
from pma.marketing.ad_spend import ad_spend, campaigns, judge_rows, raw_names, require_conserved
from pma.marketing.settings import MarketingSettings
from pma.marketing.spend_rules import read_spend_rules
from pma.marketing.tables import AD_SPEND, CAMPAIGNS
from pma.sources.exports import read_exports
from pma.sources.landing import land
from pma.sources.platforms import read_platforms
from pma.sources.spend_rows import COLUMN_TYPES, SCHEMA
from pma.tables import TableError, conform
from pma.warehouse import fingerprint

REPOSITORY = Path(__file__).parents[2]
CONF = REPOSITORY / "conf" / "rules"
RULES = read_spend_rules(CONF)
SETTINGS = MarketingSettings()
FIVETRAN = REPOSITORY.parent / "shared" / "data" / "attribution" / "fivetran_ads"
RATE_FIELDS = "date date, currency string, rate decimal(18,10)"
MICRO = Decimal("0.000001")


def row(**given):
    """A row of spend of a Google campaign in Germany, with what is given in its place."""
    usual = {
        "ad_platform": "google",
        "source_file": "google/g1/a.csv",
        "exported_at": datetime(2026, 2, 1),
        "date": date(2026, 1, 1),
        "campaign_id": "7",
        "spend_local": Decimal("10"),
        "account_id": "g1",
        "account_timezone": "Europe/Berlin",
        "currency": "EUR",
        "campaign_name": "DE_gads_pmax_supply_01",
        "campaign_status": "enabled",
        "impressions": 100,
        "clicks": 3,
        "is_superseded": False,
        "faults": [],
        "given": {"file": "google/g1/a.csv", "line": {"campaign_id": given.get("campaign_id", "7")}},
    }
    return tuple({**usual, **given}.get(name) for name in COLUMN_TYPES)


def rates(spark, *given_rates):
    return spark.createDataFrame([(d, c, Decimal(r)) for d, c, r in given_rates], RATE_FIELDS)


def judged_of(spark, rows, known):
    # Read twice, for the rows that pass and for the refused ones.
    return judge_rows(spark.createDataFrame(rows, SCHEMA), known, RULES, SETTINGS).persist()


def spend_of(spark, rows, known):
    return ad_spend(judged_of(spark, rows, known), known, SETTINGS, "run")


# The daily tables of each platform, what they call clicks and money, and how much of it is one unit.
DAYS = {
    "google": ("google_ads_campaign_stats", "cost_micros", MICRO, ["clicks"], ["impressions"]),
    "meta": ("facebook_ads_basic_ad", "spend", 1, ["inline_link_clicks"], ["impressions"]),
    "microsoft": ("microsoft_ads_campaign_performance_daily_report", "spend", 1, ["clicks"], ["impressions"]),
    "tiktok": ("tiktok_campaign_report_hourly", "spend", 1, ["clicks"], ["impressions"]),
    "linkedin": ("linkedin_ad_analytics_by_campaign", "cost_in_local_currency", 1, ["clicks"], ["impressions"]),
    "snapchat": ("snapchat_campaign_hourly_report", "spend", MICRO, ["swipes"], ["impressions"]),
    "pinterest": (
        "pinterest_campaign_report",
        "spend_in_micro_dollar",
        MICRO,
        ["clickthrough_1", "clickthrough_2"],
        ["impression_1", "impression_2"],
    ),
    "reddit": ("reddit_ads_campaign_report", "spend", MICRO, ["clicks"], ["impressions"]),
    "x": ("twitter_campaign_report", "billed_charge_local_micro", MICRO, ["clicks"], ["impressions"]),
    "amazon": ("amazon_ads_campaign_level_report", "cost", 1, ["clicks"], ["impressions"]),
    "apple": ("apple_search_campaign_report", "local_spend_amount", 1, ["taps"], ["impressions"]),
}
DESCRIBED = {
    "google": ("google_ads_campaign_history", "google_ads_account_history"),
    "meta": ("facebook_ads_ad_history", "facebook_ads_campaign_history", "facebook_ads_account_history"),
    "microsoft": ("microsoft_ads_campaign_history", "microsoft_ads_account_history"),
    "tiktok": ("tiktok_campaign_history", "tiktok_advertiser"),
    "linkedin": ("linkedin_ad_campaign_history", "linkedin_ad_campaign_group_history", "linkedin_ad_account_history"),
    "snapchat": ("snapchat_campaign_history", "snapchat_ad_account_history"),
    "pinterest": ("pinterest_campaign_history", "pinterest_advertiser_history"),
    "reddit": ("reddit_ads_campaign", "reddit_ads_account"),
    "x": ("twitter_campaign_history", "twitter_account_history"),
    "amazon": ("amazon_ads_campaign_history", "amazon_ads_profile"),
    "apple": ("apple_search_campaign_history", "apple_search_organization"),
}
# What the public tables do not tell: the currency of some accounts, and the accounts of some campaigns.
BY_HAND = {
    "meta/accounts.csv": ("account_id,currency", "1700252260223815,USD"),
    "tiktok/accounts.csv": ("account_id,currency", "2,CAD", "3,USD", "4,USD"),
    "snapchat/campaigns.csv": ("campaign_id,account_id,currency", "40ba77bb-289d-41d9-85bf-83f485908a5c,snap,USD"),
    "pinterest/accounts.csv": ("account_id,currency", "5497642,USD"),
    "x/accounts.csv": ("account_id,currency", "18ce54lbsn8,USD"),
}


def raw_lines(file):
    with (FIVETRAN / f"{file}_data.csv").open(encoding="utf-8-sig", newline="") as handle:
        return [{name.lower(): value for name, value in line.items()} for line in csv.DictReader(handle)]


@pytest.fixture(scope="module")
def public(spark, tmp_path_factory):
    """Rows of spend of the public tables of eleven platforms, and il.ad_spend with the refused rows beside it."""
    if not FIVETRAN.exists():
        pytest.skip("the public platform tables stand beside the repository, not here")
    folder = tmp_path_factory.mktemp("exports")
    for platform, (days, *_) in DAYS.items():
        (folder / platform).mkdir()
        for file in (days, *DESCRIBED[platform]):
            shutil.copyfile(FIVETRAN / f"{file}_data.csv", folder / platform / f"{file}.csv")
    for name, lines in BY_HAND.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    rows = read_exports(spark, str(folder), read_platforms(CONF)).persist()
    first = date(2018, 1, 1)
    dollars = [(first + timedelta(days=7 * n), money, "0.9") for n in range(320) for money in ("USD", "CAD", "CAN")]
    known = rates(spark, *dollars)
    landed = ad_spend(judge_rows(rows, known, RULES, SETTINGS).persist(), known, SETTINGS, "run").persist()
    yield rows, landed
    rows.unpersist()
    landed.unpersist()


def test_totals_of_eleven_platforms_are_those_of_their_raw_files_to_the_last_digit(public):
    rows, landed = public
    assert refused(landed).count() == 0
    totals = defaultdict(lambda: [Decimal(0), 0, 0, 0])
    for found in kept(landed).select("ad_platform", "spend_local", "clicks", "impressions").collect():
        for place, value in enumerate((found["spend_local"], found["clicks"], found["impressions"])):
            totals[found["ad_platform"]][place] += value or 0
    for platform, copies in landed.groupBy("ad_platform").sum("copies").collect():
        totals[platform][3] = copies
    expected = {}
    for platform, (file, money, unit, clicks, impressions) in DAYS.items():
        lines = raw_lines(file)
        expected[platform] = [
            sum((Decimal(line[money]) * unit for line in lines), Decimal(0)),
            sum(int(line[name] or 0) for line in lines for name in clicks),
            sum(int(line[name] or 0) for line in lines for name in impressions),
            len(lines),
        ]
    assert dict(totals) == expected
    assert all(spend > 0 for spend, *_ in expected.values())
    require_conserved(rows, landed)


def test_campaigns_of_the_public_tables_are_named_by_their_histories(public):
    _, landed = public
    names = ("ad_platform", "account_id", "campaign_id", "campaign_name", "campaign_status", "currency")
    found = {tuple(r[name] for name in names) for r in kept(landed).select(*names).collect()}
    # Amazon renamed the campaign from Red Leader; LinkedIn's group is the campaign, and its account is told by it.
    assert ("amazon", "66", "2187", "Gold Leader", "paused", "USD") in found
    assert ("apple", "3219110", "973923054", "Tap Away", "paused", "USD") in found
    assert ("google", "2121450128", "9935249409", "Zj9yTjsXtiWREoWWkz3kww==", "paused", "USD") in found
    linkedin = {r for r in found if r[0] == "linkedin"}
    groups = {line["campaign_group_id"] for line in raw_lines("linkedin_ad_campaign_history")}
    assert {r[2] for r in linkedin} <= groups and {r[1] for r in linkedin} == {"507515057"}
    # A campaign that no history knows keeps its spend, without a name.
    assert {r[3] for r in found if r[0] == "x"} == {None}
    zones = {r["ad_platform"]: r["account_timezone"] for r in kept(landed).collect()}
    assert (zones["microsoft"], zones["linkedin"], zones["amazon"]) == (
        "PacificTimeUSCanadaTijuana",
        "UTC",
        "America/Los_Angeles",
    )


def test_rows_of_one_key_are_summed_and_a_campaign_in_two_countries_has_two(spark):
    known = rates(spark, (date(2026, 1, 1), "SEK", "0.09"))
    new = {"campaign_name": "DE_gads_pmax_demand_01", "campaign_status": "deleted", "exported_at": datetime(2026, 3, 1)}
    rows = [
        row(spend_local=Decimal("10.000001"), platform_conversions=Decimal("0.1"), bidding_type="tcpa"),
        row(spend_local=Decimal("-2.5"), impressions=None, clicks=None, platform_conversions=Decimal("0.2")),
        # Renamed and deleted since: a newer export says so of the same campaign.
        row(date=date(2026, 1, 2), **new),
        row(ad_platform="meta", campaign_id="8", campaign_name="fb_prosp_brand_01", targeting="SE", currency="SEK"),
        row(ad_platform="meta", campaign_id="8", campaign_name="fb_prosp_brand_01", targeting="NL", currency="SEK"),
        row(ad_platform="tiktok", campaign_id="9", campaign_name="x", account_timezone=None, impressions=None),
        row(
            ad_platform="sheet",
            account_id="tv",
            campaign_id="Misc",
            campaign_name="Misc",
            raw_variable="Misc",
            country="BE",
        ),
    ]
    landed = spend_of(spark, rows, known)
    table = conform(kept(landed), AD_SPEND)
    found = {(r["ad_platform"], r["date"].day, r["country"]): r for r in table.collect()}
    assert set(found) == {
        ("google", 1, "DE"),
        ("google", 2, "DE"),
        ("meta", 1, "NL"),
        ("meta", 1, "SE"),
        ("sheet", 1, "BE"),
        ("tiktok", 1, "(unknown)"),
    }
    assert found["google", 1, "DE"].asDict() == {
        "date": date(2026, 1, 1),
        "ad_platform": "google",
        "account_id": "g1",
        "campaign_id": "7",
        "country": "DE",
        "management_region": "DACH",
        "language_region": None,
        "country_rule": "campaign_name",
        "channel": "google_pmax",
        "channel_rule": "pmax_name",
        "campaign_name": "DE_gads_pmax_demand_01",
        "campaign_status": "deleted",
        "campaign_goal": "demand",
        "bidding_type": "tcpa",
        "currency": "EUR",
        "spend_local": Decimal("7.500001"),
        "spend": Decimal("7.500001"),
        "impressions": 100,
        "clicks": 3,
        "platform_conversions": 0.3,
        "platform_value": None,
        "account_timezone": "Europe/Berlin",
        "exported_at": datetime(2026, 2, 1),
        "run_id": "run",
    }
    assert (found["meta", 1, "SE"]["spend"], found["meta", 1, "SE"]["country_rule"]) == (Decimal("0.9"), "targeting")
    assert (found["meta", 1, "NL"]["management_region"], found["meta", 1, "NL"]["channel"]) == (
        "BENELUX",
        "meta_prospecting",
    )
    assert (found["sheet", 1, "BE"]["channel"], found["sheet", 1, "BE"]["channel_rule"]) == ("(unknown)", "none")
    assert (found["tiktok", 1, "(unknown)"]["management_region"], found["tiktok", 1, "(unknown)"]["impressions"]) == (
        "(unknown)",
        None,
    )


def test_every_name_that_a_campaign_has_had_is_a_row_and_its_country_one_or_none(spark):
    known = rates(spark, (date(2026, 1, 1), "SEK", "0.09"))
    late = {"exported_at": datetime(2026, 3, 1)}
    rows = [
        row(),
        row(date=date(2026, 1, 2)),
        row(date=date(2026, 1, 5), campaign_name="DE_gads_pmax_demand_01", campaign_status="paused", **late),
        row(ad_platform="meta", campaign_id="8", campaign_name="fb_prosp", targeting="SE"),
        row(ad_platform="meta", campaign_id="8", campaign_name="fb_prosp", targeting="NL"),
        row(ad_platform="meta", campaign_id="9", campaign_name=None),
    ]
    found = conform(campaigns(judged_of(spark, rows, known)), CAMPAIGNS).collect()
    assert sorted(tuple(map(str, r)) for r in found) == [
        (
            "google",
            "7",
            "DE_gads_pmax_demand_01",
            "google_pmax",
            "demand",
            "None",
            "paused",
            "DE",
            "2026-01-05",
            "2026-01-05",
        ),
        (
            "google",
            "7",
            "DE_gads_pmax_supply_01",
            "google_pmax",
            "demand",
            "None",
            "paused",
            "DE",
            "2026-01-01",
            "2026-01-02",
        ),
        ("meta", "8", "fb_prosp", "meta_prospecting", "unknown", "None", "enabled", "None", "2026-01-01", "2026-01-01"),
        ("meta", "9", "(unknown)", "meta_other", "unknown", "None", "enabled", "(unknown)", "2026-01-01", "2026-01-01"),
    ]
    seen = {tuple(r) for r in raw_names(judged_of(spark, rows[:1], known)).collect()}
    assert seen == {("google", "pmax", "google_pmax", "pmax_name")}


def test_bad_rows_are_quarantined_by_their_reason_superseded_ones_are_gone_and_a_rerun_changes_nothing(
    spark, warehouse
):
    known = rates(spark, (date(2025, 1, 1), "SEK", "0.09"))
    rows = [
        row(),
        row(),
        row(campaign_id="sup", is_superseded=True, faults=["broken_line"]),
        row(campaign_id="cut", faults=["cut_file"]),
        row(campaign_id="bad", spend_local=None, faults=["unreadable_cost_micros"]),
        row(campaign_id="xbt", currency="XBT", spend_local=Decimal("5")),
        row(campaign_id="none", currency=None),
        # The same key in two currencies cannot be one sum.
        row(campaign_id="two"),
        row(campaign_id="two", currency="SEK"),
        # A rate of another day, too old: the row stays, its converted spend is not known.
        row(campaign_id="old", currency="SEK"),
    ]
    frame = spark.createDataFrame(rows, SCHEMA)
    prints = []
    for _ in range(2):
        landed = spend_of(spark, rows, known).persist()
        require_conserved(frame, landed)
        land(warehouse, AD_SPEND, landed, 0.9, "feeds", "exports")
        prints.append([fingerprint(warehouse.read(spec)) for spec in (AD_SPEND, QUARANTINE)])
    assert prints[0] == prints[1]
    table = {
        r["campaign_id"]: (r["currency"], r["spend_local"], r["spend"]) for r in warehouse.read(AD_SPEND).collect()
    }
    assert table == {
        "7": ("EUR", Decimal("20"), Decimal("20")),
        "two": ("EUR", Decimal("10"), Decimal("10")),
        "old": ("SEK", Decimal("10"), None),
    }
    quarantine = warehouse.read(QUARANTINE).collect()
    assert {json.loads(r["content"])["line"]["campaign_id"]: r["reasons"] for r in quarantine} == {
        "cut": ["cut_file"],
        "bad": ["unreadable_cost_micros"],
        "xbt": ["unknown_currency"],
        "none": ["missing_currency"],
        "two": ["second_currency"],
    }
    assert sum(r["copies"] for r in quarantine) + 4 == len(rows) - 1
    with pytest.raises(
        TableError, match=r"il\.ad_spend: 5 of 9 rows refused .*feeds\.max_refused_share 5%.*feeds\.exports"
    ):
        land(warehouse, AD_SPEND, landed, 0.05, "feeds", "exports")


def test_spend_that_a_step_loses_or_makes_is_refused_with_platform_and_currency(spark):
    known = rates(spark, (date(2026, 1, 1), "SEK", "0.09"))
    rows = [row(), row(campaign_id="8", spend_local=Decimal("0.000001"))]
    landed = spend_of(spark, rows, known).persist()
    frame = spark.createDataFrame(rows, SCHEMA)
    require_conserved(frame, landed)
    for wrong in (landed.where("campaign_id = '7'"), landed.unionByName(landed)):
        with pytest.raises(
            TableError, match=r"spend is not conserved: \('google', 'EUR'\): 10\.000001 in 2 rows came, "
        ):
            require_conserved(frame, wrong)


amounts = st.decimals(-1_000_000, 1_000_000, places=6)
some_rows = st.builds(
    lambda day, platform, account, campaign, name, currency, money, faulty, superseded, targeting: row(
        date=date(2026, 1, day),
        ad_platform=platform,
        account_id=account,
        campaign_id=campaign,
        campaign_name=name,
        currency=currency,
        spend_local=money,
        targeting=targeting,
        faults=["cut_file"] if faulty else [],
        is_superseded=superseded,
    ),
    st.integers(1, 3),
    st.sampled_from(["google", "meta", "sheet"]),
    st.sampled_from(["a1", "a2"]),
    st.sampled_from(["1", "2"]),
    st.sampled_from([None, "DE_gads_pmax", "AT_NL_x", "BE_FR_brand", "fb_retarg"]),
    st.sampled_from(["EUR", "SEK", "XBT", None]),
    amounts,
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, "DE", "DE,AT", "XX"]),
)


@settings(max_examples=4)
@given(st.lists(some_rows, min_size=20, max_size=100))
def test_any_rows_keep_their_total_per_platform_and_each_key_is_one_row(spark, rows):
    known = rates(spark, (date(2026, 1, 1), "SEK", "0.09"))
    landed = spend_of(spark, rows, known).collect()
    names = list(COLUMN_TYPES)
    came, went = defaultdict(lambda: [Decimal(0), 0]), defaultdict(lambda: [Decimal(0), 0])
    for given_row in rows:
        one = dict(zip(names, given_row, strict=True))
        if not one["is_superseded"]:
            came[one["ad_platform"]][0] += one["spend_local"]
            came[one["ad_platform"]][1] += 1
    for found in landed:
        went[found["ad_platform"]][0] += found["spend_local"]
        went[found["ad_platform"]][1] += found["copies"]
    assert dict(went) == dict(came)
    keys = [tuple(found[name] for name in AD_SPEND.key) for found in landed if not found["reasons"]]
    assert len(set(keys)) == len(keys)
