"""The demo's survey: a file that the real import reads whole."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.demo.story import Story
from app.demo.survey import DECLARED, write_survey
from collectors.base import Page
from collectors.survey_file import SurveyFile, known_columns, meaning_of
from tests.demo.conftest import TODAY

UNTIL = datetime(2026, 11, 9, 6, tzinfo=UTC)


def pages(path: Path) -> list[Page]:
    declared = dict(each.split("=") for each in DECLARED)
    meanings = known_columns(path)[0] | {column: meaning_of(words) for column, words in declared.items()}
    return list(SurveyFile(path, meanings, "survey", wave="month").pages())


def test_the_import_reads_a_year_of_answers(story: Story, tmp_path: Path) -> None:
    path = tmp_path / "survey.csv"
    told = write_survey(story, path, UNTIL, 7)
    (page,) = pages(path)
    assert len(page.answers) == told
    assert not page.quarantined
    assert not page.note
    months = Counter(answer.wave for answer in page.answers)
    assert len(months) == 13
    assert all(25 <= months[name] <= 58 for name in sorted(months)[1:-1]), months
    assert {answer.score for answer in page.answers} == set(range(11))
    days = [answer.answered_at for answer in page.answers]
    assert UNTIL - timedelta(days=366) < min(days) < max(days) < UNTIL  # history: nothing of the days that pass
    assert max(days).date() < TODAY - timedelta(days=13)
    assert {answer.version for answer in page.answers} >= {"6.0", "7.0", "7.1"}


def test_comments_are_french_and_english_and_fit_their_score(story: Story, tmp_path: Path) -> None:
    path = tmp_path / "survey.csv"
    write_survey(story, path, UNTIL, 7)
    (page,) = pages(path)
    assert 0.6 < len(page.verbatims) / len(page.answers) < 0.85
    languages = Counter(verbatim.locale for verbatim in page.verbatims)
    assert languages["fr"] > languages["en"] > 20
    assert len({verbatim.body for verbatim in page.verbatims}) > 0.9 * len(page.verbatims)
    assert not [verbatim.body for verbatim in page.verbatims if "{" in verbatim.body]
    scores = [answer.score for answer in page.answers]
    nps = 100 * (sum(s >= 9 for s in scores) - sum(s <= 6 for s in scores)) / len(scores)
    assert -10 < nps < 40


def test_the_same_seed_writes_the_same_file(story: Story, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one", "two", "three")]
    for path, seed in zip(paths, (7, 7, 8), strict=True):
        write_survey(story, path, UNTIL, seed)
    one, two, three = (path.read_bytes() for path in paths)
    assert one == two != three
