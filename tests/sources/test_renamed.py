"""Optional columns that platforms rename: what is refused, what is said, and what is no fault at all."""

import csv
from pathlib import Path

import pytest

from pma.sources.exports import read_exports
from pma.sources.files import CsvFile
from pma.sources.platforms import find_layout, read_platforms
from pma.sources.renamed import lost_columns, renamed
from pma.tables import TableError

REPOSITORY = Path(__file__).parents[2]
RULES = read_platforms(REPOSITORY / "conf" / "rules")
LAYOUT = RULES.layouts("meta")["campaign_export"]
FIVETRAN = REPOSITORY.parent / "shared" / "data" / "attribution" / "fivetran_ads"
META = (
    "date_start,account_id,account_name,account_currency,timezone_name,campaign_id,campaign_name,effective_status,"
    "objective,bid_strategy,country,impressions,inline_link_clicks,spend,conversions,conversion_values"
)
LINE = "2026-01-0{},m1,Bikes,SEK,Europe/Stockholm,8,fb_prosp,ACTIVE,REACH,LOWEST_COST,SE,10,2,3.33,0,0"


def export(header, stamp, account="m1"):
    name = f"meta/{account}/meta_{account}_exported{stamp}.csv"
    return CsvFile(name, name, name, tuple(header.split(",")), 1, True, True)


def exported(day):
    return f"meta/m1/meta_m1_exported2026020{day}T0300.csv"


def losses(*headers):
    files = [export(header, f"2026020{day}T0300") for day, header in enumerate(headers, 1)]
    return [(lost.file, lost.column, lost.new) for lost in lost_columns(files, LAYOUT)]


def without(column):
    return META.replace(f",{column}", "", 1)


def judged(*files):
    groups = {}
    for file in files:
        groups.setdefault(("meta", "campaign_export", file.header), []).append(file)
    return renamed(groups, RULES)


def said(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_an_export_that_calls_its_country_otherwise_than_earlier_ones_is_refused_with_both_names(spark, tmp_path):
    folder = tmp_path / "meta" / "m1"
    folder.mkdir(parents=True)
    (folder / "meta_m1_exported20260201T0300.csv").write_text(f"{META}\n{LINE.format(1)}\n")
    late = META.replace(",country,", ",geo,")
    (folder / "meta_m1_exported20260202T0300.csv").write_text(f"{late}\n{LINE.format(2)}\n")
    with pytest.raises(TableError) as refusal:
        read_exports(spark, str(tmp_path), RULES)
    assert (
        "il.ad_spend: exports that fit no mapping: meta/m1/meta_m1_exported20260202T0300.csv: lacks country, which "
        "meta/m1/meta_m1_exported20260201T0300.csv has, and has geo for the first time: renamed?"
    ) in str(refusal.value)
    assert "add the new name to its column in conf/rules/platforms.yml" in str(refusal.value)


def test_the_first_export_without_a_column_is_named_and_the_new_column_that_is_called_most_alike_comes_first():
    late = without("country") + ",age_group,country_code"
    assert losses(META, META, late, late) == [(exported(3), "country", ("country_code", "age_group"))]
    # Whatever came with earlier exports is no new name; and a column may come back and be lost again.
    again = losses(f"{META},reach", f"{without('country')},reach", META, without("country"))
    assert again == [(exported(2), "country", ()), (exported(4), "country", ())]


def test_a_column_that_is_left_out_is_said_once_and_refuses_nothing(caplog):
    files = [export(META, "20260201T0300"), *[export(without("bid_strategy"), f"2026020{n}T0300") for n in (2, 3)]]
    assert judged(*files) == []
    (told,) = said(caplog)
    assert told.startswith(
        f"il.ad_spend: {exported(2)}: lacks bid_strategy, which {exported(1)} has. Later rows are without it. Fix: add"
    )


def test_a_new_column_that_the_rules_call_unused_is_no_new_name():
    header = (
        "date,customer_id,customer_name,currency_code,campaign_id,campaign_name,campaign_status,"
        "advertising_channel_type,impressions,clicks,cost_micros,conversions"
    )
    layout = RULES.layouts("google")["campaign_export"]
    late = header.replace(",conversions", ",all_conversions")
    files = [export(header, "20260201T0300"), export(late, "20260202T0300")]
    assert [lost.new for lost in lost_columns(files, layout)] == [()]


def test_ordinary_exports_with_more_columns_or_fewer_raise_no_alarm(caplog):
    more = f"{META},reach,frequency,cpm,ctr,cpc,actions,action_values,publisher_platform,video_plays"
    fewer = ",".join(
        name for name in more.split(",") if name not in ("country", "conversions", "conversion_values", "account_name")
    )
    # Another account of the platform exports other columns, and always did.
    others = [export(fewer, f"2026020{n}T0300", "m2") for n in (1, 2)]
    assert judged(export(META, "20260201T0300"), export(more, "20260202T0300"), *others) == []
    assert said(caplog) == []


def test_without_an_earlier_export_a_column_that_is_called_alike_is_said_in_the_log(caplog):
    files = [export(META.replace(",country,", ",country_code,"), f"2026020{n}T0300") for n in (1, 2)]
    assert judged(*files) == []
    (told,) = said(caplog)
    assert told.startswith(
        f"il.ad_spend: {exported(1)} (2 files of its header) lacks the optional column country "
        "and has country_code, which no mapping knows: is it the new name? Fix: add the new name"
    )


@pytest.mark.skipif(not FIVETRAN.exists(), reason="the public platform tables stand beside the repository, not here")
def test_the_public_tables_of_all_platforms_raise_no_alarm(caplog):
    groups, platforms = {}, {"facebook": "meta", "twitter": "x"}
    for path in sorted(FIVETRAN.glob("*.csv")):
        platform = platforms.get(path.name.split("_")[0], path.name.split("_")[0])
        if platform not in RULES.platforms:
            continue
        with path.open(encoding="utf-8-sig", newline="") as handle:
            header = tuple(next(csv.reader(handle)))
        if layout := find_layout(RULES.layouts(platform), header):
            name = f"{platform}/{path.name}"
            groups[platform, layout, header] = [CsvFile(name, name, name, header, 1, True, True)]
    assert len(groups) > 20
    assert renamed(groups, RULES) == []
    assert said(caplog) == []
