"""Keeping an app's irritants: what the counts say becomes rows with a stable identity, a name, a life and counts.

Run after each collection. The same counts give the same rows; what people named or merged stays theirs.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from alerts.streams import read_history
from analysis import irritants as life
from analysis.irritants import Episode
from analysis.naming import complaint, quoted, whole
from analysis.phrases import telling
from app.irritant_counts import count
from app.irritant_episodes import Seen
from app.irritant_phrases import Spoken
from app.reading.members import members
from models.apps import App
from models.feedback import Verbatim
from models.insight import Irritant, IrritantEvent, IrritantVerbatim
from models.rollups import DailyStars

log = logging.getLogger(__name__)

RECENT_DAYS = 400
ALL_DAYS = 800
SAMPLE = 300  # verbatims that a name is made from
LEAST_SECOND = 0.3  # of an irritant's verbatims, for a second complaint to be in its name
COCOON = "cocoon"
PARTED = "parted"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh changed."""

    born: int = 0
    changed: int = 0
    gone: int = 0


def refresh(session: Session, app_id: int, now: datetime, *, today: date) -> Refreshed:
    """Bring an app's irritants up to `today` (its local day). Idempotent; the caller holds the app's lock and commits.

    The first time it reads 800 days; then 400, and rows older than those are left as they are.
    """
    app = session.get(App, app_id)
    begun = session.scalar(select(func.min(DailyStars.day)).where(DailyStars.app_id == app_id, DailyStars.n > 0))
    if app is None or begun is None:
        return Refreshed()
    first_time = not session.scalar(select(func.count()).where(Irritant.app_id == app_id))
    if first_time:  # a history that has just come in has no statistics: plans without them took 30 s instead of 2
        session.execute(text("ANALYZE verbatims, verbatim_topics, daily_topics, daily_stars"))
    history = read_history(session, app, today, ALL_DAYS if first_time else RECENT_DAYS, until_counts=True)
    known = frozenset(session.scalars(select(Irritant.key).where(Irritant.app_id == app_id, Irritant.state != "gone")))
    seen = Seen(session, app_id, history, today, begun, known)
    episodes = seen.episodes()
    done = _Rows(session, app_id, seen, now).keep(episodes)
    session.flush()
    count(session, app_id, today, now, everything=first_time)
    if done.born or done.gone:
        log.info("irritants", extra={"app": app_id, "born": done.born, "gone": done.gone})
    return done


class _Rows:
    """The rows of an app's irritants, brought in line with what is seen."""

    def __init__(self, session: Session, app_id: int, seen: Seen, now: datetime) -> None:
        self.session, self.app_id, self.seen, self.now = session, app_id, seen, now
        self.rows = list(session.scalars(select(Irritant).where(Irritant.app_id == app_id).order_by(Irritant.id)))
        self.apart_before = {row.id: list(row.apart) for row in self.rows}
        self.born = self.changed = self.gone = 0

    def keep(self, episodes: Sequence[Episode]) -> Refreshed:
        """Match, update, add; then let go of what is no longer seen."""
        matched: dict[int, Irritant] = {}
        for index, one in enumerate(episodes):
            matched[index] = self._row_of(one, taken=set(map(id, matched.values()))) or self._new(one)
        sizes, pairs = self.seen.together(episodes)
        self.sizes = dict(zip(map(id, episodes), sizes, strict=True))
        into, apart = life.absorbed(list(zip(episodes, sizes, strict=True)), pairs, kept=self._parted_before(matched))
        place = {id(one): index for index, one in enumerate(episodes)}
        apart |= {place[id(part)]: place[id(whole_one)] for part, whole_one in self.seen.parted}
        for small, large in apart.items():  # a topic that is itself part of another: that one speaks for both
            apart[small] = into.get(large, large)
        for index, one in enumerate(episodes):
            also = [episodes[small] for small, large in into.items() if large == index]
            matched[index].apart = sorted({episodes[small].key for small, large in apart.items() if large == index})
            self._update(matched[index], one, also)
        self.session.flush()
        for small, row in matched.items():
            self._absorb(row, matched[into[small]] if small in into else None)
        for small, large in apart.items():
            self._tell_parted(matched[small], matched[large], episodes[small].noticed)
        here = set(map(id, matched.values()))
        for row in self.rows:
            if not row.standing and id(row) not in here and row.noticed_day >= self.seen.noticed_from(row.key):
                self._let_go(row)
        self._standing()
        return Refreshed(self.born, self.changed, self.gone)

    def _parted_before(self, matched: Mapping[int, Irritant]) -> frozenset[int]:
        """Episodes whose irritants were told apart from another once: they stay so, whatever later counts say."""
        said = select(IrritantEvent.irritant_id).where(
            IrritantEvent.app_id == self.app_id, IrritantEvent.kind == PARTED
        )
        ids = set(self.session.scalars(said))
        return frozenset(index for index, row in matched.items() if row.id in ids)

    def _tell_parted(self, row: Irritant, whole_row: Irritant, day: date) -> None:
        known = select(IrritantEvent.id).where(
            IrritantEvent.app_id == self.app_id, IrritantEvent.irritant_id == row.id, IrritantEvent.kind == PARTED
        )
        if self.session.scalar(known.limit(1)) is None:
            detail = {"from": whole_row.id}
            self.session.add(IrritantEvent(app_id=self.app_id, irritant_id=row.id, day=day, kind=PARTED, detail=detail))

    def _row_of(self, one: Episode, taken: set[int]) -> Irritant | None:
        end = one.ended or date.max
        for row in self.rows:
            if row.standing or row.key != one.key or id(row) in taken:
                continue
            until = date.max if row.ended_day is None else row.ended_day + timedelta(days=life.BACK_DAYS)
            if row.began_day - timedelta(days=life.CALM_DAYS) <= end and one.began <= until:
                return row
        return None

    def _new(self, one: Episode) -> Irritant:
        row = Irritant(
            app_id=self.app_id, key=one.key, keys=[one.key], state="", state_since=one.noticed, began_day=one.began,
            noticed_day=one.noticed, apart=[], name_fr="", name_en="", given_name="", merged_by="", summary="",
        )  # fmt: skip
        self.session.add(row)
        self.rows.append(row)
        self.born += 1
        return row

    def _update(self, row: Irritant, one: Episode, also: Sequence[Episode]) -> None:
        size = self.sizes[id(one)]
        for other in also:
            if one.fixed is None and other.fixed is not None and other.announced and one.ended is None:
                one = replace(one, fixed=other.fixed, fixed_version=other.fixed_version, announced=True)
        given = min((launch.day for launch in self.seen.launches if launch.version == row.given_fix), default=None)
        if given is not None:
            one = replace(one, fixed=given, fixed_version=row.given_fix, announced=True)
        self.sizes[id(one)] = size
        state, since = one.state(self.seen.today)
        keys = [one.key, *sorted({other.key for other in also})]
        young = not row.state or state in ("emerging", "back") or not row.name_fr
        renamed = young or row.began_version != one.version
        before = (row.state, row.began_day, row.ended_day, row.fixed_version)
        if self.apart_before.get(row.id, []) != row.apart:
            row.updated_at = self.now
        row.keys, row.state, row.state_since = keys, state, since
        row.began_day, row.noticed_day, row.ended_day = one.began, one.noticed, one.ended
        row.began_version, row.fixed_version, row.fix_announced = one.version, one.fixed_version, one.announced
        row.channels, row.score = list(one.channels), one.score
        row.share_before, row.share_peak = one.share_before, one.share_peak
        self.session.flush()
        if one.key in self.seen.spoken:
            self._keep_members(row, self.seen.spoken[one.key])
        if renamed:
            self._call(row, one, also)
        if before != (row.state, row.began_day, row.ended_day, row.fixed_version):
            row.updated_at = self.now
            self.changed += before[0] != ""
            self._tell(row, one)

    def _keep_members(self, row: Irritant, said: Spoken) -> None:
        known = set(
            self.session.scalars(
                select(IrritantVerbatim.verbatim_id).where(
                    IrritantVerbatim.app_id == self.app_id, IrritantVerbatim.irritant_id == row.id
                )
            )
        )
        self.session.add_all(
            IrritantVerbatim(app_id=self.app_id, irritant_id=row.id, verbatim_id=ident, day=day)
            for ident, day in said.ids.items()
            if ident not in known and day >= row.began_day and day <= (row.ended_day or date.max)
        )
        self.session.flush()

    def _call(self, row: Irritant, one: Episode, also: Sequence[Episode]) -> None:
        last = min(one.noticed + timedelta(days=14), self.seen.today)
        texts = texts_of(self.session, self.app_id, [row], one.began, last)
        background = texts_of(self.session, self.app_id, None, one.began - timedelta(days=60), one.began)
        row.phrases = [phrase.text for phrase in telling(texts, background)] if texts else []
        if one.key.startswith("topic:"):
            first = complaint(one.key[6:], texts)
            most = LEAST_SECOND * self.sizes.get(id(one), 0)
            precise = [
                other
                for other in sorted(also, key=lambda other: -self.sizes[id(other)])
                if other.key.startswith("topic:") and other.key not in life.GENERIC and self.sizes[id(other)] >= most
            ]
            second = complaint(precise[0].key[6:], texts, besides=(one.key[6:], first)) if precise else None
            called = whole(first, second, one.version)
        elif one.key.startswith("fault:"):
            called = whole(complaint(one.key.split(":")[1], texts), None, one.version)
        else:
            called = whole(quoted(one.key.removeprefix("phrase:")), None, one.version)
        if not row.summary:  # what a language model named keeps that name
            row.name_fr, row.name_en = called.fr, called.en

    def _tell(self, row: Irritant, one: Episode) -> None:
        """Write the lines of its life that are not written yet."""
        known = {
            event.kind: event
            for event in self.session.scalars(
                select(IrritantEvent)
                .where(IrritantEvent.app_id == self.app_id, IrritantEvent.irritant_id == row.id)
                .order_by(IrritantEvent.id)
            )
        }
        lines: list[tuple[str, date | None, str]] = [
            ("born", one.began, one.version),
            ("noticed", one.noticed, ""),
            ("back", one.returned, ""),
            ("fix_shipped", one.fixed, one.fixed_version),
            ("gone", one.ended + timedelta(days=1) if one.ended else None, ""),
        ]
        for kind, day, version in lines:
            event = known.get(kind)
            if day is None:
                continue
            detail = {"version": version} if version else {}
            if event is None or (kind in ("back", "gone") and event.day != day and kind != "gone"):
                self.session.add(
                    IrritantEvent(app_id=self.app_id, irritant_id=row.id, day=day, kind=kind, detail=detail)
                )
            else:
                event.day, event.detail = day, detail

    def _absorb(self, row: Irritant, into: Irritant | None) -> None:
        """Say that another irritant speaks for this one, unless a person has decided on it."""
        if row.merged_by not in ("", COCOON):
            return
        target = into.id if into is not None else None
        if row.merged_into != target:
            row.merged_into, row.merged_by, row.updated_at = target, COCOON if target else "", self.now

    def _let_go(self, row: Irritant) -> None:
        """The counts no longer show it at all (texts were read anew, corrected, deleted): it is gone, not forgotten."""
        if row.state != "gone":
            row.state, row.state_since, row.updated_at = "gone", self.seen.today, self.now
            row.ended_day = row.ended_day or max(row.noticed_day, row.began_day)
            self.session.add(
                IrritantEvent(app_id=self.app_id, irritant_id=row.id, day=self.seen.today, kind="gone", detail={})
            )
            self.gone += 1

    def _standing(self) -> None:
        usual = self.seen.usual()
        known = {row.key: row for row in self.rows if row.standing}
        for key, (share, begun) in usual.items():
            row = known.get(key)
            if row is None:
                row = Irritant(
                    app_id=self.app_id, key=key, keys=[key], standing=True, state="ongoing", state_since=begun,
                    began_day=begun, noticed_day=begun, name_fr="", name_en="", given_name="", merged_by="", summary="",
                )  # fmt: skip
                self.session.add(row)
                self.session.flush()
                known[key] = row
                texts = texts_of(
                    self.session, self.app_id, [row], self.seen.today - timedelta(days=84), self.seen.today
                )
                called = complaint(key[6:], texts)
                row.name_fr, row.name_en = called.fr, called.en
                self.born += 1
            elif row.state == "gone":
                row.state, row.state_since, row.ended_day, row.updated_at = "back", self.seen.today, None, self.now
            row.share_before = row.share_peak = share
        for key, row in known.items():
            if key not in usual and row.state != "gone":
                row.state, row.state_since, row.ended_day = "gone", self.seen.today, self.seen.today
                row.updated_at = self.now
                self.gone += 1


def texts_of(session: Session, app_id: int, rows: Sequence[Irritant] | None, first: date, last: date) -> list[str]:
    """Words of an irritant's verbatims in a span; of any negative verbatim without `rows`."""
    v = Verbatim
    query = select(v.title, v.body).where(v.app_id == app_id, v.day.between(first, last))
    if rows is None:
        query = query.where(or_(v.label == "negative", v.stars <= 2))
    else:
        query = query.where(members(app_id, rows))
    return [
        f"{title}\n{body}" if title else body
        for title, body in session.execute(query.order_by(v.written_at.desc()).limit(SAMPLE))
    ]
