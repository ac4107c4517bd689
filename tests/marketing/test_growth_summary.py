from datetime import date
from decimal import Decimal

from pma.marketing.growth_summary import growth_trend, last_complete_week

COLUMNS = (
    "yearweek int, week_start date, is_complete_week boolean, waits_for string, "
    "management_region string, country string, "
    "channel string, ad_platform string, campaign_id string, data_origin string, spend decimal(28,6), "
    "sales_ads_u_shape decimal(28,12), orders_u_shape decimal(28,12), gmv_u_shape decimal(28,6)"
)
WEEKS = {202653: date(2026, 12, 28), 202701: date(2027, 1, 4), 202702: date(2027, 1, 11)}

LATE = {True: None, False: "tiktok until 2027-01-14"}


def row(week, country, spend, complete=True):
    money = Decimal(spend)
    place = ("DACH", country, "tv", "sheet", "t1", "a small world")
    return (week, WEEKS[week], complete, LATE[complete], *place, money, money / 2, money / 4, money * 2)


def test_the_page_is_of_the_last_week_that_is_over_and_the_trend_of_all(spark):
    rows = [row(202653, "DE", 4), row(202701, "DE", 8), row(202701, "AT", 16), row(202702, "DE", 32, complete=False)]
    report = spark.createDataFrame(rows, COLUMNS)
    assert [(r["yearweek"], r["country"]) for r in last_complete_week(report).collect()] == [
        (202701, "AT"),
        (202701, "DE"),
    ]
    assert [tuple(r) for r in growth_trend(report).collect()] == [
        (
            week,
            WEEKS[week],
            week != 202702,
            LATE[week != 202702],
            "DACH",
            "tv",
            "a small world",
            spend,
            spend / 2,
            spend / 4,
            spend * 2,
        )
        for week, spend in ((202653, Decimal(4)), (202701, Decimal(24)), (202702, Decimal(32)))
    ]
    assert last_complete_week(report.where("NOT is_complete_week")).count() == 0
