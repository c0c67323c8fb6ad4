from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.app_store_lookup import AppStoreLookup
from collectors.base import SourceError
from collectors.google_play_details import GooglePlayDetails
from collectors.http import Http
from collectors.links import AppLink, find_app, parse_link
from collectors.registry import KINDS, build
from tests.fakes.stores import FakeAppStore, FakePlay, Html, Raw, Unknown


def test_the_lookup_brings_the_counter_and_the_release(apple: FakeAppStore, http: Http) -> None:
    (page,) = AppStoreLookup(apple.app_id, "fr", apple.url, http=http).pages()
    (rating,), (release,) = page.ratings, page.releases
    assert (rating.average, rating.count, rating.storefront, rating.histogram) == (4.2, 1000, "fr", None)
    assert datetime.now(UTC) - rating.taken_at < timedelta(seconds=30)
    told = datetime(2026, 3, 1, tzinfo=UTC)
    (page,) = AppStoreLookup(apple.app_id, "fr", apple.url, http=Http(now=lambda: told)).pages()
    assert page.ratings[0].taken_at == told
    assert (release.version, release.notes, release.storefront) == ("7.2.0", "Corrections.", "fr")
    assert release.released_at == datetime(2026, 11, 10, 8, tzinfo=UTC)
    assert page.end == "exhausted"


def test_an_app_without_ratings_has_no_average(apple: FakeAppStore, http: Http) -> None:
    apple.ratings, apple.average = 0, 0.0
    (page,) = AppStoreLookup(apple.app_id, "fr", apple.url, http=http).pages()
    assert (page.ratings[0].average, page.ratings[0].count) == (None, 0)


def test_a_release_date_that_cannot_be_read_is_reported_and_the_counter_kept(apple: FakeAppStore, http: Http) -> None:
    apple.released_at = "soon"
    (page,) = AppStoreLookup(apple.app_id, "fr", apple.url, http=http).pages()
    assert page.releases == ()
    assert "'soon'" in page.quarantined[0].reason
    assert page.ratings[0].count == 1000


def test_an_unknown_app_is_gone_only_when_said_twice(apple: FakeAppStore, http: Http) -> None:
    lookup = AppStoreLookup(apple.app_id, "fr", apple.url, http=http)
    apple.fail(Unknown())
    assert list(lookup.pages())[0].ratings[0].count == 1000  # noqa: RUF015
    apple.fail(Unknown(), times=2)
    with pytest.raises(SourceError) as caught:
        list(lookup.pages())
    assert caught.value.kind == "gone"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"results": 3}', b'{"results": [3]}'])
def test_an_answer_that_is_no_lookup_is_a_format_error(apple: FakeAppStore, http: Http, body: bytes) -> None:
    apple.fail(Raw(body), times=9)
    with pytest.raises(SourceError) as caught:
        list(AppStoreLookup(apple.app_id, "fr", apple.url, http=http).pages())
    assert caught.value.kind == "format"


def test_the_page_of_the_app_brings_counter_histogram_and_release(play: FakePlay, http: Http) -> None:
    (page,) = GooglePlayDetails(play.app_id, "fr", "FR", play.url, http=http).pages()
    (rating,), (release,) = page.ratings, page.releases
    assert (rating.average, rating.count, rating.storefront) == (4.1, 12_345, "fr")
    assert rating.histogram == (500, 300, 700, 2845, 8000)
    assert (release.version, release.notes) == ("7.2.0", "Corrections.\r\nNouveautés")
    assert release.released_at == datetime.fromtimestamp(1_794_900_000, UTC)


@pytest.mark.parametrize("version", ["Varies with device", "Varie selon l'appareil", None])
def test_a_version_that_varies_is_no_release(play: FakePlay, http: Http, version: str | None) -> None:
    play.page.version = version
    (page,) = GooglePlayDetails(play.app_id, "fr", "fr", play.url, http=http).pages()
    assert page.releases == ()
    assert "varies" in page.note


def test_an_app_without_ratings_on_play(play: FakePlay, http: Http) -> None:
    play.page.ratings = None
    (page,) = GooglePlayDetails(play.app_id, "fr", "fr", play.url, http=http).pages()
    assert (page.ratings[0].count, page.ratings[0].average, page.ratings[0].histogram) == (0, None, None)


def test_a_page_that_is_not_the_apps_is_a_format_error_and_an_unknown_app_gone(play: FakePlay, http: Http) -> None:
    details = GooglePlayDetails(play.app_id, "fr", "fr", play.url, http=http)
    play.fail(Html())
    with pytest.raises(SourceError) as caught:
        list(details.pages())
    assert caught.value.kind == "format"
    play.fail(Unknown())
    with pytest.raises(SourceError) as gone:
        list(details.pages())
    assert gone.value.kind == "gone"
    assert play.app_id in str(gone.value)


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("https://apps.apple.com/fr/app/ma-banque/id123456789", AppLink("app_store", "123456789", "fr")),
        ("https://apps.apple.com/fr/app/ma-banque/id123456789?l=en", AppLink("app_store", "123456789", "fr")),
        ("apps.apple.com/be/app/id123456789", AppLink("app_store", "123456789", "be")),
        ("https://apps.apple.com/app/id123456789", AppLink("app_store", "123456789")),
        ("https://apps.apple.com/FR/app/pour-100%25/id123456789?mt=8#x", AppLink("app_store", "123456789", "fr")),
        ("https://itunes.apple.com/fr/app/ma-banque/id123456789?mt=8", AppLink("app_store", "123456789", "fr")),
        ("itms-apps://itunes.apple.com/app/id123456789", AppLink("app_store", "123456789")),
        (" id123456789 ", AppLink("app_store", "123456789")),
        ("123456789", AppLink("app_store", "123456789")),
        ("https://play.google.com/store/apps/details?id=com.bank.app", AppLink("google_play", "com.bank.app")),
        (
            "https://play.google.com/store/apps/details?id=com.bank.app&hl=fr&gl=FR",
            AppLink("google_play", "com.bank.app", "fr", "fr"),
        ),
        (
            "play.google.com/store/apps/details?hl=fr_CA&id=com.bank.app",
            AppLink("google_play", "com.bank.app", "", "fr"),
        ),
        ("market://details?id=com.bank.app", AppLink("google_play", "com.bank.app")),
        ("https://play.google.com/apps/testing/com.bank.app", AppLink("google_play", "com.bank.app")),
        ("com.bank.app", AppLink("google_play", "com.bank.app")),
        ("https://example.com/app/id123456789", None),
        ("https://apps.apple.com/fr/developer/x", None),
        ("https://play.google.com/store/apps/details?id=", None),
        ("apps.apple.com", None),
        ("ma banque", None),
        ("", None),
        ("http://[", None),
    ],
)
def test_links_of_every_form(text: str, link: AppLink | None) -> None:
    assert parse_link(text) == link


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading_of_links(text: str) -> None:
    link = parse_link(text)
    assert link is None or link.store in {"app_store", "google_play"}


def test_a_link_finds_the_app_with_its_name(apple: FakeAppStore, play: FakePlay, http: Http) -> None:
    urls: dict[str, Any] = {"app_store_url": apple.url, "google_play_url": play.url}
    found = find_app(f"https://apps.apple.com/fr/app/x/id{apple.app_id}", http, **urls)
    assert (found.name, found.publisher, found.storefront, found.lang) == ("Ma Banque", "Banque SA", "fr", "fr")
    found = find_app(f"https://play.google.com/store/apps/details?id={play.app_id}&hl=en", http, **urls)
    assert (found.name, found.publisher, found.storefront, found.lang) == ("Ma Banque", "Banque SA", "fr", "en")
    with pytest.raises(SourceError) as refused:
        find_app("ma banque", http, **urls)
    assert refused.value.kind == "refused"
    with pytest.raises(SourceError) as gone:
        find_app("id99999999", http, **urls)
    assert gone.value.kind == "gone"


def test_every_kind_is_built_from_its_settings_and_probed(apple: FakeAppStore, play: FakePlay, http: Http) -> None:
    configs = {
        "app_store_feed": {"app_id": apple.app_id, "storefront": "fr", "app_store_url": apple.url},
        "app_store_lookup": {"app_id": apple.app_id, "storefront": "fr", "app_store_url": apple.url},
        "google_play": {"app_id": play.app_id, "lang": "fr", "google_play_url": play.url},
        "google_play_details": {"app_id": play.app_id, "google_play_url": play.url},
    }
    keyed = {"app_store_connect", "google_play_api", "google_play_tracks", "play_console_csv"}
    assert set(KINDS) >= {*configs, *keyed, "file"}
    for kind, config in configs.items():
        collector = build(kind, config, http)
        assert collector.kind == kind
        assert [probe.works for probe in collector.probe()] == [True], kind
        assert KINDS[kind].host(config) == "127.0.0.1"
        assert KINDS[kind].label_fr
        assert KINDS[kind].minutes > 0
    assert KINDS["app_store_feed"].host() == "itunes.apple.com"
    assert KINDS["file"].host() == ""


@pytest.mark.parametrize(
    ("kind", "config", "part"),
    [
        ("appstore", {}, "no kind of source"),
        ("app_store_feed", {"app_id": "123456"}, "storefront"),
        ("app_store_feed", {"app_id": "abc", "storefront": "fr"}, "is a number"),
        ("google_play", {"app_id": "x", "lang": "fr"}, "com.example.app"),
        ("file", {}, "path"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_a_sentence(
    kind: str, config: dict[str, str], part: str, http: Http
) -> None:
    with pytest.raises(SourceError, match=part) as caught:
        build(kind, config, http)
    assert caught.value.kind == "refused"
