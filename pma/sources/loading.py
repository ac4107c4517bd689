"""The feeds of marketing, read and landed: a table, or all exports and sheets in one frame of rows of spend."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from pma.sources.exports import read_exports
from pma.sources.external import read_mapped
from pma.sources.google_sheets import fetch_drive
from pma.sources.landing import land
from pma.sources.platforms import PlatformRules
from pma.sources.purchases import check_dimension
from pma.sources.settings import FeedSettings
from pma.sources.sheets import Kinds, Sheets, read_sheets
from pma.tables import TableSpec
from pma.warehouse import Warehouse

SECTION = "feeds"


def read_feed(spark: SparkSession, feeds: FeedSettings, spec: TableSpec) -> DataFrame:
    """Return the mapped rows of a table's feed. Raises TableError as `read_mapped` does, naming the setting."""
    return read_mapped(spark, feeds, spec, section=SECTION)


def land_feed(
    tables: Warehouse, feeds: FeedSettings, spec: TableSpec, judged: DataFrame, source: str | None = None
) -> None:
    """Land judged rows of a feed. Raises TableError as `land` does, naming `feeds.<source>` or the table's own feed."""
    land(tables, spec, judged, feeds.max_refused_share, section=SECTION, source=source)


def load_dimension(tables: Warehouse, feeds: FeedSettings, spec: TableSpec) -> None:
    """Read, judge and land a table whose rows stand for themselves: exchange rates, lift tests."""
    land_feed(tables, feeds, spec, check_dimension(read_feed(tables.spark, feeds, spec), spec))


def read_spend(spark: SparkSession, feeds: FeedSettings, rules: PlatformRules, currency: str, kinds: Kinds) -> Sheets:
    """Read exports and sheets, those of Google Drive too where the settings name a folder there.

    `currency` and `kinds` as `read_sheets` wants them. Returns the rows of spend of both, and the sheets' context.
    """
    if feeds.drive:
        fetch_drive(feeds.drive, str(feeds.sheets))
    exports = read_exports(spark, str(feeds.exports), rules, feeds.export_tables)
    sheets = read_sheets(spark, str(feeds.sheets), rules, currency, kinds)
    return Sheets(spend=exports.unionByName(sheets.spend), context=sheets.context)
