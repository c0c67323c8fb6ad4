import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from app.demo.store import DemoStore
from app.demo.story import Story
from tests.demo.conftest import Clock

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT.parent / "shared" / "samples"
ATOM = "{http://www.w3.org/2005/Atom}"
IM = "{http://itunes.apple.com/rss}"
FORMS = [
    "{cc}/rss/customerreviews/page={page}/id={id}/sortby=mostrecent/{form}",
    "{cc}/rss/customerreviews/id={id}/sortBy=mostRecent/page={page}/{form}",
]


def feed_url(store: DemoStore, cc: str = "fr", page: int = 1, form: str = "json", way: int = 0, app: int = 0) -> str:
    return f"{store.url}/" + FORMS[way].format(cc=cc, page=page, id=app or store.story.app_store_id, form=form)


def entries(store: DemoStore, **where: Any) -> list[dict[str, Any]]:
    answer = httpx.get(feed_url(store, **where))
    assert answer.status_code == 200
    found = answer.json()["feed"].get("entry", [])
    return [found] if isinstance(found, dict) else found


def ask(store: DemoStore, lang: str = "fr", count: int = 199, token: str | None = None, package: str = "") -> list[Any]:
    paging = [count, None, token] if token else [count]
    inner = json.dumps([None, [2, 2, paging, None, [None] * 9], [package or store.story.package, 7]])
    body = "f.req=" + quote(json.dumps([[["oCPfdb", inner, None, "generic"]]]))
    answer = httpx.post(
        f"{store.url}/_/PlayStoreUi/data/batchexecute?hl={lang}&gl=fr",
        content=body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 200
    assert answer.text.startswith(")]}'\n\n")
    payload: list[Any] = json.loads(json.loads(answer.text[6:])[0][2])
    return payload


def test_both_url_forms_and_both_formats_give_the_same_fifty(store: DemoStore) -> None:
    told = entries(store)
    assert len(told) == 50
    assert entries(store, way=1) == told
    for way in (0, 1):
        feed: Element = fromstring(httpx.get(feed_url(store, form="xml", way=way)).content)
        found = feed.findall(f"{ATOM}entry")
        assert [e.findtext(f"{ATOM}id") for e in found] == [e["id"]["label"] for e in told]
        assert [e.findtext(f"{IM}rating") for e in found] == [e["im:rating"]["label"] for e in told]
        assert [e.findtext(f"{ATOM}updated") for e in found] == [e["updated"]["label"] for e in told]
        texts = [[c.text for c in e.findall(f"{ATOM}content") if c.get("type") == "text"] for e in found]
        assert texts == [[e["content"]["label"]] for e in told]
        assert all(len(e.findall(f"{ATOM}content")) == 2 for e in found)


def test_ten_pages_newest_first_and_no_more(store: DemoStore) -> None:
    pages = [entries(store, page=n) for n in range(1, 11)]
    assert [len(p) for p in pages] == [50] * 10
    told = [e for p in pages for e in p]
    assert len({e["id"]["label"] for e in told}) == 500
    moments = [datetime.fromisoformat(e["updated"]["label"]) for e in told]
    assert moments == sorted(moments, reverse=True)
    assert all(m.utcoffset() == timedelta(hours=-7) for m in moments)
    assert httpx.get(feed_url(store, page=11)).status_code == 400


def test_the_feeds_links_point_inside_and_to_xml(store: DemoStore) -> None:
    feed = httpx.get(feed_url(store)).json()["feed"]
    links = {link["attributes"]["rel"]: link["attributes"]["href"] for link in feed["link"]}
    assert set(links) == {"alternate", "self", "first", "last", "previous", "next"}
    assert all("mzstoreservices-int-st" in href for rel, href in links.items() if rel != "alternate")
    assert "/page=10/" in links["last"]
    assert "/xml" in links["next"]


def test_no_review_no_entry_one_review_an_object_unknown_app_no_self(story: Story, clock: Clock) -> None:
    first, second = [r.written_at for r in story.reviews if r.storefront == "gb"][:2]
    with DemoStore(story, clock) as store:
        clock.now = first - timedelta(seconds=1)
        assert "entry" not in httpx.get(feed_url(store, cc="gb")).json()["feed"]
        clock.now = first
        assert isinstance(httpx.get(feed_url(store, cc="gb")).json()["feed"]["entry"], dict)
        clock.now = second
        assert isinstance(httpx.get(feed_url(store, cc="gb")).json()["feed"]["entry"], list)
        unknown = httpx.get(feed_url(store, app=99)).json()["feed"]
        assert "entry" not in unknown
        assert "self" not in {link["attributes"]["rel"] for link in unknown["link"]}


def test_the_lookup_speaks_of_the_clocks_day(store: DemoStore, clock: Clock) -> None:
    def look(**query: str) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{store.url}/lookup", params=query).json()
        return found

    app_id = str(store.story.app_store_id)
    now = look(id=app_id, country="fr")["results"][0]
    assert (now["version"], now["currentVersionReleaseDate"]) == ("7.2.1", "2026-11-18T06:00:00Z")
    clock.now = datetime(2026, 11, 17, 12, tzinfo=UTC)
    then = look(id=app_id, country="fr")["results"][0]
    assert then["version"] == "7.2"
    assert then["userRatingCount"] < now["userRatingCount"]
    assert look(id=app_id, country="gb")["results"][0]["releaseNotes"].startswith("New-generation")
    assert then["releaseNotes"].startswith("Connexion biométrique")
    assert look(id="99", country="fr") == {"resultCount": 0, "results": []}
    assert look(id=app_id, country="jp")["resultCount"] == 0


def test_play_pages_hold_199_and_tell_each_review_once(store: DemoStore, clock: Clock) -> None:
    told: list[Any] = []
    token = None
    while True:
        payload = ask(store, lang="en", count=4500, token=token)
        told += payload[0]
        if not payload[1]:
            break
        assert len(payload[0]) == 199
        token = payload[1][1]
    truth = {r.id for r in store.story.reviews if r.locale == "en" and r.channel == "google_play"}
    seen = [row[0] for row in told]
    assert len(seen) == len(set(seen))
    late = {r.id for r in store.story.reviews if r.written_at > clock.now}
    assert set(seen) == truth - late
    moments = [row[5][0] for row in told]
    assert moments == sorted(moments, reverse=True)
    assert {row[10] is None for row in told} == {True, False}
    assert any(row[7] for row in told)


def test_a_token_holds_its_place_while_reviews_come_in(store: DemoStore, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 20, tzinfo=UTC)
    first = ask(store)
    clock.now = datetime(2026, 11, 22, tzinfo=UTC)
    second = ask(store, token=first[1][1])
    assert not {r[0] for r in first[0]} & {r[0] for r in second[0]}
    assert second[0][0][5][0] <= first[0][-1][5][0]


def test_play_says_nothing_of_what_it_does_not_have(store: DemoStore) -> None:
    assert ask(store, lang="ja") == []
    assert ask(store, package="com.unknown") == []
    broken = httpx.post(f"{store.url}/_/PlayStoreUi/data/batchexecute?hl=fr", content="f.req=%5B1")
    assert json.loads(broken.text[6:])[0][2] is None
    assert json.loads(broken.text[6:])[0][5] == [3]
    assert ask(store, token=None)[0]
    bad = httpx.post(
        f"{store.url}/_/PlayStoreUi/data/batchexecute?hl=fr",
        data={"f.req": json.dumps([[["oCPfdb", json.dumps([None, [2, 2, [9, None, "made up"]], ["x", 7]])]]])},
    )
    assert json.loads(bad.text[6:])[0][2] is None
    assert httpx.get(f"{store.url}/store/apps/details?id=com.unknown").status_code == 404
    assert httpx.get(f"{store.url}/nothing").status_code == 404


def test_nothing_after_the_clock_is_told(story: Story, clock: Clock) -> None:
    with DemoStore(story, clock) as store:
        for moment in (datetime(2026, 11, 12, 5, tzinfo=UTC), datetime(2026, 11, 15, 20, tzinfo=UTC)):
            clock.now = moment
            rows = ask(store)[0]
            assert max(row[5][0] for row in rows) <= moment.timestamp()
            assert moment.timestamp() - rows[0][5][0] < 86_400
            newest = datetime.fromisoformat(entries(store)[0]["updated"]["label"])
            assert moment - timedelta(days=1) < newest <= moment
            assert ("7.2" in {row[10] for row in rows}) == (moment.day == 15)


def test_an_edit_moves_a_review_to_the_top_with_its_new_stars(story: Story, clock: Clock) -> None:
    edited = next(
        r for r in reversed(story.reviews)
        if r.edited_at and r.before and r.planted == "login_72" and r.storefront == "fr"
        and r.edited_at.date() <= story.today
    )  # fmt: skip
    assert edited.edited_at is not None
    assert edited.before is not None
    with DemoStore(story, clock) as store:
        clock.now = edited.edited_at - timedelta(seconds=1)
        old = [e for n in range(1, 11) for e in entries(store, page=n) if e["id"]["label"] == edited.id]
        assert [e["im:rating"]["label"] for e in old] == [str(edited.before.stars)]
        clock.now = edited.edited_at
        new = [e for n in range(1, 11) for e in entries(store, page=n) if e["id"]["label"] == edited.id]
        assert [e["im:rating"]["label"] for e in new] == [str(edited.stars)]
        assert entries(store)[0]["id"]["label"] == edited.id


@pytest.mark.shared
def test_json_entries_have_the_keys_of_a_recorded_feed(store: DemoStore) -> None:
    recorded = SAMPLES / "apple_rss" / "in_1592550875_2026-09_1entry.json"
    if not recorded.exists():
        pytest.skip(f"the recorded feeds are not beside the project ({recorded.parent})")
    document = json.loads(recorded.read_text())["feed"]["entry"]
    real = document[0] if isinstance(document, list) else document
    assert shape(entries(store)[0]) == shape(real)
    feed = json.loads((SAMPLES / "apple_rss" / "gb_436115342_2021_1entry.json").read_text())["feed"]
    assert set(httpx.get(feed_url(store)).json()["feed"]) == set(feed) | {"entry"}


@pytest.mark.shared
def test_the_lookup_has_the_keys_of_a_recorded_one(store: DemoStore) -> None:
    recorded = SAMPLES / "apple_itunes_lookup" / "fr_1533526463_2024.json"
    if not recorded.exists():
        pytest.skip(f"the recorded lookup is not beside the project ({recorded.parent})")
    real = json.loads(recorded.read_text())["results"][0]
    ours = httpx.get(f"{store.url}/lookup", params={"id": store.story.app_store_id, "country": "fr"}).json()
    assert shape(ours["results"][0]) == shape(real)


def shape(value: Any) -> Any:
    """Keys and kinds of values, at all depths; a list is the shape of its first item."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


PEER = """
import json, sys
import google_play_scraper as peer
from google_play_scraper.constants.request import Formats
base, package = sys.argv[1:]
type(Formats.Reviews).URL_FORMAT = base + "/_/PlayStoreUi/data/batchexecute?hl={lang}&gl={country}"
type(Formats.Detail).URL_FORMAT = base + "/store/apps/details?id={app_id}&hl={lang}&gl={country}"
rows = peer.reviews_all(package, lang="en", country="fr", sort=peer.Sort.NEWEST)
print(json.dumps({"rows": rows, "app": peer.app(package, lang="fr", country="fr")}, default=str))
"""


def test_google_play_scraper_reads_it(store: DemoStore, clock: Clock) -> None:
    # in a process of its own: importing it turns TLS verification off
    done = subprocess.run(
        [sys.executable, "-c", PEER, store.url, store.story.package], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    truth = {
        r.id: r for r in store.story.reviews if (r.channel, r.locale) == ("google_play", "en")
        and r.written_at <= clock.now
    }  # fmt: skip
    assert {row["reviewId"] for row in read["rows"]} == set(truth)
    for row in read["rows"]:
        was = truth[row["reviewId"]].as_of(clock.now)
        assert was is not None
        assert (row["content"], row["score"], row["appVersion"], row["replyContent"]) == (
            was.body, was.stars, was.version, was.reply,
        )  # fmt: skip
    app = read["app"]
    counter = next(
        r for r in store.story.ratings if r.channel == "google_play" and r.day == clock.now.date() - timedelta(days=1)
    )
    assert (app["title"], app["version"], app["histogram"]) == (store.story.name, "7.2.1", list(counter.histogram))
    assert app["score"] == pytest.approx(counter.average)
    assert app["ratings"] == counter.count
    assert app["updated"] == int(datetime(2026, 11, 18, 6, tzinfo=UTC).timestamp())
    assert all(app[k] for k in ("description", "developer", "genreId", "installs", "released", "categories", "icon"))


@pytest.mark.shared
def test_xml_entries_have_the_elements_of_a_recorded_feed(store: DemoStore) -> None:
    recorded = SAMPLES / "apple_rss" / "jp_1404176564_2020.xml"
    if not recorded.exists():
        pytest.skip(f"the recorded feeds are not beside the project ({recorded.parent})")
    real = fromstring(recorded.read_bytes().lstrip())
    ours = fromstring(httpx.get(feed_url(store, form="xml")).content)
    assert elements(ours) == elements(real)
    assert elements(ours.find(f"{ATOM}entry")) == elements(real.find(f"{ATOM}entry"))


def elements(parent: Element | None) -> set[tuple[str, frozenset[str]]]:
    """Names and attribute names of the children."""
    assert parent is not None
    return {(child.tag, frozenset(child.attrib)) for child in parent}


@pytest.mark.shared
def test_play_rows_have_the_places_of_the_sample(store: DemoStore) -> None:
    sample = SAMPLES / "google_play_scraper" / "batchexecute_reviews_page1.txt"
    if not sample.exists():
        pytest.skip(f"the sample of Google Play is not beside the project ({sample.parent})")
    real = json.loads(json.loads(sample.read_text()[6:])[0][2])
    ours = ask(store)
    kept = [i for i in range(10) if i != 7]  # a reply (7) and a version (10) may be null
    assert [shape(ours[0][0][i]) for i in kept] == [shape(real[0][0][i]) for i in kept]
    answered = next(row for row in ours[0] if row[7] and row[10])
    assert shape(answered[7]) == shape(real[0][0][7])
    assert len(answered) == len(real[0][0]) == 11
    assert isinstance(ours[1][1], str) == isinstance(real[1][1], str)
