"""Verbatims by filters, newest first, by keyset pages; and how many there are behind any number of a page."""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Integer, Select, and_, bindparam, exists, false, func, or_, select, tuple_
from sqlalchemy.orm import Session

from app.reading.looking import Count, count_by_looking, look, look_and_count, matches
from app.reading.members import gathered, members, spans_of
from app.reading.trends import EVER, Period, Slice, labelled, mentions, total
from models.feedback import Revision, Verbatim, VerbatimTopic
from models.insight import Irritant, IrritantDay


class BadCursorError(ValueError):
    """The `after` of a page is not one that we gave."""


AGAINST = 0.5
"""How strongly a text must speak against its stars to be listed as a disagreement."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of verbatims is narrowed to; None or empty does not narrow. `first` and `last` are days, included."""

    app_id: int
    stars: tuple[int, ...] = ()
    rated: bool | None = None
    version: str | None = None
    channel: str | None = None
    storefront: str | None = None
    language: str | None = None
    topic: str | None = None
    topic_negative: bool = False
    label: str | None = None
    intent: str | None = None
    urgent: bool | None = None
    revised: bool | None = None
    disagrees: bool | None = None
    replied: bool | None = None
    device: str | None = None
    irritant: int | None = None
    first: date | None = None
    last: date | None = None
    text: str | None = None

    @property
    def from_rollups(self) -> bool:
        """Whether daily_stars can count them."""
        whole = (self.language, self.topic, self.intent, self.urgent, self.revised, self.text)
        others = (*whole, self.disagrees, self.replied, self.device, self.irritant)
        if self.label is not None and (
            self.label not in {"negative", "positive"} or self.stars or self.rated is not None
        ):
            return False
        return all(other is None for other in others)

    @property
    def narrowed(self) -> bool:
        """Whether anything but what an index walks along narrows them."""
        return replace(self, version=None, urgent=self.urgent is False or None, revised=self.revised is False or None,
                       first=None, last=None) != Filters(self.app_id)  # fmt: skip

    @property
    def from_irritant_rollups(self) -> bool:
        """Whether irritant_days can count them."""
        alone = replace(self, irritant=None, version=None, channel=None, first=None, last=None)
        return self.irritant is not None and alone == Filters(self.app_id)

    @property
    def from_topic_rollups(self) -> bool:
        """Whether daily_topics can count them."""
        whole = (self.storefront, self.language, self.label, self.intent, self.urgent, self.revised, self.text)
        others = (*whole, self.disagrees, self.replied, self.device, self.irritant)
        return self.topic is not None and not self.stars and self.rated is None and all(o is None for o in others)


@dataclass(frozen=True, slots=True)
class Line:
    """A verbatim with its topics and what it said before."""

    verbatim: Verbatim
    topics: list[VerbatimTopic] = field(default_factory=list)
    revisions: list[Revision] = field(default_factory=list)

    @property
    def path(self) -> list[int]:
        """The stars it gave, oldest first, without repeats: [1, 4] is a customer won back."""
        given = [revision.stars for revision in self.revisions] + [self.verbatim.stars]
        known = [stars for stars in given if stars is not None]
        return [stars for n, stars in enumerate(known) if n == 0 or known[n - 1] != stars]


def _narrow(session: Session, filters: Filters) -> Select[Any]:
    query = select(Verbatim).where(Verbatim.app_id == filters.app_id)
    if filters.stars:
        query = query.where(Verbatim.stars.in_(filters.stars))
    if filters.rated is not None:
        query = query.where(Verbatim.stars.is_not(None) if filters.rated else Verbatim.stars.is_(None))
    for column, value in (
        (Verbatim.version, filters.version),
        (Verbatim.channel, filters.channel),
        (Verbatim.storefront, filters.storefront),
        (Verbatim.language, filters.language),
        (Verbatim.device, filters.device),
        (Verbatim.label, filters.label),
    ):
        if value is not None:
            query = query.where(column == value)
    if filters.urgent is not None:
        query = query.where(Verbatim.urgent if filters.urgent else ~Verbatim.urgent)
    if filters.revised is not None:
        query = query.where(Verbatim.revision > 0 if filters.revised else Verbatim.revision == 0)
    if filters.replied is not None:
        query = query.where(Verbatim.reply.is_not(None) if filters.replied else Verbatim.reply.is_(None))
    if filters.disagrees is not None:
        disagrees = or_(
            and_(Verbatim.stars >= 4, Verbatim.sentiment <= -AGAINST),
            and_(Verbatim.stars <= 2, Verbatim.sentiment >= AGAINST),
        )
        query = query.where(disagrees if filters.disagrees else ~func.coalesce(disagrees, false()))
    if filters.irritant is not None:
        rows = list(session.scalars(select(Irritant).where(Irritant.app_id == filters.app_id)))
        mine = gathered(rows).get(filters.irritant, [])
        query = query.where(members(filters.app_id, mine, spans_of(rows)))
    if filters.intent is not None:
        query = query.where(Verbatim.intents.contains([filters.intent]))
    if filters.topic is not None:
        mention = exists().where(
            VerbatimTopic.app_id == Verbatim.app_id,
            VerbatimTopic.verbatim_id == Verbatim.id,
            VerbatimTopic.topic == filters.topic,
        )
        query = query.where(mention.where(VerbatimTopic.sentiment < 0) if filters.topic_negative else mention)
    query = _days(query, filters)
    if filters.text is not None:
        query = query.where(matches(filters.text))
    return query


def _walk(filters: Filters) -> Select[Any]:
    """The rows that an index brings in order, the newest first, whatever else narrows them."""
    query = select(Verbatim).where(Verbatim.app_id == filters.app_id)
    if filters.version is not None:
        query = query.where(Verbatim.version == filters.version)
    if filters.urgent:
        query = query.where(Verbatim.urgent)
    if filters.revised:
        query = query.where(Verbatim.revision > 0)
    return _days(query, filters)


def _begin(day: date) -> datetime:
    """The earliest moment that any zone calls this day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)


def _end(day: date) -> datetime:
    """The latest moment that any zone calls this day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=39)


def _days(query: Select[Any], filters: Filters) -> Select[Any]:
    """`day` decides, as in every count; `written_at` beside it (no zone is more than 14 hours off) serves the index."""
    if filters.first is not None:
        query = query.where(Verbatim.day >= filters.first, Verbatim.written_at >= _begin(filters.first))
    if filters.last is not None:
        query = query.where(Verbatim.day <= filters.last, Verbatim.written_at <= _end(filters.last))
    return query


def page_and_count(
    session: Session, filters: Filters, *, after: str | None = None, limit: int = 50
) -> tuple[list[Line], str | None, Count]:
    """What `page` and `count` give; the same rows are not looked at twice. Raises BadCursorError."""
    counted = filters.from_rollups or filters.from_topic_rollups or filters.from_irritant_rollups
    if after or counted or filters.text is not None:
        return *page(session, filters, after=after, limit=limit), count(session, filters)
    query, walk = _narrow(session, filters), _walk(filters)
    found, going_on, n = look_and_count(session, filters.app_id, query, walk, limit, narrowed=filters.narrowed)
    return with_context(session, filters.app_id, found), write_cursor(*going_on) if going_on else None, n


def count(session: Session, filters: Filters) -> Count:
    """How many verbatims: from the rollups where they know, else counted up to `CAP`."""
    period = Period(filters.first or EVER.first, filters.last or EVER.last)
    if filters.from_topic_rollups and filters.topic is not None:
        part = Slice(filters.app_id, filters.channel, version=filters.version)
        return Count(mentions(session, part, period, filters.topic, negative=filters.topic_negative))
    if filters.from_rollups:
        part = Slice(filters.app_id, filters.channel, filters.storefront, filters.version)
        if filters.label is not None:
            return Count(labelled(session, part, period, filters.label))
        n, stars = total(session, part, period)
        if filters.stars:
            wanted = sum(stars[star - 1] for star in set(filters.stars))
            return Count(0 if filters.rated is False else wanted)
        return Count(n if filters.rated is None else sum(stars) if filters.rated else n - sum(stars))
    if filters.from_irritant_rollups:
        return Count(complaints(session, filters, period))
    return count_by_looking(session, _narrow(session, filters), _walk(filters), words=filters.text is not None)


def complaints(session: Session, filters: Filters, period: Period) -> int:
    """How many verbatims are an irritant's, from its daily counts."""
    d = IrritantDay
    where = [d.app_id == filters.app_id, d.irritant_id == filters.irritant, d.day.between(period.first, period.last)]
    if filters.channel is not None:
        where.append(d.channel == filters.channel)
    if filters.version is not None:
        where.append(d.version == filters.version)
    return int(session.scalar(select(func.coalesce(func.sum(d.n), 0)).where(*where)) or 0)


def write_cursor(written_at: datetime, ident: int) -> str:
    """Where the next page goes on: after this moment and id."""
    return base64.urlsafe_b64encode(f"{written_at.isoformat()}|{ident}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, int]:
    """The last row of the page before. Raises BadCursorError."""
    try:
        plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        at, _, number = plain.partition("|")
        moment, key = datetime.fromisoformat(at), int(number)
    except (ValueError, binascii.Error, UnicodeError) as error:
        raise BadCursorError("this page's address was not made by Cocoon: start again from the first page") from error
    if moment.tzinfo is None or not 1900 < moment.year < 2200 or not 0 <= key < 2**63:
        raise BadCursorError("this page's address was not made by Cocoon: start again from the first page")
    return moment, key


def page(
    session: Session, filters: Filters, *, after: str | None = None, limit: int = 50, bounded: bool = True
) -> tuple[list[Line], str | None]:
    """Up to `limit` verbatims, newest first, and the cursor of the next page or None. Raises BadCursorError.

    A page looks at so many rows and no more (`app.reading.looking`), so that rare filters on millions of rows answer
    at once: it may be short, even empty, and still have a next one. `bounded=False` looks until it is full.
    """
    query, walk = _narrow(session, filters), _walk(filters)
    if after:
        edge = tuple_(Verbatim.written_at, Verbatim.id) < read_cursor(after)
        query, walk = query.where(edge), walk.where(edge)
    found, going_on = look(
        session,
        query,
        walk,
        limit,
        narrowed=filters.narrowed,
        words=filters.text is not None,
        bounded=bounded,
    )
    return with_context(session, filters.app_id, found), write_cursor(*going_on) if going_on else None


_TOPICS = (
    select(VerbatimTopic)
    .where(
        VerbatimTopic.app_id == bindparam("app_id"), VerbatimTopic.verbatim_id.in_(bindparam("wanted", expanding=True))
    )
    .order_by(VerbatimTopic.sentiment, VerbatimTopic.topic)
)


def with_context(session: Session, app_id: int, found: Sequence[Verbatim]) -> list[Line]:
    """The verbatims with their topics and revisions, in two queries for all."""
    lines = {verbatim.id: Line(verbatim) for verbatim in found}
    if not lines:
        return []
    for topic in session.scalars(_TOPICS, {"app_id": app_id, "wanted": list(lines)}):
        lines[topic.verbatim_id].topics.append(topic)
    edited = [verbatim.id for verbatim in found if verbatim.revision > 0]
    if edited:
        for revision in session.scalars(
            select(Revision)
            .where(Revision.app_id == app_id, Revision.verbatim_id.in_(edited))
            .order_by(Revision.revision)
        ):
            lines[revision.verbatim_id].revisions.append(revision)
    return list(lines.values())


def one(session: Session, app_id: int, verbatim_id: int) -> Line | None:
    """One verbatim with its context."""
    found = session.get(Verbatim, (app_id, verbatim_id))
    return with_context(session, app_id, [found])[0] if found else None


def by_ids(session: Session, app_id: int, ids: Sequence[int]) -> list[Line]:
    """These verbatims, in the order asked for; unknown ones are left out."""
    found = {v.id: v for v in session.scalars(select(Verbatim).where(Verbatim.app_id == app_id, Verbatim.id.in_(ids)))}
    return with_context(session, app_id, [found[key] for key in ids if key in found])


_TELLING = (
    select(Verbatim)
    .where(
        Verbatim.app_id == bindparam("app_id"),
        Verbatim.day.between(bindparam("first"), bindparam("last")),
        Verbatim.written_at.between(bindparam("begin"), bindparam("end")),
        Verbatim.label.in_(["negative", "mixed"]) | Verbatim.urgent | (Verbatim.stars <= 2),
        func.length(Verbatim.body) >= 40,
    )
    .order_by(Verbatim.written_at.desc(), Verbatim.id.desc())
    .limit(bindparam("limit", type_=Integer))
)


def telling(session: Session, app_id: int, period: Period, limit: int = 5) -> list[Line]:
    """The newest verbatims that tell something: a problem, a question or a request in at least a sentence."""
    days = {"first": period.first, "last": period.last, "begin": _begin(period.first), "end": _end(period.last)}
    different: dict[str, Verbatim] = {}
    # Many are looked at only where the newest say the same, as when one text is sent again and again.
    for looked_at in (2 * limit, 10 * limit):
        found = session.scalars(_TELLING, {"app_id": app_id, "limit": looked_at, **days}).all()
        for verbatim in found:
            different.setdefault(" ".join(verbatim.body.casefold().split())[:80], verbatim)
        if len(different) >= limit or len(found) < looked_at:
            break
    return with_context(session, app_id, list(different.values())[:limit])


def stream(session: Session, filters: Filters, batch: int = 500) -> Iterator[Line]:
    """All of them, at constant memory, page by page."""
    after: str | None = None
    while True:
        lines, after = page(session, filters, after=after, limit=batch, bounded=False)
        yield from lines
        session.expunge_all()
        if after is None:
            return
