"""What a table promises: name, grain, key, columns with comments, checks. Rooms declare theirs in their `tables.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import Field

from pma.section import Section

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

LAYERS = ("st_il", "il", "bl", "truth")


class TableError(Exception):
    """A table's promise is broken; the message names the table, the key or column, and the fix."""


class WarehouseSettings(Section):
    """Where tables live: a folder of Delta tables, or a catalog."""

    path: str | None = Field("warehouse", description="folder of <layer>/<table>; null: tables of the catalog")
    catalog: str | None = Field(
        None,
        pattern="^[A-Za-z0-9_]+$",
        description="Unity Catalog name, of letters, digits and _; tables are catalog.layer.table",
    )
    schema_prefix: str = Field(
        "",
        pattern="^[A-Za-z0-9_]*$",
        description="put before each layer's name in a catalog, so that several people share one; folders ignore it",
    )
    optimize_min_files: int = Field(8, ge=2, description="maintenance compacts a table of at least so many files")
    vacuum_hours: int = Field(168, ge=168, description="maintenance deletes files unused for so long (a week or more)")


@dataclass(frozen=True)
class Column:
    """One column: Spark SQL type, and a comment that names the unit where there is one."""

    name: str
    type: str
    comment: str
    required: bool = False


@dataclass(frozen=True)
class TableSpec:
    """The contract of one table: what a row is, its key, its columns, and what every row satisfies."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    checks: Mapping[str, str] = field(default_factory=dict)
    cluster_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        unknown = [name for name in (*self.key, *self.cluster_by) if name not in names]
        if self.layer not in LAYERS or unknown or len(set(names)) != len(names):
            raise TableError(f"{self.name}: layer must be one of {LAYERS}, key and clustering be columns ({unknown})")

    @property
    def layer(self) -> str:
        """The schema (database) of the table."""
        return self.name.split(".")[0]

    @property
    def table(self) -> str:
        """The name inside its layer."""
        return self.name.split(".", 1)[1]

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that are never null: the key and those declared so."""
        return tuple(c.name for c in self.columns if c.required or c.name in self.key)

    @cached_property
    def schema(self) -> StructType:
        """The Spark schema, in declared order; inner fields of arrays and structs are nullable."""
        from pyspark.sql.types import DataType, StructType

        parsed = DataType.fromDDL(", ".join(f"`{column.name}` {column.type}" for column in self.columns))
        assert isinstance(parsed, StructType)
        for column in parsed.fields:
            column.nullable = column.name not in self.required
        return parsed


def conform(frame: DataFrame, spec: TableSpec) -> DataFrame:
    """Select the declared columns in the declared order and types.

    Raises TableError when a declared column is missing, an undeclared one is there, or a type differs: nothing is cast
    in silence.
    """
    found = {column.name: column.dataType.simpleString() for column in frame.schema}
    declared = {column.name: column.dataType.simpleString() for column in spec.schema}
    missing = [name for name in declared if name not in found]
    extra = [name for name in found if name not in declared]
    wrong = [f"{n} is {found[n]}, declared {t}" for n, t in declared.items() if n in found and found[n] != t]
    if missing or extra or wrong:
        parts = [f"missing {missing}" if missing else "", f"undeclared {extra}" if extra else "", "; ".join(wrong)]
        raise TableError(
            f"{spec.name}: the frame differs from the declared columns: {'; '.join(p for p in parts if p)}. "
            "Fix: change the transform, or declare the change in the room's tables.py"
        )
    return frame.select(*declared)


def require_unique(frame: DataFrame, spec: TableSpec) -> None:
    """Raise TableError, with up to three examples, when two rows of the frame share the table's key."""
    from pyspark.sql import functions as F

    twice = frame.groupBy(*spec.key).agg(F.count("*").alias("rows")).where("rows > 1").limit(3).collect()
    if twice:
        examples = "; ".join(", ".join(f"{k}={row[k]}" for k in spec.key) for row in twice)
        raise TableError(
            f"{spec.name}: key {spec.key} is not unique, for example {examples}. Fix: aggregate to the key"
        )


def document(specs: Iterable[TableSpec]) -> str:
    """Return the page `docs/tables.md`: one section per table, from the declarations alone."""
    lines = ["# Tables", "", "Generated from the declarations in the rooms' `tables.py`: `make docs`.", ""]
    for spec in sorted(specs, key=lambda s: (LAYERS.index(s.layer), s.table)):
        lines += [f"## {spec.name}", "", f"One row per {spec.grain}. Key: {', '.join(f'`{k}`' for k in spec.key)}.", ""]
        lines += ["| column | type | null | meaning |", "|---|---|---|---|"]
        for column in spec.columns:
            null = "no" if column.name in spec.required else "yes"
            lines.append(f"| `{column.name}` | {column.type} | {null} | {column.comment} |")
        lines += [""] + [f"- check `{name}`: `{condition}`" for name, condition in spec.checks.items()]
        if spec.cluster_by:
            lines.append(f"- clustered by {', '.join(f'`{c}`' for c in spec.cluster_by)}")
        if lines[-1]:
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"
