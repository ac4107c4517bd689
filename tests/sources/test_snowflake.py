from urllib.parse import parse_qs, urlsplit

import pytest

from pma.sources.snowflake import KEY, PASSWORD, USER, snowflake_jdbc_options, snowflake_options
from pma.tables import TableError

GIVEN = {
    "url": "https://acme-eu.snowflakecomputing.com/",
    "sfDatabase": "MARKETING",
    "sfSchema": "ADS",
    "sfwarehouse": "SMALL",
    "query": "SELECT * FROM google WHERE day >= '2026-01-01'",
}
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQ\nIBADAN\n-----END PRIVATE KEY-----\n"
PLACE = "feeds.listings"


def test_the_connectors_options_are_those_of_the_settings_with_the_login_of_the_environment():
    assert snowflake_options(GIVEN, {USER: "PMA", PASSWORD: "hush"}, PLACE) == {
        "sfURL": "acme-eu.snowflakecomputing.com",
        "sfDatabase": "MARKETING",
        "sfSchema": "ADS",
        "sfWarehouse": "SMALL",
        "query": "SELECT * FROM google WHERE day >= '2026-01-01'",
        "sfUser": "PMA",
        "sfPassword": "hush",
    }


@pytest.mark.parametrize("pem", [PEM, PEM.replace("\n", "\\n")], ids=["lines", "one line"])
def test_a_private_key_comes_before_a_password_and_goes_without_its_frame(pem):
    options = snowflake_options(GIVEN, {USER: "PMA", PASSWORD: "hush", KEY: pem}, PLACE)
    assert (options["pem_private_key"], "sfPassword" in options) == ("MIIEvQIBADAN", False)


def test_the_jdbc_url_names_database_schema_and_warehouse_and_no_secret():
    options = snowflake_jdbc_options({**GIVEN, "sfRole": "READER & MORE"}, {USER: "PMA", PASSWORD: "hush"}, PLACE)
    url = urlsplit(options["url"].removeprefix("jdbc:"))
    assert (url.scheme, url.netloc) == ("snowflake", "acme-eu.snowflakecomputing.com")
    assert parse_qs(url.query) == {
        "db": ["MARKETING"],
        "schema": ["ADS"],
        "warehouse": ["SMALL"],
        "role": ["READER & MORE"],
    }
    assert "hush" not in options["url"]
    beside = {name: options[name] for name in ("driver", "user", "password", "query")}
    assert beside == {
        "driver": "net.snowflake.client.jdbc.SnowflakeDriver",
        "user": "PMA",
        "password": "hush",
        "query": GIVEN["query"],
    }
    with pytest.raises(
        TableError, match=r"JDBC has no login by SNOWFLAKE_PRIVATE_KEY here\. Fix: use format snowflake"
    ):
        snowflake_jdbc_options(GIVEN, {USER: "PMA", KEY: PEM}, PLACE)


@pytest.mark.parametrize(
    ("change", "environment", "said"),
    [
        ({"sfDatabase": ""}, {USER: "PMA", PASSWORD: "hush"}, r"lacks \['sfDatabase'\]\. Fix: set them in feeds"),
        ({"query": ""}, {USER: "PMA", PASSWORD: "hush"}, "names both or neither of dbtable and query"),
        ({"dbtable": "ADS"}, {USER: "PMA", PASSWORD: "hush"}, "names both or neither of dbtable and query"),
        ({}, {PASSWORD: "hush"}, "no user. Fix: set the environment variable SNOWFLAKE_USER"),
        (
            {},
            {USER: "PMA"},
            "no login for PMA. Fix: set the environment variable SNOWFLAKE_PRIVATE_KEY or SNOWFLAKE_PASS",
        ),
        ({"sfPassword": "hush"}, {USER: "PMA", PASSWORD: "hush"}, r"\['sfPassword'\] stands in the settings"),
        ({"PEM_PRIVATE_KEY": "hush"}, {USER: "PMA", PASSWORD: "hush"}, r"\['PEM_PRIVATE_KEY'\] stands in the settings"),
    ],
)
def test_what_lacks_is_named_with_its_fix_and_no_secret(change, environment, said):
    with pytest.raises(TableError, match=rf"^feeds\.listings: .*{said}") as refusal:
        snowflake_options({**GIVEN, **change}, environment, PLACE)
    assert "hush" not in str(refusal.value)
