"""No text of any kind raises or hangs in what names, groups, marks and learns."""

import string

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.adapt import Known, adapt
from analysis.heads import shipped
from analysis.learn_topics import Corrected, learn
from analysis.naming import complaint, whole
from analysis.phrases import occurrences, telling
from analysis.taxonomy import TaxonomyError, parse
from app.language_model import _read
from app.reading.irritant_quotes import telling_marks

ODD = (
    "",
    "\x00",
    "\ud800",
    "\u202eמזל טוב",
    "Z̷̢̛a̶l̴g̵o̸" * 50,
    "🙂" * 300,
    "a" * 100_000,
    "…",
    "* _ ..",
    "\n\n",
    "5/5",
    "{}",
)
WORDS = st.one_of(
    st.sampled_from(ODD), st.text(max_size=60), st.text(string.ascii_lowercase + " éè'!.", max_size=60),
    st.text(st.characters(exclude_categories=()), max_size=20),
)  # fmt: skip
FEW = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@FEW
@given(st.lists(WORDS, max_size=8), st.lists(WORDS, max_size=8))
def test_naming_and_phrases(texts: list[str], background: list[str]) -> None:
    name = whole(complaint("sign_in", texts), complaint("biometrics", texts), "7.2")
    assert name.fr.endswith("7.2")
    assert all(one.verbatims >= 1 for one in telling(texts, background, least=1))
    for phrase, rows in occurrences(texts, least=1).items():
        assert phrase.strip()
        assert rows == sorted(set(rows))


@FEW
@given(st.lists(WORDS, max_size=5), st.lists(WORDS, max_size=4))
def test_marks_lie_within_the_text(texts: list[str], phrases: list[str]) -> None:
    for text, marks in zip(texts, telling_marks(texts, phrases), strict=True):
        last = 0
        for start, end in marks:
            assert last <= start < end <= len(text)
            last = end


@FEW
@given(st.lists(st.tuples(WORDS, st.sampled_from([1, 3, 5, None])), max_size=12))
def test_learning(rows: list[tuple[str, int | None]]) -> None:
    model, outcomes = adapt(shipped(), [Known(text, "fr", stars) for text, stars in rows])
    assert model is shipped()
    assert all(one.lacking for one in outcomes)
    corrected = [Corrected(text, "fr", frozenset({"card"}), frozenset()) for text, _ in rows]
    parse("", learn(corrected, []))


@FEW
@given(WORDS)
def test_own_topics_are_used_or_refused_with_a_sentence(words: str) -> None:
    for written in (words, f"topics: {{sign_in: {{fr: [{words!r}]}}}}"):
        try:
            parse(written)
        except TaxonomyError as error:
            told = str(error)
        else:
            told = "used"
        assert told


@FEW
@given(WORDS)
def test_what_a_language_model_says(words: str) -> None:
    for content in (words, f'{{"name_fr": "{words}", "name_en": "x"}}'):
        try:
            said = _read(content)
        except ValueError:
            continue
        assert said is None or (said.name.fr and len(said.name.fr) <= 70)
