"""The messages that are sent: an incident's states, a destination that does not work, a trial."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from alerts import silence_words
from alerts.channels.base import Message, Quote
from alerts.irritant_names import called
from alerts.leading import STAR_RULES, Told
from alerts.life import ALONE
from alerts.saying import (
    channel_name,
    counted,
    day_name,
    full_stop,
    in_place,
    locale_of,
    place_of,
    rule_name,
    say,
    share,
    stars,
)
from alerts.wording import chance_sentence, headline, lead, sparkline


def opened_message(kind: str, app: str, told: Told, language: str, **identity: Any) -> Message:
    """Return the message of an opening, or of one that was raised. `identity` are further fields of Message."""
    words = lead(told, language)
    return Message(
        kind=kind,
        title=headline(app, told, language),
        lead=say(language, "raised", lead=words) if kind == "incident.updated" else words,
        app=app,
        language=language,
        quotes=tuple(
            Quote(
                text=str(quote["text"]),
                stars=quote["stars"],
                version=str(quote["version"] or ""),
                where=channel_name(language, quote["channel"]),
                day=day_name(language, date.fromisoformat(quote["day"])),
            )
            for quote in told.evidence.get("quotes", ())
        ),
        chance=chance_sentence(told, language),
        trend=sparkline(language, told.evidence.get("weeks", ())),
        link_text=say(language, "link"),
        **identity,
    )


def resolved_message(
    app: str,
    told: Told,
    language: str,
    *,
    opened: date,
    ended: date,
    calm_days: int,
    actor: str | None,
    blind: tuple[str, date] | None = None,
    **identity: Any,
) -> Message:
    """Return the message of an end: what it is back to, and how long it lasted. `actor` is who closed it by hand.

    `blind`: why it cannot be seen (Finding.unseen) and since when, so it is closed without knowing whether it is over.
    """
    if (back := told.evidence.get("recovered")) and actor is None and blind is None:
        return _recovered_message(app, told, language, back, opened=opened, **identity)
    if told.rule in ALONE and not actor:
        title, words = silence_words.ended(app, told, language, opened, ended)
    else:
        title = _end_title(app, told, language, by_hand=actor is not None, blind=blind is not None)
        words = _end_lead(told, language, opened=opened, ended=ended, calm_days=calm_days, actor=actor, blind=blind)
    return Message(
        kind="incident.resolved",
        title=title,
        lead=full_stop(words.rstrip(".")),
        app=app,
        language=language,
        link_text=say(language, "link"),
        **identity,
    )


def _end_lead(
    told: Told,
    language: str,
    *,
    opened: date,
    ended: date,
    calm_days: int,
    actor: str | None,
    blind: tuple[str, date] | None,
) -> str:
    """Say how it ended and how long it lasted."""
    day = day_name(language, opened)
    if blind is not None:
        why, since = blind
        return say(
            language,
            "resolved_no_crashes" if told.rule == "crash_spike" else f"resolved_{why}",
            days=counted(language, "days", (ended - since).days + 1),
            since=full_stop(day_name(language, since)),
            day=day,
        )
    if actor:
        return say(language, "resolved_by", actor=actor, day=day)
    lasted = counted(language, "days", max((ended - opened).days - calm_days, 1))
    return say(language, "resolved_lead", calm=counted(language, "days", calm_days), days=lasted, day=day)


def _end_title(app: str, told: Told, language: str, *, by_hand: bool, blind: bool) -> str:
    """Say what is over, as far as it is known: who closes an incident by hand does not say that all is well."""
    kind, _, topic = told.subject.partition(":")
    source = (told.evidence.get("source") or {}).get("name", "") if told.rule in ALONE else ""
    place = f"{app}, {source}" if source else f"{app}{place_of(language, told.subject)}"
    if kind == "version":
        place = f"{app} {told.subject.rpartition(':')[2]}{place_of(language, told.subject)}"
    if blind or by_hand:
        what = called(told, topic, language) if told.rule == "new_irritant" else rule_name(language, told.rule)
        subject = app if told.rule == "new_irritant" else place
        return say(language, "resolved_blind" if blind else "resolved_closed", subject=subject, what=what)
    if told.rule == "new_irritant":
        worst = share(language, told.effect["after"])
        return say(language, "resolved_topic", app=app, topic=called(told, topic, language), worst=worst)
    if told.rule in STAR_RULES:
        now = told.evidence.get("now", {}).get("effect", {}).get("after")
        if now is None or now <= told.effect["after"]:
            return say(language, "resolved_stars_usual", subject=place)
        worst = stars(language, told.effect["after"])
        return say(language, "resolved_stars", subject=place, now=stars(language, now), worst=worst)
    if told.rule == "burst" and kind == "topic":
        return say(language, "resolved_burst_topic", subject=place, topic=called(told, topic, language))
    return say(language, f"resolved_{told.rule}", subject=place, topic=topic)


def _recovered_message(
    app: str, told: Told, language: str, back: Mapping[str, Any], *, opened: date, **identity: Any
) -> Message:
    """Return the message of an end that shows in the stars: since which version or day, and how many reviews say it."""
    since, day = date.fromisoformat(back["since"]), date.fromisoformat(back["day"])
    kind = str(back["subject"]).partition(":")[0]
    place = in_place(language, back["channel"]) if kind == "version" else place_of(language, back["subject"])
    figures = {name: stars(language, back[name]) for name in ("now", "usual", "worst")}
    named = {"app": app, "place": place, "version": back["version"], "day": day_name(language, since)}
    title = say(language, "recovered_version" if back["version"] else "recovered", **named, **figures)
    words = say(
        language,
        "recovered_lead",
        **figures,
        reviews=counted(language, "reviews", back["reviews"]),
        span=counted(language, "span", (day - since).days + 1),
        days=counted(language, "days", max((since - opened).days, 1)),
        day=day_name(language, opened),
    )
    return Message(
        kind="incident.resolved",
        title=title,
        lead=full_stop(words.rstrip(".")),
        app=app,
        language=language,
        link_text=say(language, "link"),
        **identity,
    )


def added_up_message(app: str, told: Told, language: str, **identity: Any) -> Message:
    """Return the follow-up that other signals of the same days have confirmed an incident, all of them named."""
    made = opened_message("incident.strengthened", app, told, language, **identity)
    return replace(made, kind="incident.updated", lead=say(language, "added_up", lead=made.lead))


def naming(message: Message, others: Sequence[str]) -> Message:
    """Return a message whose title also names the other apps of the company where the same happens that day."""
    if not others:
        return message
    apps = ", ".join(others[:5]) + (" …" if len(others) > 5 else "")
    return replace(message, title=say(message.language, "also_at", title=message.title, apps=apps))


def reopened_message(app: str, told: Told, language: str, *, actor: str, **identity: Any) -> Message:
    """Return the message of an incident that a person opened again."""
    made = opened_message("incident.opened", app, told, language, **identity)
    return replace(made, lead=say(language, "reopened", actor=actor, lead=made.lead))


def state_message(kind: str, app: str, told: Told, language: str, *, actor: str, zone: str, **identity: Any) -> Message:
    """Return the message that somebody acknowledged an incident, silenced it, or ended the silence (`kind`)."""
    made = opened_message(kind, app, told, language, **identity)
    until = identity["data"].get("silenced_until")
    moment = ""
    if until:
        local = datetime.fromisoformat(until).astimezone(ZoneInfo(zone))
        moment = format_datetime(local, "EEEE d MMM, HH:mm", locale=locale_of(language))
    return replace(made, status=say(language, kind.replace(".", "_"), actor=actor, until=moment))


def reminder_message(app: str, told: Told, language: str, *, hours: int, **identity: Any) -> Message:
    """Return the message that nobody has looked after an incident yet, `hours` after its opening."""
    made = opened_message("incident.reminder", app, told, language, **identity)
    long = counted(language, "hours", hours) if hours < 48 else counted(language, "days", hours // 24)
    return replace(made, lead=say(language, "reminder", long=long, lead=made.lead))


def delivery_failed_message(kind: str, told: Message, *, destination: str, what: str, reason: str, app: str) -> Message:
    """Return the message that tells other destinations of one that does not work; `what` is disabled or dead."""
    language = told.language
    return Message(
        kind=kind,
        title=say(language, f"failed_{what}", app=app or "Cocoon", destination=destination),
        lead=say(language, f"failed_lead_{what}", reason=f"« {reason} »." if reason else "–", title=told.title),
        app=app,
        language=language,
        severity=told.severity,
        link=told.link,
        link_text=told.link_text,
        incident_id=told.incident_id,
        data={"destination": destination, "reason": reason, "failed_kind": told.kind},
    )


def test_message(language: str, *, at: datetime, link: str = "") -> Message:  # noqa: PT028  no test, a trial message
    """Return the message that "send a test alert" sends."""
    return Message(
        kind="test",
        title=say(language, "test_title"),
        lead=say(language, "test_lead"),
        app="Cocoon",
        language=language,
        link=link,
        link_text=say(language, "link_home"),
        data={"at": at.isoformat()},
    )
