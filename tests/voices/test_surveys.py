"""Survey tools over HTTP and their recorded files: each answer is stored or told by reason, and scores as declared."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collectors import surveymonkey, typeform
from collectors.base import Page, SourceError
from collectors.http import Http
from collectors.pace import Pace
from collectors.qualtrics import Qualtrics
from collectors.survey_file import SurveyFile
from collectors.survey_plan import Plan, read_plan, read_questions
from collectors.surveymonkey import SurveyMonkey
from collectors.typeform import Typeform, read_typeform_hook
from collectors.values import RowFault
from tests.fakes.surveys import KEY, FakeQualtrics, FakeSurveyMonkey, FakeTypeform


@pytest.fixture
def http() -> Http:
    return Http(timeout=20.0, sleep=lambda seconds: None, pace=Pace(intervals={"127.0.0.1": 0.0}))


@pytest.fixture
def key(tmp_path: Path) -> str:
    file = tmp_path / "token"
    file.write_text(KEY + "\n")
    return str(file)


@pytest.fixture
def samples(shared: Path) -> Path:
    return shared / "samples" / "surveys"


def all_of(pages: list[Page]) -> dict[str, Any]:
    return {
        "scores": [answer.score for page in pages for answer in page.answers],
        "texts": [row.body for page in pages for row in page.verbatims],
        "quarantined": [row.reason for page in pages for row in page.quarantined],
        "note": "; ".join(page.note for page in pages if page.note),
    }


# Declarations


def test_each_type_reads_its_own_answers() -> None:
    asked = read_questions("a=nps; b=csat 1-5\nc=satisfied Oui|Plutôt oui : Non; d=text; e f=effort 1-7")
    assert asked["a"].score("9 - Très probable") == 9
    assert asked["a"].score(10.0) == 10
    assert asked["b"].score("5") == 5
    assert (asked["c"].score("plutôt oui"), asked["c"].score("NON")) == (1, 0)
    assert asked["e f"].score("7") == 7
    for question, value in (("a", "11"), ("a", "-1"), ("a", "neuf"), ("a", "9.5"), ("b", "0"), ("c", "peut-être")):
        with pytest.raises(RowFault):
            asked[question].score(value)


@pytest.mark.parametrize("wrong", ["", "a", "a=stars", "a=nps; a=text", "a=csat 5-1", "a=satisfied Oui", "=nps"])
def test_a_declaration_that_says_nothing_sure_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError):
        read_questions(wrong)


def test_waves_by_the_calendar_or_by_name() -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    plans = [Plan("S", {}, wave) for wave in ("month", "quarter", "Vague 3", "")]
    assert [plan.wave_of(at) for plan in plans] == ["2026-11", "2026-Q4", "Vague 3", ""]


# Recorded files; what they must give was counted by hand


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "meanings"),
    [
        ("sample.csv", {"QID1": "csat 1-5", "QID2_TEXT": "text"}),
        ("sample.csv", {"Q1": "csat 1-5", "Q2": "text"}),
        ("sample_legacy.csv", {"Q1": "csat 1-5", "Q2": "text"}),
    ],
)
def test_recorded_qualtrics_files(samples: Path, file: str, meanings: dict[str, str]) -> None:
    pages = list(SurveyFile(samples / "qualtrics" / file, meanings, "S").pages())
    found = all_of(pages)
    assert (found["scores"], found["texts"], found["quarantined"]) == ([2.0], ["Hello World!"], [])
    assert found["note"] == ""
    answer = pages[0].answers[0]
    assert answer.answered_at.isoformat().startswith("2017-07-18T06:28")  # 08:28 in Paris
    assert answer.respondent == "response:R_2YPOQ602ER1jkf1"


@pytest.mark.shared
def test_a_recorded_answer_that_nobody_declared_is_told(samples: Path) -> None:
    found = all_of(list(SurveyFile(samples / "qualtrics/sample.csv", {"QID2_TEXT": "text"}, "S").pages()))
    assert found["scores"] == []
    assert found["note"] == "1 left out: the question QID1 (This is a multiple choice question.) is not declared"


def monkey(samples: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    def load(pattern: str) -> Any:
        return json.loads(next((samples / "surveymonkey").glob(pattern)).read_text())

    return load("*details.json"), load("*bulk*.json")["data"]


@pytest.mark.shared
def test_recorded_surveymonkey_choices_are_joined_with_what_they_say(samples: Path, http: Http, key: str) -> None:
    with FakeSurveyMonkey(*monkey(samples)) as fake:
        plan = read_plan({"questions": "769893650=csat 0-4; 769893903=text"}, "318754279")
        pages = list(SurveyMonkey("318754279", plan, key, fake.url, http=http).pages())
    found = all_of(pages)
    assert found["scores"] == [3.0, 3.0]  # both chose "3", and named three pets
    assert sorted(found["texts"]) == ["Donut, Mango, Phil", "Phil, Mango, Donut"]
    assert (found["quarantined"], found["note"], pages[-1].end) == ([], "", "exhausted")
    assert all(request.path.startswith("/v3/") for request in fake.requests)


@pytest.mark.shared
def test_a_recorded_typeform_webhook(samples: Path) -> None:
    body = json.dumps(json.loads((samples / "typeform/webhook_2019.json").read_text())[0]).encode()
    form = {"survey_id": "DHsCKv", "questions": "qFfhkmeEyC9G=text"}
    page = read_typeform_hook(body, form)
    assert ([row.body for row in page.verbatims], page.note) == (["redacted@example.com"], "")
    other = read_typeform_hook(body, form | {"questions": "x=nps"})
    assert (other.verbatims, other.note) == ((), "1 left out: the question qFfhkmeEyC9G is not declared")
    with pytest.raises(SourceError, match="another form"):
        read_typeform_hook(body, form | {"survey_id": "other"})


# Over HTTP

IDS = "startDate endDate status finished recordedDate _recordId recipientEmail QID1 QID2_TEXT segment"
HEADERS = [
    ["StartDate", "EndDate", "Status", "Finished", "RecordedDate", "ResponseId", "RecipientEmail", "Q1", "Q2", "Seg"],
    ["Start", "End", "Type", "Done", "Recorded", "Id", "Mail", "Recommend us?", "Why?", "Segment"],
    [json.dumps({"ImportId": name}) for name in IDS.split()],
]


def qualtrics_row(number: int, score: object, why: str = "", **changes: str) -> list[str]:
    at = f"{datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=number):%Y-%m-%d %H:%M:%S}"
    told = {"status": "IP Address", "finished": "True", "mail": f"p{number}@example.com"} | changes
    return [at, at, told["status"], told["finished"], at, f"R_{number}", told["mail"], str(score), why, "pro"]


def test_qualtrics_by_export(http: Http, key: str) -> None:
    rows = [qualtrics_row(n, n % 11, f"raison {n}\nà la ligne") for n in range(50)]
    rows += [
        qualtrics_row(50, 9, status="Survey Preview"),
        qualtrics_row(51, 9, finished="False"),
        qualtrics_row(52, 12),
    ]
    plan = read_plan({"questions": "QID1=nps; QID2_TEXT=text", "segment_field": "segment", "wave": "month"}, "S")
    with FakeQualtrics([*HEADERS, *rows]) as fake:
        pages = list(Qualtrics("SV_test12345", plan, key, "fra1", fake.url, http=http).pages())
        found = all_of(pages)
        assert found["scores"] == [float(n % 11) for n in range(50)]
        assert found["texts"][0] == "raison 0\nà la ligne"
        assert found["quarantined"] == ["question QID1: 12 is not on the scale 0 to 10"]
        assert found["note"] == "1 left out: preview answers; 1 left out: responses that were not finished"
        answer = pages[0].answers[3]
        assert (answer.segment, answer.wave, answer.keys) == ("pro", "2026-11", (("email", "p3@example.com"),))
        assert fake.exports[0]["asked"] == 3
        # The next walk asks for what was recorded since, an hour over.
        again = Qualtrics("SV_test12345", plan, key, "fra1", fake.url, http=http, cursor="2026-11-03T01:00:00+00:00")
        assert len(all_of(list(again.pages()))["scores"]) == 2
        assert fake.exports[1]["startDate"] == "2026-11-03T00:00:00Z"


def test_an_export_that_is_cut_or_never_done_is_a_fault(http: Http, key: str) -> None:
    plan = read_plan({"questions": "QID1=nps"}, "S")
    with FakeQualtrics(HEADERS, patience=10_000) as fake:
        source = Qualtrics("SV_test12345", plan, key, "fra1", fake.url, http=http)
        with pytest.raises(SourceError, match="in time"):
            list(source.pages())
        fake.patience = 1
        fake._zip = lambda since: b"PK\x03\x04 cut"  # type: ignore[method-assign]
        with pytest.raises(SourceError, match="damaged"):
            list(source.pages())


def test_surveymonkey_over_pages_and_from_where_it_ended(http: Http, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveymonkey, "PER_PAGE", 10)
    choices = [{"id": str(100 + n), "text": str(n)} for n in range(11)]
    details = {"id": "777", "pages": [{"questions": [{"id": "1", "answers": {"choices": choices}}]}]}

    def response(number: int, choice: str = "", status: str = "completed") -> dict[str, Any]:
        at = f"{datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=number):%Y-%m-%dT%H:%M:%S+00:00}"
        answers = [{"choice_id": choice or str(100 + number % 11)}]
        pages = [{"questions": [{"id": "1", "answers": answers}]}]
        return {"id": str(number), "date_modified": at, "response_status": status, "pages": pages}

    responses = [response(n) for n in range(25)]
    with FakeSurveyMonkey(details, [*responses, response(25, "999"), response(26, status="partial")]) as fake:
        plan = read_plan({"questions": "1=nps"}, "777")
        pages = list(SurveyMonkey("777", plan, key, fake.url, http=http).pages())
        found = all_of(pages)
        assert found["scores"] == [float(n % 11) for n in range(25)]
        assert found["quarantined"] == ["question 1: the answer is not a number of the scale 0 to 10"]
        assert found["note"] == "1 left out: responses that were not finished"
        assert [page.cursor for page in pages][-1] == "2026-11-02T02:00:00+00:00"
        cursor = pages[-1].cursor
        assert cursor is not None
        again = list(SurveyMonkey("777", plan, key, fake.url, http=http, cursor=cursor).pages())
        assert len(all_of(again)["scores"]) == 0
        assert again[0].reaches == datetime(2026, 11, 2, 2, tzinfo=UTC)


def test_a_response_that_is_edited_during_a_walk_hides_no_other(
    http: Http, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveymonkey, "PER_PAGE", 10)
    choices = [{"id": str(100 + n), "text": str(n)} for n in range(11)]
    details = {"id": "777", "pages": [{"questions": [{"id": "1", "answers": {"choices": choices}}]}]}
    pages = [{"questions": [{"id": "1", "answers": [{"choice_id": "103"}]}]}]

    def response(number: int, hours: int) -> dict[str, Any]:
        at = f"{datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hours):%Y-%m-%dT%H:%M:%S+00:00}"
        return {"id": f"r{number}", "date_modified": at, "response_status": "completed", "pages": pages}

    # Twelve in one second: more than a page, so that its pages are counted all the same.
    responses = [response(n, n) for n in range(15)] + [response(n, 15) for n in range(15, 27)]
    with FakeSurveyMonkey(details, responses) as fake:
        met = []
        for page in SurveyMonkey("777", read_plan({"questions": "1=nps"}, "777"), key, fake.url, http=http).pages():
            met.append(page)
            fake.responses[0] = response(0, 20)  # it was on the page that has been read
        assert {answer.respondent for page in met for answer in page.answers} == {f"response:r{n}" for n in range(27)}
        assert met[-1].end == "exhausted"
        assert [page.progress for page in met] == sorted(page.progress or 0.0 for page in met)


def typeform_item(number: int) -> dict[str, Any]:
    at = f"{datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=number):%Y-%m-%dT%H:%M:%SZ}"
    answers = [
        {"type": "number", "number": number % 11, "field": {"id": "qN"}},
        {"type": "choice", "choice": {"label": "Plutôt oui"}, "field": {"id": "qS"}},
        {"type": "choice", "choice": {"other": "autre chose"}, "field": {"id": "qO"}},
        {"type": "boolean", "boolean": True, "field": {"id": "qB"}},
        {"type": "choices", "choices": {"labels": ["a", "b"], "other": "c"}, "field": {"id": "qC"}},
    ]
    return {"token": f"t{number}", "submitted_at": at, "answers": answers, "hidden": {"client": f"C{number}"}}


def test_typeform_over_pages_and_from_where_it_ended(http: Http, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typeform, "PAGE_SIZE", 10)
    declared = "qN=nps; qS=satisfied Oui|Plutôt oui : Non; qO=text; qB=satisfied true : false; qC=text"
    plan = read_plan({"questions": declared, "customer_field": "client"}, "form1")
    with FakeTypeform("form1", [typeform_item(n) for n in range(20)]) as fake:
        pages = list(Typeform("form1", plan, key, fake.url, http=http).pages())
        of = [answer for page in pages for answer in page.answers]
        assert sorted(a.score for a in of if a.question == "qN") == sorted(float(n % 11) for n in range(20))
        assert [a.score for a in of if a.question in {"qS", "qB"}] == [1.0] * 40
        assert set(all_of(pages)["texts"]) == {"autre chose", "a | b | c"}
        assert {a.keys for a in of} == {((("customer", f"C{n}")),) for n in range(20)}
        # Newest first: only the last page moves the place.
        assert [page.cursor for page in pages] == ["", "", "2026-11-01T19:00:00+00:00"]
        fake.items.append(typeform_item(30))
        again = list(Typeform("form1", plan, key, fake.url, http=http, cursor="2026-11-01T19:00:00+00:00").pages())
        assert sum(len(page.answers) for page in again) == 3 * 3  # the new one, and an hour over: 18:00 and 19:00
        assert again[-1].cursor == "2026-11-02T06:00:00+00:00"


Make = Callable[[str, Http], Any]
PLAN = read_plan({"questions": "1=nps"}, "S")


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda url, key, http: Qualtrics("SV_test12345", PLAN, key, "fra1", url, http=http), "X-API-TOKEN"),
        (lambda url, key, http: SurveyMonkey("777", PLAN, key, url, http=http), "View Response Details"),
        (lambda url, key, http: Typeform("form1", PLAN, key, url, http=http), "responses:read"),
    ],
)
def test_a_wrong_key_is_refused_in_words_that_help(make: Any, word: str, http: Http, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("not-the-key")
    with FakeSurveyMonkey({"id": "777"}, []) as fake:
        source = make(fake.url, str(tmp_path / "wrong"), http)
        with pytest.raises(SourceError, match=word) as caught:
            list(source.pages())
        assert caught.value.kind == "refused"
        assert "not-the-key" not in str(caught.value)
        assert [probe.works for probe in source.probe()] == [False]
