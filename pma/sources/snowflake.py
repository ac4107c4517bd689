"""Snowflake as a source: the options of Spark's Snowflake connector, or of its JDBC driver, no secret in settings.

Settings name the account, database, warehouse, and the table or query; user and password, or a private key, come from
environment variables (on Databricks: a secret scope's). `read_source` asks here for a source of format `snowflake`.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from pma.tables import TableError

# Databricks and EMR know the connector by this name once its jar is there (net.snowflake:spark-snowflake).
CONNECTOR = "net.snowflake.spark.snowflake"
DRIVER = "net.snowflake.client.jdbc.SnowflakeDriver"
USER, PASSWORD, KEY, KEY_PASSPHRASE = (
    "SNOWFLAKE_USER",
    "SNOWFLAKE_PASSWORD",
    "SNOWFLAKE_PRIVATE_KEY",
    "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE",
)
REQUIRED = ("sfURL", "sfDatabase", "sfWarehouse")
SECRETS = ("sfPassword", "password", "pem_private_key", "sfToken")
_BY_LOWER = {name.lower(): name for name in (*REQUIRED, "sfSchema", "sfRole", "dbtable", "query", "sfUser")}


def snowflake_options(given: Mapping[str, str], environment: Mapping[str, str], place: str) -> dict[str, str]:
    """Return the options of the connector: those of the settings, in the connector's spelling, with the login added.

    `given`: url (or sfURL), sfDatabase, sfWarehouse, dbtable or query, and any other of the connector's. The login is
    SNOWFLAKE_USER with SNOWFLAKE_PRIVATE_KEY (PEM) or SNOWFLAKE_PASSWORD. Raises TableError, naming `place` and the
    variable, where one lacks or a secret stands in the settings; the message holds no value.
    """
    options = {_spelled(name): value for name, value in given.items()}
    written = sorted(name for name in options if name.lower() in {secret.lower() for secret in SECRETS})
    if written:
        raise TableError(
            f"{place}: {written} stands in the settings. Fix: take it out, and set the environment variable "
            f"{PASSWORD} or {KEY}"
        )
    lacking = [name for name in REQUIRED if not options.get(name)]
    if lacking:
        raise TableError(f"{place}: lacks {lacking}. Fix: set them in {place}.options")
    if bool(options.get("dbtable")) == bool(options.get("query")):
        raise TableError(
            f"{place}: names both or neither of dbtable and query. Fix: set one of them in {place}.options"
        )
    options["sfURL"] = options["sfURL"].removeprefix("https://").rstrip("/")
    return {**options, **_login(options, environment, place)}


def snowflake_jdbc_options(given: Mapping[str, str], environment: Mapping[str, str], place: str) -> dict[str, str]:
    """Return the options of Spark's own JDBC reader for the same source, where only Snowflake's driver is there.

    As `snowflake_options`, but with a password alone: hand a private key to the connector.
    """
    options = snowflake_options(given, environment, place)
    inside = {"db": "sfDatabase", "warehouse": "sfWarehouse", "schema": "sfSchema", "role": "sfRole"}
    asked = {ours: options[theirs] for ours, theirs in inside.items() if options.get(theirs)}
    jdbc = {
        "url": f"jdbc:snowflake://{options['sfURL']}/?{urlencode(asked)}",
        "driver": DRIVER,
        "user": options["sfUser"],
        **{name: options[name] for name in ("dbtable", "query") if options.get(name)},
    }
    if "pem_private_key" in options:
        raise TableError(f"{place}: JDBC has no login by {KEY} here. Fix: use format snowflake, or set {PASSWORD}")
    return {**jdbc, "password": options["sfPassword"]}


def _spelled(name: str) -> str:
    return "sfURL" if name.lower() == "url" else _BY_LOWER.get(name.lower(), name)


def _login(options: Mapping[str, str], environment: Mapping[str, str], place: str) -> dict[str, str]:
    user = options.get("sfUser") or environment.get(USER)
    if not user:
        raise TableError(f"{place}: no user. Fix: set the environment variable {USER}")
    if environment.get(KEY_PASSPHRASE):
        raise TableError(
            f"{place}: the private key is encrypted. Fix: put it into {KEY} decrypted, without {KEY_PASSPHRASE}"
        )
    if key := environment.get(KEY):
        # The connector wants the body of the key, in one line.
        lines = [line.strip() for line in key.replace("\\n", "\n").splitlines()]
        return {
            "sfUser": user,
            "pem_private_key": "".join(line for line in lines if line and not line.startswith("-----")),
        }
    if password := environment.get(PASSWORD):
        return {"sfUser": user, "sfPassword": password}
    raise TableError(f"{place}: no login for {user}. Fix: set the environment variable {KEY} or {PASSWORD}")
