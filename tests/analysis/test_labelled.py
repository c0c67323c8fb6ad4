"""The labels and sentences for intents: their own rules, and that no label can land on another text."""

import csv
import gzip
import io
from collections import Counter
from pathlib import Path

import pytest

from analysis import labelled
from analysis.corpora import Example
from analysis.labelled import Label, LabelError, parse_labels, parse_sentences
from tests.analysis.shared import DATA

HEAD = "# a comment\n" + ",".join(labelled.COLUMNS) + "\n"
LINE = "playstore_en,spotify.csv.gz,2,0123456789ab,1,0,0\n"


def test_labels_speak_of_six_apps_and_of_all_intents() -> None:
    found = labelled.labels()
    assert len(found) == 1_000
    files = Counter(label.file for label in found)
    assert files.pop("reviews.csv.gz") == 200
    assert set(files.values()) == {160}
    assert len(files) == 5
    for share in (sum(label.problem for label in found), sum(label.request for label in found)):
        assert 300 <= share <= 500
    assert 200 <= sum(not (label.problem or label.request) for label in found) <= 300


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LINE, "first line"),
        (HEAD + "playstore_en,spotify.csv.gz,2\n", "line 3: 3 cells"),
        (HEAD + LINE.replace("playstore_en", "insurance_fr"), "unknown corpus"),
        (HEAD + LINE.replace(",2,", ",0,"), "number of a row"),
        (HEAD + LINE.replace("0123456789ab", "0123"), "SHA-256"),
        (HEAD + LINE.replace("1,0,0", "yes,0,0"), "0 or 1"),
        (HEAD + LINE.replace("1,0,0", "1,0,1"), "irrelevant means"),
        (HEAD + LINE.replace("1,0,0", "0,0,0"), "irrelevant means"),
        (HEAD + LINE + LINE.replace("1,0,0", "0,1,0"), "line 4: .* labelled twice"),
    ],
)
def test_labels_that_contradict_themselves_are_refused(text: str, said: str) -> None:
    with pytest.raises(LabelError, match=said):
        parse_labels(text)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two reviews in the form of the public corpus."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows([["num_stars", "review"], ["5", "love it"], ["2", "keeps crashing, 日本"]])
    (tmp_path / "playstore_en").mkdir()
    (tmp_path / "playstore_en" / "spotify.csv.gz").write_bytes(gzip.compress(text.getvalue().encode()))
    return tmp_path


def _of(row: int, text: str, corpus: str = "playstore_en") -> Label:
    return Label(corpus, "spotify.csv.gz", row, labelled.digest(text), problem=True, request=False)


def test_a_label_finds_its_review(corpus: Path) -> None:
    found = labelled.reviews(corpus, [_of(2, "keeps crashing, 日本")])
    assert found == [Example("keeps crashing, 日本", "en", "spotify", "playstore_en", 2, problem=True, request=False)]


def test_a_label_of_another_text_is_refused(corpus: Path) -> None:
    with pytest.raises(LabelError, match="row 1 is not the text that was labelled"):
        labelled.reviews(corpus, [_of(1, "keeps crashing, 日本")])
    with pytest.raises(LabelError, match="has 2 rows, 3 is labelled"):
        labelled.reviews(corpus, [_of(3, "love it")])


def test_an_absent_corpus_is_left_out_but_an_absent_file_is_refused(corpus: Path) -> None:
    assert labelled.reviews(corpus, [_of(1, "love it", "viber")]) == []
    (corpus / "playstore_en" / "spotify.csv.gz").unlink()
    with pytest.raises(LabelError, match="absent"):
        labelled.reviews(corpus, [_of(1, "love it")])


def test_labels_are_laid_over_the_same_words_once() -> None:
    plain = [Example("Love  it", "en", "a", "x", 5), Example("Nul", "fr", "a", "x", 1)]
    known = [
        Example("love it", "en", "b", "y", 5, problem=False, request=False),
        Example("new", "en", "b", "y", 3, problem=True, request=False),
    ]
    laid = labelled.lay_over(plain, known)
    assert [(example.text, example.app, example.problem) for example in laid] == [
        ("Love  it", "a", False),
        ("Nul", "a", None),
        ("new", "b", True),
    ]


def test_sentences_are_many_and_of_all_intents() -> None:
    found = labelled.sentences()
    languages = Counter(sentence.language for sentence in found)
    assert languages["fr"] >= 650
    assert set(languages) == labelled.LANGUAGES
    assert min(languages.values()) >= 40
    french = [sentence for sentence in found if sentence.language == "fr"]
    assert sum(sentence.kind == "banking" for sentence in french) >= 0.4 * len(french)
    for intent, least in (("problem", 0.25), ("request", 1 / 3), ("question", 0.08), ("praise", 0.15)):
        assert sum(intent in sentence.intents for sentence in french) >= least * len(french), intent
    assert sum(not sentence.intents for sentence in french) >= 0.1 * len(french)
    assert sum(len(sentence.intents) > 1 for sentence in french) >= 0.1 * len(french)


def test_a_wish_that_it_should_work_is_a_problem() -> None:
    by_text = {sentence.text: sentence.example() for sentence in labelled.sentences()}
    broken, content, wished = (
        by_text["ce serait bien que ça marche"],
        by_text["il manque rien, bravo"],
        by_text["vivement Apple Pay"],
    )
    assert (broken.problem, broken.request) == (True, False)
    assert (content.problem, content.request) == (False, False)
    assert (wished.problem, wished.request) == (False, True)


def test_a_question_that_only_wants_to_know_teaches_neither() -> None:
    by_text = {sentence.text: sentence.example() for sentence in labelled.sentences()}
    asked, why = by_text["does it work abroad?"], by_text["why has my payment been pending for four days?"]
    assert (asked.problem, asked.request, asked.question) == (None, None, True)
    assert (why.problem, why.request, why.question) == (True, False, True)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"xx": {"banking": {"praise 5": ["top"]}}}, "unknown language"),
        ({"fr": {"banking": {"praise": ["top"]}}}, "1 to 5 stars"),
        ({"fr": {"banking": {"praise 6": ["top"]}}}, "1 to 5 stars"),
        ({"fr": {"banking": {"love 5": ["top"]}}}, "each once"),
        ({"fr": {"banking": {"praise praise 5": ["top"]}}}, "each once"),
        ({"fr": {"banking": {"nothing praise 5": ["top"]}}}, "each once"),
        ({"fr": {"banking": {"praise 5": [True]}}}, "not a text"),
        ({"fr": {"banking": {"praise 5": [" "]}}}, "empty"),
        ({"fr": {"banking": {"praise 5": ["top"], "problem 1": ["Top "]}}}, "twice"),
    ],
)
def test_sentences_that_break_their_rules_are_refused(
    written: dict[str, dict[str, dict[str, list[str]]]], said: str
) -> None:
    with pytest.raises(LabelError, match=said):
        parse_sentences(written)


@pytest.mark.shared
@pytest.mark.skipif(not (DATA / "playstore_en").is_dir(), reason="the public reviews are not beside the project")
def test_every_label_finds_the_text_that_was_labelled() -> None:
    found = labelled.reviews(DATA)
    assert len(found) == 1_000
    assert Counter(example.app for example in found) == {
        "facebook": 160, "instagram": 160, "netflix": 160, "spotify": 160, "whatsapp": 160, "viber": 200
    }  # fmt: skip
    assert {example.stars for example in found} == {1, 2, 3, 4, 5}
    assert next(example for example in found if "bring back the dark mode option" in example.text).request
