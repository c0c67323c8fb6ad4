"""Every list that people take away, as CSV and as an Excel workbook: one function of rows each, both forms from it.

What can be long (incidents, deliveries, the audit, the days of irritants) is read page by page while it is sent, each
page in a transaction of its own: memory does not grow with the rows, and no client that reads slowly holds a lock.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import select, tuple_

from analysis.taxonomy import taxonomy
from app import audit
from app.api import csv, xlsx
from app.api.apps import app_or_404
from app.api.filters import known
from app.api.irritants import State, Tongue
from app.api.shapes import OptionalText, RowId
from app.api.sources import coverage_days
from app.api.stability import Days as Recent
from app.api.trends import Days, Part
from app.api.versions import ComparisonOut, compare
from app.auth import allow
from app.db import DB, transaction
from app.i18n import Words, choose_language
from app.pages.headlines import incident_title
from app.reading import deliveries, incidents, irritants, stability, topic_counts, trends
from app.reading.called import Names, names
from app.reading.sources import SourceDay
from app.reading.topics import topic_name
from app.reading.trends import Slice
from models.incidents import Delivery, Incident
from models.insight import Irritant, IrritantDay
from models.people import Audit

BATCH = 500


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file to be: its name without an ending, its heads, and its rows, read as they are sent."""

    name: str
    heads: tuple[str, ...]
    rows: Iterable[list[object]]


def stars_by_version(
    part: Part, period: Days, session: DB, limit: Annotated[int, Query(ge=1, le=1000)] = 1000
) -> Sheet:
    """Stars by version."""
    heads = ("version", "seen", "n", "s1", "s2", "s3", "s4", "s5", "mean", "half_width")
    found = trends.versions(session, part, period, limit)
    rows: list[list[object]] = [[v.version, v.seen, v.n, *v.stars, _round(v.mean), _round(v.half_width)] for v in found]
    return Sheet(f"versions-{part.app_id}", heads, rows)


def topics(
    app_id: RowId,
    period: Days,
    session: DB,
    channel: OptionalText = None,
    version: OptionalText = None,
    language: Tongue = "fr",
) -> Sheet:
    """Every topic that somebody spoke of, with its negative mentions in the equally long period before."""
    app_or_404(session, app_id)
    found = topic_counts.topics(session, Slice(app_id, channel, None, known(version)), period, 1000)
    rows: list[list[object]] = [
        [one.topic, topic_name(one.topic, language), one.n, one.negative, one.negative_before] for one in found
    ]
    return Sheet(f"topics-{app_id}", ("topic", "name", "n", "negative", "negative_before"), rows)


IRRITANT_HEADS = (
    "id", "name", "state", "state_since", "began_day", "began_version", "fixed_version", "step", "topics", "phrase",
    "channels", "n", "share", "people", "unknown", "points",
)  # fmt: skip


def irritant_list(
    app_id: RowId,
    period: Days,
    session: DB,
    state: Annotated[list[State] | None, Query()] = None,
    channel: OptionalText = None,
    version: OptionalText = None,
    step: OptionalText = None,
    language: Tongue = "fr",
) -> Sheet:
    """Irritants that somebody spoke of in the period, most rating points first."""
    app_or_404(session, app_id)
    found = irritants.listed(
        session, app_id, period, language, states=state or (), channel=channel, version=known(version), step=step
    )
    rows: list[list[object]] = [
        [
            one.id, one.name, one.state, one.state_since, None if one.standing else one.began_day, one.began_version,
            one.fixed_version, taxonomy().step_name(one.step, language), " ".join(one.topics), one.phrase,
            " ".join(one.channels), one.n, _round(one.share), one.people, one.unknown, _round(one.points),
        ]
        for one in found
    ]  # fmt: skip
    return Sheet(f"irritants-{app_id}", IRRITANT_HEADS, rows)


def irritant_days(
    app_id: RowId,
    period: Days,
    session: DB,
    request: Request,
    irritant: Annotated[int | None, Query(ge=1, lt=2**63, description="only this one's")] = None,
    language: Tongue = "fr",
) -> Sheet:
    """The days of all irritants, or of one: verbatims by channel and version."""
    app_or_404(session, app_id)
    names = {
        row.id: irritants.name_of(row, language)
        for row in session.scalars(select(Irritant).where(Irritant.app_id == app_id))
    }
    d = IrritantDay
    query = select(d.irritant_id, d.day, d.channel, d.version, d.n, d.rated, d.stars).where(
        d.app_id == app_id, d.day.between(period.first, period.last)
    )
    if irritant is not None:
        query = query.where(d.irritant_id == irritant)
    key = (d.irritant_id, d.day, d.channel, d.version)
    bind = request.app.state.bind

    def rows() -> Iterator[list[object]]:
        after: tuple[Any, ...] | None = None
        while True:
            wanted = query if after is None else query.where(tuple_(*key) > after)
            with transaction(bind) as own:
                found = own.execute(wanted.order_by(*key).limit(BATCH)).all()
            yield from ([row[0], names.get(row[0], ""), *row[1:]] for row in found)
            if len(found) < BATCH:
                return
            after = tuple(found[-1][:4])

    heads = ("irritant", "name", "day", "channel", "version", "n", "rated", "stars")
    return Sheet(f"irritant-days-{app_id}", heads, rows())


def compared(found: Annotated[ComparisonOut, Depends(compare)], app_id: RowId, language: Tongue = "fr") -> Sheet:
    """Two versions beside each other, a measure a line."""
    this, that, stars = found.this, found.that, found.stars
    rows: list[list[object]] = [
        ["version", "", this.version, that.version],
        ["from", "", this.first, that.first],
        ["to", "", this.last, that.last],
        ["reviews", "", this.n, that.n],
        ["negative", "", this.negative, that.negative],
        ["mean", "", _round(this.mean), _round(that.mean)],
        ["verdict", found.verdict, None, None],
    ]
    if stars is not None:
        low, high = stars.difference - stars.half_width, stars.difference + stars.half_width
        rows.append(["difference", "stars", None, None, *map(_round, (stars.difference, low, high))])
        rows.append(["smallest visible difference", "stars", None, None, _round(stars.visible)])
        rows.append(["reviews to wait for", "", stars.more_reviews, None])
    for crash in found.crashes:
        sides, change = (crash.this, crash.that), crash.change
        for name in ("crash_free", "low", "high"):
            measure = "crash-free" if name == "crash_free" else f"crash-free {name}"
            told = [change.difference, change.low, change.high] if change and name == "crash_free" else []
            rows.append([measure, crash.channel, *(getattr(side, name, None) for side in sides), *told])
        rows.append(["crash-free verdict", crash.channel, change.verdict if change else None])
    for one in found.topics:
        name = topic_name(one.topic, language)
        rows.append(["negative mentions", name, one.n, one.n_before, *map(_round, (one.ratio, one.low, one.high))])
    return Sheet(
        f"compare-{app_id}",
        ("measure", "of", "this", "that", "change", "low", "high"),
        [row + [None] * (7 - len(row)) for row in rows],
    )


INCIDENT_HEADS = (
    "id", "app_id", "app", "title", "rule", "subject", "severity", "state", "opened_at", "acknowledged_at",
    "acknowledged_by", "resolved_at", "last_above_day", "score", "peak_score", "origin",
)  # fmt: skip


def incident_list(
    request: Request,
    app_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    state: Annotated[list[Literal["open", "acknowledged", "resolved"]] | None, Query()] = None,
) -> Sheet:
    """Incidents of all apps, or of one, the last opened first; titles in the reader's language."""
    words = Words(choose_language(request.cookies.get("lang"), request.headers.get("accept-language")))
    bind = request.app.state.bind

    def row(one: Incident, app: str, called: Names) -> list[object]:
        return [
            str(one.id), one.app_id, app, incident_title(words, one, called), one.rule, one.subject, one.severity,
            one.state, *map(_moment, (one.opened_at, one.acknowledged_at)), one.acknowledged_by,
            _moment(one.resolved_at), one.last_above_day, _round(one.score), _round(one.peak_score), one.origin,
        ]  # fmt: skip

    def rows() -> Iterator[list[object]]:
        before: UUID | None = None
        while True:
            with transaction(bind) as own:
                found = incidents.find(own, app_id=app_id, states=state or (), before=before, limit=BATCH)
                called = names(own, [one for one, _ in found])
                yield from [row(one, app.name, called) for one, app in found]
            if len(found) < BATCH:
                return
            before = found[-1][0].id

    return Sheet("incidents", INCIDENT_HEADS, rows())


DELIVERY_HEADS = (
    "id", "app_id", "destination_id", "destination", "kind", "incident_id", "title", "state", "tries", "created_at",
    "due_at", "sent_at", "last_error",
)  # fmt: skip


def delivery_list(
    request: Request, session: DB, state: Literal["queued", "sending", "sent", "dead", ""] | None = None
) -> Sheet:
    """What was sent, waits, or was given up, newest first."""
    names = {one.id: one.name for one in deliveries.destinations(session)}
    bind = request.app.state.bind

    def row(one: Delivery) -> list[object]:
        return [
            str(one.id), one.app_id, one.destination_id, names.get(one.destination_id, ""), one.kind,
            str(one.incident_id) if one.incident_id else None, one.message.get("title"), one.state, one.tries,
            *map(_moment, (one.created_at, one.due_at, one.sent_at)), one.last_error,
        ]  # fmt: skip

    def rows() -> Iterator[list[object]]:
        before: UUID | None = None
        while True:
            with transaction(bind) as own:
                found = deliveries.find(own, state=state or None, before=before, limit=BATCH)
                yield from [row(one) for one in found]
            if len(found) < BATCH:
                return
            before = found[-1].id

    return Sheet("deliveries", DELIVERY_HEADS, rows())


def stability_days(app_id: RowId, period: Recent, session: DB) -> Sheet:
    """Sessions, users and shares without a crash by channel and day; "withheld" is never zero."""
    app_or_404(session, app_id)
    heads = (
        "channel", "source", "day", "sessions", "users", "crash_free_sessions", "crash_free_users", "anr_free_users",
        "crashes", "anrs", "withheld", "state",
    )  # fmt: skip
    rows: list[list[object]] = [
        [
            channel, told.choice.name, day.day, day.sessions, day.users, day.crash_free_sessions, day.crash_free_users,
            day.anr_free_users, day.crashes, day.anrs, day.withheld, day.state,
        ]
        for channel, told in stability.stability(session, app_id, period).items()
        for day in told.days
    ]  # fmt: skip
    return Sheet(f"stability-{app_id}", heads, rows)


def coverage_list(app_id: RowId, found: Annotated[list[SourceDay], Depends(coverage_days)]) -> Sheet:
    """The ledger: every source × day."""
    rows: list[list[object]] = [
        [one.source_id, one.day, one.state, one.reason, _moment(one.checked_at)] for one in found
    ]
    return Sheet(f"coverage-{app_id}", ("source_id", "day", "state", "reason", "checked_at"), rows)


def audit_list(request: Request, actor: OptionalText = None, action: OptionalText = None) -> Sheet:
    """Who changed what, all of it."""
    bind = request.app.state.bind

    def rows() -> Iterator[list[object]]:
        before: int | None = None
        while True:
            with transaction(bind) as own:
                found: list[Audit] = audit.lines(own, actor=actor, action=action, before=before, limit=BATCH)
                yield from [[line.id, line.at.isoformat(), line.actor, line.action, str(line.detail)] for line in found]
            if len(found) < BATCH:
                return
            before = found[-1].id

    return Sheet("audit", ("id", "at", "actor", "action", "detail"), rows())


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _moment(value: Any) -> str | None:
    return None if value is None else value.isoformat()


def _both(router: APIRouter, path: str, tag: str, sheet: Callable[..., Sheet]) -> None:
    """Two routes for a list: PATH.csv and PATH.xlsx."""
    heading = (sheet.__doc__ or "").partition("\n")[0]

    def as_csv(
        separator: csv.Separator = "comma",
        made: Sheet = Depends(sheet),  # noqa: B008  FastAPI's way
    ) -> StreamingResponse:
        return csv.answer(made.name, made.heads, made.rows, separator)

    def as_xlsx(made: Sheet = Depends(sheet)) -> StreamingResponse:  # noqa: B008
        return xlsx.answer(made.name, made.heads, made.rows)

    for ending, kind, give in (("csv", "text/csv", as_csv), ("xlsx", xlsx.MIME, as_xlsx)):
        router.add_api_route(
            f"{path}.{ending}",
            give,
            name=f"{sheet.__name__}_{ending}",
            description=heading,
            tags=[tag],
            response_class=StreamingResponse,
            responses={200: {"content": {kind: {}}}},
        )


router = APIRouter()
_seen = APIRouter(dependencies=[allow("viewer")])
_admins = APIRouter(dependencies=[allow("admin")])
for _path, _tag, _sheet in (
    ("/apps/{app_id}/versions", "trends", stars_by_version),
    ("/apps/{app_id}/versions/compare", "versions", compared),
    ("/apps/{app_id}/topics", "trends", topics),
    ("/apps/{app_id}/irritants", "irritants", irritant_list),
    ("/apps/{app_id}/irritant-days", "irritants", irritant_days),
    ("/apps/{app_id}/stability", "stability", stability_days),
    ("/apps/{app_id}/coverage", "sources", coverage_list),
    ("/incidents", "incidents", incident_list),
    ("/deliveries", "deliveries", delivery_list),
):
    _both(_seen, _path, _tag, _sheet)
_both(_admins, "/audit", "people", audit_list)
router.include_router(_seen)
router.include_router(_admins)
