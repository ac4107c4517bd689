import json
import zlib
from datetime import datetime
from pathlib import Path

import pytest

from pma.checks import QUARANTINE
from pma.sources.external import map_columns, read_source
from pma.sources.landing import land
from pma.sources.purchases import check_dimension, check_purchases, complete_customers
from pma.sources.settings import SourceSettings, SourceTable
from pma.sources.states import read_states, with_states
from pma.sources.tables import CUSTOMERS, PRODUCTS, PURCHASES, STORES
from pma.tables import TableError

HEADER = "who,receipt,article,shop,at,units,paid,off"
GOOD = "c1,b1,p1,s1,2017-05-01 10:00:00,1,2.5,0"
COLUMNS = {
    "customer_id": "who",
    "basket_id": "receipt",
    "product_id": "article",
    "store_id": "shop",
    "purchased_at": "at",
    "quantity": "units",
    "spend": "paid",
    "discount": "off",
}
NOW = datetime(2018, 1, 1)
RULES = Path(__file__).parents[2] / "conf" / "rules"


@pytest.fixture
def judge_csv(spark, tmp_path):
    """Write lines as CSV, read them back through the column mapping, and judge them."""

    def judged(*lines, header=HEADER, columns=COLUMNS):
        path = tmp_path / "lines.csv"
        path.write_text("\n".join([header, *lines]) + "\n")
        source = SourceTable(format="csv", path=str(path), options={"header": "true"}, columns=columns)
        mapped = map_columns(read_source(spark, source, PURCHASES.name), source, PURCHASES)
        products = spark.createDataFrame([("p1",), ("p2",)], "product_id string")
        stores = spark.createDataFrame([("s1",)], "store_id string")
        return check_purchases(mapped, products, stores, SourceSettings(), NOW)

    return judged


BAD = [
    (GOOD, "duplicate_line"),
    ("c1,b2,p1,s1,2017-05-01 10:00:00,-1,2.5,0", "return_or_negative_quantity"),
    ("c1,b2,p1,s1,2017-05-01 10:00:00,1e9,2.5,0", "absurd_quantity"),
    ("c1,b2,p1,s1,2017-05-01 10:00:00,NaN,2.5,0", "absurd_quantity"),
    ("c1,b2,p1,s1,2017-05-01 10:00:00,1,-2.5,0", "negative_spend"),
    ("c1,b2,p1,s1,2017-05-01 10:00:00,1,2.5,-1", "negative_discount"),
    ("c1,b2,p9,s1,2017-05-01 10:00:00,1,2.5,0", "unknown_product"),
    ("c1,b2,p1,s9,2017-05-01 10:00:00,1,2.5,0", "unknown_store"),
    (",b2,p1,s1,2017-05-01 10:00:00,1,2.5,0", "missing_customer_id"),
    ("c1,b2,p1,s1,2019-05-01 10:00:00,1,2.5,0", "in_the_future"),
    ("c1,b2,p1,s1,yesterday,1,2.5,0", "unreadable_purchased_at"),
    ("c1,b2,p1,s1,2017-05-01 10:00:00,many,2.5,0", "unreadable_quantity"),
]


def test_each_bad_line_lands_in_quarantine_with_its_reason_and_the_good_ones_in_the_table(warehouse, judge_csv):
    good = [f"c1,g{i},p2,s1,2017-05-02 10:00:00,1,1.0,0" for i in range(3)]
    bad = [line.replace(",b2,", f",bad{i},") for i, (line, _) in enumerate(BAD)]
    land(warehouse, PURCHASES, judge_csv(GOOD, *good, *bad), max_refused_share=0.9)
    refused = sorted(r["reasons"][0] for r in warehouse.read(QUARANTINE).collect() for _ in range(r["copies"]))
    assert refused == sorted(reason for _, reason in BAD)
    assert all(len(r["reasons"]) == 1 for r in warehouse.read(QUARANTINE).collect())
    assert sorted(r["basket_id"] for r in warehouse.read(PURCHASES).collect()) == ["b1", "g0", "g1", "g2"]


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_a_bad_line_is_refused_for_its_reason_and_no_line_is_lost(judge_csv, line, reason):
    judged = judge_csv(GOOD, line)
    assert sorted(r["reasons"] for r in judged.collect()) == [[], [reason]]


def test_the_quarantine_holds_the_row_itself(warehouse, judge_csv):
    land(warehouse, PURCHASES, judge_csv(GOOD, "c7,b2,p9,s1,2017-05-01 10:00:00,1,2.5,0"), max_refused_share=0.5)
    (row,) = warehouse.read(QUARANTINE).collect()
    content = json.loads(row["content"])
    assert (content["customer_id"], content["product_id"], content["spend"]) == ("c7", "p9", 2.5)
    assert (row["source_table"], row["run_id"]) == ("il.purchases", "test")


def test_too_many_bad_lines_fail_the_load_and_the_old_rows_stay(warehouse, judge_csv):
    land(warehouse, PURCHASES, judge_csv(GOOD), max_refused_share=0.0)
    bad = [f"c1,b{i},p9,s1,2017-05-01 10:00:00,1,2.5,0" for i in range(3)]
    with pytest.raises(
        TableError, match=r"il\.purchases: 3 of 4 rows refused \(unknown_product 3\).*sources\.max_refused_share 5%"
    ):
        land(warehouse, PURCHASES, judge_csv(GOOD.replace("2.5", "9.5"), *bad), max_refused_share=0.05)
    assert [r["spend"] for r in warehouse.read(PURCHASES).collect()] == [2.5]
    assert warehouse.read(QUARANTINE).count() == 3


def test_an_empty_source_is_refused_and_the_old_rows_stay(warehouse, judge_csv):
    land(warehouse, PURCHASES, judge_csv(GOOD), max_refused_share=0.0)
    with pytest.raises(TableError, match=r"il\.purchases: the source has no rows; the table stays"):
        land(warehouse, PURCHASES, judge_csv(), max_refused_share=0.0)
    assert warehouse.read(PURCHASES).count() == 1


def test_a_second_load_changes_nothing(warehouse, judge_csv):
    for _ in range(2):
        land(warehouse, PURCHASES, judge_csv(GOOD, GOOD), max_refused_share=0.5)
        assert (warehouse.read(PURCHASES).count(), warehouse.read(QUARANTINE).count()) == (1, 1)


def test_a_missing_column_is_named_with_what_the_source_has(judge_csv):
    with pytest.raises(
        TableError,
        match=r"il\.purchases: the source lacks columns of sources\.purchases\.columns: \['quantity <- units'\]",
    ):
        judge_csv("c1,b1,p1,s1,2017-05-01 10:00:00,2.5,0", header=HEADER.replace("units,", ""))


def test_a_mapping_to_a_column_we_do_not_have_is_refused(judge_csv):
    with pytest.raises(TableError, match=r"il\.purchases: sources\.purchases\.columns maps \['colour'\]"):
        judge_csv(GOOD, columns={**COLUMNS, "colour": "who"})


def test_an_expression_may_stand_for_a_column(judge_csv):
    judged = judge_csv(GOOD, columns={**COLUMNS, "spend": "cast(paid as double) * 2", "customer_id": "upper(who)"})
    (row,) = judged.collect()
    assert (row["customer_id"], row["spend"], row["reasons"]) == ("C1", 5.0, [])


def test_a_source_that_is_not_there_is_named(spark):
    with pytest.raises(TableError, match=r"il\.purchases: its source cannot be read as parquet: /nowhere"):
        read_source(spark, SourceTable(path="/nowhere"), "il.purchases")
    with pytest.raises(
        TableError, match=r"il\.purchases: its source is the package no_such_package, which is not installed"
    ):
        read_source(spark, SourceTable(path="package:no_such_package/x.parquet"), "il.purchases")


@pytest.mark.parametrize("format_", ["parquet", "delta"])
def test_parquet_and_delta_are_read_like_csv(spark, tmp_path, format_):
    path = str(tmp_path / "rows")
    spark.createDataFrame([("p1", "FOOD")], "id string, dept string").write.format(format_).save(path)
    source = SourceTable(format=format_, path=path, columns={"product_id": "id", "department": "dept"})
    mapped = map_columns(read_source(spark, source, PRODUCTS.name), source, PRODUCTS)
    (row,) = check_dimension(mapped, PRODUCTS).collect()
    assert (row["product_id"], row["department"], row["type"], row["reasons"]) == ("p1", "FOOD", None, [])


def test_a_dimension_keeps_one_row_per_key_and_refuses_a_different_second(spark):
    source = SourceTable(columns={"product_id": "id", "department": "dept"})
    raw = spark.createDataFrame([("p1", "A"), ("p1", "A"), ("p1", "B"), (None, "C")], "id string, dept string")
    rows = sorted(
        (str(r["product_id"]), r["department"], r["reasons"])
        for r in check_dimension(map_columns(raw, source, PRODUCTS), PRODUCTS).collect()
    )
    assert rows == [("None", "C", ["missing_product_id"]), ("p1", "A", []), ("p1", "B", ["duplicate_key"])]


def test_a_store_without_a_state_gets_the_one_that_the_written_rule_names_and_says_so(spark):
    source = SourceTable(columns={"store_id": "id", "state": "state"})
    raw = spark.createDataFrame([("1", "Ohio"), ("2", None), ("330", " ")], "id string, state string")
    rules = read_states(RULES)
    states = [state.name for state in rules.states]
    found = with_states(map_columns(raw, source, STORES), rules).collect()
    standin = {store: states[zlib.crc32(store.encode()) % len(states)] for store in ("2", "330")}
    expected = {"1": ("Ohio", False), "2": (standin["2"], True), "330": (standin["330"], True)}
    assert {row["store_id"]: (row["state"], row["is_standin"]) for row in found} == expected


def test_customers_are_all_who_bought_and_all_who_are_known(spark):
    source = SourceTable(columns={"customer_id": "id", "age": "age"})
    raw = spark.createDataFrame([("a", "65+"), ("b", "19-24")], "id string, age string")
    bought = spark.createDataFrame([("b",), ("c",), ("c",)], "customer_id string")
    judged = check_dimension(complete_customers(map_columns(raw, source, CUSTOMERS), bought), CUSTOMERS)
    assert sorted((r["customer_id"], r["age"], r["reasons"]) for r in judged.collect()) == [
        ("a", "65+", []),
        ("b", "19-24", []),
        ("c", None, []),
    ]
