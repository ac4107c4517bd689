"""Views: SQL over tables for one audience each, as rules in `conf/rules/views.yml`."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml
from pydantic import Field, ValidationError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from pma.section import Section
from pma.spark import cause, literal
from pma.tables import LAYERS, TableError, WarehouseSettings

logger = logging.getLogger(__name__)

FILE = "views.yml"
NAME = rf"^({'|'.join(LAYERS)})\.\w+$"


class View(Section):
    """One view: its name as analysts write it, whom it is for, the tables that it reads, and its query."""

    name: str = Field(pattern=NAME)
    audience: str
    reads: tuple[str, ...] = Field(min_length=1)
    sql: str


class ViewRules(Section):
    """All views, in the order in which they are made."""

    version: int
    views: tuple[View, ...]


def read_views(rules: str | Path) -> tuple[View, ...]:
    """Read `views.yml` in the folder of rules; a folder without the file has no views.

    Raises TableError with the file and the fault.
    """
    path = Path(rules) / FILE
    if not path.exists():
        return ()
    try:
        return ViewRules.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).views
    except (yaml.YAMLError, ValidationError) as fault:
        raise TableError(
            f"views: {path} is not a list of views. Fix: give version and views (name, audience, reads, sql): {fault}"
        ) from fault


def full_name(settings: WarehouseSettings, name: str) -> str:
    """Return the name that SQL knows a table or view by: in a catalog with catalog and prefix, in a folder as it is."""
    layer, table = name.split(".", 1)
    if settings.path is not None:
        return f"`{layer}`.`{table}`"
    catalog = f"`{settings.catalog}`." if settings.catalog else ""
    return f"{catalog}`{settings.schema_prefix}{layer}`.`{table}`"


def statement(settings: WarehouseSettings, view: View) -> str:
    """Return the statement that makes the view in this warehouse."""
    sql = view.sql.strip().rstrip(";")
    for name in view.reads:
        sql = re.sub(rf"(?<![\w.`]){re.escape(name)}(?![\w`])", full_name(settings, name), sql)
    comment = literal(f"for {view.audience}")
    return f"CREATE OR REPLACE VIEW {full_name(settings, view.name)} COMMENT {comment} AS\n{sql}"


def readable(spark: SparkSession, settings: WarehouseSettings, views: Iterable[View]) -> list[View]:
    """Return the views of which every table is there, by its name."""

    def there(name: str) -> bool:
        return spark.catalog.tableExists(full_name(settings, name).replace("`", ""))

    return [view for view in views if all(there(name) for name in view.reads)]


def create_views(spark: SparkSession, settings: WarehouseSettings, views: Sequence[View]) -> list[str]:
    """Make, or make anew, every view whose tables are there, and return their names.

    A folder's tables must have their names already, see `pma.query.register`. Raises TableError, by the view's name,
    where Spark does not take its SQL.
    """
    made = []
    for view in readable(spark, settings, views):
        try:
            spark.sql(statement(settings, view))
        except PySparkException as error:
            raise TableError(
                f"{view.name}: the view was not made: {cause(error)}. Fix: its SQL in {FILE}, or run the jobs that "
                f"write {', '.join(view.reads)}"
            ) from error
        made.append(view.name)
    logger.info("views: %s", ", ".join(made) or "none, their tables are not there")
    return made
