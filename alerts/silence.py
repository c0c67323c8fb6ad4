"""The source that says nothing: silent for longer than its rhythm allows, it gets an incident of its own.

What it would falsify is inhibited by the coverage ledger; here a person is told, so that somebody mends it. Pure but
for `silences` and `heard`. These incidents live alone: they support no other and none supports them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.life import ALONE, Finding
from models.apps import App
from models.incidents import Incident
from models.sources import Run, Source

SILENT, LOSS = "silent_source", "loss_ahead"

WINDOWS = {"google_play_api": timedelta(days=7)}
"""How far back a kind of source reaches: what is not read within it never comes by this way.

Source: Google, "Reply to Reviews API": reviews.list shows the last seven days.
"""

BEFORE_LOSS = timedelta(days=2)
SPOKE = ("complete", "partial")
"""Outcomes of a walk that brought something; an answer that nothing confirms is silence."""


def patience(rhythm: timedelta) -> tuple[timedelta, timedelta]:
    """How long a source of this rhythm may be silent before it is watched, and before somebody is told.

    Three rhythms but at least six hours, six but at least a day: a store that throttles us for an afternoon is usual.
    """
    return max(3 * rhythm, timedelta(hours=6)), max(6 * rhythm, timedelta(hours=24))


@dataclass(frozen=True, slots=True)
class Heard:
    """A source and what its runs say: when it last spoke (or was first asked), and how its last run ended."""

    id: int
    name: str
    kind: str
    channel: str
    rhythm: timedelta
    since: datetime
    spoke: bool
    """Whether `since` is when it last spoke; else it never did, and `since` is when it was first asked."""
    brings: bool
    """Whether it ever brought a row, so that its silence makes a hole in the counts."""
    outcome: str


def silences(session: Session, app: App, now: datetime) -> list[Finding]:
    """Judge every source of an app now: what is silent for too long, and what of that is over."""
    zone = ZoneInfo(app.timezone)
    found = [finding for one in heard(session, app.id) for finding in judge(one, now, zone)]
    keys = {finding.key for finding in found}
    live = session.execute(
        select(Incident.rule, Incident.subject).where(
            Incident.app_id == app.id, Incident.state != "resolved", Incident.rule.in_(ALONE)
        )
    )
    return found + [
        over(rule, subject, now.astimezone(zone).date()) for rule, subject in live if (rule, subject) not in keys
    ]


def heard(session: Session, app_id: int) -> list[Heard]:
    """Every enabled source that is read on a rhythm and was asked at least once."""
    spoken = func.max(Run.finished_at).filter(Run.outcome.in_(SPOKE))
    rows = session.execute(
        select(
            Source,
            func.min(Run.started_at).label("begun"),
            spoken.label("spoken"),
            func.coalesce(func.bool_or((Run.seen > 0) | (Run.figures > 0)), False).label("brings"),
        )
        .join(Run, (Run.app_id == Source.app_id) & (Run.source_id == Source.id))
        .where(Source.app_id == app_id, Source.enabled, Source.rhythm_minutes.is_not(None), Run.outcome != "running")
        .group_by(Source.id)
        .order_by(Source.id)
    ).all()
    newest = select(func.max(Run.id)).where(Run.app_id == app_id, Run.outcome != "running").group_by(Run.source_id)
    latest = select(Run.source_id, Run.outcome).where(Run.app_id == app_id, Run.id.in_(newest))
    outcomes = {row.source_id: row.outcome for row in session.execute(latest)}
    return [
        Heard(
            source.id,
            source.name,
            source.kind,
            source.channel,
            timedelta(minutes=source.rhythm_minutes or 60),
            spoken or begun,
            spoken is not None,
            bool(brings),
            outcomes.get(source.id, ""),
        )
        for source, begun, spoken, brings in rows
    ]


def judge(source: Heard, now: datetime, zone: ZoneInfo) -> Iterable[Finding]:
    """Say whether a source is silent for too long, and whether something is about to be lost for good."""
    quiet = now - source.since
    watch, alert = patience(source.rhythm)
    if quiet > watch:
        # Whose silence makes no hole in the counts (a store's counter) is shown, and nobody is woken.
        yield _finding(SILENT, "alert" if quiet > alert and source.brings else "watch", source, now, zone, {})
    window = WINDOWS.get(source.kind)
    if window is not None and quiet >= window - BEFORE_LOSS:
        yield _finding(LOSS, "alert", source, now, zone, {"deadline": (source.since + window).isoformat()})


def _finding(
    rule: str, level: Literal["watch", "alert"], source: Heard, now: datetime, zone: ZoneInfo, more: dict[str, Any]
) -> Finding:
    since, today = source.since.astimezone(zone).date(), now.astimezone(zone).date()
    days = (today - since).days + 1
    told = {
        "id": source.id,
        "name": source.name,
        "kind": source.kind,
        "channel": source.channel,
        "since": source.since.isoformat(),
        "spoke": source.spoke,
        "outcome": source.outcome,
        "hours": int((now - source.since).total_seconds() // 3600),
        **more,
    }
    window = {"from": str(since), "to": str(today), "days": days}
    return Finding(
        rule=rule,
        subject=f"source:{source.id}",
        level=level,
        score=round((now - source.since).total_seconds() / 86_400, 2),
        day=today,
        since=since,
        window_days=days,
        baseline_from=since,
        baseline_to=since,
        false_alarm_years=0.0,
        effect={},
        evidence={"window": window, "source": told},
    )


def over(rule: str, subject: str, day: date) -> Finding:
    """Say that a source speaks again, or is read no more."""
    return Finding(rule, subject, None, 0.0, day, day, 1, day, day, 0.0, {}, over=True)
