"""Values of files that people export: moments and stars in any usual writing, countries, languages."""

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import get_global

from collectors.values import RowFault, from_epoch, plausible, sound

PARIS = ZoneInfo("Europe/Paris")
EMPTY = frozenset({"", "-", "na", "n/a", "nan", "nat", "null", "none", "\\n", "#n/a"})
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan janvier janv",
            "february feb fevrier fevr fev",
            "march mar mars",
            "april apr avril avr",
            "may mai",
            "june jun juin",
            "july jul juillet juil",
            "august aug aout",
            "september sep sept septembre",
            "october oct octobre",
            "november nov novembre",
            "december dec decembre",
        ),
        start=1,
    )
    for name in names.split()
}
_TIME = (
    r"(?:[ T,]+(?:à |at )?(\d{1,2})[:h](\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s*([ap]\.?m\.?)?"
    r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_NUMERIC = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})" + _TIME, re.IGNORECASE)
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})" + _TIME, re.IGNORECASE)
_WORDS = re.compile(
    r"(?:le )?(?:[^\W\d]+\.?,? )?(?:(?P<day>\d{1,2})(?:er|st|nd|rd|th)?[ \-](?P<month>[^\W\d]+)\.?,?[ \-]"
    r"|(?P<month2>[^\W\d]+)\.? (?P<day2>\d{1,2})(?:st|nd|rd|th)?,? )(?P<year>\d{4})" + _TIME,
    re.IGNORECASE,
)
_EPOCH = re.compile(r"(\d{9,10}|\d{12,13}|\d{16})(\.\d+)?")


def blank(value: Any) -> bool:
    """Whether a cell says nothing (empty, NA, null, nan…)."""
    return value is None or (isinstance(value, float) and value != value) or sound(value).lower() in EMPTY  # noqa: PLR0124


def plain(text: str) -> str:
    """Lower case without French accents, for comparing words."""
    return text.lower().translate(str.maketrans("àâäéèêëîïôöùûüç", "aaaeeeeiioouuuc"))


def moment(value: Any, *, day_first: bool = True, zone: ZoneInfo = PARIS) -> datetime:
    """Read a moment as aware UTC; one without a time zone is local to `zone`, a day without a time begins it.

    Read are ISO 8601, 31/12/2020 and 12/31/2020 (`day_first` decides), 2020/12/31, January 1, 2021, 3 déc. 2020 à
    10:15, and unix seconds, milliseconds or microseconds. Raises RowFault for anything else or not plausible.
    """
    if isinstance(value, datetime):
        return _aware(value, zone)
    if isinstance(value, date):
        return _aware(datetime.combine(value, time()), zone)
    text = re.sub(r"\s+", " ", sound(value))
    if found := _EPOCH.fullmatch(text):
        digits = len(found[1])
        return from_epoch(float(text) / (1 if digits <= 10 else 1_000 if digits <= 13 else 1_000_000))
    try:
        return _aware(_written(text, day_first), zone)
    except RowFault:
        raise
    except (ValueError, OverflowError) as error:
        raise RowFault(f"the date {text[:40]!r} cannot be read") from error


def _aware(value: datetime, zone: ZoneInfo) -> datetime:
    return plausible(value if value.tzinfo is not None else value.replace(tzinfo=zone))


def _written(text: str, day_first: bool) -> datetime:
    """Read a moment written for people or by a program; raise ValueError where it is neither."""
    if found := _NUMERIC.fullmatch(text):
        first, second, year = int(found[1]), int(found[2]), int(found[3])
        day, month = (first, second) if day_first else (second, first)
        return _built(year + 2000 if year < 100 else year, month, day, found.groups()[3:])
    if found := _YEAR_FIRST.fullmatch(text):
        return _built(int(found[1]), int(found[2]), int(found[3]), found.groups()[3:])
    if found := _WORDS.fullmatch(text):
        month = _MONTHS.get(plain(found["month"] or found["month2"]), 0)
        return _built(int(found["year"]), month, int(found["day"] or found["day2"]), found.groups()[5:])
    if "-" not in text:
        raise ValueError(text)
    return datetime.fromisoformat(re.sub(r" ?(?:UTC|GMT)$", "+00:00", text))


def _built(year: int, month: int, day: int, clock: tuple[str | None, ...]) -> datetime:
    hour, minute, second, half, zone = clock
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half.lower().startswith("p") else 0)
    built = datetime(year, month, day, hours, int(minute or 0), int(second or 0))  # noqa: DTZ001
    if not zone:
        return built
    offset = "+00:00" if zone.upper() in {"Z", "UTC", "GMT"} else zone
    return datetime.fromisoformat(f"{built.isoformat()}{offset}")


def looks_like_a_date(value: Any) -> bool:
    """Whether a cell reads as a moment in either order of day and month."""
    for day_first in (True, False):
        try:
            moment(value, day_first=day_first)
        except RowFault:
            continue
        return True
    return False


def day_and_month_order(values: Iterable[Any]) -> tuple[int, int, int]:
    """Count over a whole column: dates that are only day first, only month first, and that could be both."""
    day, month, both = 0, 0, 0
    for value in values:
        if isinstance(value, str) and (found := _NUMERIC.fullmatch(re.sub(r"\s+", " ", value.strip()))):
            first, second = int(found[1]), int(found[2])
            day += first > 12 >= second
            month += second > 12 >= first
            both += first <= 12 and second <= 12 and first != second
    return day, month, both


def stars(value: Any) -> int | None:
    """Read 1 to 5 stars written as 4, 4.0, 5,0, 4/5, ★★★★☆, 4 étoiles; None for an empty cell; else RowFault."""
    if blank(value):
        return None
    text = sound(value)
    if full := re.fullmatch(r"([★⭐]{1,5})\ufe0f?[☆✩]*", text.replace("\ufe0f", "")):
        return len(full[1])
    found = re.fullmatch(
        r"([1-5])(?:[.,]0+)?(?: ?/ ?5(?:[.,]0+)?| ?(?:stars?|étoiles?|etoiles?|★|⭐))?", text, re.IGNORECASE
    )
    if found and not isinstance(value, bool):
        return int(found[1])
    raise RowFault(f"the stars {text[:20]!r} are not 1 to 5")


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    names: dict[str, str] = {}
    for language in ("en", "fr"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha():
                names[plain(name)] = code.lower()
    return names


def country(value: Any) -> str | None:
    """Read a country (FR, FRA, France, États-Unis) as two lower-case letters; None where it is none."""
    text = plain(sound(value))
    if not text:
        return None
    if re.fullmatch("[a-z]{2}", text):
        return text
    if re.fullmatch("[a-z]{3}", text):
        alias = get_global("territory_aliases").get(text.upper())
        return alias[0].lower() if alias else None
    return _countries().get(text)


def language_code(value: Any) -> str | None:
    """Read a declared language (fr, fr_CA) as fr-CA; None where it is none."""
    text = sound(value).replace("_", "-")
    return text if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}", text) else None
