"""Telling phrases: what is said here and not elsewhere, in the words of the customers."""

from analysis.phrases import telling

CALM = [f"Très bonne application, je consulte mon solde numéro {number}" for number in range(60)]
LOUD = [
    f"Depuis hier {tail}"
    for tail in ["écran bleu au démarrage", "un écran bleu et rien", "toujours cet écran bleu", "écran bleu, bravo"] * 3
]


def test_names_what_is_new() -> None:
    first = telling([*LOUD, *CALM[:5]], [*CALM, "Depuis hier je consulte", "hier"])[0]
    assert (first.text, first.verbatims, first.background) == ("écran bleu", 12, 0)
    assert first.z > 2


def test_a_part_gives_way_to_the_whole_phrase() -> None:
    texts = [phrase.text for phrase in telling(LOUD, CALM, limit=20)]
    assert "écran" not in texts
    assert "bleu" not in texts


def test_nothing_is_told_of_the_same_words_or_of_too_few() -> None:
    assert telling(CALM, CALM) == []
    assert telling(LOUD[:2], CALM) == []
    assert telling([], CALM) == telling(["!!", "", "\ud800"], []) == []


def test_one_text_counts_a_phrase_once() -> None:
    assert telling(["page blanche " * 50, "page blanche"], CALM) == []
