"""Falling stars: of the app, its channels and busy storefronts, and of the newest version of each channel."""

from collections.abc import Iterable, Mapping
from datetime import date

from alerts.choices import Choices
from alerts.detectors import Judgement, bad_release, rating_drop
from alerts.detectors.bad_release import GUARD_DAYS
from alerts.detectors.stars import Floats
from alerts.finding import calm_since, make_finding
from alerts.life import Finding, Held, Key
from alerts.streams import History, Launch, Stream, newest
from alerts.watched import Watched


def drop_findings(
    history: History, scored: Floats, day: date, live: Mapping[Key, Held], watch: Watched, chosen: Choices
) -> Iterable[Finding]:
    """Judge every star series at a day; `scored` (streams, days) tells which are worth it."""
    for row, stream in enumerate(history.streams):
        limits = chosen.thresholds("rating_drop", "app" if stream.subject == "app" else "stream")
        least = limits.watch
        at = stream.last_judged(day)
        known = live.get(("rating_drop", stream.subject))
        if at is None:
            continue
        over = history.over.get(stream.subject) if known is None else None
        loud = over is not None or scored[row, history.index(at)] >= least
        if known is None and not (loud and _watchable(stream, at)):
            continue
        frozen = known.frozen(at) if known else None
        found = rating_drop(
            stream.counts,
            stream.first_day,
            at,
            judged=stream.judged if over is None else stream.judged & ~over,
            frozen_baseline_end=frozen,
            thresholds=limits,
        )
        if found is not None and (known is not None or mostly_judged(stream, found, at)):
            yield from make_finding(
                history,
                stream.subject,
                found,
                at,
                known=known,
                judged=stream.judged,
                streams=watch.streams,
                here=len(history.streams),
            )


def _watchable(stream: Stream, day: date) -> bool:
    return not stream.subject.startswith("storefront:") or stream.busy(day)


def mostly_judged(stream: Stream, found: Judgement, day: date) -> bool:
    """Whether most days of the window are complete: a source outage inhibits what it would falsify."""
    window = stream.judged[(found.since - stream.first_day).days : (day - stream.first_day).days + 1]
    return bool(window.size) and float(window.mean()) > 0.5


def release_findings(
    history: History, day: date, live: Mapping[Key, Held], watch: Watched, chosen: Choices
) -> Iterable[Finding]:
    """Judge the newest version of each channel, and those that have a live incident."""
    newest_of = {launch.channel: launch for launch in history.launches if launch.day <= day}
    for launch in history.launches:
        subject = f"version:{launch.channel}:{launch.version}"
        known = live.get(("bad_release", subject))
        if launch.channel not in history.judged or (known is None and newest_of.get(launch.channel) is not launch):
            continue
        judged = history.judged[launch.channel]
        at = newest(judged, history.first_day, day)
        mine = history.versions.get((launch.channel, launch.version))
        if at is None or mine is None or not history.first_day < launch.day <= at:
            continue
        if known is None and (launch.hardly_out or subject in history.over):
            continue
        over = (at - launch.day).days >= GUARD_DAYS
        found = None
        if not over:
            found = bad_release(
                mine,
                history.stars_of(launch.channel),
                first_day=history.first_day,
                released=launch.day,
                look=at,
                judged=judged,
                thresholds=chosen.thresholds("bad_release"),
            )
        if found is not None:
            yield from make_finding(
                history,
                subject,
                found,
                at,
                known=known,
                judged=judged,
                streams=watch.apps,
                here=max(len(history.judged) - 1, 1),
            )
        elif over and known is not None:
            yield _guard_ended(launch, subject, at, calm_since(judged, history, known, at))


def _guard_ended(launch: Launch, subject: str, day: date, calm: int) -> Finding:
    """After 14 days a version is no longer compared with the days before it: from there on only calm days count."""
    return Finding(
        rule="bad_release",
        subject=subject,
        level=None,
        score=0.0,
        day=day,
        since=launch.day,
        window_days=(day - launch.day).days + 1,
        baseline_from=launch.day,
        baseline_to=launch.day,
        false_alarm_years=0.0,
        effect={},
        calm_days=calm,
    )
