import random
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from collectors.base import SourceError
from collectors.google_play import GooglePlay
from collectors.http import Http
from collectors.play_format import read_reviews, review_rows
from tests.collectors.conftest import Walked
from tests.fakes.stores import (
    Cut,
    Drop,
    Empty,
    FakePlay,
    Fault,
    Hang,
    Html,
    Raw,
    Request,
    Review,
    Status,
    Unknown,
    some_reviews,
)

ROOT = Path(__file__).resolve().parents[2]


def collector(store: FakePlay, http: Http) -> GooglePlay:
    return GooglePlay(store.app_id, store.lang, "fr", store.url, http=http)


def walk(store: FakePlay, http: Http, resume: str | None = None) -> Walked:
    return Walked(collector(store, http).pages(resume))


def ids(store: FakePlay) -> list[str]:
    return [review.id for review in store.reviews]


def test_importing_the_library_leaves_tls_verification_on() -> None:
    code = (
        "import ssl; before = ssl._create_default_https_context; import collectors.play_format, sys; "
        "assert 'google_play_scraper.utils.request' in sys.modules; "
        "assert ssl._create_default_https_context is before; "
        "context = ssl._create_default_https_context(); "
        "assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname; print('verified')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.strip() == "verified", done.stderr


def test_the_library_would_turn_verification_off_without_the_guard() -> None:
    """Fails when the library mends itself: then the guard may go."""
    code = "import ssl, google_play_scraper; print(ssl._create_default_https_context().verify_mode == ssl.CERT_NONE)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.strip() == "True", done.stderr


def test_this_process_verifies() -> None:
    assert ssl._create_default_https_context().verify_mode is ssl.CERT_REQUIRED


def test_every_field_of_a_review_is_read(http: Http) -> None:
    moment, answered = datetime(2026, 11, 20, 9, 12, 30, tzinfo=UTC), datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
    identity = "0f8fad5b-d9cb-469f-a165-70867728950e"
    review = Review(
        identity, moment, 1, "Bloqué\x00 !", "", "7.2.0", "Zoé", reply="Désolés", replied_at=answered, thumbs=4
    )
    with FakePlay(reviews=[review]) as store:
        walked = walk(store, http)
    (record,) = walked.pages[0].verbatims
    assert (record.external_id, record.stars, record.body) == (identity, 1, "Bloqué !")
    assert record.written_at == moment
    assert record.written_at.utcoffset() == moment.utcoffset()
    assert (record.reply, record.replied_at, record.thumbs_up) == ("Désolés", answered, 4)
    assert (record.version, record.locale, record.storefront) == ("7.2.0", "fr", None)
    assert record.author == "Zoé https://play-lh.googleusercontent.com/a/x"
    assert walked.end == "exhausted"


def test_moments_do_not_depend_on_the_clock_of_this_machine() -> None:
    code = (
        "from collectors.play_format import review; "
        "row = ['0f8fad5b-d9cb-469f-a165-70867728950e', ['x'], 5, None, 'ok', [1777367550, 0], 0]; "
        "print(review(row, 'fr', 'a.b').written_at.isoformat())"
    )
    for zone in ("Pacific/Auckland", "UTC"):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env={"TZ": zone}, check=False
        )
        assert done.stdout.strip() == "2026-04-28T09:12:30+00:00", done.stderr


def test_a_whole_corpus_is_read_once_with_one_cookie_jar(play: FakePlay, http: Http) -> None:
    walked = walk(play, http)
    assert walked.error is None
    assert walked.ids == ids(play)
    assert [len(page.verbatims) for page in walked.pages] == [199, 199, 52]
    assert walked.end == "exhausted"
    # Three pages, and the last one twice: its end is confirmed.
    assert len(play.requests) == 4
    assert [request.headers.get("cookie") for request in play.requests] == [None, *["NID=511=abc"] * 3]


def test_the_walk_goes_on_after_the_page_it_stopped_at(play: FakePlay, http: Http) -> None:
    pages = collector(play, http).pages()
    first = next(pages)
    pages.close()  # type: ignore[attr-defined]
    assert first.resume is not None
    walked = walk(play, http, first.resume)
    assert walked.ids == ids(play)[199:]
    assert walked.end == "exhausted"
    assert walked.pages[-1].resume is None


def test_a_place_that_is_no_longer_taken_begins_anew_and_says_so(play: FakePlay, http: Http) -> None:
    play.refused_tokens.add("old")
    walked = walk(play, http, "old")
    assert walked.error is None
    assert walked.ids == ids(play)
    assert "begun anew" in walked.notes


def test_a_token_cannot_break_out_of_the_payload(play: FakePlay, http: Http) -> None:
    play.refused_tokens.add('x"],{}&f.req=é+')
    walked = walk(play, http, 'x"],{}&f.req=é+')
    assert walked.ids == ids(play)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Status(429, (("Retry-After", "30"),)), "throttled"),
        (Status(403), "refused"),
        (Status(502), "unreachable"),
        (Status(404), "format"),
        (Drop(), "unreachable"),
        (Html(), "format"),
        (Cut(0.6), "format"),
        (Cut(0.6, honest=False), "unreachable"),
        (Raw(FakePlay.gateway_error), "throttled"),
        (Raw(FakePlay.status_error(3)), "unreachable"),
        (Raw(FakePlay.status_error(5)), "gone"),
        (Raw(FakePlay.status_error(8)), "throttled"),
        (Raw(b""), "format"),
        (Raw(b")]}'\n\n[]"), "format"),
        (Raw(b")]}'\n\n" + b"[" * 100_000), "format"),
    ],
)
def test_every_failure_is_an_error_and_never_no_reviews(play: FakePlay, http: Http, fault: Fault, kind: str) -> None:
    play.fail(fault, times=99)
    walked = walk(play, http)
    assert walked.pages == []
    assert walked.error is not None
    assert walked.error.kind == kind


def test_a_gateway_error_leaves_the_host_alone(play: FakePlay, http: Http) -> None:
    play.fail(Raw(FakePlay.gateway_error))
    walked = walk(play, http)
    assert walked.error is not None
    assert (walked.error.retry_after, walked.error.host) == (60, "127.0.0.1")
    assert http.pace.held("127.0.0.1") == pytest.approx(60, abs=2)


def test_a_failure_in_the_middle_keeps_what_was_read(play: FakePlay, http: Http) -> None:
    play.fail(Status(429), times=99, after=1)
    walked = walk(play, http)
    assert walked.ids == ids(play)[:199]
    assert walked.end is None
    assert walked.error is not None
    assert walked.error.kind == "throttled"


def test_a_failing_confirmation_keeps_the_last_page(play: FakePlay, http: Http) -> None:
    play.fail(Status(429), times=99, after=3)
    walked = walk(play, http)
    assert walked.ids == ids(play)
    assert walked.end is None
    assert walked.error is not None
    assert walked.error.kind == "throttled"


def test_a_network_fault_is_not_tried_twice_over(play: FakePlay, http: Http) -> None:
    play.fail(Status(503), times=99)
    walk(play, http)
    assert len(play.requests) == 4


def test_a_hanging_host_is_unreachable(play: FakePlay, slept: list[float]) -> None:
    play.fail(Hang(), times=99)
    walked = walk(play, Http(timeout=0.2, retries=0, sleep=slept.append))
    assert walked.error is not None
    assert walked.error.kind == "unreachable"


def test_a_single_odd_answer_is_asked_again(play: FakePlay, http: Http) -> None:
    play.fail(Html(), after=1)
    play.fail(Cut(0.5), after=2)
    walked = walk(play, http)
    assert walked.error is None
    assert walked.ids == ids(play)


def test_an_empty_answer_is_asked_again(play: FakePlay, http: Http) -> None:
    play.fail(Empty())
    walked = walk(play, http)
    assert walked.ids == ids(play)
    assert walked.end == "exhausted"


@pytest.mark.parametrize(
    ("reviews", "ratings", "end"), [(2345, 12_000, "unconfirmed"), (0, 3, "exhausted"), (None, None, "exhausted")]
)
def test_an_empty_corpus_is_judged_by_the_page_of_the_app(
    http: Http, reviews: int | None, ratings: int | None, end: str
) -> None:
    with FakePlay(reviews=[]) as store:
        store.page.reviews, store.page.ratings = reviews, ratings
        walked = walk(store, http)
        assert walked.end == end
        assert walked.pages[0].note


def test_an_empty_corpus_is_unconfirmed_when_the_page_fails_and_gone_when_it_is_unknown(http: Http) -> None:
    with FakePlay(reviews=[]) as store:
        store.fail(Html(), path="/store/apps", times=1)
        walked = walk(store, http)
        assert (walked.end, walked.pages[0].doubt) == ("unconfirmed", "")
        store.fail(Unknown(), path="/store/apps", times=1)
        walked = walk(store, http)
        assert walked.error is not None
        assert walked.error.kind == "gone"


def test_an_end_in_the_middle_that_lasts_is_not_called_complete(play: FakePlay, http: Http) -> None:
    play.fail(Empty(), after=2, times=99)
    walked = walk(play, http)
    assert walked.ids == ids(play)[:398]
    assert walked.end == "unconfirmed"
    assert walked.pages[-1].doubt == ids(play)[397]


@pytest.mark.parametrize("seed", range(8))
def test_empty_answers_at_random_are_never_calm(http: Http, seed: int) -> None:
    draw = random.Random(seed)
    with FakePlay(reviews=some_reviews(900, play=True)) as store:
        store.script = lambda request: Empty() if draw.random() < 0.4 and request.method == "POST" else None
        walked = walk(store, http)
        assert walked.error is None
        assert walked.end == ("exhausted" if walked.ids == ids(store) else "unconfirmed")


def test_deletions_and_edits_between_pages_lose_and_double_nothing(http: Http) -> None:
    with FakePlay(reviews=some_reviews(600, play=True)) as store:

        def change(request: Request) -> None:
            store.delete(store.reviews[5].id)
            store.delete(store.reviews[250].id)
            store.edit(store.reviews[450].id, body="modifié", written_at=datetime(2026, 11, 21, tzinfo=UTC))

        store.before = change
        walked = walk(store, http)
        assert len(walked.ids) == len(set(walked.ids))
        moved = {review.id for review in store.reviews if review.body == "modifié"}
        assert set(ids(store)) - moved <= set(walked.ids)


def test_tokens_in_a_circle_end_as_repeated(play: FakePlay, http: Http) -> None:
    play.circle = True
    walked = walk(play, http)
    assert set(walked.ids) == set(ids(play))
    assert len(walked.ids) == 450
    assert walked.error is not None
    assert walked.error.kind == "repeated"
    assert len(play.requests) < 12


def test_one_page_for_ever_ends_as_repeated(play: FakePlay, http: Http) -> None:
    page = play._envelope(play._rows(199, None))
    play.fail(Raw(page), times=999)
    walked = walk(play, http)
    assert walked.ids == ids(play)[:199]
    assert walked.error is not None
    assert walked.error.kind == "repeated"
    assert len(play.requests) <= 4


def test_rows_that_cannot_be_trusted_are_set_aside(http: Http) -> None:
    with FakePlay(reviews=some_reviews(40, play=True)) as store:
        broken: dict[str, tuple[int, Any]] = {
            store.reviews[0].id: (0, "not-a-uuid"),
            store.reviews[1].id: (2, 6),
            store.reviews[2].id: (5, [4_102_444_800, 0]),
            store.reviews[3].id: (5, None),
            store.reviews[4].id: (4, ["text"]),
            store.reviews[5].id: (2, True),
        }

        def spoil(row: list[Any]) -> Any:
            if row[0] in broken:
                place, value = broken[row[0]]
                row[place] = value
            return row

        store.row = spoil
        walked = walk(store, http)
    page = walked.pages[0]
    assert len(page.verbatims) == 34
    reasons = " / ".join(row.reason for row in page.quarantined)
    for part in (
        "id 'not-a-uuid'",
        "stars '6'",
        "2100-01-01 lies in the future",
        "not a number of seconds",
        "not a text",
    ):
        assert part in reasons
    assert len(page.quarantined) == 6


@pytest.mark.parametrize(
    "drift",
    [
        lambda row: None,
        lambda row: [None, *row],
        lambda row: {"id": row[0]},
        lambda row: row[:3],
        lambda row: [*row[:4], None, *row[5:]],
    ],
)
def test_a_changed_layout_is_a_format_error(play: FakePlay, http: Http, drift: Any) -> None:
    play.row = drift
    walked = walk(play, http)
    assert walked.pages == []
    assert walked.error is not None
    assert walked.error.kind == "format"


def test_a_review_without_text_or_version_is_kept(http: Http) -> None:
    identity = "0f8fad5b-d9cb-469f-a165-70867728950e"
    with FakePlay(reviews=[Review(identity, datetime(2026, 11, 1, tzinfo=UTC), 5, "", version="")]) as store:
        (record,) = walk(store, http).pages[0].verbatims
    assert (record.body, record.version, record.stars) == ("", None, 5)


def test_probe_says_what_works(play: FakePlay, http: Http) -> None:
    (probe,) = collector(play, http).probe()
    assert probe.works
    play.fail(Raw(FakePlay.status_error(5)))
    (probe,) = collector(play, http).probe()
    assert not probe.works
    assert "does not know" in probe.message


@pytest.mark.parametrize(("app_id", "lang"), [('x"]', "fr"), ("bank", "fr"), ("a.b", "fr&gl=x"), ("", "fr")])
def test_settings_that_would_break_the_payload_are_refused(app_id: str, lang: str, http: Http) -> None:
    with pytest.raises(ValueError):
        GooglePlay(app_id, lang, http=http)


def test_an_old_identity_is_taken() -> None:
    row = ["gp:AOqpTOE0hJYUhHbLXwwt3zGpvWWlpyfXL-x_aB", ["x"], 5, None, "ok", [1_500_000_000, 0]]
    good, bad = review_rows([row], "fr", "a.b")
    assert len(good) == 1
    assert not bad


def test_a_text_that_names_the_gateway_error_is_only_a_text() -> None:
    row = ["0f8fad5b-d9cb-469f-a165-70867728950e", ["x"], 1, None, "PlayGatewayError", [1_777_367_550, 0]]
    with FakePlay() as store:
        rows, token = read_reviews(store._envelope([[row]]))
    assert rows == [row]
    assert token is None


def test_source_errors_say_a_sentence() -> None:
    with pytest.raises(SourceError) as caught:
        read_reviews(b"<html>captcha</html>")
    assert str(caught.value).endswith(".")
    assert "captcha" in caught.value.excerpt


def test_a_list_that_begins_again_with_new_tokens_is_noticed(http: Http) -> None:
    class Turning(FakePlay):
        """Tokens never repeat, rows do: after five pages and a half it begins again, its pages cut elsewhere."""

        def _rows(self, count: int, token: str | None) -> list[Any]:
            page = int(token or 0)
            rows = [self.reviews[(page * count + at) % len(self.reviews)] for at in range(count)]
            return [[self._play_row(row) for row in rows], [None, str(page + 1)], None]

    with Turning(reviews=some_reviews(1100, play=True)) as store:
        walked = walk(store, http)
    assert walked.error is not None
    assert walked.error.kind == "repeated"
    assert set(walked.ids) == set(ids(store))
    assert len(walked.pages) <= 8
