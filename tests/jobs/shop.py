"""A small shop with taste: CSV files of purchases, products and customers, settings for seconds, and its tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import deltalake
import numpy as np
import pandas as pd
import yaml

from pma.bundle import read_tasks
from pma.workflow import run_tasks
from tests.conftest import TEST_SPARK

REPOSITORY = Path(__file__).parents[2]
FIRST_DAY = datetime(2017, 1, 2)
WEEKS = 40
TYPES = 16
SHELVES = ("FRESH", "FROZEN", "CANNED", "BAKED")
WORDS = (
    *("APPLE", "BEAN", "CARROT", "DATE", "EGG", "FIG", "GARLIC", "HONEY"),
    *("ICE", "JAM", "KALE", "LEMON", "MANGO", "NUT", "OLIVE", "PEACH"),
)
AS_OF = ["2017-07-31", "2017-08-28"]
JOB = REPOSITORY / "conf/bundle/embeddings.job.yml"
EMBEDDING = ["customer_id", "as_of_date", "model_version"]
EMBEDDING_TASKS = ("load", "features", "products", "places", "receipts", "autoencoder", "embed")


def write_shop(folder: Path, customers: int = 60) -> None:
    """Write the three files: each customer likes one of four departments."""
    rng = np.random.default_rng(5)
    products = pd.DataFrame({"product_id": [f"p{i}" for i in range(2 * TYPES)]})
    number = np.arange(len(products)) % TYPES
    products["department"] = [f"D{n % 4}" for n in number]
    products["category"] = [f"C{n % 8}" for n in number]
    products["type"] = [f"TYPE {n}" for n in number]
    products["brand"] = "Own"
    products["description"] = [f"{SHELVES[n % 4]} {WORDS[n]} 12 OZ" for n in number]
    lines = []
    for customer in range(customers):
        liked = np.where(number % 4 == customer % 4)[0]
        for week in range(WEEKS):
            if rng.random() < 0.3:
                continue
            bought = {*rng.choice(liked, 3), *rng.choice(len(products), 2)}
            at = FIRST_DAY + timedelta(weeks=week, days=int(rng.integers(7)), hours=int(rng.integers(8, 20)))
            for product in sorted(bought):
                line = (f"c{customer}", f"b{customer}-{week}", f"p{product}", f"s{customer % 5}", at, 1.0, 2.5, 0.5)
                lines.append(line)
    columns = ["customer_id", "basket_id", "product_id", "store_id", "purchased_at", "quantity", "spend", "discount"]
    purchases = pd.DataFrame(lines, columns=columns)
    ages = ["19-24", "25-34", None]
    people = pd.DataFrame(
        {"customer_id": [f"c{i}" for i in range(customers)], "age": [ages[i % 3] for i in range(customers)]}
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in (("purchases", purchases), ("products", products), ("customers", people)):
        frame.to_csv(folder / f"{name}.csv", index=False)


def write_settings(folder: Path, **changes: object) -> Path:
    """Write `shop.yml` for the files of the folder, and return its path; `changes` replace top-level parts."""
    # Among so few products each is frequent: thinned, hardly a basket would be left.
    word2vec = {"vector_size": 8, "copies": 2, "min_count": 1, "sample": 0.0}

    def source(name: str, columns: list[str]) -> dict[str, object]:
        path = str(folder / f"{name}.csv")
        return {"format": "csv", "path": path, "options": {"header": "true"}, "columns": {c: c for c in columns}}

    bought = ["customer_id", "basket_id", "product_id", "store_id", "purchased_at", "quantity", "spend", "discount"]
    tree = {
        "as_of": AS_OF,
        # A process of its own computes what the tests' session does only with the same number of tasks.
        "spark": TEST_SPARK.model_dump(),
        "rules": str(REPOSITORY / "conf/rules"),
        "artifacts": str(folder / "artifacts"),
        "warehouse": {"path": str(folder / "warehouse")},
        "sources": {
            "purchases": source("purchases", bought),
            "products": source("products", ["product_id", "department", "category", "type", "brand", "description"]),
            "stores": source("purchases", ["store_id"]),
            "customers": source("customers", ["customer_id", "age"]),
        },
        "embeddings": {
            "training_dates": 2,
            "features": {"min_customers": 2},
            "products": {"word2vec": word2vec},
            "clusters": {"clusters": 6, "segments": 4, "max_iter": 5, "word2vec": word2vec},
            "stores": {"vector_size": 4, "min_baskets": 2, "max_epochs": 5},
            "receipts": {"word2vec": word2vec},
            "autoencoder": {"dimension": 8, "batch_rows": 16, "shards": 2, "max_epochs": 2},
            "penetration": {
                "history_weeks": 3,
                "categories": 4,
                "folds": 2,
                "bootstrap": 5,
            },
            "next_item": {"baskets": 50, "sgns": {"min_count": 1, "epochs": 2, "vector_size": 8, "sample": 0.0}},
        },
    }
    path = folder / "shop.yml"
    path.write_text(yaml.safe_dump({**tree, **changes}), encoding="utf-8")
    return path


def run(conf: Path, only: Sequence[str] | None = None) -> dict[str, int]:
    """Run the tasks of the bundle (all, or those named) and return the exit status of each that ran."""
    tasks = [task for task in read_tasks(JOB, {"conf": str(conf)}) if only is None or task.key in only]
    return {result.task.key: result.status for result in run_tasks(tasks, REPOSITORY)}


def rows(conf: Path, name: str, key: list[str]) -> pd.DataFrame:
    """Return a table of the shop without its run ids, by key, read without Spark."""
    frame = deltalake.DeltaTable(str(conf.parent / "warehouse" / name.replace(".", "/"))).to_pandas()
    return frame.drop(columns="run_id", errors="ignore").sort_values(key, ignore_index=True)
