from pyspark.sql import functions as F

from pma.marketing.bots import bot_rule, read_bot_rules, robots
from tests.marketing.clicks import PERSON, RULES

AGENTS = {
    (PERSON, False): None,
    (PERSON, True): "too_many_events",
    (None, False): None,
    (None, True): "too_many_events",
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True): "search_crawler",
    ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", False): "link_preview",
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) [FBAN/FBIOS;FBAV/480.0;FBDV/iPhone15,2]", False): None,
    ("Mozilla/5.0 (Linux; Android 13; CUBOT P80) Chrome/126.0 Mobile", False): None,
    ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/126.0.0.0 Safari/537.36", False): "headless_browser",
    ("python-requests/2.32", False): "http_library",
    ("curl/8.5.0", False): "http_library",
    ("Mozilla/5.0 (compatible; SomeNewBot/0.1)", False): "names_itself",
    ("Mozilla/5.0 (compatible; AhrefsBot/7.0)", False): "seo_tool",
}


def test_a_robot_is_named_by_the_first_rule_and_browsers_with_like_words_are_people(spark):
    frame = spark.createDataFrame(list(AGENTS), "user_agent string, heavy boolean")
    named = frame.join(robots(frame, read_bot_rules(RULES)), on="user_agent", how="left")
    rule = bot_rule(F.col("robot"), F.col("heavy")).alias("rule")
    found = {(row.user_agent, row.heavy): row.rule for row in named.select("user_agent", "heavy", rule).collect()}
    assert found == AGENTS
