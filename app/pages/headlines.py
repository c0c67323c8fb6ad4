"""The sentence that each page begins with: it answers the page's question with its numbers."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from alerts.leading import STAR_RULES, leading
from alerts.life import ALONE, OWN
from alerts.other_facts import RULES as OTHER_RULES
from alerts.other_facts import burst_numbers
from app.i18n import Words
from app.reading.called import Called, Names, led_by
from app.reading.intervals import half_width, mean_stars
from app.reading.portfolio import Row
from app.reading.sources import State
from app.reading.topics import topic_name
from app.reading.trends import Stars
from models.incidents import Incident


def portfolio_headline(words: Words, rows: Sequence[Row]) -> str:
    """How many apps want attention. What is looked after is not calm, nor is an app of which nothing was read."""
    if not rows:
        return words.t("portfolio.none")
    wanting = [row for row in rows if row.wants_attention]
    unread = [row.app.name for row in rows if row.last_day is None]
    handled = sum(len(row.incidents) for row in rows)
    if not wanting and handled:
        told = words.t("portfolio.handled", n=handled, count=words.spelled(handled).lower())
        return f"{told} {words.t('portfolio.unread', names=words.listed(unread))}" if unread else told
    if not wanting and unread:
        key = "portfolio.unread" if len(unread) == len(rows) else "portfolio.calm_but"
        return words.t(key, names=words.listed(unread))
    if not wanting:
        return words.t("portfolio.calm" if len(rows) > 1 else "portfolio.calm_one", name=rows[0].app.name)
    if len(wanting) == 1:
        return words.t("portfolio.attention_one", name=wanting[0].app.name)
    return words.t("portfolio.attention", count=words.spelled(len(wanting)))


FADING = timedelta(days=2)
"""An open incident that was not seen for longer says when it last was."""
LANES = ("urgent", "keyword", "unanswered")
"""Rules that count and weigh nothing: they stay open for two weeks after what they last counted."""


def last_seen(incident: Incident) -> date:
    """The last day of what an incident was told by."""
    window = incident.evidence.get("window")
    if incident.rule in LANES and isinstance(window, dict) and window.get("to"):
        return min(incident.last_above_day, date.fromisoformat(window["to"]))
    return incident.last_above_day


def subject_name(words: Words, subject: str) -> str:
    """What an incident is about, in words: “version 7.2”, “Google Play”, “Sign-in”, or "" for the whole app."""
    kind, _, rest = subject.partition(":")
    if kind == "channel":
        return words.name("channel", rest)
    if kind == "storefront":
        channel, _, country = rest.partition(":")
        return f"{words.name('channel', channel)} {country.upper()}"
    if kind == "version":
        version = rest.rpartition(":")[2]
        return words.t("subject.version", version=version)
    if kind == "keyword":
        return f"“{rest}”" if words.language == "en" else f"«\u00a0{rest}\u00a0»"
    if kind == "topic":
        return topic_name(rest, words.language)
    return "" if kind in {"app", "source"} else subject


def incident_title(words: Words, incident: Incident, called: Names) -> str:
    """The fact with its numbers, falling stars first: “4.4 → 3.6 ★ on 212 reviews”, “Cannot sign in: 1.2% → 9.8%”.

    `called` are the irritants of these incidents (`app.reading.called.names`): a title names them as their pages do.
    """
    if incident.rule in ALONE:
        source = incident.evidence.get("source") or {}
        key = "incident.title.silent_source" if incident.rule == "silent_source" else "incident.title.loss_ahead"
        return words.t(key, source=source.get("name", ""))
    if incident.rule in OWN:
        name = str(incident.evidence.get("values", {}).get("destination", ""))
        rule = words.name("rule", incident.rule)
        return words.t("incident.title.plain", rule=rule, subject=name) if name else rule
    fact = leading(incident)
    known = called.get(incident.id)
    title = told_title(words, fact.rule, fact.subject, dict(fact.effect), known)
    if not fact.topic:
        return title
    return words.t("incident.title.mostly", fact=title, topic=topic_called(words, fact.topic, known))


def topic_called(words: Words, topic: str, known: Called | None) -> str:
    """A topic, or the name of its irritant where that is known."""
    return known.name(words.language) if known and known.topic == topic else topic_name(topic, words.language)


def told_title(words: Words, rule: str, subject: str, effect: dict[str, Any], known: Called | None = None) -> str:
    """The same for any finding: an incident, what supports it, a line of its timeline."""
    before, after, n = effect.get("before"), effect.get("after"), effect.get("n_after")
    name = _about(words, subject, known)
    if before is None or after is None:
        return words.t("incident.title.plain", rule=words.name("rule", rule), subject=name or words.t("subject.app"))
    if rule in STAR_RULES:
        fact = words.t("incident.title.stars", before=words.stars(before), after=words.stars(after), n=int(n or 0))
    elif rule == "new_irritant":
        fact = words.t("incident.title.share", before=words.share(before), after=words.share(after), n=int(n or 0))
    else:
        return _other_title(words, rule, subject, effect, known)
    return words.t("incident.title.of", subject=name, fact=fact) if name else fact


def _about(words: Words, subject: str, known: Called | None) -> str:
    kind, _, rest = subject.partition(":")
    return topic_called(words, rest, known) if kind == "topic" else subject_name(words, subject)


def _other_title(words: Words, rule: str, subject: str, effect: dict[str, Any], known: Called | None) -> str:
    """A burst, a crash spike or a lane."""
    name = _about(words, subject, known)
    if rule == "crash_spike":
        before, after = (f"{words.number(100 * effect[side], 2)}\u202f%" for side in ("before", "after"))
        fact = words.t("incident.title.crashes", before=before, after=after)
        return words.t("incident.title.of", subject=name, fact=fact) if name else fact
    if rule == "burst":
        seen, usual, hours = burst_numbers(effect)
        key = "incident.title.topic_burst" if subject.startswith("topic:") else "incident.title.burst"
        return words.t(key, n=seen, topic=name, hours=words.number(hours), usual=words.number(usual, 1))
    if rule in {"urgent", "keyword", "unanswered"}:
        return words.t(f"incident.title.{rule}", n=int(effect["n_after"]), word=subject.partition(":")[2])
    return f"{words.number(effect['before'], 2)} → {words.number(effect['after'], 2)}"


def app_headline(
    words: Words,
    incident: Incident | None,
    recent: Stars,
    days: int,
    today: date,
    back: Incident | None = None,
    unread: bool = False,
    called: Called | None = None,
) -> str:
    """What is going on with an app: its strongest open incident, else the one that is just over, else how it stands.

    `called` is the irritant that goes with the incident.
    """
    if incident is not None and incident.effect.get("before") is not None:
        return _trouble(words, incident, today, called)
    if back is not None:
        return _over(words, back.evidence["recovered"], today)
    mean, half = mean_stars(recent), half_width(recent, days)
    if mean is None or half is None:
        return words.t("app.unread") if unread else words.t("app.nothing", n=days)
    return words.t("app.calm", mean=words.stars(mean), half=words.number(half, 1), n=sum(recent), days=days)


def _over(words: Words, told: dict[str, Any], today: date) -> str:
    """What showed that the stars are back, since which version or day."""
    return words.t(
        "app.back_version" if told["version"] else "app.back",
        version=told["version"],
        since=words.day(date.fromisoformat(told["since"]), today=today),
        now=words.stars(told["now"]),
        worst=words.stars(told["worst"]),
        n=told["reviews"],
    )


def _trouble(words: Words, incident: Incident, today: date, called: Called | None) -> str:
    """An incident in a sentence; where the rating falls with it, the rating comes first and the topic after."""
    evidence = incident.evidence
    told: dict[str, Any] = {
        "rule": incident.rule,
        "subject": incident.subject,
        "effect": incident.effect,
        "score": incident.score,
    }
    falls = [one for one in [told, *evidence.get("support", ())] if one["rule"] in STAR_RULES]
    worst = max(falls, key=lambda one: (one["subject"] == "app", one["score"])) if falls else told
    kind, _, rest = worst["subject"].partition(":")
    about = evidence.get("version")
    version = rest.rpartition(":")[2] if kind == "version" else ""
    if not version and isinstance(about, dict):
        version = str(about["version"])
    effect = worst["effect"]
    if falls:
        topic = led_by(incident)
        return words.t(
            "app.drop_version" if version else "app.drop",
            version=version,
            since=words.day(incident.opened_day, today=today),
            topic=words.t("app.mostly", topic=topic_called(words, topic, called)) if topic else "",
            before=words.stars(effect["before"]),
            after=words.stars(effect["after"]),
        )
    if incident.rule == "new_irritant":
        return words.t(
            "app.irritant_version" if version else "app.irritant",
            version=version,
            topic=topic_called(words, rest, called),
            before=words.share(effect["before"]),
            after=words.share(effect["after"]),
        )
    if incident.rule in OTHER_RULES:
        fact, seen = told_title(words, incident.rule, incident.subject, dict(effect), called), last_seen(incident)
        if seen < today - FADING:
            return words.t("app.faded", fact=fact, day=words.day(seen, today=today))
        return fact + "."
    return words.t("app.other", rule=words.name("rule", incident.rule))


def sources_headline(words: Words, states: Sequence[State], today: date) -> str:
    """Whether everything is known, and if not, what is missing."""
    if not states:
        return words.t("sources.none")
    gaps = [(state, state.missing) for state in states if state.source.enabled and state.missing]
    if not gaps:
        unread = [state for state in states if state.source.enabled and state.never_read]
        if unread:
            names = words.listed([state.source.name for state in unread[:3]])
            return words.t("sources.first" if any(s.running for s in unread) else "portfolio.unread", names=names)
        return words.t("sources.trouble" if any(s.in_trouble for s in states) else "sources.complete")
    parts, several = [], len({state.app.id for state in states}) > 1
    for state, days in gaps[:2]:
        when = words.day(days[-1].day, today=today) if len(days) == 1 else words.t("sources.days", n=len(days))
        name = f"{state.app.name} · {state.source.name}" if several else state.source.name
        parts.append(words.t("sources.gap", source=name, when=when))
    more = [words.t("sources.more_gaps", n=len(gaps) - 2)] if len(gaps) > 2 else []
    told = words.t("sources.except", gaps=words.listed(parts + more))
    failing = sum(state.in_trouble for state in states)
    return f"{told} {words.t('sources.failing', n=failing)}" if failing else told
