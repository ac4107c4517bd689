from pathlib import Path

import pytest
from pyspark.sql import functions as F

from pma.marketing.places import management_region, place
from pma.marketing.settings import RegionSettings
from pma.marketing.spend_rules import read_spend_rules

RULES = read_spend_rules(Path(__file__).parents[2] / "conf" / "rules").places
COLUMNS = ("ad_platform", "country", "targeting", "campaign_name", "account_name")
# What a row says, and country, language region and rule that follow from it.
CASES = [
    (("google", "DE", "AT", "CH_x", "Bikes NL"), ("DE", None, "export")),
    (("google", "Deutschland", None, None, None), ("DE", None, "export")),
    (("google", "uk", None, None, None), ("GB", None, "export")),
    (("google", "BR", None, None, None), ("BR", None, "export")),
    (("sheet", " se ", None, "TV", None), ("SE", None, "sheet")),
    # What is no country leaves it to the next rule.
    (("google", "XX", "AT", "CH_x", None), ("AT", None, "targeting")),
    (("google", "country1", None, "CH_x", None), ("CH", None, "campaign_name")),
    (("meta", None, "AT, Austria", None, None), ("AT", None, "targeting")),
    (("meta", None, "AT,DE", "x", "Bikes"), ("(unknown)", None, "none")),
    (("meta", None, "AT;DE", "DE_x", None), ("DE", None, "campaign_name")),
    (("google", None, None, "DE_gads_pmax_brand_01", "Bikes NL"), ("DE", None, "campaign_name")),
    (("google", None, None, "Germany | Brand", None), ("DE", None, "campaign_name")),
    (("google", None, None, "Search | Brand | IT", None), ("IT", None, "campaign_name")),
    # Language regions, and two countries that are none.
    (("google", None, None, "BE_FR_gads_pmax_brand_01", None), ("BE", "BE-FR", "campaign_name")),
    (("google", None, None, "CH-IT gads", None), ("CH", "CH-IT", "campaign_name")),
    (("google", None, None, "Search | Brand | BE-FR", None), ("BE", "BE-FR", "campaign_name")),
    (("google", None, None, "BE_gads_pmax_BE_FR", None), ("BE", "BE-FR", "campaign_name")),
    (("google", None, None, "DE_gads_pmax_BE_FR", None), ("DE", None, "campaign_name")),
    (("meta", None, "BE", "BE_NL_fb_prosp", None), ("BE", "BE-NL", "targeting + campaign_name")),
    (("meta", None, "be_fr", "BE_NL_fb_prosp", None), ("BE", "BE-FR", "targeting")),
    (("meta", None, "CH-DE; ch de", "x", None), ("CH", "CH-DE", "targeting")),
    # Two parts of a country, or a part beside all of it, are no part.
    (("meta", None, "BE-FR, BE-NL", "x", None), ("BE", None, "targeting")),
    (("meta", None, "BE-FR, BE", "x", None), ("BE", None, "targeting")),
    (("meta", None, "BE-FR, FR", "x", None), ("(unknown)", None, "none")),
    (("meta", None, "BE-FR, FR", "BE_x", None), ("BE", None, "campaign_name")),
    (("google", "BE-NL", None, "x", None), ("BE", "BE-NL", "export")),
    (("sheet", "BE", "BE-NL", "x", "Bikes BE-FR"), ("BE", "BE-NL", "sheet + targeting")),
    (("tiktok", None, None, "tt_reach_01", "VeloMarket BE-FR"), ("BE", "BE-FR", "account")),
    (("tiktok", None, None, "BE_tt_reach_01", "VeloMarket (BE/NL) ads"), ("BE", "BE-NL", "campaign_name + account")),
    (("tiktok", None, None, "tt_reach_01", "CH DE VeloMarket CH FR"), ("CH", None, "account")),
    (("tiktok", None, None, "tt_reach_01", "VeloMarket CH DE AT"), ("(unknown)", None, "none")),
    (("tiktok", None, None, "DE_tt_reach_01", "VeloMarket BE-FR"), ("DE", None, "campaign_name")),
    (("meta", None, "FR", "BE_FR_fb_prosp", None), ("FR", None, "targeting")),
    (("google", None, None, "DE_NL_gads_pmax", None), ("(unknown)", None, "none")),
    (("google", None, None, "DE_NL_gads_pmax", "Bikes AT"), ("AT", None, "account")),
    # Names that begin with letters that are a country's somewhere, and are none here.
    (("google", None, None, "YT_Flobikes_brand_01", None), ("(unknown)", None, "none")),
    (("google", None, None, "TV_brand", None), ("(unknown)", None, "none")),
    (("google", None, None, "no_brand", None), ("(unknown)", None, "none")),
    (("tiktok", None, None, "tt_reach_01", "VeloMarket DE"), ("DE", None, "account")),
    (("tiktok", None, None, "tt_reach_01", "VeloMarket (Sverige)"), ("SE", None, "account")),
    (("tiktok", None, None, "tt_reach_01", "VeloMarket DE AT"), ("(unknown)", None, "none")),
    (("x", None, None, None, None), ("(unknown)", None, "none")),
]


@pytest.fixture(scope="module")
def placed(spark):
    frame = spark.createDataFrame([given for given, _ in CASES], ", ".join(f"{name} string" for name in COLUMNS))
    return [tuple(row["place"]) for row in place(frame, RULES).collect()]


@pytest.mark.parametrize(("number", "given", "expected"), [(n, *case) for n, case in enumerate(CASES)])
def test_a_row_is_placed_by_the_first_rule_that_gives_one_country(placed, number, given, expected):
    assert (given, placed[number]) == (given, expected)


def test_a_country_of_no_region_is_one_of_its_own_name(spark):
    regions = RegionSettings(countries={"DACH": ("DE", "AT"), "NORTH": ("SE",)})
    frame = spark.createDataFrame([("AT",), ("SE",), ("BR",), ("(unknown)",)], "country string")
    found = frame.select(management_region(F.col("country"), regions)).collect()
    assert [row[0] for row in found] == ["DACH", "NORTH", "BR", "(unknown)"]
