import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jsonschema import Draft202012Validator

from collectors.google_play import GooglePlay
from collectors.http import Http
from collectors.play_api_format import read_reviews, review
from collectors.play_developer import PlayDeveloper
from collectors.registry import KINDS, build
from tests.collectors.conftest import Walked, refused
from tests.fakes.connect import pem
from tests.fakes.play_api import FakePlayApi, PlayApiReview
from tests.fakes.stores import FakePlay, Status

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Open = Callable[..., PlayDeveloper]


def reviews(count: int, apart: timedelta = timedelta(minutes=30)) -> list[PlayApiReview]:
    return [
        PlayApiReview(
            id=str(uuid.UUID(int=index + 1, version=4)),
            written_at=NOW - timedelta(minutes=5) - index * apart,
            stars=1 + index % 5,
            body=f"Avis {index}",
            version="7.2.0",
            thumbs=index % 3,
        )
        for index in range(count)
    ]


@pytest.fixture
def api() -> Iterator[FakePlayApi]:
    with FakePlayApi(now=NOW) as fake:
        fake.reviews = list(reviews(250))
        yield fake


@pytest.fixture
def opened(api: FakePlayApi, http: Http, tmp_path: Path) -> Open:
    key = tmp_path / "account.json"
    key.write_text(api.key_file())
    http.now = lambda: NOW

    def open_it(**changes: Any) -> PlayDeveloper:
        given = {"app_id": api.app_id, "key_file": str(key), "base_url": api.url}
        return PlayDeveloper(http=http, clock=lambda: api.clock(), **given | changes)  # noqa: PLW0108  replaced later

    return open_it


def test_a_walk_reads_the_seven_days_and_calls_them_the_sources_limit(api: FakePlayApi, opened: Open) -> None:
    api.add(PlayApiReview(str(uuid.uuid4()), NOW - timedelta(days=7, minutes=1), 1, "trop vieux"))
    walked = Walked(opened().pages())
    assert walked.error is None
    assert walked.ids == [one.id for one in api.reviews[:250]]
    assert [len(page.verbatims) for page in walked.pages] == [100, 100, 50]
    assert walked.end == "source_limit"
    assert walked.pages[-1].reaches == NOW - timedelta(days=7)


def test_a_review_is_read_with_device_version_and_answer(api: FakePlayApi, opened: Open) -> None:
    api.edit(api.reviews[0].id, title="Déçu", body="Ça plante", reply="Désolés", replied_at=NOW)
    row = next(opened().pages()).verbatims[0]
    assert (row.title, row.body, row.stars) == ("Déçu", "Ça plante", 1)
    assert row.written_at == NOW - timedelta(minutes=5)
    assert (row.version, row.build, row.device, row.os) == ("7.2.0", "720", "a52q", "Android 14")
    assert (row.locale, row.storefront, row.author, row.thumbs_up) == ("fr", None, None, 0)
    assert (row.reply, row.replied_at) == ("Désolés", NOW)
    assert row.url is not None
    assert row.url.endswith(f"id={api.app_id}&reviewId={row.external_id}")


def test_the_customers_own_words_are_kept_and_not_their_translation(api: FakePlayApi, opened: Open) -> None:
    api.edit(api.reviews[0].id, title="Disappointed", body="It crashes", original="Déçu\tÇa plante", language="fr_FR")
    row = next(opened().pages()).verbatims[0]
    assert (row.title, row.body, row.locale) == ("Déçu", "Ça plante", "fr-FR")


def test_what_may_be_absent_is_absent(api: FakePlayApi, opened: Open) -> None:
    api.reviews = list(reviews(2))
    api.edit(api.reviews[0].id, language=None, code=None, device=None, level=None, extra={"deviceMetadata": None})
    api.edit(api.reviews[1].id, level=99, device=None)
    first, second = next(opened().pages()).verbatims
    assert (first.locale, first.build, first.device, first.os) == (None, None, None, None)
    assert (second.device, second.os) == ("a52q (Galaxy A52)", "Android API 99")


def test_ids_moments_and_words_are_those_of_the_public_page(
    api: FakePlayApi, opened: Open, play: FakePlay, http: Http
) -> None:
    play.reviews = list(api.reviews[:50])
    public = next(GooglePlay(play.app_id, "fr", "fr", play.url, http=http).pages()).verbatims
    ours = next(opened(page_size=50).pages()).verbatims
    told = [(row.external_id, row.written_at, row.title, row.body, row.stars, row.version, row.url) for row in public]
    assert told == [
        (row.external_id, row.written_at, row.title, row.body, row.stars, row.version, row.url) for row in ours
    ]
    assert KINDS["google_play_api"].identity == "google_play"


def test_an_edit_and_a_deletion_are_seen_by_the_next_walk(api: FakePlayApi, opened: Open) -> None:
    target = opened()
    assert len(Walked(target.pages()).ids) == 250
    edited, gone = api.reviews[200].id, api.reviews[100].id
    api.edit(edited, stars=5, body="Réparé", written_at=NOW)
    api.delete(gone)
    page = next(target.pages())
    assert (page.verbatims[0].external_id, page.verbatims[0].stars) == (edited, 5)
    assert gone not in Walked(target.pages()).ids


def test_a_token_is_exchanged_once_and_again_before_its_end(api: FakePlayApi, opened: Open) -> None:
    target = opened(page_size=10)
    Walked(target.pages())
    assert len(api.tokens) == 1
    began = 1_795_000_000.0
    api.tokens.clear()
    api.requests.clear()
    api.clock = lambda: began + 300 * len(api.requests)
    walked = Walked(opened(page_size=10).pages())
    assert walked.error is None
    assert len(api.tokens) == 3
    assert not [status for _, (status, _, _) in api.answers if status == 401]


def test_a_token_that_ends_early_is_renewed(api: FakePlayApi, opened: Open) -> None:
    api.before = lambda request: api.tokens.clear() if request.number == 2 else None
    walked = Walked(opened().pages())
    assert walked.error is None
    assert len(walked.ids) == 250
    assert sum(status == 401 for _, (status, _, _) in api.answers) == 1


def test_a_token_that_is_never_taken_is_refused_in_words(api: FakePlayApi, opened: Open) -> None:
    api.life = 200
    api.clock = lambda: 1_795_000_000.0 + 300 * len(api.requests)
    fault = refused(lambda: list(opened().pages()))
    assert (fault.kind, "answer 401" in fault.message) == ("refused", True)
    assert len(api.requests) == 4


@pytest.mark.parametrize(
    ("error", "part"),
    [
        ({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, "deleted or replaced"),
        ({"error": "invalid_grant", "error_description": "Invalid grant: account not found"}, "does not know"),
        ({"error": "invalid_grant", "error_description": "Token must be a short-lived token (60 minutes)"}, "clock"),
        ({"error": "unauthorized_client"}, "unauthorized_client"),
    ],
)
def test_a_key_that_google_refuses_is_said_in_words(
    api: FakePlayApi, opened: Open, error: dict[str, str], part: str
) -> None:
    api.grant_error = error
    fault = refused(lambda: list(opened().pages()))
    assert (fault.kind, part in fault.message) == ("refused", True)
    assert "assertion" not in repr(fault) + fault.excerpt
    (probe,) = opened().probe()
    assert (probe.works, part in probe.message) == (False, True)


def test_a_key_of_another_account_is_refused(api: FakePlayApi, opened: Open, tmp_path: Path) -> None:
    key = tmp_path / "other.json"
    secret = pem(rsa.generate_private_key(65537, 2048))
    key.write_text(json.dumps(json.loads(api.key_file()) | {"private_key": secret}))
    fault = refused(lambda: list(opened(key_file=str(key)).pages()))
    assert "deleted or replaced" in fault.message
    assert secret.splitlines()[3] not in repr(fault) + repr(vars(fault))


@pytest.mark.parametrize(
    ("reason", "kind", "part"),
    [
        ("forbidden", "refused", "Reply to reviews"),
        ("accessNotConfigured", "refused", "switched off"),
        ("rateLimitExceeded", "throttled", "quota"),
        ("quotaExceeded", "throttled", "quota"),
    ],
)
def test_each_403_says_what_it_means(api: FakePlayApi, opened: Open, reason: str, kind: str, part: str) -> None:
    api.forbidden = reason
    fault = refused(lambda: list(opened().pages()))
    assert (fault.kind, part in fault.message) == (kind, True)
    assert (fault.retry_after is not None) == (kind == "throttled")


def test_the_probe_tells_the_key_from_the_right(api: FakePlayApi, opened: Open) -> None:
    assert [probe.works for probe in opened().probe()] == [True, True]
    api.forbidden = "forbidden"
    key, right = opened().probe()
    assert (key.works, right.works, "Reply to reviews" in right.message) == (True, False, True)


def test_an_unknown_app_is_gone(opened: Open) -> None:
    fault = refused(lambda: list(opened(app_id="com.example.other").pages()))
    assert (fault.kind, "com.example.other" in fault.message) == ("gone", True)


def test_a_429_is_obeyed(api: FakePlayApi, opened: Open, http: Http) -> None:
    api.fail(Status(429, (("retry-after", "300"),)), path="reviews", after=1)
    walked = Walked(opened().pages())
    assert walked.error is not None
    assert (walked.error.kind, walked.error.retry_after) == ("throttled", 300)
    assert len(walked.ids) == 100
    assert 200 < http.pace.held("127.0.0.1") <= 300
    assert walked.pages[0].resume is not None


def test_the_walk_goes_on_from_its_place(api: FakePlayApi, opened: Open) -> None:
    place = next(opened().pages()).resume
    assert Walked(opened().pages(place)).ids == [one.id for one in api.reviews[100:]]
    assert refused(lambda: list(opened().pages("old"))).kind == "format"


def test_an_empty_list_is_asked_for_twice_and_never_calm(api: FakePlayApi, opened: Open) -> None:
    kept, api.reviews = api.reviews, []
    assert Walked(opened().pages()).end == "unconfirmed"
    lists = [request for request in api.requests if "reviews" in request.path]
    assert len(lists) == 2

    def later(request: Any) -> None:
        api.reviews = kept if sum("reviews" in one.path for one in api.requests) > 3 else []

    api.before = later
    assert len(Walked(opened().pages()).ids) == 250


def test_tokens_that_come_round_end_the_walk(api: FakePlayApi, opened: Open) -> None:
    api.circle = True
    walked = Walked(opened().pages())
    assert walked.error is not None
    assert walked.error.kind == "repeated"
    assert len(set(walked.ids)) == 250
    assert len(walked.ids) == 250


def test_new_fields_do_no_harm_and_bad_rows_are_set_aside(api: FakePlayApi, opened: Open) -> None:
    def change(document: dict[str, Any]) -> None:
        document["kind"] = "androidpublisher#x"
        document["reviews"][0]["comments"].append({"botComment": {"text": "x"}})
        document["reviews"][1]["comments"] = []
        document["reviews"][2]["comments"][0]["userComment"]["lastModified"]["seconds"] = "soon"

    api.change = change
    page = next(opened().pages())
    assert len(page.verbatims) == 98
    assert [row.reason for row in page.quarantined] == [
        "the review has no words of a customer",
        "the date is not a number of seconds",
    ]


@pytest.mark.parametrize("document", [{"reviews": {}}, {"reviews": [1, 2, 3]}, {"tokenPagination": "x"}])
def test_a_change_of_the_format_is_a_fault(document: dict[str, Any]) -> None:
    assert refused(lambda: read_reviews(document, "com.example.bank")).kind == "format"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("{", "not the JSON key"),
        ('{"type": "authorized_user"}', "not the JSON key"),
        ('{"type": "service_account", "client_email": "a@b", "private_key": "SECRET"}', "no private key"),
    ],
)
def test_a_key_file_that_is_none_is_refused_without_showing_it(
    opened: Open, tmp_path: Path, content: str, part: str
) -> None:
    key = tmp_path / "wrong.json"
    key.write_text(content)
    fault = refused(lambda: opened(key_file=str(key)))
    assert (fault.kind, part in fault.message, "wrong.json" in fault.message) == ("refused", True, True)
    assert "SECRET" not in repr(fault)


def test_a_key_is_never_sent_in_the_clear(api: FakePlayApi, opened: Open, tmp_path: Path) -> None:
    key = tmp_path / "clear.json"
    key.write_text(json.dumps(json.loads(api.key_file()) | {"token_uri": "http://tokens.example.com/"}))
    with pytest.raises(ValueError, match="https"):
        opened(key_file=str(key))


def test_the_kind_is_built_from_its_settings(api: FakePlayApi, http: Http, tmp_path: Path) -> None:
    key = tmp_path / "account.json"
    key.write_text(api.key_file())
    config = {"app_id": api.app_id, "key_file": str(key), "android_publisher_url": api.url}
    collector = build("google_play_api", config, http)
    assert [probe.works for probe in collector.probe()] == [True, True]
    assert len(next(iter(collector.pages())).verbatims) == 100
    assert KINDS["google_play_api"].host() == "androidpublisher.googleapis.com"
    assert refused(lambda: build("google_play_api", config | {"app_id": "x"}, http)).kind == "refused"


# Against Google's own discovery document


def _json_schema(part: Any) -> Any:
    """Turn a discovery document's schema into JSON Schema, closed: an answer of ours may use known fields only."""
    if isinstance(part, list):
        return [_json_schema(one) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return {"$ref": f"#/$defs/{part['$ref']}"}
    turned = {name: _json_schema(one) for name, one in part.items() if name in {"type", "properties", "items", "enum"}}
    if "properties" in part:
        turned["properties"] = {name: _json_schema(one) for name, one in part["properties"].items()}
        turned["additionalProperties"] = False
    return turned


@pytest.mark.shared
def test_every_request_and_answer_agrees_with_googles_document(
    api: FakePlayApi, opened: Open, shared: Callable[[str], Path]
) -> None:
    document = json.loads(shared("samples/google_androidpublisher/androidpublisher.v3.json").read_text())
    method = document["resources"]["reviews"]["methods"]["list"]
    assert method["scopes"] == ["https://www.googleapis.com/auth/androidpublisher"]
    api.edit(api.reviews[0].id, reply="Merci", replied_at=NOW, original="Déçu")
    assert Walked(opened().pages()).end == "source_limit"
    definitions = {name: _json_schema(one) for name, one in document["schemas"].items()}
    schema = {"$ref": "#/$defs/ReviewsListResponse", "$defs": definitions}
    for request, (status, _, body) in api.answers:
        parts = urlsplit(request.path)
        assert (request.method, status) == (method["httpMethod"], 200)
        assert parts.path == "/" + method["flatPath"].replace("{packageName}", api.app_id)
        for name, (value,) in parse_qs(parts.query).items():
            assert method["parameters"][name]["location"] == "query"
            assert method["parameters"][name]["type"] == "string" or value.isdigit()
        Draft202012Validator(schema).validate(json.loads(body))
    assert len(api.answers) == 3


@pytest.mark.shared
def test_googles_documented_sample_is_read(shared: Callable[[str], Path]) -> None:
    document = json.loads(shared("samples/google_androidpublisher/reviews_list.docs_sample.json").read_text())
    rows, bad, token = read_reviews(document, "com.example.bank")
    # The second one's date, in 1974, is older than any app.
    assert [row.external_id for row in rows] == ["12345678"]
    assert [row.reason for row in bad] == ["the date 1974-06-27 is before there were app stores (2008)"]
    assert token == "12334566"
    later = document["reviews"][1]
    later["comments"][0]["userComment"]["lastModified"]["seconds"] = "1443676826"
    row = review(later, "com.example.bank")
    assert (row.device, row.os, row.build, row.thumbs_up) == ("trltecan", "Android 5.0", "12345", 10)
