"""The tables of the model's input, and of what is missing in it."""

from pma.mmm.tables import GEO, GEO_LEVEL, ORIGIN, RUN
from pma.tables import Column, TableSpec

MMM_INPUT = TableSpec(
    name="bl.mmm_input",
    grain="geo x week x variable; a week without data has a row too",
    key=("geo_level", "geo", "week_start", "variable"),
    columns=(
        GEO_LEVEL,
        GEO,
        Column("week_start", "date", "Monday of the week"),
        Column("variable", "string", "clean name: uploads, gmv, a channel, tv x google_search_brand, ..."),
        Column("role", "string", "target, paid, organic, context, calendar or interaction", required=True),
        Column("value", "double", "null: not known, which is not zero"),
        Column("impressions", "double", "of a paid variable; null: not known"),
        Column("unit", "string", "reporting currency, count, share or index", required=True),
        Column("gap", "string", "why a value is null: before_first_data, after_last_data, hole, never; null: no gap"),
        Column("is_complete_week", "boolean", "false: the data end inside the week", required=True),
        ORIGIN,
        RUN,
    ),
    checks={
        "role_is_known": "role IN ('target', 'paid', 'organic', 'context', 'calendar', 'interaction')",
        "a_gap_is_null": "(value IS NULL) = (gap IS NOT NULL)",
    },
    cluster_by=("geo_level", "geo"),
)

MMM_READINESS = TableSpec(
    name="bl.mmm_readiness",
    grain="geo x variable x check",
    key=("geo_level", "geo", "variable", "check"),
    columns=(
        GEO_LEVEL,
        GEO,
        Column("variable", "string", "the variable, or (all) for a check of the geo as a whole"),
        Column("check", "string", "name of the check"),
        Column("severity", "string", "fail: the geo is not fitted; warn: fitted, and said; ok", required=True),
        Column("detail", "string", "what was found, in words, with the numbers", required=True),
        Column("cost", "string", "what it costs the model, in words; null: nothing"),
        Column("fix", "string", "who can do what about it; null: nothing to do"),
        Column("since", "date", "first week concerned; null: no one week"),
        Column("until", "date", "last week concerned; null: no one week"),
        Column("measure", "double", "the number that was judged; null: none"),
        ORIGIN,
        RUN,
    ),
    checks={"severity_is_known": "severity IN ('fail', 'warn', 'ok')"},
)

TABLES = (MMM_INPUT, MMM_READINESS)
