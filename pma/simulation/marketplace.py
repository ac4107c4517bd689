"""The simulated marketplace: everything but its individuals, from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pma.simulation.budgets import plan_budgets, running, usual_budget
from pma.simulation.calendar import make_weeks, usual_events
from pma.simulation.campaigns import goal_mix, make_campaigns
from pma.simulation.channels import DEMAND, TARGETS, UPLOADS
from pma.simulation.components import contributions, scaled, with_noise
from pma.simulation.context import long_context, make_context
from pma.simulation.countries import make_countries, make_flows
from pma.simulation.demand import Surroundings, unpaid
from pma.simulation.feeds import gaps, in_feed
from pma.simulation.lift import measure_tests, plan_tests, with_tests
from pma.simulation.media import draw_shape, fit_response
from pma.simulation.rates import make_rates
from pma.simulation.settings import SimulationSettings
from pma.simulation.spend import MICROS, Calendar, make_spend, sum_by_channel, weekly_micros
from pma.simulation.structure import Structure, make_flows_arrays


@dataclass(frozen=True)
class Marketplace:
    """A marketplace of bicycles, its frames and its equations.

    countries: one row per country: country, management_region, currency, size, timezone.
    weeks: Mondays. `settings.last_day` may cut the last week: spend ends there, expected values are of the whole week.
    campaigns: one row per campaign_id and country (a campaign of Meta may run in two countries): campaign_id,
      ad_platform, account_id, account_name, account_timezone, currency, channel, country, campaign_name (newest), goal,
      bidding_type, status, starts_on, ends_on (NaT: open), earlier_name and renamed_on (null: never renamed),
      efficiency, budget_share.
    spend: one row per date, campaign_id and country: date, campaign_id, country, channel, spend (EUR), spend_local,
      spend_micros and local_micros (the same in whole millionths), impressions, clicks, in_feed (false: the company's
      feeds lack it), place (row of `campaigns`). Money of weekly sheets stands on Mondays.
    upload_contributions: country, week_start, component, kind, campaign_id (null unless paid), value: expected uploads
      of the week; the components add up to them, noise is one.
    demand: the same for the demand multiplier m(country, week), which is about 1 on average.
    flows: one row per origin_country and destination_country: share, mean_price, price_sigma, median_lag_days,
      lag_sigma.
    exchange_rates: date, currency, rate. context: date (Monday), country, variable, value.
    lift_tests: one row per experiment and target, with the true lift in `truth`. gaps: what the feeds lack.
    planned: EUR that was meant to be spent but for the tests, an array like `structure.spend`.
    structure: the equations; arrays in the order of countries, CHANNELS and weeks.
    The marketplace opens with its first week: nothing is in stock, so that orders need some weeks to come in full.
    """

    settings: SimulationSettings
    countries: pd.DataFrame
    weeks: pd.DatetimeIndex
    campaigns: pd.DataFrame
    spend: pd.DataFrame
    upload_contributions: pd.DataFrame
    demand: pd.DataFrame
    flows: pd.DataFrame
    exchange_rates: pd.DataFrame
    context: pd.DataFrame
    bike_events: pd.DataFrame
    lift_tests: pd.DataFrame
    gaps: pd.DataFrame
    planned: np.ndarray
    structure: Structure


def simulate(settings: SimulationSettings, bike_events: pd.DataFrame | None = None) -> Marketplace:
    """Make the marketplace of the settings; equal settings and events make equal frames on every machine.

    `bike_events` has one row per event and date: name, country (null: all), starts_on, ends_on; without it the usual
    races and fairs take place.
    """
    weeks = make_weeks(settings)
    calendar = Calendar(weeks, pd.date_range(weeks[0], pd.Timestamp(settings.last_day)))
    countries = make_countries(settings)
    events = usual_events(weeks) if bike_events is None else bike_events
    context = make_context(settings, weeks)
    unpaid_parts = _unpaid_parts(settings, countries, weeks, context, events)
    usual = usual_budget(settings, countries)
    planned = plan_budgets(settings, usual, _comes_anyway(unpaid_parts))
    tests = plan_tests(settings, planned)
    rates = make_rates(settings.seed, list(countries["currency"]), calendar.days)
    campaigns = make_campaigns(settings, countries, weeks, running(settings))
    spend = make_spend(settings, campaigns, with_tests(settings, planned, tests), rates, calendar)
    missing = gaps(settings, weeks)
    spend["in_feed"] = in_feed(spend, missing)
    micros = weekly_micros(spend, len(campaigns), calendar)
    by_channel = np.maximum(sum_by_channel(micros, campaigns, settings.countries) / MICROS, 0.0)
    levels = {target: _levels(settings, countries, target) for target in TARGETS}
    media = {target: settings.media_share * level for target, level in levels.items()}
    response = fit_response(settings, draw_shape(settings, usual), by_channel, goal_mix(campaigns, settings), media)
    flows = make_flows(settings, countries)
    structure, parts = with_noise(
        settings, Structure(weeks, by_channel, response, {}, make_flows_arrays(flows, settings.countries)), unpaid_parts
    )
    split = {t: contributions(settings, structure, parts[t], t, campaigns, micros / MICROS) for t in TARGETS}
    return Marketplace(
        settings=settings,
        countries=countries,
        weeks=weeks,
        campaigns=campaigns,
        spend=spend,
        upload_contributions=split[UPLOADS],
        demand=split[DEMAND],
        flows=flows,
        exchange_rates=rates,
        context=long_context(context),
        bike_events=events,
        lift_tests=measure_tests(settings, structure, planned, tests),
        gaps=missing,
        planned=planned,
        structure=structure,
    )


def _levels(settings: SimulationSettings, countries: pd.DataFrame, target: str) -> np.ndarray:
    """Uploads a week of each country, or its demand multiplier, on average over the weeks; (countries,)."""
    size = countries["size"].to_numpy()
    return settings.uploads_per_week * size if target == UPLOADS else np.ones(len(size))


def _unpaid_parts(
    settings: SimulationSettings,
    countries: pd.DataFrame,
    weeks: pd.DatetimeIndex,
    context: dict[str, pd.DataFrame],
    events: pd.DataFrame,
) -> dict[str, list[dict[str, np.ndarray]]]:
    """Per target and country the components without paid media and noise."""
    around = [Surroundings(country, weeks, context[country], events) for country in settings.countries]
    return {
        target: scaled(
            [unpaid(of, target, settings) for of in around],
            (1 - settings.media_share) * _levels(settings, countries, target),
        )
        for target in TARGETS
    }


def _comes_anyway(parts: dict[str, list[dict[str, np.ndarray]]]) -> np.ndarray:
    """Return what planners see coming, uploads and demand in equal parts, mean 1; (countries, weeks)."""
    sums = {target: np.array([sum(of.values()) for of in countries]) for target, countries in parts.items()}
    return np.mean([total / total.mean(axis=1, keepdims=True) for total in sums.values()], axis=0)
