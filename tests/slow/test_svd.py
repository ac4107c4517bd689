"""SVD fitted on all rows that the autoencoder learns from, in the warehouse of the last `make run`."""

import numpy as np
import pytest
from pyspark.sql import functions as F
from scipy.sparse.linalg import svds

from pma.embeddings.autoencoder import AUTOENCODER_FILE, Autoencoder
from pma.embeddings.inputs import input_matrix, raw_matrix
from pma.embeddings.measures import quality_cuts
from pma.embeddings.plan import make_plan
from pma.embeddings.quality import gather_panel, judge, stack_features
from pma.embeddings.tables import CUSTOMER_FEATURES
from pma.settings import load
from pma.sources.tables import PRODUCTS, PURCHASES
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow


@pytest.mark.timeout(3600)
def test_the_autoencoder_is_ahead_of_svd_of_the_rows_of_all_its_training_dates(tables):
    ours = load([REPOSITORY / "conf/local.yml"])
    plan, cut = make_plan(tables, ours), ours.embeddings.penetration
    if not tables.has(CUSTOMER_FEATURES, f"measured_with = '{plan.measured_with}'"):
        pytest.skip("no purchase metrics in warehouse/: `make run` measures them")
    purchases, products = tables.read(PURCHASES), tables.read(PRODUCTS)
    cuts = quality_cuts(purchases, plan, cut)
    dates = (*cuts.train, cuts.test)
    panel = gather_panel(purchases, products, cuts, cut)
    model = Autoencoder.load(plan.folder(str(REPOSITORY / ours.artifacts)) / AUTOENCODER_FILE)
    features = plan.measured(tables.read(CUSTOMER_FEATURES))
    raw = stack_features(features, panel, dates, model.plan.feature_index)
    inputs = {day: input_matrix(rows, model.plan) for day, rows in raw.items()}
    codes = {day: model.encode(rows) for day, rows in raw.items()}
    size = next(iter(codes.values())).shape[1]

    def directions(days):
        rows = features.where(F.col("as_of_date").isin(*days)).toPandas()
        given = raw_matrix(list(rows["indices"]), list(rows["values"]), model.plan.feature_index)
        _, strength, found = svds(input_matrix(given, model.plan).astype(np.float64), k=size, random_state=7)
        return found[np.argsort(-strength)]

    arms = {"autoencoder": codes}
    for name, days in (("svd_last", [plan.trained_as_of]), ("svd_all", plan.training_dates)):
        axes = directions(days)
        arms[name] = {day: np.asarray(rows @ axes.T) for day, rows in inputs.items()}
    for name in ("svd_last", "svd_all"):
        found = judge(panel, arms, {}, {"autoencoder": name}, cut).set_index(["task", "arm", "metric"])
        above = found.xs(("penetration", "autoencoder", f"auc_above_{name}"))
        print(f"autoencoder less {name}: {above['value']:.4f} ({above['ci_low']:.4f} to {above['ci_high']:.4f})")
        assert above["ci_low"] > 0
