"""Google Play's production track: which versions it offers now, and to what share of customers.

The API shows tracks inside an edit only. One is opened, read and thrown away, never committed. Source: Google,
discovery document androidpublisher v3 (edits.insert, edits.tracks.list, edits.delete; Track, TrackRelease).
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from collectors.access import get_json, json_object, reworded, safe_url
from collectors.base import Page, Probe, SourceError
from collectors.google_access import GoogleToken, read_service_account
from collectors.http import Http, Walk
from collectors.play_developer import ANDROID_PUBLISHER, SCOPE, forbidden
from collectors.play_format import package_name
from collectors.values import sound
from models.records import ReleaseRecord

STATES = {"inProgress": "active", "halted": "halted", "completed": "complete"}


class PlayTracks:
    """What the production track of one app offers. Google dates no release: the first sight dates it.

    An edit of the same service account that a publishing script holds open is thrown away by ours: give Cocoon an
    account of its own.
    """

    kind = "google_play_tracks"

    def __init__(
        self,
        app_id: str,
        key_file: str,
        base_url: str = ANDROID_PUBLISHER,
        *,
        http: Http,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.app_id = package_name(app_id)
        base = safe_url(base_url, "address of the Google Play Developer API")
        self._edits = f"{base}/androidpublisher/v3/applications/{self.app_id}/edits"
        self._account = read_service_account(key_file)
        self._token = GoogleToken(self._account, SCOPE, clock)
        self._http = http

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield one page with the releases on offer. Raises SourceError: refused, gone, throttled, format…"""
        with self._http.walk() as walk:
            document = self._tracks(walk)
        found = read_production(document, self._http.now())
        note = "" if found else "the production track offers no release"
        yield Page(releases=tuple(found), end="exhausted", progress=1.0, note=note)

    def probe(self) -> list[Probe]:
        """Exchange the key for a token, then read the tracks once."""
        name = "Google Play tracks"
        with self._http.walk() as walk:

            def ask() -> str:
                found = read_production(self._tracks(walk), self._http.now())
                offered = ", ".join(one.version or f"build {one.build}" for one in found) or "nothing"
                return f"The production track of {self.app_id} offers {offered}."

            return self._token.probe_both(walk, f"{name} key", f"{name} releases", ask)

    def _tracks(self, walk: Walk) -> dict[str, Any]:
        edit = self._open(walk)
        try:
            return get_json(walk, f"{self._edits}/{edit}/tracks", self._token, self._explain)[0]
        finally:
            # An edit that stays open ends by itself; its going must not hide what was read.
            with suppress(SourceError):
                walk.delete(f"{self._edits}/{edit}", headers=self._shown(walk))

    def _open(self, walk: Walk) -> str:
        for last in (False, True):
            try:
                answer = walk.post(
                    self._edits, content=b"{}", headers={**self._shown(walk), "Content-Type": "application/json"}
                )
                break
            except SourceError as error:
                if error.status != 401 or last:
                    raise self._explain(error) from error
                self._token.drop()
        edit = sound(json_object(answer).get("id"))
        if not re.fullmatch(r"[\w.~-]{1,200}", edit):
            raise SourceError("The Google Play Developer API opened an edit without its id.", "format")
        return edit

    def _shown(self, walk: Walk) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token.bearer(walk)}", "Accept": "application/json"}

    def _explain(self, error: SourceError) -> SourceError:
        if error.status == 403:
            return forbidden(error, self._http, self._edits, self._account.email, self.app_id, "View app information")
        if error.status == 404:
            return reworded(error, f"Google Play knows no app {self.app_id} in this developer account.")
        return error


def read_production(document: dict[str, Any], seen_at: datetime) -> list[ReleaseRecord]:
    """Read what the production track offers; drafts and other tracks are passed over.

    Raises SourceError(format) where it is no list of tracks. A release is named as the team likes it; where the name
    is no version, the record has version "" and its builds, whose names may be known from elsewhere.
    """
    tracks = document.get("tracks", [])
    if not isinstance(tracks, list):
        raise SourceError("The Google Play Developer API sent something else than tracks.", "format")
    found = []
    for track in tracks:
        told = track if isinstance(track, dict) else {}
        if sound(told.get("track")) != "production":
            continue
        releases = told.get("releases")
        read = [_release(one, seen_at) for one in (releases if isinstance(releases, list) else [])]
        found += [record for record in read if record is not None]
    return found


def _release(told: dict[str, Any], seen_at: datetime) -> ReleaseRecord | None:
    state = STATES.get(sound(told.get("status")))
    codes = told.get("versionCodes")
    builds = sorted(
        {code for one in (codes if isinstance(codes, list) else []) if (code := sound(one)).isdigit()}, key=int
    )
    if state is None or not builds:
        return None
    share = told.get("userFraction")
    part = float(share) if isinstance(share, int | float) and 0 <= share <= 1 else None
    return ReleaseRecord(
        _version(sound(told.get("name")), builds),
        None,
        _notes(told.get("releaseNotes")),
        build=builds[-1],
        rollout=1.0 if state == "complete" else part,
        rollout_state=state,
        builds=tuple(builds),
        seen_at=seen_at,
    )


def _version(name: str, builds: list[str]) -> str:
    """The version in a release's name: "720 (7.2.0)", as the console proposes it, or "7.2.0"; '' where it is none."""
    found = re.fullmatch(r"(\d+)\s*\((.+)\)", name)
    if found and found[1] in builds:
        name = found[2].strip()
    return name if re.fullmatch(r"v?\d+(\.\d+)+[\w.+-]*", name) else ""


def _notes(told: Any) -> str:
    """The notes in French where there are any, else the first."""
    notes = [one for one in (told if isinstance(told, list) else []) if isinstance(one, dict)]
    notes.sort(key=lambda one: not sound(one.get("language")).startswith("fr"))
    return next((text for one in notes if (text := sound(one.get("text")))), "")
