"""MetricKit's diagnostic payloads, as an iPhone app hands them to its own backend and that posts them here.

Source: Apple, MetricKit: MXDiagnosticPayload.jsonRepresentation(). One payload tells of one device's last day: events
are added up. Only crashes and hangs are read; memory regions, reasons with addresses and file paths stay out.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from collectors.base import Page, SourceError
from collectors.values import RowFault, plausible, quarantine, sound
from models.records import CrashIssueRecord, CrashKind, DailyCrashesRecord, QuarantinedRow

PARTS: tuple[tuple[str, CrashKind], ...] = (("crashDiagnostics", "crash"), ("hangDiagnostics", "hang"))
SIGNALS = {4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 8: "SIGFPE", 9: "SIGKILL", 10: "SIGBUS", 11: "SIGSEGV"}
EXCEPTIONS = {
    1: "EXC_BAD_ACCESS",
    2: "EXC_BAD_INSTRUCTION",
    3: "EXC_ARITHMETIC",
    6: "EXC_BREAKPOINT",
    10: "EXC_CRASH",
    11: "EXC_RESOURCE",
    12: "EXC_GUARD",
}
FRAMES = 5


def read_metrickit_hook(body: bytes, config: Mapping[str, Any]) -> Page:
    """Read one call: a payload or a list of them. Raises SourceError(format) where it is none."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceError("The call holds no JSON.", "format") from error
    payloads = told if isinstance(told, list) else [told]
    zone = ZoneInfo(str(config.get("timezone") or "Europe/Paris"))
    issues: list[CrashIssueRecord] = []
    crashes: list[DailyCrashesRecord] = []
    bad: list[QuarantinedRow] = []
    silent = 0
    for payload in payloads:
        if not isinstance(payload, dict) or not ({"timeStampEnd", "timeStampBegin"} & set(payload)):
            raise SourceError("The call is no payload of MetricKit: it names no time.", "format")
        found = list(_diagnostics(payload))
        silent += not found
        for kind, diagnostic in found:
            try:
                issue, version = _issue(diagnostic, kind, _moment(payload))
            except (RowFault, AttributeError, TypeError) as fault:
                bad.append(quarantine(diagnostic, str(fault)))
                continue
            issues.append(issue)
            assert issue.last_seen_at is not None, "it was just given"
            day = issue.last_seen_at.astimezone(zone).date()
            keys = [("", ""), ("", issue.external_id)]
            keys += [(version, ""), (version, issue.external_id)] if version else []
            crashes += [DailyCrashesRecord(day, 1, kind, name, group, added=True) for name, group in keys]
    note = f"{silent} payloads told of no crash and no hang" if silent else ""
    return Page(crash_issues=tuple(_once(issues)), daily_crashes=tuple(crashes), quarantined=tuple(bad), note=note)


def _diagnostics(payload: Mapping[str, Any]) -> Iterator[tuple[CrashKind, Any]]:
    for name, kind in PARTS:
        told = payload.get(name) or []
        for each in told if isinstance(told, list) else [told]:
            yield kind, each


def _issue(diagnostic: Any, kind: CrashKind, at: datetime) -> tuple[CrashIssueRecord, str]:
    """Group a diagnostic by what ended it and by its topmost frames; returns it with the app's version."""
    about = diagnostic.get("diagnosticMetaData")
    if not isinstance(about, dict):
        raise RowFault("the diagnostic has no diagnosticMetaData")
    version = sound(about.get("appVersion"))
    frames = _frames(diagnostic.get("callStackTree"))
    if kind == "hang":
        title = f"Hang of {sound(about.get('hangDuration')) or 'unknown length'}"
        cause = "hang"
    else:
        signal, exception = about.get("signal"), about.get("exceptionType")
        names = [EXCEPTIONS.get(exception, f"exception {exception}")] if exception is not None else []
        names += [SIGNALS.get(signal, f"signal {signal}")] if signal is not None else []
        cause = title = " ".join(names) or "crash"
    where = next((name for name, _ in frames if name), "")
    key = hashlib.sha256(json.dumps([kind, cause, frames]).encode()).hexdigest()[:32]
    issue = CrashIssueRecord(
        external_id=key,
        kind=kind,
        title=f"{title} · {where}" if where else title,
        subtitle=", ".join(f"{name or 'unnamed'}+{offset}" for name, offset in frames[:3]),
        first_version=version,
        last_version=version,
        first_seen_at=at,
        last_seen_at=at,
    )
    return issue, version


def _frames(tree: Any) -> list[tuple[str, int]]:
    """The topmost frames of the thread that is to blame: binary and offset, which outlive a change of address."""
    stacks = tree.get("callStacks") if isinstance(tree, dict) else None
    if not isinstance(stacks, list):
        return []
    blamed = next((each for each in stacks if isinstance(each, dict) and each.get("threadAttributed")), None)
    stack = blamed or next((each for each in stacks if isinstance(each, dict)), {})
    found: list[tuple[str, int]] = []
    level = stack.get("callStackRootFrames")
    while isinstance(level, list) and level and isinstance(level[0], dict) and len(found) < FRAMES:
        frame = level[0]
        offset = frame.get("offsetIntoBinaryTextSegment")
        found.append(
            (sound(frame.get("binaryName")) or sound(frame.get("binaryUUID")), offset if type(offset) is int else 0)
        )
        level = frame.get("subFrames")
    return found


def _moment(payload: Mapping[str, Any]) -> datetime:
    """The end of the payload's span; Apple writes it without a zone, in UTC."""
    told = sound(payload.get("timeStampEnd") or payload.get("timeStampBegin"))
    try:
        moment = datetime.fromisoformat(told.replace(" +", "+"))
    except ValueError as error:
        raise RowFault(f"the time {told[:30]!r} cannot be read") from error
    return plausible(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _once(issues: list[CrashIssueRecord]) -> list[CrashIssueRecord]:
    return list({each.external_id: each for each in issues}.values())
