"""Settings of the customer embedding repository: one frozen model per module of the room."""

from __future__ import annotations

from pydantic import Field

from pma.section import Section


class FeatureSettings(Section):
    """Purchase metrics per customer and date."""

    windows_days: tuple[int, ...] = Field((30, 90, 365), description="look-back windows, days before as_of")
    min_customers: int = Field(25, ge=1, description="a feature is kept when at least so many customers have it")


class EmbeddingSettings(Section):
    """All of the room."""

    features: FeatureSettings = FeatureSettings()
