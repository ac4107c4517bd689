"""Start a training on the ranks that the settings ask for."""

from __future__ import annotations

import fcntl
import gc
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from pma.embeddings.distributed import DistributedError, Single, require_horovod
from pma.embeddings.training import TrainingRequest, train, train_rank
from pma.embeddings.training_rows import mounted, write_training_rows

logger = logging.getLogger(__name__)


def train_once(rows: DataFrame, vocabulary: DataFrame, request: TrainingRequest) -> None:
    """Train the model of a request unless its file is there; a killed training goes on from its checkpoint.

    rows: st_il.customer_features of the training dates, one row per customer_id, as_of_date. vocabulary:
    st_il.feature_dictionary joined to the model's st_il.feature_scales. Raises DistributedError as `launch_training`.
    """
    model = Path(request.model)
    with only_trainer(model.parent):
        if model.exists():
            return
        vocabulary.coalesce(1).write.mode("overwrite").parquet(mounted(rows.sparkSession, request.dictionary))
        write_training_rows(rows, request.rows, request.settings.shards)
        launch_training(request, rows.sparkSession)


def launch_training(request: TrainingRequest, spark: SparkSession | None = None) -> dict[str, Any]:
    """Train and return rank 0's report; the model lies in `request.model` then.

    backend `single`: in this process. `horovod`: as Spark tasks if there is a session, else through `horovodrun`.
    Raises DistributedError if Horovod is missing, if ranks fail, or if the ranks' weights differ at the end.
    """
    settings = request.settings
    started = time.monotonic()
    request.last_words.unlink(missing_ok=True)
    if settings.backend == "single":
        report = train(request, Single())
    elif spark is not None:
        report = _run_on_spark(request, spark)
    else:
        report = _run_by_command(request)
    logger.info(
        "autoencoder: %d epochs, held-out loss %.3f, %.0f s with start-up",
        report["epochs"],
        report["held_out_loss"],
        time.monotonic() - started,
    )
    return report


@contextmanager
def only_trainer(folder: Path) -> Iterator[None]:
    """Hold a model's folder for one training at a time: a second run waits, and then finds the model there."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _run_on_spark(request: TrainingRequest, spark: SparkSession) -> dict[str, Any]:
    """Run a rank per Spark task. All tasks must run at once, so there must be as many free slots as ranks."""
    require_horovod()
    import horovod.spark

    settings = request.settings
    slots = spark.sparkContext.defaultParallelism
    master = str(spark.sparkContext.master)
    if master.startswith("local") and slots < settings.ranks:
        raise DistributedError(
            f"embeddings.autoencoder.ranks is {settings.ranks}, but Spark ({master}) runs {slots} tasks at once. "
            f"Fix: spark.master = local[{settings.ranks}], or fewer ranks"
        )
    # Horovod forks this process to look at its own build: garbage of TensorFlow or of Spark's connection, collected in
    # the copy, would crash it. Here it waits for the ranks, and makes none.
    collecting = gc.isenabled()
    gc.disable()
    try:
        reports = horovod.spark.run(
            train_rank,
            args=(request.to_json(),),
            num_proc=settings.ranks,
            use_gloo=True,
            start_timeout=settings.start_timeout,
            env=_rank_environment(),
            stdout=sys.stderr,
            stderr=sys.stderr,
            verbose=1,
        )
    except Exception as error:
        raise DistributedError(
            f"{request.model}: training on {settings.ranks} Horovod ranks failed: {_cause(request, str(error))}"
        ) from error
    finally:
        if collecting:
            gc.enable()
    return dict(reports[0])


def _run_by_command(request: TrainingRequest) -> dict[str, Any]:
    require_horovod()
    command = Path(sys.executable).parent / "horovodrun"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "request.json"
        path.write_text(request.to_json())
        ranks = ["-np", str(request.settings.ranks), "--gloo", "--start-timeout", str(request.settings.start_timeout)]
        call = [str(command), *ranks, sys.executable, "-m", "pma.embeddings.training", str(path)]
        last_words: deque[str] = deque(maxlen=30)
        with subprocess.Popen(
            call, env=_rank_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as running:
            for line in running.stdout or ():
                sys.stderr.write(line)
                last_words.append(line)
        if running.returncode:
            raise DistributedError(
                f"{request.model}: training on {request.settings.ranks} Horovod ranks failed, "
                f"exit {running.returncode}: {_cause(request, ''.join(last_words))}"
            )
        return dict(json.loads(Path(f"{path}.report").read_text()))


def _cause(request: TrainingRequest, otherwise: str) -> str:
    """What the rank that failed first said, or else what Horovod says."""
    said = request.last_words
    return said.read_text() if said.exists() else otherwise


def _rank_environment() -> dict[str, str]:
    """Give ranks this process's environment and import path, and one math thread, for they share the machine."""
    here = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {
        **os.environ,
        "PYTHONPATH": path,
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
