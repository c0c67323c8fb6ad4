"""Incidents that were seen to be over (alerts.recovery): their days are left out where something new is looked for.

Otherwise the next look would find the same fall again: a window of three weeks still holds it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from alerts.evidence import channel_of
from alerts.leading import STAR_RULES
from alerts.life import Key
from alerts.streams import Bools, History
from models.incidents import Incident

FADING_DAYS = 7
"""For which those on the old version still name what the new one mended: their topics are not looked for anew."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Days of an incident that was seen to be over: what looks back over them must not find it again."""

    keys: frozenset[Key]
    topics: frozenset[str]
    channels: frozenset[str]
    first: date
    last: date
    faded: date
    """Up to which the topics are left out."""


def keys_of(incident: Incident) -> set[Key]:
    """Return what it is of and what supports it: (rule, subject)."""
    return {(incident.rule, incident.subject)} | {
        (one["rule"], one["subject"]) for one in incident.evidence.get("support", [])
    }


def fell_on(incident: Incident) -> date:
    """The first day of the fall: that of the window that opened it, or of its strongest day where that is earlier."""
    window = str(incident.evidence["window"]["from"])
    return date.fromisoformat(min(window, str(incident.evidence.get("began", window))))


def settled(incident: Incident) -> Settled | None:
    """The days and subjects of an incident that was seen to be over; None for any other."""
    told = incident.evidence.get("recovered")
    if incident.state != "resolved" or not told:
        return None
    keys = keys_of(incident)
    topics = {subject.partition(":")[2] for _, subject in keys if subject.startswith("topic:")}
    topics |= {str(one["topic"]) for one in incident.evidence.get("topics", ())}
    channels = {channel for _, subject in keys if (channel := channel_of(subject))}
    if any(rule in STAR_RULES and subject == "app" for rule, subject in keys):
        channels = set()  # all of them
    last = date.fromisoformat(told["day"])
    faded = last + timedelta(days=FADING_DAYS if told["version"] else 0)
    return Settled(frozenset(keys), frozenset(topics), frozenset(channels), fell_on(incident), last, faded)


def leaving_out(history: History, past: Iterable[Settled]) -> History:
    """Return the history with the days that each subject's rules leave out (`History.over`)."""
    over: dict[str, Bools] = {}
    days = np.arange(len(history.judged["app"]))
    for one in past:
        inside = (days >= history.index(one.first)) & (days <= history.index(one.last))
        subjects: set[str] = set()
        for stream in history.streams:
            channel = channel_of(stream.subject)
            if channel is None or not one.channels or channel in one.channels:
                subjects.add(stream.subject)
        subjects |= {subject for rule, subject in one.keys if rule == "bad_release"}
        for subject in subjects:
            over[subject] = over.get(subject, np.zeros(len(days), np.bool_)) | inside
        fading = (days >= history.index(one.first)) & (days <= history.index(one.faded))
        for topic in one.topics:
            over[f"topic:{topic}"] = over.get(f"topic:{topic}", np.zeros(len(days), np.bool_)) | fading
    return replace(history, over=over) if over else history
