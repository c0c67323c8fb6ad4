"""Floors on the half of a stranger's verbatims that nothing was mended on, and the turns that were mended."""

import pytest

from analysis import corpora, labelled
from analysis.understand import Document, understand
from benchmarks import stranger


def test_what_a_stranger_types() -> None:
    reached = stranger.figures()
    assert reached["language"] >= 0.96
    assert reached["label, fr"] >= 0.77  # at first sight .71
    assert reached["label, en"] >= 0.78  # .65
    assert reached["label, other"] >= 0.75  # .75
    assert reached["problem F1"] >= 0.83  # .83
    assert reached["request F1"] >= 0.82  # .73
    assert reached["question F1"] >= 0.88  # .80
    assert reached["urgent, recall"] >= 0.95  # .93
    assert reached["urgent, calm ones taken"] <= 0.03
    assert reached["topics F1, fr"] >= 0.73


def test_none_of_these_verbatims_is_trained_on() -> None:
    learnt = {_plain(one.text) for one in [*labelled.sentences(), *corpora.own()]}
    rows = stranger.rows(held=None)
    assert len(rows) > 400
    assert [row["text"] for row in rows if not row["title"] and _plain(row["text"]) in learnt] == []


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


@pytest.mark.parametrize(
    ("language", "wish"),
    [
        ("fr", "J'aimerais pouvoir trier mes bénéficiaires"),
        ("fr", "ce serait super de pouvoir payer en plusieurs fois"),
        ("fr", "Merci de remettre le tri par date"),
        ("en", "It would be great to sort by amount"),
        ("de", "Eine Suchfunktion wäre toll"),
        ("it", "sarebbe bello poter cercare"),
    ],
)
def test_who_only_wishes_is_not_happy(language: str, wish: str) -> None:
    [said] = understand([Document(wish, locale=language)])
    assert said.label in ("neutral", "negative")
    assert "request" in said.intents
    assert "praise" not in said.intents


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("fr", "bonjour ou est ce que je trouve mon numéro de contrat"),
        ("fr", "Combien coûte un chèque de banque ?"),
        ("en", "where can I find my account number"),
        ("nl", "waar vind ik mijn saldo?"),
    ],
)
def test_a_practical_question_is_a_question_and_no_request(language: str, question: str) -> None:
    [said] = understand([Document(question, locale=language)])
    assert "question" in said.intents
    assert "request" not in said.intents
    assert said.label in ("neutral", "negative")
    assert not said.urgent


def test_a_good_beginning_and_a_fault_after_a_but_are_mixed() -> None:
    said = understand(
        [
            Document("Jolie appli, mais le virement échoue à chaque fois", locale="fr"),
            Document("Lovely design but it crashes every day", locale="en"),
        ]
    )
    assert [one.label for one in said] == ["mixed", "mixed"]
    assert all("problem" in one.intents for one in said)


def test_words_of_praise_are_praise_whatever_the_stars() -> None:
    said = understand([Document("Très bonne application, parfait", stars=stars, locale="fr") for stars in (1, 5)])
    assert [one.intents for one in said] == [("praise",), ("praise",)]


@pytest.mark.parametrize("text", ["Je trouve que l'appli est très lente", "il faut avouer que c'est mal fait"])
def test_an_opinion_in_a_wrapper_keeps_its_sign(text: str) -> None:
    [said] = understand([Document(text, locale="fr")])
    assert said.label == "negative"
