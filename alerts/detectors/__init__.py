"""Detectors: pure functions from counts to a judgement with its uncertainty. No clock, no database, numpy only."""

from alerts.detectors.bad_release import bad_release, bad_release_scan, bad_release_shortfall
from alerts.detectors.burst import burst, burst_scan, judge_burst, scan_bursts
from alerts.detectors.calibration import (
    DEFAULT_THRESHOLDS,
    LINES,
    Chance,
    chance,
    false_alarm_years,
    false_alarms_per_stream_year,
    split_budget,
    threshold_for_budget,
)
from alerts.detectors.crash_share import CrashChange, CrashCounts, crash_free_change, crash_free_share
from alerts.detectors.crash_spike import crash_spike, crash_spike_scan, release_crash_spike
from alerts.detectors.episodes import Episode, episodes, replay_rating_drop
from alerts.detectors.judgement import Effect, Judgement, Level, Rule, Shortfall, Thresholds
from alerts.detectors.new_irritant import new_irritant, new_irritant_scan, new_irritant_shortfall
from alerts.detectors.rating_drop import rating_drop, rating_drop_scan, rating_drop_shortfall
from alerts.detectors.topic_burst import judge_topic_burst, scan_topic_bursts
from alerts.detectors.version_comparison import (
    Comparison,
    Missing,
    ShareChange,
    Tenure,
    compare_versions,
    share_change,
)

__all__ = [
    "DEFAULT_THRESHOLDS",
    "LINES",
    "Chance",
    "Comparison",
    "CrashChange",
    "CrashCounts",
    "Effect",
    "Episode",
    "Judgement",
    "Level",
    "Missing",
    "Rule",
    "ShareChange",
    "Shortfall",
    "Tenure",
    "Thresholds",
    "bad_release",
    "bad_release_scan",
    "bad_release_shortfall",
    "burst",
    "burst_scan",
    "chance",
    "compare_versions",
    "crash_free_change",
    "crash_free_share",
    "crash_spike",
    "crash_spike_scan",
    "episodes",
    "false_alarm_years",
    "false_alarms_per_stream_year",
    "judge_burst",
    "judge_topic_burst",
    "new_irritant",
    "new_irritant_scan",
    "new_irritant_shortfall",
    "rating_drop",
    "rating_drop_scan",
    "rating_drop_shortfall",
    "release_crash_spike",
    "replay_rating_drop",
    "scan_bursts",
    "scan_topic_bursts",
    "share_change",
    "split_budget",
    "threshold_for_budget",
]
