"""Settings of per-group work."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from pma.section import Section

Engine = Literal["serial", "joblib", "pandas_udf", "ray"]
ENGINES: tuple[Engine, ...] = get_args(Engine)


class ParallelSettings(Section):
    """How groups are spread over workers, how often a death is forgiven and when a job fails."""

    engine: Engine = Field(default="serial", description="where groups run: serial, joblib, pandas_udf (Spark) or ray")
    workers: int = Field(default=2, ge=1, description="worker processes of joblib and of a Ray cluster that we start")
    in_flight_per_worker: int = Field(
        default=2,
        ge=1,
        description="groups handed to each joblib or Ray worker at one time; the others wait in the driver",
    )
    max_failed_share: float = Field(
        default=0.1, ge=0, le=1, description="the job fails when a larger share of groups failed"
    )
    max_retries: int = Field(
        default=2, ge=0, description="a group whose worker died runs again so often (a group that raised does not)"
    )
    partitions: int = Field(
        default=64,
        ge=1,
        description="Spark tasks that groups are spread over by hash of the key; about 4 per group spreads well",
    )
    ray_address: str | None = Field(
        default=None,
        description="Ray cluster to join (`auto`, `host:port`, `ray://host:10001`); null starts a local one",
    )
    ray_object_store_mb: int = Field(
        default=512, ge=80, description="shared memory of a Ray cluster that we start, MiB"
    )
    log_every_seconds: float = Field(default=30.0, gt=0, description="pause between two progress lines in the log")
