"""The production track: what is offered now, to which share of customers."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator

from collectors.base import SourceError
from collectors.http import Http
from collectors.play_tracks import read_production
from collectors.registry import build
from tests.collectors.conftest import Walked
from tests.collectors.test_play_developer import _json_schema
from tests.fakes.play_api import FakePlayApi

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TRACKS: list[dict[str, Any]] = [
    {
        "track": "production",
        "releases": [
            {
                "name": "722 (7.2.2)",
                "status": "inProgress",
                "userFraction": 0.05,
                "versionCodes": ["721", "722"],
                "releaseNotes": [{"language": "en-GB", "text": "Fixes"}, {"language": "fr-FR", "text": "Corrections"}],
            },
            {"name": "7.1.0", "status": "completed", "versionCodes": ["710"]},
            {"name": "7.3", "status": "draft", "versionCodes": ["730"]},
        ],
    },
    {"track": "beta", "releases": [{"name": "8.0", "status": "completed", "versionCodes": ["800"]}]},
    {"track": "wear:production"},
]


@pytest.fixture
def api() -> Iterator[FakePlayApi]:
    with FakePlayApi(now=NOW) as fake:
        fake.tracks = json.loads(json.dumps(TRACKS))
        yield fake


@pytest.fixture
def opened(api: FakePlayApi, http: Http, tmp_path: Path) -> Callable[[], Any]:
    key = tmp_path / "account.json"
    key.write_text(api.key_file())
    http.now = lambda: NOW
    config = {"app_id": api.app_id, "key_file": str(key), "android_publisher_url": api.url}
    return lambda: build("google_play_tracks", config, http)


def test_the_production_track_is_read_and_the_edit_thrown_away(api: FakePlayApi, opened: Callable[[], Any]) -> None:
    walked = Walked(opened().pages())
    assert (walked.error, walked.end) == (None, "exhausted")
    staged, whole = walked.pages[0].releases
    assert (staged.version, staged.build, staged.builds, staged.notes) == (
        "7.2.2",
        "722",
        ("721", "722"),
        "Corrections",
    )
    assert (staged.rollout, staged.rollout_state, staged.released_at, staged.seen_at) == (0.05, "active", None, NOW)
    assert (whole.version, whole.rollout, whole.rollout_state) == ("7.1.0", 1.0, "complete")
    assert api.edits == set()


def test_a_halted_release_and_a_name_that_is_no_version() -> None:
    told = {"name": "Nouvelle connexion", "status": "halted", "userFraction": 0.2, "versionCodes": ["731"]}
    (found,) = read_production({"tracks": [{"track": "production", "releases": [told, {"status": "completed"}]}]}, NOW)
    assert (found.version, found.build, found.rollout, found.rollout_state) == ("", "731", 0.2, "halted")
    with pytest.raises(SourceError, match="something else than tracks"):
        read_production({"tracks": {}}, NOW)


def test_a_missing_right_is_said_in_words_and_leaves_no_edit(api: FakePlayApi, opened: Callable[[], Any]) -> None:
    api.forbidden = "forbidden"
    key, releases = opened().probe()
    assert (key.works, releases.works) == (True, False)
    assert "View app information" in releases.message
    error = Walked(opened().pages()).error
    assert error is not None
    assert (error.kind, api.edits) == ("refused", set())


@pytest.mark.shared
def test_requests_and_answers_agree_with_googles_document(
    api: FakePlayApi, opened: Callable[[], Any], shared: Callable[[str], Path]
) -> None:
    document = json.loads(shared("samples/google_androidpublisher/androidpublisher.v3.json").read_text())
    edits = document["resources"]["edits"]
    methods = [edits["methods"]["insert"], edits["resources"]["tracks"]["methods"]["list"], edits["methods"]["delete"]]
    assert Walked(opened().pages()).end == "exhausted"
    definitions = {name: _json_schema(one) for name, one in document["schemas"].items()}
    assert len(api.answers) == len(methods)
    for method, (request, (status, _, body)) in zip(methods, api.answers, strict=True):
        edit = urlsplit(request.path).path.split("/edits/")[-1].split("/")[0]
        path = method["flatPath"].replace("{packageName}", api.app_id).replace("{editId}", edit)
        assert (request.method, urlsplit(request.path).path) == (method["httpMethod"], f"/{path}")
        assert status in {200, 204}
        if "response" in method:
            schema = {"$ref": f"#/$defs/{method['response']['$ref']}", "$defs": definitions}
            Draft202012Validator(schema).validate(json.loads(body))
