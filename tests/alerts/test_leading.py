"""Falling stars lead the title of the incident that an irritant opened, and it stays one incident."""

from datetime import UTC, date, datetime
from typing import Any

from alerts.leading import leading
from alerts.life import Finding, advance
from alerts.wording import chance_sentence, headline
from app.i18n import Words
from app.pages.headlines import incident_title
from models.incidents import Incident

DAY = date(2026, 11, 19)
NOW = datetime(2026, 11, 19, 21, tzinfo=UTC)


def finding(rule: str, subject: str, effect: dict[str, Any], since: int, score: float, level: Any = "alert") -> Finding:
    began = DAY.replace(day=since)
    window = {"from": str(began), "to": str(DAY), "days": DAY.day - since + 1}
    chance = {"years": score, "months": 100.0, "streams": 1}
    return Finding(
        rule, subject, level, score, DAY, began, 3, DAY, DAY, 10.0, effect, {"window": window, "chance": chance}
    )


IRRITANT = finding("new_irritant", "topic:sign_in", {"before": 0.02, "after": 0.18, "n_after": 212}, 16, 5.0)
FALL = finding("rating_drop", "app", {"before": 4.42, "after": 3.61, "n_after": 212}, 17, 7.0)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_the_stars_come_first_and_the_irritant_after() -> None:
    (opened,) = advance(1, [], [IRRITANT], NOW, "live")
    incident = opened.incident
    assert headline("B", incident, "fr").startswith("B : « Connexion et authentification » dans")
    changes = advance(1, [incident], [IRRITANT, FALL], NOW, "live")
    assert [(c.kind, c.incident) for c in changes] == [("supported", incident)]
    assert plain(headline("B", incident, "fr")) == (
        "B : 4,4 → 3,6 ★ sur 212 avis en 3 jours, surtout « Connexion et authentification »"
    )
    assert headline("B", incident, "en").startswith("B: 4.4 → 3.6 ★ on 212 reviews in 3 days, mostly “")
    assert plain(incident_title(Words("fr"), incident, {})) == (
        "4,4 → 3,6 ★ sur 212 avis, surtout « Connexion et authentification »"
    )
    assert "une fois en 7 ans" in plain(chance_sentence(incident, "fr"))  # the chance of what the title tells


def test_a_watch_that_falling_stars_raise_is_told_stars_first() -> None:
    weak = finding("new_irritant", "topic:sign_in", {"before": 0.02, "after": 0.1, "n_after": 212}, 16, 3.2, "watch")
    (opened,) = advance(1, [], [weak], NOW, "live")
    changes = advance(1, [opened.incident], [FALL], NOW, "live")
    assert [c.kind for c in changes] == ["supported", "raised"]
    assert leading(opened.incident).rule == "rating_drop"
    assert len({c.incident.id for c in changes}) == 1


def test_a_drop_names_the_irritant_that_supports_it() -> None:
    changes = advance(1, [], [FALL, IRRITANT], NOW, "live")
    assert [c.kind for c in changes] == ["opened", "supported"]
    assert headline("B", changes[0].incident, "fr").endswith("en 3 jours, surtout « Connexion et authentification »")


def test_the_app_as_a_whole_comes_before_a_stronger_part() -> None:
    part = finding("bad_release", "version:google_play:7.2", {"before": 4.4, "after": 2.1, "n_after": 30}, 17, 9.0)
    (opened,) = advance(1, [], [IRRITANT], NOW, "live")
    advance(1, [opened.incident], [part], NOW, "live")
    assert leading(opened.incident).rule == "bad_release"
    advance(1, [opened.incident], [FALL], NOW, "live")
    assert leading(opened.incident).subject == "app"
    assert isinstance(opened.incident, Incident)


def test_one_version_that_is_bad_in_both_stores_is_one_incident() -> None:
    """Whichever store is seen first: a later look finds the other store, and it must not alert again."""
    effect = {"before": 4.4, "after": 2.1, "n_after": 30}
    play = finding("bad_release", "version:google_play:7.2", effect, 17, 6.0)
    apple = finding("bad_release", "version:app_store:7.2", effect, 17, 5.0)
    other = finding("bad_release", "version:app_store:7.3", effect, 17, 5.0)
    (opened,) = advance(1, [], [play], NOW, "live")
    assert [c.kind for c in advance(1, [opened.incident], [other], NOW, "live")] == ["opened"]
    assert [c.kind for c in advance(1, [opened.incident], [apple], NOW, "live")] == ["supported"]
    part = finding("rating_drop", "channel:app_store", {"before": 4.4, "after": 3.6, "n_after": 90}, 17, 4.0)
    assert [c.kind for c in advance(1, [opened.incident], [part], NOW, "live")] == ["supported"]


def test_what_is_wrong_in_one_store_alone_stays_apart_from_the_other() -> None:
    play = finding("rating_drop", "channel:google_play", {"before": 4.4, "after": 3.6, "n_after": 90}, 17, 4.0)
    apple = finding("rating_drop", "channel:app_store", {"before": 4.4, "after": 3.6, "n_after": 90}, 17, 4.0)
    (opened,) = advance(1, [], [play], NOW, "live")
    assert [c.kind for c in advance(1, [opened.incident], [apple], NOW, "live")] == ["opened"]
