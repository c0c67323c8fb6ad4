"""Qualtrics, SurveyMonkey and Typeform over real HTTP: stateful, with keys, pages and the dates that filter them."""

import csv
import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.stores import FakeStore, Fault, Request

Answered = tuple[int, list[tuple[str, str]], bytes]
JSON = [("content-type", "application/json")]
KEY = "a-key-for-tests"


def told(document: Any, status: int = 200) -> Answered:
    return status, JSON, json.dumps(document).encode()


class FakeSurvey(FakeStore):
    """What they share: the header of the key, and a page by query."""

    header = "authorization"
    wanted = f"Bearer {KEY}"

    def respond(self, request: Request, fault: Fault | None) -> Answered:
        if request.headers.get(self.header) != self.wanted:
            return told({"error": "unauthorized"}, 401)
        parts = urlsplit(request.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        return self.answer(request, parts.path, query)

    def answer(self, request: Request, path: str, query: dict[str, str]) -> Answered:
        raise NotImplementedError


class FakeQualtrics(FakeSurvey):
    """`table` is the three header rows, then responses; an export is ready at its `patience`-th question."""

    header, wanted = "x-api-token", KEY

    def __init__(self, table: list[list[str]], patience: int = 3) -> None:
        super().__init__()
        self.table, self.patience = table, patience
        self.exports: list[dict[str, Any]] = []

    def answer(self, request: Request, path: str, query: dict[str, str]) -> Answered:
        base = "/API/v3/surveys/SV_test12345"
        if path == base:
            return told({"result": {"id": "SV_test12345", "name": "Satisfaction"}})
        if not path.startswith(f"{base}/export-responses"):
            return told({"meta": {"httpStatus": "404 - Not Found"}}, 404)
        steps = path.removeprefix(f"{base}/export-responses").strip("/").split("/")
        if request.method == "POST":
            self.exports.append(json.loads(request.body) | {"asked": 0})
            return told({"result": {"progressId": f"ES_{len(self.exports)}", "percentComplete": 0.0}})
        number = int(steps[0].split("_")[1].split("-")[0]) - 1
        export = self.exports[number]
        if len(steps) == 2:
            return 200, [("content-type", "application/zip")], self._zip(export.get("startDate", ""))
        export["asked"] += 1
        done = export["asked"] >= self.patience
        state = {"percentComplete": 100.0 if done else 40.0, "status": "complete" if done else "inProgress"}
        return told({"result": state | ({"fileId": f"file_{number + 1}-def"} if done else {})})

    def _zip(self, since: str) -> bytes:
        recorded = self.table[0].index("RecordedDate")
        floor = since.replace("T", " ").rstrip("Z")
        rows = self.table[:3] + [row for row in self.table[3:] if row[recorded] >= floor]
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("Satisfaction.csv", "\ufeff" + text.getvalue())
        return packed.getvalue()


class FakeSurveyMonkey(FakeSurvey):
    """`details` and `responses` as the API tells them; links name another host, as the recorded ones do."""

    def __init__(self, details: dict[str, Any], responses: list[dict[str, Any]]) -> None:
        super().__init__()
        self.details, self.responses = details, responses

    def answer(self, request: Request, path: str, query: dict[str, str]) -> Answered:
        base = f"/v3/surveys/{self.details['id']}"
        if path == f"{base}/details":
            return told(self.details)
        if path != f"{base}/responses/bulk":
            return told({"error": {"id": "1020"}}, 404)
        size, page = int(query.get("per_page", "50")), int(query.get("page", "1"))
        if size > 100:
            return told({"error": {"id": "1004"}}, 400)
        floor = query.get("start_modified_at", "")
        found = [one for one in self.responses if one["date_modified"] >= floor]
        found.sort(key=lambda one: one["date_modified"], reverse=query.get("sort_order") == "DESC")
        shown = found[(page - 1) * size : page * size]
        links = {"next": f"https://api.surveymonkey.net{base}/responses/bulk?page={page + 1}"}
        return told({"data": shown, "per_page": size, "page": page, "total": len(found), "links": links})


class FakeTypeform(FakeSurvey):
    """Newest first; `before` a token goes on, `since` filters by the moment that a response was sent."""

    def __init__(self, form: str, items: list[dict[str, Any]]) -> None:
        super().__init__()
        self.form, self.items = form, items

    def answer(self, request: Request, path: str, query: dict[str, str]) -> Answered:
        if path != f"/forms/{self.form}/responses":
            return told({"code": "FORM_NOT_FOUND"}, 404)
        found = sorted(self.items, key=lambda one: one["submitted_at"], reverse=True)
        if "since" in query:
            floor = datetime.fromisoformat(query["since"]).replace(tzinfo=UTC)
            found = [one for one in found if datetime.fromisoformat(one["submitted_at"]) >= floor]
        if "before" in query:
            tokens = [one["token"] for one in found]
            found = found[tokens.index(query["before"]) + 1 :]
        size = int(query.get("page_size", "25"))
        return told({"total_items": len(found), "page_count": 1, "items": found[:size]})
