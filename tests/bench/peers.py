"""What a user would write instead on one machine: DuckDB for the features, gensim for the product vectors."""

import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
from journey import journey, session
from pyspark.sql import DataFrame

from pma.embeddings.features import dictionary, measure
from pma.embeddings.products import baskets
from pma.embeddings.settings import EmbeddingSettings, FeatureSettings
from pma.embeddings.tables import FEATURE_DICTIONARY
from pma.embeddings.word2vec import word_vectors

AS_OF = (date(2017, 8, 28), date(2017, 11, 20))
KEYS = {
    "total": "'all'",
    "department": "department",
    "category": "category",
    "type": "type",
    "store": "store_id",
    "daypart": "CASE WHEN hour(purchased_at) < 6 THEN 'night' WHEN hour(purchased_at) < 12 THEN 'morning' "
    "WHEN hour(purchased_at) < 18 THEN 'afternoon' ELSE 'evening' END",
    "weekday": "dayname(purchased_at)",
}


def main(folder: Path) -> None:
    """Run ours once to warm the session up, then both, and print seconds and the ratio."""
    spark, tables = session(folder)
    room = EmbeddingSettings()
    purchases, products, stores = journey(tables)
    files = {"purchases": folder / "purchases.parquet", "products": folder / "products.parquet"}
    purchases.coalesce(1).write.parquet(str(files["purchases"]))
    products.coalesce(1).write.parquet(str(files["products"]))
    empty = spark.createDataFrame([], FEATURE_DICTIONARY.schema)
    named = dictionary(products, stores, room.features, empty).persist()
    named.count()

    named.write.parquet(str(folder / "named.parquet"))

    def ours() -> None:
        found = measure(purchases, products, named, AS_OF, room.features)
        found.write.mode("overwrite").parquet(str(folder / "ours.parquet"))

    rows = [("features", "pma on Spark, first time", seconds(ours)[0], "")]
    took, _ = seconds(ours)
    rows.append(("features", "pma on Spark, warm", took, ""))
    theirs, cells = seconds(lambda: duckdb_features(files, folder, room.features))
    rows.append(("features", "DuckDB, 2 threads", theirs, f"{took / theirs:.1f}"))
    check_equal(folder / "ours.parquet", folder / "named.parquet", cells)

    sentences = baskets(purchases, AS_OF[-1]).persist()
    sentences.count()
    took, _ = seconds(lambda: word_vectors(sentences, room.products.word2vec, "bench").count())
    rows.append(("product vectors", "pma on Spark ML", took, ""))
    theirs, _ = seconds(lambda: gensim_vectors(sentences, room))
    rows.append(("product vectors", "gensim, 2 threads", theirs, f"{took / theirs:.1f}"))
    print("\nThe same work on one machine (ratio: ours over theirs)\n")
    print(f"{'work':<17}{'by':<28}{'seconds':>8}{'ratio':>7}")
    for work, by, took, ratio in rows:
        print(f"{work:<17}{by:<28}{took:>8.1f}{ratio:>7}")


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    """Run the work and return how long it took and what it returned."""
    started = time.monotonic()
    result = work()
    return time.monotonic() - started, result


def duckdb_features(files: dict[str, Path], folder: Path, settings: FeatureSettings) -> Path:
    """Write every cell that is not zero at four decimals: customer, date, level, entity, metric, days, value."""
    target = folder / "duckdb.parquet"
    windows = sorted(settings.windows_days)
    union = " UNION ALL ".join(duckdb_level(level, day, windows) for level in KEYS for day in AS_OF)
    cell = "cell.metric AS metric, cell.days AS days, cell.value AS value"
    with duckdb.connect() as db:
        db.execute("SET threads = 2")
        db.execute("SET TimeZone = 'UTC'")
        db.execute(
            f"""CREATE TABLE joined AS SELECT p.*, d.department, d.category, d.type
            FROM read_parquet('{files["purchases"]}/*.parquet') p
            LEFT JOIN read_parquet('{files["products"]}/*.parquet') d USING (product_id)"""
        )
        db.execute(
            f"""COPY (SELECT customer_id, as_of_date, level, entity, {cell} FROM ({union})
            WHERE abs(cell.value) > 0.00005)
            TO '{target}' (FORMAT parquet)"""
        )
    return target


def duckdb_level(level: str, day: date, windows: list[int]) -> str:
    """SQL for the cells of one level at one date: per receipt and entity first, then per customer and window."""
    summed = ("visits", "spend", "quantity", "discount")
    sums = [
        f"sum(CASE WHEN age <= {days} THEN {'1' if name == 'visits' else name} ELSE 0 END) AS {name}_{days}"
        for name in (*summed, "lines")
        for days in windows
    ]
    values = [(name, days, f"{name}_{days}") for name in summed for days in windows]
    values.append(("recency", windows[-1], "recency"))
    if level == "total":
        values += [("basket_lines", days, f"lines_{days} / nullif(visits_{days}, 0)") for days in windows]
        values += [("basket_spend", days, f"spend_{days} / nullif(visits_{days}, 0)") for days in windows]
    cells = ", ".join(f"{{'metric': '{m}', 'days': {days}, 'value': ({value})::DOUBLE}}" for m, days, value in values)
    return f"""
        SELECT customer_id, DATE '{day}' AS as_of_date, '{level}' AS level, entity, unnest([{cells}]) AS cell
        FROM (
            SELECT customer_id, entity, {", ".join(sums)}, min(age) AS recency
            FROM (
                SELECT customer_id, basket_id, {KEYS[level]} AS entity,
                    date_diff('day', max(purchased_at)::DATE, DATE '{day}') AS age, count(*) AS lines,
                    sum(spend) AS spend, sum(quantity) AS quantity, sum(discount) AS discount
                FROM joined
                WHERE {KEYS[level]} IS NOT NULL
                GROUP BY ALL
            )
            WHERE age BETWEEN 1 AND {windows[-1]}
            GROUP BY ALL
        )"""


def check_equal(ours: Path, named: Path, cells: object) -> None:
    """Fail unless both have the same cells, by customer, date and name, of equal values at single precision."""
    with duckdb.connect() as db:
        found = db.execute(
            f"""WITH ours AS (
                SELECT customer_id, as_of_date, unnest(indices) AS feature_index, unnest("values") AS value
                FROM read_parquet('{ours}/*.parquet')
            ), named AS (
                SELECT customer_id, as_of_date, level, entity, metric, window_days AS days, value
                FROM ours JOIN read_parquet('{named}/*.parquet') USING (feature_index)
            )
            SELECT count(*), count(*) FILTER (
                WHERE n.value IS NULL OR d.value IS NULL OR abs(n.value - d.value) > 0.0001 + 1e-6 * abs(d.value)
            )
            FROM named n
            FULL JOIN read_parquet('{cells}') d USING (customer_id, as_of_date, level, entity, metric, days)"""
        ).fetchone()
    if found is None or not found[0] or found[1]:
        raise SystemExit(f"the two do not agree: cells, and those that differ: {found}")
    print(f"{found[0]:,} cells, equal one by one", file=sys.stderr)


def gensim_vectors(sentences: DataFrame, room: EmbeddingSettings) -> int:
    """Train as many passes of the same algorithm (skip-gram, hierarchical softmax) over the same baskets."""
    from gensim.models import Word2Vec

    given = room.products.word2vec
    rng = np.random.default_rng(given.seed)
    rows = [list(words) for words in sentences.select("words").toPandas()["words"]]
    copied = [list(rng.permutation(words)) for _ in range(given.copies) for words in rows]
    model = Word2Vec(
        copied,
        sg=1,
        hs=1,
        negative=0,
        vector_size=given.vector_size,
        window=given.window,
        alpha=given.step_size,
        epochs=given.max_iter,
        sample=given.sample,
        min_count=given.min_count,
        workers=2,
        seed=given.seed,
    )
    return len(model.wv)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
