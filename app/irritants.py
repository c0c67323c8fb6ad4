"""Keeping an app's irritants: what the counts say becomes rows with a stable identity, a name, a life and counts.

Run after each collection. The same counts give the same rows; what people named or merged stays theirs.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy import exists, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from alerts.detectors.new_irritant import BASELINE_DAYS, scan_topics
from alerts.streams import History, read_history
from analysis import irritants as life
from analysis.irritants import Episode, Launch, Scan
from analysis.naming import complaint, quoted, whole
from analysis.phrases import telling
from analysis.understand import Document, understand
from app.irritant_counts import count
from app.irritant_phrases import Spoken, spoken
from app.reading.members import members
from models.apps import App
from models.feedback import Verbatim, VerbatimTopic
from models.insight import Irritant, IrritantEvent, IrritantVerbatim
from models.releases import Release
from models.rollups import DailyStars, DailyTopics

log = logging.getLogger(__name__)

RECENT_DAYS = 300
ALL_DAYS = 800
WARM_DAYS = BASELINE_DAYS + 14  # at the beginning of what is read, where a scan has no past to compare with
KNOWN_DAYS = 28  # of history before anything can be called new
SAMPLE = 300  # verbatims that a name is made from
LEAST_SECOND = 0.3  # of an irritant's verbatims, for a second complaint to be in its name
COCOON = "cocoon"
FIX_WORDS = ("corrig", "correct", "fix", "resol", "résol", "de nouveau", "again", "plus en double", "no longer", "mend")


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh changed."""

    born: int = 0
    changed: int = 0
    gone: int = 0


def refresh(session: Session, app_id: int, now: datetime, *, today: date) -> Refreshed:
    """Bring an app's irritants up to `today` (its local day). Idempotent; the caller holds the app's lock and commits.

    The first time it reads 800 days; then 300, and rows older than those are left as they are.
    """
    app = session.get(App, app_id)
    begun = session.scalar(select(func.min(DailyStars.day)).where(DailyStars.app_id == app_id, DailyStars.n > 0))
    if app is None or begun is None:
        return Refreshed()
    first_time = not session.scalar(select(func.count()).where(Irritant.app_id == app_id))
    if first_time:  # a history that has just come in has no statistics: plans without them took 30 s instead of 2
        session.execute(text("ANALYZE verbatims, verbatim_topics, daily_topics, daily_stars"))
    history = read_history(session, app, today, ALL_DAYS if first_time else RECENT_DAYS, until_counts=True)
    seen = _Seen(session, app_id, history, today, begun)
    episodes = seen.episodes()
    done = _Rows(session, app_id, seen, now).keep(episodes)
    session.flush()
    count(session, app_id, today, now, everything=first_time)
    if done.born or done.gone:
        log.info("irritants", extra={"app": app_id, "born": done.born, "gone": done.gone})
    return done


class _Seen:
    """What the counts of an app say: episodes of topics and of phrases, and the usual complaints."""

    def __init__(self, session: Session, app_id: int, history: History, today: date, begun: date) -> None:
        self.session, self.app_id, self.history, self.today = session, app_id, history, today
        self.known_from = max(begun + timedelta(days=KNOWN_DAYS), history.first_day)
        self.full = begun >= history.first_day
        self.compare_from = self.known_from if self.full else history.first_day + timedelta(days=WARM_DAYS)
        self.launches = _launches(session, app_id, today)
        self.spoken: dict[str, Spoken] = spoken(session, app_id, today)
        self.found: list[Episode] = []

    def episodes(self) -> list[Episode]:
        """Every episode noticed in the days that are read, topics first, each with its release and its fix."""
        found = [one for row, topic in enumerate(self.history.topics) for one in self._of_topic(row, f"topic:{topic}")]
        for key, said in self.spoken.items():
            found += self._scanned(key, said.days(self.history.first_day, len(self._reviews)), self._reviews, "app",
                                   life.NOTICED_PHRASE)  # fmt: skip
        noticed = [one for one in found if one.noticed >= self.compare_from]
        self.found = [self._attributed(one) for one in noticed]
        return self.found

    @property
    def _reviews(self) -> life.Ints:
        return self.history.reviews["app"]

    def _of_topic(self, row: int, key: str) -> list[Episode]:
        h = self.history
        found = self._scanned(key, h.mentions["app"][row], h.reviews["app"], "app", life.NOTICED)
        for channel in sorted(set(h.mentions) - {"app"}):
            if len(h.mentions) > 2:
                for one in self._scanned(
                    key, h.mentions[channel][row], h.reviews[channel], channel, life.NOTICED_CHANNEL
                ):
                    covered = any(
                        other.began <= one.noticed and one.began <= (other.ended or date.max) for other in found
                    )
                    if not covered:
                        found.append(one)
        return life.joined(found)

    def _scanned(
        self, key: str, mentions: life.Ints, reviews: life.Ints, where: str, threshold: float
    ) -> list[Episode]:
        looks = np.arange(len(mentions))
        scan = scan_topics(mentions[None, :], reviews, looks, self.history.judged.get(where))
        one = Scan(scan.score[0], scan.window[0], scan.share_before[0])
        found = life.episodes(key, mentions, reviews, one, self.history.first_day, threshold)
        channels = () if where == "app" else (where,)
        return [_replace(episode, channels=channels) for episode in found]

    def _attributed(self, episode: Episode) -> Episode:
        first, last = episode.began, min(episode.noticed + timedelta(days=14), self.today)
        by_version = self.spoken[episode.key].by_version(first, last) if episode.key in self.spoken else {}
        d = DailyTopics
        if episode.key.startswith("topic:"):
            rows = self.session.execute(
                select(d.channel, d.version, func.sum(d.negative))
                .where(d.app_id == self.app_id, d.topic == episode.key[6:], d.day.between(first, last))
                .group_by(d.channel, d.version)
            )
            by_version = {(channel, version): int(n) for channel, version, n in rows}
        if not episode.channels:
            episode = _replace(episode, channels=self._channels(by_version, first, last))
        told = life.with_release(episode, self.launches, by_version)
        return life.with_fix(told, self.launches, self.rate(told), self.today)

    def _channels(self, by_version: dict[tuple[str, str], int], first: date, last: date) -> tuple[str, ...]:
        """Where it is said: the channels whose share is at least a third of the highest."""
        h = self.history
        said: dict[str, int] = {}
        for (channel, _), n in by_version.items():
            said[channel] = said.get(channel, 0) + n
        days = slice(max(h.index(first), 0), h.index(last) + 1)
        shares = {c: n / max(int(h.reviews[c][days].sum()), 1) for c, n in said.items() if n and c in h.reviews}
        highest = max(shares.values(), default=0.0)
        return tuple(sorted(channel for channel, share in shares.items() if share >= highest / 3))

    def rate(self, episode: Episode) -> dict[date, tuple[int, int]]:
        """(mentions, reviews) of each day."""
        h = self.history
        if episode.key in self.spoken:
            mentions = self.spoken[episode.key].days(h.first_day, len(self._reviews))
        else:
            mentions = h.mentions["app"][h.topics.index(episode.key[6:])]
        return {
            h.first_day + timedelta(days=n): (int(y), int(of))
            for n, (y, of) in enumerate(zip(mentions, self._reviews, strict=True))
        }

    def together(self, episodes: Sequence[Episode]) -> tuple[list[int], dict[tuple[int, int], int]]:
        """How many verbatims each episode has in its first two weeks, and how many each close pair has in common."""
        sizes = [self._common(one, None) for one in episodes]
        pairs = {}
        for i, one in enumerate(episodes):
            for j in range(i + 1, len(episodes)):
                other = episodes[j]
                close = abs((one.began - other.began).days) <= life.TOGETHER_DAYS
                if close and one.key != other.key and one.key[:6] == other.key[:6] == "topic:":
                    pairs[i, j] = self._common(one, other)
        return sizes, pairs

    def _common(self, one: Episode, other: Episode | None) -> int:
        if one.key in self.spoken:
            return len(self.spoken[one.key].ids)
        first = one.began if other is None else max(one.began, other.began)
        last = first + timedelta(days=14)
        t = VerbatimTopic
        query = select(func.count()).where(
            t.app_id == self.app_id, t.topic == one.key[6:], t.sentiment < 0, t.day.between(first, last)
        )
        if other is not None:
            u = aliased(VerbatimTopic)
            query = query.where(
                exists().where(
                    u.app_id == self.app_id,
                    u.verbatim_id == t.verbatim_id,
                    u.topic == other.key[6:],
                    u.sentiment < 0,
                )
            )
        return self.session.scalar(query) or 0

    def usual(self) -> dict[str, tuple[float, date]]:
        """Topics that people complain of all the time: their share, and the first day with one of them."""
        h = self.history
        free = np.ones((len(h.topics), len(self._reviews)), np.bool_)
        for one in self.found:
            if one.key.startswith("topic:"):
                a, b = h.index(one.began), h.index(one.ended or self.today)
                free[h.topics.index(one.key[6:]), max(a, 0) : b + 1] = False
        kept = {}
        for row, topic in enumerate(h.topics):
            share = life.standing(h.mentions["app"][row], self._reviews, free[row])
            if share is not None:
                begun = int(np.flatnonzero(h.mentions["app"][row])[0])
                kept[f"topic:{topic}"] = (share, h.first_day + timedelta(days=begun))
        return kept


class _Rows:
    """The rows of an app's irritants, brought in line with what is seen."""

    def __init__(self, session: Session, app_id: int, seen: _Seen, now: datetime) -> None:
        self.session, self.app_id, self.seen, self.now = session, app_id, seen, now
        self.rows = list(session.scalars(select(Irritant).where(Irritant.app_id == app_id).order_by(Irritant.id)))
        self.born = self.changed = self.gone = 0

    def keep(self, episodes: Sequence[Episode]) -> Refreshed:
        """Match, update, add; then let go of what is no longer seen."""
        matched: dict[int, Irritant] = {}
        for index, one in enumerate(episodes):
            matched[index] = self._row_of(one, taken=set(map(id, matched.values()))) or self._new(one)
        sizes, pairs = self.seen.together(episodes)
        self.sizes = dict(zip(map(id, episodes), sizes, strict=True))
        into = life.absorbed(list(zip(episodes, sizes, strict=True)), pairs)
        for index, one in enumerate(episodes):
            self._update(matched[index], one, [episodes[small] for small, large in into.items() if large == index])
        self.session.flush()
        for small, row in matched.items():
            self._absorb(row, matched[into[small]] if small in into else None)
        here = set(map(id, matched.values()))
        for row in self.rows:
            if not row.standing and id(row) not in here and row.noticed_day >= self.seen.compare_from:
                self._let_go(row)
        self._standing()
        return Refreshed(self.born, self.changed, self.gone)

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
            noticed_day=one.noticed, name_fr="", name_en="", given_name="", merged_by="", summary="",
        )  # fmt: skip
        self.session.add(row)
        self.rows.append(row)
        self.born += 1
        return row

    def _update(self, row: Irritant, one: Episode, also: Sequence[Episode]) -> None:
        size = self.sizes[id(one)]
        for other in also:
            if one.fixed is None and other.fixed is not None and other.announced and one.ended is None:
                one = _replace(one, fixed=other.fixed, fixed_version=other.fixed_version, announced=True)
        self.sizes[id(one)] = size
        state, since = one.state(self.seen.today)
        keys = [one.key, *sorted({other.key for other in also})]
        young = not row.state or state in ("emerging", "back") or not row.name_fr
        renamed = young or row.began_version != one.version
        before = (row.state, row.began_day, row.ended_day, row.fixed_version)
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


def _replace(episode: Episode, **changes: object) -> Episode:
    from dataclasses import replace

    return replace(episode, **changes)  # type: ignore[arg-type]


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


def _launches(session: Session, app_id: int, today: date) -> list[Launch]:
    rows = session.scalars(
        select(Release).where(Release.app_id == app_id, Release.day <= today).order_by(Release.released_at)
    ).all()
    mends = _mended([row.notes for row in rows])
    return [Launch(row.channel, row.version, row.day, found) for row, found in zip(rows, mends, strict=True)]


def _mended(notes: Iterable[str]) -> list[frozenset[str]]:
    """The topics that release notes say they mend; none where they speak of nothing but news."""
    listed = list(notes)
    said = understand([Document(note) for note in listed])
    return [
        frozenset(topic.topic for topic in one.topics)
        if any(word in note.lower() for word in FIX_WORDS)
        else frozenset()
        for note, one in zip(listed, said, strict=True)
    ]
