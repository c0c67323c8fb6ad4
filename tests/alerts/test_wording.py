"""Words: short, the number first, good French and good English."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest
import yaml

from alerts import messages, saying
from alerts.messages import opened_message, resolved_message
from alerts.saying import duration, share, subject_name
from alerts.wording import chance_sentence, headline, lead, sparkline


@dataclass
class Told:
    rule: str = "rating_drop"
    subject: str = "app"
    effect: dict[str, Any] = field(
        default_factory=lambda: {"before": 4.42, "after": 3.61, "n_before": 900, "n_after": 212}
    )
    evidence: dict[str, Any] = field(
        default_factory=lambda: {
            "window": {"from": "2026-11-17", "to": "2026-11-19", "days": 3},
            "version": {"channel": "google_play", "version": "7.2", "share": 0.8},
            "topics": [{"topic": "sign_in", "before": 0.021, "after": 0.18, "n": 38}],
            "releases": [{"channel": "google_play", "version": "7.2", "day": "2026-11-16", "inferred": False}],
            "chance": {"years": 27.2, "months": 3.2, "streams": 100},
        }
    )


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_the_french_message_is_the_one_that_was_asked_for() -> None:
    assert headline("Banque Mésange", Told(), "fr") == "Banque Mésange : 4,4 → 3,6 ★ sur 212 avis en 3 jours"
    assert plain(lead(Told(), "fr")) == (
        "Depuis mardi 17 nov., surtout la version 7.2 (Google Play, sortie lundi 16 nov.). "
        "Ce dont on se plaint plus : Connexion et authentification (2,1 % → 18 %)."
    )
    assert chance_sentence(Told(), "fr") == (
        "Sans changement réel, une alerte aussi forte n’arrive qu’environ une fois en 27 ans sur une seule série, "
        "une fois en 3 mois sur vos 100."
    )


def test_the_english_message() -> None:
    assert headline("Banque Mésange", Told(), "en") == "Banque Mésange: 4.4 → 3.6 ★ on 212 reviews in 3 days"
    assert lead(Told(), "en").startswith(
        "Since Tuesday 17 Nov, mostly version 7.2 (Google Play, released Monday 16 Nov)."
    )
    assert "once in 27 years on a single stream, once in 3 months over your 100." in chance_sentence(Told(), "en")


def test_places_versions_and_topics_are_named() -> None:
    assert headline("B", Told(subject="channel:app_store"), "fr").startswith("B (App Store) : 4,4")
    assert headline("B", Told(subject="storefront:app_store:be"), "en").startswith("B (App Store, Belgium): 4.4")
    version = Told(rule="bad_release", subject="version:google_play:7.2")
    assert headline("B", version, "fr").startswith("B 7.2 (Google Play) : 4,4 → 3,6 ★ sur 212 avis")
    assert lead(version, "fr").startswith("Depuis la sortie de la version 7.2 (Google Play), mardi 17 nov.")
    topic = Told(rule="new_irritant", subject="topic:sign_in", effect={"before": 0.021, "after": 0.18, "n_after": 212})
    assert plain(headline("B", topic, "fr")) == (
        "B : « Connexion et authentification » dans 18 % des avis, contre 2,1 % d’habitude (38 avis en 3 jours)"
    )
    assert subject_name("en", "topic:never_heard_of") == "never heard of"


def test_a_lone_stream_and_a_rare_score_are_told_honestly() -> None:
    alone = Told()
    alone.evidence["chance"] = {"years": 2.1, "months": 25.2, "streams": 1}
    assert chance_sentence(alone, "fr").endswith("environ une fois en 2 ans sur une seule série.")
    alone.evidence["chance"] = {"years": 1000.0, "months": 6000.0, "streams": 2}
    assert plain(chance_sentence(alone, "fr")).endswith("moins d’une fois en 1 000 ans sur une seule série.")


@pytest.mark.parametrize(
    ("years", "french"),
    [(27.2, "27 ans"), (0.25, "3 mois"), (0.06, "3 semaines"), (0.02, "7 jours"), (0.001, "1 jour"), (1.0, "12 mois")],
)
def test_durations_use_the_unit_that_people_would(years: float, french: str) -> None:
    assert plain(duration("fr", years)) == french


def test_small_things() -> None:
    assert plain(share("fr", 0.302)) == "30 %"
    assert share("en", 0.012) == "1.2%"
    assert sparkline("fr", [4.4, 4.4, None, 3.6]).endswith(" ▇▇·▁ (entre 3,6 et 4,4 ★)")
    assert sparkline("en", [4.5, 4.4, 4.2, 4.0, 3.7]).endswith(" ▇▆▅▃▁ (between 3.7 and 4.5 ★)")
    assert " ▄▄▄ " in sparkline("fr", [4.4, 4.4, 4.4])
    assert " ▅▄▃ " in sparkline("fr", [4.45, 4.4, 4.35])  # a tenth of a star is no fall
    assert sparkline("fr", [4.4, None, None]) == ""
    one = Told()
    one.evidence["window"]["days"], one.effect["n_after"] = 1, 1
    assert headline("B", one, "en").endswith("on 1 review in 1 day")


def test_the_end_says_what_it_is_back_to_and_how_long_it_lasted() -> None:
    told = Told()
    told.evidence["now"] = {"effect": {"after": 4.31}}
    message = resolved_message(
        "B", told, "fr", opened=date(2026, 11, 17), ended=date(2026, 12, 10), calm_days=14, actor=None
    )
    assert message.title == "B : la note est revenue à 4,3 ★ (elle était tombée à 3,6)"
    assert message.lead == "Rien d’anormal depuis 14 jours. L’incident aura duré 9 jours, depuis mardi 17 nov."
    by_hand = resolved_message(
        "B", told, "en", opened=date(2026, 11, 17), ended=date(2026, 11, 18), calm_days=14, actor="Ada"
    )
    assert by_hand.lead == "Closed by Ada. Open since Tuesday 17 Nov."


@pytest.mark.parametrize(
    ("rule", "subject", "french", "english"),
    [
        ("burst", "app", "la vague de mauvais avis est passée", "the wave of bad reviews is over"),
        ("burst", "topic:sign_in", "la vague d’avis sur « Connexion", "the wave of reviews about “Sign-in"),
        ("crash_spike", "version:google_play:7.2", "les plantages sont revenus", "crashes are back to normal"),
        ("urgent", "app", "plus d’avis urgents", "no more urgent reviews"),
        ("keyword", "keyword:phishing", "plus d’avis qui disent « phishing »", "no more reviews that say “phishing”"),
        ("unanswered", "app", "plus aucun avis n’attend", "no review waits too long"),
    ],
)
def test_an_end_says_what_is_over_and_a_hand_claims_nothing(rule: str, subject: str, french: str, english: str) -> None:
    for language, over in (("fr", french), ("en", english)):
        told = Told(rule=rule, subject=subject)
        ended = {"opened": date(2026, 11, 19), "ended": date(2026, 11, 23), "calm_days": 2}
        by_itself = resolved_message("B", told, language, actor=None, **ended)
        assert over in plain(by_itself.title)
        assert ("7.2" in by_itself.title) == ("7.2" in subject)
        by_hand = resolved_message("B", told, language, actor="ada", **ended)
        assert over not in plain(by_hand.title)
        assert by_hand.title.endswith("Incident clos" if language == "fr" else "Incident closed")
        assert "ada" in by_hand.lead


@pytest.mark.parametrize("rule", ["rating_drop", "new_irritant", "silent_source"])
def test_what_is_closed_by_hand_is_not_said_to_be_back_to_normal(rule: str) -> None:
    told = Told(rule=rule, subject={"new_irritant": "topic:sign_in", "silent_source": "source:5"}.get(rule, "app"))
    told.evidence["source"] = {"name": "App Store FR"}
    ended = {"opened": date(2026, 11, 19), "ended": date(2026, 11, 23), "calm_days": 14}
    title = resolved_message("B", told, "en", actor="ada", **ended).title
    assert title.endswith("Incident closed")
    assert ("App Store FR" in title) == (rule == "silent_source")


def test_a_message_survives_the_outbox() -> None:
    told = Told()
    told.evidence["quotes"] = [
        {"text": "nul", "stars": 1, "version": "7.2", "channel": "google_play", "day": "2026-11-17"},
    ]
    message = opened_message("incident.updated", "B", told, "fr", severity="alert", incident_id="x")
    assert message.lead.startswith("Cela s’aggrave. Depuis")
    assert type(message).from_json(message.to_json()) == message
    assert messages.test_message("en", at=datetime.now(UTC)).title == "A test message from Cocoon"


def test_both_languages_have_the_same_keys_and_values() -> None:
    import re
    from pathlib import Path

    folder = Path(saying.__file__).parent
    french, english = (yaml.safe_load((folder / f"words_{code}.yaml").read_text("utf-8")) for code in ("fr", "en"))
    assert french.keys() == english.keys()
    for key, sentence in french.items():
        if isinstance(sentence, str):
            assert set(re.findall(r"{\w+}", sentence)) == set(re.findall(r"{\w+}", english[key])), key
