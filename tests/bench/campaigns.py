"""The weekly plan of 1,000 campaigns over 5 weeks, and of four times as many: time of one core, memory, growth.

Bar: 1,000 campaigns x 5 weeks in 10 seconds.
"""

import math
import resource
import time

from pma.planning.campaigns import plan_campaigns
from tests.planning.campaign_world import fits, inputs, settings

CHANNELS = 10
# Countries and campaigns of each of their channels.
SIZES = ((5, 5), (20, 5), (80, 5))
DRAWS = 500


def measured(countries: int, campaigns: int) -> tuple[int, float, float]:
    """Campaigns, seconds of one core, and the most memory so far in MiB."""
    given = fits(countries, CHANNELS, DRAWS, slope=1.3)
    asked = inputs(given, campaigns, factor=1.2)
    started = time.process_time()
    rows = plan_campaigns(given, asked, settings())
    took = time.process_time() - started
    assert sum(round(100 * x) for x in rows["budget"]) == sum(int(100 * x) for x in asked.months["planned_spend"])
    return rows["campaign_id"].nunique(), took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the table."""
    # What is compiled on the way is not counted.
    measured(1, 1)
    print(f"\n5 weeks, {DRAWS} draws, two targets\n\n| campaigns | s | MiB |\n|---|---|---|")
    found = [measured(*size) for size in SIZES]
    for campaigns, seconds, memory in found:
        print(f"| {campaigns:,} | {seconds:.1f} | {memory:,.0f} |")
    (few, quick, _), (many, slow, _) = found[1], found[-1]
    print(f"\nseconds grow as campaigns to the power of {math.log(slow / quick) / math.log(many / few):.2f}")


if __name__ == "__main__":
    main()
