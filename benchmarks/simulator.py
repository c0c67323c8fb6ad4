"""A seeded world of reviews, crashes and topics with no fault in it, or with one that was planted.

Stars of a stream, per day:
- volume: negative binomial around `volume` × weekday (weekend 0.75 to 1.05) × slow level (log sd 0.2, 60 days) ×
  holidays (3 spells a year, 1 to 7 days, × 0.6 to 1.4) × release bursts (× 1.1 to 2, fading over 4 days) × campaigns
  that prompt for ratings (2 a year, 3 to 10 days, × 2 to 5); the day's own relative variance is 0.02 to 0.15;
- the mean wanders: a common shock each day (sd 0.13 to 0.36 over streams, median 0.22), a slow drift (Ornstein and
  Uhlenbeck, 90 days; sd of its 28-day means 0.06 to 0.35, median 0.25), campaigns + 0.2 to 0.5;
- releases every 14 to 35 days, adopted as 1 − exp(−(t + ½)/5); the first users of a version differ by N(−0.03, 0.10)
  fading over 5 days: that is no fault;
- stars are drawn from a J-shaped mix tilted to the day's mean.
Both ranges of noise are those published for 17 dated star series in the detectors' design. The other figures are
choices made before anything was measured.

Topics: 25 a stream, usual share 0.3 to 8 %, day noise of relative variance 0.10, slow log sd 0.25 over 60 days.
Crashes: 0.2 to 1 % of sessions, a relative sd of 0.10 for each version and 0.10 for each day.
Hours: a day profile with a trough at night; the shocks of the day and negative binomial hours (relative variance 0.15).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STARS = np.arange(1.0, 6.0)


@dataclass(frozen=True, slots=True)
class World:
    """Star counts (streams, days, 5) of all reviews and of the newest version's, and what they were drawn from."""

    counts: Ints
    newest: Ints
    releases: list[int]
    mean: Floats
    adoption: Floats
    level: Floats


def star_world(
    rng: np.random.Generator,
    streams: int,
    days: int,
    volume: float,
    *,
    shift: Floats | None = None,
    release_shift: dict[int, float] | None = None,
    releases: list[int] | None = None,
    hard_adopters: bool = False,
) -> World:
    """Simulate `streams` streams of `volume` reviews a day.

    `shift` (days,) is added to the mean of everybody (a server fault); `release_shift` maps a release day to what its
    version adds to the mean of its own users (a bad release). With `hard_adopters` the first users differ by
    N(−0.05, 0.20) for as long as the version is the newest, to see how much hangs on that choice.
    """
    if releases is None:
        releases = [int(day) for day in np.cumsum(rng.integers(14, 36, size=days // 14 + 1)) if day < days]
    shape = (streams, days)
    boost, lift = campaigns(rng, shape)
    burst = np.zeros(shape)
    early = np.zeros(shape)
    lasting = np.zeros(days)
    adoption = np.ones(days)
    for index, release in enumerate(releases):
        end = releases[index + 1] if index + 1 < len(releases) else days
        age = np.arange(end - release)
        burst[:, release:end] = rng.uniform(0.1, 1.0, (streams, 1)) * np.exp(-age / 4)
        early[:, release:end] = rng.normal(-0.03, 0.10, (streams, 1)) * np.exp(-age / 5)
        if hard_adopters:
            early[:, release:end] = rng.normal(-0.05, 0.20, (streams, 1))
        lasting[release:end] = (release_shift or {}).get(release, 0.0)
        adoption[release:end] = 1 - np.exp(-(age + 0.5) / 5)
    level = volume * weekdays(rng, shape) * np.exp(wander(rng, shape, 60.0) * 0.2) * holidays(rng, shape)
    level *= (1 + burst) * boost
    spread = np.exp(rng.uniform(np.log(0.02), np.log(0.15), (streams, 1)))
    level *= rng.gamma(1 / spread, spread, shape)
    reviews = rng.poisson(level)
    mean = usual_mean(rng, streams) + day_shocks(rng, shape) + drift(rng, shape) + lift
    if shift is not None:
        mean = mean + shift
    # Those who come for the new version are over-represented among its early reviews: the burst is theirs.
    share = (adoption + burst) / (1 + burst)
    on_newest = rng.binomial(reviews, np.clip(share, 0.0, 1.0))
    newest = draw_stars(rng, on_newest, mean + early + lasting)
    others = draw_stars(rng, reviews - on_newest, mean)
    return World(newest + others, newest, releases, mean, adoption, level)


def usual_mean(rng: np.random.Generator, streams: int) -> Floats:
    return rng.uniform(3.6, 4.6, (streams, 1))


def day_shocks(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    sd = np.clip(0.22 * np.exp(rng.normal(0, 0.27, (shape[0], 1))), 0.13, 0.36)
    return rng.normal(0, 1, shape) * sd


def drift(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    sd = np.clip(0.25 * np.exp(rng.normal(0, 0.5, (shape[0], 1))), 0.06, 0.35)
    return wander(rng, shape, 90.0) * sd / 0.952  # 0.952: the sd of a 28-day mean of such a walk of sd 1


def wander(rng: np.random.Generator, shape: tuple[int, int], scale: float) -> Floats:
    """Return Ornstein-Uhlenbeck paths of sd 1 that forget themselves over `scale` days."""
    keep = np.exp(-1 / scale)
    steps = rng.normal(0, 1, shape)
    path = np.empty(shape)
    path[:, 0] = steps[:, 0]
    for day in range(1, shape[1]):
        path[:, day] = keep * path[:, day - 1] + np.sqrt(1 - keep**2) * steps[:, day]
    return path


def weekdays(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    week = np.ones((shape[0], 7))
    week[:, 5:] = rng.uniform(0.75, 1.05, (shape[0], 2))
    return week[:, np.arange(shape[1]) % 7]


def holidays(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    factor = np.ones(shape)
    for stream in range(shape[0]):
        for start in np.flatnonzero(rng.random(shape[1]) < 3 / 365):
            factor[stream, start : start + rng.integers(1, 8)] = rng.uniform(0.6, 1.4)
    return factor


def campaigns(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    boost, lift = np.ones(shape), np.zeros(shape)
    for stream in range(shape[0]):
        for start in np.flatnonzero(rng.random(shape[1]) < 2 / 365):
            end = start + rng.integers(3, 11)
            boost[stream, start:end] = rng.uniform(2, 5)
            lift[stream, start:end] = rng.uniform(0.2, 0.5)
    return boost, lift


def draw_stars(rng: np.random.Generator, reviews: Ints, mean: Floats) -> Ints:
    """Draw star counts (…, 5) around a mean."""
    return rng.multinomial(reviews, star_mix(mean))


def star_mix(mean: Floats) -> Floats:
    """Return the shares of 1 to 5 stars (…, 5): a J-shaped mix tilted so that its mean is the wanted one."""
    base = np.array([0.14, 0.06, 0.09, 0.17, 0.54])
    wanted = np.clip(mean, 1.2, 4.92)
    tilt = np.zeros(mean.shape)
    for _ in range(12):
        p = base * np.exp(tilt[..., None] * (STARS - 4))
        p /= p.sum(axis=-1, keepdims=True)
        now = p @ STARS
        variance = np.maximum(p @ STARS**2 - now**2, 0.05)
        tilt += np.clip((wanted - now) / variance, -1.0, 1.0)
    p = base * np.exp(tilt[..., None] * (STARS - 4))
    return np.asarray(p / p.sum(axis=-1, keepdims=True))


def topic_world(
    rng: np.random.Generator,
    apps: int,
    days: int,
    volume: float,
    *,
    topics: int = 25,
    planted: Floats | None = None,
    share: float | None = None,
) -> tuple[Ints, Ints]:
    """Return mentions (apps × topics, days) and reviews of the same shape (a row repeats its app's).

    `share` sets every topic's usual share; `planted` (days,) is added to it.
    """
    world = star_world(rng, apps, days, volume)
    reviews = np.repeat(world.counts.sum(axis=2), topics, axis=0)
    shape = reviews.shape
    usual = np.exp(rng.uniform(np.log(0.003), np.log(0.08), (shape[0], 1)))
    if share is not None:
        usual = np.full((shape[0], 1), share)
    today = usual * np.exp(0.25 * wander(rng, shape, 60.0)) + (0.0 if planted is None else planted)
    today = np.clip(today * rng.gamma(10.0, 0.10, shape), 0.0, 0.9)
    return rng.binomial(reviews, today), reviews


@dataclass(frozen=True, slots=True)
class Crashes:
    """Crashes and sessions (apps, days) of all versions and of the newest, and the release days."""

    crashes: Floats
    sessions: Floats
    newest_crashes: Floats
    newest_sessions: Floats
    releases: list[int]


def crash_world(
    rng: np.random.Generator, apps: int, days: int, sessions: float, *, release_factor: dict[int, float] | None = None
) -> Crashes:
    """Simulate crashes; `release_factor` maps a release's number (0, 1, …) to what multiplies its version's rate."""
    releases = [int(day) for day in np.cumsum(rng.integers(14, 36, size=days // 14 + 1)) if day < days]
    shape = (apps, days)
    ran = rng.poisson(sessions * weekdays(rng, shape) * np.exp(wander(rng, shape, 60.0) * 0.1))
    usual = np.exp(rng.uniform(np.log(0.002), np.log(0.01), (apps, 1)))
    daily = np.exp(0.10 * rng.normal(0, 1, shape))
    factor = np.exp(0.10 * rng.normal(0, 1, (apps, len(releases) + 1)))
    for number, times in (release_factor or {}).items():
        factor[:, number + 1] = times * factor[:, number]
    version = np.searchsorted(releases, np.arange(days), side="right")
    age = np.arange(days) - np.array([0, *releases])[version]
    adopted = 1 - np.exp(-(age + 0.5) / 5)
    new_sessions = rng.binomial(ran, adopted)
    new = rng.poisson(new_sessions * usual * daily * factor[:, version])
    old = rng.poisson((ran - new_sessions) * usual * daily * factor[:, np.maximum(version - 1, 0)])
    return Crashes(*(part.astype(np.float64) for part in (new + old, ran, new, new_sessions)), releases)


@dataclass(frozen=True, slots=True)
class Hours:
    """Bad reviews, all reviews, and the bad ones that an outage brought: (streams, hours)."""

    negatives: Ints
    reviews: Ints
    outage: Ints


def hour_world(
    rng: np.random.Generator, streams: int, days: int, volume: float, *, outage: tuple[int, int, float] | None = None
) -> Hours:
    """Simulate hours; `outage` is (first hour, hours, times).

    It adds to the negatives of its hours until they are `times` the stream's normal ones.
    """
    world = star_world(rng, streams, days, volume)
    hours = np.arange(24)
    profile = 0.25 + np.clip(np.sin((hours - 7) / 17 * np.pi), 0, None)
    profile *= 24 / profile.sum()
    share = np.repeat(star_mix(world.mean)[:, :, :2].sum(axis=2), 24, axis=1)
    rate = np.repeat(world.level / 24, 24, axis=1) * np.tile(profile, days)
    noise = rng.gamma(1 / 0.15, 0.15, rate.shape)
    bad = rate * share * noise
    extra = np.zeros_like(bad)
    if outage is not None:
        first, length, times = outage
        usual = bad.mean(axis=1, keepdims=True) * np.tile(profile, days)
        extra[:, first : first + length] = (times - 1) * usual[:, first : first + length]
    broken = rng.poisson(extra)
    negatives = rng.poisson(bad) + broken
    return Hours(negatives, negatives + rng.poisson(rate * (1 - share) * noise), broken)


def hour_topics(rng: np.random.Generator, world: Hours, *, topics: int = 25, named: float = 0.5) -> Ints:
    """Return negative mentions (streams, topics, hours) of the bad reviews of `world`.

    A bad review names a topic with a usual share of 1.2 to 25 % (together at most 0.9), the day's noise of relative
    variance 0.10, slow log sd 0.25 over 60 days. A share `named` of the outage's bad reviews names topic 0, which is
    what is broken; of the rest and of a real taxonomy nothing is known.
    """
    streams, hours = world.negatives.shape
    share = np.exp(rng.uniform(np.log(0.012), np.log(0.25), (streams, topics)))
    share /= np.maximum(share.sum(axis=1, keepdims=True) / 0.9, 1)
    mentions = np.zeros((streams, topics, hours), np.int64)
    for stream in range(streams):
        slow = np.exp(0.25 * wander(rng, (topics, -(-hours // 24)), 60.0))
        today = np.clip(share[stream][:, None] * slow * rng.gamma(10.0, 0.10, slow.shape), 0, 0.9)
        mentions[stream] = rng.binomial(world.negatives[stream], np.repeat(today, 24, axis=1)[:, :hours])
        mentions[stream, 0] += rng.binomial(world.outage[stream], named)
    return mentions


@dataclass(frozen=True, slots=True)
class Fault:
    """What breaks from day `day` on: stars lost by everybody (server) or by the users of that day's release.

    A share `named` of the bad reviews that it adds names topic 0; crashes are multiplied by `crashes`.
    """

    day: int
    stars: float = -0.8
    release: bool = False
    named: float = 0.5
    crashes: float = 1.0


@dataclass(frozen=True, slots=True)
class Joint:
    """Stars, negative mentions (apps, topics, days) and crashes of the same apps and days."""

    world: World
    mentions: Ints
    crashes: Floats
    sessions: Floats


def joint_world(
    rng: np.random.Generator,
    apps: int,
    days: int,
    volume: float,
    *,
    topics: int = 25,
    sessions: float = 10_000,
    fault: Fault | None = None,
    releases: list[int] | None = None,
) -> Joint:
    """Simulate apps whose topics are said by those who write bad reviews: a bad day has more of every complaint.

    So stars and topics are not independent without any fault, which is what makes adding them up hard.
    """
    shift = None
    if fault is not None and not fault.release:
        shift = np.where(np.arange(days) >= fault.day, fault.stars, 0.0)
    bad_release = {fault.day: fault.stars} if fault is not None and fault.release else None
    world = star_world(rng, apps, days, volume, shift=shift, release_shift=bad_release, releases=releases)
    negatives = world.counts[:, :, :2].sum(axis=2)
    broken = np.zeros_like(negatives)
    if fault is not None:
        usual = star_mix(world.mean - (0.0 if shift is None else shift))[:, :, :2].sum(axis=2)
        after = np.arange(days) >= fault.day
        hurt = world.newest[:, :, :2].sum(axis=2) if fault.release else negatives
        written = world.newest.sum(axis=2) if fault.release else world.counts.sum(axis=2)
        broken = np.where(after, np.clip(hurt - np.round(written * usual), 0, None), 0).astype(np.int64)
    share = np.exp(rng.uniform(np.log(0.012), np.log(0.25), (apps, topics)))
    share /= np.maximum(share.sum(axis=1, keepdims=True) / 0.9, 1)
    shape = (apps * topics, days)
    today = share.reshape(-1, 1) * np.exp(0.25 * wander(rng, shape, 60.0)) * rng.gamma(10.0, 0.10, shape)
    mentions = rng.binomial(np.repeat(negatives, topics, axis=0), np.clip(today, 0, 0.9)).reshape(apps, topics, days)
    if fault is not None:
        mentions[:, 0] += rng.binomial(broken, fault.named)
    ran = rng.poisson(sessions * weekdays(rng, (apps, days)) * np.exp(wander(rng, (apps, days), 60.0) * 0.1))
    rate = np.exp(rng.uniform(np.log(0.002), np.log(0.01), (apps, 1))) * np.exp(0.10 * rng.normal(size=(apps, days)))
    version = np.searchsorted(world.releases, np.arange(days), side="right")
    rate = rate * np.exp(0.10 * rng.normal(size=(apps, len(world.releases) + 1)))[:, version]
    if fault is not None:
        rate = rate * np.where(np.arange(days) >= fault.day, fault.crashes, 1.0)
    crashed = rng.poisson(ran * rate)
    return Joint(world, mentions, crashed.astype(np.float64), ran.astype(np.float64))
