"""The job on the small marketplace: both tables and the page, and the same again."""

from datetime import date
from decimal import Decimal

import pytest
import yaml
from deltalake import DeltaTable

from jobs.mmm_input import main
from pma.marketing.tables import AD_SPEND, CONTEXT, CONVERSIONS, EXCHANGE_RATES
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY, TEST_SPARK
from tests.mmm.input.marketplace import W1, WEEKS, feeds_of


@pytest.fixture(scope="module")
def ran(spark, tmp_path_factory):
    """A folder in which the job ran once."""
    folder = tmp_path_factory.mktemp("mmm")
    tables = Warehouse(spark, WarehouseSettings(path=str(folder / "warehouse")), run_id="before")
    feeds = feeds_of(spark)
    rates = [(W1, "EUR", Decimal(1)), (date(2025, 1, 7), "EUR", Decimal(1))]
    tables.replace(EXCHANGE_RATES, spark.createDataFrame(rates, EXCHANGE_RATES.schema))
    for spec, frame in ((AD_SPEND, feeds.spend), (CONVERSIONS, feeds.conversions), (CONTEXT, feeds.context)):
        tables.replace(spec, frame)
    main(arguments(folder))
    return folder


def arguments(folder):
    given = {
        "rules": str(REPOSITORY / "conf" / "rules"),
        "spark": TEST_SPARK.model_dump(),
        "warehouse": {"path": str(folder / "warehouse")},
        "report": {"path": str(folder / "report")},
        "feeds": {"origin": "simulated marketplace"},
        "marketing": {"regions": {"countries": {"DACH": ["DE", "AT"], "NORTH": ["XX"]}}},
    }
    (folder / "conf.yml").write_text(yaml.safe_dump(given))
    return ["--conf", str(folder / "conf.yml")]


def stored(folder, table):
    return DeltaTable(str(folder / "warehouse" / "bl" / table)).to_pandas()


def test_every_geo_has_its_input(ran):
    made = stored(ran, "mmm_input").set_index(["geo_level", "geo", "week_start", "variable"])
    assert sorted(set(made.index.get_level_values("geo"))) == ["AT", "DACH", "DE", "FR", "NORTH", "XX"]
    assert len(set(made.index.get_level_values("week_start"))) == len(WEEKS)
    row = made.loc[("management_region", "DACH", W1, "google_search_brand")]
    assert (row["value"], row["role"], row["data_origin"]) == (0.6, "paid", "simulated marketplace")
    # Epiphany is a holiday of Austria alone.
    holidays = {geo: made.loc[("country", geo, W1, "public_holidays"), "value"] for geo in ("AT", "DE")}
    assert holidays == {"AT": 1.0, "DE": 0.0}


def test_what_is_missing_stands_by_name(ran):
    found = stored(ran, "mmm_readiness")
    found = found[found["geo_level"] == "country"].set_index(["geo", "variable", "check"])
    assert found.loc[("AT", "tv", "never_data"), "severity"] == "warn"
    assert found.loc[("DE", "google_demand_gen_brand", "before_first_data"), "until"] == date(2025, 1, 13)
    assert found.loc[("XX", "public_holidays", "never_data"), "severity"] == "warn"
    assert found.loc[("(unknown)", "(all)", "unplaced_spend"), "measure"] == 99.0
    assert found.loc[("DE", "XAU", "no_exchange_rate"), "measure"] == 1.0
    assert found.loc[("DE", "(all)", "too_few_weeks"), "severity"] == "fail"
    assert "who keeps the TV sheet" in found.loc[("AT", "tv", "never_data"), "fix"]


def test_the_page_lies_in_the_folder_of_reports_and_is_printed_again(ran, capsys):
    before = stored(ran, "mmm_input"), stored(ran, "mmm_readiness")
    main(arguments(ran))
    printed = capsys.readouterr().out
    assert printed.startswith((ran / "report" / "mmm_readiness.txt").read_text())
    assert "mmm_readiness.html" in printed
    for first, second in zip(before, (stored(ran, "mmm_input"), stored(ran, "mmm_readiness")), strict=True):
        key = [name for name in ("geo_level", "geo", "week_start", "variable", "check") if name in first]
        same = [frame.drop(columns="run_id").sort_values(key, ignore_index=True) for frame in (first, second)]
        assert same[0].equals(same[1])
