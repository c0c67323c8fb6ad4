"""Sources with credentials are added over the API: their settings name a file, and no key goes in or out."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from collectors.access import read_key_file
from collectors.base import SourceError
from collectors.http import Http
from collectors.registry import KINDS, build
from tests.app.seed import Portfolio

API = "/api/v1"
GIVEN: dict[str, dict[str, Any]] = {
    "app_store_connect": {"app_id": "123456789", "key_id": "2X9R4HXF34", "issuer_id": "57246542-96fe", "key_file": "x"},
    "google_play_api": {"app_id": "com.example.bank", "key_file": "x"},
    "play_console_csv": {"app_id": "com.example.bank", "folder": "x"},
}


@pytest.mark.parametrize("kind", GIVEN)
def test_a_source_with_a_key_file_can_be_added(
    application: FastAPI, web: TestClient, portfolio: Portfolio, kind: str
) -> None:
    known = KINDS[kind]
    application.state.kinds = [{"kind": kind, "channel": known.channel, "minutes": known.minutes}]
    place = str(application.state.settings.data / "files" / "there is none")
    config = {name: place if value == "x" else value for name, value in GIVEN[kind].items()}
    body = {"app_id": portfolio.apps[0].id, "kind": kind, "name": "Connected", "config": config}
    made = web.post(f"{API}/sources", json=body)
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["kind"], told["channel"], told["rhythm_minutes"]) == (kind, known.channel, known.minutes)
    assert set(known.needs) <= set(told["config"])
    # What was stored builds the collector, as far as the machine has the file.
    with pytest.raises(SourceError, match=r"There is no folder|cannot be read") as caught:
        list(build(kind, told["config"], Http()).pages())
    assert caught.value.lasting


def test_a_key_file_is_read_and_never_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        read_key_file(str(tmp_path))
    with pytest.raises(SourceError, match="cannot be read"):
        read_key_file("a\x00b")


@pytest.mark.parametrize("place", ["/etc/passwd", "../secret.key", "a/../../secret.key"])
def test_the_network_names_no_file_outside_the_folder_for_them(
    application: FastAPI, web: TestClient, portfolio: Portfolio, place: str
) -> None:
    application.state.kinds = [{"kind": "google_play_api", "channel": "google_play", "minutes": 60}]
    config = {"app_id": "com.example.bank", "key_file": place}
    body = {"app_id": portfolio.apps[0].id, "kind": "google_play_api", "name": "Connected", "config": config}
    refused = web.post(f"{API}/sources", json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["where"] == "body.config.key_file"
