"""Marketplaces that tests share: each is made once, and nobody changes it."""

from functools import cache

from pma.simulation.marketplace import simulate
from pma.simulation.settings import SimulationSettings


@cache
def tiny():
    """Two countries of two currencies, twenty weeks, two geo experiments."""
    return simulate(SimulationSettings(regions={"DACH": ("DE", "CH")}, weeks=20, uploads_per_week=40, lift_tests=2))


@cache
def small():
    """Four countries in two regions, sixty weeks, four geo experiments."""
    regions = {"DACH": ("DE", "AT", "CH"), "NORTH": ("PL",)}
    return simulate(SimulationSettings(regions=regions, weeks=60, uploads_per_week=60, lift_tests=4))
