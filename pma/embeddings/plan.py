"""Which model a run works on, and for which dates: the same answer in every job of the workflow."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.embeddings.history import before
from pma.embeddings.settings import NO_SAY, EmbeddingSettings
from pma.settings import Settings, digest
from pma.sources.tables import CUSTOMERS, PRODUCTS, PURCHASES, STORES
from pma.tables import TableError
from pma.warehouse import Warehouse, fingerprint

logger = logging.getLogger(__name__)

# Part of every model's version: raise it when the same rows and settings give other vectors.
ALGORITHM = 1
# The files of rules that a model is made with.
RULES = ("receipt_words.yml", "standin_states.yml")
# Dates that probes learn at, where no as-of date is asked for.
PROBED_DATES = 3
# Of the rows before a date, by ids and versions of the tables: the jobs of one process all ask for the same.
FINGERPRINTS: dict[tuple[date, tuple[tuple[str, int], ...]], tuple[str, ...]] = {}


@dataclass(frozen=True)
class Plan:
    """One model and the dates it is trained on and used for."""

    model_version: str
    input_hash: str
    trained_as_of: date
    training_dates: tuple[date, ...]
    as_of_dates: tuple[date, ...]
    measured_with: str

    @property
    def feature_dates(self) -> tuple[date, ...]:
        """Every date that needs purchase metrics."""
        return tuple(sorted({*self.training_dates, *self.as_of_dates}))

    @property
    def block_dates(self) -> tuple[date, ...]:
        """Every date that needs blocks: whitening is fitted on those of the training date."""
        return tuple(sorted({self.trained_as_of, *self.as_of_dates}))

    def folder(self, artifacts: str) -> Path:
        """Return the folder of the model's files."""
        return Path(artifacts).resolve() / self.model_version

    def measured(self, features: DataFrame) -> DataFrame:
        """Return the purchase metrics that were measured with these settings. Raises TableError if a date has none."""
        same = features.where(F.col("measured_with") == self.measured_with)
        found = {row["as_of_date"] for row in same.select("as_of_date").distinct().collect()}
        if lacking := [str(day) for day in self.feature_dates if day not in found]:
            raise TableError(
                f"st_il.customer_features: no row of {', '.join(lacking)} was measured with the present settings of "
                f"embeddings.features (measured_with = {self.measured_with}). "
                "Fix: run jobs/features.py with the same settings and dates first"
            )
        return same

    @property
    def where(self) -> str:
        """The condition that names the model's rows in any table."""
        return f"model_version = '{self.model_version}'"

    def stamp(self, frame: DataFrame) -> DataFrame:
        """Add the model's version to rows made for it."""
        return frame.withColumn("model_version", F.lit(self.model_version))


def make_plan(tables: Warehouse, settings: Settings) -> Plan:
    """Take dates from the settings, else from the purchases, and the model's version from settings and training rows.

    The version is equal for equal settings (but for those without a say in vectors) and equal rows before the training
    date, whatever came after and however often the rows were loaded. Raises TableError when no purchase lies before
    the training date.
    """
    purchases = tables.read(PURCHASES)
    # As dates, in the session's zone: a timestamp reaches Python in the zone of the machine.
    first, last = purchases.agg(F.to_date(F.min("purchased_at")), F.to_date(F.max("purchased_at"))).collect()[0]
    if last is None:
        raise TableError("il.purchases: has no rows. Fix: load purchases first (jobs/load.py)")
    room = settings.embeddings
    as_of = tuple(sorted(settings.as_of)) or _derived_dates(first, last, room)
    trained = room.trained_as_of or as_of[0]
    if trained > as_of[0]:
        raise TableError(
            f"bl.customer_embeddings: as_of {as_of[0]} lies before embeddings.trained_as_of {trained}: the model "
            "would have seen what came after it. Fix: train at the earliest as-of date, or ask for later dates"
        )
    if first >= trained:
        raise TableError(f"il.purchases: no purchase before {trained}, the first is of {first}. Fix: a later --as-of")
    past = before(purchases, trained)
    # Of a dimension only what was bought, or who bought, before: a product that is new later makes no new model.
    dimensions = ((PRODUCTS, "product_id"), (STORES, "store_id"), (CUSTOMERS, "customer_id"))
    known = [tables.read(spec).join(past, on=key, how="left_semi") for spec, key in dimensions]
    rules = [_read_rules(Path(settings.rules, name)) for name in RULES]
    specs = (PURCHASES, *(spec for spec, _ in dimensions))
    read = tuple((tables.table_id(spec), tables.read_versions[spec.name]) for spec in specs)
    if (trained, read) not in FINGERPRINTS:
        FINGERPRINTS[trained, read] = tuple(fingerprint(frame) for frame in (past, *known))
    input_hash = _short("|".join([*FINGERPRINTS[trained, read], *rules]))
    version = f"{trained:%Y%m%d}-{_short(f'{ALGORITHM}|{digest(room, exclude=NO_SAY)}|{trained}|{input_hash}')}"
    measured_with = digest(room.features, exclude=NO_SAY["features"])
    plan = Plan(version, input_hash, trained, _training_dates(trained, first, room), as_of, measured_with)
    logger.info("model %s, trained before %s, for %s", version, trained, ", ".join(map(str, as_of)))
    if early := [str(day) for day in as_of if day > last + timedelta(days=1)]:
        logger.warning(
            "il.purchases: ends on %s, before as_of %s: vectors are written once, so receipts that come later will not "
            "be in them. Fix: ask for such dates when their receipts are loaded",
            last,
            ", ".join(early),
        )
    return plan


def _derived_dates(first: date, last: date, room: EmbeddingSettings) -> tuple[date, ...]:
    """The day after the last purchase; and those before it that measures need, as far as there is history for them.

    Vectors are judged at the latest date whose label weeks are over, by probes that learned at earlier ones.
    """
    newest = last + timedelta(days=1)
    begin = room.trained_as_of or first + timedelta(days=room.training_min_days + 1)
    weeks = timedelta(weeks=room.penetration.label_weeks)
    earlier = (newest - weeks * step for step in range(1, PROBED_DATES + 2))
    return tuple(sorted([newest, *(day for day in earlier if day >= begin)]))


def _read_rules(path: Path) -> str:
    if not path.exists():
        raise TableError(f"bl.embedding_models: no {path}, a part of every model. Fix: set `rules` in the settings")
    return path.read_text(encoding="utf-8")


def _training_dates(trained: date, first: date, room: EmbeddingSettings) -> tuple[date, ...]:
    """Rolling dates back from the training date, as many as there is history for; the training date always."""
    steps = range(room.training_dates)
    days = [trained - timedelta(days=room.training_step_days * step) for step in steps]
    return tuple(sorted(day for day in days if day == trained or day > first + timedelta(days=room.training_min_days)))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
