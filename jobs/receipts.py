"""Vectors of the words on receipts, and the block of a customer's last baskets."""

from functools import partial
from pathlib import Path

from pma.embeddings.blocks import learned_once, write_block
from pma.embeddings.history import history
from pma.embeddings.plan import make_plan
from pma.embeddings.receipts import fit_receipt_words, receipt_block
from pma.embeddings.tables import WORD_VECTORS
from pma.embeddings.text import read_word_rules
from pma.runs import job_run
from pma.sources.tables import PRODUCTS, PURCHASES


def main(argv: list[str] | None = None) -> None:
    """A model whose vectors are in the tables is not trained again."""
    with job_run("receipts", argv) as run:
        tables, settings = run.tables, run.settings.embeddings.receipts
        plan = make_plan(tables, run.settings)
        rules = read_word_rules(Path(run.settings.rules) / "receipt_words.yml")
        purchases, products = tables.read(PURCHASES), tables.read(PRODUCTS)
        fitted = partial(fit_receipt_words, purchases, products, plan.trained_as_of, settings, rules)
        words = learned_once(tables, plan, WORD_VECTORS, fitted)
        seen = history(purchases, plan.block_dates)
        write_block(tables, plan, "baskets", receipt_block(seen, products, words, settings, rules))


if __name__ == "__main__":
    main()
