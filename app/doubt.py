"""An end that nothing could confirm at once: later walks that end at the same place confirm it, an outage never does.

A list that stops, or that shows nothing, may be the truth or a fault of the source. The same answer again and again
over hours (over days where it shows nothing at all) is believed, unless something contradicts it: reviews that we have
and it does not show; and where no other listing of its kind was heard meanwhile, it takes a week. What is believed is
little: that the source shows no further back. The day where it stops stays incomplete, and only what was shown whole
is called complete.
"""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from collectors.base import EMPTY
from collectors.registry import identity_of
from models.feedback import Verbatim
from models.sources import Run, Source

if TYPE_CHECKING:
    from app.walk import Walk

SAME_END = timedelta(hours=6)
"""How long a list must end at the same place, at every walk."""
STILL_EMPTY = timedelta(days=2)
STILL_EMPTY_ALONE = timedelta(days=7)
"""How long it must show nothing at all, with and without another listing of its kind that is heard meanwhile."""
WALKS = 3
MISSING = 3
"""Reviews that we have and the list lacks, from which on it is not believed: one or two may have been deleted."""
HEARD = timedelta(days=1)

REPEATED = (
    "The source has ended at this same place since {since:%Y-%m-%d %H:%M} UTC ({walks} walks): taken for its end."
)
EMPTY_REPEATED = (
    "Every way of asking has shown no review since {since:%Y-%m-%d %H:%M} UTC ({walks} walks): taken for the truth."
)


def weigh(session: Session, source: Source, state: "Walk", now: datetime) -> str:
    """Remember where this walk ended, and believe the end once it was seen often enough. Returns a sentence, or "".

    Changes `state.ended` from unconfirmed to source_limit, or to exhausted for a list that shows nothing at all.
    """
    if state.fault is not None:
        return ""  # says nothing about the end: what was seen before stands
    if state.ended != "unconfirmed" or not state.doubt:
        # Met what is known: the end was not reached. Any other end is sure of itself, or in doubt beyond repair.
        if state.ended != "overlap":
            source.doubt, source.doubt_since, source.doubt_walks = "", None, 0
        return ""
    if source.doubt != state.doubt or source.doubt_since is None:
        source.doubt, source.doubt_since, source.doubt_walks = state.doubt, now, 1
        return ""
    source.doubt_walks += 1
    long = now - source.doubt_since
    empty = state.doubt == EMPTY
    needed = SAME_END
    if empty:
        needed = STILL_EMPTY if _others_heard(session, source, now) else STILL_EMPTY_ALONE
    if source.doubt_walks < WALKS or long < needed or _contradicted(session, source, state, empty=empty):
        return ""
    said = (EMPTY_REPEATED if empty else REPEATED).format(
        since=source.doubt_since.astimezone(UTC), walks=source.doubt_walks
    )
    if empty and state.oldest is None:
        state.ended, state.newest = "exhausted", state.began
    elif empty:
        state.ended, state.newest = "source_limit", state.began
    else:
        state.ended = "source_limit"
        state.oldest = max(filter(None, (state.oldest, state.sure)), default=None)
    return said


def _contradicted(session: Session, source: Source, state: "Walk", *, empty: bool) -> bool:
    """Whether we have reviews that the list should show and does not."""
    v = Verbatim
    changed = func.greatest(v.written_at, func.coalesce(v.edited_at, v.written_at))
    known = select(v.id).where(v.app_id == source.app_id)
    if empty and state.oldest is not None:
        # A window: whoever brought them, reviews of these days should stand in it.
        known = known.where(v.kind == identity_of(source.kind, source.config), changed > state.oldest)
    elif empty:
        known = known.where(v.source_id == source.id)
    else:
        known = known.where(v.source_id == source.id, changed < state.oldest)
    return len(session.scalars(known.limit(MISSING)).all()) >= (1 if empty else MISSING)


def _others_heard(session: Session, source: Source, now: datetime) -> bool:
    """Whether another listing of this kind showed reviews within a day: then the way itself works."""
    heard = select(Run.id).where(
        Run.source_id.in_(select(Source.id).where(Source.kind == source.kind, Source.id != source.id)),
        Run.outcome == "complete",
        Run.seen > 0,
        Run.finished_at > now - HEARD,
    )
    return session.scalar(heard.limit(1)) is not None
