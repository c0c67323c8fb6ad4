"""Sentiment and intent: what the words alone say, with negation, irony, other languages and honest doubt."""

import json
from importlib import resources

import numpy as np
import pytest

from analysis import corpora, heads, lexicon
from analysis.tokens import tokenise
from analysis.understand import Document, Understanding, understand
from tests.analysis.shared import DATA


def read(text: str, storefront: str = "fr") -> Understanding:
    return understand([Document(text, storefront=storefront)])[0]


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("pas terrible du tout", "pas mal du tout"),
        ("je ne recommande pas cette banque", "je recommande cette banque"),
        ("aucun suivi, service nul", "aucun souci, service au top"),
        ("ne fonctionne plus", "fonctionne très bien"),
        ("not good at all", "not bad at all"),
        ("never works", "never had a problem, works great"),
        ("😡", "😍"),
    ],
)
def test_negation_and_neighbouring_words(bad: str, good: str) -> None:
    assert read(bad).sentiment < -0.2 < 0.2 < read(good).sentiment


@pytest.mark.parametrize(
    ("ironic", "sincere"),
    [
        ("Bravo, encore une panne", "Bravo, une belle application"),
        ("Super la mise à jour, plus rien ne marche", "Super la mise à jour, tout marche"),
        ("Great, locked out again", "Great, fast and easy"),
    ],
)
def test_praise_followed_by_trouble_again_is_not_praise(ironic: str, sincere: str) -> None:
    assert read(ironic).sentiment < read(sincere).sentiment - 0.3
    assert "praise" not in read(ironic).intents


def test_a_clause_for_and_a_clause_against_are_mixed() -> None:
    assert read("Très bonne application, au top. Mais impossible de se connecter, nul.").label == "mixed"


def test_neutral_when_nothing_is_felt() -> None:
    assert read("J'ai un compte chez vous").label == "neutral"
    assert read("J'ai un compte chez vous").intents == ()


def test_other_languages_are_read_by_words_with_less_confidence_or_not_at_all(words_alone: None) -> None:
    german = read("Sehr gute App, funktioniert einwandfrei, danke", "de")
    french = read("Très bonne application, fonctionne parfaitement, merci")
    assert german.language == "de"
    assert 0 < german.confidence < french.confidence
    polish = read("Aplikacja mojego banku, wczoraj zainstalowana na telefonie mojej siostry", "pl")
    assert (polish.sentiment, polish.label, polish.confidence) == (0.0, "neutral", 0.0)


def test_negated_cues_are_counted_apart() -> None:
    tokens = tokenise(["bien", "pas bien du tout", "pas, bien"])
    cues = lexicon.find(tokens, np.zeros(3, dtype=np.int64))
    measured = lexicon.measure(tokens, cues, tokens.doc, 3)
    like, balance = lexicon.NAMES.index("like"), lexicon.NAMES.index("balance")
    assert measured[0, like] > 0 == measured[1, like]
    assert measured[1, balance] < 0 < measured[0, balance]
    assert measured[2, like] > 0  # a comma ends the reach of a negator


def test_model_files_say_what_they_are_and_stay_small() -> None:
    data = resources.files("analysis").joinpath("data")
    about = json.loads(data.joinpath("model.json").read_text("utf-8"))
    assert heads.load().version == about["version"]
    assert len(about["training_set"]) == 12
    assert len(data.joinpath("model.npz").read_bytes()) < 15_000_000


@pytest.mark.shared
def test_floors_on_french_reviews_of_another_trade() -> None:
    reviews = [e for e in corpora.read(DATA, "insurance_fr") if e.stars != 3][::4]
    if not reviews:
        pytest.skip("needs ../shared/data/insurance_fr")
    said = np.array([one.sentiment for one in understand([Document(e.text, storefront="fr") for e in reviews])])
    liked = np.array([(e.stars or 0) > 3 for e in reviews])
    assert np.mean((said > 0) == liked) > 0.915
    sure = np.abs(said) > 0.6
    assert np.mean((said > 0)[sure] == liked[sure]) > 0.96
    assert sure.mean() > 0.7


@pytest.mark.shared
def test_training_twice_gives_the_same_weights() -> None:
    train = pytest.importorskip("analysis.train", reason="needs the dependency group train")
    examples = [*corpora.read(DATA, "minibar")[::20], *corpora.own()[::20]]
    if len(examples) < 200:
        pytest.skip("needs ../shared/data/minibar")
    once, twice = (
        train.fit(matrix, task, np.flatnonzero(task.chosen))
        for matrix, task in [(train.represent(examples), train.tasks(examples)[0]) for _ in range(2)]
    )
    assert np.array_equal(once, twice)
