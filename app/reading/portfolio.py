"""All apps at a glance: a row each, in a handful of queries whatever their number."""

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app import clock
from app.reading.apps import all_apps, today
from app.reading.crash_free import CrashFree, crash_free
from app.reading.intervals import half_width, mean_stars
from app.reading.trends import Stars
from app.reading.verdicts import Verdict, verdict
from models.apps import App
from models.incidents import Incident
from models.releases import Release, doubted, in_order
from models.rollups import DailyStars
from models.sources import Source

WEEKS = 26


@dataclass(frozen=True, slots=True)
class Row:
    """One app: its last 28 days, its last 7 against the median of the eight weeks before, what is open and new."""

    app: App
    today: date
    stars: Stars
    n: int
    week_n: int
    usual_week: float | None
    means: list[float | None]
    incidents: list[Incident]
    release: Release | None
    sources: int
    last_day: date | None
    verdict: Verdict | None
    crash_free: list[CrashFree]

    @property
    def month(self) -> tuple[date, date]:
        """The 28 days of `stars`."""
        return self.today - timedelta(days=27), self.today

    @property
    def week(self) -> tuple[date, date]:
        """The 7 days of `week_n`."""
        return self.today - timedelta(days=6), self.today

    @property
    def mean(self) -> float | None:
        """The mean of the stars over 28 days."""
        return mean_stars(self.stars)

    @property
    def half_width(self) -> float | None:
        """Half its 95 % interval."""
        return half_width(self.stars, 28)

    @property
    def first(self) -> Incident | None:
        """The strongest open incident that nobody looks after."""
        now = clock.now()
        return next(
            (i for i in self.incidents if i.state == "open" and not (i.silenced_until and i.silenced_until > now)), None
        )

    @property
    def wants_attention(self) -> bool:
        """An open incident that nobody has acknowledged or silenced."""
        return self.first is not None


def portfolio(session: Session) -> list[Row]:
    """Every app; those with open incidents first, the strongest on top."""
    apps = all_apps(session)
    open_ones: dict[int, list[Incident]] = {}
    for incident in session.scalars(
        select(Incident).where(Incident.state != "resolved").order_by(Incident.score.desc(), Incident.id)
    ):
        open_ones.setdefault(incident.app_id, []).append(incident)
    newest = _newest(session)
    sources = dict(session.execute(select(Source.app_id, func.count()).group_by(Source.app_id)).all())
    last = dict(
        session.execute(
            select(
                App.id,
                select(func.max(DailyStars.day))
                .where(DailyStars.app_id == App.id, DailyStars.n > 0)
                .correlate(App)
                .scalar_subquery(),
            )
        ).all()
    )
    stable = crash_free(session, {app.id: today(app) for app in apps})
    rows = [
        _row(
            session,
            app,
            open_ones.get(app.id, []),
            newest.get(app.id),
            sources.get(app.id, 0),
            last.get(app.id),
            stable.get(app.id, []),
        )
        for app in apps
    ]
    return sorted(rows, key=lambda row: (not row.wants_attention, -max((i.score for i in row.incidents), default=0.0)))


def _newest(session: Session) -> dict[int, Release]:
    """Each app's newest version: of the newest of every channel the one that came out last."""
    lines: dict[tuple[int, str], list[Release]] = {}
    for release in session.scalars(select(Release)):
        lines.setdefault((release.app_id, release.channel), []).append(release)
    tops = sorted((_top(session, in_order(line)) for line in lines.values()), key=lambda one: one.released_at)
    return {one.app_id: one for one in tops}


def _top(session: Session, line: list[Release]) -> Release:
    """The last of a channel's line that is not doubted."""
    unsure = doubted(session, line[0].app_id, line)
    return next(one for one in reversed(line) if one.version not in unsure)


def _row(
    session: Session,
    app: App,
    incidents: list[Incident],
    release: Release | None,
    sources: int,
    last: date | None,
    stable: list[CrashFree],
) -> Row:
    now = today(app)
    back = func.div(func.cast(now - DailyStars.day, DailyStars.n.type), 7)
    month = [
        func.coalesce(func.sum(case((DailyStars.day > now - timedelta(days=28), column), else_=0)), 0)
        for column in (DailyStars.s1, DailyStars.s2, DailyStars.s3, DailyStars.s4, DailyStars.s5, DailyStars.n)
    ]
    weekly = session.execute(
        select(
            back,
            func.sum(DailyStars.n),
            *(
                func.sum(column)
                for column in (DailyStars.s1, DailyStars.s2, DailyStars.s3, DailyStars.s4, DailyStars.s5)
            ),
            *month,
        )
        .where(DailyStars.app_id == app.id, DailyStars.day.between(now - timedelta(days=7 * WEEKS - 1), now))
        .group_by(back)
    ).all()
    counts = {int(row[0]): int(row[1]) for row in weekly}
    means = {int(row[0]): mean_stars([int(value) for value in row[2:7]]) for row in weekly}
    one, two, three, four, five, n = (sum(int(row[7 + k]) for row in weekly) for k in range(6))
    before = [counts.get(k, 0) for k in range(1, 9)]
    return Row(
        app=app,
        today=now,
        stars=(one, two, three, four, five),
        n=n,
        week_n=counts.get(0, 0),
        usual_week=median(before) if any(before) else None,
        means=[means.get(k) for k in range(WEEKS - 1, -1, -1)],
        incidents=incidents,
        release=release,
        sources=sources,
        last_day=last,
        verdict=verdict(session, app.id, release.version, now, tuple(tuple(row) for row in sorted(weekly)))
        if release
        else None,
        crash_free=stable,
    )
