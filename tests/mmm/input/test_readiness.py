"""Each check finds the fault that is planted, by name, and nothing else in a clean geo."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pma.mmm.input.across import check_together, check_variable
from pma.mmm.input.geo_panel import Judge
from pma.mmm.input.readiness import CHECKS, COLUMNS, check_geo, readiness, require_judged
from pma.mmm.input.tables import MMM_READINESS
from pma.mmm.settings import ReadinessSettings
from pma.parallel import GroupsFailedError, ParallelSettings
from pma.simulation.budgets import plan_budgets
from pma.simulation.channels import CHANNEL_NAMES
from pma.simulation.settings import SimulationSettings
from tests.mmm.input.worlds import RATES, ROLES, RULES, WEEKS, N, accused, clean, feed, findings, long_rows


def gap(name, kind, places):
    def plant(world):
        world["values"].setdefault(name, np.full(N, 500.0) * np.exp(0.1 * np.sin(np.arange(N) ** 2)))
        world["gaps"][name] = [kind if place in places else None for place in range(N)]

    return plant


def value(name, change):
    def plant(world):
        world["values"][name] = change(np.array(world["values"].get(name, np.zeros(N)), dtype=float), world)

    return plant


def at(places, to):
    def change(values, world):
        values[places] = to(values[places]) if callable(to) else to
        return values

    return change


def days_of_feed(short, usual=7):
    def plant(world):
        world["feeds"] = [feed(usual if place != short else 3, WEEKS[place]) for place in range(20)]

    return plant


def unpriced(world):
    world["feeds"] = [feed(7, WEEKS[4], currency="XAU", unpriced=3)]


def jump(world):
    world["feeds"] = [feed(7, WEEKS[4])]
    world["rates"] = RATES.assign(rate=np.where(np.arange(N) < 50, 1.0, 1.2))


def cut_last(world):
    world["incomplete"] = [N - 1]


def not_yet(world):
    world["incomplete"] = [N - 1]
    world["gaps"]["tv"] = [None] * (N - 1) + ["after_last_data"]


def short_world(world):
    kind = ["before_first_data"] * 110 + [None] * 46
    world["gaps"] |= {"uploads": kind, "gmv": kind}


def swapped(world):
    world["impressions"]["tiktok"] = world["impressions"]["tiktok"].copy()
    world["impressions"]["tiktok"][7] = 0
    world["values"]["tiktok"][9] = 0


def dear(world):
    world["impressions"]["tiktok"][12] /= 40


def after_target(values, world):
    """A budget as the simulation plans it where it follows nothing but demand."""
    settings = SimulationSettings(regions={"DACH": ("DE",)}, weeks=N, confounding=0.9)
    usual = np.full((1, len(CHANNEL_NAMES)), 500.0)
    return plan_budgets(settings, usual, world["values"]["uploads"][None])[0, CHANNEL_NAMES.index("meta_prospecting")]


def seasonal(values, world):
    return 300 + 200 * np.sin(2 * np.pi * np.arange(N) * 7 / 365.25) + np.random.default_rng(1).standard_normal(N)


def joined(values, world):
    return world["values"]["tv"] + 2 * world["values"]["affiliate"]


def rare(values, world):
    values = np.zeros(N)
    values[[10, 40, 70]] = [300, 310, 290]
    return values


def mixed(share):
    def change(values, world):
        noise = np.random.default_rng(8).standard_normal(N)
        tv = world["values"]["tv"]
        return 3 * (tv + share * tv.std() * noise)

    return change


FIRST, LAST = WEEKS[0], WEEKS[-1]
FAULTS = [
    ("never", gap("youtube_flobikes", "never", range(N)), {("never_data", "youtube_flobikes"): (FIRST, LAST)}),
    (
        "late",
        gap("google_demand_gen_brand", "before_first_data", range(30)),
        {("before_first_data", "google_demand_gen_brand"): (FIRST, WEEKS[29])},
    ),
    ("ended", gap("tiktok", "after_last_data", range(100, N)), {("after_last_data", "tiktok"): (WEEKS[100], LAST)}),
    ("hole", gap("tv", "hole", {20, 21, 50}), {("hole", "tv"): (WEEKS[20], WEEKS[50])}),
    ("days", days_of_feed(8), {("missing_days", "google"): (WEEKS[8], WEEKS[8])}),
    ("rate", unpriced, {("no_exchange_rate", "XAU"): (WEEKS[4], WEEKS[4])}),
    ("jump", jump, {("currency_jump", "CHF"): (WEEKS[50], WEEKS[50])}),
    ("cut", cut_last, {("partial_week", "(all)"): (LAST, LAST)}),
    ("not yet", not_yet, {("partial_week", "(all)"): (LAST, LAST)}),
    (
        "short",
        short_world,
        {
            ("before_first_data", "gmv"): (FIRST, WEEKS[109]),
            ("before_first_data", "uploads"): (FIRST, WEEKS[109]),
            ("too_few_weeks", "(all)"): (None, None),
            ("weeks_per_variable", "(all)"): (None, None),
        },
    ),
    ("constant", value("tv", at(slice(None), 300.1)), {("zero_variance", "tv"): (FIRST, LAST)}),
    ("constant target", value("uploads", at(slice(None), 100.0)), {("zero_variance", "uploads"): (FIRST, LAST)}),
    ("rare", value("tv", rare), {("few_active_weeks", "tv"): (WEEKS[10], WEEKS[70])}),
    ("tiny", value("tv", at(slice(None), lambda v: v / 1000)), {("small_share", "tv"): (None, None)}),
    (
        "swapped",
        swapped,
        {
            ("spend_without_impressions", "tiktok"): (WEEKS[7], WEEKS[7]),
            ("impressions_without_spend", "tiktok"): (WEEKS[9], WEEKS[9]),
        },
    ),
    ("dear", dear, {("price_outlier", "tiktok"): (WEEKS[12], WEEKS[12])}),
    ("spike", value("tv", at(33, 90_000.0)), {("outlier", "tv"): (WEEKS[33], WEEKS[33])}),
    ("shift", value("gmv", at(slice(90, N), lambda v: v * 5)), {("level_shift", "gmv"): (WEEKS[90], LAST)}),
    ("credit", value("tiktok", at(60, -50.0)), {("negative", "tiktok"): (WEEKS[60], WEEKS[60])}),
    ("zero", value("uploads", at(70, 0.0)), {("zero_target", "uploads"): (WEEKS[70], WEEKS[70])}),
    ("follows", value("tv", after_target), {("follows_target", "tv"): (None, None)}),
    (
        "copy",
        value("tv2", mixed(0.01)),
        {
            ("near_duplicate", "tv"): (None, None),
            ("near_duplicate", "tv2"): (None, None),
            ("vif", "tv"): (None, None),
            ("vif", "tv2"): (None, None),
        },
    ),
    (
        "alike",
        value("tv2", mixed(0.37)),
        {("correlation", "tv"): (None, None), ("correlation", "tv2"): (None, None)},
    ),
    ("sum", value("both", joined), {("vif", name): (None, None) for name in ("both", "tv", "affiliate")}),
    ("seasonal", value("tv", seasonal), {("explained_by_time", "tv"): (None, None)}),
    ("poor", value("gmv", at(slice(None), lambda v: v / 60)), {("negative_baseline", "(all)"): (None, None)}),
]
FAILS = {("too_few_weeks", "(all)"), ("zero_variance", "uploads")}


def test_a_clean_geo_is_accused_of_nothing_and_every_check_says_so():
    found = findings(clean())
    assert [(f.check, f.variable) for f in found if f.severity != "ok"] == []
    assert sorted(f.check for f in found) == sorted(name for names in CHECKS for name in names)


@pytest.mark.parametrize(("plant", "expected"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_the_planted_fault_is_found_by_name_and_nothing_else(plant, expected):
    world = clean()
    plant(world)
    found = accused(world)
    assert {key: (f.since, f.until) for key, f in found.items()} == expected
    assert all(f.detail and f.cost and f.fix for f in found.values())


def test_what_keeps_a_geo_out_is_named():
    fails = set()
    for _, plant, _ in FAULTS:
        world = clean()
        plant(world)
        fails |= {key for key, finding in accused(world).items() if finding.severity == "fail"}
    twins = {("vif", name) for name in ("tv", "tv2", "both", "affiliate")}
    assert fails == FAILS | twins


def test_details_say_the_numbers():
    world = clean()
    world["values"]["tv"][33] = 90_000.0
    said = accused(world)["outlier", "tv"].detail
    assert said.startswith(f"1 week far from the usual: {WEEKS[33]}; the farthest is 90,000, the median ")
    assert "standard deviation" in said

    world = clean()
    gap("tv", "hole", {20, 21, 50})(world)
    assert accused(world)["hole", "tv"].detail == (
        f"3 weeks missing in between: {WEEKS[20]} to {WEEKS[21]}, {WEEKS[50]}"
    )


def test_missing_targets_and_many_zeros_keep_a_geo_out():
    world = clean()
    world["gaps"]["gmv"] = ["never"] * N
    found = accused(world)
    assert {key for key, f in found.items() if f.severity == "fail"} == {
        ("never_data", "gmv"),
        ("too_few_weeks", "(all)"),
        ("weeks_per_variable", "(all)"),
    }
    world = clean()
    world["values"]["gmv"][:100] = 0
    assert accused(world)["zero_target", "gmv"].severity == "fail"


def test_a_holiday_table_without_the_country_is_a_warning_that_says_so(monkeypatch):
    monkeypatch.setitem(ROLES, "public_holidays", "calendar")
    world = clean()
    world["values"]["public_holidays"] = np.zeros(N)
    world["gaps"]["public_holidays"] = ["never"] * N
    found = accused(world)
    assert set(found) == {("never_data", "public_holidays")}
    assert found["never_data", "public_holidays"].severity == "warn"
    assert "the holiday table does not have it" in found["never_data", "public_holidays"].fix


@settings(max_examples=12)
@given(
    money=st.floats(1e-3, 1e5),
    counts=st.floats(1e-2, 1e3),
    index=st.floats(1e-3, 1e3),
    fault=st.sampled_from([None, "spike", "copy", "shift", "dear", "follows", "constant", "sum"]),
)
def test_other_units_change_no_verdict(money, counts, index, fault):
    world = clean()
    if fault:
        next(plant for name, plant, _ in FAULTS if name == fault)(world)
    before = set(accused(world))
    for name, values in world["values"].items():
        role = ROLES.get(name, "paid")
        factor = money if role == "paid" or name == "gmv" else index if role == "context" else counts
        world["values"][name] = values * (factor if role != "calendar" else 1.0)
    world["impressions"] = {name: values * counts for name, values in world["impressions"].items()}
    assert set(accused(world)) == before


def geos(values, variable="tv", role="paid"):
    """Long rows of one variable: {country: series or gap}."""
    rows = [
        {
            "geo_level": "country",
            "geo": geo,
            "week_start": week,
            "variable": variable,
            "role": role,
            "value": np.nan if isinstance(series, str) else series[place],
            "gap": series if isinstance(series, str) else None,
            "is_complete_week": True,
        }
        for geo, series in values.items()
        for place, week in enumerate(WEEKS)
    ]
    return pd.DataFrame(rows)


def across(values, sizes=None, **of):
    judge = Judge(ReadinessSettings(), RULES, RATES, {"DACH": ("DE", "AT", "CH"), "NORTH": ("DK",)})
    found = check_variable(geos(values, **of), pd.Series(sizes or {}, dtype=float, name="size"), judge)
    return {(level, geo, f.check): f for level, geo, f in found}


def test_one_series_split_by_a_key_is_found_across_countries():
    rng = np.random.default_rng(5)
    national = np.exp(rng.standard_normal(N))
    found = across({"DE": national * 0.6, "AT": national * 0.3, "DK": national * 0.1})
    assert set(found) == {("country", "(all)", "same_everywhere")}
    own = {geo: np.exp(rng.standard_normal(N)) for geo in ("DE", "AT", "DK")}
    assert across(own) == {}
    # The weather may well be the same.
    assert across({"DE": national, "AT": national}, variable="temperature", role="context") == {}


def test_a_region_without_one_of_its_countries_is_named():
    rng = np.random.default_rng(6)
    found = across({"DE": rng.random(N), "AT": "never", "CH": rng.random(N), "DK": "never"})
    assert set(found) == {("management_region", "DACH", "lacks_countries")}
    only = found["management_region", "DACH", "lacks_countries"]
    assert only.detail == "the region's number is without AT, which has no data of it"


def test_pairs_that_move_together_over_all_countries_are_found_by_size():
    rng = np.random.default_rng(9)
    sizes = {"DE": 900.0, "AT": 100.0, "DK": 30.0}
    own = {geo: {name: np.exp(0.3 * rng.standard_normal(N)) for name in ("tv", "tiktok")} for geo in sizes}

    def together(of_tiktok):
        frames = [
            geos({geo: size * own[geo]["tv"] for geo, size in sizes.items()}, "tv"),
            geos({geo: size * of_tiktok(geo) for geo, size in sizes.items()}, "tiktok"),
            geos({geo: np.arange(N) * 1.0 for geo in sizes}, "temperature", "context"),
            geos({geo: np.arange(N) * 1.0 for geo in sizes}, "eurobike", "calendar"),
        ]
        judge = Judge(ReadinessSettings(), RULES, RATES, {})
        found = check_together(pd.concat(frames), pd.Series(sizes, name="size"), judge)
        return {(level, geo, f.check, f.variable): f.measure for level, geo, f in found}

    # Both are larger where more is uploaded: that alone is no likeness.
    assert together(lambda geo: own[geo]["tiktok"]) == {}
    same = together(lambda geo: own[geo]["tv"] + 0.3 * own[geo]["tiktok"])
    assert set(same) == {("country", "(all)", "correlation", name) for name in ("tv", "tiktok")}
    x, y = (
        np.concatenate([series[geo] for geo in sizes])
        for series in (
            {geo: own[geo]["tv"] for geo in sizes},
            {geo: own[geo]["tv"] + 0.3 * own[geo]["tiktok"] for geo in sizes},
        )
    )
    assert same["country", "(all)", "correlation", "tv"] == pytest.approx(np.corrcoef(x, y)[0, 1])


def test_spend_that_shrinks_with_size_is_found():
    rng = np.random.default_rng(7)
    sizes = {geo: float(size) for size, geo in enumerate(("DE", "AT", "CH", "DK", "FR"), 1)}
    shrinking = {geo: rng.random(N) + 100 / size for geo, size in sizes.items()}
    assert set(across(shrinking, sizes)) == {("country", "(all)", "against_size")}
    growing = {geo: rng.random(N) + 100 * size for geo, size in sizes.items()}
    assert across(growing, sizes) == {}


def test_spend_without_a_country_is_one_row_that_fails_nothing():
    rows = pd.DataFrame([feed(7, WEEKS[0]), feed(7, WEEKS[3], "meta")]).assign(geo_level="country", geo="(unknown)")
    found = check_geo(rows, Judge(ReadinessSettings(), RULES, RATES), "a test")
    assert found.to_dict("records") == [
        {
            "geo_level": "country",
            "geo": "(unknown)",
            "variable": "(all)",
            "check": "unplaced_spend",
            "severity": "warn",
            "detail": "14.00 of spend has no country (google, meta)",
            "cost": "It is in no model: channels look cheaper than they are.",
            "fix": "Ask the team of the platform to name the country in account or campaign, or add a rule for it.",
            "since": WEEKS[0],
            "until": WEEKS[3],
            "measure": 14.0,
            "data_origin": "a test",
        }
    ]


@pytest.fixture(scope="module")
def spread(spark):
    """A clean geo, one whose rows are broken (a week twice), and spend of both and of no country, on two engines."""
    broken = long_rows(clean(), "AT")
    broken = pd.concat([broken, broken.head(1)])
    rows = pd.concat([long_rows(clean()), broken]).drop(columns=["days", "unpriced", "money"])
    rows = rows.astype(object).where(rows.notna(), None)
    names = "geo_level string, geo string, week_start date, variable string, role string, value double, "
    names += "impressions double, unit string, gap string, is_complete_week boolean, data_origin string, run_id string"
    columns = [part.split()[0] for part in names.split(", ")]
    inputs = spark.createDataFrame(
        [tuple(row[c] for c in columns) for row in rows.assign(data_origin="t", run_id="r").to_dict("records")], names
    )
    spend = spark.createDataFrame(
        [(WEEKS[0], "google", "tv", geo, "EUR", Decimal(5)) for geo in ("DE", "AT", "(unknown)")],
        "date date, ad_platform string, channel string, country string, currency string, spend decimal(18,6)",
    )
    judge = Judge(ReadinessSettings(), RULES, RATES)
    return {
        engine: readiness(inputs, spend, judge, "a test", ParallelSettings(engine=engine, partitions=2))
        for engine in ("serial", "pandas_udf")
    }


def test_a_geo_that_cannot_be_judged_is_kept_out_and_the_others_go_on(spread):
    rows = spread["serial"].set_index(["geo", "variable", "check"])
    assert set(spread["serial"]["geo"]) == {"DE", "AT", "(unknown)", "(all)"}
    assert rows.loc[("AT", "(all)", "checks_failed"), "severity"] == "fail"
    assert set(spread["serial"][spread["serial"]["geo"] == "DE"]["severity"]) == {"ok"}
    # AT's other series are DE's: that is said; the one that is broken could not be compared.
    assert rows.loc[("(all)", "tv", "same_everywhere"), "severity"] == "warn"
    assert rows.loc[("(all)", "uploads", "checks_failed"), "severity"] == "warn"
    assert not spread["serial"].duplicated(list(MMM_READINESS.key)).any()


def test_the_job_fails_past_the_share_that_the_settings_allow(spread):
    require_judged(spread["serial"], ParallelSettings(max_failed_share=0.5))
    with pytest.raises(
        GroupsFailedError, match=r"1 of 2 geos could not be judged.*AT: the checks ended with ValueError"
    ):
        require_judged(spread["serial"], ParallelSettings(max_failed_share=0.4))


def test_engines_agree_row_by_row(spread):
    one, other = (frame[list(COLUMNS)].astype(object).where(frame.notna(), None) for frame in spread.values())
    # The same fault, worded by pandas on the worker: the text is the same too.
    assert one.to_dict("records") == other.to_dict("records")
