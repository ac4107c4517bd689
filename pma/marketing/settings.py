"""Settings of marketing measurement: one frozen model per module of the room."""

from __future__ import annotations

from datetime import date

from pydantic import Field, model_validator

from pma.section import Section


class RegionSettings(Section):
    """Countries that are managed together."""

    countries: dict[str, tuple[str, ...]] = Field(
        {
            "DACH": ("DE", "AT", "CH"),
            "BENELUX": ("NL", "BE"),
            "SOUTH": ("FR", "IT", "ES"),
            "NORTH": ("DK", "PL"),
        },
        min_length=1,
        description="management regions and their countries; any other country is a region of its own name",
    )


class SpendSettings(Section):
    """Ad spend."""

    currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="currency of the tables")
    max_rate_age_days: int = Field(7, ge=0, description="an older exchange rate does not stand in for a missing one")


class SessionSettings(Section):
    """Sessions, identities and bots."""

    pause_minutes: int = Field(30, ge=1, description="a longer pause begins a new session; exactly as long does not")
    timezone: str = Field("Europe/Berlin", description="zone of a session's date")
    earliest: date = Field(date(2000, 1, 1), description="an event before it has a wrong clock and is refused")
    max_ahead_hours: float = Field(24.0, ge=0, description="an event so far after its receipt has a wrong clock")
    own_hosts: tuple[str, ...] = Field(("velomarket.example",), description="our own hosts: never a referrer")
    bot_events_per_day: int = Field(2000, ge=1, description="a device with more events on one day is no person")
    map_version: date | None = Field(
        None, description="users of devices as known before this date; null: by all events that there are"
    )
    rebuild: bool = Field(False, description="make all sessions anew, not only those of devices with new events")


class AttributionSettings(Section):
    """Which sessions a conversion is credited to, and how much to each."""

    window_days: float = Field(
        30.0, gt=0, description="sessions up to so long before the conversion, to the microsecond"
    )
    reset_at_conversion: bool = Field(
        False, description="sessions up to the user's last conversion of the same type do not count again"
    )
    half_life_days: float = Field(7.0, gt=0, description="of time_decay")
    first_weight: float = Field(0.3, ge=0, le=1, description="of model `position`; the middle shares the rest")
    last_weight: float = Field(0.5, ge=0, le=1, description="of model `position`; the middle shares the rest")
    max_path: int = Field(50, ge=1, description="the data-driven model reads so many last sessions of a path")

    @model_validator(mode="after")
    def _shares(self) -> AttributionSettings:
        if self.first_weight + self.last_weight > 1 or self.first_weight + self.last_weight == 0:
            raise ValueError("first_weight + last_weight must be above 0 and at most 1")
        return self


class GrowthSettings(Section):
    """The Weekly Growth Update."""

    awaited_weeks: int = Field(
        2,
        ge=0,
        description="a week waits for every platform, but for one without a row in so many weeks before the newest day "
        "of any; never for hand-kept sheets",
    )


class MarketingSettings(Section):
    """All of the room."""

    regions: RegionSettings = RegionSettings()
    spend: SpendSettings = SpendSettings()
    sessions: SessionSettings = SessionSettings()
    attribution: AttributionSettings = AttributionSettings()
    growth: GrowthSettings = GrowthSettings()
