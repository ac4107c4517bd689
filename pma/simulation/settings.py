"""Settings of the simulated marketplace."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from pma.section import Section


class SimulationSettings(Section):
    """A bicycle marketplace with known truth, from one seed."""

    path: str = Field("raw/marketplace", description="folder of the files that the marketplace's systems would export")
    seed: int = Field(7, ge=0, description="seed of everything")
    regions: dict[str, tuple[str, ...]] = Field(
        {
            "DACH": ("DE", "AT", "CH"),
            "BENELUX": ("NL", "BE"),
            "SOUTH": ("FR", "IT", "ES"),
            "NORTH": ("DK", "PL"),
        },
        min_length=1,
        description="management regions and their countries",
    )
    last_day: date = Field(date(2026, 11, 1), description="last day of data, a Sunday closes the last week")
    timezone: str = Field(
        "Europe/Berlin",
        description="zone in which the last day ends; with another one than marketing.sessions has, the report may end "
        "with a week of some hours",
    )
    weeks: int = Field(156, ge=8, le=520, description="weeks of data")
    uploads_per_week: float = Field(120.0, gt=0, description="uploads a week of a country of middling size")
    sales_rate: float = Field(0.35, gt=0, le=1, description="share of uploads that sell")
    sessions_per_conversion: float = Field(
        8.0, ge=1, description="sessions of the website for each conversion, those of visitors who never convert too"
    )
    media_share: float = Field(0.35, gt=0, lt=1, description="share of uploads and orders that paid media bring")
    noise: float = Field(0.06, ge=0, lt=1, description="weekly noise beyond counting, as a share")
    confounding: float = Field(0.5, ge=0, le=1, description="how far budgets follow the demand that comes anyway")
    lift_tests: int = Field(6, ge=0, description="geo experiments")
    missing_feeds: bool = Field(True, description="leave out, on purpose, what real companies lack")
    utm_noise: float = Field(0.1, ge=0, le=1, description="share of tagged landings with a real-life fault")
    bot_share: float = Field(0.02, ge=0, lt=1, description="share of sessions that robots make")

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError("no time zone of that name: give one such as Europe/Berlin") from None
        return name

    @model_validator(mode="after")
    def _countries_once(self) -> SimulationSettings:
        countries = [country for group in self.regions.values() for country in group]
        if len(set(countries)) < len(countries):
            raise ValueError("regions: a country stands in two regions")
        return self

    @property
    def countries(self) -> tuple[str, ...]:
        """All countries, in the order of the regions."""
        return tuple(country for group in self.regions.values() for country in group)
