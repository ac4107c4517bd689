"""What the vectors are worth: the rows of `bl.embedding_quality`, each beside the cheaper ways to get as far."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy import sparse

from pma.embeddings.autoencoder import Autoencoder
from pma.embeddings.baselines import Svd, ease_scores, rfm, sum_by_category
from pma.embeddings.history import before, history
from pma.embeddings.inputs import InputPlan, input_matrix, raw_matrix
from pma.embeddings.penetration import (
    Cuts,
    Labels,
    auc,
    buy_rate_labels,
    household_folds,
    mean_auc_difference,
    measures,
    penetration_labels,
    pooled_differences,
    probe_scores,
    top_categories,
)
from pma.embeddings.settings import PenetrationSettings

logger = logging.getLogger(__name__)

Vectors = Mapping[date, np.ndarray]
TASKS = ("penetration", "buy_rate")
# Customers whose inputs are given back, at most: given back, a row holds every input, zeros too.
REBUILT_ROWS = 3000


@dataclass(frozen=True)
class Panel:
    """The customers that are judged, and what they bought around each cut: pairs of customer_id, category, visits.

    `periods`: how many label periods of purchases lie before each cut, at most those of `history_weeks`.
    """

    customers: tuple[str, ...]
    categories: tuple[str, ...]
    before: Mapping[date, pd.DataFrame]
    after: Mapping[date, pd.DataFrame]
    periods: Mapping[date, float]


def gather_panel(purchases: DataFrame, products: DataFrame, cuts: Cuts, settings: PenetrationSettings) -> Panel:
    """Collect the customers with a purchase before the test cut, at most `customers` by hash, and their pairs."""
    dates = (*cuts.train, cuts.test)
    seen = before(purchases, cuts.test).select("customer_id").distinct()
    drawn = seen.orderBy(F.xxhash64("customer_id"), "customer_id").limit(settings.customers)
    customers = tuple(sorted(row["customer_id"] for row in drawn.collect()))
    mine = purchases.join(F.broadcast(drawn), on="customer_id", how="left_semi").join(
        products.select("product_id", "category"), on="product_id", how="inner"
    )
    days = timedelta(days=7 * settings.label_weeks)
    begun = purchases.agg(F.to_date(F.min("purchased_at"))).collect()[0][0]
    spanned = {cut: min(timedelta(weeks=settings.history_weeks), cut - begun) for cut in dates}
    earlier = _pairs(history(mine, dates, 7 * settings.history_weeks))
    after = _pairs(history(mine, [cut + days for cut in dates], days.days))
    categories = tuple(
        sorted(row["category"] for row in products.select("category").distinct().collect() if row["category"])
    )
    return Panel(
        customers,
        categories,
        {cut: earlier[earlier["as_of_date"] == cut] for cut in dates},
        {cut: after[after["as_of_date"] == cut + days] for cut in dates},
        {cut: span / days for cut, span in spanned.items()},
    )


def _pairs(seen: DataFrame) -> pd.DataFrame:
    counted = seen.where("category is not null").groupBy("customer_id", "as_of_date", "category")
    return counted.agg(F.count_distinct("basket_id").alias("visits")).toPandas()


def stack(rows: DataFrame, column: str, panel: Panel, cuts: Sequence[date]) -> dict[date, np.ndarray]:
    """Collect vectors as one matrix [customers, d] per cut, zero where a customer has none.

    `rows`: customer_id, as_of_date and an array in `column`.
    """
    wanted = _of_panel(rows, panel, cuts).select("customer_id", "as_of_date", column).toPandas()
    place = pd.Index(panel.customers).get_indexer(pd.Index(wanted["customer_id"]))
    width = len(wanted[column].iloc[0])
    stacked = {}
    for cut in cuts:
        chosen = (wanted["as_of_date"] == cut).to_numpy() & (place >= 0)
        stacked[cut] = np.zeros((len(panel.customers), width), np.float32)
        stacked[cut][place[chosen]] = np.stack(wanted[column][chosen].to_list())
    return stacked


def stack_features(
    rows: DataFrame, panel: Panel, cuts: Sequence[date], feature_index: np.ndarray
) -> dict[date, sparse.csr_matrix]:
    """Collect sparse features as one raw matrix [customers, F] per cut."""
    wanted = _of_panel(rows, panel, cuts).toPandas()
    stacked = {}
    for cut in cuts:
        here = wanted[wanted["as_of_date"] == cut].set_index("customer_id")
        found = here.reindex(list(panel.customers))
        lists = [[_array(x) for x in found[name]] for name in ("indices", "values")]
        stacked[cut] = raw_matrix(lists[0], lists[1], feature_index)
    return stacked


def _of_panel(rows: DataFrame, panel: Panel, cuts: Sequence[date]) -> DataFrame:
    """The rows of the panel's customers at the cuts: the driver holds no others, however many there are."""
    customers = rows.sparkSession.createDataFrame([(name,) for name in panel.customers], "customer_id string")
    judged = rows.where(F.col("as_of_date").isin(*cuts))
    return judged.join(F.broadcast(customers), on="customer_id", how="left_semi")


def _array(cell: object) -> np.ndarray:
    """The array of a cell; empty where the customer has no row at the cut."""
    return np.asarray(cell) if isinstance(cell, np.ndarray | list) else np.zeros(0)


def judge(
    panel: Panel,
    arms: Mapping[str, Vectors],
    scores: Mapping[str, np.ndarray],
    rivals: Mapping[str, str],
    settings: PenetrationSettings,
) -> pd.DataFrame:
    """Measure every arm at both tasks. One row per task, arm, metric: value, ci_low, ci_high.

    `arms`: vectors by cut, scored by probes. `scores` [customers, all categories]: arms that score without labels.
    `rivals`: the arm that each arm's AUC and lift are compared with, over the same resampled households.
    """
    found = []
    folds = household_folds(panel.customers, settings)
    for task in TASKS:
        labels = _labels(panel, task)
        *_, last_train, test_cut = sorted(labels)
        chosen = top_categories(labels[last_train], settings)
        picked = {cut: labels[cut].only(chosen) for cut in labels}
        test = picked[test_cut]
        if not test.positive.any() or not (test.eligible & ~test.positive).any():
            logger.info("bl.embedding_quality: %s is not measured: at %s all customers are alike in it", task, test_cut)
            continue
        ready = {name: values[:, chosen] for name, values in scores.items()}
        for name, vectors in arms.items():
            logger.info("%s: probing %s", task, name)
            ready[name] = probe_scores(vectors, picked, folds, settings).values
        for name, values in ready.items():
            found.append(measures(test, values, settings).assign(task=task, arm=name))
        for name, rival in rivals.items():
            pooled = pooled_differences(test, ready[name], ready[rival], settings)
            above = [
                *((f"{metric}_above_{rival}", *differs) for metric, differs in pooled.items()),
                (f"mean_auc_above_{rival}", *mean_auc_difference(test, ready[name], ready[rival], settings)),
            ]
            rows = pd.DataFrame(above, columns=["metric", "value", "ci_low", "ci_high"])
            found.append(rows.assign(task=task, arm=name))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _labels(panel: Panel, task: str) -> dict[date, Labels]:
    both = panel.customers, panel.categories
    if task == "penetration":
        return {cut: penetration_labels(panel.before[cut], panel.after[cut], *both) for cut in panel.before}
    return {
        cut: buy_rate_labels(panel.before[cut], panel.after[cut], *both, panel.periods[cut]) for cut in panel.before
    }


def purchase_arms(
    raw: Mapping[date, sparse.csr_matrix],
    trained_on: sparse.csr_matrix,
    model: Autoencoder,
    names: Sequence[str],
    dimension: int,
) -> tuple[dict[str, Vectors], pd.DataFrame]:
    """Return the arms made of purchase metrics alone, and how well autoencoder and SVD give the metrics back.

    `raw` by cut and `trained_on`, one row per customer at the training date: raw features [n, F]. SVD is fitted on the
    inputs of `trained_on`, and judged at the autoencoder's dimension and at the embedding's.
    """
    inputs = {cut: input_matrix(matrix, model.plan) for cut, matrix in raw.items()}
    codes = {cut: model.encode(matrix) for cut, matrix in raw.items()}
    size = next(iter(codes.values())).shape[1]
    svd = Svd(input_matrix(trained_on, model.plan))
    arms: dict[str, Vectors] = {
        "autoencoder": codes,
        f"svd_{size}": {cut: svd.encode(matrix, size) for cut, matrix in inputs.items()},
        f"svd_{dimension}": {cut: svd.encode(matrix, dimension) for cut, matrix in inputs.items()},
        "rfm": {cut: rfm(matrix, names) for cut, matrix in raw.items()},
    }
    last = max(inputs)
    some = np.unique(np.linspace(0, inputs[last].shape[0] - 1, REBUILT_ROWS).astype(int))
    clean = inputs[last][some]
    from_svd = svd.decode(svd.encode(clean, size))
    if model.plan.value_weight > 0:
        from_svd[:, model.plan.values_start :] *= _value_length(clean, model.plan)
    rebuilt = {"autoencoder": model.decode(codes[last][some]), f"svd_{size}": from_svd}
    rows = [_reconstruction(clean, given, model.plan).assign(arm=name) for name, given in rebuilt.items()]
    return arms, pd.concat(rows, ignore_index=True)


def _value_length(clean: sparse.csr_matrix, plan: InputPlan) -> np.ndarray:
    """What turns the value part of input rows back into scaled log values, float [n, 1]."""
    present = np.diff(clean[:, plan.values_start :].indptr)
    return np.sqrt(np.maximum(present, 1))[:, None] / float(plan.value_weight)


def _reconstruction(clean: sparse.csr_matrix, given: np.ndarray, plan: InputPlan) -> pd.DataFrame:
    """How well what is given back [n, W] tells zeros from the rest (AUC), and how much of the values it knows (R2).

    Zeros: in the first indicator group. Values: scaled log values that are not zero; R2 is that of the least-squares
    line, because SVD shrinks what it gives back and the autoencoder does not.
    """
    start, end = plan.groups[0]
    bought = clean[:, start:end].toarray() > 0
    metrics = [("zero_auc", auc(bought.ravel(), given[:, start:end].ravel()))]
    if plan.value_weight > 0:
        values = (clean[:, plan.values_start :].toarray() * _value_length(clean, plan)).ravel()
        found = given[:, plan.values_start :].ravel()[values != 0]
        metrics.append(("value_r2", float(np.corrcoef(values[values != 0], found)[0, 1] ** 2)))
    return pd.DataFrame(metrics, columns=["metric", "value"]).assign(
        task="reconstruction", ci_low=np.nan, ci_high=np.nan
    )


def ease_by_category(
    raw: sparse.csr_matrix, dictionary: pd.DataFrame, type_category: Mapping[str, str], panel: Panel, penalty: float
) -> np.ndarray:
    """Return the score [customers, categories] of EASE on the product types bought over the longest window.

    `dictionary`: level, entity, metric, window_days of the columns of `raw`, in their order.
    """
    longest = dictionary["window_days"].max()
    is_type = (
        (dictionary["level"] == "type") & (dictionary["metric"] == "visits") & (dictionary["window_days"] == longest)
    )
    columns = np.flatnonzero(is_type.to_numpy())
    bought = (raw[:, columns] > 0).astype(np.float64)
    category_of = {
        i: type_category[t] for i, t in enumerate(dictionary["entity"].to_numpy()[columns]) if t in type_category
    }
    return sum_by_category(ease_scores(bought.tocsr(), penalty), category_of, panel.categories)
