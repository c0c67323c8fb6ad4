"""What an incident leads with: when stars fall together with an irritant, the stars come first and the topic after."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

STAR_RULES = frozenset({"rating_drop", "bad_release"})


class Told(Protocol):
    """What can be told: a Finding or an Incident."""

    @property
    def rule(self) -> str: ...  # noqa: D102
    @property
    def subject(self) -> str: ...  # noqa: D102
    @property
    def effect(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def evidence(self) -> Mapping[str, Any]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Leading:
    """The fact of a headline: `days` is its window's length, `topic` the irritant that goes with falling stars or "".

    `chance` is that of the fact itself, None where it was not kept.
    """

    rule: str
    subject: str
    effect: Mapping[str, Any]
    days: int
    topic: str
    chance: Mapping[str, Any] | None


def leading(told: Told) -> Leading:
    """Choose the fact that an incident's title tells, from its own rule and from what supports it."""
    evidence = told.evidence
    support = evidence.get("support", ())
    days, chance = int((evidence.get("window") or {}).get("days", 0)), evidence.get("chance")
    if told.rule in STAR_RULES:
        irritants = [one for one in support if one["rule"] == "new_irritant"]
        strongest = max(irritants, key=lambda one: float(one.get("score", 0.0)), default=None)
        topic = _topic(strongest["subject"]) if strongest else ""
        return Leading(told.rule, told.subject, told.effect, days, topic, chance)
    falls = [one for one in support if one["rule"] in STAR_RULES and one["effect"].get("before") is not None]
    if told.rule != "new_irritant" or not falls:
        return Leading(told.rule, told.subject, told.effect, days, "", chance)
    fall = max(falls, key=lambda one: (one["subject"] == "app", float(one.get("score", 0.0))))
    if fall.get("day") and fall.get("since"):
        days = (date.fromisoformat(fall["day"]) - date.fromisoformat(fall["since"])).days + 1
    return Leading(fall["rule"], fall["subject"], fall["effect"], days, _topic(told.subject), fall.get("chance"))


def _topic(subject: str) -> str:
    return subject.partition(":")[2]
