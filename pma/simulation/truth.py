"""What the marketplace knows of itself, as the tables of `truth`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from pma.simulation.channels import CHANNEL_NAMES, DEMAND, SYNERGY, UPLOADS
from pma.simulation.components import kind_of
from pma.simulation.files import world_name
from pma.simulation.marketplace import Marketplace
from pma.simulation.optimum import best_budget, current_spend, steady_state
from pma.simulation.tables import TABLES
from pma.tables import TableSpec

# What a target of the tables is made by: gmv is what demand makes of that which is for sale.
TARGETS = {"uploads": UPLOADS, "gmv": DEMAND}
_STEP = 0.01


def truth_frames(marketplace: Marketplace) -> dict[str, pd.DataFrame]:
    """Return every table of `truth` by its name, with the columns of `pma.simulation.tables`.

    gmv counts in the country of the buyer. Its contributions are demand's components times what would be sold at demand
    1: those of the country's own media, through demand alone. What media do for sellers, and so for later sales in all
    countries, is in `uploads`, and is counted in the optimal budget.
    """
    frames = {
        "truth.channel_roas": channel_roas(marketplace),
        "truth.contributions": contributions(marketplace),
        "truth.parameters": parameters(marketplace),
        "truth.campaign_response": campaign_response(marketplace),
        "truth.upload_flows": upload_flows(marketplace),
        "truth.optimal_budget": optimal_budget(marketplace),
        "truth.lift_tests": lift_truth(marketplace),
    }
    world = world_name(marketplace)
    columns = {spec.name: [column.name for column in spec.columns] for spec in TABLES}
    return {name: frame.assign(world=world)[columns[name]] for name, frame in frames.items()}


def as_rows(spark: SparkSession, frame: pd.DataFrame, spec: TableSpec) -> DataFrame:
    """Bring one of the frames to Spark, with the table's types; what is not a number becomes null."""
    told = frame.assign(**{str(name): frame[name].dt.date for name in frame.select_dtypes("datetime")})
    told = told.astype(object).where(frame.notna(), None)
    return spark.createDataFrame(list(told.itertuples(index=False, name=None)), spec.schema)


def channel_roas(marketplace: Marketplace) -> pd.DataFrame:
    """Return what each channel brought directly, over all weeks; one row per country, target and channel."""
    structure, spend = marketplace.structure, marketplace.structure.spend.sum(axis=2)
    spent = np.where(spend > 0, spend, np.nan)
    frames = []
    for target, of in TARGETS.items():
        weight = _weight(marketplace, target)[:, None]
        effects = (structure.paid[of][0] * weight).sum(axis=2)
        more = (structure.response.effects((1 + _STEP) * structure.spend, of)[0] * weight).sum(axis=2)
        grid = pd.MultiIndex.from_product([marketplace.settings.countries, CHANNEL_NAMES], names=["country", "channel"])
        values = {"spend": spend, "contribution": effects, "value": effects / spent}
        values["marginal"] = (more - effects) / (_STEP * spent)
        frame = pd.DataFrame({name: array.ravel() for name, array in values.items()}, index=grid)
        frames.append(frame.reset_index().assign(target=target))
    return pd.concat(frames, ignore_index=True)


def contributions(marketplace: Marketplace) -> pd.DataFrame:
    """Return the components of each target, campaigns summed; one row per country, target, week and component."""
    frames = []
    for target in TARGETS:
        rows = _split(marketplace, target)
        weekly = rows.groupby(["country", "component", "week_start"], sort=False)["value"].sum()
        wide = weekly.unstack("week_start", fill_value=0).reindex(columns=marketplace.weeks, fill_value=0)
        frames.append(wide.melt(ignore_index=False, var_name="week_start").reset_index().assign(target=target))
    whole = pd.concat(frames, ignore_index=True)
    whole["kind"] = whole["component"].map({name: kind_of(name) for name in whole["component"].unique()})
    return whole


def parameters(marketplace: Marketplace) -> pd.DataFrame:
    """Return how each channel responds, where it ever ran; one row per country, target, channel and parameter.

    `beta` is uploads a week, or for gmv a part of the demand multiplier, at full saturation; `interaction` with the
    other channel likewise, on both.
    """
    response = marketplace.structure.response
    runs = (marketplace.structure.spend > 0).any(axis=2)
    rows = []
    for target, of in TARGETS.items():
        named = {
            "adstock_alpha": response.carry_over,
            "saturation_half": response.half,
            "saturation_slope": response.slope,
            "beta": response.beta[of],
        }
        for i, c in zip(*np.nonzero(runs), strict=True):
            country, channel = marketplace.settings.countries[i], CHANNEL_NAMES[c]
            rows += [(country, target, channel, name, float(array[i, c])) for name, array in named.items()]
            if channel in SYNERGY and response.synergy[of][i] > 0:
                other = SYNERGY[1 - SYNERGY.index(channel)]
                rows.append((country, target, channel, f"interaction_{other}", float(response.synergy[of][i])))
    return pd.DataFrame(rows, columns=["country", "target", "channel", "parameter", "value"])


def campaign_response(marketplace: Marketplace) -> pd.DataFrame:
    """Return what each campaign brought over all weeks; one row per country, target and campaign."""
    key = ["country", "campaign_id"]
    spent = marketplace.spend.groupby(key)["spend_micros"].sum() / 1e6
    known = marketplace.campaigns[[*key, "channel"]]
    frames = []
    for target in TARGETS:
        brought = _split(marketplace, target).dropna(subset=["campaign_id"]).groupby(key)["value"].sum()
        rows = known.join(spent.rename("spend"), on=key).join(brought.rename("contribution"), on=key)
        rows = rows.fillna({"spend": 0.0, "contribution": 0.0})
        frames.append(rows.assign(target=target, value=rows["contribution"] / rows["spend"].where(rows["spend"] > 0)))
    return pd.concat(frames, ignore_index=True)


def upload_flows(marketplace: Marketplace) -> pd.DataFrame:
    """Return where uploads sell; one row per origin and destination country."""
    names = {"origin_country": "country", "share": "value"}
    return marketplace.flows.rename(columns=names)


def optimal_budget(marketplace: Marketplace) -> pd.DataFrame:
    """Return today's and the best budget per week, and the gmv that is lost without each; one row per country, channel.

    In the long run, in all countries, uploads' later sales and demand's effect on them included.
    """
    steady, current = steady_state(marketplace.structure), current_spend(marketplace.structure)
    best = best_budget(steady, current, marketplace.settings.seed)
    grid = pd.MultiIndex.from_product([marketplace.settings.countries, CHANNEL_NAMES], names=["country", "channel"])
    values = {
        "current_spend": current,
        "value": best,
        "response": steady.of_channel(best),
        "current_response": steady.of_channel(current),
    }
    return pd.DataFrame({name: array.ravel() for name, array in values.items()}, index=grid).reset_index()


def lift_truth(marketplace: Marketplace) -> pd.DataFrame:
    """Return the true lift of each experiment and target."""
    return marketplace.lift_tests[["test_id", "target", "truth"]].rename(columns={"truth": "value"})


def _weight(marketplace: Marketplace, target: str) -> np.ndarray:
    """What a unit of the components is worth each week; (countries, weeks)."""
    supply = marketplace.structure.supply()
    return np.ones_like(supply) if target == "uploads" else supply


def _split(marketplace: Marketplace, target: str) -> pd.DataFrame:
    """The components in units of the target, campaigns apart."""
    if target == "uploads":
        return marketplace.upload_contributions
    rows = marketplace.demand
    country = rows["country"].map({name: i for i, name in enumerate(marketplace.settings.countries)}).to_numpy()
    week = (rows["week_start"] - marketplace.weeks[0]).dt.days.to_numpy() // 7
    return rows.assign(value=rows["value"].to_numpy() * _weight(marketplace, target)[country, week])
