"""Whatever comes from a connected source, its parser answers with records, a quarantine or a SourceError."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import SourceError
from collectors.connect_format import hourly_rest, read_listing, read_reviews, read_versions
from collectors.http import Answer
from collectors.play_api_format import read_reviews as read_play_reviews
from collectors.play_console_csv import rating, review
from collectors.values import RowFault
from models.records import VerbatimRecord
from tests.collectors.test_parsers_never_break import ANYTHING
from tests.collectors.test_play_console_csv import REVIEWS

DATED = st.sampled_from(
    ["2026-11-01T00:00:00Z", "2026-11-01T00:00:00-07:00", "2026-11-01", "0001-01-01T00:00:00+14:00"]
)
ID = st.sampled_from(["1", "a b", "\x00", "é" * 300])


def some(**fields: Any) -> st.SearchStrategy[Any]:
    """An object with some of these fields, each as it should be or anything; or anything at all."""
    return st.fixed_dictionaries({}, optional={name: one | ANYTHING for name, one in fields.items()}) | ANYTHING


KEY = some(data=some(type=st.just("customerReviewResponses"), id=ID))
PHASE = some(
    phasedReleaseState=st.sampled_from(["ACTIVE", "NEW"]), startDate=DATED, currentDayNumber=st.integers(-9, 99)
)
TOLD = some(rating=st.integers(0, 6), title=st.text(), body=st.text(), createdDate=DATED, territory=st.text(max_size=3))
REPLY = some(responseBody=st.text(), lastModifiedDate=DATED, state=st.just("PUBLISHED"), versionString=st.text())
ITEM = some(
    id=ID,
    type=st.just("customerReviewResponses"),
    attributes=TOLD | REPLY | PHASE,
    relationships=some(response=KEY, appStoreVersionPhasedRelease=KEY, appStoreVersionLocalizations=KEY),
)
LISTING = some(
    data=st.lists(ITEM, max_size=4),
    included=st.lists(ITEM, max_size=4),
    links=some(next=st.sampled_from(["https://x/?cursor=a", "https://x/", "://", "\x00", "https://[x"])),
    meta=some(paging=some(total=st.integers())),
)


def check(rows: list[VerbatimRecord]) -> None:
    for row in rows:
        assert row.external_id
        assert row.written_at.tzinfo is UTC
        assert row.stars in {1, 2, 3, 4, 5}
        assert row.storefront is None or len(row.storefront) == 2
        (row.title + row.body + (row.reply or "") + row.external_id).encode()
        assert "\x00" not in row.title + row.body + row.external_id


@given(LISTING)
def test_any_listing_of_connect(document: Any) -> None:
    try:
        listing = read_listing(document if isinstance(document, dict) else {"data": document})
        for version in read_versions(listing):
            assert version.name
            assert version.release is None or 0 < (version.release.rollout or 1.0) <= 1
        check(read_reviews(listing)[0])
    except SourceError as error:
        assert error.kind == "format"  # noqa: PT017  any listing may be refused, or not


@given(st.text(max_size=60) | st.just("user-hour-lim:3500;user-hour-rem:500;"))
def test_any_rate_header(value: str) -> None:
    rest = hourly_rest(Answer("https://x", 200, b"", headers={"x-rate-limit": value}))
    assert rest is None or min(rest) >= 0


COMMENT = some(
    text=st.text(),
    originalText=st.text(),
    lastModified=some(seconds=st.sampled_from(["1795000000", "-1", "9" * 13, "soon"]), nanos=st.integers()),
    starRating=st.integers(0, 6),
    androidOsVersion=st.integers(),
    appVersionCode=st.integers(),
    deviceMetadata=some(productName=st.text()),
)
REVIEW = some(reviewId=ID, comments=st.lists(some(userComment=COMMENT, developerComment=COMMENT), max_size=3))


@given(some(reviews=st.lists(REVIEW, max_size=4), tokenPagination=some(nextPageToken=st.text())))
def test_any_page_of_the_play_api(document: Any) -> None:
    try:
        rows, bad, token = read_play_reviews(document if isinstance(document, dict) else {}, "com.example.bank")
    except SourceError as error:
        assert error.kind == "format"  # noqa: PT017  any page may be refused, or not
        return
    check(rows)
    assert all(row.reason for row in bad)
    assert token != ""


COLUMNS = [name.lower() for name in REVIEWS]
CELL = st.text(max_size=30) | st.sampled_from(["NA", "1795000000000", "2026-04-28T09:12:30Z", "4.30", "2026-04-28"])


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, CELL | st.none())), st.text(max_size=20))
def test_any_row_of_the_exports(row: dict[str, Any], identity: str) -> None:
    row["review link"] = f"https://play.google.com/x?reviewId={identity}"
    try:
        record = review(row, "com.example.bank")
    except RowFault as fault:
        assert str(fault)  # noqa: PT017  any row may be refused, or not
    else:
        check([record] if record else [])
    try:
        told = rating({"date": row.get("review title"), "total average rating": row.get("review text")})
    except RowFault as fault:
        assert str(fault)  # noqa: PT017
    else:
        assert told is None or (told.count is None and told.taken_at < datetime(2100, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("link", ["https://[", "x", "?reviewId=", None])
def test_a_link_without_an_id_makes_no_id(link: str | None) -> None:
    with pytest.raises(RowFault, match="no id"):
        review({"review link": link, "review text": "x"}, "com.example.bank")
