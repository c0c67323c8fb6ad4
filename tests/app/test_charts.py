"""Charts: well formed, escaped, drawn where the numbers say, without a style attribute."""

import re
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.charts import NARROW, PRINT, WIDE, Labels, Size, ledger, sparkline, star_bar, stars_trend
from app.reading.intervals import half_width, mean_stars
from app.reading.trends import Bucket, Stars

SVG = "{http://www.w3.org/2000/svg}"
LABELS = Labels("Stars <of> x", "It & that", str, lambda day: f"{day:%d %b}", lambda day: f"{day:%b}")


def buckets(counts: list[Stars], days: int = 7) -> list[Bucket]:
    first = date(2026, 1, 5)
    return [Bucket(first + timedelta(days=n * days), days, sum(stars), stars, 0) for n, stars in enumerate(counts)]


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_a_chart_says_what_it_shows(size: Size) -> None:
    svg = stars_trend(
        buckets([(1, 1, 2, 3, 9)] * 52),
        releases=[(date(2026, 3, 2), "7.<2>"), (date(2020, 1, 1), "0.1")],
        holes=[(date(2026, 4, 1), date(2026, 4, 3))],
        labels=LABELS,
        size=size,
    )
    root = ElementTree.fromstring(svg)
    assert root.find(f"{SVG}title").text == "Stars <of> x"  # type: ignore[union-attr]
    assert root.get("role") == "img"
    assert "style=" not in svg
    assert "7.<2>" in texts(svg)
    assert "0.1" not in texts(svg), "a release before the period is not drawn"
    hole = root.find(f"{SVG}rect")
    assert hole is not None
    unit = size.plot / (52 * 7)
    assert float(hole.get("x", 0)) == pytest.approx(size.left + 86 * unit, abs=0.1)
    assert float(hole.get("width", 0)) == pytest.approx(max(3 * unit, 2), abs=0.1)


def test_the_line_breaks_where_nothing_was_said() -> None:
    counts: list[Stars] = [(0, 0, 0, 0, 4)] * 3 + [(0, 0, 0, 0, 0)] + [(0, 0, 0, 0, 4)] * 3
    svg = stars_trend(buckets(counts), releases=[], holes=[], labels=LABELS)
    assert len(re.findall(r'stroke-width="2" stroke-linejoin', svg)) == 2


def test_labels_of_releases_never_touch() -> None:
    releases = [(date(2026, 1, 5) + timedelta(days=n), f"7.{n}.{n}") for n in range(0, 360, 3)]
    for size in (WIDE, NARROW):
        svg = stars_trend(buckets([(0, 0, 0, 0, 4)] * 52), releases=releases, holes=[], labels=LABELS, size=size)
        placed = sorted(
            (float(text.get("x", 0)), len(text.text or "") * 7.2)
            for text in ElementTree.fromstring(svg).iter(f"{SVG}text")
            if (text.text or "").startswith("7.")
        )
        assert len(placed) > 3
        for (left, left_width), (right, right_width) in pairwise(placed):
            assert right - left >= (left_width + right_width) / 2


def test_print_uses_colours_instead_of_classes() -> None:
    svg = stars_trend(
        buckets([(1, 1, 1, 1, 9)] * 9),
        releases=[(date(2026, 1, 20), "1")],
        holes=[(date(2026, 2, 1), date(2026, 2, 3))],
        labels=LABELS,
        palette=PRINT,
    )
    assert 'class="f-' not in svg
    assert PRINT["s1"] in svg
    assert "var(" not in svg


counts = st.lists(st.tuples(*[st.integers(0, 10_000)] * 5), max_size=120)


@given(counts, st.sampled_from((1, 7)), st.sampled_from((WIDE, NARROW)))
@settings(max_examples=40, deadline=None)
def test_any_counts_give_a_drawing_inside_its_frame(given_counts: list[Stars], days: int, size: Size) -> None:
    svg = stars_trend(buckets(given_counts, days), releases=[], holes=[], labels=LABELS, size=size)
    if not given_counts:
        assert svg == ""
        return
    root = ElementTree.fromstring(svg)
    for path in root.iter(f"{SVG}path"):
        for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.get("d", "")):
            assert -1 <= float(x) <= size.width + 1
            assert -1 <= float(y) <= size.height + 1


def test_small_drawings() -> None:
    assert sparkline([None, 4.0]) == ""
    assert sparkline([4.0, None, 3.0, 3.5]).count("M") == 2
    assert star_bar([0, 0, 0, 0, 0]) == ""
    assert star_bar([1, 0, 0, 0, 3]).count("<rect") == 2
    rows = ledger([("complete", "<")] * 90, "x")
    assert rows.count("&lt;") == 90
    assert ledger([(f"{n}", "") for n in range(3)], "x").count('x="12" y="0"') == 2
    assert rows.count("<rect") == 180
    assert 'viewBox="0 0 538 40"' in rows


@given(st.tuples(*[st.integers(0, 500)] * 5), st.integers(1, 400))
def test_intervals_are_never_certain(stars: Stars, days: int) -> None:
    mean, half = mean_stars(stars), half_width(stars, days)
    if sum(stars) == 0:
        assert mean is None
        assert half is None
        return
    assert mean is not None
    assert half is not None
    assert 1 <= mean <= 5
    assert half > 0


def test_intervals_shrink_with_reviews_and_days() -> None:
    few, many = half_width((1, 1, 2, 3, 8), 28), half_width((10, 10, 20, 30, 80), 28)
    assert few is not None
    assert many is not None
    assert many < few / 2
    one_day = half_width((10, 10, 20, 30, 80), 1)
    assert one_day is not None
    assert one_day > many, "the reviews of one day share its shock"
    assert mean_stars((1, 0, 0, 0, 1)) == 3.0
