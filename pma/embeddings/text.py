"""The words of a receipt: descriptions cleaned by rules that are data."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError
from pyspark.sql import Column
from pyspark.sql import functions as F

from pma.section import Section


class WordRules(Section):
    """What `conf/rules/receipt_words.yml` holds."""

    version: int
    units: tuple[str, ...]
    empty: tuple[str, ...]
    abbreviations: dict[str, str]


def read_word_rules(path: str | Path) -> WordRules:
    """Read the rules of receipt words. Raises ValueError with the file and the fault."""
    text = Path(path).read_text(encoding="utf-8")
    try:
        return WordRules.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as fault:
        raise ValueError(f"{path} holds no receipt rules (version, units, empty, abbreviations): {fault}") from fault


def words(description: Column, rules: WordRules) -> Column:
    """Return the words of a description, ARRAY<STRING>: lower case, in order, each once; null for a null description.

    Everything that is not a letter parts words, so numbers and sizes such as `22 LB` leave only their unit, which goes
    with the words of one letter and the empty words. An abbreviation becomes the word or words that it stands for.
    """
    dropped = sorted({*rules.units, *rules.empty})
    pieces = F.split(F.lower(description), r"[^\p{L}]+")
    kept = F.filter(pieces, lambda word: (F.length(word) > 1) & ~word.isin(dropped))
    written_out = F.transform(kept, lambda word: F.split(F.coalesce(_long_form(rules)[word], word), " "))
    return F.array_distinct(F.flatten(written_out))


def _long_form(rules: WordRules) -> Column:
    entries = [F.lit(text) for pair in sorted(rules.abbreviations.items()) for text in pair]
    return F.create_map(*entries) if entries else F.lit(None).cast("map<string,string>")
