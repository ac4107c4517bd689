from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from pma.marketing.currencies import convert, daily_rates
from pma.marketing.settings import SpendSettings

RATES = [
    (date(2026, 1, 2), "SEK", Decimal("0.0900000000")),
    (date(2026, 1, 5), "SEK", Decimal("0.0950000000")),
    (date(2026, 3, 1), "SEK", Decimal("0.1000000000")),
    (date(2026, 1, 2), "CHF", Decimal("1.0512345678")),
]


def rates(spark):
    return spark.createDataFrame(RATES, "date date, currency string, rate decimal(18,10)")


def test_money_is_converted_at_the_days_rate_or_at_the_last_one_that_is_not_too_old(spark):
    cases = [
        (date(2026, 1, 2), "SEK", "10", "0.900000"),
        # A weekend has Friday's rate.
        (date(2026, 1, 4), "SEK", "10", "0.900000"),
        (date(2026, 1, 5), "SEK", "10", "0.950000"),
        (date(2026, 1, 12), "SEK", "10", "0.950000"),
        (date(2026, 1, 13), "SEK", "10", None),
        # A later rate does not stand in for an earlier day.
        (date(2026, 1, 1), "SEK", "10", None),
        (date(2026, 3, 1), "SEK", "-10", "-1.000000"),
        (date(2026, 1, 2), "CHF", "0.000007", "0.000007"),
        (date(2026, 1, 2), "CHF", "123456789.123456", "129782044.356172"),
        (date(2026, 1, 2), "EUR", "10", "10.000000"),
        (date(2026, 1, 2), "USD", "10", None),
    ]
    frame = spark.createDataFrame(
        [(day, currency, Decimal(money)) for day, currency, money, _ in cases],
        "date date, currency string, spend_local decimal(18,6)",
    )
    found = convert(frame, rates(spark), SpendSettings(currency="EUR", max_rate_age_days=7)).collect()
    assert len(found) == len(cases)
    got = {(row["date"], row["currency"], row["spend_local"]): row["spend"] for row in found}
    expected = {
        (day, currency, Decimal(money).quantize(Decimal("0.000001"))): spend and Decimal(spend)
        for day, currency, money, spend in cases
    }
    assert got == expected


@settings(max_examples=8)
@given(st.sets(st.integers(0, 40), min_size=1, max_size=12), st.integers(0, 9))
def test_every_day_has_the_latest_rate_that_is_young_enough_and_only_one(spark, days, age):
    first = date(2026, 1, 1)
    given_rates = [(first + timedelta(days=n), "SEK", Decimal(n + 1)) for n in days]
    frame = spark.createDataFrame(given_rates, "date date, currency string, rate decimal(18,10)")
    found = sorted((row["date"], int(row["rate"])) for row in daily_rates(frame, age).collect())
    expected = []
    for n in range(60):
        past = [other for other in days if other <= n]
        if past and n - max(past) <= age:
            expected.append((first + timedelta(days=n), max(past) + 1))
    assert found == expected
