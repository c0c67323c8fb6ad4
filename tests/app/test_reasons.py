"""Reasons in French: every sentence that the store sources and the ledger can say has its French."""

import ast
import re
from pathlib import Path

import pytest

from app.reasons import catalogue, in_french

ROOT = Path(__file__).resolve().parents[2]
STORES = (
    "access", "app_store", "app_store_connect", "app_store_lookup", "apple_feed", "connect_format", "google_access",
    "google_play", "google_play_details", "http", "play_api_format",
    "play_console_bucket", "play_console_csv", "play_developer",
    "play_format", "play_tracks", "values", "tables",
)  # fmt: skip
FILES = [ROOT / "collectors" / f"{name}.py" for name in STORES]
FILES += [ROOT / "app" / f"{name}.py" for name in ("ledger", "walk", "doubt", "doctor", "reading/sources")]
FILES.append(ROOT / "analysis" / "embeddings.py")
# Texts that are no reasons: names of settings and checks, messages to the one who writes the settings, forms of dates.
NO_REASON = re.compile(
    r"a bucket is named|^address of Cloud|^Play Console bucket|tries returned or raised$"
    r"|territories are|issuer_id is|key_id is|an App Store id is|a storefront is|a Google Play app is|a language is"
    r"|must begin with https|is not a web address$|^address of|Cocoon/1|only a throttled|the database has a clock"
    r"|^Google Play (Developer API|reviews, |tracks)|^App Store|^Iterator|\(\?|january|february|april|july|september"
    r"|^SELECT |date and time$|millis since epoch$|more cells than columns$|^date of the answer$|cause is kept"
)


def template(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def sentences(path: Path) -> set[str]:
    """Every text of three words or more that is no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    inside -= {id(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)}
    found = {template(node) for node in ast.walk(tree) if id(node) not in told | inside}
    return {text for text in found if text and text.count(" ") >= 3 and not NO_REASON.search(text)}


def bare(text: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_sentence_has_its_french(path: Path) -> None:
    known = {bare(english) for english in catalogue()}
    # A sentence that is put together from two is in the catalogue as a whole.
    missing = {text for text in map(bare, sentences(path)) if not any(text in one or one in text for one in known)}
    assert not missing


def test_every_french_sentence_takes_the_same_values() -> None:
    for english, french in catalogue().items():
        values = re.findall(r"\{\d\}", english)
        assert values == [f"{{{n}}}" for n in range(len(values))], english
        assert set(re.findall(r"\{\d\}", french)) == set(values), english
        assert "'" not in french, english


@pytest.mark.parametrize("english", list(catalogue()))
def test_each_is_found_again_with_its_values(english: str) -> None:
    values = [f"value-{n}" for n in range(9)]
    assert in_french(english.format(*values)) == catalogue()[english].format(*values)


def test_sentences_that_follow_each_other_and_quote_each_other_are_all_said_in_french() -> None:
    told = (
        "itunes.apple.com asked us to slow down (answer 429); the next try waits 30 s. "
        "read as XML by address form 2, because the JSON feed gives no dates; "
        "3 of 50 reviews of page 2 had been read before in this walk"
    )
    assert in_french(told) == (
        "itunes.apple.com a demandé de ralentir (réponse 429)\u00a0; prochain essai dans 30 s. "
        "lu en XML par la forme d’adresse 2, car le flux JSON ne donne pas de dates\u00a0; "
        "3 des 50 avis de la page 2 avaient déjà été lus"
    )
    inner = "The feed is empty, and the app's page could not confirm it: itunes.apple.com did not answer within 20 s."
    assert in_french(inner).endswith("n’a pas répondu en 20 s.")
    right = (
        "The service account a@b.c may not read the reviews of com.example (answer 403): give it the right "
        "“Reply to reviews” in the Play Console, Users and permissions."
    )
    assert "ne peut pas lire les avis de com.example" in in_french(right)
    assert "«\u00a0Répondre aux avis\u00a0»" in in_french(right)


def test_what_is_not_known_is_shown_as_it_came() -> None:
    assert in_french("Something nobody foresaw: 42; and more.") == "Something nobody foresaw: 42\u00a0; and more."
    assert in_french("") == ""
