"""Tables by hand, written by delta-rs: a job reads them as if another had written them, and no Spark writes them."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
from deltalake import write_deltalake
from pyspark.sql.pandas.types import to_arrow_schema

BLANK = {"string": "said", "date": date(2026, 11, 1), "int": 0, "bigint": 0, "double": 0.0, "boolean": True}


def write_rows(warehouse, spec, frame, **said):
    """Write a table of a folder; `said` is of every row, and what is required and not told is blank.

    A session of Spark has to be there: it knows the types of columns.
    """
    told = [{**row, **said} for row in frame.to_dict("records")]
    full = [{column.name: _value(spec, column, row.get(column.name)) for column in spec.columns} for row in told]
    table = pa.Table.from_pylist(full, schema=to_arrow_schema(spec.schema))
    write_deltalake(str(warehouse / spec.layer / spec.table), table, mode="overwrite")


def _value(spec, column, value):
    if isinstance(value, dict):
        return list(value.items())
    if value is None or (isinstance(value, float) and value != value):
        return BLANK.get(column.type, Decimal(0)) if column.name in spec.required else None
    return value
