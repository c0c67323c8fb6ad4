"""The story as a newcomer sees it: history that is shown and never alerted, then one alert in the inbox.

Besides it at most one of the urgent lane: those whom the broken login keeps from their rent say so.
"""

import os
import signal

import pytest

from tests.service.conftest import Cocoon


@pytest.mark.timeout(180)
def test_the_demo_ends_in_one_alert(cocoon: Cocoon) -> None:
    cocoon.environment["COCOON_SLACK_WEBHOOK"] = "https://hooks.slack.example/services/real/team/secret"
    process = cocoon.start("demo", "--days-per-second", "20")
    cocoon.wait_for("ready", lambda: cocoon.get("/readyz")[0] == 200, patience=60)
    told = cocoon.wait_for(
        "an alert", lambda: [each for each in deliveries(cocoon) if each["kind"] == "incident.opened"], patience=120
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "reached the present" in line:
            break
    else:
        raise AssertionError("the story did not reach the present")
    opened = [each for each in deliveries(cocoon) if each["kind"] == "incident.opened"]
    assert {each["id"] for each in told} <= {each["id"] for each in opened}
    rules = sorted(rule_of(cocoon, each) for each in opened)
    assert [rule for rule in rules if rule != "urgent"] in (
        ["bad_release"],
        ["burst"],
        ["new_irritant"],
        ["rating_drop"],
    )
    assert rules.count("urgent") <= 1
    assert {each["state"] for each in opened} == {"sent"}
    _, destinations = cocoon.get("/api/v1/destinations")
    assert [each["kind"] for each in destinations["items"] if each["enabled"]] == ["inbox"]  # not the team's Slack
    _, inbox = cocoon.get("/inbox")
    assert "slack" in str(inbox).lower()
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert "Stopped cleanly." in output
    assert "Traceback" not in output


def deliveries(cocoon: Cocoon) -> list[dict[str, object]]:
    status, found = cocoon.get("/api/v1/deliveries")
    return list(found["items"]) if status == 200 and isinstance(found, dict) else []


def rule_of(cocoon: Cocoon, delivery: dict[str, object]) -> str:
    _, incident = cocoon.get(f"/api/v1/incidents/{delivery['incident_id']}")
    return str(incident["rule"])


def test_the_demo_leaves_the_folder_of_up_alone(cocoon: Cocoon) -> None:
    process = cocoon.start("demo", "--days-per-second", "0.01", "--seed", "3")
    cocoon.wait_for("set up", lambda: len(apps(cocoon)) == 1, patience=60)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "Traceback" not in output
    cocoon.up()
    assert apps(cocoon) == []


def apps(cocoon: Cocoon) -> list[object]:
    status, found = cocoon.get("/api/v1/apps")
    return list(found["items"]) if status == 200 else []
