"""What alerts say, in French and English: the number first, then since when and which version, then the chance.

The sentences are in words_fr.yaml and words_en.yaml; numbers and dates are written by Babel (CLDR). Everything here
takes a finding or an incident alike: what has a rule, a subject, an effect and evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent

from alerts.channels.base import Message, Quote
from alerts.leading import STAR_RULES, Told, leading
from alerts.life import ALONE, OWN
from alerts.topics import topic_name

BLOCKS = "▁▂▃▄▅▆▇"
LEAST_RANGE = 0.5  # stars, that the row of blocks spans at least
RAREST_YEARS = 999.0  # beyond, the calibration line is an extrapolation: "less than"


@cache
def _words(language: str) -> Mapping[str, Any]:
    name = "words_fr.yaml" if language == "fr" else "words_en.yaml"
    loaded: Mapping[str, Any] = yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))
    return loaded


@cache
def locale_of(language: str) -> Locale:
    """Return Babel's locale of a language: en_GB, so that days come before months as in French."""
    return Locale.parse("fr_FR" if language == "fr" else "en_GB")


def say(language: str, key: str, **values: str) -> str:
    """Return a sentence with its values; keys with dots reach into groups. Raises KeyError for an unknown one."""
    found: Any = _words(language)
    for part in key.split("."):
        found = found[part]
    return str(found).format(**values)


def counted(language: str, key: str, n: float) -> str:
    """Return a number with its noun in the right form: "1 jour", "3 jours"."""
    form = locale_of(language).plural_form(n)
    found: Mapping[str, str] = _words(language)[key]
    return (found.get(form) or found["other"]).format(n=format_decimal(n, locale=locale_of(language)))


def stars(language: str, mean: float) -> str:
    """Return a mean of stars with one decimal: 4,4 or 4.4."""
    return format_decimal(mean, format="0.0", locale=locale_of(language))


def share(language: str, part: float) -> str:
    """Return a share as a percentage, with a decimal below 3 %."""
    space = "\u00a0" if language == "fr" else ""
    return format_percent(part, format=f"0{'.#' if part < 0.03 else ''}{space}%", locale=locale_of(language))


def day_name(language: str, day: date) -> str:
    """Return "mardi 17 nov." or "Tuesday 17 Nov"."""
    return format_date(day, "EEEE d MMM", locale=locale_of(language))


def duration(language: str, years: float) -> str:
    """Return a length of time in the unit that people would use: 27 ans, 3 mois, 2 semaines, 5 jours."""
    months, days = years * 12, years * 365.25
    if years >= 1.75:
        return counted(language, "years", round(years) if years < 100 else round(years, -1))
    if months >= 1.75:
        return counted(language, "months", round(months))
    if days >= 13:
        return counted(language, "weeks_long", round(days / 7))
    return counted(language, "days", max(round(days), 1))


def channel_name(language: str, channel: str) -> str:
    """Return a channel's name for people, or its key where we have none."""
    return str(_words(language)["channels"].get(channel, channel))


def rule_name(language: str, rule: str) -> str:
    """Return a rule's name for people."""
    return str(_words(language)["rules"].get(rule, rule))


def known_rules() -> list[str]:
    """Return the rules that can open an incident."""
    return [rule for rule in _words("en")["rules"] if rule != "canary"]


def subject_name(language: str, subject: str) -> str:
    """Return what a subject is for people: "Google Play", "App Store, France", "7.2, Google Play", a topic; or ""."""
    kind, _, rest = subject.partition(":")
    if kind == "channel":
        return channel_name(language, rest)
    if kind == "storefront":
        channel, _, place = rest.partition(":")
        country = locale_of(language).territories.get(place.upper(), place.upper())
        return say(language, "storefront", channel=channel_name(language, channel), country=country)
    if kind == "version":
        channel, _, version = rest.partition(":")
        return f"{version}, {channel_name(language, channel)}"
    if kind == "keyword":
        return rest
    return topic_name(rest, language) if kind == "topic" else ""


def headline(app: str, told: Told, language: str) -> str:
    """Return the first line: the fact with its numbers, falling stars before the irritant that goes with them."""
    return _of_ourselves(app, told, language) or _of_customers(app, told, language)


def _of_ourselves(app: str, told: Told, language: str) -> str:
    """The first line about a source or about the telling; "" where it is about what customers wrote."""
    if told.rule in OWN:
        return say(language, f"{told.rule}_title", app=app, **told.evidence.get("values", {}))
    if told.rule in ALONE:
        from alerts import silence_words

        return silence_words.headline(app, told, language)
    return ""


def _of_customers(app: str, told: Told, language: str) -> str:
    from alerts.other_facts import RULES, other_fact

    fact = leading(told)
    effect, subject = fact.effect, fact.subject
    span = counted(language, "span", fact.days)
    if fact.rule == "new_irritant":
        mentions = round(effect["after"] * effect["n_after"])
        return say(
            language,
            "new_irritant",
            app=app,
            topic=subject_name(language, subject),
            before=share(language, effect["before"]),
            after=share(language, effect["after"]),
            mentions=counted(language, "reviews", mentions),
            span=span,
        )
    if fact.rule in RULES:
        told_fact = other_fact(language, app, fact)
        topic = fact.topic if fact.subject != f"topic:{fact.topic}" else ""
        return say(language, "mostly_topic", fact=told_fact, topic=topic_name(topic, language)) if topic else told_fact
    values = {"app": app, "place": place_of(language, subject)}
    if fact.rule in STAR_RULES:
        stars_first = say(
            language,
            fact.rule,
            **values,
            version=subject.rpartition(":")[2],
            before=stars(language, effect["before"]),
            after=stars(language, effect["after"]),
            reviews=counted(language, "reviews", effect["n_after"]),
            span=span,
        )
        if not fact.topic:
            return stars_first
        return say(language, "mostly_topic", fact=stars_first, topic=topic_name(fact.topic, language))
    return say(language, "other", **values, rule=rule_name(language, fact.rule))


def lead(told: Told, language: str) -> str:
    """Return the second line: since when and which version; then what people complain about more, and holes."""
    if told.rule in ALONE:
        from alerts import silence_words

        return silence_words.lead(told, language)
    evidence = told.evidence
    if told.rule in OWN:
        return say(language, f"{told.rule}_lead", **evidence.get("values", {}))
    since = date.fromisoformat(evidence["window"]["from"])
    version = evidence.get("version")
    releases = [r for r in evidence.get("releases", ()) if version and r["version"] == version["version"]]
    if told.rule == "bad_release" and version:
        first = say(
            language,
            "since_version",
            version=version["version"],
            place=_in(language, version["channel"]),
            day=day_name(language, since),
        )
    else:
        first = say(language, "since", day=day_name(language, since))
        if version and releases:
            came = min(date.fromisoformat(r["day"]) for r in releases)
            place = f"{channel_name(language, version['channel'])}, " if version["channel"] else ""
            number, day = version["version"], day_name(language, came)
            first += say(language, "mostly_released", version=number, place=place, day=day)
        elif version:
            place = _in(language, version["channel"])
            first += say(language, "mostly_version", version=version["version"], place=place)
    sentences = [full_stop(first)]
    own = told.subject.partition(":")[2] if leading(told).rule == "new_irritant" else ""  # the title has told it
    risen = [topic for topic in evidence.get("topics", ()) if topic["topic"] != own]
    if risen:
        named = [
            say(
                language,
                "risen_topic",
                topic=topic_name(topic["topic"], language),
                before=share(language, topic["before"]),
                after=share(language, topic["after"]),
            )
            for topic in risen[:2]
        ]
        sentences.append(say(language, "risen", topics=say(language, "list_and").join(named)) + ".")
    from alerts.other_facts import also

    if more := also(told, language, leading(told)):
        sentences.append(full_stop(more))
    return " ".join(sentences)


def full_stop(sentence: str) -> str:
    """Return a sentence with its full stop, which an abbreviated month already has."""
    return sentence if sentence.endswith(".") else f"{sentence}."


def chance_sentence(told: Told, language: str) -> str:
    """Return the honest sentence: how often an alert as strong comes by chance, on one stream and over all.

    Where several kinds of evidence add up it is the sentence of their sum.
    """
    from alerts.other_facts import together_sentence

    if whole := together_sentence(told, language):
        return whole
    found = leading(told).chance
    if not found:
        return ""
    kind = "rare_" if found["years"] >= RAREST_YEARS else ""
    many = "many" if found["streams"] > 1 and found["months"] < 1_200 else "one"
    return say(
        language,
        f"chance_{kind}{many}",
        years=duration(language, found["years"]),
        months=duration(language, found["months"] / 12),
        streams=format_decimal(found["streams"], locale=locale_of(language)),
    )


def sparkline(language: str, weeks: Sequence[float | None]) -> str:
    """Return the weekly means as a row of blocks from the least to the most of them, both told; "" under three weeks.

    A range under half a star is drawn as half a star: weeks that are all alike must not look like a fall.
    """
    known = [mean for mean in weeks if mean is not None]
    if len(known) < 3:
        return ""
    least, most = min(known), max(known)
    room = max(most - least, LEAST_RANGE)
    floor = (least + most - room) / 2
    drawn = "".join("·" if mean is None else BLOCKS[round((mean - floor) / room * 6)] for mean in weeks)
    return say(language, "weeks", blocks=drawn, least=stars(language, least), most=stars(language, most))


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
    now = told.evidence.get("now", {}).get("effect", {}).get("after")
    place = f"{app}{place_of(language, told.subject)}"
    if told.rule == "bad_release":
        place = f"{app} {told.subject.rpartition(':')[2]}{place_of(language, told.subject)}"
    if blind is not None:
        what = subject_name(language, told.subject) if told.rule == "new_irritant" else rule_name(language, told.rule)
        title = say(language, "resolved_blind", subject=app if told.rule == "new_irritant" else place, what=what)
    elif told.rule == "new_irritant":
        topic = subject_name(language, told.subject)
        title = say(language, "resolved_topic", app=app, topic=topic, worst=share(language, told.effect["after"]))
    elif told.rule in {"rating_drop", "bad_release"} and now is not None and now > told.effect["after"]:
        worst = stars(language, told.effect["after"])
        title = say(language, "resolved_stars", subject=place, now=stars(language, now), worst=worst)
    elif told.rule in {"rating_drop", "bad_release"}:
        title = say(language, "resolved_stars_usual", subject=place)
    else:
        title = say(language, "resolved_other", subject=place)
    if told.rule in ALONE:
        from alerts import silence_words

        title, over = silence_words.ended(app, told, language, opened, ended)
        words = say(language, "resolved_by", actor=actor, day=day_name(language, opened)) if actor else over
    elif blind is not None:
        why, since = blind
        words = say(
            language,
            "resolved_no_crashes" if told.rule == "crash_spike" else f"resolved_{why}",
            days=counted(language, "days", (ended - since).days + 1),
            since=full_stop(day_name(language, since)),
            day=day_name(language, opened),
        )
    elif actor:
        words = say(language, "resolved_by", actor=actor, day=day_name(language, opened))
    else:
        words = say(
            language,
            "resolved_lead",
            calm=counted(language, "days", calm_days),
            days=counted(language, "days", max((ended - opened).days - calm_days, 1)),
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


def place_of(language: str, subject: str) -> str:
    """Return " (Google Play)" for what is about one channel, "" for the whole app."""
    kind, _, rest = subject.partition(":")
    if kind == "version":
        return _in(language, rest.partition(":")[0])
    name = subject_name(language, subject) if kind in {"channel", "storefront"} else ""
    return say(language, "place", place=name) if name else ""


def _in(language: str, channel: str) -> str:
    return say(language, "place", place=channel_name(language, channel)) if channel else ""
