"""The Play Console's monthly exports in Google's own bucket (pubsite_prod_rev_…), read over Cloud Storage's JSON API.

Source: Google, Play Console Help, "Download and export monthly reports" (places in the bucket); Cloud Storage, JSON API
v1, objects.list and objects.get (alt=media).
"""

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from collectors.access import get_json, reworded, safe_url
from collectors.base import Page, Probe, SourceError
from collectors.google_access import GoogleToken, read_service_account
from collectors.http import Http, Walk
from collectors.play_console_csv import MOST_FILES, PlayConsoleCsv
from collectors.tables import find_layout
from collectors.values import sound

STORAGE = "https://storage.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
LISTED = 1000
RIGHT = "View app information and download bulk reports (read-only)"


class PlayConsoleBucket(PlayConsoleCsv):
    """One app's exports in a bucket, newest month first; a file is fetched when its month is read, and not kept."""

    kind = "play_console_bucket"

    def __init__(
        self,
        app_id: str,
        bucket: str,
        key_file: str,
        base_url: str = STORAGE,
        *,
        http: Http,
        clock: Callable[[], float] = time.time,
    ) -> None:
        bucket = bucket.removeprefix("gs://").strip("/")
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", bucket):
            raise ValueError(f"a bucket is named like pubsite_prod_rev_01234567890987654321, not {bucket!r}")
        super().__init__(app_id, "")
        self.bucket = bucket
        self._base = f"{safe_url(base_url, 'address of Cloud Storage')}/storage/v1/b/{quote(bucket, safe='')}/o"
        self._account = read_service_account(key_file)
        self._token = GoogleToken(self._account, SCOPE, clock)
        self._http = http
        self._walk: Walk | None = None
        self._names: dict[str, str] = {}

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield a page a month, as from a folder. Raises SourceError: refused with the right that is missing, gone…"""
        with self._opened():
            yield from super().pages(resume)

    def probe(self) -> list[Probe]:
        """Exchange the key, list the exports, read the beginning of the newest: each needs a right of its own."""
        with self._opened() as walk:

            def ask() -> str:
                months = self._months()
                newest = max(months)
                for file in months[newest]:
                    find_layout(self._local(file))
                return f"{len(months)} months, the newest is {newest[:4]}-{newest[4:]}."

            return self._token.probe_both(walk, "Play Console bucket key", "Play Console bucket exports", ask)

    @contextmanager
    def _opened(self) -> Iterator[Walk]:
        """One walk over the bucket, with a folder of its own that goes with it."""
        with tempfile.TemporaryDirectory(prefix="cocoon-exports-") as folder, self._http.walk() as walk:
            self._folder, self._walk = Path(folder), walk
            try:
                yield walk
            finally:
                self._walk = None

    def _months(self) -> dict[str, list[Path]]:
        """List the bucket's exports by month; nothing is fetched yet."""
        self._names = {name.rsplit("/", 1)[-1]: name for name in self._listed()}
        return self._by_month([self._folder / name for name in self._names], f"The bucket {self.bucket}")

    def _listed(self) -> Iterator[str]:
        assert self._walk is not None
        for prefix in (
            f"reviews/reviews_{self.app_id}_",
            f"stats/ratings/ratings_{self.app_id}_",
            f"stats/crashes/crashes_{self.app_id}_",
        ):
            token, seen = "", 0
            while True:
                asked = {"prefix": prefix, "maxResults": str(LISTED), "fields": "items(name),nextPageToken"}
                asked |= {"pageToken": token} if token else {}
                document, _ = get_json(self._walk, self._base, self._token, self._explain, asked)
                items = document.get("items", [])
                if not isinstance(items, list):
                    raise SourceError("Cloud Storage sent something else than a list of files.", "format")
                names = [sound(item.get("name")) for item in items if isinstance(item, dict)]
                yield from names
                seen += len(names)
                following = sound(document.get("nextPageToken"))
                if not following or following == token or seen > MOST_FILES:
                    break
                token = following

    def _local(self, file: Path) -> Path:
        """Fetch a file of the bucket into this walk's own folder."""
        if file.exists():
            return file
        assert self._walk is not None
        url = f"{self._base}/{quote(self._names[file.name], safe='')}"
        for last in (False, True):
            try:
                answer = self._walk.get(
                    url,
                    params={"alt": "media"},
                    headers={"Authorization": f"Bearer {self._token.bearer(self._walk)}"},
                )
                break
            except SourceError as error:
                if error.status != 401 or last:
                    raise self._explain(error) from error
                self._token.drop()
        file.write_bytes(answer.body)
        return file

    def _explain(self, error: SourceError) -> SourceError:
        """Say a refusal in words that name the right which is missing."""
        if error.status == 401:
            return reworded(error, f"Google does not accept the token of {self._account.email} (answer 401).")
        if error.status == 403:
            text = (
                f"The service account {self._account.email} may not read the bucket {self.bucket} (answer 403): give "
                f"it the right “{RIGHT}” in the Play Console, Users and permissions."
            )
            return reworded(error, text)
        if error.status == 404:
            text = (
                f"There is no bucket {self.bucket}: its name stands in the Play Console, Download reports, "
                "Copy Cloud Storage URI."
            )
            return reworded(error, text)
        return error
