"""Events of the website into sessions: `st_il.st_events`, `il.identities` and `il.fct_user_sessions`."""

from datetime import UTC, datetime

from pma.marketing.events import check_events
from pma.marketing.refresh import map_version, refresh_identities, refresh_sessions
from pma.marketing.sessions import read_session_rules
from pma.marketing.tables import EVENTS, IDENTITIES, SESSIONS
from pma.runs import job_run
from pma.sources.external import read_mapped
from pma.sources.landing import land


def main(argv: list[str] | None = None) -> None:
    """Events come in once; sessions of devices that have new ones are made anew."""
    with job_run("sessions", argv) as run:
        tables, feeds, settings = run.tables, run.settings.feeds.located(), run.settings.marketing.sessions
        rules = read_session_rules(run.settings.rules)
        mapped = read_mapped(run.spark, feeds, EVENTS, section="feeds")
        judged = check_events(mapped, settings, datetime.now(UTC))
        land(tables, EVENTS, judged, feeds.max_refused_share, section="feeds", grow=True)
        version = map_version(tables.read(EVENTS), settings)
        refresh_identities(tables, version)
        refresh_sessions(tables, version, rules, settings)
        tables.say_origin(feeds.data_origin, EVENTS, IDENTITIES, SESSIONS)


if __name__ == "__main__":
    main()
