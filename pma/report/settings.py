"""Settings of the reports."""

from __future__ import annotations

from pydantic import Field

from pma.section import Section


class ReportSettings(Section):
    """Pages for people."""

    path: str = Field("report", description="folder of the pages; on Databricks one under /Volumes or /Workspace")
    ranked_campaigns: int = Field(5, ge=1, description="campaigns named at the top and at the bottom of each ranking")
    ranked_share: float = Field(
        0.005, ge=0, lt=1, description="a campaign with a smaller share of the week's spend is not ranked"
    )
    trend_weeks: int = Field(52, ge=8, le=156, description="weeks in the pictures; the year before lies behind them")
