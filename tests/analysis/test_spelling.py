"""French in a hurry: spellings that phrases are found in, and words that stay apart."""

import pytest

from analysis.phrasebook import Phrasebook
from analysis.spelling import sound, spellings
from analysis.tokens import tokenise
from analysis.understand import Document, understand


def found(phrases: list[str], text: str, *, french: bool = True) -> list[str]:
    hits = Phrasebook(phrases, [french] * len(phrases)).find(tokenise([text]))
    return [phrases[number] for number in hits.phrase.tolist()]


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("a me connecter", "jarrive plus a me connecté"),
        ("se ferme", "elle ce fermer tout le temps"),
        ("virement .. pas passe", "le virment et pas passer"),
        ("impossible d'installer", "imposible dinstalé"),
        ("toujours pas recu", "tjrs pa reçus"),
        ("sur mon compte", "sur mon cpte"),
        ("application*", "aplications"),
        ("il faut changer", "il faut changez"),
        ("ne marche pas", "ne marche pa"),
    ],
)
def test_a_phrase_is_found_in_hurried_spellings(phrase: str, text: str) -> None:
    assert found([phrase], text) == [phrase]
    assert found([phrase], text, french=False) == []


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("pas cher", "je suis pas chez vous"),
        ("a l'etranger", "un truc a letrange"),
        ("changez", "j'ai changé"),  # "changez" asks, nothing else does
        ("le site est", "le site et ses couleurs"),
        ("connecter", "une montre connectée"),  # one word alone: nothing around it makes sure
        ("mon livret", "mon livre"),
    ],
)
def test_other_words_stay_apart(phrase: str, text: str) -> None:
    assert found([phrase], text) == []


def test_every_spelling_of_a_word_sounds_as_it_does() -> None:
    for word in ("connecter", "paiement", "bloquee", "acces", "appelle", "toujours", "debit", "elle", "cb", "3ds"):
        assert word in spellings(word)
        assert {sound(form) for form in spellings(word)} == {sound(word)}


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("jarrive plus a me connecté", "sign_in"),
        ("le virement et pas passé", "transfer"),
        ("jai plus accès a mes compte", "sign_in"),
        ("sa plante a louverture", "crash"),
        ("jai plus accès", "sign_in"),
        ("virment bloquer depui 3j", "transfer"),
    ],
)
def test_topics_of_hurried_french(text: str, topic: str) -> None:
    assert topic in {one.topic for one in understand([Document(text, locale="fr")])[0].topics}


@pytest.mark.parametrize(
    "text", ["on m a vidé mon compte et personne répond", "on ma vider mon compte", "jme suis fait arnaqué de 300e"]
)
def test_the_urgent_lane_in_hurried_french(text: str) -> None:
    assert understand([Document(text, storefront="fr")])[0].urgent
