"""The look at an app's numbers: which day can be judged, what the rules find, and what becomes of its incidents."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from alerts.incidents import reconcile
from alerts.life import Change
from alerts.own import UNSEEN
from alerts.reminders import remind
from alerts.rules import look
from alerts.silence import silences
from app.ledger import settle
from collectors.registry import KINDS
from models.apps import App
from models.own import Reading
from models.sources import Coverage, Run, Source

FRESH = timedelta(hours=3)
"""How old a complete walk may be for today's reviews to be judged before the day is over."""

WAKING = timedelta(hours=1)
"""How long after a pause of the whole service no source is called silent: it is being read."""

HISTORY_TAKES = timedelta(days=2)
"""How long a first walk that does not come to its end keeps an app quiet; from then on its ledger guards the rules."""

QUIET = frozenset({"first", "backfill", "import", "replay"})
"""Triggers of walks that bring history: it is shown, never alerted."""

BY_TOPIC = frozenset({"new_irritant", "burst"})
STILL_READ = timedelta(hours=1)
"""How long ago the last page was read again for the reading to be under way, and not left by a worker that ended."""

TEXTS = tuple(kind.kind for kind in KINDS.values() if "verbatims" in kind.brings and kind.minutes and not kind.late)


def judge(session: Session, app_id: int, now: datetime, *, base_url: str, quiet: bool = False) -> list[Change]:
    """Look at one app now, and write what changed about its incidents with their deliveries.

    `quiet`: what came is history (a file), so nothing is sent about it; nor is it by the first look after a walk that
    brought history. An app whose first walk is not through yet is judged quietly too, for two days: half a history
    looks like a drop. Sources that never brought a review (a storefront where the app is not) have no say: they would
    keep an app mute for ever. An app of files alone is history too.
    """
    app = session.get(App, app_id)
    if app is None:
        return []
    began = session.scalar(select(func.clock_timestamp()))
    today = now.astimezone(ZoneInfo(app.timezone)).date()
    sources = select(Source.id).where(
        Source.app_id == app_id, Source.enabled, Source.rhythm_minutes.is_not(None), Source.kind.in_(TEXTS)
    )
    brought = exists().where(Run.app_id == app_id, Run.source_id == Source.id, Run.seen > 0)
    sources = sources.where(brought)
    settle(session, app, now)
    begun = select(func.min(Run.started_at)).where(Run.app_id == app_id, Run.source_id == Source.id, Run.seen > 0)
    half = session.scalar(
        select(func.count()).where(
            Source.id.in_(sources),
            Source.history_done.is_(False),
            begun.correlate(Source).scalar_subquery() > now - HISTORY_TAKES,
        )
    )
    read = select(Coverage.source_id).where(
        Coverage.app_id == app_id,
        Coverage.day == today,
        Coverage.state == "complete",
        Coverage.checked_at > now - FRESH,
    )
    unread = session.scalar(select(func.count()).where(Source.id.in_(sources), Source.id.not_in(read)))
    live = session.scalar(select(func.count()).where(Source.id.in_(sources)))
    findings = look(session, app, today, until_counts=bool(live) and unread == 0)
    if _being_reread(session, app.id):
        findings = [one for one in findings if one.rule not in BY_TOPIC or not one.subject.startswith("topic:")]
    quiet = quiet or bool(half) or not live or _history_came(session, app, now)
    changes = reconcile(session, app, findings, now=now, quiet=quiet, base_url=base_url)
    # A silent source is told whatever history may be under way: it is not about what customers wrote.
    if _awake(session, app):
        changes += reconcile(session, app, silences(session, app, now), now=now, base_url=base_url)
    remind(session, app, now=now, base_url=base_url)
    app.judged_at = began  # the last thing: a look that fails is none; and what came meanwhile, it did not see
    return changes


def _history_came(session: Session, app: App, now: datetime) -> bool:
    """Whether a walk has brought history since the last look.

    The database knows, not who asks: a look that was waiting for another source may run before the one that this walk
    asks for, and a worker may die before it asks. A first walk that never comes to its end counts for two days.
    """
    earlier = aliased(Run)
    begun = select(func.min(earlier.started_at)).where(earlier.app_id == app.id, earlier.source_id == Source.id)
    endless = Source.history_done.is_(False) & (begun.correlate(Source).scalar_subquery() <= now - HISTORY_TAKES)
    came = (
        select(Run.id)
        .join(Source, Source.id == Run.source_id)
        .where(
            Run.app_id == app.id,
            Run.trigger.in_(QUIET),
            Run.outcome != "running",
            (Run.seen > 0) | (Run.figures > 0),
            ~endless,
        )
    )
    if app.judged_at is not None:
        came = came.where(Run.heartbeat_at > app.judged_at)
    return session.scalar(select(came.exists())) or False


def _being_reread(session: Session, app_id: int) -> bool:
    """Whether a new model or new topics are half way through an app's verbatims.

    The oldest are read first: a topic that the new reading hears less often would seem to rise now. What topics tell
    is judged again by the look after the reading.
    """
    left = func.clock_timestamp() - Reading.updated_at
    going = select(Reading.app_id).where(
        Reading.app_id == app_id, Reading.total > 0, Reading.ended_at.is_(None), left < STILL_READ
    )
    return session.scalar(going) is not None


def _awake(session: Session, app: App) -> bool:
    """Whether looks have come long enough for a silence to be a source's own.

    While the machine was off nobody read anything; on waking all sources are read at once, which takes some minutes.
    """
    clock = session.scalars(select(func.clock_timestamp())).one()
    if app.judged_at is not None and clock - app.judged_at > UNSEEN:
        app.awake_at = clock
    return app.awake_at is None or clock - app.awake_at > WAKING
