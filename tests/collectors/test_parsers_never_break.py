"""Whatever bytes come, the parsers answer with rows, a quarantine or a SourceError, and nothing else."""

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.app_store_lookup import _looked_up, _results
from collectors.apple_feed import FeedPage, read_json, read_xml
from collectors.base import SourceError
from collectors.google_play_details import read_details
from collectors.play_format import read_reviews, review_rows

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=25,
)
LABEL = st.fixed_dictionaries({}, optional={"label": ANYTHING, "attributes": ANYTHING}) | ANYTHING
FIELDS = ("id", "title", "content", "updated", "im:version", "im:rating", "im:voteSum", "author", "link", "im:name")
ENTRY = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, LABEL))
NEARLY_A_FEED = st.fixed_dictionaries(
    {
        "feed": st.fixed_dictionaries(
            {}, optional={"entry": st.lists(ENTRY | ANYTHING, max_size=4) | ENTRY, "link": ANYTHING}
        )
    }
)


@contextlib.contextmanager
def said_as_format() -> Iterator[None]:
    """Let a SourceError pass if it says that the format is not what it was."""
    fault = None
    try:
        yield
    except SourceError as error:
        fault = error
    assert fault is None or fault.kind == "format"


def check_feed(page: FeedPage) -> None:
    for row in page.verbatims:
        assert row.written_at.tzinfo is UTC
        assert row.stars in {1, 2, 3, 4, 5}
        row.body.encode()
        assert "\x00" not in row.body + row.title


@given(st.binary(max_size=300) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_as_json_feed(body: bytes) -> None:
    with said_as_format():
        check_feed(read_json(body, "fr"))


@given(NEARLY_A_FEED)
def test_anything_that_looks_like_a_json_feed(document: dict[str, Any]) -> None:
    page = read_json(json.dumps(document).encode(), "fr")
    check_feed(page)
    entries = document["feed"].get("entry")
    count = 0 if entries is None else len(entries) if isinstance(entries, list) else 1
    # Ids may repeat among the undated; apart from that nothing disappears.
    assert page.size + page.app_itself <= count
    if not page.undated:
        assert page.size + page.app_itself == count


@given(st.binary(max_size=300))
def test_any_bytes_as_xml_feed(body: bytes) -> None:
    with said_as_format():
        check_feed(read_xml(body, "fr"))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["id", "updated", "title", "im:rating", "author", "im:name"]),
            st.text(
                alphabet=st.characters(codec="utf-8", exclude_characters="<&\x00", exclude_categories=["Cc", "Cs"]),
                max_size=20,
            ),
        ),
        max_size=8,
    )
)
def test_anything_that_looks_like_an_xml_feed(parts: list[tuple[str, str]]) -> None:
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in parts)
    body = (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:im="http://itunes.apple.com/rss"><entry>{inner}</entry></feed>'
    ).encode()
    try:
        page = read_xml(body, "fr")
    except SourceError:
        return
    check_feed(page)
    assert page.size + page.app_itself == 1


def test_half_a_character_and_nul_do_not_reach_the_database() -> None:
    label = json.dumps("a\ud83d\x00b")
    parts = (f'"{name}": {{"label": {label}}}' for name in ("title", "content", "im:version"))
    entry = ", ".join(['"id": {"label": "1"}', '"im:rating": {"label": "5"}', *parts])
    body = f'{{"feed": {{"entry": {{"updated": {{"label": "2026-09-14T04:24:23-07:00"}}, {entry}}}}}}}'.encode()
    (record,) = read_json(body, "fr").verbatims
    assert (record.title, record.body, record.version) == ("ab", "ab", "ab")


def test_a_hostile_xml_is_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]><feed xmlns="http://www.w3.org/2005/Atom">&b;</feed>'
    file = (
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><feed xmlns="http://www.w3.org/2005/Atom">&a;</feed>'
    )
    for body in (bomb, file):
        with pytest.raises(SourceError) as caught:
            read_xml(body, "fr")
        assert caught.value.kind == "format"


@given(st.binary(max_size=200) | ANYTHING.map(lambda value: b")]}'\n\n" + json.dumps(value).encode()))
def test_any_bytes_as_play_reviews(body: bytes) -> None:
    try:
        rows, token = read_reviews(body)
    except SourceError:
        return
    assert isinstance(rows, list)
    assert token is None or token


@given(ANYTHING)
def test_any_payload_as_play_reviews(payload: Any) -> None:
    body = b")]}'\n\n" + json.dumps([["wrb.fr", "oCPfdb", json.dumps(payload), None]]).encode()
    try:
        rows, _ = read_reviews(body)
        good, bad = review_rows(rows, "fr", "a.b")
    except SourceError:
        return
    assert len(good) + len(bad) == len(rows)


@given(st.lists(st.one_of(ANYTHING, st.just("0f8fad5b-d9cb-469f-a165-70867728950e")), max_size=12))
def test_any_row_of_play(row: list[Any]) -> None:
    good, bad = review_rows([["0f8fad5b-d9cb-469f-a165-70867728950e", *row]], "fr", "a.b")
    assert len(good) + len(bad) == 1
    for record in good:
        assert record.written_at.tzinfo is UTC
        record.body.encode()


@given(ANYTHING)
def test_any_page_of_an_app(data: Any) -> None:
    page = f"<script>AF_initDataCallback({{key: 'ds:5', data:{json.dumps(data)}, sideChannel: {{}}}});</script>"
    with said_as_format():
        assert read_details(page, "a.b").name


@given(
    st.fixed_dictionaries(
        {
            "results": st.lists(
                st.dictionaries(
                    st.sampled_from(["userRatingCount", "averageUserRating", "version", "trackName", "wrapperType"]),
                    ANYTHING,
                ),
                max_size=3,
            )
        }
    )
)
def test_any_lookup(document: dict[str, Any]) -> None:
    body = json.dumps(document).encode()
    with said_as_format():
        found = [_looked_up(result, body) for result in _results(body)]
        assert all(one.count >= 0 and (one.average is None or 1 <= one.average <= 5) for one in found)
