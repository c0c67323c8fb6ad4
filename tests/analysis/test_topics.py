"""Topics on word boundaries, the precise one before the vague, each with its words."""

import pytest

from analysis.phrasebook import Phrasebook
from analysis.taxonomy import taxonomy
from analysis.tokens import tokenise
from analysis.topics import find, topic_ids
from analysis.understand import Document, Understanding, understand


def one(text: str, language: str = "fr") -> Understanding:
    return understand([Document(text, locale=language)])[0]


def topics(text: str, language: str = "fr") -> set[str]:
    return {mention.topic for mention in one(text, language).topics}


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Impossible de me connecter depuis ce matin", "fr", {"sign_in"}),
        ("La connexion ne marche plus", "fr", {"sign_in"}),
        ("Erreur d'identification", "fr", {"sign_in"}),
        ("Depuis la mise à jour, connexion impossible", "fr", {"sign_in"}),
        ("Cette mise à jour est une catastrophe", "fr", {"update"}),
        ("J'ai reçu un faux SMS", "fr", {"security_fraud"}),
        ("Je ne reçois jamais le SMS de validation", "fr", {"strong_authentication"}),
        ("Personne ne répond à mes messages", "fr", {"support"}),
        ("Plus rien ne marche", "fr", {"outage"}),
        ("Retrait au distributeur refusé", "fr", {"card"}),
        ("Ma retraite est proche", "fr", set()),
        ("It does not recognise my user id", "en", {"sign_in"}),
        ("Nobody replies to my messages", "en", {"support"}),
        ("It crashes since the last update", "en", {"crash"}),
        ("Cannot transfer money to a payee", "en", {"transfer"}),
        ("It is broken", "en", {"outage"}),
        ("Text is too small", "en", {"display", "accessibility"}),
        ("Nice", "en", set()),
    ],
)
def test_what_a_text_speaks_of(text: str, language: str, expected: set[str]) -> None:
    assert topics(text, language) == expected


def test_every_example_of_the_taxonomy_finds_its_topic() -> None:
    missed = [
        (topic.id, example)
        for topic in taxonomy().topics.values()
        for language, examples in topic.examples.items()
        for example in examples
        if topic.id not in topics(example, language)
    ]
    assert missed == []


def test_every_topic_speaks_both_languages_and_stands_on_a_step() -> None:
    steps = {step.id for step in taxonomy().steps}
    for topic in taxonomy().topics.values():
        assert topic.step in steps
        assert set(topic.names) == {"fr", "en"}
        for language in ("fr", "en"):
            assert topic.phrases[language]
            assert topic.examples[language]


def test_each_aspect_has_its_own_feeling_and_words() -> None:
    told = {mention.topic: mention for mention in one("Virement facile mais connexion impossible").topics}
    assert told["transfer"].sentiment > 0.3
    assert told["sign_in"].sentiment < -0.2
    assert told["transfer"].evidence == "Virement facile"
    assert told["sign_in"].evidence == "connexion impossible"
    assert (told["transfer"].step, told["sign_in"].step) == ("pay", "sign_in")


@pytest.mark.parametrize("text", ["L’historique est faux", "The app won't open, it's slow", "Où est mon IBAN ?"])
def test_evidence_is_quoted_from_the_text(text: str) -> None:
    mentions = one(text, "en" if "app" in text else "fr").topics
    assert mentions
    for mention in mentions:
        assert mention.evidence in text
    assert not any(mention.evidence.endswith(("won", "L")) for mention in mentions)


def test_marks_of_masked_data_are_no_topic() -> None:
    assert topics("⟨card⟩ ⟨iban⟩ ⟨phone⟩ it crashes", "en") == {"crash"}
    assert topics("my card ⟨card⟩", "en") == {"card"}


def test_phrases_of_the_other_language_are_left_alone() -> None:
    texts = ["pub", "pub"]
    found = find(tokenise(texts), ["en", "fr"])
    assert [topic_ids()[topic] for topic in found.topic] == ["advertising"]


def test_names_in_both_languages_and_of_lost_topics() -> None:
    known = taxonomy()
    assert known.name("sign_in", "fr") == "Connexion et authentification"
    assert known.name("sign_in", "en") == "Sign-in"
    assert known.name("sign_in", "de") == "Sign-in"
    assert known.name("old_topic", "fr") == "old topic"
    assert known.step_name("pay", "en") == "Pay and transfer"


@pytest.mark.parametrize(
    ("phrase", "text", "quoted"),
    [
        ("plant*", "Elle plantait, plantée !", ["plantait", "plantée"]),
        ("pas", "passer n'est pas jouer", ["pas"]),
        ("impossible .. connecter", "impossible de me connecter", ["impossible de me connecter"]),
        ("impossible .. connecter", "impossible. Me connecter", []),
        ("code _ recu", "code jamais reçu, code reçu", ["code jamais reçu"]),
        ("nul", "NUUUUL et nul", ["NUUUUL", "nul"]),
    ],
)
def test_phrases(phrase: str, text: str, quoted: list[str]) -> None:
    tokens = tokenise([text])
    hits = Phrasebook([phrase]).find(tokens)
    assert [tokens.quote(first, last) for first, last in zip(hits.first, hits.last, strict=True)] == quoted
