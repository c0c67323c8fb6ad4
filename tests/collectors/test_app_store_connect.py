import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from collectors.app_store_connect import AppStoreConnect
from collectors.base import Page
from collectors.connect_format import read_listing, read_reviews
from collectors.file_values import country
from collectors.http import Http
from collectors.registry import KINDS, build
from tests.collectors.conftest import Walked, refused
from tests.fakes.connect import ConnectReview, ConnectVersion, FakeConnect, error, pem
from tests.fakes.stores import Status

NEWEST = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
PHASE = {"phasedReleaseState": "ACTIVE", "startDate": "2026-11-18T09:00:00-08:00", "currentDayNumber": 3}
Open = Callable[..., AppStoreConnect]


def reviews(count: int, apart: timedelta = timedelta(hours=3)) -> list[ConnectReview]:
    """Newest first; every fifth about the version before, every seventh from Belgium."""
    return [
        ConnectReview(
            id=f"00000013-{index:04x}-4000-8000-{index:012x}",
            written_at=NEWEST - index * apart,
            stars=1 + index % 5,
            title=f"Titre {index}",
            body=f"Avis {index}",
            version="7.1.0" if index % 5 == 4 else "7.2.0",
            author=f"client{index}",
            territory="BEL" if index % 7 == 6 else "FRA",
        )
        for index in range(count)
    ]


@pytest.fixture
def connect() -> Iterator[FakeConnect]:
    with FakeConnect() as fake:
        fake.reviews = list(reviews(450))
        fake.versions = [
            ConnectVersion("v71", "7.1.0", "2026-09-01T08:00:00Z", build="710"),
            ConnectVersion("v72", "7.2.0", "2026-11-01T08:00:00Z", build="720", phased=dict(PHASE)),
        ]
        yield fake


@pytest.fixture
def opened(connect: FakeConnect, http: Http, tmp_path: Path) -> Open:
    key = tmp_path / "AuthKey.p8"
    key.write_text(pem(connect.key))

    def open_it(**changes: Any) -> AppStoreConnect:
        given = {
            "app_id": connect.app_id,
            "key_id": connect.key_id,
            "issuer_id": connect.issuer_id,
            "key_file": str(key),
            "base_url": connect.url,
            "clock": lambda: connect.clock(),  # noqa: PLW0108  it is replaced later
        }
        return AppStoreConnect(http=http, **given | changes)

    return open_it


def test_a_walk_reads_every_review_once_with_its_version_and_country(connect: FakeConnect, opened: Open) -> None:
    walked = Walked(opened(overlap=1).pages())
    assert walked.error is None
    assert walked.end == "exhausted"
    assert walked.ids == [one.id for one in connect.reviews]
    assert [len(page.verbatims) for page in walked.pages] == [200, 200, 50]
    rows = [row for page in walked.pages for row in page.verbatims]
    assert [row.version for row in rows] == [one.version for one in connect.reviews]
    assert [row.storefront for row in rows[:7]] == ["fr"] * 6 + ["be"]
    first = rows[0]
    assert (first.title, first.body, first.stars, first.author) == ("Titre 0", "Avis 0", 1, "client0")
    assert first.written_at == NEWEST
    assert walked.pages[0].resume is not None
    assert walked.pages[0].progress == pytest.approx(200 / 450)


def test_what_customers_see_as_the_answer_is_read_and_a_draft_is_not(connect: FakeConnect, opened: Open) -> None:
    for index, state in enumerate(("PUBLISHED", "PENDING_PUBLISH")):
        connect.edit(connect.reviews[index].id, reply="Merci", replied_at=NEWEST, reply_state=state)
    page = next(opened(overlap=1).pages())
    assert (page.verbatims[0].reply, page.verbatims[0].replied_at) == ("Merci", NEWEST)
    assert (page.verbatims[1].reply, page.verbatims[1].replied_at) == (None, None)


def test_the_first_page_reads_again_what_is_known_for_edits(connect: FakeConnect, opened: Open) -> None:
    target = opened(overlap=2)
    assert len(next(target.pages()).verbatims) == 400
    deep = connect.reviews[380]
    connect.edit(deep.id, stars=5, body="Réparé, merci")
    found = {row.external_id: row for row in next(target.pages()).verbatims}[deep.id]
    assert (found.stars, found.body) == (5, "Réparé, merci")


def test_the_walk_goes_on_from_its_place(connect: FakeConnect, opened: Open) -> None:
    place = next(opened(overlap=1).pages()).resume
    walked = Walked(opened().pages(place))
    assert walked.ids == [one.id for one in connect.reviews[200:]]
    assert walked.end == "exhausted"
    assert refused(lambda: list(opened().pages("no place"))).kind == "format"


def test_phased_releases_come_with_their_share_and_others_are_left_to_the_lookup(
    connect: FakeConnect, opened: Open
) -> None:
    (release,) = next(opened().pages()).releases
    assert (release.version, release.build, release.notes) == ("7.2.0", "720", "Corrections.")
    assert release.released_at == datetime(2026, 11, 18, 17, tzinfo=UTC)
    assert (release.rollout, release.rollout_state) == (0.05, "active")
    for state, share in (("PAUSED", 0.05), ("COMPLETE", 1.0)):
        connect.versions[1].phased = PHASE | {"phasedReleaseState": state}
        (release,) = next(opened().pages()).releases
        assert (release.rollout, release.rollout_state) == (share, state.lower())
    connect.versions[1].phased = PHASE | {"phasedReleaseState": "INACTIVE"}
    assert next(opened().pages()).releases == ()


def test_a_version_that_customers_had_tells_its_build_even_without_a_date(connect: FakeConnect, opened: Open) -> None:
    connect.versions[1].phased = None
    connect.versions[1].state = "REPLACED_WITH_NEW_VERSION"
    connect.versions[0].state = "PREPARE_FOR_SUBMISSION"
    (release,) = next(opened().pages()).releases
    assert (release.version, release.build, release.released_at) == (connect.versions[1].name, "720", None)


def test_a_token_is_used_until_it_nears_its_end_and_then_renewed(connect: FakeConnect, opened: Open) -> None:
    began = 1_795_000_000.0
    connect.clock = lambda: began + 200 * len(connect.answers)
    walked = Walked(opened(overlap=1).pages())
    assert walked.error is None
    assert len(connect.requests) >= 6
    # A request every 200 s: a token of 900 s that is renewed 60 s before its end serves four or five of them.
    assert 1 < len(connect.tokens) <= len(connect.requests) / 4 + 1
    assert {status for _, (status, _, _) in connect.answers} == {200}


def test_a_token_that_is_no_longer_taken_is_renewed_once(connect: FakeConnect, opened: Open) -> None:
    ticks = iter(range(1_795_000_000, 1_795_999_999, 2))
    connect.clock = lambda: float(next(ticks))
    connect.before = lambda request: connect.revoked.update(connect.tokens) if request.number == 3 else None
    walked = Walked(opened(overlap=1).pages())
    assert walked.error is None
    assert walked.ids == [one.id for one in connect.reviews]
    assert len(connect.tokens) == 2


def test_a_key_that_is_not_accepted_is_said_in_words_and_not_tried_for_ever(
    connect: FakeConnect, opened: Open, tmp_path: Path
) -> None:
    other = tmp_path / "other.p8"
    secret = pem(ec.generate_private_key(ec.SECP256R1()))
    other.write_text(secret)
    fault = refused(lambda: list(opened(key_file=str(other)).pages()))
    assert fault.kind == "refused"
    assert fault.lasting
    assert "key_id, issuer_id" in fault.message
    assert len(connect.requests) == 2
    assert secret.splitlines()[1] not in str(fault) + repr(fault)


def test_a_key_of_one_person_has_no_issuer(connect: FakeConnect, opened: Open) -> None:
    connect.issuer_id = ""
    assert Walked(opened(issuer_id="").pages()).end == "exhausted"


def test_a_missing_right_is_named_and_reviews_are_read_without_versions(connect: FakeConnect, opened: Open) -> None:
    connect.forbidden = {"appStoreVersions"}
    walked = Walked(opened().pages())
    assert walked.error is None
    assert len(walked.ids) == 450
    assert {row.version for page in walked.pages for row in page.verbatims} == {None}
    assert "may not read the versions" in walked.notes
    assert [probe.works for probe in opened().probe()] == [True, True, False]
    connect.forbidden = {"customerReviews"}
    fault = refused(lambda: list(opened().pages()))
    assert fault.kind == "refused"
    assert "may not read the customer reviews" in fault.message
    assert "Customer Support" in fault.message
    assert [probe.works for probe in opened().probe()] == [True, False, True]


def test_an_agreement_that_waits_is_told_from_a_missing_role(connect: FakeConnect, opened: Open) -> None:
    connect.script = lambda request: Status(403, body=error(403, "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING")[2].decode())
    assert "agreement" in refused(lambda: list(opened().pages())).message


def test_an_unknown_app_is_gone(opened: Open) -> None:
    fault = refused(lambda: list(opened(app_id="999").pages()))
    assert (fault.kind, "999" in fault.message) == ("gone", True)


def test_a_429_is_obeyed_and_names_its_wait(connect: FakeConnect, opened: Open, http: Http) -> None:
    connect.fail(Status(429, (("retry-after", "120"),)), path="customerReviews", after=4)
    walked = Walked(opened(overlap=1).pages())
    assert walked.error is not None
    assert (walked.error.kind, walked.error.retry_after) == ("throttled", 120)
    # It met the list of a version: the page is kept, and the next walk reads it again for its versions.
    assert walked.ids == [one.id for one in connect.reviews[:400]]
    assert None in {row.version for row in walked.pages[1].verbatims}
    assert walked.pages[1].resume == walked.pages[0].resume
    assert 100 < http.pace.held("127.0.0.1") <= 120


def test_the_last_requests_of_the_hour_are_left_to_others(connect: FakeConnect, opened: Open) -> None:
    connect.limit, connect.rest = 100, 9
    walked = Walked(opened(overlap=1).pages())
    assert walked.error is not None
    assert walked.error.kind == "throttled"
    assert "requests left this hour" in walked.error.message
    assert walked.ids, "what was read is kept"
    assert 0 < connect.rest < 5
    assert walked.pages[-1].resume is not None


def test_a_review_that_is_deleted_during_the_walk_never_hides_another(connect: FakeConnect, opened: Open) -> None:
    connect.places = True
    first = connect.reviews[0].id
    connect.before = lambda request: connect.delete(first) if "200%7C" in request.path else None
    walked = Walked(opened(overlap=1).pages())
    assert len(connect.reviews) == 449
    assert {one.id for one in connect.reviews} <= set(walked.ids)
    assert len(walked.ids) == len(set(walked.ids))
    assert walked.end == "exhausted"


def test_fewer_reviews_than_apple_counts_are_not_called_complete(connect: FakeConnect, opened: Open) -> None:
    connect.told_total = 460
    walked = Walked(opened().pages())
    assert walked.end == "unconfirmed"
    assert "counts 460 reviews, the walk met 450" in walked.notes


@pytest.mark.parametrize(("total", "end"), [("true", "exhausted"), (None, "unconfirmed"), (12, "unconfirmed")])
def test_an_empty_list_is_believed_only_when_apple_counts_none(
    connect: FakeConnect, opened: Open, total: Any, end: str
) -> None:
    connect.reviews, connect.told_total = [], total
    assert Walked(opened().pages()).end == end


def test_fields_countries_and_states_that_are_new_do_no_harm(connect: FakeConnect, opened: Open) -> None:
    connect.reviews = list(reviews(3))
    connect.edit(connect.reviews[1].id, extra={"territory": "ZZQ", "mood": {"x": [1]}}, reply="a", replied_at=NEWEST)

    def change(document: dict[str, Any]) -> None:
        document["jsonapi"] = {"version": "1.1"}
        document.setdefault("included", []).extend([{"type": "moods", "id": "1"}, None, 7])

    connect.change = change
    walked = Walked(opened().pages())
    assert walked.ids == [one.id for one in connect.reviews]
    assert walked.pages[0].verbatims[1].storefront is None


def test_a_row_that_cannot_be_read_is_set_aside_and_the_others_kept(connect: FakeConnect, opened: Open) -> None:
    connect.edit(connect.reviews[3].id, extra={"rating": 6})
    connect.edit(connect.reviews[4].id, extra={"createdDate": "yesterday"})
    walked = Walked(opened().pages())
    assert len(walked.ids) == 448
    assert walked.end == "exhausted"
    reasons = [row.reason for page in walked.pages for row in page.quarantined]
    assert sorted(reasons) == ["the date 'yesterday' cannot be read", "the stars '6' are not 1 to 5"]


def test_a_change_of_the_format_is_a_fault_and_not_calm(connect: FakeConnect, opened: Open) -> None:
    def change(document: dict[str, Any]) -> None:
        for item in document["data"]:
            item["attributes"].pop("rating", None)

    connect.change = change
    assert refused(lambda: list(opened().pages())).kind == "format"
    connect.change = lambda document: document.pop("data")
    assert refused(lambda: list(opened().pages())).kind == "format"


def test_cursors_that_come_round_end_the_walk(connect: FakeConnect, opened: Open) -> None:
    def change(document: dict[str, Any]) -> None:
        if document["data"] and document["data"][0]["type"] == "customerReviews":
            document["links"]["next"] = f"{connect.url}/x?cursor=9999999999%7C~"

    connect.change = change
    walked = Walked(opened(overlap=1).pages())
    assert walked.error is not None
    assert walked.error.kind == "repeated"


def test_the_token_never_follows_a_link_elsewhere(connect: FakeConnect, opened: Open) -> None:
    # The fake's links to the next page name another host, as Apple's feed does.
    assert Walked(opened().pages()).end == "exhausted"
    with pytest.raises(ValueError, match="https"):
        opened(base_url="http://api.example.com")


def test_versions_are_asked_for_only_as_far_as_they_are_needed(connect: FakeConnect, opened: Open) -> None:
    connect.versions += [ConnectVersion(f"v{n}", f"6.{n}", f"2025-{n:02}-01T00:00:00Z") for n in range(1, 10)]
    next(opened(overlap=1).pages())
    assert len(connect.asked("/v1/appStoreVersions/v72/")) == 1
    assert len(connect.asked("/v1/appStoreVersions/v71/")) == 1
    assert connect.asked("/v1/appStoreVersions/v9/") == []
    connect.edit(connect.reviews[0].id, version="0.1")
    connect.requests.clear()
    page = next(opened(overlap=1, versions=4).pages())
    assert page.verbatims[0].version is None
    assert "only the newest 4 versions" in page.note
    assert len({request.path.split("/")[3] for request in connect.asked("/v1/appStoreVersions/")}) == 4


def test_a_territory_can_be_chosen(connect: FakeConnect, opened: Open) -> None:
    walked = Walked(opened(territories="BEL").pages())
    assert {row.storefront for page in walked.pages for row in page.verbatims} == {"be"}
    assert len(walked.ids) == 64


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "cannot be read"),
        ("", "empty"),
        ("-----BEGIN PRIVATE KEY-----\nSECRETSECRET\n-----END PRIVATE KEY-----\n", "no private key"),
        (pem(rsa.generate_private_key(65537, 2048)), "another kind"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "another kind"),
    ],
    ids=["no file", "empty", "nonsense", "RSA", "another curve"],
)
def test_a_key_file_that_is_none_is_refused_without_showing_it(
    opened: Open, tmp_path: Path, content: str | None, part: str
) -> None:
    key = tmp_path / "some.p8"
    if content is not None:
        key.write_text(content)
    fault = refused(lambda: opened(key_file=str(key)))
    assert (fault.kind, part in fault.message, "some.p8" in fault.message) == ("refused", True, True)
    assert "SECRET" not in repr(fault)
    assert fault.__cause__ is None or isinstance(fault.__cause__, OSError)


def test_the_kind_is_built_from_its_settings(connect: FakeConnect, http: Http, tmp_path: Path) -> None:
    key = tmp_path / "key.p8"
    key.write_text(pem(connect.key))
    config = {
        "app_id": connect.app_id,
        "key_id": connect.key_id,
        "issuer_id": connect.issuer_id,
        "key_file": str(key),
        "app_store_connect_url": connect.url,
    }
    collector = build("app_store_connect", config, http)
    assert [probe.works for probe in collector.probe()] == [True, True, True]
    page: Page = next(iter(collector.pages()))
    assert len(page.verbatims) == 450
    known = KINDS["app_store_connect"]
    assert (known.channel, known.host(), known.identity) == ("app_store", "api.appstoreconnect.apple.com", "")
    for name, wrong in (("app_id", "abc"), ("key_id", "a b"), ("territories", "fr"), ("app_store_connect_url", "x")):
        assert refused(lambda n=name, w=wrong: build("app_store_connect", config | {n: w}, http)).kind == "refused"  # type: ignore[misc]


# Against Apple's own OpenAPI document


@pytest.fixture
def official(shared: Callable[[str], Path]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(shared("samples/apple_asc/asc_reviews_subset.openapi.json").read_text())
    return read


@pytest.mark.shared
def test_every_request_and_answer_agrees_with_apples_document(
    connect: FakeConnect, opened: Open, official: dict[str, Any]
) -> None:
    connect.edit(connect.reviews[0].id, reply="Merci", replied_at=NEWEST)
    assert Walked(opened(territories="FRA,BEL").pages()).end == "exhausted"
    opened().probe()
    registry = Registry().with_resource("apple:", Resource(contents=official, specification=DRAFT202012))
    checked = set()
    for request, (status, _, body) in connect.answers:
        parts = urlsplit(request.path)
        path = _template(parts.path, official)
        operation = official["paths"][path]["get"]
        _check_query(parts.query, operation, registry)
        place = f"apple:#/paths/{path.replace('/', '~1')}/get/responses/{status}/content/application~1json/schema"
        Draft202012Validator({"$ref": place}, registry=registry).validate(json.loads(body))
        checked.add(path)
    assert checked == {
        "/v1/apps/{id}",
        "/v1/apps/{id}/customerReviews",
        "/v1/apps/{id}/appStoreVersions",
        "/v1/appStoreVersions/{id}/customerReviews",
    }


def _template(path: str, official: dict[str, Any]) -> str:
    parts = path.split("/")
    parts[3] = "{id}"
    template = "/".join(parts)
    assert template in official["paths"], path
    return template


def _check_query(query: str, operation: dict[str, Any], registry: Registry) -> None:
    known = {one["name"]: one["schema"] for one in operation["parameters"]}
    for name, (value,) in parse_qs(query).items():
        if name == "cursor":
            continue  # it stands in the links to the next page, not among the parameters
        schema = known[name]
        given: Any = value.split(",") if schema["type"] == "array" else value
        given = int(value) if schema["type"] == "integer" else given
        pointed = json.loads(json.dumps(schema).replace('"#/', '"apple:#/'))
        Draft202012Validator(pointed, registry=registry).validate(given)


@pytest.mark.shared
def test_every_territory_of_apple_is_a_country(official: dict[str, Any]) -> None:
    codes = official["components"]["schemas"]["TerritoryCode"]["enum"]
    assert len(codes) > 200
    for code in codes:
        told = {"rating": 1, "createdDate": "2026-11-01T00:00:00Z", "territory": code}
        rows, _ = read_reviews(read_listing({"data": [{"id": "1", "attributes": told}]}))
        assert rows[0].storefront is not None, code
        assert len(rows[0].storefront) == 2
    assert country("FRA") == "fr"
