"""The tables of the cross-validation."""

from pma.mmm.tables import GEO, GEO_LEVEL, ORIGIN, RUN, TARGET
from pma.tables import Column, TableSpec

CANDIDATE = Column("candidate", "string", "the model that is tried; model: mmm.model; seasonal_naive: last year's week")
# What a fold says of itself, beside its key: in the table that folds land in and in the one that people read.
_OF_FOLD = (
    Column("settings", "string", "what of mmm.model the candidate changes, as JSON; null: it is no model"),
    Column("cutoff", "date", "Monday of the first week that is forecast; weeks before it are learned from"),
    Column("train_weeks", "int", "weeks that were learned from"),
    Column("holdout_weeks", "int", "weeks that were forecast and are known; their spend, context and events are given"),
    Column("status", "string", "ok or failed", required=True),
    Column("message", "string", "why it failed, in words; null: it did not"),
    Column("parameters", "int", "numbers that the model estimates"),
    Column("mape", "double", "mean absolute error of the forecast, share of the target"),
    Column("crps", "double", "error of the forecast as a distribution (CRPS), in usual weeks; smaller is better"),
    Column("coverage_90", "double", "share of forecast weeks inside their 90 % interval"),
    Column("rhat_max", "double", "largest R-hat of all parameters; 1: chains agree"),
    Column("divergences", "int", "draws at which the sampler lost its way"),
    Column("engine", "string", "where it was fitted: serial, joblib, pandas_udf, ray"),
    Column("seconds", "double", "time of the fold, s"),
    Column("peak_rss_mb", "double", "largest memory of its worker so far, MiB"),
)
_FOLD_KEY = ("geo_level", "geo", "target", "candidate", "fold")
_FOLD_COLUMNS = (GEO_LEVEL, GEO, TARGET, CANDIDATE, Column("fold", "int", "number of the fold, from 1, in time"))

MMM_FOLDS = TableSpec(
    name="st_il.mmm_folds",
    grain="fold of a candidate that has ended well or not: what a job that was killed need not do again",
    key=("fold_id",),
    columns=(
        Column("fold_id", "string", "digest of model, settings, weeks and data"),
        *_FOLD_COLUMNS,
        *_OF_FOLD,
        Column("channels", "array<string>", "paid channels in the model", required=True),
        Column("roas", "array<double>", "their ROAS over the weeks before the first fold's cutoff; null: no spend"),
        Column("weights", "array<double>", "their shares of the usual budget, split so that it brings the most"),
        ORIGIN,
        RUN,
    ),
    cluster_by=("geo_level", "geo"),
)

MMM_VALIDATION = TableSpec(
    name="bl.mmm_validation",
    grain="run x geo x target x candidate x fold",
    key=("run_id", *_FOLD_KEY),
    columns=(
        *_FOLD_COLUMNS,
        *_OF_FOLD,
        Column("roas_change", "double", "median over channels of the change of ROAS since the fold before, a share"),
        Column("turnover", "double", "share of the budget that the best split moves since the fold before"),
        Column("fold_id", "string", "digest of model, settings, weeks and data; null: it did not end"),
        ORIGIN,
        RUN,
    ),
    checks={"status_is_known": "status IN ('ok', 'failed')"},
    cluster_by=("geo", "target"),
)

MMM_SELECTION = TableSpec(
    name="bl.mmm_selection",
    grain="run x geo x target",
    key=("run_id", "geo_level", "geo", "target"),
    columns=(
        GEO_LEVEL,
        GEO,
        TARGET,
        Column("candidate", "string", "the model that is chosen; null: none could be"),
        Column("settings", "string", "what of mmm.model it changes, as JSON"),
        Column("reason", "string", "why this one, in words", required=True),
        Column("folds", "int", "folds that all compared candidates have a score of"),
        Column("compared", "int", "candidates that have a score of all of these folds"),
        Column("left_out", "array<string>", "candidates that have not"),
        Column("crps", "double", "mean over folds of the chosen one's error, in usual weeks"),
        Column("mape", "double", "the same of its MAPE, share of the target"),
        Column("coverage_90", "double", "share of its forecast weeks inside their 90 % interval"),
        Column("best", "string", "the candidate of the smallest error"),
        Column("best_crps", "double", "its mean error, in usual weeks"),
        Column("best_standard_error", "double", "standard error of that mean over folds; null: one fold"),
        Column("difference", "double", "mean error of the chosen one less that of the best"),
        Column("difference_standard_error", "double", "its standard error over folds, paired; null: one fold"),
        Column("naive_crps", "double", "mean error of the forecast by last year's week"),
        ORIGIN,
        RUN,
    ),
    cluster_by=("geo", "target"),
)

TABLES = (MMM_FOLDS, MMM_VALIDATION, MMM_SELECTION)


def folds_ddl() -> str:
    """The columns that a fold returns, as map_groups takes them: those of st_il.mmm_folds less `run_id`."""
    return ", ".join(f"{column.name} {column.type}" for column in MMM_FOLDS.columns if column.name != RUN.name)
