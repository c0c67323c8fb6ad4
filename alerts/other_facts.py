"""The first line of what is neither stars nor a share of reviews: bursts, crashes, lanes; and all the parts named."""

from collections.abc import Iterable, Mapping
from typing import Any

from babel.numbers import format_decimal

from alerts.leading import STAR_RULES, Leading, Told
from alerts.saying import counted, duration, locale_of, place_of, say
from alerts.topics import topic_name

RAREST_YEARS = 999.0  # beyond, the calibration line is an extrapolation: "less than"
RULES = frozenset({"burst", "crash_spike", "urgent", "keyword", "unanswered"})


def other_fact(language: str, app: str, fact: Leading) -> str:
    """Return the headline of a burst, a crash spike or a lane."""
    effect, (kind, _, rest) = fact.effect, fact.subject.partition(":")
    values = {"app": app, "place": place_of(language, fact.subject)}
    if fact.rule == "burst":
        seen, usual, hours = burst_numbers(effect)
        values |= {
            "usual": usually(language, usual),
            "hours": counted(language, "hours", hours),
            "topic": topic_name(rest, language) if kind == "topic" else "",
        }
        if kind == "topic":
            return say(language, "burst_topic", **values, times=counted(language, "times", seen))
        return say(language, "burst", **values, reviews=counted(language, "bad_reviews", seen))
    if fact.rule == "crash_spike":
        version = rest.partition(":")[2] if kind == "version" else ""
        values |= {"before": rate(language, effect["before"]), "after": rate(language, effect["after"])}
        return say(language, "crash_version" if version else "crash_spike", **values, version=version)
    n = int(effect["n_after"])
    if fact.rule == "unanswered":
        days = counted(language, "days", int(effect.get("limit", 0)))
        reviews = counted(language, "bad_reviews", n)
        return say(language, "unanswered", app=app, reviews=reviews, days=days)
    span = counted(language, "span", fact.days)
    if fact.rule == "keyword":
        return say(language, "keyword", app=app, word=rest, reviews=counted(language, "reviews", n), span=span)
    return say(
        language,
        "urgent",
        app=app,
        reviews=counted(language, "urgent_reviews", n),
        span=span,
        usual=usually(language, float(effect["before"])),
    )


def burst_numbers(effect: Mapping[str, Any]) -> tuple[int, float, int]:
    """Return what a burst counted, what is usual, and in how many hours."""
    hours = int(effect["n_after"])
    return round(effect["after"] * hours), float(effect["before"]) * hours, hours


def usually(language: str, usual: float) -> str:
    """Return a usual count: "usually 6", "usually less than one"."""
    if usual < 1:
        return say(language, "usually_hardly")
    told = format_decimal(round(usual), locale=locale_of(language))
    return say(language, "usually", n=told)


def rate(language: str, part: float) -> str:
    """Return a crash rate with two decimals, because tenths of a percent matter there."""
    space = "\u00a0" if language == "fr" else ""
    return format_decimal(100 * part, format="0.00", locale=locale_of(language)) + f"{space}%"


def crash_difference(fact: Leading, language: str) -> str:
    """Return the sentence with the interval of a crash rate's change; "" where the title does not tell one."""
    half = fact.effect.get("half_width")
    if fact.rule != "crash_spike" or half is None:
        return ""
    signed = format_decimal(100 * fact.effect["difference"], format="+0.00;−0.00", locale=locale_of(language))
    told = format_decimal(100 * half, format="0.00", locale=locale_of(language))
    return say(language, "crash_difference", difference=signed, half=told)


def also(told: Told, language: str, leads: Leading) -> str:
    """Return the sentence that names the parts which the title does not: stars, crashes, a burst; "" without any."""
    support: Iterable[Mapping[str, Any]] = told.evidence.get("support", ())
    own = {"rule": told.rule, "subject": told.subject, "effect": told.effect, "score": 0.0}
    best: dict[str, Mapping[str, Any]] = {}
    for one in [own, *support]:
        rule, effect = one["rule"], one["effect"]
        if rule == leads.rule or rule in {"new_irritant"} | STAR_RULES or effect.get("before") is None:
            continue
        if rule not in best or float(one.get("score", 0.0)) > float(best[rule].get("score", 0.0)):
            best[rule] = one
    named = [_part(language, one) for rule, one in sorted(best.items()) if rule in {"burst", "crash_spike"}]
    if not named:
        return ""
    return say(language, "also", parts=say(language, "list_and").join(named))


def _part(language: str, one: Mapping[str, Any]) -> str:
    effect, (kind, _, rest) = one["effect"], one["subject"].partition(":")
    if one["rule"] == "crash_spike":
        place = place_of(language, one["subject"])
        return say(
            language,
            "part_crash",
            place=place,
            before=rate(language, effect["before"]),
            after=rate(language, effect["after"]),
        )
    seen, _, hours = burst_numbers(effect)
    span = counted(language, "hours", hours)
    if kind == "topic":
        topic, times = topic_name(rest, language), counted(language, "times", seen)
        return say(language, "part_burst_topic", topic=topic, times=times, hours=span)
    return say(language, "part_burst", reviews=counted(language, "bad_reviews", seen), hours=span)


def together_sentence(told: Told, language: str) -> str:
    """Return how often chance alone brings all the parts at once, "" where there is only one kind of them."""
    found = told.evidence.get("together")
    if not found or not found.get("years"):
        return ""
    kind = "together_rare" if found["years"] >= RAREST_YEARS else "together"
    return say(language, kind, years=duration(language, found["years"]))
