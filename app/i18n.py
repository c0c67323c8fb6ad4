"""What people read, in French and English: sentences from locales/*.yaml, numbers and dates by Babel (CLDR)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.numbers import format_percent, get_decimal_symbol, get_group_symbol
from markupsafe import Markup, escape

from app.reasons import in_french

LANGUAGES = ("fr", "en")
FALLBACK = "en"
MIDNIGHT = time()
_FOLDER = Path(__file__).parent / "locales"

Sentence = str | dict[str, str]


@cache
def sentences(language: str) -> Mapping[str, Sentence]:
    """All sentences of a language, by flat key; a dictionary where the number `n` decides (one, many, other)."""
    with (_FOLDER / f"{language}.yaml").open(encoding="utf-8") as file:
        loaded: dict[str, Sentence] = yaml.safe_load(file)
    return loaded


@cache
def _locale(language: str) -> Locale:
    return Locale.parse("fr_FR" if language == "fr" else "en_GB")


@cache
def _signs(language: str) -> dict[int, str]:
    """What stands in this language for the comma and the point of Python's numbers (CLDR)."""
    locale = _locale(language)
    return {ord(","): get_group_symbol(locale), ord("."): get_decimal_symbol(locale)}


# A page writes hundreds of days, the same ones again and again, and Babel reads the pattern anew each time.
@lru_cache(maxsize=20_000)
def _date(day: date, pattern: str, language: str) -> str:
    return str(format_date(day, pattern, locale=_locale(language)))


def warm_up(language: str) -> None:
    """Load what numbers and days of a language need from files, so that no request has to."""
    Words(language).number(0)
    Words(language).day(date(2000, 1, 1))


def choose_language(cookie: str | None, accept: str | None) -> str:
    """The switch first, then Accept-Language by its order and weights, then English."""
    if cookie in LANGUAGES:
        return str(cookie)
    wanted: list[tuple[float, str]] = []
    for part in (accept or "")[:500].split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        language = name.strip().lower()[:2]
        if language in LANGUAGES and quality > 0:
            wanted.append((-quality, language))
    return min(wanted, key=lambda pair: pair[0])[1] if wanted else FALLBACK


@dataclass(frozen=True, slots=True)
class Words:
    """One reader's language: sentences, numbers and dates. `zone` is where moments are told."""

    language: str
    zone: str = "Europe/Paris"

    @property
    def locale(self) -> Locale:
        """Babel's locale: en_GB, so that days come before months as in French."""
        return _locale(self.language)

    def t(self, key: str, **values: Any) -> str:
        """The sentence `key` with its values; Markup values stay, all else is escaped. Raises KeyError if unknown."""
        sentence = sentences(self.language)[key]
        if isinstance(sentence, dict):
            form = self.locale.plural_form(values.get("n", 0))
            sentence = sentence.get(form) or sentence["other"]
            values["n"] = self.number(values["n"]) if isinstance(values.get("n"), int) else values.get("n")
        if "}." in sentence:  # “13 nov.” ends its sentence with its own full stop
            for name, value in values.items():
                if isinstance(value, str) and value.endswith(".") and f"{{{name}}}." in sentence:
                    sentence = sentence.replace(f"{{{name}}}.", f"{{{name}}}")
        if any(isinstance(value, Markup) for value in values.values()):
            return Markup(escape(sentence)).format(**values)  # noqa: S704  the template is ours and escaped
        return sentence.format(**values) if values else sentence

    def has(self, key: str) -> bool:
        """Whether there is such a sentence."""
        return key in sentences(self.language)

    def name(self, group: str, value: str) -> str:
        """The name of a coded value (a channel, a state…), or the code itself where we have none."""
        if group == "language":
            return self.language_name(value)
        found = sentences(self.language).get(f"{group}.{value}")
        return found if isinstance(found, str) else value

    def reason(self, told: str) -> str:
        """Why a run or a day is as it is: told and kept in English, shown in the reader's language."""
        return in_french(told) if self.language == "fr" else told

    def spelled(self, n: int) -> str:
        """Two, three… nine in words, as a sentence begins with them; else the figure."""
        words = str(sentences(self.language)["numbers"]).split()
        return words[n - 2] if 2 <= n <= len(words) + 1 else self.number(n)

    def language_name(self, code: str) -> str:
        """français, anglais…"""
        return str(self.locale.languages.get(code, code))

    def country(self, code: str) -> str:
        """Belgique, Suisse…"""
        return str(self.locale.territories.get(code.upper(), code.upper()))

    def number(self, value: float, digits: int = 0) -> str:
        """12 345 or 12,345; `digits` after the comma, always that many."""
        # As Babel writes it (a test compares), a tenth of the time: a chart's table has hundreds of numbers.
        return f"{round(value, digits) + 0.0:,.{digits}f}".translate(_signs(self.language))

    def stars(self, value: float | None) -> str:
        """A mean of stars with one digit: 4,4; a dash where there is none."""
        return "–" if value is None else self.number(value, 1)

    def signed(self, value: float, digits: int = 1) -> str:
        """A difference with its sign: +0,2 or −0,8 (a true minus)."""
        rounded = round(value, digits) + 0.0
        return ("+" if rounded > 0 else "−" if rounded < 0 else "±") + self.number(abs(rounded), digits)

    def times(self, ratio: float) -> str:
        """How often one share is in another: ×1,8, or ÷7 where it fell; beyond fifty nobody knows."""
        risen = ratio >= 1
        factor = ratio if risen else 1 / max(ratio, 1e-9)
        if factor >= 50:
            return self.t("times.beyond", times="×50" if risen else "÷50")
        return ("×" if risen else "÷") + self.number(factor, 0 if factor >= 9.95 else 1)

    def change(self, before: float, after: float) -> str:
        """From one mean of stars to another, as both are shown: 4,4 and 3,8 are −0,6 apart, never −0,5."""
        return self.signed(round(after, 1) - round(before, 1))

    def percent(self, share: float) -> str:
        """A share of one: 12 % in French."""
        return format_percent(share, format="0 %" if self.language == "fr" else "0%", locale=self.locale)

    def share(self, share: float) -> str:
        """A share with a digit where it is small: 0,1 %, 12 %."""
        text = self.number(100 * share, 1 if 0 < share < 0.03 else 0)
        return f"{text}\u202f%" if self.language == "fr" else f"{text}%"

    def day(self, day: date, *, today: date | None = None, weekday: bool = False) -> str:
        """17 nov. (with its year when that is not today's); `weekday` puts mardi in front."""
        pattern = ("EEEE " if weekday else "") + "d MMM" + ("" if today and today.year == day.year else " y")
        return _date(day, pattern, self.language)

    def weekday(self, day: date) -> str:
        """mardi, Tuesday."""
        return _date(day, "EEEE", self.language)

    def short_day(self, day: date) -> str:
        """17 nov., for an axis."""
        return _date(day, "d MMM", self.language)

    def month(self, day: date) -> str:
        """nov., or the year in January, for an axis."""
        return _date(day, "y" if day.month == 1 else "MMM", self.language)

    def whole_month(self, day: date) -> str:
        """novembre 2026."""
        return _date(day, "MMMM y", self.language)

    def moment(self, at: datetime, *, today: date | None = None) -> str:
        """Day and minute in the reader's zone; the day alone at midnight to the second, as files have it."""
        local = at.astimezone(ZoneInfo(self.zone))
        day = self.day(local.date(), today=today)
        return day if local.time() == MIDNIGHT else f"{day}, {local:%H:%M}"

    def ago(self, at: datetime, now: datetime) -> str:
        """il y a 3 jours, dans 2 heures."""
        distance = at - now
        if abs(distance) < timedelta(seconds=45):
            return self.t("time.now")
        return format_timedelta(distance, add_direction=True, locale=self.locale, threshold=1.2)

    def days_ago(self, day: date, today: date) -> str:
        """aujourd'hui, hier, il y a 3 jours."""
        distance = (today - day).days
        if distance in {0, 1}:
            return self.t("time.today" if distance == 0 else "time.yesterday")
        return format_timedelta(timedelta(days=-distance), granularity="day", add_direction=True, locale=self.locale)

    def span(self, first: date, last: date, today: date | None = None) -> str:
        """du 3 au 9 nov., or one day."""
        if first == last:
            return self.day(first, today=today)
        return self.t(
            "time.span",
            first=self.short_day(first) if first.year == last.year else self.day(first),
            last=self.day(last, today=today),
        )

    def listed(self, items: list[str]) -> str:
        """a, b et c."""
        if len(items) < 2:
            return "".join(items)
        return f"{', '.join(items[:-1])} {self.t('time.and')} {items[-1]}"
