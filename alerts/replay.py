"""A replay: the looks of a past period, one a day, on the very code that looks today. It sends and stores nothing."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from alerts.choices import DEFAULT, Choices, read_choices
from alerts.evidence import quotes
from alerts.life import Change, advance, held
from alerts.recovery import with_ends
from alerts.rules import Watched, judge, read_all, scores, watched
from alerts.settled import leaving_out, settled
from alerts.streams import LOOK_DAYS, History
from alerts.wording import headline
from models.apps import App
from models.incidents import Incident


def replay(
    session: Session, app: App, start: date, end: date, *, chosen: Choices | None = None
) -> Iterator[dict[str, Any]]:
    """Yield one JSON-able document per incident that would have opened between two days, both included.

    Fields: rule, subject, title, opened_at, opened_day, severity (the highest reached), score (the highest), effect,
    evidence (with three verbatims), resolved_at (None: still open at the end). Incidents still open from before `start`
    are not known: the replay begins with none. `chosen`: the settings to try, those that are saved if None. Raises
    ValueError when the period is empty.
    """
    if end < start:
        raise ValueError(f"the period ends on {end}, before it begins on {start}")
    zone = ZoneInfo(app.timezone)
    streams = watched(session, end)
    chosen = chosen or read_choices(session, app.id, streams.levels())
    history = read_all(session, app, end, chosen, (end - start).days + LOOK_DAYS)
    for incident, first in walk(history, start, end, zone, streams, chosen):
        evidence = {
            **incident.evidence,
            "quotes": quotes(session, app.id, incident.subject, incident.evidence, incident.rule),
        }
        for ours in ("told_score", "parts", "began"):
            evidence.pop(ours, None)
        yield {
            "rule": incident.rule,
            "subject": incident.subject,
            "title": headline(app.name, incident, app.language),
            "opened_at": incident.opened_at.isoformat(),
            "opened_day": str(incident.opened_day),
            "opening_score": round(first.finding.score, 3),
            "severity": incident.severity,
            "score": round(incident.peak_score, 3),
            "effect": incident.effect,
            "evidence": evidence,
            "resolved_at": incident.resolved_at.isoformat() if incident.resolved_at else None,
        }


def walk(
    history: History, start: date, end: date, zone: ZoneInfo, streams: Watched, chosen: Choices = DEFAULT
) -> list[tuple[Incident, Change]]:
    """Look once a day, at its end, and return the incidents in the order of their opening, each with that change."""
    scored = scores(history)
    live: list[Incident] = []
    opened: list[tuple[Incident, Change]] = []
    for number in range((end - start).days + 1):
        day = start + timedelta(days=number)
        past = [one for incident, _ in opened if (one := settled(incident)) is not None]
        there = leaving_out(history, past)
        found = with_ends(there, live, judge(there, scored, day, held(live), streams, chosen), day)
        if not found:
            continue
        now = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
        changes = advance(history.app_id, live, found, now, "history")
        for change in changes:
            if change.kind == "opened":
                opened.append((change.incident, change))
                live.append(change.incident)
        live = [incident for incident in live if incident.state != "resolved"]
    return opened
