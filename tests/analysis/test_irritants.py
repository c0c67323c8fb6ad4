"""Lives of irritants from counts alone."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from alerts.detectors.new_irritant import scan_topics
from analysis.irritants import (
    Episode,
    Launch,
    Scan,
    absorbed,
    episodes,
    likeness,
    points_at_stake,
    standing,
    with_fix,
    with_release,
)
from analysis.naming import complaint, quoted, whole

FIRST = date(2026, 1, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def lived(mentions: np.ndarray, reviews: np.ndarray) -> list[Episode]:
    scan = scan_topics(mentions[None, :], reviews, np.arange(len(mentions)))
    return episodes(
        "topic:sign_in", mentions, reviews, Scan(scan.score[0], scan.window[0], scan.share_before[0]), FIRST, 3.9
    )


def counts(days: int, *bursts: tuple[int, int, int], usual: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """40 reviews a day; bursts are (first day, days, mentions a day)."""
    mentions = np.full(days, usual, np.int64)
    for first, length, n in bursts:
        mentions[first : first + length] += n
    return mentions, np.full(days, 40, np.int64)


def test_calm_days_have_no_irritant() -> None:
    assert lived(*counts(300, usual=1)) == []


def test_a_burst_begins_is_noticed_and_ends() -> None:
    (one,) = lived(*counts(200, (100, 10, 8)))
    assert one.began == day(100)
    assert one.noticed == day(100)
    assert one.ended == day(109)
    assert one.state(day(199)) == ("gone", day(110))
    assert 0.15 < one.share_peak <= 0.2


def test_the_same_days_give_the_same_life_whenever_it_is_read() -> None:
    mentions, reviews = counts(200, (100, 10, 8))
    (early,) = lived(mentions[:104], reviews[:104])
    (late,) = lived(mentions, reviews)
    assert (early.began, early.noticed, early.ended) == (late.began, late.noticed, None)
    assert early.state(day(103)) == ("emerging", day(100))


def test_it_is_ongoing_after_two_weeks() -> None:
    (one,) = lived(*counts(130, (100, 30, 8)))
    assert one.state(day(129))[0] == "ongoing"


def test_back_within_ninety_days_is_the_same_one_and_later_a_new_one() -> None:
    (back,) = lived(*counts(260, (100, 10, 8), (160, 20, 9)))
    assert back.returned == day(160)
    assert back.began == day(100)
    assert back.state(day(165))[0] == "gone" if back.ended and back.ended < day(165) else "back"
    first, second = lived(*counts(400, (100, 10, 8), (300, 10, 9)))
    assert (first.began, second.began) == (day(100), day(300))


def test_a_few_mentions_are_no_irritant() -> None:
    assert lived(*counts(200, (100, 2, 2))) == []


@pytest.fixture
def burst() -> Episode:
    return lived(*counts(200, (102, 10, 8)))[0]


def test_the_release_that_carries_the_mentions_began_it(burst: Episode) -> None:
    launches = [
        Launch("app_store", "6.9", day(80)),
        Launch("app_store", "7.0", day(100)),
        Launch("play", "7.0", day(101)),
    ]
    told = with_release(burst, launches, {("app_store", "7.0"): 50, ("app_store", "6.9"): 9})
    assert (told.version, told.began) == ("7.0", day(100))


def test_a_release_that_few_of_them_are_on_did_not_begin_it(burst: Episode) -> None:
    told = with_release(
        burst, [Launch("app_store", "7.0", day(100))], {("app_store", "7.0"): 2, ("app_store", "6.9"): 50}
    )
    assert told.version == ""


def test_notes_announce_a_fix(burst: Episode) -> None:
    launches = [Launch("app_store", "7.0.1", day(106), frozenset({"sign_in"}))]
    told = with_fix(burst, launches, {}, day(107))
    assert (told.fixed_version, told.announced) == ("7.0.1", True)
    assert replace(told, ended=None).state(day(107)) == ("fix_shipped", day(106))
    other = [Launch("app_store", "7.0.1", day(106), frozenset({"transfer"}))]
    assert with_fix(burst, other, {}, day(107)).fixed is None


def test_counts_show_a_fix_that_nobody_announced(burst: Episode) -> None:
    rate = {day(n): (8 if n < 108 else 1, 40) for n in range(100, 115)}
    launches = [Launch("app_store", "7.0.1", day(107))]
    still = replace(burst, ended=None)
    told = with_fix(still, launches, rate, day(114))
    assert (told.fixed_version, told.announced) == ("7.0.1", False)
    unchanged = {day(n): (8, 40) for n in range(100, 115)}
    assert with_fix(still, launches, unchanged, day(114)).fixed is None


def test_complaints_of_the_same_people_are_one_irritant(burst: Episode) -> None:
    same, apart = replace(burst, key="topic:biometrics"), replace(burst, key="topic:transfer", began=day(150))
    found = [(burst, 60), (same, 40), (apart, 30)]
    assert absorbed(found, {(0, 1): 30}) == ({1: 0}, {})
    assert absorbed(found, {(0, 1): 10}) == ({}, {})
    assert absorbed(found, {(0, 1): 30, (0, 2): 30}) == ({1: 0}, {})


def test_a_second_fault_of_the_same_topic_stays_apart(burst: Episode) -> None:
    found = [(burst, 60), (replace(burst, key="topic:strong"), 30), (replace(burst, key="topic:biometrics"), 20)]
    assert absorbed(found, {(0, 1): 30, (0, 2): 20, (1, 2): 2}) == ({1: 0}, {2: 0})
    assert absorbed(found, {(0, 1): 30, (0, 2): 20, (1, 2): 12}) == ({1: 0, 2: 0}, {}), "many name both: one fault"
    assert absorbed(found, {(0, 1): 30, (0, 2): 20, (1, 2): 12}, kept={2}) == ({1: 0}, {2: 0}), "told apart before"
    few = [*found[:2], (found[2][0], 8)]
    assert absorbed(few, {(0, 1): 30, (0, 2): 8, (1, 2): 0}) == ({1: 0, 2: 0}, {}), "too few to be sure"


def test_a_general_complaint_never_leads(burst: Episode) -> None:
    update = replace(burst, key="topic:update")
    assert absorbed([(update, 90), (burst, 40)], {(0, 1): 20}) == ({0: 1}, {})


def test_what_is_said_every_day_is_a_standing_irritant() -> None:
    mentions, reviews = counts(200, usual=1)
    free = np.ones(200, np.bool_)
    assert standing(mentions, reviews, free) == pytest.approx(1 / 40)
    free[100:] = False
    assert standing(mentions, reviews, free) is None


def test_rating_points_at_stake() -> None:
    assert points_at_stake((400, 100), (10, 10)) == pytest.approx(390 / 90 - 4)
    assert points_at_stake((0, 0), (0, 0)) is None
    assert points_at_stake((10, 10), (10, 10)) is None


def test_likeness() -> None:
    assert likeness(("a", "b"), ("b", "c")) == pytest.approx(1 / 3)
    assert likeness((), ()) == 0


def test_names_say_what_goes_wrong() -> None:
    login = complaint("sign_in", ["Impossible de me connecter"] * 6 + ["Connexion en boucle"] * 3)
    biometrics = complaint("biometrics", ["impossible, l'empreinte tourne en boucle"] * 9, besides=("sign_in", login))
    assert whole(login, biometrics, "7.2").fr == "Connexion impossible, biométrie en boucle après la mise à jour 7.2"
    assert whole(complaint("notifications", ["I get every notification twice"] * 4)).en == "Notifications arrive twice"
    assert complaint("transfer", ["bof"]).fr == "Virements difficiles"
    assert quoted("code d’activation").fr == "«\u00a0code d’activation\u00a0»"


def test_every_topic_has_a_complaint_in_both_languages() -> None:
    from analysis.naming import _names
    from analysis.taxonomy import taxonomy

    assert set(_names().topics) == set(taxonomy().topics)
    for topic, complaints in _names().topics.items():
        assert "usual" in complaints, topic
        assert set(complaints) - {"usual"} <= set(_names().faults)
