"""What a user gets for input that the job cannot use: table, key and fix, and the tables as they were."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import yaml

from pma.embeddings.encoding import load_once
from tests.jobs.shop import (
    AS_OF,
    EMBEDDING,
    EMBEDDING_TASKS,
    JOB,
    REPOSITORY,
    rows,
    run,
    write_settings,
    write_shop,
)


def test_a_single_customer_is_too_few_to_learn_from_and_his_features_are_kept(spark, tmp_path, capfd):
    write_shop(tmp_path, customers=1)
    conf = write_settings(tmp_path)

    assert run(conf, EMBEDDING_TASKS) == {"load": 0, "features": 1}

    assert "st_il.feature_scales: no feature is had by 2 customers before 2017-07-31" in capfd.readouterr().err
    found = rows(conf, "st_il.customer_features", ["customer_id", "as_of_date"])
    assert {(row.customer_id, str(row.as_of_date)) for row in found.itertuples()} >= {("c0", day) for day in AS_OF}


def test_an_as_of_date_before_all_data_is_refused_with_the_first_date_there_is(spark, tmp_path, capfd):
    write_shop(tmp_path, customers=2)
    conf = write_settings(tmp_path, as_of=["2016-12-01"])

    assert run(conf) == {"load": 0, "features": 1}

    said = capfd.readouterr().err
    assert "il.purchases: no purchase before 2016-12-01, the first is of 2017-01-0" in said
    assert "Fix: a later --as-of" in said
    runs = rows(conf, "bl.runs", ["job"])
    assert runs[["job", "status"]].values.tolist() == [["features", "failed"], ["load", "succeeded"]]


def test_purchases_without_a_line_are_refused_by_name_and_what_was_loaded_stays(spark, tmp_path, capfd):
    write_shop(tmp_path, customers=2)
    conf = write_settings(tmp_path)
    # The shop's stores are read off its receipts: here they have a list of their own, which is not empty.
    (tmp_path / "stores.csv").write_text("store_id\ns0\ns1\n")
    tree = yaml.safe_load(conf.read_text())
    tree["sources"]["stores"]["path"] = str(tmp_path / "stores.csv")
    conf.write_text(yaml.safe_dump(tree))
    assert run(conf, {"load"}) == {"load": 0}
    before = rows(conf, "il.purchases", ["customer_id", "basket_id", "product_id"])
    header = (tmp_path / "purchases.csv").read_text().splitlines()[0]
    (tmp_path / "purchases.csv").write_text(header + "\n")
    capfd.readouterr()

    assert run(conf, {"load"}) == {"load": 1}

    refusal = "il.purchases: the source has no rows; the table stays as it was. Fix: sources.purchases"
    assert [line.split(": ", 1)[1] for line in capfd.readouterr().err.splitlines() if " failed after " in line] == [
        refusal
    ]
    assert len(before) > 0
    after = rows(conf, "il.purchases", ["customer_id", "basket_id", "product_id"])
    pd.testing.assert_frame_equal(after, before)


def test_a_corrupt_model_file_is_named_with_the_fix_and_the_vectors_stay(spark, tmp_path, capfd):
    write_shop(tmp_path, customers=40)
    conf = write_settings(tmp_path)
    assert set(run(conf, EMBEDDING_TASKS).values()) == {0}
    before = rows(conf, "bl.customer_embeddings", EMBEDDING)
    (model,) = (tmp_path / "artifacts").glob("*/autoencoder")
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 0xFF
    model.write_bytes(bytes(content))
    load_once.cache_clear()  # As a new process begins.
    # A new date must be encoded with the model.
    conf.write_text(conf.read_text().replace(f"- '{AS_OF[1]}'", f"- '{AS_OF[1]}'\n- '2017-09-25'"))

    status = run(conf, {"features", "autoencoder"})

    said = capfd.readouterr().err
    assert status == {"features": 0, "autoencoder": 1}
    assert str(model) in said
    assert "restore the file, or delete it and run jobs/autoencoder.py" in said
    pd.testing.assert_frame_equal(rows(conf, "bl.customer_embeddings", EMBEDDING), before)
    model.unlink()
    assert run(conf, ["autoencoder"]) == {"autoencoder": 0}
    blocks = rows(conf, "st_il.customer_blocks", ["customer_id", "as_of_date", "block"])
    purchases = blocks[(blocks["block"] == "purchases") & (blocks["as_of_date"].astype(str) == "2017-09-25")]
    assert purchases["customer_id"].nunique() == 40


def test_two_runs_at_once_leave_what_one_would(spark, tmp_path):
    conf = {}
    for name in ("twice", "once"):
        write_shop(tmp_path / name, customers=20)
        conf[name] = write_settings(tmp_path / name)
    assert run(conf["once"], ["load"]) == {"load": 0}

    words = [sys.executable, "-m", "pma.workflow", "run", str(JOB), "--var", f"conf={conf['twice']}", "--only", "load"]
    with ExitStack() as logs:
        said = [logs.enter_context((tmp_path / f"log{i}").open("w+")) for i in range(2)]
        both = [subprocess.Popen(words, cwd=REPOSITORY, stderr=log) for log in said]
        assert [process.wait() for process in both] == [0, 0], [Path(log.name).read_text() for log in said]

    for name, key in (("il.purchases", ["customer_id", "basket_id", "product_id"]), ("il.customers", ["customer_id"])):
        pd.testing.assert_frame_equal(rows(conf["twice"], name, key), rows(conf["once"], name, key))
    assert rows(conf["twice"], "bl.runs", ["started_at"])["status"].tolist() == ["succeeded"] * 2
