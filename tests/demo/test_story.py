import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from app.demo.plot import IRRITANTS
from app.demo.story import Planted, Review, Story, tell

TODAY = date(2026, 11, 22)
OTHER_DAYS = [date(2026, 12, 31), date(2027, 3, 5), date(2028, 2, 29)]


def first_stars(review: Review) -> int:
    return review.before.stars if review.before else review.stars


def mean(stars: Sequence[float]) -> float:
    return sum(stars) / len(stars)


def between(story: Story, channel: str, first: date, end: date) -> list[Review]:
    return [r for r in story.reviews if r.channel == channel and first <= r.written_at.date() < end]


def planted(story: Story, key: str) -> Planted:
    return next(p for p in story.planted if p.key == key)


def test_the_same_arguments_tell_the_same_story(story: Story) -> None:
    assert tell(TODAY) == story
    assert tell(TODAY, seed=8).reviews != story.reviews


def test_telling_takes_less_than_two_seconds() -> None:
    began = time.process_time()
    tell(TODAY)
    assert time.process_time() - began < 2  # about 0.4 s; twice the promise, for a busy machine


@pytest.mark.parametrize("today", [TODAY, *OTHER_DAYS])
def test_volume_languages_and_mean_are_a_bank_apps(today: date) -> None:
    story = tell(today)
    days = Counter(r.written_at.date() for r in story.reviews)
    assert (min(days), max(days)) == (story.first_day, today)
    assert len(days) == (today - story.first_day).days + 1 == 548
    usual = sorted(days.values())
    assert usual[len(usual) // 10] >= 20
    assert 30 <= usual[len(usual) // 2] <= 40
    assert usual[len(usual) * 9 // 10] <= 57
    shares = Counter(r.language for r in story.reviews)
    assert 0.76 < shares["fr"] / shares.total() < 0.84
    assert 0.13 < shares["en"] / shares.total() < 0.19
    assert len(shares) == 7
    assert 4.1 < mean([first_stars(r) for r in story.reviews]) < 4.35
    sundays = mean([n for d, n in days.items() if d.weekday() == 6])
    assert sundays < 0.9 * mean([n for d, n in days.items() if d.weekday() == 0])


@pytest.mark.parametrize("today", [TODAY, *OTHER_DAYS])
@pytest.mark.parametrize("channel", ["app_store", "google_play"])
def test_the_bad_release_costs_a_star_on_each_store_and_the_next_gives_it_back(today: date, channel: str) -> None:
    story = tell(today)
    login = planted(story, "login_72")
    assert (login.began_day, login.mended_day) == (today - timedelta(days=10), today - timedelta(days=4))
    before = mean([first_stars(r) for r in between(story, channel, login.began_day - timedelta(28), login.began_day)])
    during = mean([first_stars(r) for r in between(story, channel, login.began_day, login.mended_day)])
    after = mean([first_stars(r) for r in between(story, channel, today - timedelta(2), today + timedelta(1))])
    assert during < before - 0.8
    assert after > during + 0.5


def test_each_irritant_is_said_from_its_release_on_by_its_channels_only(story: Story) -> None:
    assert [p.key for p in story.planted] == [i.key for i in IRRITANTS]
    for irritant in story.planted:
        told = [r for r in story.reviews if r.planted == irritant.key]
        began = {r.channel: r.released_at for r in story.releases if r.version == irritant.began_version}
        assert {r.channel for r in told} == set(irritant.channels)
        assert all(r.written_at > began[r.channel] for r in told)
        assert {r.topic for r in told} == {irritant.topic}
        assert all(r.written_at.date() < irritant.mended_day + timedelta(days=8) for r in told)
        live = [r for c in irritant.channels for r in between(story, c, irritant.began_day, irritant.mended_day)]
        share = sum(r.planted == irritant.key for r in live) / len(live)
        assert 0.07 < share < 0.5, irritant.key
        stars = mean([first_stars(r) for r in told])
        assert stars < 2.6, irritant.key


def test_bursts_bring_reviews_and_no_harm(story: Story) -> None:
    days = Counter(r.written_at.date() for r in story.reviews)
    assert len(story.bursts) == 4
    changes = []
    for burst in story.bursts:
        end = burst.first_day + timedelta(days=burst.days)
        during = [r for r in story.reviews if burst.first_day <= r.written_at.date() < end]
        before = [r for r in story.reviews if burst.first_day - timedelta(28) <= r.written_at.date() < burst.first_day]
        assert len(during) / burst.days > 1.2 * len(before) / 28
        change = mean([first_stars(r) for r in during]) - mean([first_stars(r) for r in before])
        assert change > -0.4, burst.key  # four days carry their own weather, of about 0.15 stars
        changes.append(change)
    assert mean(changes) > 0
    assert sum(days.values()) == len(story.reviews)


def test_releases_come_in_order_with_notes(story: Story) -> None:
    for channel in ("app_store", "google_play"):
        ours = [r for r in story.releases if r.channel == channel]
        assert 10 <= len(ours) <= 15
        assert [tuple(map(int, r.version.split("."))) for r in ours] == sorted(
            tuple(map(int, r.version.split("."))) for r in ours
        )
        assert (ours[0].version, ours[-1].version) == ("5.0", "7.2.1")
        assert all(r.notes_fr and r.notes_en for r in ours)


def test_versions_are_never_ahead_of_their_release(story: Story) -> None:
    out = {(r.channel, r.version): r.released_at for r in story.releases}
    for review in story.reviews:
        if review.version is not None:
            shown = review.edited_at or review.written_at
            assert out[review.channel, review.version] <= shown or review.version == "5.0"
        else:
            assert review.channel == "google_play"


def test_texts_do_not_look_stamped(story: Story) -> None:
    long = [r.body for r in story.reviews if len(r.body) > 25 and r.language in {"fr", "en"}]
    assert len(long) > 7_000
    assert len(set(long)) > 0.9 * len(long)
    assert Counter(long).most_common(1)[0][1] < 50
    planted_texts = [r.body for r in story.reviews if r.planted]
    assert len(set(planted_texts)) > 0.93 * len(planted_texts)
    assert not [r.body for r in story.reviews if "{" in r.body + r.title or not r.body.strip()]
    assert any(r.body.isupper() and len(r.body) > 30 for r in story.reviews)
    assert any("mise a jour" in r.body.lower() for r in story.reviews)


def test_ids_are_unique_and_apples_grow_with_time(story: Story) -> None:
    assert len({r.id for r in story.reviews}) == len(story.reviews)
    french = [int(r.id) for r in story.reviews if r.storefront == "fr"]
    assert french == sorted(french)


def test_some_customers_come_back_after_the_fix_with_more_stars(story: Story) -> None:
    back = [r for r in story.reviews if r.planted and r.edited_at and r.before]
    assert len(back) > 20
    mended = {p.key: p for p in story.planted}
    for review in back:
        assert review.before is not None
        assert review.edited_at is not None
        assert review.before.stars <= 2 < review.stars
        assert review.planted is not None
        assert review.edited_at.date() >= mended[review.planted].mended_day
        assert review.edited_at > review.written_at
    assert all(r.edited_at is None or r.edited_at.date() <= TODAY for r in story.reviews)


def test_a_review_stands_as_it_stood_at_that_moment(story: Story) -> None:
    edited = next(r for r in story.reviews if r.edited_at and r.planted and r.before)
    assert edited.edited_at is not None
    assert edited.before is not None
    second = timedelta(seconds=1)
    assert edited.as_of(edited.written_at - second) is None
    young = edited.as_of(edited.written_at)
    assert young is not None
    assert (young.stars, young.body, young.edited_at, young.reply) == (
        edited.before.stars, edited.before.body, None, None,
    )  # fmt: skip
    grown = edited.as_of(edited.edited_at)
    assert grown is not None
    assert (grown.stars, grown.body) == (edited.stars, edited.body)
    answered = next(r for r in story.reviews if r.replied_at)
    assert answered.replied_at is not None
    soon = answered.as_of(answered.replied_at - second)
    assert soon is not None
    assert soon.reply is None


def test_personal_data_is_of_ranges_that_belong_to_nobody(story: Story) -> None:
    texts = [r.before.body if r.before else r.body for r in story.reviews]
    with_iban = [t for t in texts if "FR" in t.upper() and "99999" in t.replace(" ", "")]
    assert with_iban
    for text in with_iban:
        packed = text.upper().replace(" ", "")
        number = packed[packed.index("99999") - 4 :][:27]
        digits = "".join(str(int(c, 36)) for c in number[4:] + number[:4])
        assert int(digits) % 97 == 1, text
    assert any("@example.com" in t.lower() for t in texts)
    assert any("063998" in t.replace(" ", "") for t in texts)


def test_the_counters_only_grow_and_feel_the_bad_release(story: Story) -> None:
    for place in (("app_store", "fr"), ("app_store", "gb"), ("google_play", None)):
        series = [r for r in story.ratings if (r.channel, r.storefront) == place]
        assert [r.day for r in series] == [story.first_day + timedelta(days=i) for i in range(548)]
        for one, two in pairwise(series):
            assert all(a <= b for a, b in zip(one.histogram, two.histogram, strict=True))
        assert series[-5].average < series[-12].average


def test_a_shorter_story_keeps_its_end() -> None:
    short = tell(TODAY, months=2)
    assert short.first_day == TODAY - timedelta(days=60)
    assert [p.key for p in short.planted] == ["login_72"]
    assert short.current_release("app_store", datetime(2026, 11, 14, tzinfo=UTC)).version == "7.2"


def test_an_edit_does_not_reach_back(story: Story) -> None:
    released = {(r.channel, r.version): r.released_at for r in story.releases}
    for review in story.reviews:
        first = review.as_of(review.written_at)
        assert first is not None
        assert first.version is None or released[first.channel, first.version] <= first.written_at
