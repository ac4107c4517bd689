"""What bl.roas_comparison says in words: one sentence for each way in which clicks and model can differ."""

from __future__ import annotations

import re

from pyspark.sql import Column
from pyspark.sql import functions as F

NAMES = {"u_shape": "U-shape"}
# Uploads are few per money: sentences speak of so much of it.
UPLOADS_PER = 1000
# By verdict; where clicks and model agree there is nothing to say.
SENTENCES = {
    "not_modelled": "{clicks}; the model has no number for it here: it is left out, or its fit failed (bl.mmm_runs).",
    "not_trusted": "{clicks}, the model with {model}, which is not to be trusted: {reason}.",
    "no_clicks": (
        "{clicks}, so attribution says nothing of it; the model gives it {model}{per}: judge it by the model, or by a "
        "test.{flagged}"
    ),
    "clicks_overstate": (
        "{clicks}, the model with {model}: clicks overstate it, part of what they count would have come without it; do "
        "not raise its budget by its clicks.{flagged}"
    ),
    "clicks_understate": (
        "{clicks}, the model with {model}: clicks understate it, people whom it moved come back another way; do not "
        "cut its budget by its clicks.{flagged}"
    ),
}


def sentence(attribution: str, has_clicks: Column, currency: str) -> Column:
    """Return what a growth manager should know and do, null where clicks and model agree.

    For rows with channel, target, verdict, reason, fit_status, roas_mmm with its interval, and roas_<attribution>.
    """
    channel, uploads = F.col("channel"), F.col("target") == "uploads"
    name = NAMES.get(attribution, attribution.replace("_", " ").capitalize())
    per = F.when(uploads, f" uploads per {UPLOADS_PER:,} {currency}").otherwise(
        f" {currency} of order value per {currency}"
    )
    said = {
        "credited": _amount(F.col(f"roas_{attribution}"), uploads),
        "channel": channel,
        "per": per,
        "low": _amount(F.col("roas_mmm_p05"), uploads),
        "high": _amount(F.col("roas_mmm_p95"), uploads),
        "middle": _amount(F.col("roas_mmm"), uploads),
        "reason": F.replace(F.col("reason"), F.concat(channel, F.lit(": ")), F.lit("")),
        "flagged": F.when(F.col("fit_status") == "flagged", " The fit is flagged: read its message first.").otherwise(
            ""
        ),
    }
    said["model"] = _filled("{middle} ({low} to {high})", said)
    said["clicks"] = F.when(has_clicks, _filled(name + " credits {channel} with {credited}{per}", said)).otherwise(
        _filled("No click leads to {channel}", said)
    )
    found = F.lit(None).cast("string")
    for verdict, words in SENTENCES.items():
        found = F.when(F.col("verdict") == verdict, _filled(words, said)).otherwise(found)
    return found


def _filled(words: str, said: dict[str, Column]) -> Column:
    """Put columns in the place of their names in braces."""
    parts = re.split(r"\{(\w+)\}", words)
    return F.concat(*[said[part] if number % 2 else F.lit(part) for number, part in enumerate(parts)])


def _amount(returned: Column, uploads: Column) -> Column:
    """A return as its target is spoken of, with about two digits."""
    amount = returned * F.when(uploads, float(UPLOADS_PER)).otherwise(1.0)
    return (
        F.when(amount >= 20, F.format_string("%,.0f", amount))
        .when(amount >= 2, F.format_string("%.1f", amount))
        .otherwise(F.format_string("%.2f", amount))
    )
