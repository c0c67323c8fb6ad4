"""Evidence adds up: by whom, what it is worth, and what an incident does with it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import log10

import numpy as np
import pytest

from alerts.detectors import new_irritant_scan, rating_drop_scan
from alerts.detectors.calibration import DEFAULT_THRESHOLDS
from alerts.detectors.together import FORTNIGHT, Part, together
from alerts.life import Finding, advance
from alerts.wording import chance_sentence, headline, lead
from benchmarks.simulator import Fault, joint_world

NOW = datetime(2026, 11, 18, 9, tzinfo=UTC)
DAY = date(2026, 11, 17)


def finding(rule: str, subject: str, level: str = "watch", *, app_years: float = 2.0, score: float = 3.2) -> Finding:
    before, after = {"rating_drop": (4.3, 3.6), "new_irritant": (0.01, 0.2), "crash_spike": (0.002, 0.006)}[rule]
    effect = {"before": before, "after": after, "difference": after - before, "half_width": 0.1}
    effect |= {"n_before": 900, "n_after": 90}
    window = {"from": str(DAY - timedelta(days=2)), "to": str(DAY), "days": 3, "reviews": 90}
    evidence = {"window": window, "chance": {"years": 1.2, "months": 2.0, "streams": 4}}
    return Finding(
        rule, subject, level, score, DAY, DAY - timedelta(days=2), 3, DAY - timedelta(days=30),  # type: ignore[arg-type]
        DAY - timedelta(days=3), 1.2, effect, evidence, app_years=app_years,
    )  # fmt: skip


def test_logarithms_of_independent_groups_add_and_the_same_reviews_count_once() -> None:
    alone = [Part("rating_drop", 2.0), Part("bad_release", 5.0), Part("burst", 1.0)]
    assert together(alone) is None, "all three read the stars"
    both = together([*alone, Part("new_irritant", 3.0)])
    assert both == pytest.approx(-log10(FORTNIGHT / 5) - log10(FORTNIGHT / 3))
    three = together([*alone, Part("new_irritant", 3.0), Part("crash_spike", 4.0)])
    assert three is not None
    assert both is not None
    assert three == pytest.approx(both - log10(FORTNIGHT / 4))
    assert together([Part("rating_drop", 2.0), Part("new_irritant", 0.0)]) is None, "what is not known adds nothing"


def test_two_warnings_of_one_day_become_one_alert_that_names_both() -> None:
    parts = [
        finding("rating_drop", "app"),
        finding("new_irritant", "topic:sign_in"),
        finding("crash_spike", "channel:google_play"),
    ]
    changes = advance(1, [], parts, NOW, "live")
    assert [c.kind for c in changes if c.kind in {"opened", "raised"}] == ["opened", "raised"]
    (incident,) = {c.incident for c in changes}
    assert incident.severity == "alert"
    assert incident.evidence["together"]["score"] >= DEFAULT_THRESHOLDS["together"].alert
    assert incident.evidence["together"]["rules"] == ["crash_spike", "new_irritant", "rating_drop"]
    title, line = headline("B", incident, "en"), lead(incident, "en")
    assert title.startswith("B: 4.3 → 3.6 ★ on 90 reviews in 3 days, mostly “Sign-in")
    assert "crash rate (Google Play) 0.20% → 0.60%" in line
    assert "come together" in chance_sentence(incident, "en")
    assert "n’arrivent ensemble" in chance_sentence(incident, "fr") or "arrivent ensemble" in chance_sentence(
        incident, "fr"
    )


def test_one_kind_of_evidence_alone_raises_nothing() -> None:
    again = replace(finding("rating_drop", "channel:google_play"), score=3.6)
    changes = advance(1, [], [finding("rating_drop", "app"), again], NOW, "live")
    assert changes[0].incident.severity == "watch"
    assert "together" not in changes[0].incident.evidence


def test_parts_of_other_days_do_not_add_up() -> None:
    (opened,) = advance(1, [], [finding("rating_drop", "app")], NOW, "live")
    later = finding("new_irritant", "topic:sign_in")
    later = replace(later, day=DAY + timedelta(days=4), since=DAY + timedelta(days=1))
    advance(1, [opened.incident], [later], NOW + timedelta(days=4), "live")
    assert "together" not in opened.incident.evidence


def test_what_adds_up_later_is_told_once_a_day_and_only_when_it_is_much_rarer() -> None:
    (opened,) = advance(1, [], [finding("rating_drop", "app", "alert", app_years=9.0)], NOW, "live")
    more = finding("new_irritant", "topic:sign_in", app_years=30.0)
    first = advance(1, [opened.incident], [more], NOW, "live")
    assert [c.kind for c in first] == ["supported", "added_up"]
    assert advance(1, [opened.incident], [replace(more, app_years=900.0, score=9.0)], NOW, "live") == []
    weak = finding("crash_spike", "channel:google_play", app_years=0.1)
    next_day = replace(weak, day=DAY + timedelta(days=1))
    assert [c.kind for c in advance(1, [opened.incident], [next_day], NOW, "live")] == ["supported"]


def test_a_fault_with_a_name_is_found_together_where_the_stars_alone_are_slow() -> None:
    """The figures are in benchmarks/detectors; here, that the words' part is not moved by a bad mood alone."""
    rng = np.random.default_rng(8)
    calm = joint_world(rng, 12, 400, 80)
    bad = calm.world.counts[:, :, :2].sum(axis=2)
    among = new_irritant_scan(calm.mentions.reshape(-1, 400), np.repeat(bad, 25, axis=0))[:, 120:]
    overall = new_irritant_scan(calm.mentions.reshape(-1, 400), np.repeat(calm.world.counts.sum(axis=2), 25, axis=0))[
        :, 120:
    ]
    assert (among >= 3.16).sum() < 0.8 * (overall >= 3.16).sum()
    broken = joint_world(rng, 30, 220, 20, fault=Fault(200))
    among = new_irritant_scan(broken.mentions[:, 0], broken.world.counts[:, :, :2].sum(axis=2))[:, 200:207]
    stars = rating_drop_scan(broken.world.counts)[:, 200:207]
    assert ((among >= 3.66).any(axis=1)).mean() > ((stars >= 4).any(axis=1)).mean()


def test_a_fall_first_seen_a_day_later_joins_the_irritant_that_goes_on() -> None:
    (opened,) = advance(1, [], [replace(finding("new_irritant", "topic:sign_in"), since=DAY)], NOW, "live")
    tomorrow = DAY + timedelta(days=1)
    fall = replace(finding("rating_drop", "app"), day=tomorrow, since=tomorrow)
    still = replace(finding("new_irritant", "topic:sign_in"), day=tomorrow, since=DAY)
    changes = advance(1, [opened.incident], [fall, still], NOW + timedelta(days=1), "live")
    assert [c.kind for c in changes if c.finding is fall] == ["supported", "raised"]
