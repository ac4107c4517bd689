"""Whether the quick second opinion, the ridge, says the same as the model: two methods that err in different ways."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.mmm.outcome import check_rows
from pma.mmm.spec import FitSettings
from pma.mmm.tables import ALL, MMM_CHECKS
from pma.mmm.trust import Check, sentences
from pma.parallel.frames import to_spark

FIT = ["geo_level", "geo", "target"]
NAME = "ridge"
# As a logarithm of base 2; and the least ROAS that has one.
TWICE, LEAST = 1.0, 1e-12


def disagreements(summary: pd.DataFrame, settings: FitSettings) -> pd.DataFrame:
    """Return one row per geo_level, geo, target and channel, and (all), of the fits that both methods made.

    `summary`: rows of bl.mmm_channel_summary of both methods. The columns are those of `FIT`, and of a `Check`. A
    channel's measure is how many times the ridge's ROAS lies above or below the model's interval, as a logarithm of
    base 2; in clean worlds the ridge is wrong by half, so that only more than twice is a disagreement. (all): the
    share of spend on channels that disagree; where the ridge was asked for and failed, that it could not be checked.
    """
    both = summary[summary["method"] == "bayes"].merge(
        summary.loc[summary["method"] == NAME, [*FIT, "channel", "roas_p50"]],
        on=[*FIT, "channel"],
        suffixes=("", "_ridge"),
        validate="one_to_one",
    )
    rows: list[dict[str, object]] = []
    for key, fit in both.groupby(FIT, sort=True):
        low, high, other = (
            np.log2(fit[name].clip(lower=LEAST).to_numpy()) for name in ("roas_p05", "roas_p95", "roas_p50_ridge")
        )
        outside = np.maximum(np.maximum(low - other, other - high), 0.0)
        apart = fit[outside > TWICE]
        found = [_whole(apart, float(apart["spend"].sum() / fit["spend"].sum()), settings)]
        for row, by in zip(fit.to_dict("records"), outside.tolist(), strict=True):
            detail = (
                f"the quick second opinion (ridge) has a ROAS of {row['roas_p50_ridge']:.3g}, the model "
                f"{row['roas_p05']:.3g} to {row['roas_p95']:.3g}"
            )
            found.append(Check(NAME, str(row["channel"]), by, TWICE, detail))
        named = dict(zip(FIT, key, strict=True))
        rows += [{**named, **row} for row in check_rows(found)]
    if NAME in settings.methods:
        missing = Check(NAME, ALL, None, settings.max_ridge_disagreement, "could not be checked: the ridge has no fit")
        have = {of: set(fits[FIT].itertuples(index=False, name=None)) for of, fits in summary.groupby("method")}
        for key in sorted(have.get("bayes", set()) - have.get(NAME, set())):
            rows += [{**dict(zip(FIT, key, strict=True)), **row} for row in check_rows([missing])]
    told = pd.DataFrame(rows, columns=[*FIT, "check", "channel", "measure", "limit", "is_passed", "detail"])
    # What was not measured is None, not a number that is none.
    return told.astype({"measure": object}).where(told.notna(), None)


def _whole(apart: pd.DataFrame, share: float, settings: FitSettings) -> Check:
    named = ", ".join(apart.sort_values("spend", ascending=False)["channel"].head(3))
    detail = f"the quick second opinion (ridge) disagrees on channels with {share:.0%} of spend"
    return Check(NAME, ALL, share, settings.max_ridge_disagreement, f"{detail}: {named}" if named else detail)


def with_disagreements(runs: DataFrame, found: pd.DataFrame) -> DataFrame:
    """Return rows of bl.mmm_runs in which what disagrees is said: of the geo as a whole by a flag, of its channels too.

    A model's fit that fails the check as a whole is flagged; channels that fail it are not to be trusted.
    """
    said = []
    for key, rows in found.groupby(FIT, sort=True):
        checks = [Check(*row) for row in rows[[field.name for field in fields(Check)]].itertuples(index=False)]
        apart = [one.channel for one in checks if one.channel != ALL and one.is_passed is False]
        said.append((*key, "bayes", " ".join(sentences(checks)) or None, apart))
    ddl = ", ".join(f"{name} string" for name in (*FIT, "method", "words"))
    words = runs.sparkSession.createDataFrame(said, f"{ddl}, apart array<string>")
    joined = runs.join(F.broadcast(words), [*FIT, "method"], how="left")
    is_apart = F.col("words").isNotNull()
    changed = {
        "status": F.when(is_apart, F.lit("flagged")).otherwise(F.col("status")),
        "message": F.when(is_apart, F.concat_ws(" ", "message", "words")).otherwise(F.col("message")),
        "not_trusted": F.when(F.col("apart").isNull(), F.col("not_trusted")).otherwise(
            F.array_union(F.coalesce("not_trusted", F.array().cast("array<string>")), "apart")
        ),
    }
    return joined.withColumns(changed).select(*runs.columns)


def with_doubts(summary: DataFrame, found: pd.DataFrame) -> DataFrame:
    """Return rows of bl.mmm_channel_summary in which channels that fail the check are not to be trusted."""
    failed = found[(found["channel"] != ALL) & ~found["is_passed"].astype(bool)]
    told = failed[[*FIT, "channel"]].assign(method="bayes", doubt=failed["channel"] + ": " + failed["detail"])
    key = [*FIT, "method", "channel"]
    ddl = ", ".join(f"{name} string" for name in (*key, "doubt"))
    joined = summary.join(F.broadcast(to_spark(summary.sparkSession, told[[*key, "doubt"]], ddl)), key, how="left")
    changed = {
        "is_trusted": F.col("is_trusted") & F.col("doubt").isNull(),
        "reason": F.coalesce("reason", "doubt"),
    }
    return joined.withColumns(changed).select(*summary.columns)


def check_frame(found: pd.DataFrame, runs: DataFrame) -> DataFrame:
    """Return the rows of bl.mmm_checks less run_id; `runs`: of bl.mmm_runs, whose data_origin each row gets."""
    ddl = ", ".join(f"{column.name} {column.type}" for column in MMM_CHECKS.columns if column.name in found)
    names = [part.split()[0] for part in ddl.split(", ")]
    rows = to_spark(runs.sparkSession, found[names], ddl)
    origins = runs.where(F.col("method") == "bayes").select(*FIT, "method", "data_origin")
    return rows.join(F.broadcast(origins), FIT, how="inner")
