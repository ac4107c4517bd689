"""Expected uploads and demand, taken apart: one row per country, week, component and, for paid media, campaign."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from pma.simulation.channels import CHANNEL_NAMES, GOAL_EFFECTS, INTERACTION, TARGETS
from pma.simulation.context import wander
from pma.simulation.demand import KINDS
from pma.simulation.draws import generator
from pma.simulation.media import adstock
from pma.simulation.settings import SimulationSettings
from pma.simulation.structure import Structure

COLUMNS = ["country", "week_start", "component", "kind", "campaign_id", "value"]
NOISE = "noise"
# Of what is expected otherwise, noise leaves at least so much.
_LEAST = 0.05


def scaled(parts: list[dict[str, np.ndarray]], levels: np.ndarray) -> list[dict[str, np.ndarray]]:
    """Scale each country's unpaid components such that their sum is its level on average over the weeks."""
    factors = [level / np.sum(list(of.values()), axis=0).mean() for of, level in zip(parts, levels, strict=True)]
    return [{name: values * factor for name, values in of.items()} for of, factor in zip(parts, factors, strict=True)]


Parts = dict[str, list[dict[str, np.ndarray]]]


def with_noise(settings: SimulationSettings, bare: Structure, parts: Parts) -> tuple[Structure, Parts]:
    """Put the components without paid media, and noise upon all, into the equations; the parts gain `noise`.

    `parts` are per target and country; `bare` has none yet.
    """
    whole: Parts = {}
    sums = {}
    for target, countries in parts.items():
        quiet = np.array([sum(of.values()) for of in countries])
        effects, both = bare.response.effects(bare.spend, target)
        drawn = _noise(settings, target, quiet + effects.sum(axis=1) + both)
        whole[target] = [{**of, NOISE: drawn[i]} for i, of in enumerate(countries)]
        sums[target] = quiet + drawn
    return replace(bare, unpaid=sums), whole


def _noise(settings: SimulationSettings, target: str, expected: np.ndarray) -> np.ndarray:
    """Draw what comes on top of the expected, (countries, weeks): a share of it, with a little memory."""
    shares = [
        settings.noise * wander(generator(settings.seed, NOISE, country, target), settings.weeks, 0.1)
        for country in settings.countries
    ]
    return expected * np.maximum(np.array(shares), _LEAST - 1)


def contributions(
    settings: SimulationSettings,
    structure: Structure,
    unpaid: list[dict[str, np.ndarray]],
    target: str,
    campaigns: pd.DataFrame,
    of_campaigns: np.ndarray,
) -> pd.DataFrame:
    """Return COLUMNS: per country and week the components of a target; a channel has one row per campaign.

    `unpaid` are the components, noise among them, by country; `of_campaigns`, (campaigns, weeks), is EUR spend.
    A campaign without effect in a week has no row.
    """
    effects, both = structure.paid[target]
    weeks = structure.weeks
    frames = []
    for i, country in enumerate(settings.countries):
        named = {**unpaid[i], INTERACTION: both[i]}
        wide = pd.DataFrame(named, index=weeks)
        long = wide.rename_axis("week_start").reset_index().melt("week_start", var_name="component")
        long["kind"] = [kind_of(name) for name in long["component"]]
        frames.append(long.assign(country=country, campaign_id=None))
    share = _campaign_shares(settings, structure, target, campaigns, of_campaigns)
    country_place = np.array([settings.countries.index(c) for c in campaigns["country"]])
    channel_place = np.array([CHANNEL_NAMES.index(c) for c in campaigns["channel"]])
    values = share * effects[country_place, channel_place]
    place, week = np.nonzero(values)
    paid = pd.DataFrame(
        {
            "country": campaigns["country"].to_numpy()[place],
            "week_start": weeks[week],
            "component": campaigns["channel"].to_numpy()[place],
            "kind": "paid",
            "campaign_id": campaigns["campaign_id"].to_numpy()[place],
            "value": values[place, week],
        }
    )
    return pd.concat([*[frame[COLUMNS] for frame in frames], paid], ignore_index=True)


def kind_of(component: str) -> str:
    """Return the kind of a component, as `truth.contributions` has it."""
    if component in CHANNEL_NAMES:
        return "paid"
    if component in (NOISE, INTERACTION):
        return "noise" if component == NOISE else "interaction"
    return KINDS.get(component, "event")


def _campaign_shares(
    settings: SimulationSettings, structure: Structure, target: str, campaigns: pd.DataFrame, of_campaigns: np.ndarray
) -> np.ndarray:
    """Each campaign's share of its channel's effect: by adstocked spend, efficiency and goal; (campaigns, weeks)."""
    goal = np.array([GOAL_EFFECTS[goal][TARGETS.index(target)] for goal in campaigns["goal"]])
    country = np.array([settings.countries.index(c) for c in campaigns["country"]])
    channel = np.array([CHANNEL_NAMES.index(c) for c in campaigns["channel"]])
    kept = adstock(np.maximum(of_campaigns, 0.0), structure.response.carry_over[country, channel])
    weight = kept * (campaigns["efficiency"].to_numpy() * goal)[:, None]
    group = country * len(CHANNEL_NAMES) + channel
    total = np.zeros((len(settings.countries) * len(CHANNEL_NAMES), weight.shape[1]))
    np.add.at(total, group, weight)
    whole = total[group]
    return np.divide(weight, whole, out=np.zeros_like(weight), where=whole > 0)
