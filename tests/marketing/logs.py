"""Random logs of what devices do on the website, and the sessions that are made of a log."""

from datetime import date

from hypothesis import strategies as st

from pma.marketing.identities import identities
from pma.marketing.sessions import sessionise
from pma.marketing.settings import SessionSettings
from tests.marketing.clicks import event, frame

SETTINGS = SessionSettings()
VERSION = date(2026, 3, 10)
GOOGLE = "?utm_source=google&utm_medium=cpc&utm_campaign=spring"
NEWS = "?utm_source=newsletter&utm_medium=email&utm_campaign=weekly"
PAYPAL = {"referrer": "https://www.paypal.com/checkout"}
SECOND = 1 / 60
# What a query says, as (source, medium, campaign, click id). At #paid one arrives from PayPal.
SAID = {
    "": None,
    GOOGLE: ("google", "cpc", "spring", None),
    "?utm_source=google&utm_medium=cpc&utm_campaign=autumn": ("google", "cpc", "autumn", None),
    "?utm_source=google": ("google", None, None, None),
    "?utm_medium=cpc": (None, "cpc", None, None),
    "?utm_campaign=spring": (None, None, "spring", None),
    "?utm_source=google&utm_medium=organic": ("google", "organic", None, None),
    NEWS: ("newsletter", "email", "weekly", None),
    NEWS + "&gclid=G": ("newsletter", "email", "weekly", None),
    "?gclid=G": ("google", "cpc", None, "G"),
    GOOGLE + "&gclid=H": ("google", "cpc", "spring", "H"),
    "?utm_source=bing": ("bing", None, None, None),
    "#paid": None,
}
STEPS = st.tuples(
    st.sampled_from(["d1", "d2", "d3", "d4"]),
    st.one_of(st.integers(0, 200), st.sampled_from([0, 30, 30 + SECOND, 60 + SECOND, 1500, 1640 + SECOND])),
    st.sampled_from([*SAID, "#paid"]),
    st.sampled_from([None, None, None, "u1", "u2"]),
)
LOGS = st.lists(STEPS, min_size=60, max_size=200)


def log(steps, prefix="e"):
    return [
        event(f"{prefix}{i}", m, query, device, user_id=user, **(PAYPAL if query == "#paid" else {}))
        for i, (device, m, query, user) in enumerate(steps)
    ]


def sessions_of(spark, events, rules, settings=SETTINGS):
    logged = events if hasattr(events, "columns") else frame(spark, events)
    return sessionise(logged, identities(logged, VERSION), VERSION, rules, settings)
