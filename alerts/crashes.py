"""Crashes per session (or per user-day) of each channel, the whole app and its newest version, as findings.

A day whose sessions are withheld or missing is left out, and a channel without any denominator is not judged at all:
`unjudged` says so in a word.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Literal

import numpy as np

from alerts.choices import Choices
from alerts.detectors import Judgement, crash_spike, release_crash_spike
from alerts.detectors.crash_spike import GUARD_DAYS
from alerts.finding import calm_since, make_finding
from alerts.life import Finding, Held, Key
from alerts.streams import Bools, History
from models.stability_series import CrashSeries, Floats, Rates

LEAST_SHARE = 0.02  # of the sessions since its release, under which a version is ignored
STALE_DAYS = 3  # how far before the look the newest day with figures may lie

Unjudged = Literal["no_denominator", "stale", ""]


def crash_findings(
    history: History, day: date, live: Mapping[Key, Held], channels: int, chosen: Choices
) -> Iterable[Finding]:
    """Judge every channel that a crash source watches; say of live incidents that nothing is known any more."""
    found = list(_all(history, day, live, channels, chosen))
    yield from found
    told = {finding.key for finding in found}
    for key, known in live.items():
        silent = (day - known.last_above).days
        if key[0] == "crash_spike" and key not in told and silent > STALE_DAYS:
            since = known.last_above + timedelta(days=1)
            yield Finding(*key, None, 0.0, day, since, silent, since, since, 0.0, {}, {}, 0, "no_data")


def _all(history: History, day: date, live: Mapping[Key, Held], channels: int, chosen: Choices) -> Iterator[Finding]:
    for channel, series in history.crashes.items():
        seen = _seen(series.total)
        at = _newest(series, seen, day)
        if at is None:
            continue
        crashed, exposed = _arrays(series.total, seen)
        found = crash_spike(crashed, exposed, series.first_day, at, chosen.thresholds("crash_spike"))
        yield from _told(history, f"channel:{channel}", found, at, live, seen, channels=channels, releases=False)
        yield from _versions(history, series, channel, at, live, channels=channels, chosen=chosen)


def _versions(
    history: History,
    series: CrashSeries,
    channel: str,
    at: date,
    live: Mapping[Key, Held],
    *,
    channels: int,
    chosen: Choices,
) -> Iterator[Finding]:
    offered = [launch for launch in history.launches if launch.channel == channel and launch.day <= at]
    every, ran = _arrays(series.total, _seen(series.total))
    for launch in offered:
        subject = f"version:{channel}:{launch.version}"
        known = live.get(("crash_spike", subject))
        mine = series.versions.get(launch.version)
        if mine is None or (known is None and (launch is not offered[-1] or launch.hardly_out)):
            continue
        seen = _seen(mine)
        crashed, exposed = _arrays(mine, seen)
        since = slice(max((launch.day - series.first_day).days, 0), (at - series.first_day).days + 1)
        if (at - launch.day).days >= GUARD_DAYS:
            if known is not None:
                yield _calm(subject, at, calm_since(seen, history, known, at))
            continue
        if known is None and np.nansum(exposed[since]) < LEAST_SHARE * np.nansum(ran[since]):
            continue
        found = release_crash_spike(
            crashed,
            exposed,
            every,
            ran,
            first_day=series.first_day,
            released=launch.day,
            look=at,
            thresholds=chosen.thresholds("release_crash_spike"),
        )
        yield from _told(history, subject, found, at, live, seen, channels=channels, releases=True)


def _told(
    history: History,
    subject: str,
    found: object,
    at: date,
    live: Mapping[Key, Held],
    seen: Bools,
    *,
    channels: int,
    releases: bool,
) -> Iterator[Finding]:
    known = live.get(("crash_spike", subject))
    if isinstance(found, Judgement):
        yield from make_finding(
            history,
            subject,
            found,
            at,
            known=known,
            judged=seen,
            streams=channels,
            line="release_crash_spike" if releases else "crash_spike",
            here=max(len(history.crashes), 1),
        )


def unjudged(series: CrashSeries, day: date) -> Unjudged:
    """Say why a channel's crashes are not judged at a day, "" where they are."""
    seen = _seen(series.total)
    if not series.base or not seen.any():
        return "no_denominator"
    return "" if _newest(series, seen, day) is not None else "stale"


def _seen(rates: Rates) -> Bools:
    """Whether a day has both figures, neither withheld."""
    known: Bools = ~(np.isnan(rates.crashed) | np.isnan(rates.exposed)) & ~rates.withheld
    return known


def _arrays(rates: Rates, seen: Bools) -> tuple[Floats, Floats]:
    return np.where(seen, rates.crashed, np.nan), np.where(seen, rates.exposed, np.nan)


def _newest(series: CrashSeries, seen: Bools, day: date) -> date | None:
    """Return the newest complete day with figures, None where it is older than three days."""
    whole = seen & series.known
    for back in range(STALE_DAYS + 1):
        row = (day - series.first_day).days - back
        if 0 <= row < len(whole) and whole[row]:
            return day - timedelta(days=back)
    return None


def _calm(subject: str, day: date, calm: int) -> Finding:
    return Finding("crash_spike", subject, None, 0.0, day, day, 1, day, day, 0.0, {}, {}, calm)
