"""Crashes that are told by webhook: MetricKit payloads and Firebase alerts, through the address to the figures."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app import inbound
from app.context import Context, open_context
from app.main import create_app
from app.settings import Settings
from collectors.base import SourceError
from collectors.firebase_alerts import read_firebase_hook
from collectors.metrickit import read_metrickit_hook
from collectors.registry import KINDS, build
from models.apps import App
from models.sources import Source
from models.stability import CrashIssue, CrashSignal, DailyCrashes


def frame(binary: str, offset: int, *below: dict[str, Any]) -> dict[str, Any]:
    return {
        "binaryName": binary,
        "binaryUUID": f"uuid-{binary}",
        "offsetIntoBinaryTextSegment": offset,
        "subFrames": list(below),
    }


def diagnostic(version: str = "7.2.0", offset: int = 40, **about: Any) -> dict[str, Any]:
    stack = {"threadAttributed": True, "callStackRootFrames": [frame("Bank", offset, frame("UIKitCore", 8))]}
    metadata = {
        "appVersion": version,
        "appBuildVersion": "720",
        "exceptionType": 1,
        "signal": 11,
        "osVersion": "iOS 19.1",
    }
    metadata["terminationReason"] = "Namespace SIGNAL at 0x0 jean.dupont@example.com"
    return {"version": "1.0.0", "diagnosticMetaData": metadata | about, "callStackTree": {"callStacks": [{}, stack]}}


def payload(
    *crashes: dict[str, Any], hangs: tuple[dict[str, Any], ...] = (), day: str = "2026-11-19"
) -> dict[str, Any]:
    told: dict[str, Any] = {"timeStampBegin": f"{day} 00:00:00", "timeStampEnd": f"{day} 21:30:00"}
    told |= {"crashDiagnostics": list(crashes)} if crashes else {}
    return told | ({"hangDiagnostics": list(hangs)} if hangs else {})


@pytest.fixture
def context(database_url: str, tmp_path: Path) -> Iterator[Context]:
    settings = Settings(data=tmp_path, database_url=database_url, secret_key="tests", host_interval=0.0)
    with open_context(settings, migrated=False) as opened:
        yield opened


@pytest.fixture
def told(context: Context) -> Callable[[str, Any], int]:
    """Open the address of a kind of source, call it, have it read; returns the answer's status."""
    settings = replace(context.settings, host="0.0.0.0")
    web = TestClient(create_app(context.engine, settings, context.seal), base_url="http://cocoon.example")
    paths: dict[str, tuple[str, int]] = {}

    def call(kind: str, body: Any) -> int:
        if kind not in paths:
            with context.transaction() as session:
                app = session.scalars(select(App)).first() or App(name="Banque")
                session.add(app)
                session.flush()
                channel = KINDS[kind].channel or "google_play"
                source = Source(app_id=app.id, kind=kind, channel=channel, name=kind, config={}, rhythm_minutes=None)
                session.add(source)
                session.flush()
                made = inbound.open_hook(session, context.seal, source)
                paths[kind] = made.path, made.hook_id
        path, hook_id = paths[kind]
        status = web.post(path, content=body if isinstance(body, bytes) else json.dumps(body)).status_code
        inbound.process(context, hook_id)
        return status

    return call


def test_payloads_of_many_phones_add_up_and_a_repeated_call_does_not(
    told: Callable[[str, Any], int], context: Context
) -> None:
    first, second = (
        payload(diagnostic()),
        payload(diagnostic(), diagnostic("7.1.0"), hangs=(diagnostic(hangDuration="4 sec"),)),
    )
    assert [told("metrickit", body) for body in (first, second, first)] == [202, 202, 202]
    with context.transaction() as session:
        rows = session.execute(
            select(DailyCrashes.kind, DailyCrashes.version, DailyCrashes.events).where(DailyCrashes.issue_id == 0)
        )
        assert {tuple(row) for row in rows} == {
            ("crash", "", 3),
            ("crash", "7.2.0", 2),
            ("crash", "7.1.0", 1),
            ("hang", "", 1),
            ("hang", "7.2.0", 1),
        }
        assert set(session.scalars(select(DailyCrashes.day))) == {date(2026, 11, 19)}
        issues = {issue.kind: issue for issue in session.scalars(select(CrashIssue))}
        assert issues["crash"].title == "EXC_BAD_ACCESS SIGSEGV · Bank"
        assert (issues["crash"].first_version, issues["hang"].title) == ("7.2.0", "Hang of 4 sec · Bank")
        assert "dupont" not in " ".join(f"{each.title} {each.subtitle}" for each in issues.values())


def test_crashes_are_grouped_by_what_ended_them_and_where() -> None:
    same = read_metrickit_hook(json.dumps([payload(diagnostic()), payload(diagnostic("7.3.0"))]).encode(), {})
    assert len(same.crash_issues) == 1
    other = read_metrickit_hook(
        json.dumps(payload(diagnostic(), diagnostic(offset=41), diagnostic(signal=6))).encode(), {}
    )
    assert len(other.crash_issues) == 3


def test_the_day_is_that_of_the_apps_time_zone() -> None:
    late = payload(diagnostic()) | {"timeStampEnd": "2026-11-19 23:30:00"}
    page = read_metrickit_hook(json.dumps(late).encode(), {"timezone": "Europe/Paris"})
    assert {row.day for row in page.daily_crashes} == {date(2026, 11, 20)}


def test_a_payload_without_a_crash_is_no_fault_and_an_odd_diagnostic_is_set_aside() -> None:
    assert "no crash" in read_metrickit_hook(json.dumps(payload()).encode(), {}).note
    page = read_metrickit_hook(json.dumps(payload({"version": "1"}, diagnostic())).encode(), {})
    assert [row.reason for row in page.quarantined] == ["the diagnostic has no diagnosticMetaData"]
    assert len(page.crash_issues) == 1
    for body in (b"{", b'{"a": 1}', b"[3]"):
        with pytest.raises(SourceError):
            read_metrickit_hook(body, {})


@pytest.mark.shared
def test_apples_recorded_trees_are_grouped(shared: Path) -> None:
    keys = set()
    for file in sorted((shared / "samples/apple_crash/metrickit").glob("*.json")):
        crash = diagnostic() | {"callStackTree": json.loads(file.read_text())}
        page = read_metrickit_hook(json.dumps(payload(crash)).encode(), {})
        assert page.quarantined == ()
        (issue,) = page.crash_issues
        assert "+" in issue.subtitle
        keys.add(issue.external_id)
    assert len(keys) >= 2


def alert(kind: str, name: str = "7f3a", **payload: Any) -> dict[str, Any]:
    issue = {"id": "5b2d", "title": "Login.confirm", "subtitle": "NullPointerException", "appVersion": "7.2.0 (720)"}
    return {
        "specversion": "1.0",
        "id": name,
        "type": "google.firebase.firebasealerts.alerts.v1.published",
        "time": "2026-11-19T09:20:00Z",
        "alerttype": kind,
        "data": {"createTime": "2026-11-19T09:20:00Z", "payload": {"issue": issue} | payload},
    }


def test_firebase_alerts_are_signals_and_issues_and_no_counts(
    told: Callable[[str, Any], int], context: Context
) -> None:
    events = [
        alert("crashlytics.newFatalIssue"),
        alert("crashlytics.velocity", crashCount=120, crashPercentage=1.3, firstVersion="7.2.0"),
        alert("crashlytics.regression", type="FATAL"),
        alert("billing.planUpdate"),
    ]
    assert told("firebase_alerts", events) == 202
    assert told("firebase_alerts", events[0]) == 202
    with context.transaction() as session:
        signals = session.scalars(select(CrashSignal).order_by(CrashSignal.kind)).all()
        assert [(each.kind, each.version) for each in signals] == [
            ("new_issue", "7.2.0"),
            ("regression", "7.2.0"),
            ("velocity", "7.2.0"),
        ]
        assert signals[2].title == "Login.confirm (120 crashes, 1.3 %)"
        issue = session.scalars(select(CrashIssue)).one()
        assert (issue.external_id, issue.first_version, issue.state) == ("5b2d", "7.2.0", "open")
        assert session.scalar(select(func.count()).select_from(DailyCrashes)) == 0


@pytest.mark.parametrize(
    "body", [b"{", b"[]{", b'{"data": 1}', b'[{"data": {}}]', b'{"data": {}, "alerttype": "crashlytics.velocity"}']
)
def test_what_is_no_alert_is_refused_in_words(body: bytes) -> None:
    with pytest.raises(SourceError) as caught:
        read_firebase_hook(body, {})
    assert caught.value.kind == "format"


@pytest.mark.shared
def test_the_official_shapes_of_alerts_are_read(shared: Path) -> None:
    page = read_firebase_hook((shared / "samples/firebase_alerts/alerts_cloudevents.synthetic.json").read_bytes(), {})
    assert {each.kind for each in page.signals} >= {"new_issue", "regression", "velocity", "digest"}
    assert page.quarantined == ()


def test_there_is_nothing_to_fetch_where_everything_is_told() -> None:
    from collectors.http import Http

    source = build("metrickit", {}, Http())
    assert [probe.works for probe in source.probe()] == [True]
    with pytest.raises(SourceError, match="webhook"):
        next(iter(source.pages()))
