"""`cocoon up` as a newcomer meets it: it serves, shares, survives, stops, and says what is wrong in one sentence."""

import os
import signal
import socket
import subprocess
from pathlib import Path

from tests.service.conftest import Cocoon


def server_pid(cocoon: Cocoon) -> int:
    found = next(cocoon.data.rglob("postmaster.pid"))
    return int(found.read_text().splitlines()[0])


def test_up_serves_says_where_and_stops_by_ctrl_c(cocoon: Cocoon) -> None:
    process = cocoon.up()
    assert cocoon.get("/healthz")[0] == 200
    status, page = cocoon.get("/")
    assert status == 200
    assert "<h1" in page
    postgres = server_pid(cocoon)
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does: everybody in the group
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert cocoon.base in output
    assert "Stopped cleanly." in output
    assert "Traceback" not in output
    assert not Path(f"/proc/{postgres}").exists()


def test_sigterm_stops_it_cleanly_too(cocoon: Cocoon) -> None:
    process = cocoon.up()
    process.terminate()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "Stopped cleanly." in output


def test_other_commands_share_its_database(cocoon: Cocoon) -> None:
    cocoon.up()
    made = cocoon.run("key", "create", "test")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("cck_")
    listed = cocoon.run("key", "list")
    assert "test" in listed.stdout
    assert made.stdout.strip() not in listed.stdout


def test_the_database_comes_back_after_kill_nine(cocoon: Cocoon) -> None:
    cocoon.up()
    cocoon.run("key", "create", "kept")
    before = server_pid(cocoon)
    os.kill(before, signal.SIGKILL)
    cocoon.wait_for("another server", lambda: cocoon.get("/readyz")[0] == 200 and server_pid(cocoon) != before)
    assert "kept" in cocoon.run("key", "list").stdout


def test_what_was_committed_survives_kill_nine_of_the_service(cocoon: Cocoon) -> None:
    process = cocoon.up()
    cocoon.run("key", "create", "kept")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert "kept" in cocoon.run("key", "list").stdout
    cocoon.up()


def test_a_port_in_use_is_one_sentence(cocoon: Cocoon) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", cocoon.port))
        taken.listen()
        done = cocoon.run("up")
    assert done.returncode == 1
    assert "COCOON_PORT" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_broken_database_url_is_one_sentence_without_the_password(cocoon: Cocoon) -> None:
    cocoon.environment["DATABASE_URL"] = "postgresql://someone:s3cret@127.0.0.1:9/none"
    done = cocoon.run("up")
    assert done.returncode == 1
    assert "DATABASE_URL" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_data_folder_that_cannot_be_is_one_sentence(cocoon: Cocoon, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cocoon.environment["COCOON_DATA"] = str(tmp_path / "file" / "data")
    done = cocoon.run("up")
    assert done.returncode == 1
    assert str(tmp_path / "file") in done.stderr
    assert "Traceback" not in done.stderr


def test_secrets_come_from_files_and_show_nowhere(cocoon: Cocoon, tmp_path: Path) -> None:
    secret = tmp_path / "slack"
    secret.write_text("https://hooks.slack.example/services/T0/B0/v3ryS3cret\n")
    cocoon.environment["COCOON_SLACK_WEBHOOK_FILE"] = str(secret)
    process = cocoon.up()
    _, listed = cocoon.get("/api/v1/destinations")
    assert [each["kind"] for each in listed["items"]] == ["slack"]
    _, page = cocoon.get("/destinations")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    for seen in (str(listed), str(page), output):
        assert "v3ryS3cret" not in seen


def test_doctor_says_what_is_missing(cocoon: Cocoon) -> None:
    done: subprocess.CompletedProcess[str] = cocoon.run("doctor", "--json")
    assert done.returncode == 1
    assert "cocoon source add" in done.stdout
    assert "cocoon up" in done.stdout
