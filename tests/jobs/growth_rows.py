"""Rows of the weekly report by hand: what is not said of a row is zero."""

from decimal import Decimal

from pma.marketing.weekly_tables import COMPARED, CREDITS, PLATFORM_METRICS, REPORT_MODELS, WEEKLY_GROWTH

NOTHING = dict.fromkeys([*PLATFORM_METRICS, *(f"{c}_{m}" for c in CREDITS for m in REPORT_MODELS)], Decimal(0))
NOTHING |= {f"{name}_{back}": Decimal(0) for name in COMPARED for back in ("last_week", "last_year")}
SAID = {"campaign_id": "c", "ad_platform": "google", "channel": "channel_0", "data_origin": "a test"}


def growth_row(country, week_start, region="DACH", **said):
    """One row of bl.report_weekly_growth_update, in the order of its columns."""
    row = {**NOTHING, **SAID, "country": country, "management_region": region, "week_start": week_start}
    row |= {"yearweek": int(f"{week_start:%G%V}"), "is_complete_week": True, "spend_rows_without_rate": 0}
    row |= {"run_id": "before", **said}
    return tuple(_typed(row.get(column.name), column.type) for column in WEEKLY_GROWTH.columns)


def _typed(value, kind):
    return int(value) if isinstance(value, Decimal) and kind in ("bigint", "int") else value
