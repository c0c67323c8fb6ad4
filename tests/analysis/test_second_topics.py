"""The encoder as second reader of topics and of the urgent lane."""

from collections.abc import Iterator

import pytest

from analysis import embeddings, taxonomy
from analysis.understand import Document, TopicMention, understand


@pytest.fixture(autouse=True)
def _encoder() -> Iterator[None]:
    if not embeddings.installed().name:
        pytest.skip("the encoder is not installed")
    embeddings.use(True)
    yield
    embeddings.use(True)
    taxonomy.use("")


def told(text: str, language: str) -> dict[str, TopicMention]:
    return {one.topic: one for one in understand([Document(text, locale=language)])[0].topics}


@pytest.mark.parametrize(
    ("text", "language", "topic"),
    [
        ("nie mogę się zalogować od wczoraj, hasło nie działa", "pl", "sign_in"),
        ("przelew nie dochodzi", "pl", "transfer"),
    ],
)
def test_a_topic_that_no_phrase_names(text: str, language: str, topic: str) -> None:
    assert topic in told(text, language)
    embeddings.use(False)
    assert topic not in told(text, language)


def test_the_clause_that_is_most_like_the_topic_is_quoted() -> None:
    text = "Ładny kolor. Nie mogę się zalogować od wczoraj, hasło nie działa"
    evidence = told(text, "pl")["sign_in"].evidence
    assert evidence == "Nie mogę się zalogować od wczoraj"


def test_own_topics_are_known_by_their_examples_and_own_phrases_are_believed() -> None:
    taxonomy.use(
        """
topics:
  chatterbox:
    step: get_help
    name: {fr: Assistant vocal Camille, en: Voice assistant Camille}
    examples: {fr: ["L'assistant vocal ne comprend pas mes demandes"], en: ["The voice assistant misunderstands me"]}
  card:
    fr: [zibouloum]
"""
    )
    assert "chatterbox" in told("El asistente de voz no entiende lo que pido", "es")
    assert "chatterbox" not in told("La transferencia no ha llegado", "es")
    assert "card" in told("Lo zibouloum è sparito", "it")  # though this topic has Italian phrases of its own
    assert "card" in told("Le zibouloum est formidable, quel beau chat", "fr")


@pytest.mark.parametrize(
    ("text", "language", "alarm"),
    [
        ("unbekannte haben mein Konto leergeräumt", "de", True),
        ("qualcuno ha fatto acquisti con la mia carta", "it", True),
        ("My password is refused again", "en", False),
        ("Schöne App, alles bestens", "de", False),
    ],
)
def test_the_urgent_lane_by_meaning(text: str, language: str, alarm: bool) -> None:
    assert understand([Document(text, locale=language)])[0].urgent is alarm
