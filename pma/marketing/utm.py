"""Parameters of a page's address, and the parts of an address, as Columns. Nothing here fails on any text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
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


def with_parameters(frame: DataFrame, names: Sequence[str]) -> DataFrame:
    """Add the parameters of `query` that have one of these names and a value, in their order, as three arrays.

    `keys`, the names in small letters; `values`, as they came; `texts`, what they say: decoded once, once more where
    encoded twice (`%2520`), without blanks around. `+` and `%20` are blanks. An escape that is none (`%zz`, `%F` at the
    end) stays as it is, as does a value whose bytes are no UTF-8. A parameter without a value is not there, so that the
    first of a name is the first that says something. The name must be the whole name: `gclid` is not in `old_gclid=1`.
    One row per row, in its order; in steps, so that what one step makes is made once.
    """
    pattern = F.lit(f"{_BEFORE}({'|'.join(re.escape(name) for name in names)})={_BLANKS}([^&]+)")
    found = frame.withColumns(
        {
            "keys": F.transform(F.regexp_extract_all("query", pattern, 1), F.lower),
            "values": F.regexp_extract_all("query", pattern, 2),
        }
    )
    once = found.withColumn("once", F.transform("values", _unescaped))
    sane = once.withColumn("once", F.zip_with("values", "once", _unless_broken))
    twice = sane.withColumn("twice", F.zip_with("values", "once", _again))
    texts = twice.withColumn("texts", F.transform(F.zip_with("once", "twice", _unless_broken), _trimmed))
    return texts.select(*frame.columns, "keys", "values", "texts")


def parameter(name: str, of: str = "texts") -> Column:
    """Return the first parameter of a name from the arrays of `with_parameters`; null: none."""
    return F.get(of, F.array_position("keys", name).cast("int") - 1)


def _unescaped(text: Column) -> Column:
    """Decode once. url_decode raises on a lone `%`, so that one is written as an escape itself."""
    return F.try_url_decode(F.regexp_replace(text, f"%(?!{_HEX})", "%25"))


def _unless_broken(before: Column, decoded: Column) -> Column:
    """Take a value as it was before, where decoding made a replacement character of it, or nothing."""
    return F.when(decoded.isNull() | F.contains(decoded, F.lit("\ufffd")), before).otherwise(decoded)


def _again(text: Column, once: Column) -> Column:
    """Decode a second time where the text was encoded twice; a `+` that the first time made is one that was meant."""
    is_twice = text.contains("%25") & text.rlike(f"%25{_HEX}")
    return F.when(is_twice, _unescaped(F.replace(once, F.lit("+"), F.lit("%2B")))).otherwise(once)


def _trimmed(text: Column) -> Column:
    return F.btrim(text, F.lit(_WHITE))


def host_of(url: Column) -> Column:
    """Return the host of an address in small letters, without `www.` and port; "": it has none that is one."""
    return F.lower(F.regexp_extract(url, _HOST, 1))


def path_of(url: Column) -> Column:
    """Return the path of an address, `/` for the bare host; null: it is no address."""
    found = F.regexp_extract(url, _PATH, 1)
    return F.when(url.rlike(_PATH), found).when(url.rlike(_NO_PATH), F.lit("/"))
