"""Phrases on word boundaries, beside a plain search that tries every place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.phrasebook import Phrasebook
from analysis.tokens import tokenise


def found(phrases: list[str], *texts: str) -> list[tuple[str, str]]:
    tokens = tokenise(texts)
    hits = Phrasebook(phrases).find(tokens)
    return [
        (phrases[p], tokens.quote(a, b))
        for p, a, b in zip(hits.phrase.tolist(), hits.first.tolist(), hits.last.tolist(), strict=True)
    ]


def test_words_beginnings_blanks_and_gaps() -> None:
    assert found(["plant*"], "elle plantait, replanter") == [("plant*", "plantait")]
    assert found(["depuis _ mise"], "depuis la mise à jour") == [("depuis _ mise", "depuis la mise")]
    assert found(["impossible .. connecter"], "impossible de me connecter", "impossible connecter") == [
        ("impossible .. connecter", "impossible de me connecter"),
        ("impossible .. connecter", "impossible connecter"),
    ]


def test_no_phrase_reaches_over_a_mark_or_into_the_next_document() -> None:
    assert found(["connexion impossible"], "connexion. impossible", "connexion", "impossible") == []
    assert found(["connexion .. impossible"], "connexion. impossible", "connexion", "impossible") == []


def test_a_phrase_must_begin_with_a_word() -> None:
    with pytest.raises(ValueError, match="must begin with a word"):
        Phrasebook(["_ impossible"])


@given(
    st.lists(st.sampled_from(["pas", "ne", "marche", "plus", "."]), max_size=12),
    st.lists(
        st.lists(st.sampled_from(["pas", "ne", "marche", "plus"]), min_size=1, max_size=3), min_size=1, max_size=4
    ),
)
def test_agrees_with_a_plain_search(text: list[str], phrases: list[list[str]]) -> None:
    tokens = tokenise([" ".join(text)])
    said = [tokens.quote(at, at) for at in range(len(tokens))]
    hits = Phrasebook([" ".join(phrase) for phrase in phrases]).find(tokens)
    plain = {
        (number, at)
        for number, phrase in enumerate(phrases)
        for at in range(len(said))
        if said[at : at + len(phrase)] == phrase
    }
    assert set(zip(hits.phrase.tolist(), hits.first.tolist(), strict=True)) == plain
