from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pyspark.sql import functions as F

from pma.marketing.utm import host_of, parameter, path_of, query_of, with_parameters

# What stands in an address, and the source that it names.
SOURCES = {
    "https://x.example/?utm_source=google": "google",
    "https://x.example/?a=1&utm_source=Google#top": "Google",
    "https://x.example/?UTM_Source=google": "google",
    "https://x.example/?utm_source=summer+sale": "summer sale",
    "https://x.example/?utm_source=summer%20sale": "summer sale",
    "https://x.example/?utm_source=summer%2520sale": "summer sale",
    "https://x.example/?utm_source=a%2Bb": "a+b",
    "https://x.example/?utm_source=a%252Bb": "a+b",
    "https://x.example/?utm_source=100%25": "100%",
    "https://x.example/?utm_source=50%_off%zz": "50%_off%zz",
    "https://x.example/?utm_source=caf%C3%A9": "café",
    "https://x.example/?utm_source=caf%E9": "caf%E9",
    "https://x.example/?utm_source=half%C": "half%C",
    "https://x.example/?utm_source=%": "%",
    "https://x.example/?x&amp;utm_medium=cpc&amp;utm_source=google": "google",
    "https://x.example/?id=5?utm_source=google": "google",
    "https://x.example/?utm_source=&utm_source=google&utm_source=bing": "google",
    "https://x.example/?utm_source=+%20&utm_source=google": "google",
    "https://x.example/?utm_source=%20google%20": "google",
    "https://x.example/?utm_source=": None,
    "https://x.example/?utm_source=%20": None,
    "https://x.example/?my_utm_source=google": None,
    "https://x.example/?q=utm_source": None,
    "https://x.example/#?utm_source=google": None,
    "https://x.example/utm_source=google": None,
    "?utm_source=google": "google",
    "http://[::bad?utm_source=google": "google",
    "": None,
    None: None,
}
PARTS = {
    "https://www.Google.com/search?q=x": ("google.com", "/search"),
    "https://l.facebook.com": ("l.facebook.com", "/"),
    "https://user:secret@shop.example:8443/a/b#c": ("shop.example", "/a/b"),
    "android-app://com.google.android.gm/": ("com.google.android.gm", "/"),
    "https://shop.example?x=/y": ("shop.example", "/"),
    "/de/bikes?x=1": (None, "/de/bikes"),
    "http://[::bad": (None, "/"),
    "not an address": (None, None),
    "https://": (None, None),
    "": (None, None),
    None: (None, None),
}


def sources_of(frame):
    """Add the source that each address names."""
    found = with_parameters(frame.withColumn("query", query_of(F.col("url"))), ["utm_source", "utm_medium"])
    return found.withColumn("source", parameter("utm_source"))


def test_a_parameter_is_decoded_once_and_twice_only_where_it_was_encoded_twice(spark):
    frame = spark.createDataFrame([(url,) for url in SOURCES], "url string")
    found = {row.url: row.source for row in sources_of(frame).collect()}
    assert found == SOURCES


def test_an_address_that_is_none_has_no_parts(spark):
    frame = spark.createDataFrame([(url,) for url in PARTS], "url string")
    rows = frame.select("url", host_of(F.col("url")).alias("host"), path_of(F.col("url")).alias("path")).collect()
    assert {row.url: (row.host or None, row.path) for row in rows} == PARTS


@examples(max_examples=5)
@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40), min_size=40, max_size=80)
)
def test_no_text_makes_a_part_of_an_address_fail(spark, texts):
    urls = [f"https://x.example/?utm_source={text}" for text in texts] + texts
    frame = spark.createDataFrame([(url,) for url in urls], "url string")
    parts = sources_of(frame).select("url", "source", host_of(F.col("url")), path_of(F.col("url"))).collect()
    assert [row.url for row in parts] == urls


@examples(max_examples=5)
@given(st.lists(st.text(st.characters(codec="utf-8", min_codepoint=33), min_size=1, max_size=20), min_size=40))
def test_a_value_that_was_encoded_comes_back_as_it_was(spark, texts):
    from urllib.parse import quote_plus

    urls = [f"https://x.example/?a=1&utm_source={quote_plus(text)}&b=2" for text in texts]
    frame = spark.createDataFrame(list(zip(urls, texts, strict=True)), "url string, text string")
    # A text that looks encoded itself is taken for one that was encoded twice.
    asked = frame.where(~F.col("text").rlike("%[0-9A-Fa-f]{2}|\ufffd"))
    rows = sources_of(asked).collect()
    assert [row.source for row in rows] == [row.text.strip(" \t\r\n\u00a0") or None for row in rows]
