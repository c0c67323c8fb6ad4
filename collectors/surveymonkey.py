"""SurveyMonkey: responses with ids of choices, joined with the survey's details, which tell what they say.

Source: SurveyMonkey API v3: GET /surveys/{id}/details, GET /surveys/{id}/responses/bulk (per_page up to 100, pages,
start_modified_at, sort_by, sort_order).
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, timedelta
from typing import Any

from collectors.access import read_key_file, refusal, safe_url
from collectors.base import Page, Probe, SourceError
from collectors.file_values import moment
from collectors.http import Http
from collectors.json_api import HeaderKey, JsonApi
from collectors.survey_plan import Plan, Read, Response, asked_since, read_response
from collectors.values import RowFault, quarantine, sound
from models.records import PersonKey

SURVEYMONKEY = "https://api.surveymonkey.com"
PER_PAGE = 100
ROUNDED = timedelta(seconds=1)
"""What a moment is asked for again: the API takes whole seconds."""


class SurveyMonkey:
    """The completed responses of one survey that changed since the last walk, oldest first."""

    kind = "surveymonkey"

    def __init__(
        self, survey: str, plan: Plan, token_file: str, base_url: str = SURVEYMONKEY, *, http: Http, cursor: str = ""
    ) -> None:
        if not re.fullmatch(r"[0-9]{3,20}", survey):
            raise ValueError(f"a survey's id is a number, not {survey!r}")
        self._survey = survey
        self._plan = plan
        self._base = safe_url(base_url, "address of SurveyMonkey")
        self._http = http
        self._key = HeaderKey(read_key_file(token_file))
        self._since = cursor

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of up to 100 responses. Raises SourceError.

        Each page is asked for by the moment where the one before ended: a response that is edited while the walk goes
        on moves to the end, and by numbered pages another one would be passed over.
        """
        since = asked_since(self._since)
        newest, number, met, whole = self._since, 1, 0, 0
        before: list[tuple[Any, Any]] = []
        with self._http.walk() as walk:
            api = JsonApi(walk, self._base, self._key, self._explain)
            details = _Details(api.get(f"/v3/surveys/{self._survey}/details"))
            while True:
                params = {"per_page": str(PER_PAGE), "page": str(number), "sort_by": "date_modified"}
                params |= {"sort_order": "ASC"} | ({"start_modified_at": since} if since else {})
                # Built here, never followed: their links name another host than the one called.
                found = api.get(f"/v3/surveys/{self._survey}/responses/bulk", params)
                rows, total = found.get("data"), found.get("total")
                if not isinstance(rows, list) or not isinstance(total, int):
                    raise SourceError("SurveyMonkey sent something else than a page of responses.", "format")
                read = Read()
                for row in rows:
                    if _state(row) not in before:
                        newest = max(newest, _add(self._plan, row, details, read))
                before = [_state(row) for row in rows]
                met += len(rows)
                whole = whole or total
                last = met >= total or not rows
                yield read.page(
                    cursor=newest,
                    reaches=moment(self._since) if self._since else None,
                    progress=1.0 if last or not total else max(0.0, 1 - (total - met) / whole),
                    end=None if not last else "exhausted" if met >= total else "unconfirmed",
                )
                if last:
                    return
                further = (moment(newest) - ROUNDED).strftime("%Y-%m-%dT%H:%M:%S") if newest else ""
                if further > since:
                    since, number, met = further, 1, 0
                else:
                    number += 1

    def probe(self) -> list[Probe]:
        """Read the survey's details."""
        with self._http.walk() as walk:
            try:
                api = JsonApi(walk, self._base, self._key, self._explain)
                found = api.get(f"/v3/surveys/{self._survey}/details")
            except SourceError as error:
                return [Probe("SurveyMonkey", False, error.message)]
        return [Probe("SurveyMonkey", True, f"The token may read the survey “{sound(found.get('title'))}”.")]

    def _explain(self, error: SourceError) -> SourceError:
        text = (
            "SurveyMonkey refuses the token: it needs “View Surveys” and “View Response Details” (My Apps, "
            "Scopes); the second one needs a paid plan."
        )
        unknown = f"SurveyMonkey does not know the survey {self._survey} for this account."
        return refusal(error, text, unknown)


class _Details:
    """What a survey's questions and choices say."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.titles: dict[str, str] = {}
        self.choices: dict[tuple[str, str], str] = {}
        self.rows: dict[tuple[str, str], str] = {}
        for page in document.get("pages") or ():
            for question in page.get("questions") or ():
                name = str(question["id"])
                headings = question.get("headings") or ()
                self.titles[name] = " ".join(sound(one.get("heading")) for one in headings)
                answers = question.get("answers") or {}
                for choice in (*(answers.get("choices") or ()), *([answers["other"]] if answers.get("other") else ())):
                    self.choices[name, str(choice["id"])] = sound(choice.get("text"))
                for row in answers.get("rows") or ():
                    self.rows[name, str(row["id"])] = sound(row.get("text"))


def _state(row: Any) -> tuple[Any, Any]:
    """Which response in which state: what one page shows again of the page before."""
    return (row.get("id"), row.get("date_modified")) if isinstance(row, Mapping) else (None, None)


def _add(plan: Plan, row: Any, details: _Details, read: Read) -> str:
    """Read one response; returns when it last changed, as text ('' where it is unreadable)."""
    try:
        at = moment(row["date_modified"])
        if row.get("response_status") != "completed":
            read.left_out["responses that were not finished"] += 1
            return at.astimezone(UTC).isoformat()
        values: dict[str, object] = {}
        titles: dict[str, str] = {}
        for page in row.get("pages") or ():
            for question in page.get("questions") or ():
                for name, value in _answers(question, details):
                    values[name] = f"{values[name]} | {value}" if name in values else value
                    titles[name] = details.titles.get(name.split("/")[0], "")
        contact = [("email", row.get("email_address")), ("customer", row.get("custom_value"))]
        keys: list[PersonKey] = [(kind, sound(value)) for kind, value in contact if sound(value)]  # type: ignore[misc]
        response = Response(str(row["id"]), at, values, row.get("custom_variables") or {}, titles, tuple(keys))
    except (RowFault, KeyError, TypeError, AttributeError) as error:
        read.quarantined.append(quarantine(row, f"the response cannot be read ({type(error).__name__})"))
        return ""
    read_response(plan, response, read)
    return at.astimezone(UTC).isoformat()


def _answers(question: Mapping[str, Any], details: _Details) -> Iterator[tuple[str, str]]:
    """The answers to one question: text as typed, a choice as its words, a row of a matrix under question/row.

    A choice that the details do not know (deleted since) is kept as its id, so that it is reported.
    """
    name = str(question["id"])
    for answer in question.get("answers") or ():
        place = f"{name}/{answer['row_id']}" if (name, str(answer.get("row_id"))) in details.rows else name
        if "text" in answer:
            yield place, sound(answer["text"])
        elif "choice_id" in answer:
            choice = str(answer["choice_id"])
            yield place, details.choices.get((name, choice)) or f"choice {choice}"
