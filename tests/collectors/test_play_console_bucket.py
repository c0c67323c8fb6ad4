"""The Play Console's exports in Google's bucket: listed, fetched month by month, and each missing right said."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from collectors.http import Http
from collectors.play_console_bucket import PlayConsoleBucket
from collectors.play_console_csv import PlayConsoleCsv
from collectors.registry import KINDS, build
from tests.collectors.conftest import Walked
from tests.collectors.test_play_console_csv import REVIEWS, row, write
from tests.fakes.play_api import JSON, Answered, FakePlayApi
from tests.fakes.stores import Fault, Request

APP = "com.example.bank"
BUCKET = "pubsite_prod_rev_01234567890987654321"


class FakeStorage(FakePlayApi):
    """Cloud Storage's JSON API over a folder, two names a page; tokens end by `clock`."""

    scope = "https://www.googleapis.com/auth/devstorage.read_only"

    def __init__(self, folder: Path) -> None:
        super().__init__(APP)
        self.folder = folder

    def respond(self, request: Request, fault: Fault | None) -> Answered:
        parts = urlsplit(request.path)
        if parts.path == "/token":
            return self._grant(request)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        own = f"/storage/v1/b/{BUCKET}/o"
        if self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "), 0.0) <= self.clock():
            return 401, JSON, b"{}"
        if self.forbidden:
            return 403, JSON, b'{"error": {"code": 403}}'
        if not parts.path.startswith(own):
            return 404, JSON, b"{}"
        names = sorted(str(file.relative_to(self.folder)) for file in self.folder.rglob("*.csv"))
        if parts.path == own:
            found = [name for name in names if name.startswith(query["prefix"])]
            begin = int(query.get("pageToken", "0"))
            document: dict[str, Any] = {"items": [{"name": name} for name in found[begin : begin + 2]]}
            if begin + 2 < len(found):
                document["nextPageToken"] = str(begin + 2)
            return 200, JSON, json.dumps(document).encode()
        assert query == {"alt": "media"}
        return (
            200,
            [("content-type", "text/csv")],
            (self.folder / unquote(parts.path.removeprefix(own + "/"))).read_bytes(),
        )


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[FakeStorage]:
    folder = tmp_path / "bucket"
    (folder / "reviews").mkdir(parents=True)
    for month in range(5, 11):
        written = datetime(2026, month, 10, 12, tzinfo=UTC)
        rows = [row(f"{month:08}-0000-4000-8000-{n:012}", written, **{"Review Text": f"avis {n}"}) for n in range(3)]
        write(folder / "reviews" / f"reviews_{APP}_2026{month:02}.csv", REVIEWS, rows)
    write(folder / "reviews" / f"reviews_{APP}.other_202610.csv", REVIEWS, [])
    with FakeStorage(folder) as fake:
        yield fake


@pytest.fixture
def opened(storage: FakeStorage, http: Http, tmp_path: Path) -> Callable[[], PlayConsoleBucket]:
    key = tmp_path / "account.json"
    key.write_text(storage.key_file())

    def open_it() -> PlayConsoleBucket:
        config = {"app_id": APP, "bucket": f"gs://{BUCKET}/", "key_file": str(key), "storage_url": storage.url}
        found = build("play_console_bucket", config, http)
        assert isinstance(found, PlayConsoleBucket)
        return found

    return open_it


def test_the_bucket_tells_what_the_folder_tells(storage: FakeStorage, opened: Callable[[], PlayConsoleBucket]) -> None:
    walked = Walked(opened().pages())
    folder = Walked(PlayConsoleCsv(APP, str(storage.folder)).pages())
    assert walked.error is None
    assert (walked.ids, walked.end) == (folder.ids, "exhausted")
    assert [page.until for page in walked.pages] == [page.until for page in folder.pages]
    assert len(walked.ids) == 18
    assert KINDS["play_console_bucket"].identity == "google_play"


def test_a_walk_that_stops_early_fetches_no_more_than_its_months(
    storage: FakeStorage, opened: Callable[[], PlayConsoleBucket]
) -> None:
    next(opened().pages())
    fetched = [request.path for request in storage.requests if "alt=media" in request.path]
    assert len(fetched) == 2
    assert "202610" in fetched[0]


def test_each_fault_is_said_in_words(storage: FakeStorage, opened: Callable[[], PlayConsoleBucket]) -> None:
    assert [probe.works for probe in opened().probe()] == [True, True]
    storage.forbidden = "forbidden"
    key, exports = opened().probe()
    assert (key.works, exports.works) == (True, False)
    assert "download bulk reports" in exports.message
    storage.forbidden = ""
    for file in storage.folder.rglob("*.csv"):
        file.unlink()
    error = Walked(opened().pages()).error
    assert error is not None
    assert (error.kind, "holds no export" in error.message) == ("gone", True)


def test_a_token_that_ends_is_renewed(storage: FakeStorage, opened: Callable[[], PlayConsoleBucket]) -> None:
    ticks = iter(range(0, 10_000_000, 2000))
    storage.clock = lambda: float(next(ticks))
    walked = Walked(opened().pages())
    assert walked.error is None or walked.error.kind == "refused"
    assert len(storage.tokens) > 1


def test_a_bucket_is_named_as_google_names_it(
    opened: Callable[[], PlayConsoleBucket], http: Http, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="pubsite_prod_rev"):
        PlayConsoleBucket(APP, "../x", str(tmp_path / "account.json"), http=http)
