"""The tables of planning."""

from pma.tables import Column, TableSpec

RUN = Column("run_id", "string", "the run that wrote the row, see bl.runs", required=True)
ORIGIN = Column(
    "data_origin", "string", "where the rows come from; a simulated marketplace is called one", required=True
)

UPLOAD_BRIDGE = TableSpec(
    name="bl.upload_bridge",
    grain="run x origin x destination country: what an upload becomes within the horizon",
    key=("run_id", "origin_country", "destination_country"),
    columns=(
        Column("origin_country", "string", "where it is uploaded"),
        Column("destination_country", "string", "where the buyer is"),
        Column("uploads", "bigint", "uploads of the origin that were watched", required=True),
        Column("orders", "bigint", "of them sold here so far", required=True),
        Column("horizon_days", "int", "days after an upload whose sales count", required=True),
        Column("orders_per_upload", "double", "uploads that sell here within the horizon, share", required=True),
        Column("orders_per_upload_p05", "double", "lower end of its 90 % interval", required=True),
        Column("orders_per_upload_p95", "double", "upper end of it", required=True),
        Column("value_per_order", "double", "mean value less refunds, reporting currency", required=True),
        Column("gmv_per_upload", "double", "value that an upload makes here within the horizon", required=True),
        Column("p05", "double", "lower end of the 90 % interval of gmv_per_upload", required=True),
        Column("p95", "double", "upper end of it", required=True),
        Column("median_lag_days", "double", "days from upload to order, of those that sell here; null: none did"),
        ORIGIN,
        RUN,
    ),
    checks={"a_share_is_one": "orders_per_upload >= 0 AND orders_per_upload <= 1"},
    cluster_by=("origin_country",),
)

TABLES = (UPLOAD_BRIDGE,)
