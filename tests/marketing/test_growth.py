from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from pma.marketing.growth import require_totals, weekly_growth
from pma.marketing.tables import AD_SPEND, CAMPAIGNS, EVENT_ATTRIBUTION
from pma.marketing.weekly_tables import COMPARED, CREDITS, PLATFORM_METRICS, REPORT_MODELS, WEEKLY_GROWTH
from pma.tables import TableError, conform
from tests.marketing.growth_world import ORDER, SETTINGS, UPLOAD, credited, frame, named, sources, spent

KEY = ("yearweek", "country", "channel", "campaign_id", "ad_platform")
RATIOS = [f"{ratio}_{m}" for ratio in ("cpa_sales_ads", "cpa_orders", "roas", "cac") for m in REPORT_MODELS]
MONDAYS = {202545: date(2025, 11, 3), 202546: date(2025, 11, 10), 202644: date(2026, 10, 26), 202645: date(2026, 11, 2)}
C1 = {"campaign_name": "DE new", "campaign_status": "enabled", "campaign_goal": "demand", "bidding_type": "target_roas"}
C2 = {**C1, "campaign_name": "FR prosp", "campaign_status": "paused"}
C3 = {"campaign_name": "c3's", "campaign_status": "unknown", "campaign_goal": "unknown", "bidding_type": "unknown"}
DE, AT, FR_META = (
    ("DE", "google_search_generic", "c1", "google"),
    ("AT", "google_search_generic", "c1", "google"),
    ("FR", "meta_prospecting", "c2", "meta"),
)
SEO = ("FR", "seo", "(none)", "(none)")


def row(week, place, region, last_week=0, last_year=0, **said):
    """A whole row of the report: what is not said is 0 this week, null as a ratio, and as told of the other weeks."""
    blank = {column.name: None for column in WEEKLY_GROWTH.columns if column.name != "run_id"}
    blank |= dict.fromkeys((*PLATFORM_METRICS, *(f"{c}_{m}" for c in CREDITS for m in REPORT_MODELS)), 0)
    blank |= {f"{name}_last_week": last_week for name in COMPARED}
    blank |= {f"{name}_last_year": last_year for name in COMPARED}
    blank |= {"spend_rows_without_rate": 0, "is_complete_week": True, "data_origin": "a small world"}
    blank |= {"week_start": MONDAYS[week], "management_region": region}
    return {**blank, **dict(zip(KEY, (week, *place), strict=True)), **said}


def spending(spend, impressions, clicks, back=""):
    return {f"spend{back}": Decimal(spend), f"impressions{back}": impressions, f"clicks{back}": clicks}


EXPECTED = [
    row(
        202545,
        DE,
        "DACH",
        last_week=None,
        last_year=None,
        **spending("80", 700, 30),
        orders_u_shape=1,
        gmv_u_shape=10,
        cpa_orders_u_shape=80.0,
        roas_u_shape=0.125,
        account_timezones="Europe/Berlin",
        **C1,
        **{f"roas_{m}": 0.0 for m in REPORT_MODELS if m != "u_shape"},
    ),
    row(
        202546,
        DE,
        "DACH",
        last_year=None,
        **spending("80", 700, 30, "_last_week"),
        orders_u_shape_last_week=1,
        gmv_u_shape_last_week=10,
        **C1,
    ),
    row(
        202644,
        DE,
        "DACH",
        last_year=None,
        **spending("40", 400, 20),
        account_timezones="Europe/Berlin",
        **C1,
        **{f"roas_{m}": 0.0 for m in REPORT_MODELS},
    ),
    row(
        202645,
        DE,
        "DACH",
        **spending("150.000001", 1000, 60),
        **spending("40", 400, 20, "_last_week"),
        **spending("80", 700, 30, "_last_year"),
        orders_u_shape_last_year=1,
        gmv_u_shape_last_year=10,
        sales_ads_first_click=1,
        sales_ads_u_shape=Decimal("0.5"),
        cpa_sales_ads_first_click=150.000001,
        cpa_sales_ads_u_shape=300.000002,
        account_timezones="Europe/Berlin, UTC",
        **C1,
        **{f"roas_{m}": 0.0 for m in REPORT_MODELS},
    ),
    row(
        202645,
        ("DE", "direct", "(none)", "(none)"),
        "DACH",
        sales_ads_last_click=1,
        sales_ads_u_shape=Decimal("0.5"),
        cpa_sales_ads_last_click=0.0,
        cpa_sales_ads_u_shape=0.0,
    ),
    row(
        202645,
        AT,
        "DACH",
        orders_first_click=1,
        gmv_first_click=100,
        new_customers_first_click=1,
        orders_u_shape=1,
        gmv_u_shape=100,
        new_customers_u_shape=1,
        cpa_orders_first_click=0.0,
        cpa_orders_u_shape=0.0,
        cac_first_click=0.0,
        cac_u_shape=0.0,
        **C1,
    ),
    row(
        202645,
        ("DE", "(unattributed)", "(none)", "(none)"),
        "DACH",
        orders_first_click=1,
        orders_u_shape=1,
        gmv_first_click=Decimal("60.5"),
        gmv_u_shape=Decimal("60.5"),
        cpa_orders_first_click=0.0,
        cpa_orders_u_shape=0.0,
    ),
    row(202644, SEO, "SOUTH", last_year=None, sales_ads_u_shape=1, cpa_sales_ads_u_shape=0.0),
    row(202645, SEO, "SOUTH", sales_ads_u_shape_last_week=1),
    row(
        202645,
        ("NO", "meta_prospecting", "(none)", "(none)"),
        "NO",
        orders_u_shape=1,
        gmv_u_shape=7,
        cpa_orders_u_shape=0.0,
    ),
    row(
        202644,
        FR_META,
        "SOUTH",
        last_year=None,
        **spending("-5", 0, 0),
        account_timezones="Europe/Berlin",
        **C2,
        **{f"roas_{m}": 0.0 for m in REPORT_MODELS},
    ),
    row(
        202645,
        FR_META,
        "SOUTH",
        **spending("30", 300, 3),
        **spending("-5", 0, 0, "_last_week"),
        account_timezones="Europe/Berlin",
        **C2,
        **{f"roas_{m}": 0.0 for m in REPORT_MODELS},
    ),
    row(
        202645,
        ("(unknown)", "meta_retargeting", "c3", "meta"),
        "(unknown)",
        **spending("0", 10, 1),
        spend_rows_without_rate=1,
        **C3,
    ),
]


@pytest.fixture(scope="module")
def world(spark):
    """The sources, and the report of them."""
    spend, credit, campaigns = sources(spark)
    report = weekly_growth(spend, credit, campaigns, SETTINGS, "a small world").persist()
    yield spend, credit, report
    report.unpersist()


def by_key(rows):
    return {tuple(row[name] for name in KEY): row for row in rows}


def test_every_row_of_the_report_is_as_computed_by_hand(world):
    found = [row.asDict() for row in world[2].collect()]
    assert by_key(found) == by_key(EXPECTED)
    assert len(found) == len(EXPECTED)


def test_the_report_is_as_declared(world):
    report = conform(world[2].withColumn("run_id", F.lit("test")), WEEKLY_GROWTH)
    assert report.columns == [column.name for column in WEEKLY_GROWTH.columns]


def test_totals_are_those_of_the_sources_and_rows_without_a_rate_are_counted(world, caplog):
    spend, credit, report = world
    require_totals(report, spend, credit)
    assert [record.getMessage() for record in caplog.records] == [
        "il.ad_spend: 1 rows have no exchange rate, their money is in no sum"
    ]


def test_a_report_that_lost_spend_or_credit_is_refused_with_what_differs(world):
    spend, credit, report = world
    with pytest.raises(
        TableError,
        match=r"bl\.report_weekly_growth_update: its sums are not those of il\.ad_spend: spend 295\.000001 here, "
        r"265\.000001 there; impressions 2410 here, 2110 there; clicks 114 here, 111 there\. Fix",
    ):
        require_totals(report, spend.where("NOT (campaign_id = 'c2' AND spend > 0)"), credit)
    with pytest.raises(
        TableError,
        match=r"not those of st_il\.st_event_attribution: orders_u_shape 3\.0+ here, 4\.0+ there; "
        r"gmv_u_shape 170\.50+ here, 177\.50+ there\. Fix",
    ):
        require_totals(report.where("country <> 'NO'"), spend, credit)


def test_weeks_are_those_of_the_iso_calendar_and_a_week_53_has_no_partner_a_year_before(spark):
    days = [date(2019, 12, 30), *(date(2020, 12, n) for n in (21, 28)), *(date(2021, 1, n) for n in (3, 4))]
    days += [date(2025, 12, 29), date(2026, 12, 27), date(2026, 12, 28), date(2027, 1, 3), date(2027, 1, 6)]
    money = {day: Decimal(2**i) for i, day in enumerate(days)}
    rows = [spent(day, "google/c1", "DE", "google_pmax", value) for day, value in money.items()]
    spend, credit = frame(spark, AD_SPEND, rows), frame(spark, EVENT_ATTRIBUTION, [])
    report = weekly_growth(spend, credit, frame(spark, CAMPAIGNS, []), SETTINGS, "a small world")
    weeks: dict[tuple[int, int], Decimal] = {}
    for day, value in money.items():
        iso = day.isocalendar()
        weeks[iso.year, iso.week] = weeks.get((iso.year, iso.week), Decimal(0)) + value
    # By hand: 2020 and 2026 have 53 weeks, and no year next to them has.
    seen = [(2020, 1), (2020, 2), (2020, 52), (2020, 53), (2021, 1), (2021, 2), (2021, 52), (2022, 1)]
    seen += [(2026, 1), (2026, 2), (2026, 52), (2026, 53), (2027, 1)]
    zero = Decimal(0)
    before = {
        (y, w): weeks.get((y, w - 1) if w > 1 else (y - 1, 53 if y in (2021, 2027) else 52), zero) for y, w in seen
    }
    before[2020, 1] = None
    ago = {(y, w): weeks.get((y - 1, w), zero) for y, w in seen}
    ago |= {week: None for week in seen if week[0] == 2020 or week[1] == 53}
    assert {
        (row["yearweek"] // 100, row["yearweek"] % 100): tuple(
            row[name] for name in ("week_start", "spend", "spend_last_week", "spend_last_year", "is_complete_week")
        )
        for row in report.collect()
    } == {
        (y, w): (date.fromisocalendar(y, w, 1), weeks.get((y, w), zero), before[y, w], ago[y, w], (y, w) != (2027, 1))
        for y, w in seen
    }


PLACES = st.tuples(st.sampled_from(["DE", "NO", "(unknown)"]), st.sampled_from(["tv", "seo", "(unattributed)"]))
DAYS = st.dates(date(2020, 12, 1), date(2022, 1, 31))
MONEY = st.decimals("-999999999999", "999999999999", places=6)
COUNTS = st.none() | st.integers(0, 10**12)
CAMPAIGN = st.sampled_from(["1", "2", "A", "a", "B", None])
SPEND = st.lists(st.tuples(DAYS, PLACES, CAMPAIGN.filter(bool), st.none() | MONEY, COUNTS, COUNTS), max_size=20)
SHARE = st.decimals(0, 1, places=12)
CREDIT = st.lists(
    st.tuples(
        *(st.datetimes(datetime(2020, 12, 1), datetime(2022, 1, 31)), st.booleans(), st.booleans(), PLACES),
        *(CAMPAIGN, CAMPAIGN, st.none() | DAYS, st.sampled_from([*REPORT_MODELS, "position"]), SHARE),
        st.decimals(0, "999999999999", places=6),
    ),
    max_size=20,
)
NAMES = st.lists(
    st.tuples(st.sampled_from("12"), st.sampled_from(["A", "a", "B"]), DAYS, DAYS),
    max_size=4,
    unique_by=lambda name: name[:2],
)


def total(values):
    return sum((value for value in values if value is not None), start=0)


# Each example is a whole report: few of them, with many rows.
@settings(max_examples=4)
@given(spend=SPEND, credit=CREDIT, names=NAMES)
def test_no_money_and_no_credit_is_lost_or_doubled_whatever_the_rows(spark, spend, credit, names):
    spend_rows = [
        spent(day, f"meta/{campaign}", *place, money, seen, clicks, account_id=str(number))
        for number, (day, place, campaign, money, seen, clicks) in enumerate(spend)
    ]
    credit_rows = []
    for number, (at, is_order, first, place, id_, name, touched, model, weight, value) in enumerate(credit):
        more = {"is_first": first, "campaign_id": id_, "campaign": name}
        more["touched_at"] = touched and datetime(touched.year, touched.month, touched.day, 12)
        share = {model: (weight, value if is_order else 0)}
        country, channel = place
        kind = ORDER if is_order else UPLOAD
        credit_rows += credited(f"k{number}", kind, at, country, f"s{number}", channel, share, **more)
    campaign_rows = [named(f"meta/{id_}", name, "tv", min(days), max(days)) for id_, name, *days in names]
    tables = ((AD_SPEND, spend_rows), (EVENT_ATTRIBUTION, credit_rows), (CAMPAIGNS, campaign_rows))
    report = weekly_growth(*[frame(spark, spec, rows) for spec, rows in tables], SETTINGS, "a small world").toPandas()
    assert not report.duplicated(list(KEY)).any()
    for name in PLATFORM_METRICS:
        assert total(report[name]) == total(row[name] for row in spend_rows)
    for model in REPORT_MODELS:
        of_model = [row for row in credit_rows if row["model"] == model]
        orders = [row for row in of_model if row["conversion_type"] == ORDER]
        assert total(report[f"gmv_{model}"]) == total(row["value"] for row in of_model)
        assert total(report[f"orders_{model}"]) == total(row["weight"] for row in orders)
        assert total(report[f"new_customers_{model}"]) == total(row["weight"] for row in orders if row["is_first"])
        assert total(report[f"sales_ads_{model}"]) == total(row["weight"] for row in of_model if row not in orders)
