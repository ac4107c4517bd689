"""One body of tests over the four engines. Worker functions stand inside the tests, so that they travel by value."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pma.parallel import ENGINES, ParallelSettings, group_seed, map_groups

PANEL = "geo STRING, week DATE, seen TIMESTAMP, visits BIGINT, paused BOOLEAN, spend DOUBLE, curve ARRAY<DOUBLE>"
MONDAY, NEXT = dt.date(2024, 1, 1), dt.date(2024, 1, 8)
NOON = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)
BIG = 2**53 + 1  # a float would lose the last digit
PANEL_ROWS = [
    ("DE", NEXT, NOON, None, True, 2.0, [3.0, None]),
    ("FR", MONDAY, None, 5, None, None, None),
    ("DE", MONDAY, NOON, BIG, None, 1.5, [1.0, 2.0]),
    (None, MONDAY, NOON, 7, False, 4.0, []),
    ("IT", None, NOON, 1, False, 0.5, [9.0]),
]


@pytest.fixture(scope="module")
def panel(spark):
    return spark.createDataFrame(PANEL_ROWS, PANEL).repartition(2)


def frame_of(columns):
    """A frame of (dtype, values) per column."""
    return pd.DataFrame({name: pd.Series(values, dtype=dtype) for name, (dtype, values) in columns.items()})


def test_every_engine_returns_the_rows_as_worked_out_by_hand(panel, engine, run):
    def last_week(frame):
        last = frame.tail(1)
        total = int(frame["visits"].sum())  # of nullable whole numbers: exact
        curve = None if frame["geo"].isna().any() else [len(frame), total % 10]
        return last.assign(visits=total if total != 5 else None, curve=[curve])

    rows, errors, groups = run(panel, last_week, "geo", PANEL, engine)

    expected = frame_of(
        {
            "geo": (object, ["DE", "FR", "IT", None]),
            "week": (object, [NEXT, MONDAY, None, MONDAY]),
            "seen": ("datetime64[us]", ["2024-01-01 12:00", None, "2024-01-01 12:00", "2024-01-01 12:00"]),
            "visits": ("Int64", [BIG, None, 1, 7]),
            "paused": ("boolean", [True, None, False, False]),
            "spend": ("float64", [2.0, None, 0.5, 4.0]),
            "curve": (object, [np.array([2.0, 3.0]), np.array([1.0, 5.0]), np.array([1.0, 1.0]), None]),
        }
    )
    assert_frame_equal(rows, expected, check_exact=True)
    assert (len(errors), groups) == (0, 4)


def test_every_engine_shows_the_function_the_same_types_and_row_order(panel, engine, run):
    def describe(frame):
        types = ", ".join(f"{name} {dtype}" for name, dtype in frame.dtypes.items())
        cells = "|".join(repr(cell) for cell in frame.drop(columns="geo").iloc[0])
        return pd.DataFrame({"geo": frame["geo"].head(1), "types": [types], "first": [cells]})

    rows, errors, _ = run(panel, describe, "geo", "geo STRING, types STRING, first STRING", engine)

    types = "geo object, week object, seen datetime64[us], visits Int64, paused boolean, spend float64, curve object"
    assert list(rows["types"]) == [types] * 4, errors
    assert rows["first"][0] == (
        "datetime.date(2024, 1, 1)|Timestamp('2024-01-01 12:00:00')|"
        "np.int64(9007199254740993)|<NA>|np.float64(1.5)|array([1., 2.])"
    )


def test_random_numbers_and_sums_are_equal_to_the_last_digit(spark, engine, run):
    def draw(frame):
        shop = frame["shop"].iloc[0]
        noise = np.random.default_rng(group_seed(7, shop)).normal(size=(200, 200))
        return pd.DataFrame({"shop": [shop], "value": [float((noise @ noise.T).sum() * frame["spend"].sum())]})

    frame = spark.range(60).selectExpr("cast(id % 6 as int) shop", "1 / (id + 1) spend")
    schema = "shop INT, value DOUBLE"
    truth, _, _ = run(frame, draw, "shop", schema, "serial")
    rows, errors, _ = run(frame.orderBy("spend"), draw, "shop", schema, engine)

    assert_frame_equal(rows, truth, check_exact=True)
    assert list(rows["shop"]) == [0, 1, 2, 3, 4, 5]
    assert rows["value"].nunique() == 6
    assert errors.empty


def test_a_group_that_fails_is_an_error_row_and_the_others_land(spark, engine, run):
    def work(frame):
        geo = frame["geo"].iloc[0]
        if geo == "raises":
            raise ValueError(f"no data for {geo}")
        if geo == "exits":
            raise SystemExit(3)
        if geo == "nothing":
            return None
        out = pd.DataFrame({"geo": [geo], "total": [frame["spend"].sum()]})
        if geo == "misnamed":
            out = out.rename(columns={"total": "sum"})
        if geo == "mistyped":
            out["total"] = "much"
        return out

    geos = ["raises", "DE", "nothing", "misnamed", "FR", "mistyped", "exits"]
    frame = spark.createDataFrame([(geo, 2.0 * place) for place, geo in enumerate(geos)], "geo STRING, spend DOUBLE")
    rows, errors, groups = run(frame, work, "geo", "geo STRING, total DOUBLE", engine)

    assert_frame_equal(rows, pd.DataFrame({"geo": ["DE", "FR"], "total": [2.0, 8.0]}))
    assert groups == 7
    said = [tuple(row) for row in errors[["geo", "error_type", "message", "attempts"]].to_numpy()]
    mistyped = errors.set_index("geo").loc["mistyped", "message"]
    missing = "columns missing: `total`; not in the schema: `sum`; the schema wants `geo`, `total`"
    assert said == [
        ("exits", "SystemExit", "3", 1),
        ("misnamed", "ColumnMismatchError", missing, 1),
        ("mistyped", "ColumnMismatchError", mistyped, 1),
        ("nothing", "ColumnMismatchError", "the function returned NoneType, not a pandas DataFrame", 1),
        ("raises", "ValueError", "no data for raises", 1),
    ]
    assert mistyped.startswith("column `total` should be double, found object: ")
    assert errors["traceback"].iloc[-1].rstrip().endswith("ValueError: no data for raises")
    assert list(errors.dtypes.astype(str)) == ["object", "object", "object", "object", "float64", "Int32"]
    assert errors["seconds"].between(0, 60).all()


def test_an_empty_frame_gives_empty_frames_with_the_right_columns(panel, engine, run):
    rows, errors, groups = run(panel.filter("1 = 0"), lambda frame: frame, "geo", PANEL, engine)

    types = ["object", "object", "datetime64[us]", "Int64", "boolean", "float64", "object"]
    assert dict(rows.dtypes.astype(str)) == dict(zip(panel.columns, types, strict=True))
    assert list(errors.columns) == ["geo", "error_type", "message", "traceback", "seconds", "attempts"]
    assert (len(rows), len(errors), groups) == (0, 0, 0)


def test_several_key_columns_with_nulls_make_the_groups_that_sql_makes(spark, engine, run):
    def count(frame):
        if frame["spend"].sum() > 50:
            raise OverflowError("too much")
        return frame.head(1)[["geo", "week"]].assign(rows=len(frame), spend=frame["spend"].sum())

    data = [
        ("DE", MONDAY, 1),
        ("DE", MONDAY, 2),
        ("DE", None, 4),
        (None, MONDAY, 8),
        (None, None, 16),
        (None, None, 32),
    ]
    data += [("DE", NEXT, 51), ("AT", None, 52)]
    frame = spark.createDataFrame(data, "geo STRING, week DATE, spend INT")
    rows, errors, groups = run(frame, count, ("geo", "week"), "geo STRING, week DATE, rows INT, spend BIGINT", engine)

    expected = frame_of(
        {
            "geo": (object, ["DE", "DE", None, None]),
            "week": (object, [MONDAY, None, MONDAY, None]),
            "rows": ("Int32", [2, 1, 1, 2]),
            "spend": ("Int64", [3, 4, 8, 48]),
        }
    )
    assert_frame_equal(rows, expected)
    assert [tuple(row) for row in errors[["geo", "week", "message"]].to_numpy()] == [
        ("AT", None, "too much"),
        ("DE", NEXT, "too much"),
    ]
    assert groups == 6


def test_workers_have_one_thread_for_linear_algebra(spark, engine, run):
    def threads(frame):
        from threadpoolctl import threadpool_info

        pools = [pool["num_threads"] for pool in threadpool_info()]
        return pd.DataFrame({"id": frame["id"], "pools": [len(pools)], "most": [max(pools)]})

    rows, errors, _ = run(spark.range(2), threads, "id", "id BIGINT, pools INT, most INT", engine)

    assert errors.empty
    assert (rows["pools"] > 0).all()
    assert (rows["most"] == 1).all()


def test_each_group_is_computed_once_however_often_the_rows_are_read(spark, engine, tmp_path):
    notes = tmp_path / "calls"

    def note(frame):
        with notes.open("a") as file:
            file.write(f"{frame['id'].iloc[0]}\n")
        if frame["id"].iloc[0] == 3:
            raise ValueError
        return frame

    mapped = map_groups(spark.range(5), note, "id", "id BIGINT", engine, ParallelSettings(partitions=2))
    if engine == "pandas_udf":
        assert (mapped.rows.count(), mapped.rows.agg({"id": "sum"}).first()[0]) == (4, 7)
        assert sorted(row.id for row in mapped.rows.collect()) == [0, 1, 2, 4]
    mapped.release()

    assert sorted(notes.read_text().split()) == ["0", "1", "2", "3", "4"]
    assert (mapped.groups, mapped.failed) == (5, 1)


@pytest.mark.parametrize("name", [name for name in ENGINES if name != "pandas_udf"])
def test_a_pandas_frame_works_where_no_spark_is(name, request, run):
    if name == "ray":
        request.getfixturevalue("ray_cluster")
    frame = pd.DataFrame(
        {
            "geo": pd.Categorical(["b", "a", "b"]),
            "at": pd.to_datetime(["2024-03-01 01:00"] * 3).tz_localize("Europe/Berlin"),
            "n": [1, 2, 3],
        }
    )
    rows, _, _ = run(frame, lambda group: group.tail(1), "geo", "n SMALLINT, at TIMESTAMP, geo STRING", name)

    at = pd.Series(pd.to_datetime(["2024-03-01"] * 2)).astype("datetime64[us]")
    assert_frame_equal(rows, pd.DataFrame({"n": pd.Series([2, 3], dtype="Int16"), "at": at, "geo": ["a", "b"]}))


def test_pandas_udf_refuses_what_it_cannot_do(panel):
    with pytest.raises(ValueError, match=r"needs a Spark frame: pass spark.createDataFrame"):
        map_groups(pd.DataFrame({"a": [1]}), lambda frame: frame, "a", "a BIGINT", "pandas_udf")
    with pytest.raises(ValueError, match="has no on_result"):
        map_groups(panel, lambda frame: frame, "geo", PANEL, "pandas_udf", on_result=lambda key, rows: None)


@pytest.mark.parametrize("name", ["serial", "pandas_udf"])
@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("region", "key `region` is no column of the frame: geo, week, seen"),
        ("spend", "key `spend` is double: keys are strings, whole numbers"),
        ("curve", "key `curve` is list"),
        ((), "name one or several columns"),
        (("geo", "geo"), "each once"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused(panel, name, key, said):
    with pytest.raises(ValueError, match=said):
        map_groups(panel, lambda frame: frame, key, PANEL, name)


def test_an_unknown_engine_is_refused_by_name(panel):
    with pytest.raises(ValueError, match="engine 'dask' is none of serial, joblib, pandas_udf, ray"):
        map_groups(panel, lambda frame: frame, "geo", PANEL, "dask")
