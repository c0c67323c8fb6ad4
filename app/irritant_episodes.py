"""What an app's counts say about its irritants: episodes of topics, of faults within them, and of phrases."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from alerts.detectors.slow_growth import HISTORY_DAYS
from alerts.streams import History
from analysis import irritants as life
from analysis.irritants import Episode, Launch
from analysis.understand import Document, understand
from app.irritant_parts import parts
from app.irritant_phrases import Spoken, spoken
from app.irritant_scans import of_topic, scanned
from models.feedback import VerbatimTopic
from models.releases import Release, believed
from models.rollups import DailyTopics

WARM_DAYS = HISTORY_DAYS  # at the beginning of what is read, where a scan has no past to compare with
WARM_PHRASE_DAYS = 70
KNOWN_DAYS = 28  # of history before anything can be called new
FIX_WORDS = ("corrig", "correct", "fix", "resol", "résol", "de nouveau", "again", "plus en double", "no longer", "mend")


class Seen:
    """What the counts of an app say: episodes of topics and of phrases, and the usual complaints."""

    def __init__(
        self, session: Session, app_id: int, history: History, today: date, begun: date, known: frozenset[str]
    ) -> None:
        """`known` are the keys that irritants have already: phrases and parts keep theirs."""
        self.session, self.app_id, self.history, self.today, self.known = session, app_id, history, today, known
        whole = begun >= history.first_day
        self.compare_from = (
            max(begun + timedelta(days=KNOWN_DAYS), history.first_day)
            if whole
            else history.first_day + timedelta(days=WARM_DAYS)
        )
        self.launches = _launches(session, app_id, today)
        heard = spoken(session, app_id, history.first_day, today, known)
        self.spoken: dict[str, Spoken] = heard.phrases
        self.phrases_from = self.compare_from
        if heard.since > history.first_day:
            self.phrases_from = max(self.compare_from, heard.since + timedelta(days=WARM_PHRASE_DAYS))
        self.heard_from = history.index(heard.since)
        self.bad = {"app": history.bad_reviews()}
        for (channel, _), negatives in history.negatives.items():
            self.bad[channel] = self.bad.get(channel, np.zeros(len(negatives), np.int64)) + negatives
        self.parted: list[tuple[Episode, Episode]] = []
        """A fault that is an irritant of its own, and the episode of its topic."""
        self.found: list[Episode] = []

    def episodes(self) -> list[Episode]:
        """Every episode noticed in the days that are read, topics first, each with its release and its fix."""
        h = self.history
        found: list[Episode] = []
        for row, topic in enumerate(h.topics):
            mentions = {channel: counts[row] for channel, counts in h.mentions.items()}
            bad = self._bad_of(mentions)
            found += of_topic(f"topic:{topic}", mentions, h.reviews, bad, h.judged, h.first_day, self.launches)
        heard = h.judged["app"].copy()
        heard[: max(self.heard_from, 0)] = False
        for key, said in self.spoken.items():
            days = said.days(h.first_day, len(self._reviews))
            found += scanned(key, days, self._reviews, self.bad["app"], heard, h.first_day, life.NOTICED_PHRASE)
        noticed = [one for one in found if one.noticed >= self.noticed_from(one.key)]
        self.found = [self._attributed(one) for one in noticed]
        for one in list(self.found):
            for part, said in parts(self.session, self.app_id, h, self.bad["app"], one, self.today, self.known):
                self.spoken[part.key] = said.joined(self.spoken.get(part.key))
                self.parted.append((self._attributed(part), one))
                self.found.append(self.parted[-1][0])
        return self.found

    def noticed_from(self, key: str) -> date:
        """The first day on which an irritant of this key could have been noticed in what was read."""
        return self.phrases_from if key.startswith("phrase:") else self.compare_from

    def _bad_of(self, mentions: dict[str, life.Ints]) -> dict[str, life.Ints]:
        nothing = np.zeros(len(self._reviews), np.int64)
        return {channel: self.bad.get(channel, nothing) for channel in mentions}

    @property
    def _reviews(self) -> life.Ints:
        return self.history.reviews["app"]

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
            episode = replace(episode, channels=self._channels(by_version, first, last))
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


def _launches(session: Session, app_id: int, today: date) -> list[Launch]:
    told = session.scalars(select(Release).where(Release.app_id == app_id, Release.day <= today)).all()
    rows = sorted(believed(session, app_id, told), key=lambda row: row.released_at)
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
