"""The whole job, from CSV files to vectors, as `make run` runs it: real Spark, Delta, Keras and two Horovod ranks."""

import pandas as pd
import pytest
import yaml

from pma.query import main as ask
from tests.jobs.shop import AS_OF, EMBEDDING, EMBEDDING_TASKS, rows, run, write_settings, write_shop


def test_every_customer_has_one_vector_per_date(shop):
    found = rows(shop, "bl.customer_embeddings", EMBEDDING)
    model = rows(shop, "bl.embedding_models", ["model_version"]).iloc[0]

    people = sorted((f"c{i}", day) for i in range(60) for day in AS_OF)
    assert [(row.customer_id, str(row.as_of_date)) for row in found.itertuples()] == people
    assert {len(vector) for vector in found["embedding"]} == {model["dimension"]}
    assert sum(block["length"] for block in model["blocks"]) == model["dimension"]
    assert str(model["trained_as_of"]) == AS_OF[0]
    names = [block["name"] for block in model["blocks"]]
    assert names == ["purchases", "products", "opportunities", "baskets", "store", "area", "location"]


def test_a_customer_is_nearest_to_those_who_like_the_same_department(shop):
    found = rows(shop, "bl.customer_embeddings", EMBEDDING)
    last = found[found["as_of_date"].astype(str) == AS_OF[1]].set_index("customer_id")["embedding"]
    vectors = pd.DataFrame([*last], index=last.index)
    unit = vectors.div((vectors**2).sum(axis=1) ** 0.5, axis=0)
    cosine = unit @ unit.T
    same = [
        int(other[1:]) % 4 == int(customer[1:]) % 4
        for customer, near in cosine.iterrows()
        for other in near.drop(customer).nlargest(5).index
    ]
    # A quarter would be the same by chance.
    assert sum(same) / len(same) > 0.5


def test_quality_has_every_arm_of_every_task(shop):
    found = rows(shop, "bl.embedding_quality", ["task", "arm", "metric"])

    arms = found.groupby("task")["arm"].agg(lambda names: sorted(set(names))).to_dict()
    assert set(arms["penetration"]) >= {"autoencoder", "embedding", "embedding_rfm", "svd_8", "rfm", "ease"}
    assert set(arms["buy_rate"]) == set(arms["penetration"])
    assert set(arms["next_item"]) == {"word2vec", "gensim_sgns", "popularity"}
    assert found.loc[found["metric"] == "rank_weight_difference", "value"].tolist() == [0.0]
    auc = found[found["metric"] == "auc"].set_index(["task", "arm"])["value"]
    above = found[found["metric"] == "auc_above_svd_8"].set_index(["task", "arm"])["value"]
    for task in ("penetration", "buy_rate"):
        assert above[task, "autoencoder"] == pytest.approx(auc[task, "autoencoder"] - auc[task, "svd_8"])


def test_other_settings_of_the_measures_measure_the_same_model_anew(shop):
    key = ["task", "arm", "metric", "cut"]
    before = rows(shop, "bl.embedding_quality", key)
    tree = yaml.safe_load(shop.read_text())
    tree["embeddings"]["penetration"]["bootstrap"] = 9
    other = shop.with_name("other.yml")
    other.write_text(yaml.safe_dump(tree))

    assert run(other, ["quality"]) == {"quality": 0}
    after = rows(shop, "bl.embedding_quality", key)
    assert run(shop, ["quality"]) == {"quality": 0}

    values = ["model_version", *key, "value"]
    pd.testing.assert_frame_equal(after[values], before[values])
    probed = before["task"].isin(["penetration", "buy_rate"]) & (before["metric"] == "auc")
    assert (after.loc[probed, "ci_low"] != before.loc[probed, "ci_low"]).any()
    pd.testing.assert_frame_equal(rows(shop, "bl.embedding_quality", key), before)


def test_the_model_says_what_its_training_measured(shop):
    (metrics,) = rows(shop, "bl.embedding_models", ["model_version"])["metrics"]
    assert dict(metrics).items() >= {("epochs", 2.0), ("rank_weight_difference", 0.0)}
    assert dict(metrics)["held_out_loss"] > 0


def test_every_run_of_a_job_is_in_the_list_of_runs(shop):
    found = rows(shop, "bl.runs", ["job"])
    expected = ["autoencoder", "embed", "features", "load", "places", "products", "quality", "receipts"]
    assert sorted(set(found["job"])) == expected
    assert set(found["status"]) == {"succeeded"}


def test_the_tables_are_asked_in_sql_by_their_names(shop, capfd):
    ask(["--conf", str(shop), "SELECT count(*) AS vectors FROM bl.customer_embeddings WHERE has_history"])

    assert [line.strip("| ") for line in capfd.readouterr().out.splitlines() if line.startswith("|")] == [
        "vectors",
        "120",
    ]


TABLES = {
    "il.purchases": ["customer_id", "basket_id", "product_id"],
    "st_il.customer_features": ["customer_id", "as_of_date"],
    "st_il.customer_blocks": ["customer_id", "as_of_date", "block"],
    "bl.customer_embeddings": EMBEDDING,
    "bl.embedding_models": ["model_version"],
    "bl.embedding_quality": ["task", "arm", "metric", "cut"],
}


def test_a_second_run_changes_no_row(shop):
    before = {name: rows(shop, name, key) for name, key in TABLES.items()}

    assert set(run(shop).values()) == {0}

    for name, key in TABLES.items():
        pd.testing.assert_frame_equal(rows(shop, name, key), before[name], obj=name)


def test_without_the_receipts_from_the_last_date_on_the_vectors_are_the_same_also_in_another_warehouse(shop, tmp_path):
    write_shop(tmp_path)
    conf = write_settings(tmp_path)
    lines = pd.read_csv(tmp_path / "purchases.csv")
    known = lines[lines["purchased_at"] < AS_OF[-1]]
    assert 0 < len(known) < len(lines)
    known.to_csv(tmp_path / "purchases.csv", index=False)

    assert set(run(conf, EMBEDDING_TASKS).values()) == {0}

    pd.testing.assert_frame_equal(
        rows(conf, "bl.customer_embeddings", EMBEDDING), rows(shop, "bl.customer_embeddings", EMBEDDING)
    )


def test_dates_without_weeks_after_them_give_vectors_that_are_not_measured_and_say_so(spark, tmp_path, capfd):
    write_shop(tmp_path)
    conf = write_settings(tmp_path, as_of=["2017-10-09"])

    assert set(run(conf).values()) == {0}

    said = capfd.readouterr()
    assert "propensity is not measured: the last purchase is of 2017-10-0" in said.err
    assert "product vectors are not measured: no basket of two products" in said.err
    assert "Nothing was measured; the log says what is missing." in said.out
    assert len(rows(conf, "bl.customer_embeddings", EMBEDDING)) == 60


def test_measures_of_a_model_without_vectors_are_refused_with_the_job_to_run(spark, tmp_path, capfd):
    write_shop(tmp_path, customers=20)
    conf = write_settings(tmp_path)
    assert run(conf, ["load", "quality"]) == {"load": 0, "quality": 1}
    assert "il.product_vectors: no row of model 20170731-" in (said := capfd.readouterr().err)
    assert "Fix: run jobs/products.py with the same settings" in said
