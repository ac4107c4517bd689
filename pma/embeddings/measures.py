"""All measures of one model, from the tables, and the short table that the run prints."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.embeddings.autoencoder import AUTOENCODER_FILE, Autoencoder
from pma.embeddings.inputs import raw_matrix
from pma.embeddings.next_item import Hits, later_baskets, next_item_hits, popularity_hits, ratio, sgns_space, space
from pma.embeddings.penetration import Cuts, label_cuts
from pma.embeddings.plan import Plan
from pma.embeddings.products import baskets, nearest_products
from pma.embeddings.quality import (
    Panel,
    Vectors,
    ease_by_category,
    gather_panel,
    judge,
    purchase_arms,
    stack,
    stack_features,
)
from pma.embeddings.settings import JUDGES, EmbeddingSettings, PenetrationSettings
from pma.embeddings.tables import (
    CUSTOMER_EMBEDDINGS,
    CUSTOMER_FEATURES,
    EMBEDDING_MODELS,
    FEATURE_DICTIONARY,
    PRODUCT_VECTORS,
)
from pma.settings import Settings, digest
from pma.sources.tables import PRODUCTS, PURCHASES, STORES
from pma.tables import TableError
from pma.warehouse import Warehouse

logger = logging.getLogger(__name__)

# Customers that SVD is fitted on, at most: their squared number of products must fit in memory.
SVD_ROWS = 8000
# What the short table leaves out.
MINOR = ("base_rate", "mean_auc", "mean_lift_at_10", "epochs", "held_out_loss")
# One row of bl.embedding_quality without model and run: task, arm, metric, cut, value, ci_low, ci_high.
Row = tuple[str, str, str, str, float, float | None, float | None]


def quality_cuts(purchases: DataFrame, plan: Plan, settings: PenetrationSettings) -> Cuts | None:
    """Return the as-of dates that vectors can be judged at, None (and say so) where too few have weeks after them."""
    last = purchases.agg(F.to_date(F.max("purchased_at"))).collect()[0][0]
    cuts = label_cuts(plan.as_of_dates, last, settings)
    if cuts is None:
        logger.info(
            "bl.embedding_quality: propensity is not measured: the last purchase is of %s, and no two as-of dates lie "
            "%d weeks before it and apart. To measure it, add such dates to as_of",
            last,
            settings.label_weeks,
        )
    return cuts


def require_model(tables: Warehouse, plan: Plan) -> None:
    """Raise TableError, naming the job to run, unless the model's product vectors and embeddings are written."""
    for spec, job in ((PRODUCT_VECTORS, "products"), (EMBEDDING_MODELS, "embed")):
        if not tables.has(spec, plan.where):
            raise TableError(
                f"{spec.name}: no row of model {plan.model_version}. Fix: run jobs/{job}.py with the same settings"
            )


def judge_name(room: EmbeddingSettings, cuts: Cuts | None) -> str:
    """Return what names the measures of a model beside their cut: settings that judge, and where probes learned."""
    return " ".join([digest(room, include=JUDGES), *map(str, cuts.train if cuts else ())])


def measure_model(tables: Warehouse, plan: Plan, cuts: Cuts, settings: Settings) -> list[Row]:
    """Measure penetration, buy rate and reconstruction of every arm at the test cut."""
    cut = settings.embeddings.penetration
    dates = (*cuts.train, cuts.test)
    panel = gather_panel(tables.read(PURCHASES), tables.read(PRODUCTS), cuts, cut)
    model = Autoencoder.load(plan.folder(settings.artifacts) / AUTOENCODER_FILE)
    features = plan.measured(tables.read(CUSTOMER_FEATURES))
    raw = stack_features(features, panel, dates, model.plan.feature_index)
    at_training = features.where(F.col("as_of_date") == F.lit(plan.trained_as_of))
    trained = at_training.orderBy(F.xxhash64("customer_id"), "customer_id").limit(SVD_ROWS).toPandas()
    trained_on = raw_matrix(list(trained["indices"]), list(trained["values"]), model.plan.feature_index)
    names = tables.read(FEATURE_DICTIONARY).toPandas().set_index("feature_index").loc[model.plan.feature_index]
    full = _embeddings(tables, plan, panel, dates)
    dimension = next(iter(full.values())).shape[1]
    arms, rebuilt = purchase_arms(raw, trained_on, model, list(names["name"]), dimension)
    arms = {"embedding": full, "embedding_rfm": _beside(full, arms["rfm"]), **arms}
    categories = (
        tables.read(PRODUCTS).where("type is not null").groupBy("type").agg(F.min("category").alias("category"))
    )
    type_category = {row["type"]: row["category"] for row in categories.collect() if row["category"]}
    ease = ease_by_category(raw[cuts.test], names, type_category, panel, cut.ease_penalty)
    size = next(iter(arms["autoencoder"].values())).shape[1]
    rivals = {"embedding": f"svd_{dimension}", "autoencoder": f"svd_{size}"}
    judged = pd.concat([judge(panel, arms, {"ease": ease}, rivals, cut), rebuilt], ignore_index=True)
    return [_row(found, cuts.test) for found in judged.to_dict("records")] + _trained_rows(model, plan)


def next_item_rows(purchases: DataFrame, vectors: DataFrame, plan: Plan, room: EmbeddingSettings) -> list[Row]:
    """Measure product vectors by the products left out of later baskets, beside gensim's SGNS and plain popularity.

    No row, and a word about it, where no basket came after the training date.
    """
    cut, settings = plan.trained_as_of, room.next_item
    test = later_baskets(purchases, cut, settings)
    if not test:
        logger.info(
            "bl.embedding_quality: product vectors are not measured: no basket of two products in the %d days from %s "
            "on. To measure them, train at an earlier date",
            settings.days,
            cut,
        )
        return []
    counts = {
        r["product_id"]: r["purchases"]
        for r in vectors.where("purchases > 0").select("product_id", "purchases").collect()
    }
    spark = next_item_hits(space(vectors.where(F.col("source") == "word2vec")), test, settings.k)
    popular = popularity_hits(counts, test, settings.k)
    metric = f"hit_at_{settings.k}"
    found = [_hits_row(name, metric, cut, hits) for name, hits in (("word2vec", spark), ("popularity", popular))]
    sentences = baskets(purchases, cut).persist()
    try:
        if (count := sentences.count()) > settings.max_sgns_baskets:
            logger.info(
                "bl.embedding_quality: gensim's SGNS is left out: %d baskets are above "
                "embeddings.next_item.max_sgns_baskets",
                count,
            )
            return found
        gensim = next_item_hits(sgns_space(sentences, settings.sgns), test, settings.k)
    finally:
        sentences.unpersist()
    found.append(_hits_row("gensim_sgns", metric, cut, gensim))
    if gensim.hits.sum():
        found.append(("next_item", "word2vec", f"{metric}_over_sgns", str(cut), *ratio(spark, gensim)))
    return found


def short_table(measured: DataFrame, vectors: DataFrame, products: DataFrame) -> str:
    """Return the measures as text, and the nearest products of ten well-known ones."""
    rows = measured.where(~F.col("metric").isin(*MINOR)).orderBy("task", "arm", "metric").toPandas()
    best_first = rows.groupby(["task", "arm"], as_index=False).first().sort_values(["task", "value"], ascending=False)
    lines = [f"{'task':<15}{'arm':<15}measures (95 % interval); the rest in bl.embedding_quality"]
    for task, arm in zip(best_first["task"], best_first["arm"], strict=True):
        of_arm = rows[(rows["task"] == task) & (rows["arm"] == arm)]
        lines.append(f"{task:<15}{arm:<15}" + "  ".join(_told(row) for row in of_arm.to_dict("records")))
    if rows.empty:
        lines = ["Nothing was measured; the log says what is missing."]
    known = vectors.where(F.col("source") == "word2vec").orderBy(F.desc("purchases"), "product_id").limit(10)
    ids = [row["product_id"] for row in known.collect()]
    words = products.select("product_id", F.coalesce("description", "type", "product_id").alias("words"))
    near = nearest_products(vectors, ids, 3).join(
        words.withColumnsRenamed({"product_id": "neighbour_id", "words": "near"}), "neighbour_id", "left"
    )
    grouped = near.groupBy("product_id").agg(F.sort_array(F.collect_list(F.struct("rank", "near"))).alias("found"))
    lines += ["", "The ten products bought most, and the nearest three of each:"]
    for product in grouped.join(words, "product_id", "left").orderBy("words", "product_id").collect():
        lines.append(f"  {product['words']}: {', '.join(str(n['near']) for n in product['found'])}")
    return "\n".join(lines)


def _told(row: dict) -> str:
    interval = f" ({row['ci_low']:.3f} to {row['ci_high']:.3f})" if pd.notna(row["ci_low"]) else ""
    return f"{row['metric']} {row['value']:.4f}{interval}"


def _embeddings(tables: Warehouse, plan: Plan, panel: Panel, cuts: tuple[date, ...]) -> dict[date, np.ndarray]:
    """The embedding without the location block where it is built on stand-in states, which tell nothing."""
    vectors = stack(tables.read(CUSTOMER_EMBEDDINGS).where(plan.where), "embedding", panel, cuts)
    if tables.read(STORES).where("is_standin").isEmpty():
        return vectors
    (model,) = tables.read(EMBEDDING_MODELS).where(plan.where).collect()
    keep = np.ones(model["dimension"], bool)
    for block in model["blocks"]:
        if block["name"] == "location":
            keep[block["start"] : block["start"] + block["length"]] = False
    return {cut: matrix[:, keep] for cut, matrix in vectors.items()}


def _beside(first: Vectors, second: Vectors) -> Mapping[date, np.ndarray]:
    """Lay two vectors side by side, the second scaled to the first's size, so that one penalty suits both."""
    size = {
        cut: np.sqrt(np.mean(first[cut] ** 2)) / max(float(np.sqrt(np.mean(second[cut] ** 2))), 1e-9) for cut in first
    }
    return {cut: np.hstack([first[cut], second[cut] * size[cut]]) for cut in first}


def _trained_rows(model: Autoencoder, plan: Plan) -> list[Row]:
    names = ("epochs", "held_out_loss", "rank_weight_difference")
    return [
        ("training", "autoencoder", name, str(plan.trained_as_of), float(model.report[name]), None, None)
        for name in names
    ]


def _hits_row(arm: str, metric: str, cut: date, hits: Hits) -> Row:
    return ("next_item", arm, metric, str(cut), hits.rate, *hits.interval())


def _row(found: dict, cut: date) -> Row:
    low, high = (None if np.isnan(found[name]) else float(found[name]) for name in ("ci_low", "ci_high"))
    return (found["task"], found["arm"], found["metric"], str(cut), float(found["value"]), low, high)
