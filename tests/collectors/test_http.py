import gzip
import ssl
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import SourceError
from collectors.http import Http, retry_after_seconds
from collectors.pace import Pace
from tests.fakes.stores import Cut, Drop, FakeAppStore, Hang, RecordedStore, Status

FEED = "/fr/rss/customerreviews/page=1/id=123456789/sortby=mostrecent/json"


def test_passing_faults_are_tried_again_with_doubling_and_jitter(
    apple: FakeAppStore, http: Http, slept: list[float]
) -> None:
    apple.fail(Status(502))
    apple.fail(Drop())
    apple.fail(Cut(honest=False))
    with http.walk() as walk:
        answer = walk.get(apple.url + FEED)
    assert answer.status == 200
    assert len(apple.requests) == 4
    assert len(slept) == 3
    for wait, middle in zip(slept, (0.5, 1.0, 2.0), strict=True):
        assert 0.5 * middle <= wait <= 1.5 * middle


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_lasting_server_fault_is_unreachable_after_few_tries(apple: FakeAppStore, http: Http, status: int) -> None:
    apple.fail(Status(status), times=99)
    with http.walk() as walk, pytest.raises(SourceError) as caught:
        walk.get(apple.url + FEED)
    assert caught.value.kind == "unreachable"
    assert str(status) in str(caught.value)
    assert len(apple.requests) == 4


def test_throttling_tells_how_long_and_leaves_the_host_alone(apple: FakeAppStore, http: Http) -> None:
    apple.fail(Status(429, (("Retry-After", "17"),)))
    with http.walk() as walk, pytest.raises(SourceError) as caught:
        walk.get(apple.url + FEED)
    assert (caught.value.kind, caught.value.retry_after, caught.value.host) == ("throttled", 17.0, "127.0.0.1")
    # Another walk of the same process does not ask before that time.
    with http.walk() as walk, pytest.raises(SourceError) as again:
        walk.get(apple.url + FEED)
    assert again.value.kind == "throttled"
    assert again.value.retry_after == pytest.approx(17, abs=2)
    assert len(apple.requests) == 1


def test_throttling_without_a_time_doubles_to_fifteen_minutes_and_forgets_when_served() -> None:
    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    assert [pace.hold("h", None) for _ in range(6)] == [60, 120, 240, 480, 900, 900]
    assert pace.held("h") == 900
    now[0] = 901
    assert pace.held("h") == 0
    pace.served("h")
    assert pace.hold("h", None) == 60


def test_a_host_that_serves_again_is_forgiven(apple: FakeAppStore) -> None:
    now = [1000.0]
    http = Http(pace=Pace(intervals={"127.0.0.1": 0.0}, clock=lambda: now[0]))
    waits = []
    for _ in range(3):
        apple.fail(Status(429))
        with http.walk() as walk:
            with pytest.raises(SourceError) as caught:
                walk.get(apple.url + FEED)
            waits.append(caught.value.retry_after)
            now[0] += 61
            walk.get(apple.url + FEED)
    assert waits == [60, 60, 60]


@pytest.mark.parametrize(("meaning", "kind"), [("throttled", "throttled"), ("refused", "refused")])
def test_forbidden_means_what_the_source_means(apple: FakeAppStore, http: Http, meaning: str, kind: str) -> None:
    apple.fail(Status(403))
    with http.walk() as walk, pytest.raises(SourceError) as caught:
        walk.get(apple.url + FEED, forbidden=meaning)  # type: ignore[arg-type]
    assert caught.value.kind == kind
    assert caught.value.lasting is (kind == "refused")


def test_time_out_is_unreachable_and_bounded(apple: FakeAppStore, slept: list[float]) -> None:
    apple.fail(Hang(), times=9)
    http = Http(timeout=0.2, retries=1, sleep=slept.append)
    with http.walk() as walk, pytest.raises(SourceError, match="did not answer within") as caught:
        walk.get(apple.url + FEED)
    assert caught.value.kind == "unreachable"
    assert len(apple.requests) == 2


def test_body_size_is_bounded_after_decompression(slept: list[float]) -> None:
    bomb = gzip.compress(b"0" * 3_000_000)

    class Gzipped(RecordedStore):
        def respond(self, request, fault):  # type: ignore[no-untyped-def]
            return 200, [("content-encoding", "gzip")], bomb

    with Gzipped(lambda path: None) as store, Http(max_bytes=1_000_000, sleep=slept.append).walk() as walk:
        with pytest.raises(SourceError, match="larger than 1 MB") as caught:
            walk.get(store.url + "/x")
        assert caught.value.kind == "format"
        assert len(store.requests) == 1


def test_redirections_are_followed_within_the_host_only(apple: FakeAppStore, http: Http) -> None:
    apple.fail(Status(302, (("Location", FEED),)))
    with http.walk() as walk:
        assert walk.get(apple.url + "/elsewhere").status == 200
        apple.fail(Status(302, (("Location", "https://consent.example/ml?continue=x"),)))
        with pytest.raises(SourceError, match=r"consent\.example") as caught:
            walk.get(apple.url + FEED)
        assert caught.value.kind == "format"
        apple.fail(Status(302, (("Location", "https://www.example/sorry/index?x"),)))
        with pytest.raises(SourceError, match="captcha") as sorry:
            walk.get(apple.url + FEED)
        assert sorry.value.kind == "throttled"
        apple.fail(Status(302, (("Location", FEED),)), times=99)
        with pytest.raises(SourceError, match="circles"):
            walk.get(apple.url + FEED)


def test_a_key_never_follows_a_redirection_out_of_https(http: Http) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": "http://127.0.0.1/reviews"})

    with http.walk() as walk, httpx.Client(transport=httpx.MockTransport(answer)) as client:
        walk._client = client
        with pytest.raises(SourceError, match=r"sent us to http://127\.0\.0\.1 "):
            walk.get("https://127.0.0.1/reviews", headers={"X-Key": "secret"})
    assert asked == ["https://127.0.0.1/reviews"]


def test_cookies_live_for_one_walk(http: Http) -> None:
    class Cookies(RecordedStore):
        def respond(self, request, fault):  # type: ignore[no-untyped-def]
            return 200, [("set-cookie", "NID=1; Path=/")], b"ok"

    with Cookies(lambda path: None) as store:
        for _ in range(2):
            with http.walk() as walk:
                walk.get(store.url + "/a")
                walk.get(store.url + "/b")
        sent = [request.headers.get("cookie") for request in store.requests]
    assert sent == [None, "NID=1", None, "NID=1"]


def test_who_we_are_is_said(apple: FakeAppStore) -> None:
    with Http(user_agent="Cocoon/1 (bank)").walk({"Accept-Language": "fr"}) as walk:
        walk.get(apple.url + FEED)
    headers = apple.requests[0].headers
    assert headers["user-agent"] == "Cocoon/1 (bank)"
    assert headers["accept-language"] == "fr"


def test_nobody_listening_is_unreachable(http: Http) -> None:
    with FakeAppStore() as store:
        url = store.url
    with http.walk() as walk, pytest.raises(SourceError, match="could not be reached") as caught:
        walk.get(url + "/x")
    assert caught.value.kind == "unreachable"


def test_an_address_that_is_none_is_refused(http: Http) -> None:
    with http.walk() as walk, pytest.raises(SourceError) as caught:
        walk.get("http://[::bad/")
    assert caught.value.kind == "refused"


def test_tls_is_verified(http: Http) -> None:
    assert http.tls.verify_mode is ssl.CERT_REQUIRED
    assert http.tls.check_hostname


def test_pace_hands_out_slots_to_threads_in_turn() -> None:
    waits: list[float] = []
    lock = threading.Lock()

    def sleep(seconds: float) -> None:
        with lock:
            waits.append(seconds)

    pace = Pace(2.0, sleep=sleep, clock=lambda: 100.0)
    threads = [threading.Thread(target=pace.wait, args=("itunes.apple.com",)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == [2.0, 4.0, 6.0, 8.0]
    pace.wait("play.google.com")
    assert len(waits) == 4, "another host does not wait"


def test_loopback_is_not_paced_unless_named() -> None:
    assert Pace(1.0).interval("127.0.0.1") == 0.0
    assert Pace(1.0, {"127.0.0.1": 0.3}).interval("127.0.0.1") == 0.3
    assert Pace(1.0, {"itunes.apple.com": 3.0}).interval("itunes.apple.com") == 3.0


def test_loopback_is_not_left_alone_unless_named() -> None:
    for pace, seconds in ((Pace(), 0), (Pace(intervals={"127.0.0.1": 0.0}), 30)):
        assert pace.hold("127.0.0.1", 30) == 30
        assert pace.held("127.0.0.1") == pytest.approx(seconds, abs=1)


def test_retry_after_in_seconds_and_as_date() -> None:
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    assert retry_after_seconds("120") == 120
    assert retry_after_seconds("Sun, 22 Nov 2026 12:01:30 GMT", now) == 90
    assert retry_after_seconds("Sun, 22 Nov 2026 11:00:00 GMT", now) == 0
    assert retry_after_seconds("soon") is None
    assert retry_after_seconds(None) is None
    assert retry_after_seconds("9" * 400) == 86_400
    assert retry_after_seconds(str(timedelta(days=1))) is None


@given(st.text(max_size=60))
def test_retry_after_never_fails(value: str) -> None:
    seconds = retry_after_seconds(value)
    assert seconds is None or 0 <= seconds <= 86_400
