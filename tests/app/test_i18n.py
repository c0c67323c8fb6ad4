"""Two languages, the same sentences."""

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from string import Formatter

import pytest
from babel.dates import format_datetime
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from app.i18n import LANGUAGES, Sentence, Words, choose_language, sentences

APP = Path(__file__).parents[2] / "app"


def forms(sentence: Sentence) -> list[str]:
    return [sentence] if isinstance(sentence, str) else list(sentence.values())


def fields(sentence: Sentence) -> set[str]:
    return {name for form in forms(sentence) for _, name, _, _ in Formatter().parse(form) if name}


def test_both_languages_have_the_same_keys_and_values() -> None:
    french, english = sentences("fr"), sentences("en")
    assert set(french) == set(english)
    for key in french:
        assert fields(french[key]) == fields(english[key]), key
        assert isinstance(french[key], dict) == isinstance(english[key], dict), key


def test_every_key_in_use_exists_and_none_is_idle() -> None:
    known = sentences("fr")
    used: set[str] = set()
    for path in [*APP.glob("templates/*.html"), *APP.glob("pages/*.py"), *APP.glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r"""\bt\(\s*["']([a-z_0-9.]+)["']\s*[,)]""", text))
        used |= set(re.findall(r"""["']([a-z_]+\.[a-z_0-9.]+)["']""", text)) & set(known)
    missing = used - set(known)
    assert not missing
    groups = {key.partition(".")[0] for key in known}
    coded = {
        "channel", "kind", "label", "intent", "rule", "severity", "incident_state", "outcome", "coverage", "trigger",
        "check", "delivery", "message", "event", "actor", "done", "theme", "tab", "error", "col", "mask", "verdict",
        "role", "problem", "scope", "mood", "irritant_state", "irritant_event",
        "crash", "issue", "signal", "head", "field", "choice",
    }  # fmt: skip
    assert coded <= groups
    idle = {key for key in known if key not in used and key.partition(".")[0] not in coded and "." in key}
    built = (
        r"settings\.|picture\.|app\.days|destinations\.levels|chart\.(day|week)|versions\.|irritant\.by_|"
        r"incident\.(title|unseen)\.|rules\.|stability\.(why|line)\."
        r"|source\.group\.|channels\.(by_|type\.|wave|segment|version)"
    )
    assert not {key for key in idle if not re.match(built, key)}


@given(
    language=st.sampled_from(LANGUAGES),
    # Beyond a thousand million a float no longer holds four digits after the comma, and the two ways may differ.
    value=st.floats(-1e9, 1e9) | st.integers(-(10**12), 10**12),
    digits=st.integers(0, 4),
)
def test_numbers_are_written_as_the_standard_says(language: str, value: float, digits: int) -> None:
    words = Words(language)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    assert words.number(value, digits) == format_decimal(
        round(value, digits) + 0.0, format=pattern, locale=words.locale
    )


@given(
    language=st.sampled_from(LANGUAGES),
    at=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  UTC is given
)
def test_moments_are_written_as_the_standard_says(language: str, at: datetime) -> None:
    words = Words(language, "UTC")
    hour = "" if at.time() == time() else ", HH:mm"
    assert words.moment(at) == format_datetime(at, "d MMM y" + hour, locale=words.locale)
    assert words.moment(at, today=at.date()) == format_datetime(at, "d MMM" + hour, locale=words.locale)


def test_french_typography() -> None:
    for key, sentence in sentences("fr").items():
        for form in forms(sentence):
            assert "'" not in form, f"{key}: use the typographic apostrophe"
            assert not re.search(r"\s[;?!]", form.replace("\u00a0", "").replace("\u202f", "")), key


@pytest.mark.parametrize(
    ("cookie", "accept", "chosen"),
    [
        (None, None, "en"),
        (None, "fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        (None, "de,en;q=0.5,fr;q=0.4", "en"),
        (None, "en;q=0.1, fr;q=0.9", "fr"),
        (None, "fr;q=0, en", "en"),
        (None, "fr;q=nonsense, *", "en"),
        ("fr", "en", "fr"),
        ("xx", "fr", "fr"),
        (None, "," * 10_000, "en"),
    ],
)
def test_language_is_chosen_by_switch_then_header(cookie: str | None, accept: str | None, chosen: str) -> None:
    assert choose_language(cookie, accept) == chosen


def plain(text: str) -> str:
    return text.replace("\xa0", " ").replace("\u202f", " ")


def test_numbers_and_dates_are_the_readers() -> None:
    french, english = Words("fr"), Words("en")
    assert (french.stars(4.44), english.stars(4.44), french.stars(None)) == ("4,4", "4.4", "–")
    assert (plain(french.number(12345)), english.number(12345)) == ("12 345", "12,345")
    assert (french.signed(-0.84), french.signed(0.2), french.signed(-0.01)) == ("−0,8", "+0,2", "±0,0")
    assert (plain(french.percent(0.314)), english.percent(0.314)) == ("31 %", "31%")
    day = date(2026, 11, 17)
    assert french.day(day, today=date(2026, 11, 22), weekday=True) == "mardi 17 nov."
    assert english.day(day, today=date(2027, 1, 1)) == "17 Nov 2026"
    assert french.days_ago(day, date(2026, 11, 20)) == "il y a 3 jours"
    assert french.days_ago(day, date(2026, 11, 18)) == "hier"
    assert french.span(day, date(2026, 11, 20), date(2026, 11, 22)) == "du 17 nov. au 20 nov."
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert french.ago(now + timedelta(minutes=12), now) == "dans 12 minutes"
    assert french.moment(now) == "22 nov. 2026, 13:00"
    assert french.listed(["a", "b", "c"]) == "a, b et c"


def test_plurals_follow_each_language() -> None:
    assert [Words("fr").t("days", n=n) for n in (0, 1, 2)] == ["0 jour", "1 jour", "2 jours"]
    assert [Words("en").t("days", n=n) for n in (0, 1, 2)] == ["0 days", "1 day", "2 days"]


def test_values_are_escaped_beside_markup() -> None:
    told = Words("en").t("incident.title.of", subject="<b>", fact=Markup("<i>x</i>"))
    assert told == "&lt;b&gt;: <i>x</i>"
    assert isinstance(told, Markup)


def test_unknown_keys_are_an_error() -> None:
    for language in LANGUAGES:
        with pytest.raises(KeyError):
            Words(language).t("no.such.key")
