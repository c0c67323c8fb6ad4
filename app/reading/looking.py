"""Looking for verbatims in a table of any size, with a bound on the rows that are looked at.

Lists go along an index from the newest backwards and filter as they go: quick where matches are many. Where they are
few, a list would go through millions of rows, so it stops after `LOOK` of them and says where to go on. A search is
tried the same way first; if its words are rare, the text index has them all, few enough to sort. Which of the two it
is, the newest rows say better than the planner's statistics, which know the frequent words only (docs/decisions.md).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Interval, Select, cast, func, select, text, tuple_
from sqlalchemy.orm import Session

from models.feedback import Verbatim

CAP = 1000
"""Counting stops here: exact counts of a frequent word cost seconds at ten million rows."""

LOOK = 8_000
"""Rows that a page or a count looks at; about 20 ms with a warm cache."""

LOOK_FOR_WORDS = 4_000
"""Rows in which a search is tried before the text index is asked."""

Place = tuple[datetime, int]
_KEY = (Verbatim.written_at, Verbatim.id)
_NEWEST = (Verbatim.written_at.desc(), Verbatim.id.desc())


@dataclass(frozen=True, slots=True)
class Count:
    """How many; `capped` means at least so many (none may be among those looked at)."""

    n: int
    capped: bool = False


def matches(wanted: str) -> ColumnElement[bool]:
    """The condition that a verbatim has these words, typing forgiven (the database's function cocoon_query)."""
    # As a scalar subquery it is worked out once, not once a row or a plan.
    return Verbatim.search.bool_op("@@")(select(func.cocoon_query(wanted)).scalar_subquery())


def forgiven(session: Session, wanted: str) -> bool:
    """Whether other words than the typed ones are looked for too."""
    asked = text("SELECT cocoon_query(:wanted)::text <> websearch_to_tsquery('cocoon', :wanted)::text")
    return bool(session.scalar(asked, {"wanted": wanted}))


def look(
    session: Session,
    query: Select[Any],
    walk: Select[Any],
    limit: int,
    *,
    narrowed: bool,
    words: bool,
    bounded: bool = True,
) -> tuple[list[Verbatim], Place | None]:
    """Up to `limit` rows of `query`, newest first, and where to go on (None: that was all).

    `walk` is the same without what no index walks along. Words that none of the newest rows have are rare: the text
    index has all of them, few enough to sort.
    """
    edge = _edge(session, walk, LOOK_FOR_WORDS if words else LOOK) if narrowed and (bounded or words) else None
    within = query if edge is None else query.where(tuple_(*_KEY) >= edge)
    with _planner(session, bitmapscan=not words):
        found = list(session.scalars(within.order_by(*_NEWEST).limit(limit + 1)))
    if edge is not None and len(found) <= limit:
        if words and not found:
            found = _by_words(session, query, limit + 1)
        else:
            return found, edge
    if len(found) > limit:
        last = found[limit - 1]
        return found[:limit], (last.written_at, last.id)
    return found, None


def look_and_count(
    session: Session, app_id: int, query: Select[Any], walk: Select[Any], limit: int, *, narrowed: bool
) -> tuple[list[Verbatim], Place | None, Count]:
    """The first page as `look` gives it and the number as `count_by_looking` does, in one look; not for words."""
    edge = _edge(session, walk, LOOK) if narrowed else None
    within = query if edge is None else query.where(tuple_(*_KEY) >= edge)
    keys = within.with_only_columns(*_KEY).order_by(*_NEWEST).limit(CAP + 1).cte("keys")
    first = select(keys.c.id).order_by(keys.c.written_at.desc(), keys.c.id.desc()).limit(limit)
    rows = select(Verbatim, select(func.count()).select_from(keys).scalar_subquery())
    with _planner(session):
        both = session.execute(rows.where(Verbatim.app_id == app_id, Verbatim.id.in_(first)).order_by(*_NEWEST)).all()
    found, n = [verbatim for verbatim, _ in both], both[0][1] if both else 0
    going_on = (found[-1].written_at, found[-1].id) if n > limit else edge
    return found, going_on, Count(min(n, CAP), n > CAP or edge is not None)


def count_by_looking(session: Session, query: Select[Any], walk: Select[Any], *, words: bool) -> Count:
    """How many rows of `query` there are, as far as is looked."""
    edge = _edge(session, walk, LOOK_FOR_WORDS if words else LOOK)
    with _planner(session, bitmapscan=not words):
        n = _some(session, query if edge is None else query.where(tuple_(*_KEY) >= edge))
    if n > CAP or edge is None:
        return Count(min(n, CAP), n > CAP)
    if not words or n:
        return Count(n, True)
    with _planner(session, seqscan=False, indexscan=False):
        n = _some(session, query)
    return Count(min(n, CAP), n > CAP)


def _some(session: Session, query: Select[Any]) -> int:
    some = query.with_only_columns(Verbatim.id).limit(CAP + 1).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _edge(session: Session, walk: Select[Any], rows: int) -> Place | None:
    """The last of the newest so many rows of a walk; None where there are fewer."""
    query = walk.with_only_columns(*_KEY).order_by(*_NEWEST).offset(rows - 1).limit(1)
    found = session.execute(query).one_or_none()
    return (found[0], found[1]) if found else None


def _by_words(session: Session, query: Select[Any], limit: int) -> list[Verbatim]:
    """The newest matches of rare words: all of them by the text index, then sorted."""
    # An order that no index has, so that the planner cannot go along the index of time in the hope of an early end.
    moment = Verbatim.written_at + cast("0", Interval)
    keys = query.with_only_columns(Verbatim.id).order_by(moment.desc(), Verbatim.id.desc()).limit(limit)
    with _planner(session, seqscan=False, indexscan=False):
        ids = list(session.scalars(keys))
    if not ids:
        return []
    of_app = query.whereclause
    assert of_app is not None
    rows = select(Verbatim).where(Verbatim.id.in_(ids), of_app).order_by(*_NEWEST)
    return list(session.scalars(rows))


@contextmanager
def _planner(session: Session, **ways: bool) -> Iterator[None]:
    """Keep the planner from ways that its statistics mislead it to take, within this block.

    Never in parallel: these few thousand rows take less time than the start of a worker, which the planner cannot see.
    """
    off = ["max_parallel_workers_per_gather = 0"]
    off += [f"enable_{way} = off" for way, allowed in ways.items() if not allowed]
    for setting in off:
        session.execute(text(f"SET LOCAL {setting}"))
    try:
        yield
    finally:
        if session.in_transaction() and session.is_active:
            for setting in off:
                session.execute(text(f"SET LOCAL {setting.split()[0]} TO DEFAULT"))
