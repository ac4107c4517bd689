"""The tables of fits, and the columns that all tables of the media mix model share."""

from typing import Any

from pma.tables import Column, TableSpec

GEO_LEVEL = Column("geo_level", "string", "country or management_region")
GEO = Column("geo", "string", "the country or region")
RUN = Column("run_id", "string", "the run that wrote the row, see bl.runs", required=True)
ORIGIN = Column(
    "data_origin", "string", "where the rows come from; a simulated marketplace is called one", required=True
)

TARGET = Column("target", "string", "uploads or gmv")
METHOD = Column("method", "string", "bayes, or ridge: the quick second opinion, whose intervals are its Pareto front's")
# The channel of a check that is of the geo as a whole.
ALL = "(all)"
FIT_KEY = ("run_id", "geo_level", "geo", "target", "method")
# The interval of every number that has one.
INTERVAL = "5 % to 95 % of its posterior"


def _of_fit(name: str, grain: str, key: tuple[str, ...], columns: tuple[Column, ...], **more: Any) -> TableSpec:
    """A table of what fits say: one row per fit and `key`."""
    return TableSpec(
        name=name,
        grain=grain,
        key=(*FIT_KEY, *key),
        columns=(GEO_LEVEL, GEO, TARGET, METHOD, *columns, ORIGIN, RUN),
        cluster_by=("geo", "target"),
        **more,
    )


MMM_RUNS = _of_fit(
    "bl.mmm_runs",
    "run x geo x target x method, fitted or not",
    (),
    (
        Column("engine", "string", "where it was fitted: serial, joblib, pandas_udf, ray"),
        Column(
            "status", "string", "ok; flagged: read the message first; failed; not_ready: never tried", required=True
        ),
        Column("message", "string", "what a reader must know, in words; null: nothing"),
        Column("not_trusted", "array<string>", "channels whose numbers say little"),
        Column("notes", "array<string>", "what was done to the data before the fit"),
        Column("fit_id", "string", "digest of model, settings and data: equal ids are equal fits"),
        Column(
            "settings",
            "string",
            "what differs from mmm.model, as select_mmm chose it for the geo (bl.mmm_selection), JSON; null: nothing",
        ),
        Column("weeks", "int", "weeks that were explained"),
        Column("channels", "int", "paid channels in the model"),
        Column("seconds", "double", "time of the fit, s"),
        Column("peak_rss_mb", "double", "largest memory of its worker so far, MiB"),
        Column("rhat_max", "double", "largest R-hat of all parameters; 1: chains agree"),
        Column("ess_bulk_min", "double", "smallest effective number of draws, for means"),
        Column("ess_tail_min", "double", "smallest effective number of draws, for intervals"),
        Column("divergences", "int", "draws at which the sampler lost its way"),
        Column("mape", "double", "mean absolute error of explained weeks, share of the target (in sample)"),
        Column("r2", "double", "share of the target's variance that is explained (in sample)"),
        Column("coverage_90", "double", "share of explained weeks inside their 90 % predictive interval (in sample)"),
        Column("autocorrelation", "double", "correlation of a week's residual with the last one's"),
        Column("media_share", "double", "share of the expected target that paid media bring"),
        Column("media_share_p05", "double", "lower end of its 90 % interval"),
        Column("media_share_p95", "double", "upper end of its 90 % interval"),
    ),
    checks={"status_is_known": "status IN ('ok', 'flagged', 'failed', 'not_ready')"},
)

MMM_CONTRIBUTIONS = _of_fit(
    "bl.mmm_contributions",
    "run x geo x target x week x component; the means of a week add up to its expected target",
    ("week_start", "component"),
    (
        Column("week_start", "date", "Monday of the week"),
        Column(
            "component", "string", "a channel, baseline, trend, seasonality, an event, an organic or context variable"
        ),
        Column(
            "kind",
            "string",
            "paid, baseline, trend, seasonality, event, organic, context, interaction, or demand: what a tested "
            "channel would be credited with but for its test",
            required=True,
        ),
        Column("mean", "double", "expected contribution, unit of the target", required=True),
        Column("p05", "double", "lower end of its 90 % interval", required=True),
        Column("p50", "double", "its median", required=True),
        Column("p95", "double", "upper end of its 90 % interval", required=True),
    ),
)

MMM_CHANNEL_SUMMARY = _of_fit(
    "bl.mmm_channel_summary",
    "run x geo x target x channel, over the weeks whose spend is known",
    ("channel",),
    (
        Column("channel", "string", "the paid channel"),
        Column("spend", "double", "money of these weeks, reporting currency", required=True),
        Column("weeks", "int", "weeks whose spend is known", required=True),
        Column("contribution", "double", "what it brought in them, unit of the target", required=True),
        Column("contribution_p05", "double", "lower end of its 90 % interval", required=True),
        Column("contribution_p95", "double", "upper end of its 90 % interval", required=True),
        Column("share", "double", "of the expected target of these weeks", required=True),
        Column("roas_mean", "double", "contribution per money", required=True),
        Column("roas_p05", "double", "lower end of its 90 % interval", required=True),
        Column("roas_p50", "double", "its median", required=True),
        Column("roas_p95", "double", "upper end of its 90 % interval", required=True),
        Column("mroas_mean", "double", "of 1 % more spend in every week, per money", required=True),
        Column("mroas_p05", "double", "lower end of its 90 % interval", required=True),
        Column("mroas_p95", "double", "upper end of its 90 % interval", required=True),
        Column(
            "prior_width", "double", "width of the logarithm's posterior over that of its prior; 1: nothing learned"
        ),
        Column("is_trusted", "boolean", "false: the reason says why it says little", required=True),
        Column("reason", "string", "why it is not to be trusted, in words; null: it is"),
    ),
)

MMM_RESPONSE_CURVES = _of_fit(
    "bl.mmm_response_curves",
    "run x geo x target x channel x spend level",
    ("channel", "spend"),
    (
        Column("channel", "string", "the paid channel"),
        Column("spend", "double", "money a week, the same every week"),
        Column("mean", "double", "what it brings a week in the long run, unit of the target", required=True),
        Column("p05", "double", "lower end of its 90 % interval", required=True),
        Column("p50", "double", "its median", required=True),
        Column("p95", "double", "upper end of its 90 % interval", required=True),
        Column(
            "is_seen", "boolean", "false: beyond the spend of any week, so a guess by the curve's form", required=True
        ),
    ),
)

MMM_POSTERIOR = _of_fit(
    "bl.mmm_posterior",
    "run x geo x target x draw x channel",
    ("draw", "channel"),
    (
        Column("draw", "int", "number of the draw; one draw's channels belong together"),
        Column("channel", "string", "the paid channel"),
        Column("adstock", "string", "kind of adstock, see pma.media.transforms", required=True),
        Column("adstock_first", "double", "its first parameter", required=True),
        Column("adstock_second", "double", "its second parameter; 1 where it has one", required=True),
        Column("lags", "int", "weeks that an ad works", required=True),
        Column("saturation", "string", "kind of saturation, see pma.media.transforms", required=True),
        Column("saturation_first", "double", "its first parameter, in usual spend", required=True),
        Column("saturation_second", "double", "its second parameter; 1 where it has one", required=True),
        Column("usual_spend", "double", "money that counts as 1 in the formulas", required=True),
        Column("coefficient", "double", "factor of saturated media, unit of the target a week", required=True),
    ),
)

MMM_CHECKS = _of_fit(
    "bl.mmm_checks",
    "run x geo x target x check x channel: the fit made again with a change that should not matter",
    ("check", "channel"),
    (
        Column(
            "check",
            "string",
            "refresh, holdout: the last weeks hidden; placebo: a channel that cannot work; prior: twice the effect "
            "assumed; ridge: the second opinion",
        ),
        Column("channel", "string", "the paid channel, or (all) for the fit as a whole"),
        Column(
            "measure",
            "double",
            "what was found: holdout, refresh: a share; placebo: its ROAS over that of all; prior: how much of the "
            "change a ROAS follows; ridge: share of spend, of a channel: doublings; null: could not be checked",
        ),
        Column("limit", "double", "the most that passes", required=True),
        Column("is_passed", "boolean", "null: could not be checked"),
        Column("detail", "string", "what was found, in words", required=True),
    ),
)


def _before_and_after(name: str, what: str) -> tuple[Column, ...]:
    """Columns of an interval by the fit without the tests, and by that with them; null: the test was left out."""
    ends = {"p05": "lower end of its 90 % interval", "p50": "its median", "p95": "upper end of its 90 % interval"}
    whens = {"before": "without the tests", "after": "with the tests"}
    return tuple(
        Column(f"{name}_{when}_{end}", "double", f"{what}, {words}: {said}")
        for when, words in whens.items()
        for end, said in ends.items()
    )


MMM_CALIBRATION = _of_fit(
    "bl.mmm_calibration",
    "run x geo x target x method x lift test of the geo and target",
    ("test_id",),
    (
        Column("test_id", "string", "the experiment, see il.lift_tests"),
        Column("channel", "string", "the channel whose spend was changed", required=True),
        Column("starts_on", "date", "first day", required=True),
        Column("ends_on", "date", "last day", required=True),
        Column("spend", "double", "spend that the channel would have had over the test, reporting currency"),
        Column("spend_change", "double", "change of spend over the test, reporting currency"),
        Column("lift", "double", "measured change of the target over the test"),
        Column("standard_error", "double", "of the lift"),
        *_before_and_after("expected", "lift that the model expects"),
        *_before_and_after("roas", "contribution of the channel per money, over the weeks whose spend is known"),
        Column("residual_growth", "double", "what is left unexplained, with the tests over without them, less 1"),
        Column(
            "verdict",
            "string",
            "agrees; corrects: the model was wrong and follows the test; contradicts: it cannot follow; left_out",
            required=True,
        ),
        Column("sentence", "string", "what was found, in words", required=True),
    ),
    checks={"verdict_is_known": "verdict IN ('agrees', 'corrects', 'contradicts', 'left_out')"},
)

MMM_FIT_WEEKS = _of_fit(
    "bl.mmm_fit_weeks",
    "run x geo x target x week: the target as it was, and as the fit expects it",
    ("week_start",),
    (
        Column("week_start", "date", "Monday of the week"),
        Column("actual", "double", "the target as it was; null: not known"),
        Column("expected", "double", "the target that the fit expects, its mean", required=True),
        Column("p05", "double", "lower end of the 90 % interval of the week's target (predictive)", required=True),
        Column("p95", "double", "upper end of it", required=True),
        Column("is_explained", "boolean", "false: the fit did not see the week's target", required=True),
        Column("media_factor", "double", "how strongly paid media worked, 1 in the middle; null: taken as constant"),
        Column("media_factor_p05", "double", "lower end of its 90 % interval"),
        Column("media_factor_p95", "double", "upper end of it"),
    ),
)

FITS = (
    *(MMM_CONTRIBUTIONS, MMM_CHANNEL_SUMMARY, MMM_RESPONSE_CURVES, MMM_POSTERIOR, MMM_FIT_WEEKS, MMM_CHECKS),
    MMM_CALIBRATION,
)
# What a row of a fit has beyond what the table of runs, or the fit itself, says of it.
OF_FIT = {*FIT_KEY, ORIGIN.name}

# The models of bl.report_weekly_growth_update, whose credit stands beside the model's.
ATTRIBUTION_MODELS = (
    "first_click",
    "last_click",
    "u_shape",
    "linear",
    "last_non_direct",
    "time_decay",
    "data_driven",
)
VERDICTS = ("agree", "clicks_overstate", "clicks_understate", "no_clicks", "not_trusted", "not_modelled")

ROAS_COMPARISON = TableSpec(
    name="bl.roas_comparison",
    grain="run x geo x target x channel with spend x period: the weeks whose spend the model knows",
    key=("run_id", "geo_level", "geo", "target", "channel", "period"),
    columns=(
        GEO_LEVEL,
        GEO,
        TARGET,
        Column("channel", "string", "the paid channel"),
        Column(
            "period", "string", "its first to its last day, `2025-01-06 to 2026-01-04`; may have unknown weeks inside"
        ),
        Column("since", "date", "Monday of its first week", required=True),
        Column("until", "date", "Monday of its last week", required=True),
        Column("weeks", "int", "weeks whose spend is known", required=True),
        Column("spend", "double", "money of these weeks as the model takes it; null: the model has no number"),
        Column("spend_reported", "decimal(38,6)", "money of these weeks in the weekly report", required=True),
        *(
            Column(
                f"credit_{model}", "decimal(38,12)", f"of these weeks, credited by {model}, unit of the target", True
            )
            for model in ATTRIBUTION_MODELS
        ),
        *(
            Column(f"roas_{model}", "double", f"credited by {model} per reported money; null: none is reported")
            for model in ATTRIBUTION_MODELS
        ),
        Column("contribution_mmm", "double", "what the media mix model says it brought in these weeks"),
        Column("roas_mmm", "double", "the same per money; null: the model leaves the channel out, or its fit failed"),
        Column("roas_mmm_p05", "double", "lower end of its 90 % interval"),
        Column("roas_mmm_p95", "double", "upper end of its 90 % interval"),
        Column("roas_ridge", "double", "the quick second opinion's return; null: it has none"),
        Column("roas_ridge_p05", "double", "lower end of its Pareto front"),
        Column("roas_ridge_p95", "double", "upper end of its Pareto front"),
        Column("fit_status", "string", "of the media mix model: ok, flagged or failed, see bl.mmm_runs"),
        Column("is_trusted", "boolean", "false: the reason says why the model's number says little"),
        Column("reason", "string", "why the model's number is not to be trusted, in words; null: it is"),
        Column("compared_model", "string", "the attribution model of gap, verdict and sentence", required=True),
        Column("nearest_model", "string", "the attribution model whose return comes nearest to the media mix model's"),
        Column("gap", "double", "return by the compared model over that of the media mix model, less 1"),
        Column("verdict", "string", ", ".join(VERDICTS), required=True),
        Column("sentence", "string", "what to know and to do, in words; null: clicks and model agree"),
        ORIGIN,
        RUN,
    ),
    checks={"verdict_is_known": f"verdict IN ({', '.join(repr(verdict) for verdict in VERDICTS)})"},
    cluster_by=("geo", "target"),
)

# Not clustered: delta-rs, which lands fits where no Spark is, cannot write clustered tables.
MMM_LANDED = TableSpec(
    name="st_il.mmm_landed",
    grain="fit that has ended well or not, whole: what a job that was killed need not do again",
    key=("fit_id",),
    columns=(
        Column("fit_id", "string", "digest of model, settings and data"),
        GEO_LEVEL,
        GEO,
        TARGET,
        METHOD,
        *(column for column in MMM_RUNS.columns if column.name not in {*OF_FIT, "fit_id"}),
        *(
            Column(
                spec.table,
                "array<struct<" + ",".join(f"{c.name}:{c.type}" for c in spec.columns if c.name not in OF_FIT) + ">>",
                # Nullable, so that a table of fits gets the column of a new kind of rows.
                f"rows of {spec.name}; null: of a fit from before there were any",
            )
            for spec in FITS
        ),
        ORIGIN,
        RUN,
    ),
)

TABLES = (MMM_RUNS, *FITS, ROAS_COMPARISON, MMM_LANDED)


def landed_ddl() -> str:
    """The columns that a fit returns, as map_groups takes them: those of st_il.mmm_landed less `run_id`."""
    return ", ".join(f"{column.name} {column.type}" for column in MMM_LANDED.columns if column.name != RUN.name)
