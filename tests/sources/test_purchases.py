import hashlib
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
from pma.sources.states import FILLED, read_states, with_states
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
    ("c1,b2,p1,s1,2017-05-01 10:00:00,Infinity,2.5,0", "absurd_quantity"),
    ("c1,b2,p1,s1,2017-05-01 10:00:00,1,-2.5,0", "negative_spend"),
    ("c1,b2,p1,s1,2017-05-01 10:00:00,1,-Infinity,0", "negative_spend"),
    ("c1,b2,p1,s1,2017-05-01 10:00:00,1,Infinity,0", "absurd_spend"),
    ("c1,b2,p1,s1,2017-05-01 10:00:00,1,NaN,0", "absurd_spend"),
    ("c1,b2,p1,s1,2017-05-01 10:00:00,1,2.5,Infinity", "absurd_discount"),
    ("c1,b2,p1,s1,2017-05-01 10:00:00,1,2.5,-1", "negative_discount"),
    ("c1,b2,p9,s1,2017-05-01 10:00:00,1,2.5,0", "unknown_product"),
    ("c1,b2,p1,s9,2017-05-01 10:00:00,1,2.5,0", "unknown_store"),
    (",b2,p1,s1,2017-05-01 10:00:00,1,2.5,0", "missing_customer_id"),
    ("c1,b2,p1,s1,2019-05-01 10:00:00,1,2.5,0", "in_the_future"),
    ("c1,b2,p1,s1,yesterday,1,2.5,0", "unreadable_purchased_at"),
    ("c1,b2,p1,s1,2017-05-01 10:00:00,many,2.5,0", "unreadable_quantity"),
]


def as_json(line):
    """What the quarantine shows of a line of CSV: our names, their values, nothing for what is empty."""
    given = dict(zip(COLUMNS, line.split(","), strict=True))
    return json.dumps({name: value for name, value in given.items() if value}, separators=(",", ":"))


def test_each_bad_line_lands_in_quarantine_with_its_reason_and_the_good_ones_in_the_table(warehouse, judge_csv):
    good = [f"c1,g{i},p2,s1,2017-05-02 10:00:00,1,1.0,0" for i in range(3)]
    bad = [line.replace(",b2,", f",bad{i},") for i, (line, _) in enumerate(BAD)]
    land(warehouse, PURCHASES, judge_csv(GOOD, *good, *bad), max_refused_share=0.9)
    refused = {r["content"]: (r["reasons"], r["copies"]) for r in warehouse.read(QUARANTINE).collect()}
    assert refused == {as_json(line): ([reason], 1) for line, (_, reason) in zip(bad, BAD, strict=True)}
    assert sorted(r["basket_id"] for r in warehouse.read(PURCHASES).collect()) == ["b1", "g0", "g1", "g2"]


def test_lines_in_are_lines_kept_and_copies_quarantined_whatever_is_wrong_with_them(warehouse, judge_csv):
    several = "c1,b2,p9,s9,yesterday,many,-2.5,0"
    lines = [GOOD, GOOD, GOOD, several, several, *[line for line, _ in BAD], *[line for line, _ in BAD], ",,,,,,,"]
    land(warehouse, PURCHASES, judge_csv(*lines), max_refused_share=1.0)
    refused = {r["content"]: (set(r["reasons"]), r["copies"]) for r in warehouse.read(QUARANTINE).collect()}
    expected = {as_json(line): ({reason}, 2) for line, reason in BAD}
    # Five lines are the good one: the first stays.
    expected[as_json(GOOD)] = ({"duplicate_line"}, 4)
    bad_throughout = {
        *("unreadable_purchased_at", "unreadable_quantity"),
        *("negative_spend", "unknown_product", "unknown_store"),
    }
    expected[as_json(several)] = (bad_throughout, 2)
    expected["{}"] = ({f"missing_{name}" for name in COLUMNS}, 1)
    assert refused == expected
    assert warehouse.read(PURCHASES).count() + sum(copies for _, copies in refused.values()) == len(lines)


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_a_bad_line_is_refused_for_its_reason_and_no_line_is_lost(judge_csv, line, reason):
    judged = judge_csv(GOOD, line)
    assert sorted(r["reasons"] for r in judged.collect()) == [[], [reason]]


def test_the_quarantine_holds_the_row_as_the_source_gave_it_and_two_bad_values_stay_two_rows(warehouse, judge_csv):
    bad = ["c7,b2,p1,s1,2017-05-01 10:00:00,many,2.50,0", "c7,b2,p1,s1,2017-05-01 10:00:00,few,2.50,0"]
    land(warehouse, PURCHASES, judge_csv(GOOD, *bad, bad[1]), max_refused_share=0.9)
    rows = sorted(map(tuple, warehouse.read(QUARANTINE).collect()), key=lambda row: row[4])
    same = '{"customer_id":"c7","basket_id":"b2","product_id":"p1","store_id":"s1","purchased_at":"2017-05-01 10:00:00"'
    contents = [f'{same},"quantity":"{given}","spend":"2.50","discount":"0"}}' for given in ("few", "many")]
    hashes = [hashlib.sha256(content.encode()).hexdigest() for content in contents]
    assert rows == [
        ("il.purchases", True, hashes[0], ["unreadable_quantity"], contents[0], 2, "test"),
        ("il.purchases", True, hashes[1], ["unreadable_quantity"], contents[1], 1, "test"),
    ]


def test_a_basket_of_two_customers_is_refused_whole_because_nobody_knows_whose_it_is(judge_csv):
    judged = judge_csv(GOOD, GOOD.replace("c1", "c2"), GOOD.replace("c1,b1", "c2,b2"), GOOD.replace("c1", ""))
    found = sorted((r["customer_id"] or "", r["basket_id"], r["reasons"]) for r in judged.collect())
    shared = "basket_of_two_customers"
    assert found == [
        ("", "b1", ["missing_customer_id", shared]),
        ("c1", "b1", [shared]),
        ("c2", "b1", [shared]),
        ("c2", "b2", []),
    ]


@pytest.mark.parametrize("sale_at", ["2017-05-01 09:00:00", "2017-05-01 11:00:00"])
def test_a_sale_stays_beside_a_return_of_the_same_key_whichever_is_first(judge_csv, sale_at):
    judged = judge_csv(f"c1,b1,p1,s1,{sale_at},1,2.5,0", "c1,b1,p1,s1,2017-05-01 10:00:00,-1,2.5,0")
    assert sorted((r["quantity"], r["reasons"]) for r in judged.collect()) == [
        (-1.0, ["return_or_negative_quantity"]),
        (1.0, []),
    ]


def test_of_equal_good_lines_one_stays_and_of_different_ones_the_earliest(judge_csv):
    later, equal = GOOD.replace("10:00:00,1", "11:00:00,7"), GOOD.replace("b1", "b2")
    judged = judge_csv(later, GOOD, equal, equal)
    assert sorted((r["basket_id"], r["quantity"], r["reasons"]) for r in judged.collect()) == [
        ("b1", 1.0, []),
        ("b1", 7.0, ["duplicate_line"]),
        ("b2", 1.0, []),
        ("b2", 1.0, ["duplicate_line"]),
    ]


def test_too_many_bad_lines_fail_the_load_and_the_rows_of_the_load_before_stay(warehouse, judge_csv):
    def refused():
        kept = [r["basket_id"] for r in warehouse.read(PURCHASES).collect()]
        rows = warehouse.read(QUARANTINE).collect()
        return kept, sorted((r["load_kept"], json.loads(r["content"])["basket_id"], r["copies"]) for r in rows)

    bad = [f"c1,bad{i},p9,s1,2017-05-01 10:00:00,1,2.5,0" for i in range(4)]
    land(warehouse, PURCHASES, judge_csv(GOOD, bad[0], bad[0]), max_refused_share=0.9)
    for _ in range(2):
        with pytest.raises(
            TableError, match=r"il\.purchases: 3 of 4 rows refused \(unknown_product 3\).*sources\.max_refused_share 5%"
        ):
            land(warehouse, PURCHASES, judge_csv(GOOD.replace("b1", "b2"), *bad[1:]), max_refused_share=0.05)
        # Of the load that stands, lines in are still lines kept and quarantined: 3 = 1 + 2.
        assert refused() == (["b1"], [(False, f"bad{i}", 1) for i in (1, 2, 3)] + [(True, "bad0", 2)])
    land(warehouse, PURCHASES, judge_csv(GOOD.replace("b1", "b3"), bad[3]), max_refused_share=0.9)
    assert refused() == (["b3"], [(True, "bad3", 1)])


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


def test_a_required_column_that_nothing_is_mapped_to_is_refused_with_the_fix(judge_csv):
    columns = {ours: theirs for ours, theirs in COLUMNS.items() if ours not in ("basket_id", "quantity")}
    with pytest.raises(
        TableError,
        match=r"il\.purchases: sources\.purchases\.columns does not map \['basket_id', 'quantity'\], "
        r"which every row must have\. Fix: name the source's column for each, or Spark SQL over its columns \['who',",
    ):
        judge_csv(GOOD, columns=columns)


def test_an_expression_that_fails_on_a_value_is_refused_with_the_fix_and_the_old_rows_stay(warehouse, judge_csv):
    land(warehouse, PURCHASES, judge_csv(GOOD), max_refused_share=0.0)
    judged = judge_csv(GOOD.replace("2.5", "much"), columns={**COLUMNS, "spend": "cast(paid as double)"})
    with pytest.raises(
        TableError, match=r"il\.purchases: its source cannot be read to its end \(.*'much'.*try_cast gives null"
    ):
        land(warehouse, PURCHASES, judged, max_refused_share=0.9)
    assert [r["spend"] for r in warehouse.read(PURCHASES).collect()] == [2.5]


def test_an_expression_may_stand_for_a_column(judge_csv):
    judged = judge_csv(GOOD, columns={**COLUMNS, "spend": "cast(paid as double) * 2", "customer_id": "upper(who)"})
    (row,) = judged.collect()
    assert (row["customer_id"], row["spend"], row["reasons"]) == ("C1", 5.0, [])


def test_a_dimension_keeps_one_row_per_key_and_refuses_each_different_one(spark, warehouse):
    source = SourceTable(columns={"product_id": "id", "department": "dept"})
    raw = [("p1", "A"), ("p1", "A"), ("p1", "B"), ("p1", "B"), (None, "C"), (None, "C"), (None, "D"), ("p2", None)]
    mapped = map_columns(spark.createDataFrame(raw, "id string, dept string"), source, PRODUCTS)
    land(warehouse, PRODUCTS, check_dimension(mapped, PRODUCTS), max_refused_share=0.9)
    nothing = (None, None, None, None)
    assert sorted(map(tuple, warehouse.read(PRODUCTS).collect())) == [
        ("p1", "A", *nothing),
        ("p2", None, *nothing),
    ]
    refused = {r["content"]: (r["reasons"], r["copies"]) for r in warehouse.read(QUARANTINE).collect()}
    assert refused == {
        '{"product_id":"p1","department":"B"}': (["duplicate_key"], 2),
        '{"department":"C"}': (["missing_product_id"], 2),
        '{"department":"D"}': (["missing_product_id"], 1),
    }


def test_a_store_without_a_state_gets_the_one_that_the_written_rule_names_and_says_so(spark):
    source = SourceTable(columns={"store_id": "id", "state": "state"})
    raw = spark.createDataFrame([("1", "Ohio"), ("2", None), ("330", " ")], "id string, state string")
    rules = read_states(RULES)
    states = [state.name for state in rules.states]
    found = with_states(map_columns(raw, source, STORES, FILLED), rules).collect()
    standin = {store: states[zlib.crc32(store.encode()) % len(states)] for store in ("2", "330")}
    expected = {"1": ("Ohio", False), "2": (standin["2"], True), "330": (standin["330"], True)}
    assert {row["store_id"]: (row["state"], row["is_standin"]) for row in found} == expected


def test_a_state_that_the_source_itself_calls_a_standin_stays_one(spark):
    source = SourceTable(columns={"store_id": "id", "state": "state", "is_standin": "id = '2'"})
    raw = spark.createDataFrame([("1", "Ohio"), ("2", "Ohio")], "id string, state string")
    found = with_states(map_columns(raw, source, STORES, FILLED), read_states(RULES)).collect()
    assert {row["store_id"]: (row["state"], row["is_standin"]) for row in found} == {
        "1": ("Ohio", False),
        "2": ("Ohio", True),
    }


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
