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

from alerts.detectors.calibration import DEFAULT_THRESHOLDS, false_alarm_years
from alerts.detectors.episodes import CALM_DAYS, LONGEST_FREEZE
from alerts.detectors.together import GROUPS, Part, together
from alerts.leading import STAR_RULES
from models.incidents import Incident

COINCIDE_DAYS = 10  # two findings are one incident when their windows meet and begin within so many days
ALONE = frozenset({"silent_source", "loss_ahead"})
"""Rules about a source and not about customers (alerts.silence): neither supports nor is supported by another."""
CALM_OF = {"burst": 2, "urgent": 7, "keyword": 7, "unanswered": 1}
"""Judged days of calm that end an incident of these rules alone: a burst is over in hours, late answers are given."""
OWN = frozenset({"late_delivery", "late_look", "canary_missing", "canary"})
"""Rules about the telling itself (alerts.own, app.canary): no look opens or closes their incidents."""
APART = ALONE | OWN | {"urgent", "keyword", "unanswered"}
"""Rules whose incidents stand apart: what people wrote there wants reading, whatever else goes on."""
ALARM_DAYS = 3  # or when one is first seen within so many days of the opening of the other
UNSEEN_DAYS = 3
"""Days without a judgement after which an incident's timeline says so: a week-end's hole is not worth a line."""
STRONGER = 1.0  # of score: what the timeline calls strengthened
RARER = 10.0  # times rarer than what was told: evidence that has added up is told again, at most once a day
PART_DAYS = 2  # two parts seen above within so many days speak of the same days

Key = tuple[str, str]
"""(rule, subject)"""
Kind = Literal["opened", "raised", "strengthened", "supported", "added_up", "updated", "unseen", "resolved"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's judgement of one subject at one look, with its evidence.

    `level` None is calm: it is told only of subjects that have a live incident, with `calm_days`, the judged days since
    that incident was last above. `effect` is a detectors.Effect as a dictionary; `evidence` is described in
    alerts.evidence. `day` is the newest complete day, the last of the window. `unseen` (alerts.unseen) tells that the
    subject of a live incident has no data, no complete day, or too few reviews to judge, since the day `since`.
    `app_years`: without a change, once in so many years on this whole app, whatever the subject (0: not known).
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
    """Calm that needs no days to prove it: a source that was silent speaks again, or stars are seen to be back (then
    `evidence["recovered"]` says by what: alerts.recovery)."""
    app_years: float = 0.0

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
    live = [incident for incident in live if incident.rule not in ALONE | OWN]
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

    Given the same findings again it changes nothing more. `origin` (live or history) is that of incidents it opens. A
    look at history sends nothing: what would be told of a live incident (that it is raised, adds up, ends) it leaves
    to the next live look, or nobody would ever hear of it.
    """
    alive = [incident for incident in live if incident.state != "resolved"]
    changes: list[Change] = []
    known = held(alive)
    # What is live first: a new finding of the same days must meet it as of today, not as of yesterday.
    for finding in sorted(findings, key=lambda one: (one.level is None, one.key not in known, *_rank(one))):
        own = next((i for i in alive if (i.rule, i.subject) == finding.key), None)
        host = own or next((i for i in alive if _support(i, finding.key) is not None), None)
        if own is not None:
            changes += _update(own, finding, now, mute=_mute(own, origin))
            if own.state == "resolved":
                alive.remove(own)
        elif host is not None:
            changes += _attach(host, finding, now, mute=_mute(host, origin))
        elif finding.level is not None:
            apart = finding.rule in APART
            host = None if apart else next((i for i in alive if _coincide(i, finding)), None)
            if host is not None:
                changes += _attach(host, finding, now, mute=_mute(host, origin))
            else:
                changes.append(_open(app_id, finding, now, origin))
                alive.append(changes[-1].incident)
    return changes


def _mute(incident: Incident, origin: str) -> bool:
    """Whether a look of this origin may say nothing of an incident that people were told of, or may yet be."""
    return origin == "history" and incident.origin == "live"


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
        evidence={
            **finding.evidence,
            "told_score": finding.score,
            "now": _now(finding),
            "began": finding.since.isoformat(),
        },
    )
    _add_up(incident, finding)
    return Change("opened", incident, finding, _detail(finding))


def _update(incident: Incident, finding: Finding, now: datetime, *, mute: bool) -> list[Change]:
    if finding.unseen:
        return _unseen(incident, finding, now, mute=mute)
    if incident.evidence.get("unseen"):
        incident.evidence = {name: value for name, value in incident.evidence.items() if name != "unseen"}
    if finding.level is None:
        return _calm(incident, finding, now, mute=mute)
    if finding.day < incident.last_above_day:
        return []
    changes = []
    evidence = {**incident.evidence, "now": _now(finding)}
    incident.last_above_day, incident.updated_at, incident.score = finding.day, now, finding.score
    if finding.score > incident.peak_score:  # the evidence kept is that of the strongest day
        incident.peak_score, incident.effect = finding.score, dict(finding.effect)
        evidence |= finding.evidence
    if finding.level == "alert" and incident.severity == "watch" and not mute:
        incident.severity = "alert"
        evidence["told_score"] = finding.score
        changes.append(Change("raised", incident, finding, _detail(finding)))
    elif finding.score >= evidence["told_score"] + STRONGER:
        evidence["told_score"] = finding.score
        changes.append(Change("strengthened", incident, finding, _detail(finding)))
    incident.evidence = evidence
    return changes + _together(incident, finding, mute=mute)


def _calm(incident: Incident, finding: Finding, now: datetime, *, mute: bool) -> list[Change]:
    """Nothing is above: it ends where that has lasted, or where it is seen to be over."""
    if mute:
        return []
    incident.score = finding.score
    incident.updated_at = now
    detail = _detail(finding)
    if told := finding.evidence.get("recovered"):
        incident.evidence = {**incident.evidence, "recovered": told}
        detail |= _shown(told)
    else:
        incident.evidence = {**incident.evidence, "now": _now(finding)}
    # Support seen above earlier in this same look has moved last_above_day past what calm_days was counted from.
    calm = calm_of(incident)
    if finding.over or (finding.calm_days >= calm and (finding.day - incident.last_above_day).days >= calm):
        incident.state, incident.resolved_at = "resolved", now
        return [Change("resolved", incident, finding, detail)]
    return []


def _unseen(incident: Incident, finding: Finding, now: datetime, *, mute: bool) -> list[Change]:
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
    if not mute and least is not None and finding.window_days >= least and above >= CALM_DAYS - UNSEEN_DAYS:
        incident.state, incident.resolved_at, incident.updated_at = "resolved", now, now
        changes.append(Change("resolved", incident, finding, detail))
    return changes


def _attach(incident: Incident, finding: Finding, now: datetime, *, mute: bool) -> list[Change]:
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
    if finding.level == "alert" and incident.severity == "watch" and not mute:
        incident.severity = "alert"
        changes.append(Change("raised", incident, finding, _detail(finding)))
    return changes + _together(incident, finding, mute=mute)


def calm_of(incident: Incident) -> int:
    """Return the judged days of calm that end it: those of its slowest part."""
    rules = {incident.rule, *(support["rule"] for support in incident.evidence.get("support", []))}
    return max(CALM_OF.get(rule, CALM_DAYS) for rule in rules)


def _together(incident: Incident, finding: Finding, *, mute: bool) -> list[Change]:
    """Add up the parts seen in these days; they may raise the incident, or make its follow-up worth a message."""
    found = _add_up(incident, finding)
    if found is None or mute:
        return []
    detail = {"rule": "together", "subject": "app", "score": round(found["score"], 3), "years": found["years"]}
    if incident.severity == "watch" and found["score"] >= DEFAULT_THRESHOLDS["together"].alert:
        incident.severity = "alert"
        found["told"], found["told_day"] = found["years"], str(finding.day)
        return [Change("raised", incident, finding, detail)]
    parts = incident.evidence["parts"]
    own = [part for part in parts if (part["rule"], part["subject"]) == (incident.rule, incident.subject)]
    told = found.get("told") or max(part["app_years"] for part in own or parts)
    if found["years"] < told * RARER or found.get("told_day") == str(finding.day):
        return []
    found["told"], found["told_day"] = found["years"], str(finding.day)
    return [Change("added_up", incident, finding, detail)]


def mark_told(incident: Incident, day: date) -> None:
    """Remember that what has added up so far was told: only what is much rarer is worth another message."""
    found = incident.evidence.get("together")
    if found is not None:
        kept = {**found, "told": found["years"], "told_day": str(day)}
        incident.evidence = {**incident.evidence, "together": kept}


def _add_up(incident: Incident, finding: Finding) -> dict[str, Any] | None:
    """Keep what this part says, and return the strongest sum of parts so far, None while one kind of evidence is alone.

    Kept in `evidence["together"]`: score, years (once in so many on this app), rules; told and told_day once told.
    """
    if finding.level is None or finding.rule not in GROUPS:
        return None
    parts = [
        part
        for part in incident.evidence.get("parts", [])
        if (part["rule"], part["subject"]) != finding.key
        and abs((finding.day - date.fromisoformat(part["day"])).days) <= PART_DAYS
    ]
    parts.append(
        {
            "rule": finding.rule,
            "subject": finding.subject,
            "day": str(finding.day),
            "app_years": round(finding.app_years, 4),
        }
    )
    incident.evidence = {**incident.evidence, "parts": parts}
    score = together(Part(part["rule"], part["app_years"]) for part in parts)
    best: dict[str, Any] | None = incident.evidence.get("together")
    if score is not None and (best is None or score > best["score"]):
        best = {
            **(best or {}),
            "score": round(score, 3),
            "years": round(false_alarm_years("together", score), 3),
            "rules": sorted({part["rule"] for part in parts}),
        }
    if best is not None:
        best = {**best}  # a copy of its own: what is changed in place is not seen as a change
        incident.evidence = {**incident.evidence, "together": best}
    return best


def _support(incident: Incident, key: Key) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = incident.evidence.get("support", [])
    return next((s for s in found if (s["rule"], s["subject"]) == key), None)


def _coincide(incident: Incident, finding: Finding) -> bool:
    """Whether the windows meet, begin close together, and speak of the same thing.

    A source's silence is a thing of its own. Channels apart are two things, unless it is the same version on both, or
    what supports the incident is not of one channel alone.
    """
    if incident.rule in APART:
        return False
    begun = date.fromisoformat(incident.evidence["window"]["from"])
    meet = finding.since <= incident.last_above_day and begun <= finding.day
    # A fall is often seen best over weeks: then it is the alarms that are near, not the beginnings of their windows.
    near = abs((finding.since - begun).days) <= COINCIDE_DAYS or (
        abs((finding.day - incident.opened_day).days) <= ALARM_DAYS
    )
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


def _shown(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a timeline shows of an end: the stars that came back, and whose they are."""
    return {"rule": "bad_release" if told["version"] else "rating_drop", "subject": told["subject"], "recovered": told}


def _detail(finding: Finding) -> dict[str, Any]:
    return {"rule": finding.rule, "subject": finding.subject, "level": finding.level, **_now(finding)}
