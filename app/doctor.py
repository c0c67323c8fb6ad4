"""`cocoon doctor`: what works, what is missing, and what to do about it."""

import shutil
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from analysis import embeddings
from app.context import Context
from collectors.base import Probe, SourceError
from collectors.registry import build
from models.credentials import Credential
from models.incidents import Delivery, Destination
from models.sources import HostPause, Source

LATE = timedelta(minutes=10)


class Finding(NamedTuple):
    """One check: what, whether it works, and the sentence for a person."""

    name: str
    works: bool
    message: str


def examine(context: Context, *, offline: bool = False) -> list[Finding]:
    """Check everything once. With `offline` the sources are not called."""
    with context.transaction() as session:
        findings = [
            _database(session),
            _disk(context),
            _encoder(),
            *_jobs(session),
            *_destinations(session),
            *_pauses(session),
            *_credentials(session),
        ]
        sources = session.scalars(select(Source).where(Source.enabled, Source.rhythm_minutes.is_not(None))).all()
    if not sources:
        findings.append(Finding("sources", False, "none yet: cocoon source add LINK"))
    if not offline:
        for source in sources:
            findings.extend(source_findings(context, source))
    return findings


def _database(session: Session) -> Finding:
    version = session.scalar(text("SHOW server_version"))
    size = session.scalar(text("SELECT pg_size_pretty(pg_database_size(current_database()))"))
    return Finding("database", True, f"Postgres {version}, {size}, schema up to date")


def _disk(context: Context) -> Finding:
    if context.server is None:
        return Finding("disk", True, "the database is elsewhere (DATABASE_URL)")
    free = shutil.disk_usage(context.server.folder).free / 1e9
    if free < 2:
        return Finding("disk", False, f"only {free:.1f} GB left where the data is ({context.server.folder})")
    return Finding("disk", True, f"{free:.0f} GB free")


def _encoder() -> Finding:
    """The second reader of verbatims: missing only where it was wanted."""
    found = embeddings.encoder()
    if isinstance(found, embeddings.NoEncoder):
        return Finding("encoder", not found.wanted, found.why)
    return Finding("encoder", True, "reads what words alone leave in doubt, and other languages")


def _jobs(session: Session) -> list[Finding]:
    workers = session.scalar(
        text("SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds'")
    )
    if not workers:
        return [Finding("worker", False, "none is running, so nothing is collected: cocoon up (or cocoon worker)")]
    return [Finding("worker", True, f"{workers} running"), *_failed_jobs(session)]


def _failed_jobs(session: Session) -> list[Finding]:
    """Jobs that ended with an error in the last day, by what they were to do."""
    rows = session.execute(
        text(
            "SELECT split_part(j.task_name, ':', 2) AS job, count(DISTINCT j.id) AS times, max(e.at) AS last"
            " FROM procrastinate_events e JOIN procrastinate_jobs j ON j.id = e.job_id"
            " WHERE e.type = 'failed' AND e.at > now() - interval '1 day' GROUP BY 1 ORDER BY 2 DESC"
        )
    ).all()
    return [
        Finding(
            f"job {row.job}",
            False,
            f"ended with an error {row.times} times in the last 24 hours, last at {row.last:%H:%M} UTC:"
            " its reason is in the worker's log",
        )
        for row in rows
    ]


def _destinations(session: Session) -> list[Finding]:
    destinations = session.scalars(select(Destination).order_by(Destination.id)).all()
    findings = [
        Finding(f"alerts to {each.name}", False, each.disabled_reason or "switched off")
        for each in destinations
        if not each.enabled
    ]
    live = [each for each in destinations if each.enabled]
    if not any(each.kind != "inbox" for each in live):
        findings.append(
            Finding(
                "alerts",
                False,
                "nobody is told: add a Slack or webhook destination (COCOON_SLACK_WEBHOOK, or /destinations)",
            )
        )
    else:
        findings.append(Finding("alerts", True, f"sent to {', '.join(each.name for each in live)}"))
    late = session.scalar(
        select(func.count()).where(
            Delivery.state.in_(["queued", "sending"]), Delivery.due_at < func.clock_timestamp() - LATE
        )
    )
    dead = session.scalar(select(func.count()).where(Delivery.state == "dead"))
    if late:
        findings.append(Finding("deliveries", False, f"{late} wait for more than ten minutes: is a worker running?"))
    if dead:
        findings.append(Finding("deliveries", False, f"{dead} were given up; replay them from the Deliveries page"))
    return findings


def _pauses(session: Session) -> list[Finding]:
    pauses = session.scalars(select(HostPause).where(HostPause.paused_until > func.clock_timestamp())).all()
    return [
        Finding(each.host, False, f"asked us to slow down; called again after {each.paused_until:%H:%M} UTC")
        for each in pauses
    ]


def probes_of(context: Context, source: Source, config: dict[str, Any]) -> list[Probe]:
    """Try every right that a source needs with these settings; a source that cannot be built is one failed trial."""
    try:
        return build(source.kind, config, context.http).probe()
    except SourceError as error:
        return [Probe("", False, str(error))]


def source_findings(context: Context, source: Source) -> list[Finding]:
    """Try each right that a source needs, and say which is missing."""
    found = probes_of(context, source, context.source_config(source))
    return [Finding(f"{source.name}: {p.name}" if p.name else source.name, p.works, p.message) for p in found]


def _credentials(session: Session) -> list[Finding]:
    """What was entered and is not in use: a newer key that was refused, or that nobody has tried yet."""
    waiting = session.scalars(select(Credential).where(Credential.sealed_next.is_not(None)).order_by(Credential.name))
    return [
        Finding(f"credential {row.name}", False, row.message or "a newer key waits to be tried: is a worker running?")
        for row in waiting
    ]
