"""The language of short reviews, with and without a storefront."""

import csv

import numpy as np
import pytest
from py3langid import langid

from analysis import language, ngrams
from analysis.language import detect
from tests.analysis.shared import DATA


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nul", "fr"),
        ("super appli", "fr"),
        ("RAS", "fr"),
        ("Très bien", "fr"),
        ("J'adore", "fr"),
        ("c nul", "fr"),
        ("Super", "fr"),  # half of Europe says so: the installation's own mix decides, as long as no store tells
        ("Génial", "fr"),
        ("Genial", "fr"),
        ("Top top top", "fr"),
        ("good", "en"),
        ("love it", "en"),
        ("useless", "en"),
        ("Muy útil", "es"),
        ("Sehr gut", "de"),
        ("Molto comoda", "it"),
        ("Heel handig", "nl"),
        ("Muito bom", "pt"),
        ("Не работает", "ru"),
        ("تطبيق ممتاز", "ar"),
        ("とても便利です", "ja"),
    ],
)
def test_short_texts_without_a_storefront(text: str, code: str) -> None:
    assert detect([text], [None], [None]) == [code]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("muy buena", "es"),
        ("no funciona", "es"),
        ("geht nicht", "de"),
        ("non funziona", "it"),
        ("schifo", "it"),
        ("werkt niet", "nl"),
        ("waardeloos", "nl"),
        ("Bom", "pt"),
        ("Nenhuma", "pt"),
        ("Perfetta, mai un problema", "it"),
        ("Werkt goed, ook handig om op school te gebruiken", "nl"),
        ("app de merde", "fr"),
        ("mdr", "fr"),
        ("super", "fr"),
    ],
)
def test_a_word_of_another_language_is_not_swallowed_by_the_french_store(text: str, code: str) -> None:
    assert detect([text], ["fr"], ["fr"] if code == "fr" else [None]) == [code]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("L'app est great mais trop de bugs", "fr"),
        ("Bonne appli. Good job", "fr"),
        ("Ça crash tout le temps, please fix", "fr"),
        ("Very good app but the connexion is slow", "en"),
        ("Muy buena app, very nice, la recomiendo a todos", "es"),
    ],
)
def test_two_languages_in_one_text_are_the_one_that_says_more(text: str, code: str) -> None:
    assert detect([text], [None], [None]) == [code]


@pytest.mark.parametrize("text", ["", "   ", "👍👍", "5/5", "!!!", "10", "\ud800", "é" * 0])
def test_nothing_to_go_on_is_undetermined_even_in_a_known_store(text: str) -> None:
    assert detect([text], ["fr"], ["fr-FR"]) == ["und"]


def test_an_ambiguous_word_follows_its_store() -> None:
    assert detect(["ok", "ok", "ok"], ["fr", "us", None], [None, None, None]) == ["fr", "en", "und"]


def test_letters_outweigh_the_store() -> None:
    texts = ["I cannot log in since the last update", "No puedo entrar en mi cuenta", "Ich kann mich nicht anmelden"]
    assert detect(texts, ["fr"] * 3, [None] * 3) == ["en", "es", "de"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("L'aplicació no funciona des de l'última actualització i no puc entrar al meu compte", "ca"),
        ("Aplikacija ne radi nakon posljednjeg ažuriranja i ne mogu se prijaviti na račun", "hr"),
        ("Aplikácia po poslednej aktualizácii nefunguje a nemôžem sa prihlásiť do svojho účtu", "sk"),
        ("Appen fungerer ikke etter siste oppdatering og jeg får ikke logget inn på kontoen min", "nb"),
    ],
)
def test_langdetect_knows_long_texts_in_rarer_languages(text: str, code: str) -> None:
    assert detect([text], ["fr"], [None]) == [code]


def test_a_declared_locale_counts() -> None:
    assert detect(["Excelente"], [None], ["pt-BR"]) == ["pt"]
    assert detect(["Excelente"], [None], ["es-MX"]) == ["es"]


def test_walking_the_batch_gives_the_scores_of_the_library() -> None:
    texts = [
        "Impossible de se connecter",
        "It keeps crashing",
        "Funktioniert nicht",
        "não abre",
        "Ça rame énormément",
    ]
    codes = ("en", "fr", "de", "pt", "es")
    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    identifier.set_languages(list(codes))
    ours, _ = ngrams.log_likelihoods(texts, codes)
    order = [codes.index(code) for code in identifier.nb_classes]
    for row, text in zip(ours, texts, strict=True):
        theirs = identifier._raw_score(text.encode()) - identifier.nb_pc
        np.testing.assert_allclose(row[order], theirs, rtol=2e-3, atol=2e-2)


@pytest.mark.shared
def test_floors_on_adjudicated_reviews() -> None:
    path = DATA / "minibar" / "language_gold.csv"
    if not path.exists():
        pytest.skip("../shared/data/minibar is not here")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["language"] != "amb"]
    texts = [row["text"] for row in rows]
    stores = [{"fr": "fr", "en": "us"}[row["storefront_language"]] for row in rows]
    nothing: list[str | None] = [None] * len(rows)
    gold = np.array([row["language"] for row in rows])
    short = np.array([len(text) <= 10 for text in texts])
    two = gold != "other"
    without, within = np.array(detect(texts, nothing, nothing)), np.array(detect(texts, stores, nothing))
    assert (without == gold)[two].mean() >= 0.99
    assert (within == gold)[two].mean() >= 0.998
    assert (without == gold)[two & short].mean() >= 0.955
    assert (~np.isin(without[~two], ["en", "fr"])).mean() >= 0.9
    assert (~np.isin(within[~two], ["en", "fr"])).mean() >= 0.85


def test_every_language_of_the_prior_is_known() -> None:
    assert set(language._COUNTRIES) <= set(language.LANGUAGES)


@pytest.mark.parametrize(("store", "code"), [("fr", "fr"), ("de", "de"), ("es", "es"), ("it", "it"), ("pl", "pl")])
def test_a_word_that_many_languages_share_is_the_stores(store: str, code: str) -> None:
    assert detect(["Super"], [store], [None]) == [code]
