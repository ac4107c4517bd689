from pathlib import Path

import pytest
from pyspark.sql import functions as F

from pma.embeddings.text import WordRules, read_word_rules, words

RULES = read_word_rules(Path(__file__).parents[2] / "conf" / "rules" / "receipt_words.yml")

# Descriptions as Complete Journey has them (product type and package size), and the words a person would keep.
DESCRIPTIONS = [
    ("ICE - CRUSHED/CUBED 22 LB", ["ice", "crushed", "cubed"]),
    ("BREAD:ITALIAN/FRENCH", ["bread", "italian", "french"]),
    ("SPICES & SEASONINGS 2.5 OZ", ["spices", "seasonings"]),
    ("VITAMIN - MINERALS 300 CT(1)", ["vitamin", "minerals"]),
    ("SOFT DRINKS 12/18&15PK CAN CAR 12 OZ", ["soft", "drinks", "can", "car"]),
    ("SFT DRNK 2 LITER BTL CARB INCL 2 L", ["soft", "drink", "liter", "bottle", "carb"]),
    ("FRZN SS PREMIUM ENTREES/DNRS/N 9 OZ", ["frozen", "ss", "premium", "entrees", "dinners"]),
    ("FLUID MILK WHITE ONLY 1 GA", ["fluid", "milk", "white"]),
    ("OJ 64 OZ", ["orange", "juice"]),
    ("CANDY BARS (SINGLES)(INCLUDING 16 OZ/459 ML", ["candy", "bars", "singles"]),
    ("Crème Brûlée 4 ct", ["crème", "brûlée"]),
    ("MILK milk Milk", ["milk"]),
    ("14.5 OZ", []),
    ("", []),
    (None, None),
]


def test_descriptions_become_the_words_a_person_would_keep(spark):
    frame = spark.createDataFrame([(n, text) for n, (text, _) in enumerate(DESCRIPTIONS)], "n int, text string")
    got = {row.n: row.words for row in frame.select("n", words(F.col("text"), RULES).alias("words")).collect()}
    assert [(text, got[n]) for n, (text, _) in enumerate(DESCRIPTIONS)] == DESCRIPTIONS


def test_rules_may_hold_no_abbreviation(spark):
    rules = WordRules(version=1, units=("oz",), empty=(), abbreviations={})
    frame = spark.createDataFrame([("FRZN PEAS 8 OZ",)], "text string")
    assert frame.select(words(F.col("text"), rules)).first()[0] == ["frzn", "peas"]


def test_a_word_that_yaml_reads_as_true_is_refused_with_the_file(tmp_path):
    bad = tmp_path / "words.yml"
    bad.write_text("version: 1\nunits: [oz]\nempty: [no]\nabbreviations: {}\n")
    with pytest.raises(ValueError, match=r"words\.yml holds no receipt rules(.|\n)*empty\.0"):
        read_word_rules(bad)


def test_no_abbreviation_leads_to_a_word_that_is_dropped():
    dropped = {*RULES.units, *RULES.empty}
    assert [short for short, long in RULES.abbreviations.items() if dropped & {short, *long.split()}] == []
