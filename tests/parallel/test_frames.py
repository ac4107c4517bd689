"""Types between pandas, Arrow and Spark; seeds; invariants of grouping."""

import datetime as dt
import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from pyspark.sql.types import StructType

from pma.parallel import group_seed, map_groups
from pma.parallel.frames import ColumnMismatchError, conform, to_pandas, to_spark
from pma.parallel.schema import arrow_schema, parse_ddl, spark_schema

DAY, BERLIN = dt.date(2024, 7, 1), dt.timezone(dt.timedelta(hours=2))


def conformed(values, column):
    """Python values of one column after `conform`."""
    table = conform(pd.DataFrame({"x": values}), arrow_schema(spark_schema(f"x {column}")))
    return table["x"].to_pylist()


@pytest.mark.parametrize(
    ("values", "column", "expected"),
    [
        ([1, 2], "DOUBLE", [1.0, 2.0]),
        ([1.0, np.nan], "BIGINT", [1, None]),
        (pd.array([1, None], dtype="Int64"), "INT", [1, None]),
        ([True, None], "BOOLEAN", [True, None]),
        ([0.1], "FLOAT", [float(np.float32(0.1))]),
        (pd.Categorical(["a", None]), "STRING", ["a", None]),
        ([np.nan, np.nan], "STRING", [None, None]),
        (pd.to_datetime(["2024-07-01", None]), "DATE", [DAY, None]),
        ([DAY, pd.NaT], "DATE", [DAY, None]),
        (pd.to_datetime(["2024-07-01 02:00+02:00"]), "TIMESTAMP", [dt.datetime(2024, 7, 1, tzinfo=dt.UTC)]),
        ([dt.datetime(2024, 7, 1, 2, tzinfo=BERLIN)], "TIMESTAMP", [dt.datetime(2024, 7, 1, tzinfo=dt.UTC)]),
        (pd.to_datetime(["2024-07-01"]), "TIMESTAMP_NTZ", [dt.datetime(2024, 7, 1)]),
        ([np.array([1.0, 2.5]), None, []], "ARRAY<FLOAT>", [[1.0, 2.5], None, []]),
        ([[1.0, 2.0]], "ARRAY<INT>", [[1, 2]]),
        ([{"a": 1, "b": "x"}], "STRUCT<a: INT, b: STRING>", [{"a": 1, "b": "x"}]),
        ([], "ARRAY<INT>", []),
    ],
)
def test_values_that_fit_keep_their_value(values, column, expected):
    assert conformed(values, column) == expected


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ([1.5], "BIGINT"),
        ([2**40], "INT"),
        ([np.inf], "INT"),
        (["1"], "BIGINT"),
        ([1], "STRING"),
        ([1, 2], "BOOLEAN"),
        ([[1.5]], "ARRAY<INT>"),
        ([["a"]], "ARRAY<DOUBLE>"),
        (pd.to_datetime(["2024-07-01 10:00"]), "DATE"),
        (pd.to_datetime(["2024-07-01 10:00:00.123456789"]), "TIMESTAMP"),
        (["2024-07-01"], "DATE"),
        ([1.0, None], "DOUBLE NOT NULL"),
    ],
)
def test_values_that_would_change_are_refused_by_column(values, column):
    with pytest.raises(ColumnMismatchError, match="column `x`"):
        conformed(values, column)


def test_a_column_that_is_there_twice_is_refused():
    double = pd.DataFrame([[1, 2]], columns=["x", "x"])
    with pytest.raises(ColumnMismatchError, match="there twice: `x`"):
        conform(double, arrow_schema(spark_schema("x INT")))


def test_types_follow_the_schema_and_not_the_values():
    schema = arrow_schema(spark_schema("n BIGINT, f BOOLEAN, x DOUBLE, at TIMESTAMP"))
    full = pd.DataFrame({"n": [1], "f": [True], "x": [1], "at": [pd.Timestamp("2024-07-01")]})
    empty = pd.DataFrame({"n": [None], "f": [None], "x": [None], "at": [None]})

    types = {"n": "Int64", "f": "boolean", "x": "float64", "at": "datetime64[us]"}
    assert dict(to_pandas(conform(full, schema)).dtypes.astype(str)) == types
    assert dict(to_pandas(conform(empty, schema)).dtypes.astype(str)) == types


@pytest.mark.parametrize(
    "ddl",
    [
        "a STRING, b BOOLEAN, c TINYINT, d SMALLINT, e INT, f BIGINT, g FLOAT, h DOUBLE, i DATE, j TIMESTAMP, k BINARY",
        "a integer not null, b long COMMENT 'it is, here', c DECIMAL(12, 2), d decimal, e timestamp_ntz",
        "`a b` ARRAY<STRUCT<name: STRING, start: INT, xs: ARRAY<ARRAY<DOUBLE>>>>, m MAP<STRING, ARRAY<INT>> NOT NULL",
    ],
)
def test_ddl_reads_as_spark_reads_it(spark, ddl):
    assert parse_ddl(ddl) == StructType.fromDDL(ddl)


@pytest.mark.parametrize("ddl", ["", "a", "a STRNG", "a ARRAY<INT", "a INT b INT", "a INT,", "a DECIMAL(1"])
def test_ddl_that_is_wrong_is_refused(ddl):
    with pytest.raises(ValueError, match="schema "):
        parse_ddl(ddl)


def test_the_seed_of_a_group_is_the_same_everywhere():
    # sha256 of the text below, first four bytes: what any other language would compute
    text = b'[7, ["str", "DE"], ["int", "3"]]'
    assert group_seed(7, "DE", 3) == int(hashlib.sha256(text).hexdigest()[:8], 16) == 3781930014
    assert group_seed(np.int64(7), "DE", np.int32(3)) == group_seed(7, "DE", 3)
    assert group_seed(7, None) == group_seed(7, np.nan) == group_seed(7, pd.NA) == group_seed(7, pd.NaT)
    day = dt.datetime(2024, 7, 1)
    assert group_seed(7, day) == group_seed(7, pd.Timestamp(day)) == group_seed(7, np.datetime64("2024-07-01"))
    different = [("1",), (1,), (True,), (None,), ("1", None), ("", "1"), (DAY,), (day,), ("2024-07-01",)]
    assert len({group_seed(7, *key) for key in different} | {group_seed(8, "1")}) == len(different) + 1
    with pytest.raises(TypeError, match="not float"):
        group_seed(7, 1.5)


TABLES = st.lists(
    st.tuples(
        st.none() | st.sampled_from(["DE", "FR", "", "ß"]),
        st.none() | st.integers(-2, 2),
        st.integers(-(2**40), 2**40),
        st.none() | st.floats(-1e3, 1e3),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(data=TABLES, seed=st.integers(0, 9))
def test_groups_share_out_all_rows_and_do_not_see_their_order(data, seed):
    def total(group):
        return group.head(1)[["geo", "shop"]].assign(rows=len(group), n=group["n"].sum(), x=group["x"].sum())

    frame = pd.DataFrame(data, columns=["geo", "shop", "n", "x"]).astype(
        {"geo": object, "shop": "Int64", "n": "int64", "x": "float64"}
    )
    schema = "geo STRING, shop BIGINT, rows INT, n BIGINT, x DOUBLE"
    mapped = map_groups(frame, total, ["geo", "shop"], schema, "serial")
    shuffled = map_groups(frame.sample(frac=1, random_state=seed), total, ["geo", "shop"], schema, "serial")

    keys = {(geo, shop) for geo, shop, _, _ in data}
    assert mapped.groups == len(keys) == len(mapped.rows)
    assert (mapped.rows["rows"].sum(), mapped.rows["n"].sum()) == (len(data), sum(row[2] for row in data))
    assert_frame_equal(mapped.rows, shuffled.rows, check_exact=True)
    for row in mapped.rows.astype(object).itertuples():
        geo, shop = (None if pd.isna(cell) else cell for cell in (row.geo, row.shop))
        assert row.n == sum(n for other, place, n, _ in data if (other, place) == (geo, shop))


def test_a_frame_comes_to_spark_through_the_same_gate(spark):
    frame = pd.DataFrame({"n": [1.0, None], "roas": [np.array([0.5, np.nan]), None]})
    rows = to_spark(spark, frame, "n int, roas array<double>").collect()
    assert [(row["n"], row["roas"]) for row in rows] == [(1, [0.5, None]), (None, None)]
    with pytest.raises(ColumnMismatchError, match="`n` should be int32"):
        to_spark(spark, frame.assign(n=[1.5, 2.0]), "n int, roas array<double>")
