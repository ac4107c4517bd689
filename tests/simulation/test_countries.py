from zoneinfo import ZoneInfo

import pytest

from pma.simulation.countries import FACTS, make_countries, make_flows
from pma.simulation.marketplace import simulate
from pma.simulation.rates import USUAL_RATES
from pma.simulation.settings import SimulationSettings


def test_each_country_that_is_known_has_neighbours_a_rate_and_a_time_zone_that_there_are():
    for country, facts in FACTS.items():
        assert facts.currency in USUAL_RATES and ZoneInfo(facts.timezone), country
        assert set(facts.neighbours) <= FACTS.keys() - {country}, country


def test_a_country_that_is_not_known_has_a_size_by_lot_and_the_reporting_currency():
    countries = make_countries(SimulationSettings(regions={"A": ("DE", "BR"), "B": ("JP",)})).set_index("country")
    assert countries.loc[["BR", "JP"], ["currency", "timezone"]].to_numpy().tolist() == [["EUR", "UTC"]] * 2
    assert countries.loc["BR", "size"] != countries.loc["JP", "size"]


def test_sixty_countries_sell_to_each_other_and_each_sells_what_its_uploads_sell():
    known = list(FACTS)
    made_up = [f"Q{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"] + [f"Z{n}" for n in "ABCDEFG"]
    names = (known + made_up)[:60]
    settings = SimulationSettings(regions={f"R{n}": tuple(names[n::6]) for n in range(6)}, weeks=8, lift_tests=2)
    flows = make_flows(settings, make_countries(settings))
    assert len(flows) == 60 * 60
    assert flows.groupby("origin_country")["share"].sum().to_numpy() == pytest.approx(settings.sales_rate)
    marketplace = simulate(settings)
    spent = marketplace.spend.groupby("country")["spend"].sum()
    assert set(spent.index) == set(names) and (spent > 0).all()
