"""What an incident leads with: when stars fall together with an irritant, the stars come first and the topic after."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

STAR_RULES = frozenset({"rating_drop", "bad_release"})
HOSTS = frozenset({"new_irritant", "burst", "crash_spike"})
"""Rules whose incidents falling stars lead."""


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
        return Leading(told.rule, told.subject, told.effect, days, _irritant(told), chance)
    falls = [one for one in support if one["rule"] in STAR_RULES and one["effect"].get("before") is not None]
    if told.rule not in HOSTS or not falls:
        return Leading(told.rule, told.subject, told.effect, days, _irritant(told), chance)
    fall = max(falls, key=lambda one: (one["subject"] == "app", float(one.get("score", 0.0))))
    if fall.get("day") and fall.get("since"):
        days = (date.fromisoformat(fall["day"]) - date.fromisoformat(fall["since"])).days + 1
    return Leading(fall["rule"], fall["subject"], fall["effect"], days, _irritant(told), fall.get("chance"))


def _irritant(told: Told) -> str:
    """The topic that goes with it: its own, else that of the strongest irritant or burst that supports it, or ""."""
    own = {"rule": told.rule, "subject": told.subject, "score": 0.0}
    spoken = [one for one in told.evidence.get("support", ()) if _names_topic(one)]
    spoken.sort(key=lambda one: (one["rule"] == "new_irritant", float(one.get("score", 0.0))))
    if _names_topic(own):
        return _topic(told.subject) if told.evidence.get("support") else ""
    return _topic(spoken[-1]["subject"]) if spoken else ""


def _names_topic(one: Mapping[str, Any]) -> bool:
    return one["rule"] in {"new_irritant", "burst"} and str(one["subject"]).startswith("topic:")


def _topic(subject: str) -> str:
    return subject.partition(":")[2]
