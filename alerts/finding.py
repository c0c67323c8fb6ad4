"""From a detector's judgement to a finding: with its evidence, and the calm since a live incident was last above."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date

from alerts.detectors import Judgement
from alerts.detectors.calibration import Calibrated
from alerts.evidence import changed
from alerts.life import Finding, Held
from alerts.streams import Bools, History


def make_finding(
    history: History,
    subject: str,
    found: Judgement,
    day: date,
    *,
    known: Held | None,
    judged: Bools,
    streams: int,
    here: int,
    line: Calibrated | None = None,
) -> Iterable[Finding]:
    """Yield the finding of a judgement, none where it is calm and nothing is live.

    `streams` is how many such there are over all apps, `here` in this one; `line` is the calibration line where it is
    not the rule's own.
    """
    if found.level is None and known is None:
        return
    yield Finding(
        rule=found.rule,
        subject=subject,
        level=found.level,
        score=found.score,
        day=day,
        since=found.since,
        window_days=found.window_days,
        baseline_from=found.baseline_from,
        baseline_to=found.baseline_to,
        false_alarm_years=found.false_alarm_years,
        effect={name: round(value, 4) for name, value in asdict(found.effect).items()},
        evidence=changed(history, subject, found, day, streams, line) if found.level else {},
        app_years=found.false_alarm_years / max(here, 1),
        calm_days=calm_since(judged, history, known, day) if known and found.level is None else 0,
    )


def calm_since(judged: Bools, history: History, known: Held, day: date) -> int:
    """Count the judged days since the incident was last above: days with a hole are neither loud nor calm."""
    first = max(history.index(known.last_above) + 1, 0)
    return int(judged[first : history.index(day) + 1].sum())
