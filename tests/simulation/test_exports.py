"""The files are read back as a stranger would read them: by the csv module, in exact decimals."""

import csv
import json
from collections import Counter, defaultdict
from decimal import Decimal

import pandas as pd
import pytest

from pma.simulation.channels import DEMAND_GEN
from pma.simulation.files import write_files
from pma.simulation.marketplace import simulate
from pma.tables import TableError
from tests.simulation.marketplaces import small, tiny

MONEY = {"google": "cost_micros", "meta": "spend", "tiktok": "spend"}
DAY = {"google": "date", "meta": "date_start", "tiktok": "stat_time_day"}
ACCOUNT = {"google": "customer_id", "meta": "account_id", "tiktok": "advertiser_id"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("raw") / "marketplace"
    write_files(small(), path)
    return path


def read(path):
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def rows_of(folder, platform):
    """Rows of a platform as they stand in the end: per account and day those of the latest export."""
    latest = {}
    for path in sorted((folder / "exports" / platform).rglob("*.csv")):
        stamp = path.stem.rsplit("_exported", 1)[1]
        days = defaultdict(list)
        for row in read(path):
            assert row[ACCOUNT[platform]] == path.parent.name
            days[row[DAY[platform]]].append(row)
        for day, rows in days.items():
            key = (path.parent.name, day)
            if key not in latest or stamp > latest[key][0]:
                latest[key] = (stamp, rows)
    return [row for _, rows in latest.values() for row in rows]


def known(platform):
    marketplace = small()
    rows = marketplace.spend[marketplace.spend["in_feed"]]
    platforms = marketplace.campaigns["ad_platform"].to_numpy()[rows["place"]]
    return rows[platforms == platform]


@pytest.mark.parametrize("platform", ["google", "meta", "tiktok"])
def test_the_exports_of_a_platform_add_up_to_the_known_spend_exactly(folder, platform):
    unit = Decimal(1) if platform == "google" else Decimal(1_000_000)
    rows, spend = rows_of(folder, platform), known(platform)
    found = sum(Decimal(row[MONEY[platform]]) * unit for row in rows)
    assert found == Decimal(int(spend["local_micros"].sum()))
    clicks = "inline_link_clicks" if platform == "meta" else "clicks"
    for ours, theirs in (("impressions", "impressions"), ("clicks", clicks)):
        assert sum(int(row[theirs]) for row in rows) == spend[ours].sum()
    by_row = {(r[DAY[platform]], r["campaign_id"], r.get("country", "")): Decimal(r[MONEY[platform]]) for r in rows}
    assert len(by_row) == len(rows) == len(spend)
    country = spend["country"] if platform == "meta" else [""] * len(spend)
    for date, campaign, place, local in zip(
        spend["date"].dt.strftime("%Y-%m-%d"), spend["campaign_id"], country, spend["local_micros"], strict=True
    ):
        assert by_row[date, campaign, place] * unit == local


def test_one_day_was_wrong_at_first_in_an_account_of_each_platform(folder):
    for platform, money in MONEY.items():
        once = [row for path in (folder / "exports" / platform).rglob("*.csv") for row in read(path)]
        final = rows_of(folder, platform)
        assert len(once) > len(final)
        assert len({row[DAY[platform]] for row in once}) == len({row[DAY[platform]] for row in final})
        assert sum(Decimal(row[money]) for row in once) != sum(Decimal(row[money]) for row in final)
        keys = Counter(
            (row[ACCOUNT[platform]], row[DAY[platform]], row["campaign_id"], row.get("country")) for row in once
        )
        assert len({key[:2] for key, count in keys.items() if count > 1}) == 1


def test_a_campaign_is_renamed_under_its_id_one_is_deleted_and_money_is_given_back(folder):
    names = defaultdict(set)
    for platform in MONEY:
        for row in rows_of(folder, platform):
            names[row["campaign_id"]].add(row["campaign_name"])
    renamed = {i: n for i, n in names.items() if len(n) > 1}
    expected = small().campaigns[small().campaigns["earlier_name"].notna()]
    for campaign in expected.itertuples():
        assert renamed[campaign.campaign_id] == {campaign.campaign_name, campaign.earlier_name}
    deleted = [row for row in rows_of(folder, "google") if row["campaign_status"] == "REMOVED"]
    assert sum(int(row["cost_micros"]) for row in deleted) > 0
    for platform, money in (("google", "cost_micros"), ("meta", "spend")):
        assert any(Decimal(row[money]) < 0 for row in rows_of(folder, platform))


def test_one_campaign_of_meta_runs_in_two_countries_of_one_account_and_no_account_mixes_currencies(folder):
    rows = rows_of(folder, "meta")
    countries = defaultdict(set)
    for row in rows:
        countries[row["campaign_id"]].add(row["country"])
    assert [sorted(c) for c in countries.values() if len(c) > 1] == [["AT", "DE"]]
    currencies = defaultdict(set)
    for platform in MONEY:
        for row in rows_of(folder, platform):
            currencies[row[ACCOUNT[platform]]].add(
                row.get("currency_code") or row.get("account_currency") or row["currency"]
            )
    assert sorted({c for found in currencies.values() for c in found}) == ["CHF", "EUR", "PLN"]
    assert all(len(found) == 1 for found in currencies.values())


def test_a_file_says_when_it_was_exported_and_has_no_later_day(folder):
    for platform, day in DAY.items():
        for path in (folder / "exports" / platform).rglob("*.csv"):
            platform_, account, month, stamp = path.stem.split("_")
            assert (platform_, account) == (platform, path.parent.name)
            days = {row[day] for row in read(path)}
            assert {d[:7].replace("-", "") for d in days} == {month}
            assert pd.Timestamp(max(days)) < pd.Timestamp(stamp.removeprefix("exported"))


def test_the_sheets_add_up_to_the_known_spend_exactly(folder):
    sheets = {
        "tv": ("tv", "TV_ad_spend", "week_start"),
        "youtube": ("youtube_flobikes", "YT_Flobikes", "week_start"),
        "affiliate": ("affiliate", "aff_cost", "date"),
    }
    spend = small().spend[small().spend["in_feed"]]
    for name, (channel, column, day) in sheets.items():
        rows = read(folder / "sheets" / f"{name}.csv")
        own = spend[spend["channel"] == channel]
        found = {}
        for row in rows:
            key = (row[day], row["country"], row.get("campaign", ""))
            assert key not in found
            found[key] = Decimal(row[column])
        assert sum(found.values()) * 1_000_000 == Decimal(int(own["spend_micros"].sum())) > 0
        campaign = own["campaign_id"] if name == "affiliate" else ""
        keyed = own.assign(campaign=campaign).groupby([own["date"].dt.strftime("%Y-%m-%d"), "country", "campaign"])
        assert {key: Decimal(int(v)) / 1_000_000 for key, v in keyed["spend_micros"].sum().items()} == found


def test_every_missing_feed_is_missing_though_the_money_was_spent(folder):
    marketplace = small()
    gaps, spend = marketplace.gaps, marketplace.spend
    assert set(gaps["channel"]) == {"tv", "youtube_flobikes", "meta_prospecting", "meta_retargeting", *DEMAND_GEN}
    # What each file tells of a channel: countries, by the name of its campaigns, and days.
    channel_of = dict(zip(marketplace.campaigns["campaign_id"], marketplace.campaigns["channel"], strict=True))
    told = {(row["week_start"], row["country"], "tv") for row in read(folder / "sheets/tv.csv")}
    told |= {(row["week_start"], row["country"], "youtube_flobikes") for row in read(folder / "sheets/youtube.csv")}
    for platform in ("google", "meta"):
        for row in rows_of(folder, platform):
            country = row.get("country") or row["campaign_name"][:2]
            told.add((row[DAY[platform]], country, channel_of[row["campaign_id"]]))
    for gap in gaps.itertuples():
        first, last = (day.strftime("%Y-%m-%d") for day in (gap.starts_on, gap.ends_on))
        within = [t for t in told if t[2] == gap.channel and first <= t[0] <= last and gap.country in (None, t[1])]
        assert within == []
        lost = spend["date"].between(gap.starts_on, gap.ends_on) & (spend["channel"] == gap.channel)
        lost &= True if gap.country is None else spend["country"] == gap.country
        assert spend[lost]["spend"].sum() > 0 and not spend[lost]["in_feed"].any()
        # Elsewhere, or later, the channel is there.
        assert any(t[2] == gap.channel for t in told)
    hole = gaps[gaps["channel"] == "meta_prospecting"].iloc[0]
    assert (hole["ends_on"] - hole["starts_on"]).days == 13


def test_nothing_is_missing_where_no_feed_is_left_out():
    settings = tiny().settings.model_copy(update={"missing_feeds": False})
    assert simulate(settings).spend["in_feed"].all()


def test_platforms_claim_more_than_media_truly_brought(folder):
    claimed = sum(float(row.get("conversions") or row.get("conversion")) for p in MONEY for row in rows_of(folder, p))
    structure = small().structure
    sold = structure.gmv().sum() / small().flows["mean_price"].mean()
    assert claimed > 1.2 * small().settings.media_share * (structure.uploads().sum() * 0.6 + 0.4 * sold)


def test_rates_context_and_lift_tests_stand_beside_and_truth_is_in_no_file(folder):
    rates = read(folder / "exchange_rates.csv")
    assert {row["currency"] for row in rates} == {"EUR", "CHF", "PLN"}
    assert len(rates) == 3 * 7 * 60 and all(row["rate"] == "1.000000" for row in rates if row["currency"] == "EUR")
    context = read(folder / "context.csv")
    assert {row["variable"] for row in context} == {
        *("newsletter_sends", "seo_visibility", "social_posts", "price_index", "temperature")
    }
    assert len(context) == 5 * 4 * 60
    lift = read(folder / "lift_tests.csv")
    assert "truth" not in lift[0] and len(lift) == 8


def test_files_of_the_same_marketplace_stay_as_they_are_and_those_of_another_take_their_place(tmp_path):
    path = tmp_path / "marketplace"
    write_files(tiny(), path)
    said = json.loads((path / "MANIFEST.json").read_text())
    assert said["is_simulated"] is True and said["seed"] == 7
    stamps = {file: file.stat().st_mtime_ns for file in path.rglob("*.*")}
    (path / "events").mkdir()
    write_files(tiny(), path)
    assert {file: file.stat().st_mtime_ns for file in path.rglob("*.*")} == stamps
    assert (path / "events").exists()
    write_files(small(), path)
    assert json.loads((path / "MANIFEST.json").read_text())["settings"] != said["settings"]
    assert not (path / "events").exists()
    assert [file.name for file in tmp_path.iterdir()] == ["marketplace"]


def test_a_folder_with_anything_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("all I have")
    with pytest.raises(TableError, match=r"holds files but no MANIFEST\.json.*simulation\.path"):
        write_files(tiny(), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]
