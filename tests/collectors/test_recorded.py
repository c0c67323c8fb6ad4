"""Every recorded answer, served over real HTTP: each entry is stored or reported by its reason."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from collectors.app_store import AppStoreFeed
from collectors.app_store_lookup import AppStoreLookup
from collectors.google_play import GooglePlay
from collectors.http import Http
from tests.collectors.conftest import Walked
from tests.fakes.stores import RecordedStore

pytestmark = pytest.mark.shared
Shared = Callable[[str], Path]
NO_REVIEW = json.dumps({"feed": {"link": [{"attributes": {"rel": "self", "href": "x"}}]}}).encode()
NO_REVIEW_XML = b'<feed xmlns="http://www.w3.org/2005/Atom"><link rel="self" href="x"/></feed>'


def replay(http: Http, app_id: str, storefront: str, *, first_json: bytes | None, first_xml: bytes | None) -> Walked:
    """Serve the recorded first page by either form of the address, and nothing behind it."""

    def answer(path: str) -> bytes | None:
        if path.startswith("/lookup"):
            return b'{"resultCount": 0, "results": []}'
        first = "page=1/" in path
        if path.endswith("/json"):
            return (first_json or NO_REVIEW) if first else NO_REVIEW
        return (first_xml or NO_REVIEW_XML) if first else NO_REVIEW_XML

    with RecordedStore(answer) as store:
        return Walked(AppStoreFeed(app_id, storefront, store.url, http=http).pages())


def json_entries(body: bytes) -> list[str]:
    entries = json.loads(body)["feed"].get("entry", [])
    return [entry["id"]["label"] for entry in (entries if isinstance(entries, list) else [entries])]


def xml_reviews(body: bytes) -> list[str]:
    space = {"a": "http://www.w3.org/2005/Atom", "im": "http://itunes.apple.com/rss"}
    entries = ElementTree.fromstring(body).findall("a:entry", space)
    return [entry.findtext("a:id", "", space) for entry in entries if entry.find("im:rating", space) is not None]


@pytest.mark.parametrize(
    "name", ["gb_436115342_2021_1entry.json", "in_1592550875_2026-09_1entry.json", "quirk_single_entry_object.json"]
)
def test_recorded_json_feeds(name: str, shared: Shared, http: Http) -> None:
    body = shared(f"samples/apple_rss/{name}").read_bytes()
    walked = replay(http, "436115342", name[:2].replace("qu", "gb"), first_json=body, first_xml=None)
    assert walked.error is None
    assert walked.ids == json_entries(body)
    (record,) = walked.pages[0].verbatims
    assert record.written_at > datetime(2021, 9, 1, tzinfo=UTC)
    assert record.body
    assert record.title
    assert record.version
    assert re.fullmatch(r"id\d+", record.author or "")
    assert not any(page.quarantined for page in walked.pages)


def test_the_french_feed_of_2015_has_fifty_reviews_beside_the_app_itself(shared: Shared, http: Http) -> None:
    body = shared("samples/apple_rss/fr_2015_atom.xml").read_bytes()
    walked = replay(http, "400274934", "fr", first_json=None, first_xml=body)
    assert len(ElementTree.fromstring(body).findall("{http://www.w3.org/2005/Atom}entry")) == 51
    assert len(walked.ids) == 50
    assert walked.ids == xml_reviews(body)
    assert not walked.pages[0].quarantined
    rows = walked.pages[0].verbatims
    assert all(datetime(2011, 1, 1, tzinfo=UTC) < row.written_at < datetime(2015, 3, 8, tzinfo=UTC) for row in rows)
    assert all(row.body and "<table" not in row.body for row in rows)


def test_the_xml_of_2020_gives_fifty_dated_reviews_where_its_json_gives_none(shared: Shared, http: Http) -> None:
    as_json = shared("samples/apple_rss/jp_1404176564_2020_page1.json").read_bytes()
    as_xml = shared("samples/apple_rss/jp_1404176564_2020.xml").read_bytes()
    walked = replay(http, "1404176564", "jp", first_json=as_json, first_xml=as_xml)
    page = walked.pages[0]
    assert len(page.verbatims) == 50
    assert walked.ids == xml_reviews(as_xml)
    day = datetime(2020, 8, 12, tzinfo=UTC)
    assert all(day - timedelta(days=60) < row.written_at < day + timedelta(days=1) for row in page.verbatims)
    # What the JSON shows and the XML of another moment does not: each is reported, none is dropped.
    only_json = set(json_entries(as_json)) - set(xml_reviews(as_xml))
    assert len(only_json) == 11
    assert {json.loads(row.raw)["id"]["label"] for row in page.quarantined} == only_json
    assert {row.reason for row in page.quarantined} == {"the feed gives no date for this review"}


def test_the_json_of_2020_alone_is_reported_whole_and_fails(shared: Shared, http: Http) -> None:
    as_json = shared("samples/apple_rss/jp_1404176564_2020_page1.json").read_bytes()
    walked = replay(http, "1404176564", "jp", first_json=as_json, first_xml=None)
    assert walked.ids == []
    assert len(walked.pages[0].quarantined) == 50
    assert walked.error is not None
    assert walked.error.kind == "format"


def test_a_feed_without_entries_is_not_called_calm(shared: Shared, http: Http) -> None:
    body = shared("samples/apple_rss/quirk_no_entry.json").read_bytes()
    walked = replay(http, "436115342", "gb", first_json=body, first_xml=None)
    assert walked.error is None
    assert walked.end == "unconfirmed"


def test_an_app_that_is_not_known_is_gone(shared: Shared, http: Http) -> None:
    body = shared("samples/apple_rss/quirk_unknown_app_no_self_link.json").read_bytes()
    unknown_xml = b'<feed xmlns="http://www.w3.org/2005/Atom"/>'
    walked = replay(http, "436115342", "gb", first_json=body, first_xml=unknown_xml)
    assert walked.error is not None
    assert walked.error.kind == "gone"


def test_all_recorded_feeds_are_tested_here(shared: Shared) -> None:
    names = {path.name for path in shared("samples/apple_rss").iterdir()} - {"PROVENANCE.md"}
    here = Path(__file__).read_text()
    assert [name for name in names if name not in here] == []


def test_the_recorded_lookup(shared: Shared, http: Http) -> None:
    body = shared("samples/apple_itunes_lookup/fr_1533526463_2024.json").read_bytes()
    with RecordedStore(lambda path: body) as store:
        (page,) = AppStoreLookup("1533526463", "fr", store.url, http=http).pages()
    assert (page.ratings[0].average, page.ratings[0].count) == (4.83333, 6)
    assert page.releases[0].version == "2.0.1"
    assert page.releases[0].released_at == datetime(2024, 11, 20, 13, 36, 18, tzinfo=UTC)
    assert page.releases[0].notes.startswith("Application refaite")


def test_the_play_samples(shared: Shared, http: Http) -> None:
    reviews = shared("samples/google_play_scraper/batchexecute_reviews_page1.txt").read_bytes()
    empty = shared("samples/google_play_scraper/batchexecute_empty.txt").read_bytes()
    error = shared("samples/google_play_scraper/batchexecute_error_3.txt").read_bytes()
    calls = iter([reviews, empty, empty])
    with RecordedStore(lambda path: next(calls)) as store:
        walked = Walked(GooglePlay("com.example.bank", "fr", "fr", store.url, http=http).pages())
    rows = walked.pages[0].verbatims
    assert [row.external_id[:8] for row in rows] == ["00000000", "00000001", "00000002"]
    assert rows[0].written_at == datetime(2026, 4, 28, 9, 12, 30, tzinfo=UTC)
    assert (rows[0].reply, rows[0].replied_at) == ("Bonjour 0", datetime(2026, 4, 28, 10, 12, 30, tzinfo=UTC))
    assert [row.version for row in rows] == [None, "3.2.18", "3.2.18"]
    assert walked.pages[0].resume == "CtTOKEN"
    # A token promised more, and nothing came: two empty answers do not make an end.
    assert walked.end == "unconfirmed"
    with RecordedStore(lambda path: error) as store:
        walked = Walked(GooglePlay("com.example.bank", "fr", "fr", store.url, http=http).pages())
    assert walked.error is not None
    assert walked.error.kind == "unreachable"
