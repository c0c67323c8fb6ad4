"""The words of alerts: sentences of words_fr.yaml and words_en.yaml with their values, and the names of things.

Numbers and dates are written by Babel (CLDR).
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from alerts.topics import topic_name


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


def place_of(language: str, subject: str) -> str:
    """Return " (Google Play)" for what is about one channel, "" for the whole app."""
    kind, _, rest = subject.partition(":")
    if kind == "version":
        return in_place(language, rest.partition(":")[0])
    name = subject_name(language, subject) if kind in {"channel", "storefront"} else ""
    return say(language, "place", place=name) if name else ""


def in_place(language: str, channel: str) -> str:
    """Return " (Google Play)" for a channel, "" for none."""
    return say(language, "place", place=channel_name(language, channel)) if channel else ""


def full_stop(sentence: str) -> str:
    """Return a sentence with its full stop, which an abbreviated month already has."""
    return sentence if sentence.endswith(".") else f"{sentence}."
