"""Does a new version, or the whole app, crash more per session than in the 28 days before?"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from alerts.detectors.calibration import DEFAULT_THRESHOLDS, Calibrated, false_alarm_years
from alerts.detectors.excess import excess_score
from alerts.detectors.judgement import Effect, Judgement, Shortfall, Thresholds
from alerts.detectors.stars import Floats, Ints, at, running

WINDOWS = (1, 2, 3, 5, 7, 14)
BASELINE_DAYS = 28
GUARD_DAYS = 14
LEAST_SESSIONS = 20
LASTING_NOISE = 0.10**2  # relative variance of a version's crash rate that no number of days averages out
DAY_NOISE = 0.10**2  # and of a day's


@dataclass(frozen=True, slots=True)
class CrashExcess:
    """Score and rates (crashes per session) of recent days against earlier ones; arrays of one shape."""

    score: Floats
    before: Floats
    after: Floats
    variance: Floats
    sessions_before: Floats
    sessions_after: Floats


def crash_excess(
    crashes: Floats, sessions: Floats, days: Floats, crashes_before: Floats, sessions_before: Floats
) -> CrashExcess:
    """Compare crash counts over their sessions: z = dev/√(1 + μ(0.10² + 0.10²/days) + μ/C_old), NaN under 20 sessions.

    μ = sessions · C_old/N_old; half a crash is added to C_old, so that an app which never crashed can be judged too.
    """
    old = crashes_before + 0.5
    usual = np.where(sessions_before >= LEAST_SESSIONS, old / np.maximum(sessions_before, 1.0), np.nan)
    n = np.maximum(sessions, 1.0)
    expected = usual * n
    noise = LASTING_NOISE + DAY_NOISE / np.maximum(days, 1.0)
    score = np.where(sessions >= LEAST_SESSIONS, excess_score(crashes, expected, expected * (noise + 1 / old)), np.nan)
    now = crashes / n
    variance = now / n + now**2 * noise + usual**2 / old
    return CrashExcess(score, usual, now, variance, sessions_before, sessions)


def release_crash_spike(
    version_crashes: Floats,
    version_sessions: Floats,
    all_crashes: Floats,
    all_sessions: Floats,
    *,
    first_day: date,
    released: date,
    look: date,
    thresholds: Thresholds = DEFAULT_THRESHOLDS["release_crash_spike"],
) -> Judgement | Shortfall:
    """Judge the newest version from its release day to 13 days after it; counts are (days,) from `first_day`.

    NaN is a withheld or missing figure (Play hides small ones): such a day is left out, and without any day left the
    answer is a `Shortfall`, never calm.
    """
    last, release = (look - first_day).days, (released - first_day).days
    if not 0 <= last < len(all_crashes):
        raise ValueError(f"the look {look} is outside the counts, which begin on {first_day}")
    if not 0 < release <= last < release + GUARD_DAYS:
        return Shortfall("outside_window", 0)
    mine, seen = _known(version_crashes[None], version_sessions[None])
    every, known = _known(all_crashes[None], all_sessions[None])
    new, old = slice(release, last + 1), slice(max(release - BASELINE_DAYS, 0), release)
    if not seen[0, new].any() or not known[0, old].any():
        return Shortfall("no_denominator", 0)
    sums = [part[0, new].sum(keepdims=True) for part in (*mine, seen)]
    found = crash_excess(*sums, *(part[0, old].sum(keepdims=True) for part in every))
    return _verdict(
        found,
        last - release + 1,
        released,
        max(first_day, released - timedelta(BASELINE_DAYS)),
        line="release_crash_spike",
        thresholds=thresholds,
    )


def crash_spike(
    crashes: Floats,
    sessions: Floats,
    first_day: date,
    look: date,
    thresholds: Thresholds = DEFAULT_THRESHOLDS["crash_spike"],
) -> Judgement | Shortfall:
    """Judge the whole app, or one issue of it, at the look's day by a scan over the last 1 to 14 days.

    Counts are (days,) from `first_day`; NaN as in `release_crash_spike`.
    """
    last = (look - first_day).days
    if not 0 <= last < len(crashes):
        raise ValueError(f"the look {look} is outside the counts, which begin on {first_day}")
    if not _known(crashes[None, : last + 1][:, -max(WINDOWS) :], sessions[None, : last + 1][:, -max(WINDOWS) :])[
        1
    ].any():
        return Shortfall("no_denominator", 0)
    found, windows = _scan(crashes[None, : last + 1], sessions[None, : last + 1], np.array([last]))
    flat = CrashExcess(*(part[0] for part in _parts(found)))
    window = int(windows[0, 0])
    since = max(look - timedelta(days=max(window, 1) - 1), first_day)
    return _verdict(
        flat,
        window,
        since,
        max(first_day, since - timedelta(BASELINE_DAYS)),
        line="crash_spike",
        thresholds=thresholds,
    )


def crash_spike_scan(crashes: Floats, sessions: Floats) -> Floats:
    """Return the whole-app score of every stream at the end of every day: (streams, days), NaN where not judged."""
    return _scan(crashes, sessions, np.arange(crashes.shape[1]))[0].score


def _scan(crashes: Floats, sessions: Floats, looks: Ints) -> tuple[CrashExcess, Ints]:
    (crashed, ran), seen = _known(crashes, sessions)
    sums = [running(part) for part in (crashed, ran, seen)]
    shape = (crashes.shape[0], len(looks))
    nothing = np.full(shape, np.nan)
    best, windows = CrashExcess(*([nothing] * 6)), np.zeros(shape, np.int64)
    for window in WINDOWS:
        start = np.maximum(looks + 1 - window, 0)
        first = np.maximum(start - BASELINE_DAYS, 0)
        recent = [at(part, looks + 1) - at(part, start) for part in sums]
        usual = [at(part, start) - at(part, first) for part in sums[:2]]
        here = crash_excess(*recent, *usual)
        better = ~(here.score <= best.score) & ~np.isnan(here.score)
        windows = np.where(better, window, windows)
        best = CrashExcess(*(np.where(better, new, old) for new, old in zip(_parts(here), _parts(best), strict=True)))
    return best, windows


def _parts(found: CrashExcess) -> tuple[Floats, ...]:
    return (found.score, found.before, found.after, found.variance, found.sessions_before, found.sessions_after)


def _known(crashes: Floats, sessions: Floats) -> tuple[tuple[Floats, Floats], Floats]:
    """Return the two counts with zeros on days where either is missing, and 1.0 on days where both are known."""
    seen = ~(np.isnan(crashes) | np.isnan(sessions))
    return (np.where(seen, crashes, 0.0), np.where(seen, sessions, 0.0)), seen.astype(np.float64)


def _verdict(
    found: CrashExcess, window: int, since: date, baseline_from: date, *, line: Calibrated, thresholds: Thresholds
) -> Judgement | Shortfall:
    score = float(found.score[0])
    if np.isnan(score):
        recent, before = (float(np.nan_to_num(n[0])) for n in (found.sessions_after, found.sessions_before))
        if recent < LEAST_SESSIONS:
            return Shortfall("few_recent", int(LEAST_SESSIONS - recent))
        return Shortfall("few_before", int(LEAST_SESSIONS - before))
    return Judgement(
        rule="crash_spike",
        score=score,
        level=thresholds.level(score),
        effect=Effect.of(
            float(found.before[0]),
            float(found.after[0]),
            variance=float(found.variance[0]),
            n_before=float(found.sessions_before[0]),
            n_after=float(found.sessions_after[0]),
        ),
        window_days=window,
        since=since,
        baseline_from=baseline_from,
        baseline_to=since - timedelta(days=1),
        false_alarm_years=false_alarm_years(line, score),
    )
