"""The simulated marketplace as the model gets to see it, and its truth: all that the feeds lack is lacking."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pma.mmm.input.bike_events import read_bike_events
from pma.mmm.input.calendar import calendar_weeks, public_holidays
from pma.mmm.settings import PanelSettings
from pma.simulation.calendar import dated
from pma.simulation.channels import CHANNEL_NAMES, CHANNELS, SYNERGY
from pma.simulation.context import ORGANIC
from pma.simulation.draws import generator
from pma.simulation.marketplace import simulate

EVENTS = read_bike_events(Path(__file__).parents[2] / "conf" / "rules")
# As `pma.mmm.input.spending` has it: what delivers a channel, a platform's export or one column of a sheet.
FEEDS = {c.name: f"sheet/{c.name}" if c.platform == "sheet" else c.platform for c in CHANNELS}
KEY = ["country", "variable", "week_start"]


@dataclass(frozen=True)
class SimulatedMarket:
    """rows: of bl.mmm_input, countries alone; roas: the truth by (geo, target, channel)."""

    rows: pd.DataFrame
    roas: pd.Series


def simulated_market(settings):
    """Return the rows of bl.mmm_input that the jobs make of a marketplace, without Spark, and its true ROAS."""
    market = marketplace(settings)
    return SimulatedMarket(pd.concat([counted_rows(market), seen_rows(market)], ignore_index=True), true_roas(market))


def marketplace(settings):
    """Return the marketplace with the bike events of the rules, as the job makes it."""
    return simulate(settings, dated(EVENTS.events, settings))


def seen_rows(market):
    """Return the rows of bl.mmm_input but for the targets: spend as the feeds have it, calendar, context, interaction.

    Equal to what jobs/mmm_input.py makes of the files of the same marketplace.
    """
    paid, countries, weeks = paid_rows(market), market.settings.countries, market.weeks
    holidays = public_holidays(countries, range(weeks[0].year, weeks[-1].year + 2))
    calendar = calendar_weeks(countries, [week.date() for week in weeks], holidays, EVENTS, PanelSettings())
    context = market.context.rename(columns={"date": "week_start"})
    role = np.where(context["variable"].isin(ORGANIC.values()), "organic", "context")
    parts = [paid, _together(paid), calendar.assign(role="calendar"), context.assign(role=role)]
    return as_input(parts)


def paid_rows(market):
    """Return weekly spend as the feeds have it: zero where the channel's feed delivered, unknown before its first row.

    One row per country, channel (variable) and week, in the order of the marketplace's arrays.
    """
    spend = market.spend[market.spend["in_feed"]]
    monday = spend["date"] - pd.to_timedelta(spend["date"].dt.weekday, unit="D")
    found = spend.assign(week_start=monday, variable=spend["channel"]).groupby(KEY)["spend"].sum()
    grid = pd.MultiIndex.from_product([market.settings.countries, CHANNEL_NAMES, market.weeks], names=KEY)
    rows = found.reindex(grid).rename("value").reset_index()
    feed = rows["variable"].map(FEEDS)
    delivered = rows["value"].notna().groupby([rows["country"], feed, rows["week_start"]]).transform("any")
    since = rows.dropna().groupby("variable")["week_start"].min()
    known = delivered & (rows["week_start"] >= rows["variable"].map(since))
    return rows.assign(value=rows["value"].fillna(0.0).where(known), role="paid")


def true_roas(market):
    """Return what a country would lose had a channel's known money not been spent, over that money.

    With what two channels bring together, and for gmv with the later sales of what is uploaded: as lift tests measure
    it. `truth.channel_roas` has the direct part alone, over all weeks. By (geo, target, channel).
    """
    structure = market.structure
    known = paid_rows(market)["value"].notna().to_numpy().reshape(structure.spend.shape)
    spent = (structure.spend * known).sum(axis=2)
    found = {}
    for i, c in zip(*np.nonzero(spent > 0), strict=True):
        without = structure.spend.copy()
        without[i, c, known[i, c]] = 0.0
        other, place = structure.with_spend(without), (market.settings.countries[i], CHANNEL_NAMES[c])
        lost = {"uploads": structure.uploads() - other.uploads(), "gmv": structure.gmv() - other.gmv()}
        found |= {(place[0], target, place[1]): of[i].sum() / spent[i, c] for target, of in lost.items()}
    return pd.Series(found).rename_axis(["geo", "target", "channel"]).sort_index()


def counted_rows(market):
    """Uploads and orders as they are counted: Poisson around the expected, orders at log-normal prices."""
    random = generator(market.settings.seed, "counted")
    price = np.average(market.flows["mean_price"], weights=market.flows["share"])
    spread = float(market.flows["price_sigma"].iloc[0])
    orders = random.poisson(market.structure.gmv() / price).ravel()
    values = {
        "uploads": random.poisson(market.structure.uploads()).ravel().astype(float),
        "gmv": [np.exp(random.normal(np.log(price) - spread**2 / 2, spread, n)).sum() for n in orders],
    }
    grid = pd.MultiIndex.from_product([market.settings.countries, market.weeks], names=["country", "week_start"])
    wide = pd.DataFrame(values, index=grid).rename_axis("variable", axis=1)
    return as_input([wide.stack().rename("value").reset_index().assign(role="target")])


def _together(paid):
    """The product of television and brand search, each over its largest week."""
    wide = paid.pivot(index=["country", "week_start"], columns="variable", values="value")[list(SYNERGY)]
    scaled = wide / wide.groupby("country").transform("max").replace(0.0, 1.0)
    product = scaled.prod(axis=1, skipna=False).rename("value").reset_index()
    return product.assign(variable=" x ".join(SYNERGY), role="interaction")


def as_input(parts):
    """Return rows of bl.mmm_input of countries, from frames of country, week_start, variable, role and value."""
    columns = ["country", "week_start", "variable", "role", "value"]
    parts = [part[columns].assign(week_start=pd.to_datetime(part["week_start"]).dt.date) for part in parts]
    rows = pd.concat(parts, ignore_index=True).rename(columns={"country": "geo"})
    return rows.assign(geo_level="country", is_complete_week=True)
