"""Folding, cutting and hashing: the ground that every other step stands on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.tokens import MAX_CHARACTERS, STOP, SYMBOL, Tokens, tokenise


def words(tokens: Tokens) -> list[str]:
    return [
        "".join(map(chr, tokens.codes[a:b])) for a, b in zip(tokens.first.tolist(), tokens.last.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("L'Appli est GÉNIALE", ["l", "appli", "est", "geniale"]),
        ("nuuuuul", ["nul"]),
        ("1000 euros", ["1000", "euros"]),
        ("appelle", ["appelle"]),
        ("vraiment !!!", ["vraiment", "!"]),
        ("e\u0301te\u0301", ["ete"]),
        ("app\u200blication", ["application"]),
        ("a\ud800b", ["a", "b"]),
        ("", []),
        ("\u0301\u200d", []),
    ],
)
def test_folding(text: str, folded: list[str]) -> None:
    assert words(tokenise([text])) == folded


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("jarrive plus", ["j", "arrive", "plus"]),
        ("Lappli cest dla", ["l", "appli", "c", "est", "dla"]),
        ("quil maide daccord", ["qu", "il", "maide", "d", "accord"]),
        ("jpeux pas midentifier", ["j", "peux", "pas", "m", "identifier"]),
        ("aujourdhui jai lempreinte", ["aujourd", "hui", "j", "ai", "l", "empreinte"]),
        ("ce nest pas, on ma vidé", ["ce", "n", "est", "pas", ",", "on", "m", "a", "vide"]),
        ("ma carte na rien", ["ma", "carte", "n", "a", "rien"]),
        ("my Nest, na 3 dagen, signore", ["my", "nest", ",", "na", "3", "dagen", ",", "signore"]),
        ("davantage de dune, louvre, jpg", ["davantage", "de", "dune", ",", "louvre", ",", "jpg"]),
    ],
)
def test_a_missing_apostrophe_is_read(text: str, folded: list[str]) -> None:
    tokens = tokenise([text])
    assert words(tokens) == folded
    # Alone or between others, and quoted as it was written.
    assert words(tokenise(["on", text, "pas"])) == ["on", *folded, "pas"]
    assert tokens.quote(0, len(tokens) - 1) == text


def test_texts_get_their_apostrophes_back() -> None:
    texts = ["jarrive pas\0là", "e\u0301te\u0301", "", "Lappli cest nul", "ok"]
    assert tokenise(texts).with_apostrophes(texts) == [
        "j'arrive pas là", "e\u0301te\u0301", "", "L'appli c'est nul", "ok"
    ]  # fmt: skip
    assert tokenise(["rien"]).with_apostrophes(["rien"]) == ["rien"]


def test_marks_and_symbols_are_tokens_of_their_own() -> None:
    tokens = tokenise(["Bof :-( 👍🏽👍🏽, 5€"])
    assert words(tokens) == ["bof", "🙁", "👍", ",", "5", "€"]
    assert tokens.kind.tolist().count(SYMBOL) == 3
    assert tokens.kind.tolist().count(STOP) == 1


def test_quotes_are_the_original_words() -> None:
    tokens = tokenise(["rien", "La Connexion échoue… à chaque fois"])
    at = int(tokens.bounds[1])
    assert tokens.quote(at + 1, at + 2) == "Connexion échoue"


def test_same_word_same_hash_wherever_it_stands() -> None:
    tokens = tokenise(["Connexion", "pas de connexion du tout", "connexions"])
    first, middle, plural = tokens.hash[0], tokens.hash[tokens.bounds[1] + 2], tokens.hash[tokens.bounds[2]]
    assert first == middle != plural
    chosen, prefix = tokens.prefix_hash(len("connexion"))
    begins = dict(zip(tokens.words[chosen].tolist(), prefix.tolist(), strict=True))
    assert begins == {0: int(first), int(tokens.bounds[2]): int(first)}  # one token of each different word


@given(st.lists(st.text(alphabet=st.characters(), max_size=60), max_size=8))
def test_tokens_of_any_text_lie_within_their_document(texts: list[str]) -> None:
    tokens = tokenise(texts)
    assert len(tokens.bounds) == len(texts) + 1
    assert (np.diff(tokens.doc) >= 0).all()
    assert (tokens.last > tokens.first).all()
    alone = [words(tokenise([text])) for text in texts]
    together = words(tokens)
    assert [together[a:b] for a, b in zip(tokens.bounds[:-1], tokens.bounds[1:], strict=True)] == alone


def test_only_the_beginning_of_a_book_is_read() -> None:
    tokens = tokenise(["mot " * MAX_CHARACTERS])
    assert len(tokens) == MAX_CHARACTERS // 4
