"""What uploads in one country become in others: `bl.upload_bridge`."""

from datetime import timedelta

from pyspark.sql import functions as F

from pma.marketing.tables import LISTINGS, ORDERS
from pma.parallel.frames import to_spark
from pma.planning.bridge import upload_bridge, watched_short
from pma.planning.exits import upload_exits
from pma.planning.tables import UPLOAD_BRIDGE
from pma.runs import job_run


def main(argv: list[str] | None = None) -> None:
    """Uploads are watched until the last day with an order. Raises ValueError where there is none."""
    with job_run("upload_bridge", argv) as run:
        tables, room = run.tables, run.settings.planning.bridge
        listings, orders = tables.read(LISTINGS), tables.read(ORDERS)
        ((last,),) = orders.agg(F.max(F.to_date("completed_at"))).collect()
        if last is None:
            raise ValueError("il.orders has no order, so nothing is known of what uploads become. Run attribution")
        exits = upload_exits(listings, orders, last + timedelta(days=1), room.window_days).toPandas()
        made = upload_bridge(exits, room).assign(run_id=run.run_id, data_origin=run.settings.feeds.data_origin)
        tables.replace(UPLOAD_BRIDGE, to_spark(run.spark, made, UPLOAD_BRIDGE.schema))
        print(f"{len(made)} pairs of countries: bl.upload_bridge")
        if said := watched_short(made):
            print(said)


if __name__ == "__main__":
    main()
