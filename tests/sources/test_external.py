import pytest

from pma.sources.external import map_columns, read_source
from pma.sources.purchases import check_dimension
from pma.sources.settings import SourceTable
from pma.sources.tables import PRODUCTS
from pma.tables import TableError

DRIVER = "org.apache.derby.iapi.jdbc.AutoloadedDriver"


@pytest.fixture(scope="module")
def database(spark, tmp_path_factory):
    """The options of a Derby database in memory that has one table, `articles`."""
    # Derby would put its log into the folder the tests run in.
    log = tmp_path_factory.mktemp("derby") / "derby.log"
    spark._jvm.System.setProperty("derby.stream.error.file", str(log))
    options = {"url": "jdbc:derby:memory:articles;create=true", "driver": DRIVER, "dbtable": "articles"}
    rows = spark.createDataFrame(
        [(1, "FOOD", 2.5), (2, None, 0.5), (None, "TOYS", 9.0)], "id int, dept string, p double"
    )
    rows.write.format("jdbc").options(**options).save()
    return options


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


def test_a_file_of_another_format_is_named_with_what_is_wrong(spark, tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_text("id,dept and no parquet")
    with pytest.raises(
        TableError,
        match=r"il\.products: its source cannot be read as parquet: .*rows\.parquet \(.*not a Parquet file.*"
        r"Fix: sources\.products",
    ):
        read_source(spark, SourceTable(path=str(path)), "il.products")


def test_a_table_of_a_database_is_read_and_mapped(spark, database):
    columns = {"product_id": "id", "department": "lower(dept)"}
    source = SourceTable(format="jdbc", options=database, columns=columns)
    mapped = map_columns(read_source(spark, source, PRODUCTS.name), source, PRODUCTS)
    nothing = (None, None, None, None)
    assert sorted(map(tuple, mapped.collect()), key=str) == [
        ("1", "food", *nothing, (1, "food")),
        ("2", None, *nothing, (2, None)),
        (None, "toys", *nothing, (None, "toys")),
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dbtable": "no_such_table"}, r"no_such_table \(.*Table/View 'NO_SUCH_TABLE' does not exist"),
        ({"url": "jdbc:derby:memory:nowhere;password=hush"}, r"articles \(.*Database 'memory:nowhere' not found"),
        ({"driver": "no.such.Driver"}, r"articles \(java\.lang\.ClassNotFoundException: no\.such\.Driver"),
    ],
    ids=["table", "database", "driver"],
)
def test_a_database_that_cannot_be_read_is_refused_with_the_settings_to_fix_and_no_password(
    spark, database, options, said
):
    source = SourceTable(format="jdbc", options={**database, **options}, columns={"product_id": "id"})
    with pytest.raises(
        TableError,
        match=rf"^il\.products: its source cannot be read as jdbc: {said}\.?\)\. "
        r"Fix: sources\.products\.options \(url, driver, dbtable or query, user, password\)$",
    ) as refusal:
        read_source(spark, source, PRODUCTS.name)
    assert "hush" not in str(refusal.value)


def test_messages_of_another_section_of_the_settings_name_it(spark):
    with pytest.raises(TableError, match=r"Fix: set feeds\.listings\.path"):
        read_source(spark, SourceTable(), "il.listings", "feeds")
    raw = spark.createDataFrame([("p1",)], "id string")
    with pytest.raises(TableError, match=r"the source lacks columns of feeds\.products\.columns"):
        map_columns(raw, SourceTable(columns={"product_id": "no_such"}), PRODUCTS, section="feeds")


def test_snowflake_is_asked_by_its_connector_with_a_login_that_no_message_shows(spark, monkeypatch):
    options = {"url": "acme.snowflakecomputing.com", "sfDatabase": "M", "sfWarehouse": "S", "dbtable": "LISTINGS"}
    source = SourceTable(format="snowflake", options=options)
    monkeypatch.delenv("SNOWFLAKE_USER", raising=False)
    with pytest.raises(
        TableError, match=r"^feeds\.listings: no user\. Fix: set the environment variable SNOWFLAKE_USER"
    ):
        read_source(spark, source, "il.listings", "feeds")
    monkeypatch.setenv("SNOWFLAKE_USER", "PMA")
    monkeypatch.setenv("SNOWFLAKE_PASSWORD", "hush")
    # Its jar is not here: the reader that was asked for is named.
    for form, asked in (("snowflake", r"net\.snowflake\.spark"), ("snowflake_jdbc", r"net\.snowflake\.client\.jdbc")):
        with pytest.raises(TableError, match=rf"cannot be read as {form}: LISTINGS \(.*{asked}") as refusal:
            read_source(spark, source.model_copy(update={"format": form}), "il.listings", "feeds")
        assert "hush" not in str(refusal.value)
