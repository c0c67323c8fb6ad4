"""What alerts say, in French and English: the number first, then since when and which version, then the chance.

Everything here takes a finding or an incident alike: what has a rule, a subject, an effect and evidence.
"""

from collections.abc import Sequence
from datetime import date

from babel.numbers import format_decimal

from alerts import silence_words
from alerts.irritant_names import called
from alerts.leading import STAR_RULES, Told, leading
from alerts.life import ALONE, OWN
from alerts.other_facts import RAREST_YEARS, RULES, also, crash_difference, other_fact, together_sentence
from alerts.saying import (
    channel_name,
    counted,
    day_name,
    duration,
    full_stop,
    in_place,
    locale_of,
    place_of,
    rule_name,
    say,
    share,
    stars,
)
from alerts.topics import topic_name

BLOCKS = "▁▂▃▄▅▆▇"
LEAST_RANGE = 0.5  # stars, that the row of blocks spans at least


def headline(app: str, told: Told, language: str) -> str:
    """Return the first line: the fact with its numbers, falling stars before the irritant that goes with them."""
    return _of_ourselves(app, told, language) or _of_customers(app, told, language)


def _of_ourselves(app: str, told: Told, language: str) -> str:
    """The first line about a source or about the telling; "" where it is about what customers wrote."""
    if told.rule in OWN:
        return say(language, f"{told.rule}_title", app=app, **told.evidence.get("values", {}))
    if told.rule in ALONE:
        return silence_words.headline(app, told, language)
    return ""


def _of_customers(app: str, told: Told, language: str) -> str:
    fact = leading(told)
    effect, subject = fact.effect, fact.subject
    span = counted(language, "span", fact.days)
    if fact.rule == "new_irritant":
        mentions = round(effect["after"] * effect["n_after"])
        return say(
            language,
            "new_irritant",
            app=app,
            topic=called(told, subject.partition(":")[2], language),
            before=share(language, effect["before"]),
            after=share(language, effect["after"]),
            mentions=counted(language, "reviews", mentions),
            span=span,
        )
    if fact.rule in RULES:
        told_fact = other_fact(language, app, fact)
        topic = fact.topic if fact.subject != f"topic:{fact.topic}" else ""
        return (
            say(language, "mostly_topic", fact=told_fact, topic=called(told, topic, language)) if topic else told_fact
        )
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
        return say(language, "mostly_topic", fact=stars_first, topic=called(told, fact.topic, language))
    return say(language, "other", **values, rule=rule_name(language, fact.rule))


def lead(told: Told, language: str) -> str:
    """Return the second line: since when and which version; then what people complain about more, and holes."""
    if told.rule in ALONE:
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
            place=in_place(language, version["channel"]),
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
            place = in_place(language, version["channel"])
            first += say(language, "mostly_version", version=version["version"], place=place)
    sentences = [full_stop(first)]
    if change := crash_difference(leading(told), language):
        sentences.append(full_stop(change))
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
    if more := also(told, language, leading(told)):
        sentences.append(full_stop(more))
    return " ".join(sentences)


def chance_sentence(told: Told, language: str) -> str:
    """Return the honest sentence: how often an alert as strong comes by chance, on one stream and over all.

    Where several kinds of evidence add up it is the sentence of their sum.
    """
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
