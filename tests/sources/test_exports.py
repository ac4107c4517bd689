import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pma.sources.exports import read_exports
from pma.sources.platforms import explain, find_layout, read_platforms, source_columns
from pma.sources.settings import SourceTable
from pma.tables import TableError

REPOSITORY = Path(__file__).parents[2]
RULES = read_platforms(REPOSITORY / "conf" / "rules")
FIVETRAN = REPOSITORY.parent / "shared" / "data" / "attribution" / "fivetran_ads"
GOOGLE = (
    "date,customer_id,customer_name,currency_code,time_zone,campaign_id,campaign_name,campaign_status,"
    "advertising_channel_type,bidding_strategy_type,impressions,clicks,cost_micros,conversions,conversions_value"
)
META = (
    "date_start,account_id,account_name,account_currency,timezone_name,campaign_id,campaign_name,effective_status,"
    "objective,bid_strategy,country,impressions,inline_link_clicks,spend,conversions,conversion_values"
)
TIKTOK = (
    "stat_time_day,advertiser_id,advertiser_name,currency,timezone,campaign_id,campaign_name,secondary_status,"
    "objective_type,bid_type,impressions,clicks,spend,conversion,total_purchase_value"
)


def google(day, campaign="7", micros="1500000", account="g1", clicks="3"):
    return (
        f"{day},{account},Bikes DE,EUR,Europe/Berlin,{campaign},DE_gads_pmax_supply_01,ENABLED,PERFORMANCE_MAX,"
        f"MAXIMIZE_CONVERSIONS,100,{clicks},{micros},1.5,20.25"
    )


def write(folder, name, header, *lines, end="\n"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines]) + end, encoding="utf-8")


def read(spark, folder):
    return read_exports(spark, str(folder), RULES)


def stamped(stamp, platform="google", account="g1"):
    return f"{platform}/{account}/{platform}_{account}_202601_exported{stamp}.csv"


def test_each_platforms_own_columns_become_ours(spark, tmp_path):
    write(tmp_path, stamped("20260201T0300"), GOOGLE, google("2026-01-01", micros="1234567"))
    write(
        tmp_path,
        stamped("20260201T0300", "meta", "m1"),
        META,
        "2026-01-01,m1,Bikes,SEK,Europe/Stockholm,8,SE_fb_prosp_brand_01,PAUSED,OUTCOME_TRAFFIC,LOWEST_COST,SE,10,2,3.33,0,",
    )
    write(
        tmp_path,
        stamped("20260201T0300", "tiktok", "t1"),
        TIKTOK,
        "2026-01-01,t1,VeloMarket DE,EUR,Europe/Berlin,9,DE_tt_reach_brand_1,STATUS_DELIVERY_OK,REACH,CPM,5,1,0.10,--,",
    )
    rest = {
        "microsoft": (
            "date,account_id,currency_code,campaign_id,campaign_name,campaign_status,campaign_type,impressions,clicks,spend",
            "2026-01-01,a,USD,1,n,Active,Search,11,1,2.5",
        ),
        "linkedin": (
            "date,account_id,currency,campaign_group_id,campaign_group_name,campaign_id,impressions,clicks,cost_in_local_currency",
            "2026-01-01,a,USD,1,n,77,12,2,2.5",
        ),
        "snapchat": (
            "date,ad_account_id,currency,campaign_id,campaign_name,impressions,swipes,spend",
            "2026-01-01,a,USD,1,n,13,3,2500001",
        ),
        "pinterest": (
            "date,ad_account_id,currency,campaign_id,campaign_name,campaign_status,impression_1,impression_2,"
            "clickthrough_1,clickthrough_2,spend_in_micro_currency",
            "2026-01-01,a,USD,1,n,ACTIVE,10,4,3,1,2500000",
        ),
        "reddit": (
            "date,account_id,currency,campaign_id,campaign_name,effective_status,impressions,clicks,spend",
            "2026-01-01,a,USD,1,n,ACTIVE,15,5,2500000",
        ),
        "x": (
            "date,account_id,currency,campaign_id,campaign_name,entity_status,impressions,clicks,billed_charge_local_micro",
            "2026-01-01,a,USD,1,n,ACTIVE,16,6,2500000",
        ),
        "amazon": (
            "date,profile_id,currency_code,campaign_id,campaign_name,campaign_status,campaign_bidding_strategy,impressions,clicks,spend",
            "2026-01-01,a,USD,1,n,archived,autoForSales,17,7,2.5",
        ),
        "apple": (
            "date,org_id,local_spend_currency,campaign_id,campaign_name,campaign_status,impressions,taps,local_spend_amount",
            "2026-01-01,a,USD,1,n,ENABLED,18,8,2.5",
        ),
    }
    for platform, (header, line) in rest.items():
        write(tmp_path, stamped("20260201T0300", platform, "a"), header, line)
    rows = {row["ad_platform"]: row for row in read(spark, tmp_path).collect()}
    names = "account_id currency campaign_id campaign_status spend_local impressions clicks account_timezone targeting"
    assert {p: tuple(row[n] for n in names.split()) for p, row in rows.items()} == {
        "google": ("g1", "EUR", "7", "enabled", Decimal("1.234567"), 100, 3, "Europe/Berlin", None),
        "meta": ("m1", "SEK", "8", "paused", Decimal("3.330000"), 10, 2, "Europe/Stockholm", "SE"),
        "tiktok": ("t1", "EUR", "9", "enabled", Decimal("0.100000"), 5, 1, "Europe/Berlin", None),
        "microsoft": ("a", "USD", "1", "enabled", Decimal("2.500000"), 11, 1, None, None),
        "linkedin": ("a", "USD", "1", "unknown", Decimal("2.500000"), 12, 2, "UTC", None),
        "snapchat": ("a", "USD", "1", "unknown", Decimal("2.500001"), 13, 3, "UTC", None),
        "pinterest": ("a", "USD", "1", "enabled", Decimal("2.500000"), 14, 4, "UTC", None),
        "reddit": ("a", "USD", "1", "enabled", Decimal("2.500000"), 15, 5, "UTC", None),
        "x": ("a", "USD", "1", "enabled", Decimal("2.500000"), 16, 6, None, None),
        "amazon": ("a", "USD", "1", "deleted", Decimal("2.500000"), 17, 7, None, None),
        "apple": ("a", "USD", "1", "enabled", Decimal("2.500000"), 18, 8, None, None),
    }
    assert {str(row["exported_at"]) for row in rows.values()} == {"2026-02-01 03:00:00"}
    assert all(row["faults"] == [] and not row["is_superseded"] for row in rows.values())
    assert (rows["google"]["platform_conversions"], rows["google"]["platform_value"]) == (
        Decimal("1.5"),
        Decimal("20.25"),
    )
    # What the platform writes for "no value" is none, and no fault.
    assert (rows["tiktok"]["platform_conversions"], rows["tiktok"]["platform_value"]) == (None, None)
    assert rows["google"]["source_file"] == stamped("20260201T0300")


def test_files_that_are_cut_or_empty_and_lines_that_cannot_be_read_are_faulty_by_name(spark, tmp_path):
    whole, cut, no_break = (
        stamped("20260201T0300"),
        stamped("20260201T0300", account="g2"),
        stamped("20260201T0300", account="g3"),
    )
    write(
        tmp_path,
        whole,
        GOOGLE,
        google("2026-01-01"),
        google("2026-01-02", micros="many"),
        google("someday"),
        google("2026-01-03", campaign=""),
        google("2026-01-04") + ",one,too,many",
        google("2026-01-05", micros="-250000"),
        google("2026-01-06", campaign="Total: account"),
        google("2026-01-07", clicks="99999999999999999999", micros=""),
        google("2026-01-08", clicks="5.5"),
        google("2026-01-09", clicks="5.0"),
    )
    half = google("2026-01-02", account="g2")
    write(tmp_path, cut, GOOGLE, google("2026-01-01", account="g2"), half[: len(half) // 2], end="")
    # Cut inside the last value: only the line break is missing.
    write(
        tmp_path, no_break, GOOGLE, google("2026-01-01", account="g3"), google("2026-01-02", account="g3")[:-1], end=""
    )
    write(tmp_path, stamped("20260201T0300", account="g4"), GOOGLE)
    rows = read(spark, tmp_path).collect()
    found = sorted((row["source_file"].split("_")[1], str(row["date"]), sorted(row["faults"])) for row in rows)
    assert found == [
        ("g1", "2026-01-01", []),
        ("g1", "2026-01-02", ["unreadable_cost_micros"]),
        ("g1", "2026-01-03", ["missing_campaign_id"]),
        ("g1", "2026-01-04", ["broken_line"]),
        ("g1", "2026-01-05", []),
        ("g1", "2026-01-06", ["not_a_day"]),
        ("g1", "2026-01-07", ["unreadable_clicks"]),
        ("g1", "2026-01-08", ["unreadable_clicks"]),
        ("g1", "2026-01-09", []),
        ("g1", "None", ["unreadable_date"]),
        ("g2", "2026-01-01", ["cut_file"]),
        ("g2", "2026-01-02", ["broken_line", "cut_file", "missing_spend_local"]),
        ("g3", "2026-01-01", ["cut_file"]),
        ("g3", "2026-01-02", ["cut_file"]),
        ("g4", "None", ["file_without_rows"]),
    ]
    given = next(row["given"] for row in rows if row["faults"] == ["unreadable_cost_micros"])
    assert (given["file"], given["line"]["cost_micros"], given["line"]["campaign_id"]) == (whole, "many", "7")


def test_of_two_exports_of_an_account_and_day_the_later_has_the_whole_day(spark, tmp_path):
    early, late, other = stamped("20260201T0300"), stamped("20260203T0300"), stamped("20260201T0300", account="g2")
    write(tmp_path, early, GOOGLE, google("2026-01-01", "7"), google("2026-01-01", "8"), google("2026-01-02", "7"))
    # Campaign 8 is gone from the later export of the day: its earlier row does not stay beside the new day.
    write(tmp_path, late, GOOGLE, google("2026-01-01", "7", micros="1600000"))
    write(tmp_path, other, GOOGLE, google("2026-01-01", "7", account="g2"))
    # A later export that was cut replaces nothing.
    write(tmp_path, stamped("20260204T0300"), GOOGLE, google("2026-01-01", "7")[:-1], end="")
    # The same export under another name.
    write(tmp_path, other.replace("google_g2", "google_copy"), GOOGLE, google("2026-01-01", "7", account="g2"))
    rows = read(spark, tmp_path).collect()
    key = ("account_id", "date", "campaign_id", "spend_local", "is_superseded", "faults")
    assert sorted([str(row["exported_at"])[:10], *[str(row[name]) for name in key]] for row in rows) == [
        ["2026-02-01", "g1", "2026-01-01", "7", "1.500000", "True", "[]"],
        ["2026-02-01", "g1", "2026-01-01", "8", "1.500000", "True", "[]"],
        ["2026-02-01", "g1", "2026-01-02", "7", "1.500000", "False", "[]"],
        ["2026-02-01", "g2", "2026-01-01", "7", "1.500000", "False", "['second_file_of_an_export']"],
        ["2026-02-01", "g2", "2026-01-01", "7", "1.500000", "False", "[]"],
        ["2026-02-03", "g1", "2026-01-01", "7", "1.600000", "False", "[]"],
        ["2026-02-04", "g1", "2026-01-01", "7", "1.500000", "False", "['cut_file']"],
    ]


def test_a_renamed_column_an_unknown_platform_and_another_report_are_refused_by_name(spark, tmp_path):
    write(tmp_path, stamped("20260201T0300"), GOOGLE.replace("cost_micros", "costs_micros"), google("2026-01-01"))
    write(tmp_path, "gogle/g1/a.csv", GOOGLE, google("2026-01-01"))
    write(tmp_path, "google/g1/ads.csv", f"{GOOGLE},ad_id", google("2026-01-01") + ",5")
    with pytest.raises(TableError) as refusal:
        read(spark, tmp_path)
    said = str(refusal.value)
    assert f"{stamped('20260201T0300')}: layout campaign_export lacks cost_micros (renamed to costs_micros?)" in said
    assert "gogle/g1/a.csv: gogle is no platform of platforms.yml (google, meta," in said
    assert "google/g1/ads.csv: layout campaign_export has ad_id, which another report has" in said
    assert "conf/rules/platforms.yml" in said


@pytest.mark.parametrize(
    ("renamed", "said"),
    [
        ({",spend,": ",total_spend,"}, "layout campaign_export lacks spend (renamed to total_spend?)"),
        ({"date_start": "date_begin"}, "layout campaign_export lacks date_start (renamed to date_begin?)"),
        # Without the date and the money it still is no list of campaigns that somebody keeps by hand.
        (
            {",spend,": ",total_spend,", "date_start": "date_begin"},
            "layout campaign_export lacks date_start (renamed to date_begin?), lacks spend (renamed to total_spend?)",
        ),
    ],
)
def test_of_a_header_with_a_renamed_column_the_new_name_is_guessed(renamed, said):
    header = META
    for old, new in renamed.items():
        header = header.replace(old, new)
    layouts = RULES.layouts("meta")
    assert (find_layout(layouts, header.split(",")), explain(layouts, header.split(","))) == (None, said)


def test_a_file_without_a_byte_is_refused_by_name(spark, tmp_path):
    write(tmp_path, stamped("20260201T0300"), GOOGLE, google("2026-01-01"))
    (tmp_path / "google" / "g1" / "empty.csv").write_text("")
    with pytest.raises(TableError, match=r"files without a byte: \[.*google/g1/empty\.csv"):
        read(spark, tmp_path)


def test_a_column_by_its_other_name_is_found_by_the_rules(spark, tmp_path):
    header = META.replace("inline_link_clicks", "link_clicks").replace(",spend,", ",amount_spent,")
    line = "2026-01-01,m1,Bikes,EUR,Europe/Berlin,8,n,ACTIVE,REACH,x,DE,10,2,3.33,0,"
    write(tmp_path, stamped("20260201T0300", "meta", "m1"), header, line)
    (row,) = read(spark, tmp_path).collect()
    assert (row["clicks"], row["spend_local"]) == (2, Decimal("3.330000"))


def test_a_folder_that_is_not_there_or_has_no_export_is_named_with_its_setting(spark, tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(TableError, match=r"il\.ad_spend: no .* Fix: feeds\.exports"):
            read(spark, folder)


def test_what_is_kept_by_hand_of_campaigns_and_accounts_fills_what_exports_do_not_tell(spark, tmp_path):
    header = "date,campaign_id,impressions,swipes,spend"
    write(tmp_path, "snapchat/days.csv", header, "2026-01-01,c1,1,1,1000000", "2026-01-01,c2,1,1,1000000")
    write(tmp_path, "snapchat/campaigns.csv", "campaign_id,account_id,country", "c1,a1,DE")
    write(tmp_path, "snapchat/accounts.csv", "account_id,account_name,currency,timezone", "a1,Bikes,EUR,Europe/Berlin")
    rows = {row["campaign_id"]: row for row in read(spark, tmp_path).collect()}
    names = ("account_id", "account_name", "currency", "targeting", "account_timezone")
    assert tuple(rows["c1"][name] for name in names) == ("a1", "Bikes", "EUR", "DE", "Europe/Berlin")
    assert tuple(rows["c2"][name] for name in names) == ("(unknown)", None, None, None, "UTC")


@pytest.mark.parametrize(
    ("expression", "columns"),
    [
        ("cost_micros * 0.000001", {"cost_micros"}),
        ("coalesce(impression_1 + impression_2, impression_1)", {"impression_1", "impression_2"}),
        ("if(deleted = 'true', 'no column', Status)", {"deleted", "status"}),
        ("cast(date as date)", {"date"}),
        ("try_cast(`Start Date` as decimal(18, 6))", {"start date"}),
        ("lower(campaign_id) NOT LIKE 'total%'", {"campaign_id"}),
    ],
)
def test_the_columns_of_an_expression_are_read_off_it(expression, columns):
    assert source_columns(expression) == columns


@pytest.mark.skipif(not FIVETRAN.exists(), reason="the public platform tables stand beside the repository, not here")
@pytest.mark.parametrize(
    ("platform", "file", "layout"),
    [
        ("google", "google_ads_campaign_stats", "stats_table"),
        ("google", "google_ads_campaign_history", "campaign_table"),
        ("google", "google_ads_account_history", "account_table"),
        ("google", "google_ads_ad_history", None),
        ("meta", "facebook_ads_basic_ad", "ad_table"),
        ("meta", "facebook_ads_ad_history", "ads_table"),
        ("meta", "facebook_ads_campaign_history", "campaign_table"),
        ("meta", "facebook_ads_account_history", "account_table"),
        ("meta", "facebook_ads_demographics_country", None),
        ("microsoft", "microsoft_ads_campaign_performance_daily_report", "stats_table"),
        ("microsoft", "microsoft_ads_campaign_history", "campaign_table"),
        ("microsoft", "microsoft_ads_account_history", "account_table"),
        ("tiktok", "tiktok_campaign_report_hourly", "hourly_table"),
        ("tiktok", "tiktok_campaign_history", "campaign_table"),
        ("tiktok", "tiktok_advertiser", "account_table"),
        ("linkedin", "linkedin_ad_analytics_by_campaign", "stats_table"),
        ("linkedin", "linkedin_ad_campaign_history", "ad_group_table"),
        ("linkedin", "linkedin_ad_campaign_group_history", "campaign_table"),
        ("linkedin", "linkedin_ad_account_history", "account_table"),
        ("snapchat", "snapchat_campaign_hourly_report", "hourly_table"),
        ("snapchat", "snapchat_ad_squad_hourly_report", None),
        ("snapchat", "snapchat_campaign_history", "campaign_table"),
        ("snapchat", "snapchat_ad_account_history", "account_table"),
        ("pinterest", "pinterest_campaign_report", "stats_table"),
        ("pinterest", "pinterest_campaign_history", "campaign_table"),
        ("pinterest", "pinterest_advertiser_history", "account_table"),
        ("reddit", "reddit_ads_campaign_report", "stats_table"),
        ("reddit", "reddit_ads_campaign", "campaign_table"),
        ("reddit", "reddit_ads_account", "account_table"),
        ("x", "twitter_campaign_report", "stats_table"),
        ("x", "twitter_campaign_history", "campaign_table"),
        ("x", "twitter_account_history", "account_table"),
        ("amazon", "amazon_ads_campaign_level_report", "stats_table"),
        ("amazon", "amazon_ads_campaign_history", "campaign_table"),
        ("amazon", "amazon_ads_profile", "account_table"),
        ("apple", "apple_search_campaign_report", "stats_table"),
        ("apple", "apple_search_campaign_history", "campaign_table"),
        ("apple", "apple_search_organization", "account_table"),
    ],
)
def test_the_header_of_a_public_table_decides_its_layout(platform, file, layout):
    with (FIVETRAN / f"{file}_data.csv").open(encoding="utf-8-sig", newline="") as handle:
        header = next(csv.reader(handle))
    assert find_layout(RULES.layouts(platform), header) == layout


def test_a_table_of_a_database_with_the_columns_of_an_export_is_read_like_one(spark, tmp_path):
    path = str(tmp_path / "stats")
    types = "date date, customer_id bigint, id bigint, cost_micros bigint, clicks bigint, impressions bigint, "
    stats = spark.createDataFrame(
        [(date(2026, 1, 1), 5, 7, 1234567, 3, 100, 0.5, 2.25)], f"{types}conversions double, conversions_value double"
    )
    stats.write.format("parquet").save(path)
    source = SourceTable(path=path)
    (row,) = read_exports(spark, str(tmp_path / "nowhere"), RULES, {"google.stats": source}).collect()
    names = ("source_file", "date", "account_id", "campaign_id", "spend_local", "platform_conversions", "faults")
    assert tuple(row[name] for name in names) == (
        *("table google.stats", date(2026, 1, 1), "5", "7"),
        *(Decimal("1.234567"), Decimal("0.5"), []),
    )
    with pytest.raises(TableError, match=r"feeds\.export_tables\.tiktok\.stats: layout \w+ lacks "):
        read_exports(spark, str(tmp_path / "nowhere"), RULES, {"tiktok.stats": source})
    # Files that are there are not left out because one of them has no byte.
    write(tmp_path / "files", stamped("20260201T0300"), GOOGLE, google("2026-01-01"))
    (tmp_path / "files" / "google" / "none.csv").write_bytes(b"")
    with pytest.raises(TableError, match=r"files without a byte: .*none\.csv"):
        read_exports(spark, str(tmp_path / "files"), RULES, {"google.stats": source})
