import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from collectors.app_store import AppStoreFeed
from collectors.http import Http
from tests.collectors.conftest import Walked
from tests.fakes.stores import (
    Cut,
    Empty,
    FakeAppStore,
    Hang,
    Html,
    Raw,
    Request,
    Review,
    Status,
    Undated,
    Unknown,
    some_reviews,
)


def feed(store: FakeAppStore, http: Http) -> AppStoreFeed:
    return AppStoreFeed(store.app_id, store.storefront, store.url, http=http)


def walk(store: FakeAppStore, http: Http) -> Walked:
    return Walked(feed(store, http).pages())


def ids(store: FakeAppStore) -> list[str]:
    return [review.id for review in store.reviews]


def test_every_field_of_a_review_is_read(http: Http) -> None:
    moment = datetime(2026, 11, 20, 23, 30, 5, tzinfo=UTC)
    review = Review("123", moment, 2, "Trop & « lent »\n\x00fin", "Titre", "7.2.0", "Zoé", "555", thumbs=3)
    with FakeAppStore(reviews=[review]) as store:
        walked = walk(store, http)
    (record,) = walked.pages[0].verbatims
    assert record.external_id == "123"
    assert record.written_at == moment
    assert record.written_at.tzinfo is UTC
    assert (record.stars, record.title, record.body) == (2, "Titre", "Trop & « lent »\nfin")
    assert (record.version, record.storefront, record.author, record.thumbs_up) == ("7.2.0", "fr", "id555", 3)
    assert walked.end == "exhausted"


@pytest.mark.parametrize("count", [1, 2, 49, 50, 51, 100, 120, 451])
def test_a_whole_feed_is_read_once_and_its_end_is_confirmed(http: Http, count: int) -> None:
    with FakeAppStore(reviews=some_reviews(count)) as store:
        walked = walk(store, http)
        assert walked.error is None
        assert walked.ids == ids(store)
        assert walked.end == "exhausted"
        assert walked.pages[-1].progress == 1.0
        assert all(page.end is None for page in walked.pages[:-1])
        assert not any(page.quarantined for page in walked.pages)


def test_ten_full_pages_are_the_limit_of_the_source(http: Http) -> None:
    with FakeAppStore(reviews=some_reviews(700)) as store:
        walked = walk(store, http)
        assert walked.ids == ids(store)[:500]
        assert walked.end == "source_limit"
        assert [page.progress for page in walked.pages] == [number / 10 for number in range(1, 11)]


def test_links_of_the_feed_are_never_followed(apple: FakeAppStore, http: Http) -> None:
    walk(apple, http)
    assert all(path.startswith("/fr/rss/customerreviews/") for path in apple.paths())
    assert not any("page=77" in path for path in apple.paths())


def test_the_app_itself_is_no_review(http: Http) -> None:
    with FakeAppStore(reviews=some_reviews(3)) as store:
        store.app_entry_first = True
        walked = walk(store, http)
        assert walked.ids == ids(store)
        assert not walked.pages[0].quarantined


@pytest.mark.parametrize("empty_ways", [1, 2, 3])
def test_an_empty_answer_is_not_believed_while_another_way_shows_reviews(
    apple: FakeAppStore, http: Http, empty_ways: int
) -> None:
    apple.fail(Empty(), times=empty_ways)
    walked = walk(apple, http)
    assert walked.ids == ids(apple)
    assert walked.end == "exhausted"


@pytest.mark.parametrize("seed", range(8))
def test_empty_answers_at_random_lose_nothing_silently(http: Http, seed: int) -> None:
    draw = random.Random(seed)
    with FakeAppStore(reviews=some_reviews(230)) as store:
        store.script = lambda request: Empty() if draw.random() < 0.4 else None
        walked = walk(store, http)
        assert len(walked.ids) == len(set(walked.ids))
        if walked.ids != ids(store):
            assert walked.end == "unconfirmed"
        assert set(walked.ids) <= set(ids(store))


def test_an_empty_feed_of_a_rated_app_is_unconfirmed(http: Http) -> None:
    with FakeAppStore(reviews=[]) as store:
        walked = walk(store, http)
        assert walked.end == "unconfirmed"
        assert walked.pages[0].doubt == "empty"
        assert "1000 ratings" in walked.notes
        # Both forms of the address in both formats, and the lookup.
        assert len(store.requests) == 5


def test_an_empty_feed_of_an_unrated_app_is_confirmed(http: Http) -> None:
    with FakeAppStore(reviews=[]) as store:
        store.ratings = 0
        assert walk(store, http).end == "exhausted"


def test_an_empty_feed_is_unconfirmed_when_the_lookup_fails(http: Http) -> None:
    with FakeAppStore(reviews=[]) as store:
        store.ratings = 0
        store.fail(Status(500), times=99, path="/lookup")
        walked = walk(store, http)
    assert walked.error is None
    assert walked.end == "unconfirmed"
    assert walked.pages[0].doubt == ""  # nothing that days of it could confirm: a way did not answer


def test_a_page_that_stays_empty_is_a_hole_and_the_walk_goes_on_behind_it(http: Http) -> None:
    with FakeAppStore(reviews=some_reviews(150)) as store:
        store.script = lambda request: Empty() if "page=2/" in request.path else None
        walked = walk(store, http)
        assert walked.ids == ids(store)[:50] + ids(store)[100:]
        assert walked.end == "unconfirmed"
        last = walked.pages[-1]
        assert last.doubt == ids(store)[-1]
        assert last.sure == store.reviews[49].written_at


def test_a_last_page_that_stays_empty_though_the_feed_counts_it_is_no_end(http: Http) -> None:
    with FakeAppStore(reviews=some_reviews(150)) as store:
        store.script = lambda request: Empty() if "page=3/" in request.path else None
        walked = walk(store, http)
        assert walked.ids == ids(store)[:100]
        assert walked.end == "unconfirmed"
        assert (walked.pages[-1].doubt, walked.pages[-1].sure) == (ids(store)[99], None)


def test_a_page_that_was_empty_for_a_moment_is_mended(http: Http) -> None:
    with FakeAppStore(reviews=some_reviews(150)) as store:
        store.fail(Empty(), times=4, path="page=2/")
        walked = walk(store, http)
        assert sorted(walked.ids) == sorted(ids(store))
        assert walked.end == "exhausted"


def test_an_unknown_app_is_gone(apple: FakeAppStore, http: Http) -> None:
    walked = Walked(AppStoreFeed("99999", "fr", apple.url, http=http).pages())
    assert walked.error is not None
    assert walked.error.kind == "gone"
    assert "99999" in str(walked.error)


def test_a_feed_that_forgets_an_app_which_the_lookup_knows_is_unconfirmed(apple: FakeAppStore, http: Http) -> None:
    apple.fail(Unknown(), times=99, path="/rss/")
    walked = walk(apple, http)
    assert walked.error is None
    assert walked.end == "unconfirmed"
    assert walked.pages[0].doubt == ""


def test_json_without_dates_falls_back_to_xml(apple: FakeAppStore, http: Http) -> None:
    apple.fail(Undated(), times=99)
    walked = walk(apple, http)
    assert walked.ids == ids(apple)
    assert walked.end == "exhausted"
    assert "no dates" in walked.notes
    rows = [row for page in walked.pages for row in page.verbatims]
    assert [(row.written_at, row.body) for row in rows] == [(one.written_at, one.body) for one in apple.reviews]
    # Once known, JSON is not asked again.
    assert sum(path.endswith("/json") for path in apple.paths()) == 1


def test_reviews_that_no_form_dates_are_reported_and_the_walk_fails(apple: FakeAppStore, http: Http) -> None:
    apple.fail(Undated(), times=99, path="/json")
    apple.fail(Html(), times=99, path="/xml")
    walked = walk(apple, http)
    assert walked.ids == []
    assert len(walked.pages[0].quarantined) == 50
    assert walked.error is not None
    assert walked.error.kind == "format"


def test_json_cut_off_is_read_another_way(apple: FakeAppStore, http: Http) -> None:
    apple.fail(Cut(0.7), times=1)
    walked = walk(apple, http)
    assert walked.ids == ids(apple)
    assert walked.end == "exhausted"


@pytest.mark.parametrize(
    "fault", [Html(), Status(404), Cut(0.7), Raw(b"[]"), Raw(b'{"feed": 3}'), Raw(b""), Raw(b"\xff\xfe{")]
)
def test_an_answer_that_is_no_feed_is_a_format_error_never_calm(apple: FakeAppStore, http: Http, fault: object) -> None:
    apple.fail(fault, times=999)  # type: ignore[arg-type]
    walked = walk(apple, http)
    assert walked.pages == []
    assert walked.error is not None
    assert walked.error.kind == "format"


@pytest.mark.parametrize(
    ("fault", "kind"), [(Status(429), "throttled"), (Status(403), "throttled"), (Status(502), "unreachable")]
)
def test_a_refusal_in_the_middle_keeps_what_was_read(apple: FakeAppStore, http: Http, fault: Status, kind: str) -> None:
    apple.fail(fault, times=99, path="page=2/")
    walked = walk(apple, http)
    assert walked.ids == ids(apple)[:50]
    assert walked.end is None
    assert walked.error is not None
    assert walked.error.kind == kind


def test_a_failing_second_reading_keeps_the_page_that_was_read(apple: FakeAppStore, http: Http) -> None:
    apple.fail(Status(429, (("Retry-After", "9"),)), times=1, path="page=1/", after=1)
    walked = walk(apple, http)
    assert walked.ids == ids(apple)[:100]
    assert walked.error is not None
    assert walked.error.retry_after == 9


def test_a_host_that_hangs_is_unreachable(apple: FakeAppStore, slept: list[float]) -> None:
    apple.fail(Hang(), times=99)
    walked = walk(apple, Http(timeout=0.2, retries=0, sleep=slept.append))
    assert walked.error is not None
    assert walked.error.kind == "unreachable"
    assert len(apple.requests) == 1


def test_a_review_deleted_between_pages_hides_none(http: Http) -> None:
    with FakeAppStore(reviews=some_reviews(170)) as store:
        kept = ids(store)
        victims = {1: kept[3], 3: kept[60], 6: kept[110]}

        def delete(request: Request) -> None:
            if request.number in victims:
                store.delete(victims[request.number])

        store.before = delete
        walked = walk(store, http)
        assert set(ids(store)) <= set(walked.ids)
        assert len(walked.ids) == len(set(walked.ids))
        assert "moved onto page" in walked.notes


@pytest.mark.parametrize("seed", range(12))
def test_deletions_at_any_moment_hide_none_whenever_the_caller_stops(http: Http, seed: int) -> None:
    draw = random.Random(seed)
    with FakeAppStore(reviews=some_reviews(260, seed=seed)) as store:
        order = ids(store)

        def delete(request: Request) -> None:
            if draw.random() < 0.7:
                for review in draw.sample(store.reviews, draw.randint(1, 6)):
                    store.delete(review.id)

        store.before = delete
        seen: set[str] = set()
        for page in feed(store, http).pages():
            seen |= {row.external_id for row in page.verbatims}
            if not page.verbatims:
                continue
            # Whatever stands above the oldest one seen and still exists has been yielded by now.
            oldest = max(order.index(one) for one in seen)
            assert {one for one in ids(store) if order.index(one) <= oldest} <= seen


def test_the_last_review_that_moves_up_onto_the_first_page_is_found(http: Http) -> None:
    with FakeAppStore(reviews=some_reviews(51)) as store:
        last = store.reviews[-1].id

        def delete(request: Request) -> None:
            if request.number == 1:
                store.delete(store.reviews[0].id)

        store.before = delete
        assert last in walk(store, http).ids


def test_new_reviews_between_pages_double_none(http: Http) -> None:
    with FakeAppStore(reviews=some_reviews(170)) as store:
        before = set(ids(store))

        def add(request: Request) -> None:
            moment = datetime(2026, 11, 21, tzinfo=UTC) + timedelta(minutes=request.number)
            store.add(Review(str(9_100_000_000 + request.number), moment, 1, "nouveau"))

        store.before = add
        walked = walk(store, http)
        assert before <= set(walked.ids)
        assert len(walked.ids) == len(set(walked.ids))
        assert "had been read before" in walked.notes


def test_a_review_edited_during_the_walk_is_met(http: Http) -> None:
    with FakeAppStore(reviews=some_reviews(170)) as store:
        edited = store.reviews[160].id

        def edit(request: Request) -> None:
            # Pages 1 to 3 are read; what stood on page 4 moves to the top.
            if request.number == 4:
                store.edit(edited, stars=4, body="Réglé", written_at=datetime(2026, 11, 21, tzinfo=UTC))

        store.before = edit
        walked = walk(store, http)
        rows = [row for page in walked.pages for row in page.verbatims if row.external_id == edited]
        assert [row.body for row in rows] == ["Réglé"]
        assert set(ids(store)) == set(walked.ids)


def test_a_review_edited_after_it_was_read_comes_again_as_it_is_now(http: Http) -> None:
    with FakeAppStore(reviews=some_reviews(90)) as store:
        edited = store.reviews[10]

        def edit(request: Request) -> None:
            if request.number == 1:
                store.edit(edited.id, stars=5, body="Réglé", written_at=datetime(2026, 11, 21, tzinfo=UTC))

        store.before = edit
        walked = walk(store, http)
    rows = [row for page in walked.pages for row in page.verbatims if row.external_id == edited.id]
    assert [row.body for row in rows] == [edited.body, "Réglé"]


def test_one_page_for_ever_ends_as_repeated_after_what_was_read(apple: FakeAppStore, http: Http) -> None:
    page = json.dumps(apple._json(1, apple.reviews[:50], True, dated=True)).encode()
    apple.fail(Raw(page), times=999)
    walked = walk(apple, http)
    assert walked.ids == ids(apple)[:50]
    assert walked.error is not None
    assert walked.error.kind == "repeated"
    assert len(apple.requests) < 10


def test_rows_that_cannot_be_read_are_set_aside_and_the_others_kept(http: Http) -> None:
    with FakeAppStore(reviews=some_reviews(6)) as store:
        document = store._json(1, store.reviews, True, dated=True)
        entries = document["feed"]["entry"]
        entries[0]["im:rating"] = {"label": "7"}
        entries[1]["updated"] = {"label": "yesterday"}
        entries[2]["id"] = {"label": "abc"}
        entries[3] = "text"
        del entries[4]["im:rating"]
        store.fail(Raw(json.dumps(document).encode()))
        walked = walk(store, http)
    page = walked.pages[0]
    assert [row.external_id for row in page.verbatims] == [store.reviews[5].id]
    reasons = [row.reason for row in page.quarantined]
    for part in ("stars '7'", "date 'yesterday'", "id 'abc'", "not an object", "stars ''"):
        assert any(part in reason for reason in reasons), reasons
    assert len(reasons) == 5
    assert any(b"yesterday" in row.raw for row in page.quarantined)


def test_an_incremental_walk_costs_one_request(apple: FakeAppStore, http: Http) -> None:
    pages = feed(apple, http).pages()
    next(pages)
    pages.close()  # type: ignore[attr-defined]
    assert len(apple.requests) == 1


def test_probe_says_what_works(apple: FakeAppStore, http: Http) -> None:
    (probe,) = feed(apple, http).probe()
    assert probe.works
    assert "50 reviews" in probe.message
    apple.fail(Status(403))
    (probe,) = feed(apple, http).probe()
    assert not probe.works
    assert "slow down" in probe.message


@pytest.mark.parametrize(("app_id", "storefront"), [("12/34", "fr"), ("", "fr"), ("123", "france"), ("123", "f/")])
def test_settings_that_make_no_address_are_refused(app_id: str, storefront: str, http: Http) -> None:
    with pytest.raises(ValueError):
        AppStoreFeed(app_id, storefront, http=http)
