"""Spark's word2vec and gensim's SGNS, tuned over a grid, on the receipts that the last `make run` loaded."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import product

import pytest

from pma.embeddings.next_item import later_baskets, next_item_hits, ratio, sgns_space, space
from pma.embeddings.products import baskets, product_vectors
from pma.embeddings.settings import NextItemSettings, ProductSettings
from pma.sources.tables import PRODUCTS, PURCHASES

pytestmark = pytest.mark.slow
# Eleven weeks more to learn from than the model has that `make run` measures.
CUT = date(2017, 11, 20)
STEPS = (0.05, 0.1)
PASSES = (20, 30)
SAMPLES = (0.0, 1e-4)


@pytest.mark.timeout(7200)
def test_word2vec_reaches_95_percent_of_the_best_of_a_grid_of_sgns_and_the_settings_name_that_one(tables):
    purchases, settings = tables.read(PURCHASES), NextItemSettings()
    test = later_baskets(purchases, CUT, settings)
    sentences = baskets(purchases, CUT).persist()

    # Chosen on the very baskets that judge: all that tuning can do is to make the peer stronger.
    def peer(step, passes, sample):
        tuned = settings.sgns.model_copy(update={"step_size": step, "epochs": passes, "sample": sample})
        hits = next_item_hits(sgns_space(sentences, tuned), test, settings.k)
        print(f"SGNS, step {step}, {passes} passes, sample {sample}: hit@{settings.k} {hits.rate:.4f}", flush=True)
        return hits

    grid = list(product(STEPS, PASSES, SAMPLES))
    with ThreadPoolExecutor(max_workers=2) as pool:
        peers = dict(zip(grid, pool.map(lambda setting: peer(*setting), grid), strict=True))
    vectors = product_vectors(purchases, tables.read(PRODUCTS), CUT, ProductSettings())
    ours = next_item_hits(space(vectors.where("source = 'word2vec'")), test, settings.k)

    best = max(peers.values(), key=lambda hits: hits.rate)
    chosen = peers[settings.sgns.step_size, settings.sgns.epochs, settings.sgns.sample]
    print(f"Spark's word2vec: hit@{settings.k} {ours.rate:.4f}")
    print("of the best SGNS {:.3f} ({:.3f} to {:.3f})".format(*ratio(ours, best)))
    print("best SGNS over that of the settings {:.3f} ({:.3f} to {:.3f})".format(*ratio(best, chosen)))
    assert ours.rate >= 0.95 * best.rate
    assert ratio(best, chosen)[1] <= 1, "a setting of SGNS is better beyond chance: take it as the peer"
