"""The installation's own topics: laid over the shipped ones, with a clear word on every mistake."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from analysis import taxonomy
from analysis.taxonomy import TaxonomyError
from analysis.understand import Document, understand, version
from tests.app.seed import Portfolio

OWN = """
topics:
  loyalty:
    step: manage
    name: {fr: Fidélité, en: Loyalty}
    fr: [points de fidelite]
    en: [loyalty points]
  sign_in:
    fr: [sesame ouvre toi]
    remove: {fr: [mot de passe]}
  advertising: null
"""


@pytest.fixture(autouse=True)
def shipped() -> Iterator[None]:
    yield
    taxonomy.use("")


def told(text: str) -> set[str]:
    return {topic.topic for topic in understand([Document(text, locale="fr")])[0].topics}


def test_own_topics_are_read_for_at_once() -> None:
    before = version()
    assert "loyalty" not in told("Mes points de fidélité ont disparu")
    taxonomy.use(OWN)
    assert "loyalty" in told("Mes points de fidélité ont disparu")
    assert "sign_in" in told("Sésame ouvre-toi ne marche pas")
    assert "advertising" not in told("Trop de publicité")
    assert version() != before
    taxonomy.use("")
    assert version() == before


def test_own_phrases_in_any_language() -> None:
    def topics(text: str, language: str) -> set[str]:
        return {topic.topic for topic in understand([Document(text, locale=language)])[0].topics}

    assert "transfer" in topics("la transferencia no llega", "es")
    taxonomy.use(
        """
topics:
  loyalty:
    step: manage
    name: {fr: Fidélité, en: Loyalty}
    fr: [points de fidelite]
    es: [puntos estrella]
    pl: [punkty]
    weak: {sv: [poang]}
  transfer:
    remove: {es: ["transferencia*"]}
"""
    )
    assert "loyalty" in topics("He perdido mis puntos estrella", "es")
    assert "loyalty" in topics("Gdzie są moje punkty", "pl")
    assert "loyalty" in topics("Mina poäng är borta", "sv")
    assert "loyalty" not in topics("Où sont mes puntos estrella", "fr")
    assert "loyalty" in topics("Wo sind meine points de fidélité", "de"), "own phrases in French are read for anywhere"
    assert "es" in taxonomy.taxonomy().topics["loyalty"].phrases
    assert "transferencia*" not in taxonomy.taxonomy().topics["transfer"].phrases["es"]


def test_the_shipped_topics_are_not_touched() -> None:
    shipped = taxonomy.taxonomy()
    taxonomy.use(OWN)
    taxonomy.use("")
    assert taxonomy.taxonomy() is shipped
    assert "mot de passe" in shipped.topics["sign_in"].phrases["fr"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("topics: [\n", "not YAML: line 2"),
        ("hello", "“topics”"),
        ("themes: {}", "“topics”"),
        ("topics: {new_one: {fr: [a]}}", "needs a “step”"),
        ("topics: {new_one: {step: moon, name: {fr: a, en: b}}}", "no step “moon”"),
        ("topics: {new_one: {step: pay, name: {fr: a}}}", "French and in English"),
        ("topics: {Bad Id: {}}", "cannot be the id"),
        ("topics: {sign_in: {fr: word}}", "a list of phrases"),
        ("topics: {sign_in: {fr: [yes]}}", "each a text"),
        ("topics: {sign_in: {fr: ['* a']}}", "begins with a word"),
        ("topics: {sign_in: {fr: ['a .. b .. c .. d']}}", "two gaps"),
        ("topics: {sign_in: {colour: red}}", "not a part"),
        ("topics: {sign_in: {xx: [a]}}", "nor a language"),
        ("topics: {sign_in: {no: [a]}}", "“False” is not a part"),  # YAML's "no"; Norwegian is nb
        ("topics: {sign_in: {weak: {xx: [a]}}}", "“xx” is not a language"),
        ("topics: {sign_in: {remove: {es: login}}}", "a list of phrases"),
        ("topics: {sign_in: 3}", "names with values"),
        ("steps: {pay: 3}", "name"),
        ("topics: {a_b: {step: pay, name: {fr: a, en: b}, fr: ['!!!']}}", "begins with a word"),
    ],
)
def test_mistakes_are_told_where_they_are(words: str, said: str) -> None:
    with pytest.raises(TaxonomyError) as raised:
        taxonomy.use(words)
    assert said in str(raised.value)
    assert taxonomy.own() == ""


def test_over_the_api(web: TestClient, portfolio: Portfolio, deferred: list[Any]) -> None:
    assert web.get("/api/v1/taxonomy").json()["own"] == ""
    wrong = web.put("/api/v1/taxonomy", json={"own": "topics: [\n"})
    assert (wrong.status_code, deferred) == (422, [])
    assert "line 2" in wrong.json()["detail"]
    found = web.put("/api/v1/taxonomy", json={"own": OWN}).json()
    assert {topic["id"] for topic in found["topics"]} >= {"loyalty", "sign_in"}
    assert {call[0] for call in deferred} == {("reread", f"reread:{app.id}") for app in portfolio.apps}
    web.put("/api/v1/taxonomy", json={"own": OWN})
    assert len(deferred) == len(portfolio.apps), "the same topics ask for nothing"
    assert web.get("/api/v1/taxonomy").json()["own"] == OWN.strip()


def test_over_the_page(web: TestClient, portfolio: Portfolio) -> None:
    origin = {"Origin": "http://127.0.0.1:8765"}
    wrong = web.post("/topics", data={"own": "topics: {x1: 3}"}, headers=origin)
    assert wrong.status_code == 422
    assert "names with values" in wrong.text
    assert "x1: 3" in wrong.text
    assert web.post("/topics", data={"own": OWN}, headers=origin).status_code == 303
    assert "Loyalty" in web.get("/topics").text
