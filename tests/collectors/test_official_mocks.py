"""Our clients against a server made from the official OpenAPI files, so that not only our own fakes agree with us."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from collectors.app_store_connect import AppStoreConnect
from collectors.http import Http
from collectors.sentry import Sentry
from tests.collectors.conftest import SHARED, Walked
from tests.fakes.connect import pem

pytestmark = [
    pytest.mark.shared,
    pytest.mark.filterwarnings("ignore"),  # connexion's own dependencies warn
]
Served = tuple[str, list[tuple[str, int]]]
SENTRY = SHARED / "samples/sentry/openapi-derefed_0.272.0.json"
APPLE = SHARED / "samples/apple_asc/asc_reviews_subset.openapi.json"


def description(path: Path) -> dict[str, Any]:
    if not path.exists():
        pytest.skip(f"the official description {path.name} is not beside the project")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture(scope="module")
def sentry() -> Iterator[Served]:
    spec = description(SENTRY)
    from tests.fakes.official import reading_part, served

    base = "/api/0/organizations/{organization_id_or_slug}"
    with served(reading_part(spec, (f"{base}/sessions/", f"{base}/issues/", f"{base}/issues/{{issue_id}}/"))) as made:
        yield made


@pytest.fixture(scope="module")
def apple() -> Iterator[Served]:
    spec = description(APPLE)
    from tests.fakes.official import reading_part, served

    # A next page at random would be one that Apple never gives: every list is a single page here.
    spec["components"]["schemas"]["PagedDocumentLinks"]["properties"].pop("next")
    paths = ("/v1/apps/{id}", "/v1/apps/{id}/customerReviews", "/v1/apps/{id}/appStoreVersions")
    with served(reading_part(spec, (*paths, "/v1/appStoreVersions/{id}/customerReviews"))) as made:
        yield made


def opened(url: str, http: Http, tmp_path: Path, **changes: Any) -> Sentry:
    token = tmp_path / "token"
    token.write_text("sntrys_x")
    http.now = lambda: datetime(2026, 11, 20, 12, tzinfo=UTC)
    return Sentry("bank", "42", str(token), url, http=http, **changes)


def test_the_mock_takes_nothing_that_the_description_does_not_know(sentry: Served, apple: Served) -> None:
    """The mock is a judge: without this, its 200 would prove nothing."""
    head = {"Authorization": "Bearer x"}
    with httpx.Client(headers=head) as client:
        sessions = f"{sentry[0]}/api/0/organizations/bank/sessions/?field=sum(session)"
        assert client.get(sessions).status_code == 200
        assert client.get(f"{sessions}&invented=1").status_code == 400
        assert client.get(sessions.partition("?")[0]).status_code == 400
        reviews = f"{apple[0]}/v1/apps/1/customerReviews"
        assert client.get(f"{reviews}?limit=200").status_code == 200
        assert client.get(f"{reviews}?limit=201").status_code == 400
        assert client.get(f"{reviews}?filter[createdDate]=2026").status_code == 400
    assert httpx.get(sessions).status_code == 401


def test_sentrys_requests_are_those_of_its_description(sentry: Served, http: Http, tmp_path: Path) -> None:
    url, seen = sentry
    seen.clear()
    source = opened(url, http, tmp_path, environment="production", days=8)
    assert all(probe.works for probe in source.probe())
    walked = Walked(source.pages())
    assert walked.error is None
    assert {status for _, status in seen} == {200}
    assert {path.partition("?")[0].split("/")[5] for path, _ in seen} == {"sessions", "issues"}
    # The example of the description is an issue that we know.
    assert [issue.title for issue in walked.pages[0].crash_issues] == ["This is an example Python exception"]


def test_app_store_connects_requests_are_those_of_its_description(
    apple: Served, http: Http, shared: Callable[[str], Path], tmp_path: Path
) -> None:
    url, seen = apple
    seen.clear()
    key = tmp_path / "key.p8"
    key.write_text(pem(ec.generate_private_key(ec.SECP256R1())))
    source = AppStoreConnect("123456789", "2X9R4HXF34", str(key), "57246542-96fe", url, http=http, territories="FRA")
    assert all(probe.works for probe in source.probe())
    walked = Walked(source.pages())
    # Rows that a schema alone makes up (stars and dates at random) are read or set aside, and end no walk.
    assert walked.error is None
    assert sum(len(page.verbatims) + len(page.quarantined) for page in walked.pages) > 0
    assert {status for _, status in seen} == {200}
    assert any("customerReviews" in path and "sort=-createdDate" in path for path, _ in seen)
    assert any("appStoreVersions" in path and "include=" in path for path, _ in seen)
