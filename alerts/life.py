"""The life of incidents as pure steps: what a look's findings change. No database, so that a replay is the same code.

A finding updates its own incident, supports a live one that it coincides with (one release that breaks the sign-in is
one incident, not four), or opens a new one. An incident resolves after 14 judged days without anything above, or after
14 days without data, and then it says so: that nothing is seen is not that all is well.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from alerts.detectors.episodes import CALM_DAYS, LONGEST_FREEZE
from alerts.leading import STAR_RULES
from models.incidents import Incident

COINCIDE_DAYS = 10  # two findings are one incident when their windows meet and begin within so many days
UNSEEN_DAYS = 3
"""Days without a judgement after which an incident's timeline says so: a week-end's hole is not worth a line."""
ALONE = frozenset({"silent_source", "loss_ahead"})
"""Rules about a source and not about customers (alerts.silence): neither supports nor is supported by another."""
STRONGER = 1.0  # of score: what the timeline calls strengthened

Key = tuple[str, str]
"""(rule, subject)"""
Kind = Literal["opened", "raised", "strengthened", "supported", "updated", "unseen", "resolved"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's judgement of one subject at one look, with its evidence.

    `level` None is calm: it is told only of subjects that have a live incident, with `calm_days`, the judged days since
    that incident was last above. `effect` is a detectors.Effect as a dictionary; `evidence` is described in
    alerts.evidence. `day` is the newest complete day, the last of the window. `unseen` (alerts.unseen) tells that the
    subject of a live incident has no data, no complete day, or too few reviews to judge, since the day `since`.
    """

    rule: str
    subject: str
    level: Literal["watch", "alert"] | None
    score: float
    day: date
    since: date
    window_days: int
    baseline_from: date
    baseline_to: date
    false_alarm_years: float
    effect: Mapping[str, Any]
    evidence: Mapping[str, Any] = field(default_factory=dict)
    calm_days: int = 0
    unseen: Literal["", "no_data", "not_judged", "too_few"] = ""
    over: bool = False
    """Calm that needs no days to prove it: a source that was silent speaks again."""

    @property
    def key(self) -> Key:
        """What there is at most one live incident of."""
        return self.rule, self.subject


@dataclass(frozen=True, slots=True)
class Held:
    """What the next look must know of a live incident's subject: since when to count calm, where the baseline ends."""

    last_above: date
    opened: date
    baseline_to: date | None

    def frozen(self, day: date) -> date | None:
        """Return the day no baseline may pass, None once the new level is the usual one."""
        return self.baseline_to if (day - self.opened).days < LONGEST_FREEZE else None


@dataclass(frozen=True, slots=True)
class Change:
    """One step in an incident's life, and the line it leaves on the timeline."""

    kind: Kind
    incident: Incident
    finding: Finding
    detail: dict[str, Any]


def held(live: Sequence[Incident]) -> dict[Key, Held]:
    """Return each live incident's own subject and those that support it; a source's silence is judged elsewhere."""
    found: dict[Key, Held] = {}
    live = [incident for incident in live if incident.rule not in ALONE]
    for incident in live:
        keeps = Held(incident.last_above_day, incident.opened_day, incident.baseline_to)
        for support in incident.evidence.get("support", []):
            found[support["rule"], support["subject"]] = keeps
    return found | {
        (i.rule, i.subject): Held(i.last_above_day, i.opened_day, i.baseline_to) for i in live if i.state != "resolved"
    }


def advance(
    app_id: int, live: Sequence[Incident], findings: Iterable[Finding], now: datetime, origin: str
) -> list[Change]:
    """Apply a look's findings to the live incidents, changing them and making new ones; return what happened.

    Given the same findings again it changes nothing more. `origin` (live or history) is that of incidents it opens.
    """
    alive = [incident for incident in live if incident.state != "resolved"]
    changes: list[Change] = []
    for finding in sorted(findings, key=_rank):
        own = next((i for i in alive if (i.rule, i.subject) == finding.key), None)
        host = own or next((i for i in alive if _support(i, finding.key) is not None), None)
        if own is not None:
            changes += _update(own, finding, now)
            if own.state == "resolved":
                alive.remove(own)
        elif host is not None:
            changes += _attach(host, finding, now)
        elif finding.level is not None:
            host = next((i for i in alive if _coincide(i, finding)), None) if finding.rule not in ALONE else None
            if host is not None:
                changes += _attach(host, finding, now)
            else:
                changes.append(_open(app_id, finding, now, origin))
                alive.append(changes[-1].incident)
    return changes


def _rank(finding: Finding) -> tuple[int, int, float]:
    """App-wide first: it names what its parts only support. Calm last, so that support above keeps an incident open."""
    order = ["rating_drop", "bad_release", "channel", "storefront"]
    kind = finding.subject.split(":")[0] if finding.rule == "rating_drop" and finding.subject != "app" else finding.rule
    return finding.level is None, order.index(kind) if kind in order else len(order), -finding.score


def _open(app_id: int, finding: Finding, now: datetime, origin: str) -> Change:
    assert finding.level is not None, "calm opens nothing"
    incident = Incident(
        app_id=app_id,
        id=uuid4(),
        rule=finding.rule,
        subject=finding.subject,
        state="open",
        severity=finding.level,
        origin=origin,
        opened_at=now,
        opened_day=finding.day,
        updated_at=now,
        last_above_day=finding.day,
        baseline_to=finding.day - timedelta(days=1),
        score=finding.score,
        peak_score=finding.score,
        effect=dict(finding.effect),
        evidence={**finding.evidence, "told_score": finding.score, "now": _now(finding)},
    )
    return Change("opened", incident, finding, _detail(finding))


def _update(incident: Incident, finding: Finding, now: datetime) -> list[Change]:
    if finding.unseen:
        return _unseen(incident, finding, now)
    if incident.evidence.get("unseen"):
        incident.evidence = {name: value for name, value in incident.evidence.items() if name != "unseen"}
    if finding.level is None:
        incident.score = finding.score
        incident.evidence = {**incident.evidence, "now": _now(finding)}
        incident.updated_at = now
        if finding.over:
            incident.state, incident.resolved_at = "resolved", now
            return [Change("resolved", incident, finding, _detail(finding))]
        # Support seen above earlier in this same look has moved last_above_day past what calm_days was counted from.
        if finding.calm_days >= CALM_DAYS and (finding.day - incident.last_above_day).days >= CALM_DAYS:
            incident.state, incident.resolved_at = "resolved", now
            return [Change("resolved", incident, finding, _detail(finding))]
        return []
    if finding.day < incident.last_above_day:
        return []
    changes = []
    evidence = {**incident.evidence, "now": _now(finding)}
    incident.last_above_day, incident.updated_at, incident.score = finding.day, now, finding.score
    if finding.score > incident.peak_score:  # the evidence kept is that of the strongest day
        incident.peak_score, incident.effect = finding.score, dict(finding.effect)
        evidence |= finding.evidence
    if finding.level == "alert" and incident.severity == "watch":
        incident.severity = "alert"
        evidence["told_score"] = finding.score
        changes.append(Change("raised", incident, finding, _detail(finding)))
    elif finding.score >= evidence["told_score"] + STRONGER:
        evidence["told_score"] = finding.score
        changes.append(Change("strengthened", incident, finding, _detail(finding)))
    incident.evidence = evidence
    return changes


def _unseen(incident: Incident, finding: Finding, now: datetime) -> list[Change]:
    """Say once that it cannot be seen; after 14 days without data close it, for want of data and not for calm.

    Too few reviews to judge are less sure a sign: 28 days of them.
    """
    told = {"why": finding.unseen, "since": finding.since.isoformat()}
    detail = {**told, "days": finding.window_days}
    changes = []
    if incident.evidence.get("unseen", {}).get("why") != finding.unseen:
        incident.evidence = {**incident.evidence, "unseen": told}
        incident.updated_at = now
        changes.append(Change("unseen", incident, finding, detail))
    above = (finding.day - incident.last_above_day).days  # what supports it may still be seen
    least = {"no_data": CALM_DAYS, "too_few": 2 * CALM_DAYS}.get(finding.unseen)
    if least is not None and finding.window_days >= least and above >= CALM_DAYS - UNSEEN_DAYS:
        incident.state, incident.resolved_at, incident.updated_at = "resolved", now, now
        changes.append(Change("resolved", incident, finding, detail))
    return changes


def _attach(incident: Incident, finding: Finding, now: datetime) -> list[Change]:
    """Let a finding support an incident: it keeps it open, and may raise it, but makes no message of its own.

    When it is the stars that fall, they lead the title from then on (alerts.leading); the incident stays the same one.
    """
    if finding.level is None:
        return []
    known = _support(incident, finding.key)
    told = {"rule": finding.rule, "subject": finding.subject, "level": finding.level, **_now(finding)}
    if finding.rule in STAR_RULES:  # falling stars lead the title of an incident that an irritant opened
        told["chance"] = finding.evidence.get("chance")
    others = [s for s in incident.evidence.get("support", []) if (s["rule"], s["subject"]) != finding.key]
    if known is None or finding.score > known["score"]:
        incident.evidence = {**incident.evidence, "support": [*others, told]}
    changes = [] if known is not None else [Change("supported", incident, finding, _detail(finding))]
    incident.last_above_day = max(incident.last_above_day, finding.day)
    incident.updated_at = now
    if finding.level == "alert" and incident.severity == "watch":
        incident.severity = "alert"
        changes.append(Change("raised", incident, finding, _detail(finding)))
    return changes


def _support(incident: Incident, key: Key) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = incident.evidence.get("support", [])
    return next((s for s in found if (s["rule"], s["subject"]) == key), None)


def _coincide(incident: Incident, finding: Finding) -> bool:
    """Whether the windows meet, begin close together, and speak of the same thing.

    A source's silence is a thing of its own. Channels apart are two things, unless it is the same version on both, or
    what supports the incident is not of one channel alone.
    """
    if incident.rule in ALONE:
        return False
    begun = date.fromisoformat(incident.evidence["window"]["from"])
    meet = finding.since <= incident.last_above_day and begun <= finding.day
    near = abs((finding.since - begun).days) <= COINCIDE_DAYS
    if not (meet and near):
        return False
    other, version = _channel(finding.subject), _version(finding.subject)
    subjects = [incident.subject, *(support["subject"] for support in incident.evidence.get("support", []))]
    return other is None or any(
        _channel(subject) in (None, other) or (version and _version(subject) == version) for subject in subjects
    )


def _channel(subject: str) -> str | None:
    """Return the channel of "channel:X", "storefront:X:cc" and "version:X:7.2"; None for the whole app and topics."""
    kind, _, rest = subject.partition(":")
    return rest.split(":")[0] if kind in {"channel", "storefront", "version"} else None


def _version(subject: str) -> str:
    """Return the version of "version:X:7.2", "" for anything else."""
    kind, _, rest = subject.partition(":")
    return rest.partition(":")[2] if kind == "version" else ""


def _now(finding: Finding) -> dict[str, Any]:
    return {
        "score": round(finding.score, 3),
        "day": finding.day.isoformat(),
        "since": finding.since.isoformat(),
        "effect": dict(finding.effect),
    }


def _detail(finding: Finding) -> dict[str, Any]:
    return {"rule": finding.rule, "subject": finding.subject, "level": finding.level, **_now(finding)}
