"""Settings of planning: one frozen model per module of the room."""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt

from pma.section import Section


class BridgeSettings(Section):
    """What an upload in one country becomes in others."""

    horizon_days: PositiveInt = Field(180, description="days after an upload whose sales count as its own")
    window_days: PositiveInt = Field(730, description="uploads of so many days before the end are learned from")
    pair_orders: PositiveFloat = Field(
        20.0, description="a pair of countries is pulled to what is usual as if it had so many orders more"
    )
    draws: PositiveInt = Field(500, description="draws that intervals are made of")
    seed: int = Field(1, ge=0, description="seed of the draws")


class PlanningSettings(Section):
    """Planning."""

    bridge: BridgeSettings = BridgeSettings()
