"""Firebase's Crashlytics alerts, posted by a Cloud Function: new issues, regressions, velocity, digests.

Source: Firebase, "Cloud Functions: Firebase Alerts triggers" (CloudEvents of google.firebase.firebasealerts). A
velocity alert is a signal, never a count: the export and the API count.
"""

import json
from collections.abc import Mapping
from typing import Any

from collectors.base import Page, SourceError
from collectors.values import RowFault, from_iso, quarantine, sound
from models.records import CrashIssueRecord, CrashKind, SignalKind, SignalRecord

TYPES: dict[str, tuple[SignalKind, CrashKind]] = {
    "crashlytics.newFatalIssue": ("new_issue", "crash"),
    "crashlytics.newNonfatalIssue": ("new_issue", "error"),
    "crashlytics.newAnrIssue": ("new_issue", "anr"),
    "crashlytics.regression": ("regression", "crash"),
    "crashlytics.velocity": ("velocity", "crash"),
    "crashlytics.stabilityDigest": ("digest", "crash"),
}


def read_firebase_hook(body: bytes, config: Mapping[str, Any]) -> Page:
    """Read one call: a CloudEvent (structured), or a list of them. Other alerts of Firebase are left out, and said so.

    Raises SourceError(format) where it is no CloudEvent.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceError("The call holds no JSON.", "format") from error
    events = told if isinstance(told, list) else [told]
    issues: list[CrashIssueRecord] = []
    signals: list[SignalRecord] = []
    bad, others = [], 0
    for event in events:
        try:
            read = _read(event)
        except RowFault as fault:
            bad.append(quarantine(event, str(fault)))
            continue
        if read is None:
            others += 1
            continue
        signals.append(read[0])
        issues += [read[1]] if read[1] else []
    if bad and not signals and not others:
        raise SourceError(f"The call is no alert of Firebase: {bad[0].reason}.", "format")
    note = f"{others} alerts of another kind were left out" if others else ""
    return Page(crash_issues=tuple(issues), signals=tuple(signals), quarantined=tuple(bad), note=note)


def _read(event: Any) -> tuple[SignalRecord, CrashIssueRecord | None] | None:
    """Read a CloudEvent; None for an alert that is not about crashes."""
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        raise RowFault("it has no data of a CloudEvent")
    data = event["data"]
    name = sound(event.get("alerttype") or event.get("alertType"))
    if name not in TYPES:
        if not name:
            raise RowFault("it names no alerttype")
        return None
    signal, kind = TYPES[name]
    at = from_iso(data.get("createTime") or event.get("time"), "it has no time that can be read")
    payload = data.get("payload") or {}
    told: dict[str, Any] = payload["issue"] if isinstance(payload.get("issue"), dict) else {}
    issue = sound(told.get("id"))
    version = _version(payload.get("firstVersion") or told.get("appVersion"))
    record = None
    if issue:
        record = CrashIssueRecord(
            external_id=issue,
            kind=kind,
            title=sound(told.get("title")),
            subtitle=sound(told.get("subtitle")),
            first_version=version if signal == "new_issue" else "",
            last_version=_version(told.get("appVersion")),
            first_seen_at=at if signal == "new_issue" else None,
            last_seen_at=at,
            state="open",
        )
    # Senders have been seen to give several alerts one id.
    identity = f"{sound(event.get('id')) or at.isoformat()}:{name}:{issue}"
    title = sound(told.get("title")) or sound(told.get("subtitle"))
    if signal == "velocity" and payload.get("crashCount") is not None:
        title = f"{title} ({payload['crashCount']} crashes, {_percent(payload.get('crashPercentage'))})"
    if signal == "digest":
        trending = [each.get("issue", {}) for each in payload.get("trendingIssues") or [] if isinstance(each, dict)]
        title = "; ".join(sound(each.get("title")) for each in trending if each.get("title"))[:400] or "digest"
    return SignalRecord(identity, signal, at, title, version, issue), record


def _percent(told: Any) -> str:
    return f"{float(told):.2g} %" if isinstance(told, int | float) and not isinstance(told, bool) else "?"


def _version(told: Any) -> str:
    """The version without its build: "1.2.3 (456)" is 1.2.3."""
    return sound(told).partition(" (")[0]
