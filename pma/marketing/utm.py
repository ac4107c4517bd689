"""Parameters of a page's address, and the parts of an address, as Columns. Nothing here fails on any text."""

from __future__ import annotations

import re

from pyspark.sql import Column
from pyspark.sql import functions as F

# A parameter begins the query or follows `&`; a mail program writes `&amp;`, and a careless link a second `?`.
_BEFORE = r"(?i)(?:^|[?&](?:amp;)?)"
# Blanks before a value are no value: what is left of it must have one more character.
_BLANKS = r"(?:\+|%20|%2520|\s)*+"
_WHITE = " \t\r\n\u00a0"
_HEX = "[0-9A-Fa-f]{2}"
_HOST = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?:www\.)?([A-Za-z0-9][A-Za-z0-9._-]*)(?::[0-9]+)?(?:[/?#]|$)"
_PATH = r"^(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]+)?(/[^?#]*)"
_NO_PATH = r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]+(?:[?#]|$)"


def query_of(url: Column) -> Column:
    """Return what stands between the first `?` and the fragment of an address; null: nothing."""
    whole = F.substring_index(url, "#", 1)
    return F.when(url.contains("?"), F.substr(whole, F.instr(whole, "?") + F.lit(1)))


def parameter(query: Column, name: str) -> Column:
    """Return a parameter's first value that is not empty, as it came; null: none. Names in any case of letters.

    The name must be the whole name: `gclid` is not found in `old_gclid=1`.
    """
    return F.nullif(F.regexp_extract(query, f"{_BEFORE}{re.escape(name)}={_BLANKS}([^&]+)", 1), F.lit(""))


def decoded(text: Column) -> Column:
    """Return a value decoded once, and once more where it was encoded twice (`%2520`), without blanks around it.

    `+` and `%20` are blanks. An escape that is none (`%zz`, `%F` at the end, bytes that are no UTF-8) stays as it is.
    Null: nothing but blanks.
    """
    once = F.when(text.contains("%"), _unescaped(text)).otherwise(F.translate(text, "+", " "))
    # What the first pass made a `+` was one that somebody meant.
    again = _unescaped(F.replace(once, F.lit("+"), F.lit("%2B")))
    plain = F.when(text.contains("%25") & text.rlike(f"%25{_HEX}"), again).otherwise(once)
    return F.nullif(F.btrim(plain, F.lit(_WHITE)), F.lit(""))


def _unescaped(text: Column) -> Column:
    """Decode; url_decode raises on a lone `%`, so that one is written as an escape itself."""
    tried = F.try_url_decode(F.regexp_replace(text, f"%(?!{_HEX})", "%25"))
    return F.when(tried.contains("\ufffd"), text).otherwise(F.coalesce(tried, text))


def host_of(url: Column) -> Column:
    """Return the host of an address in small letters, without `www.` and port; null: it has none that is one."""
    return F.nullif(F.lower(F.regexp_extract(url, _HOST, 1)), F.lit(""))


def path_of(url: Column) -> Column:
    """Return the path of an address, `/` for the bare host; null: it is no address."""
    found = F.nullif(F.regexp_extract(url, _PATH, 1), F.lit(""))
    return F.coalesce(found, F.when(url.rlike(_NO_PATH), F.lit("/")))
