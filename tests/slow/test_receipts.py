"""Where the vectors of receipt words come from: both encoders on the receipts that the last `make run` loaded."""

from datetime import date

import pytest

from pma.embeddings.history import history
from pma.embeddings.penetration import Cuts
from pma.embeddings.quality import gather_panel, judge, stack
from pma.embeddings.receipts import fit_receipt_words, receipt_block
from pma.embeddings.settings import PenetrationSettings, ReceiptSettings
from pma.embeddings.text import read_word_rules
from pma.sources.tables import PRODUCTS, PURCHASES
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow
# Before the cut that `make run` judges at: a choice must not have seen it.
CUTS = Cuts(train=(date(2017, 8, 28), date(2017, 9, 25)), test=date(2017, 10, 23))


@pytest.mark.timeout(3600)
def test_the_encoder_of_the_settings_is_the_one_that_measures_better(tables):
    purchases, products = tables.read(PURCHASES), tables.read(PRODUCTS)
    rules = read_word_rules(REPOSITORY / "conf/rules/receipt_words.yml")
    dates = (*CUTS.train, CUTS.test)
    seen = history(purchases, dates)
    panel = gather_panel(purchases, products, CUTS, PenetrationSettings())

    def vectors(encoder):
        settings = ReceiptSettings(encoder=encoder)
        words = fit_receipt_words(purchases, products, CUTS.train[0], settings, rules).persist()
        return stack(receipt_block(seen, products, words, settings, rules), "vector", panel, dates)

    ours = ReceiptSettings().encoder
    (other,) = {"word2vec", "wordllama"} - {ours}
    arms = {name: vectors(name) for name in (ours, other)}
    found = judge(panel, arms, {}, {ours: other}, PenetrationSettings()).set_index(["task", "arm", "metric"])

    print(found.to_string())
    above = found.xs((ours, f"auc_above_{other}"), level=["arm", "metric"])["value"]
    assert (above > 0).all(), f"{other} measures better than {ours}: take it as embeddings.receipts.encoder"
