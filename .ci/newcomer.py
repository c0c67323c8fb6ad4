"""Start `make up` or `make demo` as a newcomer does, look at what is promised, stop it by Ctrl-C. Standard library only."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

PATIENCE = 600


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def wait_for(what: str, found, patience: float = PATIENCE):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"it ended by itself (code {process.returncode}) before: {what}")
        if answer := found():
            return answer
        time.sleep(0.5)
    sys.exit(f"not seen within {patience:.0f} s: {what}")


command = sys.argv[1]
port = free_port()
base = f"http://127.0.0.1:{port}"
began = time.monotonic()
process = subprocess.Popen(
    ["make", command], env={**os.environ, "COCOON_PORT": str(port)}, start_new_session=True, stdin=subprocess.DEVNULL
)
try:
    wait_for("it answers", lambda: get(f"{base}/readyz")[0] == 200)
    print(f"ready after {time.monotonic() - began:.0f} s, installation included", flush=True)
    status, page = get(f"{base}/")
    assert status == 200 and "<h1" in page, (status, page[:300])
    if command == "demo":
        started = time.monotonic()

        def alert():
            status, body = get(f"{base}/api/v1/inbox")
            items = json.loads(body).get("items", []) if status == 200 else []
            return [item for item in items if item["kind"] == "slack" and "7.2" in json.dumps(item["body"])]

        messages = wait_for("the Slack message in the inbox", alert, 240)
        print(f"the alert came {time.monotonic() - started:.0f} s after the pages answered:", flush=True)
        print(json.dumps(messages[-1]["body"], ensure_ascii=False, indent=1)[:3000], flush=True)
finally:
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        sys.exit("Ctrl-C did not stop it within 30 s")
print("stopped by Ctrl-C", flush=True)
