from datetime import date, datetime, timedelta

from pma.marketing.growth import weekly_growth
from pma.marketing.reach import data_reach, log_reach
from pma.marketing.settings import GrowthSettings
from pma.marketing.tables import AD_SPEND, CAMPAIGNS, EVENT_ATTRIBUTION
from tests.marketing.growth_world import SETTINGS, UPLOAD, credited, frame, spent


def test_the_last_weeks_are_incomplete_from_where_either_source_ends(spark):
    spend = [spent(date(2026, 10, 25) + timedelta(days=n), "google/c1", "DE", "tv", 1) for n in range(15)]
    credit = credited("k", UPLOAD, datetime(2026, 11, 6, 12), "DE", "s", "seo", {"u_shape": 1})
    report = weekly_growth(
        frame(spark, AD_SPEND, spend),
        frame(spark, EVENT_ATTRIBUTION, credit),
        frame(spark, CAMPAIGNS, []),
        SETTINGS,
        "a small world",
    )
    complete = {(row["yearweek"], row["is_complete_week"], row["waits_for"]) for row in report.collect()}
    late = "conversions (data to 2026-11-06)"
    assert complete == {(202643, True, None), (202644, True, None), (202645, False, late)}


def reported(spark, spend, **growth):
    """Each week of a report on this spend, in which conversions go on: is it complete, and what does it wait for."""
    credit = credited("k", UPLOAD, datetime(2026, 11, 15, 12), "DE", "s", "seo", {"u_shape": 1})
    settings = SETTINGS.model_copy(update={"growth": GrowthSettings(**growth)})
    frames = (frame(spark, AD_SPEND, spend), frame(spark, EVENT_ATTRIBUTION, credit), frame(spark, CAMPAIGNS, []))
    rows = weekly_growth(*frames, settings, "a small world").collect()
    return {row["yearweek"]: (row["is_complete_week"], row["waits_for"]) for row in rows}


def daily(platform, until, days=21):
    return [spent(until - timedelta(days=n), f"{platform}/c", "DE", "tv", 1) for n in range(days)]


def test_a_week_waits_for_the_latest_of_the_platforms_and_names_it(spark):
    spend = [
        *daily("google", date(2026, 11, 8)),
        *daily("meta", date(2026, 11, 8)),
        *daily("tiktok", date(2026, 11, 5)),
    ]
    found = reported(spark, spend)
    assert found[202644] == (True, None)
    assert found[202645] == (False, "tiktok (data to 2026-11-05)")
    assert found[202646] == (
        False,
        "google (data to 2026-11-08), meta (data to 2026-11-08), tiktok (data to 2026-11-05)",
    )


def test_a_platform_that_stopped_weeks_ago_does_not_freeze_the_report(spark):
    spend = [*daily("google", date(2026, 11, 8), 42), *daily("tiktok", date(2026, 10, 24), 21)]
    found = reported(spark, spend)
    # Fifteen days without a row are more than two weeks; with three it is awaited still.
    assert (found[202644], found[202645]) == ((True, None), (True, None))
    found = reported(spark, spend, awaited_weeks=3)
    assert (found[202642], found[202643]) == ((True, None), (False, "tiktok (data to 2026-10-24)"))


def test_a_weekly_sheet_stands_on_mondays_and_holds_no_week_back(spark):
    mondays = [date(2026, 10, 26), date(2026, 11, 2)]
    sheet = [spent(day, "sheet/tv", "DE", "tv", 9, account_id="tv") for day in mondays]
    older = [spent(date(2026, 10, 5), "sheet/radio", "DE", "radio", 9, account_id="radio")]
    found = reported(spark, [*daily("google", date(2026, 11, 8)), *sheet, *older])
    assert (found[202645], found[202646]) == ((True, None), (False, "google (data to 2026-11-08)"))


def test_the_log_says_who_is_late_who_has_stopped_and_which_sheet_ends(spark, caplog):
    caplog.set_level("INFO")
    spend = [
        *daily("google", date(2026, 11, 15)),
        *daily("meta", date(2026, 11, 12)),
        *daily("tiktok", date(2026, 10, 1)),
        spent(date(2026, 11, 2), "sheet/tv", "DE", "tv", 9, account_id="tv"),
    ]
    credit = credited("k", UPLOAD, datetime(2026, 11, 15, 12), "DE", "s", "seo", {"u_shape": 1})
    reach = data_reach(frame(spark, AD_SPEND, spend), frame(spark, EVENT_ATTRIBUTION, credit), SETTINGS)
    log_reach(reach.collect())
    said = [record.getMessage() for record in caplog.records if record.name == "pma.marketing.reach"]
    table = "bl.report_weekly_growth_update"
    assert said[0] == f"{table}: weeks wait for meta, whose data end on 2026-11-12; others reach 2026-11-15"
    assert said[1] == f"{table}: sheet tv ends with the week until 2026-11-08: no later week has its money"
    assert said[2].startswith(f"{table}: tiktok has nothing since 2026-10-01 and is not awaited (marketing.growth.")
    assert len(said) == 3


def test_without_spend_and_conversions_there_is_nothing_to_say(spark, caplog):
    caplog.set_level("INFO")
    log_reach(data_reach(frame(spark, AD_SPEND, []), frame(spark, EVENT_ATTRIBUTION, []), SETTINGS).collect())
    assert [record for record in caplog.records if record.name == "pma.marketing.reach"] == []
