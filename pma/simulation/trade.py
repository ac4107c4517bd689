"""Listings and orders of the simulated marketplace, drawn by Spark one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pma.marketing.tables import LISTINGS, MONEY, ORDERS
from pma.simulation import chance
from pma.simulation.draws import generator
from pma.tables import TableError, conform

if TYPE_CHECKING:
    from pma.simulation.marketplace import Marketplace

# Uploads by day, Monday first; their mean is 1.
WEEKDAYS = (1.05, 1.0, 0.98, 0.97, 0.9, 0.95, 1.15)
# Of uploads, by sellers who come again and again; these are so many, as a share of the country's uploads.
BY_REGULARS = 0.3
REGULARS = 0.08
# Of orders, by buyers who sell as well, and by buyers who come again.
BY_SELLERS = 0.12
BY_REGULAR_BUYERS = 0.15
REFUNDED = 0.04
REFUNDED_WHOLE = 0.8
# So many uploads are one task's work, with all events that belong to them.
UPLOADS_PER_TASK = 16_000


def first_moment(marketplace: Marketplace) -> int:
    """Return the first midnight of the data, milliseconds since 1970, UTC."""
    return int(pd.Timestamp(marketplace.weeks[0]).value // 10**6)


def end_of_data(marketplace: Marketplace) -> int:
    """Return the midnight after the last day in the time zone of the settings, milliseconds since 1970, UTC.

    The days of uploads and orders count in that zone: what comes in the hours between its midnight and that of UTC
    would be a week of its own.
    """
    after = pd.Timestamp(marketplace.settings.last_day) + pd.Timedelta(days=1)
    return int(after.tz_localize(marketplace.settings.timezone).value // 10**6)


def expected(contributions: pd.DataFrame) -> pd.Series:
    """Add the components of each country and week up; what would be less than nothing is nothing."""
    return contributions.groupby(["country", "week_start"])["value"].sum().clip(lower=0.0)


def tasks(marketplace: Marketplace) -> int:
    """Return into how many tasks the individuals are split: the same on every machine."""
    uploads = float(expected(marketplace.upload_contributions).sum())
    return max(2, int(np.ceil(uploads / UPLOADS_PER_TASK)))


def regulars(marketplace: Marketplace) -> pd.Series:
    """Return how many sellers of each country come again and again; index country."""
    uploads = expected(marketplace.upload_contributions).groupby("country").sum()
    return (uploads * REGULARS).clip(lower=1).astype(int)


def listings(spark: SparkSession, marketplace: Marketplace) -> DataFrame:
    """Draw the uploads: Poisson counts by country and day, then each on its own.

    One row per listing, the columns of `il.listings`. The price is that of the flow which the listing takes if it
    sells (see `orders`), so that orders of a flow have its mean price.
    """
    seed = marketplace.settings.seed
    counts = spark.createDataFrame(daily_counts(marketplace), "country string, day bigint, uploads int, regulars int")
    counts = counts.repartition(tasks(marketplace), "country", "day")
    stem = F.concat_ws("-", "country", F.date_format(F.timestamp_millis("day"), "yyyyMMdd"))
    each = counts.withColumn("stem", stem).withColumn("number", F.explode(F.sequence(F.lit(1), "uploads")))
    each = each.withColumn("listing_id", F.concat_ws("-", "stem", "number"))
    regular = chance.uniform(seed, "regular seller", "listing_id") < F.lit(BY_REGULARS)
    returning = regular_seller(seed, chance.uniform(seed, "which seller", "listing_id"), "country", "regulars")
    one_off = F.concat(F.lit("u"), chance.hexadecimal(chance.key(seed, "seller", "listing_id")))
    created = F.col("day") + chance.time_of_day(seed, "upload", "listing_id")
    made = each.select(
        "listing_id",
        F.when(regular, returning).otherwise(one_off).alias("user_id"),
        "country",
        F.timestamp_millis(created).alias("created_at"),
    ).where(F.col("created_at") < F.timestamp_millis(F.lit(end_of_data(marketplace))))
    scale = F.log("mean_price") - F.col("price_sigma") * F.col("price_sigma") / 2
    price = F.exp(scale + F.col("price_sigma") * chance.normal(seed, "price", "listing_id"))
    cents = F.round(F.greatest(price, F.lit(0.01)), 2).cast("decimal(18,2)")
    priced = with_flow(made, marketplace).select(*made.columns, cents.cast(MONEY).alias("price"))
    return conform(priced, LISTINGS)


def orders(listings: DataFrame, marketplace: Marketplace) -> DataFrame:
    """Draw what sells: a destination j by share(i, j) x the most that demand there ever is, a lag, and acceptance.

    A listing is accepted with demand(j, week of the order) over the most it ever is; so orders are expected to be the
    sum over uploads of share x density of the lag x demand, exactly. Later orders than the last day are not there yet.
    One row per order, the columns of `il.orders`. Raises TableError where uploads would sell more than once.
    """
    seed = marketplace.settings.seed
    demand = expected(marketplace.demand).rename("demand").reset_index()
    demand["week"] = ((demand["week_start"] - pd.Timestamp(marketplace.weeks[0])).dt.days // 7).astype("int32")
    known = listings.sparkSession.createDataFrame(
        demand[["country", "week", "demand"]].rename(columns={"country": "destination"}),
        "destination string, week int, demand double",
    )
    drawn = with_flow(listings, marketplace).where(F.col("destination").isNotNull())
    drawn = drawn.withColumn("completed", _completed(seed))
    week = F.floor((F.col("completed") - F.lit(first_moment(marketplace))) / F.lit(7 * chance.DAY)).cast("int")
    drawn = drawn.where(F.col("completed") < F.lit(end_of_data(marketplace))).withColumn("week", week)
    drawn = drawn.join(F.broadcast(known), ["destination", "week"], how="inner")
    sold = drawn.where(chance.uniform(seed, "acceptance", "listing_id") * F.col("most_demand") < F.col("demand"))
    refund = chance.uniform(seed, "refund", "listing_id")
    partly = F.round(F.col("price") * F.lit(0.5).cast("decimal(2,1)"), 2).cast(MONEY)
    nothing = F.lit(0).cast(MONEY)
    returned = F.when(refund < F.lit(REFUNDED * REFUNDED_WHOLE), F.col("price")).otherwise(partly)
    chosen = sold.select(
        F.concat(F.lit("o-"), "listing_id").alias("order_id"),
        "listing_id",
        _buyer(seed).alias("user_id"),
        F.col("destination").alias("country"),
        F.timestamp_millis("completed").alias("completed_at"),
        F.col("price").cast(MONEY).alias("value"),
        F.when(refund < F.lit(REFUNDED), returned).otherwise(nothing).alias("refunded_value"),
    )
    return conform(chosen, ORDERS)


def write_trade(spark: SparkSession, marketplace: Marketplace, folder: str | Path) -> None:
    """Write listings, orders and events of the marketplace as Parquet into three folders of `folder`, over older ones.

    Each is read back for the next, so that nothing is drawn twice.
    """
    # Events need the calendar of this module.
    from pma.simulation.clickstream import events

    places = {name: f"{folder}/{name}" for name in ("listings", "orders", "events")}
    with _step_by_step(spark):
        listings(spark, marketplace).write.mode("overwrite").parquet(places["listings"])
        uploaded = spark.read.parquet(places["listings"])
        orders(uploaded, marketplace).write.mode("overwrite").parquet(places["orders"])
        sold = spark.read.parquet(places["orders"])
        events(uploaded, sold, marketplace).write.mode("overwrite").parquet(places["events"])


@contextmanager
def _step_by_step(spark: SparkSession) -> Iterator[None]:
    """Let Spark generate code for each step of a plan on its own.

    For all steps of so many draws at once it writes one method of over 8,000 bytes, which the JVM interprets and never
    compiles: events then take twice as long.
    """
    whole = "spark.sql.codegen.wholeStage"
    before = str(spark.conf.get(whole))
    spark.conf.set(whole, "false")
    try:
        yield
    finally:
        spark.conf.set(whole, before)


def daily_counts(marketplace: Marketplace) -> pd.DataFrame:
    """Draw how many uploads each country has on each day.

    One row per country and day with uploads: country, day (midnight, milliseconds since 1970), uploads, regulars
    (sellers of the country who come again and again).
    """
    weeks = expected(marketplace.upload_contributions)
    sellers = regulars(marketplace)
    end = end_of_data(marketplace)
    parts = []
    for country, expectation in weeks.groupby(level="country", sort=True):
        expectation = expectation.droplevel("country").sort_index()
        random = generator(marketplace.settings.seed, "daily uploads", str(country))
        mean = np.outer(expectation.to_numpy() / 7, np.asarray(WEEKDAYS))
        mondays = pd.DatetimeIndex(expectation.index).as_unit("ms").asi8
        days = mondays[:, None] + np.arange(7) * chance.DAY
        part = pd.DataFrame({"day": days.ravel(), "uploads": random.poisson(mean).ravel().astype("int32")})
        parts.append(part.assign(country=country, regulars=np.int32(sellers[country])))
    counts = pd.concat(parts, ignore_index=True)
    kept = counts[(counts["uploads"] > 0) & (counts["day"] < end)]
    return kept[["country", "day", "uploads", "regulars"]].reset_index(drop=True)


def regular_seller(seed: int, drawn: Column, country: str, number: str) -> Column:
    """Turn an even draw into one of a country's sellers who come again and again; some come far more often."""
    rank = F.floor(drawn * drawn * F.col(number)).cast("int")
    return F.concat(F.lit("u"), chance.hexadecimal(chance.key(seed, "regular", country, rank)))


def with_flow(listings: DataFrame, marketplace: Marketplace) -> DataFrame:
    """Add the flow that each listing takes if it is accepted: destination (null: it never sells) and what goes with it.

    One row per listing.
    """
    drawn = listings.withColumn("at", chance.uniform(marketplace.settings.seed, "destination", "listing_id"))
    ranges = F.broadcast(listings.sparkSession.createDataFrame(flow_ranges(marketplace), FLOW_RANGES))
    within = (drawn["country"] == ranges["origin"]) & (drawn["at"] >= ranges["low"]) & (drawn["at"] < ranges["high"])
    return drawn.join(ranges, within, how="inner").drop("at", "low", "high", "origin")


FLOW_RANGES = (
    "origin string, destination string, low double, high double, mean_price double, price_sigma double, "
    "median_lag_days double, lag_sigma double, most_demand double, sellers int"
)


def flow_ranges(marketplace: Marketplace) -> pd.DataFrame:
    """Lay the destinations of each origin side by side over [0, 1): share x the most that demand there ever is.

    One row per origin and destination, and one per origin for what never sells: its destination is null, its price
    that of the home market. Raises TableError where an origin's ranges do not fit.
    """
    most = expected(marketplace.demand).groupby("country").max().rename("most_demand")
    flows = marketplace.flows.merge(most, left_on="destination_country", right_index=True, how="inner")
    flows = flows.sort_values(["origin_country", "destination_country"], ignore_index=True)
    chance = flows["share"] * flows["most_demand"]
    flows["high"] = chance.groupby(flows["origin_country"]).cumsum()
    flows["low"] = flows["high"] - chance
    last = flows.groupby("origin_country")["high"].max()
    if (last > 1).any():
        raise TableError(
            f"il.orders: at the height of demand uploads in {list(last.index[last > 1])} would sell more than once "
            f"({last.max():.2f} times). Fix: lower simulation.sales_rate"
        )
    home = flows.assign(is_home=flows["origin_country"] == flows["destination_country"])
    home = home.sort_values(["origin_country", "is_home", "share"]).groupby("origin_country").tail(1)
    # The upper end lies beyond 1, so that rounding leaves no gap.
    unsold = home.assign(destination_country=None, low=home["origin_country"].map(last), high=2.0)
    ranges = pd.concat([flows, unsold], ignore_index=True)
    sellers = ranges["destination_country"].map(regulars(marketplace)).fillna(1).astype("int32")
    ranges = ranges.assign(sellers=sellers, origin=ranges["origin_country"], destination=ranges["destination_country"])
    return ranges[[part.split()[0] for part in FLOW_RANGES.split(", ")]]


def _completed(seed: int) -> Column:
    """Draw the moment of the order: the day by the lag; on a later day than the upload's at an hour of many visits."""
    created = F.unix_millis("created_at")
    lag = F.col("median_lag_days") * F.exp(F.col("lag_sigma") * chance.normal(seed, "lag", "listing_id"))
    # Longer lags than ten thousand days end beyond all data, and need not be told apart.
    moment = created + (F.least(lag, F.lit(10_000.0)) * F.lit(chance.DAY)).cast("bigint")
    later = chance.day_of(moment) + chance.time_of_day(seed, "order", "listing_id")
    return F.when(chance.day_of(moment) == chance.day_of(created), moment).otherwise(later)


def _buyer(seed: int) -> Column:
    """Draw who buys: a seller of the destination, a buyer who comes again, or somebody new; never the seller."""
    kind = chance.uniform(seed, "kind of buyer", "listing_id")
    seller = regular_seller(seed, chance.uniform(seed, "which seller buys", "listing_id"), "destination", "sellers")
    again = F.floor(chance.uniform(seed, "which buyer", "listing_id") * F.col("sellers")).cast("int")
    regular = F.concat(F.lit("u"), chance.hexadecimal(chance.key(seed, "regular buyer", "destination", again)))
    new = F.concat(F.lit("u"), chance.hexadecimal(chance.key(seed, "buyer", "listing_id")))
    drawn = (
        F.when(kind < F.lit(BY_SELLERS), seller)
        .when(kind < F.lit(BY_SELLERS + BY_REGULAR_BUYERS), regular)
        .otherwise(new)
    )
    return F.when(drawn == F.col("user_id"), new).otherwise(drawn)
