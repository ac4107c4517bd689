from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pma.marketing.attribution import attribute
from pma.marketing.conversions import conversions
from pma.marketing.identities import identities
from pma.marketing.markov import EFFECTS
from pma.marketing.sessions import read_session_rules, sessionise
from pma.marketing.settings import AttributionSettings, SessionSettings
from pma.marketing.tables import EVENT_ATTRIBUTION, EVENTS, LISTINGS, MODELS, ORDERS
from pma.marketing.touches import touches
from pma.sources.orders import check_orders
from pma.tables import conform
from tests.conftest import REPOSITORY
from tests.marketing.journeys import (
    AT,
    ORDER,
    TICK,
    UPLOAD,
    conversion,
    conversions_of,
    days,
    decimals,
    sessions_of,
    visit,
    weights,
)

MONTH = AttributionSettings()
# Removal effects, as a chain might give them; `tv` has none.
REMOVED = [(kind, channel, 0.1 * n) for kind in (UPLOAD, ORDER) for n, channel in enumerate(("tv", "seo", "direct"))]
REMOVED += [(ORDER, "newsletter", 0.6)]
ODD = "spring > summer | sale, 50% \"off\" 'now'"

SESSIONS = [
    visit("one 1", "one", 2),
    *[visit(f"two {i}", "two", 3 - i) for i in (1, 2)],
    *[visit(f"three {i}", "three", 4 - i) for i in (1, 2, 3)],
    *[visit(f"four {i}", "four", 5 - i) for i in (1, 2, 3, 4)],
    visit("both 1", "both", 3, "direct"),
    visit("both 2", "both", 2, "seo"),
    visit("both 3", "both", 1, "direct"),
    visit("window 1", "window", AT - days(30) - TICK),
    visit("window 2", "window", AT - days(30)),
    # Thirty calendar days before, yet earlier in the day; and later on the day of the conversion.
    visit("window 3", "window", datetime(2026, 3, 1, 11, 59, 59)),
    visit("window 4", "window", AT + timedelta(hours=1)),
    visit("direct 1", "direct last", 3, "newsletter"),
    visit("direct 2", "direct last", 2, "direct"),
    visit("direct 3", "direct last", 1, "direct"),
    visit("only direct 1", "only direct", 2, "direct"),
    visit("only direct 2", "only direct", 1, "direct"),
    visit("repeats 1", "repeats", 4, "seo", campaign="a"),
    visit("repeats 2", "repeats", 3, "seo", campaign="a"),
    visit("repeats 3", "repeats", 2, "newsletter", campaign="b"),
    visit("shared 1", "shared", 12),
    visit("shared 2", "shared", 2),
    visit("same moment", "same moment", AT),
    # One browser of two people: who was logged in decides, not who was the last to be.
    visit("family 1", "mother", 5, anonymous_id="the family's"),
    visit("family 2", "son", 4, anonymous_id="the family's"),
    visit("odd 1", "odd", 2, "newsletter", campaign=ODD),
    visit("odd 2", "odd", 1, "newsletter", campaign="|"),
    visit("decay 1", "decay", 14),
    visit("decay 2", "decay", 7),
    visit("decay 3", "decay", 0),
    visit("data 1", "data", 3, "seo"),
    visit("data 2", "data", 2, "tv"),
    visit("data 3", "data", 1, "newsletter"),
    visit("no effect 1", "no effect", 3, "tv"),
    visit("no effect 2", "no effect", 2, "a channel that the chain does not know"),
]
CONVERSIONS = [
    *[conversion(name, name, value="100.01") for name in ("one", "two", "three", "four")],
    conversion("both", "both", value="140"),
    conversion("window", "window"),
    conversion("direct last", "direct last"),
    conversion("only direct", "only direct"),
    conversion("repeats", "repeats"),
    conversion("shared, order", "shared", value="10", is_first=False),
    conversion("shared, earlier order", "shared", 10, value="7"),
    conversion("shared, upload", "shared", 1, kind=UPLOAD),
    conversion("same moment", "same moment"),
    conversion("of the mother", "mother"),
    conversion("of the son", "son"),
    conversion("odd", "odd", value="3"),
    conversion("decay", "decay", value="7"),
    conversion("data", "data", value="7"),
    conversion("no effect", "no effect"),
    conversion("nobody was here", "stranger", value="99.99"),
    conversion("nobody was here either", "stranger", kind=UPLOAD),
]


def attributed(spark, sold, visits, chosen=MONTH, removed=REMOVED):
    touched = touches(conversions_of(spark, sold), sessions_of(spark, visits), chosen)
    return conform(attribute(touched, spark.createDataFrame(removed, EFFECTS), chosen), EVENT_ATTRIBUTION)


@pytest.fixture(scope="module")
def found(spark):
    return attributed(spark, CONVERSIONS, SESSIONS).collect()


def credited(rows, conversion_id, model):
    """Sessions of a conversion that have any weight."""
    mine = [row for row in rows if (row["conversion_id"], row["model"]) == (conversion_id, model) and row["weight"]]
    return [row["session_id"] for row in sorted(mine, key=lambda row: row["touch"])]


def sums(rows):
    """Weight, value and number of sessions of every conversion and model."""
    totals = {}
    for row in rows:
        key = row["conversion_id"], row["model"]
        weight, value, number = totals.get(key, (0, 0, 0))
        totals[key] = weight + row["weight"], value + row["value"], number + 1
    return totals


def test_case_1_one_touch_has_all_of_two_each_has_half_of_more_the_ends_have_forty_percent(found):
    assert weights(found, "one", "u_shape") == decimals("1")
    assert weights(found, "two", "u_shape") == decimals("0.5", "0.5")
    assert weights(found, "three", "u_shape") == decimals("0.4", "0.2", "0.4")
    assert weights(found, "four", "u_shape") == decimals("0.4", "0.1", "0.1", "0.4")
    # Unequal weights, 0.3 and 0.5: the last has its own, and two of them are a / (a + b) and b / (a + b).
    assert weights(found, "one", "position") == decimals("1")
    assert weights(found, "two", "position") == decimals("0.375", "0.625")
    assert weights(found, "three", "position") == decimals("0.3", "0.2", "0.5")
    assert weights(found, "four", "position") == decimals("0.3", "0.1", "0.1", "0.5")


def test_case_2_a_channel_that_is_both_first_and_last_gets_both(found):
    mine = [row for row in found if (row["conversion_id"], row["model"]) == ("both", "u_shape")]
    assert sorted((row["session_id"], row["channel"], row["value"]) for row in mine) == [
        ("both 1", "direct", Decimal(56)),
        ("both 2", "seo", Decimal(28)),
        ("both 3", "direct", Decimal(56)),
    ]


def test_case_3_weights_add_up_to_exactly_one_and_values_to_exactly_the_value(found):
    touched = {row["conversion_id"]: max(row["touches"], 1) for row in found}
    expected = {(row[0], model): (1, row[8], touched[row[0]]) for row in CONVERSIONS for model in MODELS}
    assert sums(found) == expected
    # A third of 100.01 has no six digits.
    mine = [row for row in found if (row["conversion_id"], row["model"]) == ("three", "linear")]
    parts = [row["value"] for row in sorted(mine, key=lambda row: row["touch"])]
    assert parts == decimals("33.336667", "33.336666", "33.336667")


def test_case_4_a_conversion_without_touches_is_kept_as_unattributed(found):
    for name, kind, value in (("nobody was here", ORDER, "99.99"), ("nobody was here either", UPLOAD, "0")):
        mine = [row for row in found if row["conversion_id"] == name]
        nothing, whole = (None, None, None, None), (Decimal(1), Decimal(value))
        assert sorted(map(tuple, mine)) == sorted(
            (
                *(name, "(unattributed)", model, kind, AT, "DE", True, None, 0, 0, "(unattributed)"),
                *(*nothing, *whole),
            )
            for model in MODELS
        )


def test_case_5_the_window_is_by_the_exact_moment_with_both_ends_and_nothing_after_the_conversion(found):
    assert credited(found, "window", "linear") == ["window 2"]


def test_case_6_last_non_direct_passes_over_direct_unless_all_is_direct(found):
    assert credited(found, "direct last", "last_non_direct") == ["direct 1"]
    assert credited(found, "direct last", "last_click") == ["direct 3"]
    assert credited(found, "only direct", "last_non_direct") == ["only direct 2"]
    # A channel that no rule knows is not direct.
    assert credited(found, "no effect", "last_non_direct") == ["no effect 2"]


def test_case_7_repeats_are_touches_of_their_own(found):
    # Collapsed to seo, newsletter each would have half.
    assert weights(found, "repeats", "linear") == decimals("0.333333333333", "0.333333333334", "0.333333333333")
    assert weights(found, "repeats", "u_shape") == decimals("0.4", "0.2", "0.4")


def test_case_8_two_conversions_share_touches_unless_the_setting_resets_them_and_types_are_apart(spark, found):
    assert credited(found, "shared, earlier order", "linear") == ["shared 1"]
    assert credited(found, "shared, order", "linear") == ["shared 1", "shared 2"]
    assert credited(found, "shared, upload", "linear") == ["shared 1", "shared 2"]
    chosen = AttributionSettings(reset_at_conversion=True)
    sold = [row for row in CONVERSIONS if row[2] == "shared"]
    reset = attributed(spark, sold, SESSIONS, chosen).collect()
    assert credited(reset, "shared, earlier order", "linear") == ["shared 1"]
    assert credited(reset, "shared, order", "linear") == ["shared 2"]
    assert credited(reset, "shared, upload", "linear") == ["shared 1", "shared 2"]
    assert sums(reset)["shared, order", "linear"] == (1, 10, 1)


def test_case_9_a_touch_at_the_moment_of_the_conversion_counts(found):
    assert credited(found, "same moment", "first_click") == ["same moment"]


def test_case_10_the_user_of_the_session_is_credited_and_not_the_last_one_of_the_browser(found):
    assert credited(found, "of the mother", "linear") == ["family 1"]
    assert credited(found, "of the son", "linear") == ["family 2"]


def test_case_11_names_of_campaigns_with_separators_in_them_stay_whole(found):
    mine = [row for row in found if (row["conversion_id"], row["model"]) == ("odd", "linear")]
    assert sorted((row["touch"], row["campaign"], row["weight"]) for row in mine) == [
        (1, ODD, Decimal("0.5")),
        (2, "|", Decimal("0.5")),
    ]


def test_case_12_an_order_that_is_sent_twice_is_one_conversion_and_its_refund_stands_apart(spark):
    listings = spark.createDataFrame([("l1", "seller", "DE", AT, Decimal(30))], LISTINGS.schema)
    orders = [("o1", "l1", "one", "DE", AT, Decimal(30), Decimal(refund)) for refund in ("0", "30", "0")]
    mapped = spark.createDataFrame(orders, ORDERS.schema).selectExpr("*", "struct(*) AS given")
    judged = check_orders(mapped, listings, AT + days(1))
    sold = conversions(listings, judged.where("size(reasons) = 0").select(*ORDERS.schema.names), "test")
    sales = sold.where(f"conversion_type = '{ORDER}'")
    assert [(row["value"], row["refunded_value"]) for row in sales.collect()] == [(Decimal(30), Decimal(30))]
    touched = touches(sales, sessions_of(spark, SESSIONS), MONTH)
    rows = attribute(touched, spark.createDataFrame(REMOVED, EFFECTS), MONTH, ("linear",)).collect()
    assert sums(rows) == {("order:o1", "linear"): (1, 30, 1)}


def test_case_13_noise_in_a_link_is_cleaned_once_and_its_credit_has_the_clean_names(spark):
    link = "https://shop.example/?x&amp;utm_source=+FB&utm_medium=Paid_Social&utm_campaign=Sale%2520%26+50%25&utm_source=tv"
    event = ("e1", "phone", "anna", AT, AT, "page_view", "DE", link, None, "Mozilla/5.0")
    events = spark.createDataFrame([event], EVENTS.schema)
    known = date(2027, 1, 1)
    rules = read_session_rules(REPOSITORY / "conf" / "rules")
    visits = sessionise(events, identities(events, known), known, rules, SessionSettings(own_hosts=("shop.example",)))
    touched = touches(conversions_of(spark, [conversion("c", "anna", value="5")]), visits, MONTH)
    (row,) = attribute(touched, spark.createDataFrame([], EFFECTS), MONTH, ("linear",)).collect()
    named = row["source"], row["medium"], row["campaign"], row["channel"], row["value"]
    assert named == ("facebook", "paid_social", "Sale & 50%", "meta_other", Decimal(5))


def test_time_decay_halves_the_weight_at_every_half_life(found):
    # 1/4, 1/2 and 1 of 7/4.
    assert weights(found, "decay", "time_decay") == decimals("0.142857142857", "0.285714285714", "0.571428571429")
    mine = [row for row in found if (row["conversion_id"], row["model"]) == ("decay", "time_decay")]
    assert [row["value"] for row in sorted(mine, key=lambda row: row["touch"])] == decimals("1", "2", "4")


def test_the_data_driven_model_divides_by_the_removal_effect_of_each_touchs_channel(found):
    assert weights(found, "data", "data_driven") == decimals("0.142857142857", "0", "0.857142857143")
    # Where no channel has any, each touch counts the same.
    assert weights(found, "no effect", "data_driven") == decimals("0.5", "0.5")


def test_first_and_last_click(found):
    assert credited(found, "four", "first_click") == ["four 1"]
    assert credited(found, "four", "last_click") == ["four 4"]


def test_a_touch_that_is_much_older_than_the_half_life_still_has_a_weight_by_its_age(spark):
    chosen = AttributionSettings(half_life_days=0.001)
    visits = [visit("s1", "u", 29), visit("s2", "u", 28)]
    rows = attributed(spark, [conversion("c", "u")], visits, chosen).collect()
    assert weights(rows, "c", "time_decay") == decimals("0", "1")


CHANNELS = st.sampled_from(["seo", "tv", "direct", "newsletter"])
PATH = st.lists(st.tuples(st.integers(-1, 40), CHANNELS), max_size=9)
MONEY = st.decimals(0, Decimal("999999999999.999999"), places=6)
ENDS = st.tuples(st.floats(0.01, 0.5), st.floats(0, 0.5))


@settings(max_examples=3)
@given(users=st.lists(st.tuples(PATH, MONEY), min_size=20, max_size=40), ends=ENDS, half_life=st.floats(0.01, 90))
def test_any_path_is_divided_without_a_rest_whatever_the_order_of_rows_and_what_lies_outside(
    spark, users, ends, half_life
):
    visits, sold = [], []
    for number, (path, value) in enumerate(users):
        visits += [visit(f"{number} {i}", f"u{number}", age, channel) for i, (age, channel) in enumerate(path)]
        sold.append(conversion(f"c{number}", f"u{number}", value=value))
    chosen = AttributionSettings(first_weight=ends[0], last_weight=ends[1], half_life_days=half_life)
    rows = attributed(spark, sold, visits, chosen).collect()
    inside = {f"c{n}": sum(0 <= age <= 30 for age, _ in path) for n, (path, _) in enumerate(users)}
    expected = {(row[0], model): (1, row[8], max(inside[row[0]], 1)) for row in sold for model in MODELS}
    assert sums(rows) == expected
    assert all(0 <= row["weight"] <= 1 and row["value"] >= 0 for row in rows)
    outside = [visit(f"early {n}", f"u{n}", AT - days(30) - TICK, "direct") for n in range(len(users))]
    outside += [visit(f"late {n}", f"u{n}", AT + TICK, "seo") for n in range(len(users))]
    again = attributed(spark, sold[::-1], outside + visits[::-1], chosen).collect()
    assert sorted(again) == sorted(rows)
