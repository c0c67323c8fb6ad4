"""Google Play Developer API: reviews with a text that were written or changed in the last seven days.

Source: Google, "Reply to Reviews API", reviews.list in the discovery document androidpublisher v3.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from collectors.access import get_json, reworded, safe_url, said
from collectors.base import EMPTY, Page, Probe, SourceError
from collectors.google_access import GoogleToken, ServiceAccount, read_service_account
from collectors.http import Http, Walk, host_of
from collectors.play_api_format import read_reviews
from collectors.play_format import package_name
from models.records import QuarantinedRow, VerbatimRecord

ANDROID_PUBLISHER = "https://androidpublisher.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/androidpublisher"
LARGEST_PAGE = 100
WINDOW = timedelta(days=7)
"""How far back the list goes: what is not read within it never comes by this way."""


@dataclass(slots=True)
class _Answer:
    rows: list[VerbatimRecord]
    bad: list[QuarantinedRow]
    token: str | None

    @property
    def empty(self) -> bool:
        return not self.rows and not self.bad


@dataclass(slots=True)
class _Walked:
    """Ids and tokens of this walk: the window of one app is small enough to know them all."""

    ids: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    stale: int = 0


class PlayDeveloper:
    """The reviews of one app in all languages, newest first, no further back than seven days.

    Their ids are those of the public page, so that what both bring counts once. Only reviews of the production track
    that carry a text are listed; device, Android and version code come with them.
    """

    kind = "google_play_api"

    def __init__(
        self,
        app_id: str,
        key_file: str,
        base_url: str = ANDROID_PUBLISHER,
        *,
        http: Http,
        page_size: int = LARGEST_PAGE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.app_id = package_name(app_id)
        self._base = safe_url(base_url, "address of the Google Play Developer API")
        self._account: ServiceAccount = read_service_account(key_file)
        self._token = GoogleToken(self._account, SCOPE, clock)
        self._http = http
        self._count = max(1, min(page_size, LARGEST_PAGE))

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of at most 100 reviews, the last changed first.

        The end is the source's limit of seven days, never "nothing older". Raises SourceError: refused with the right
        that is missing, gone, throttled (429 or a used-up quota), unreachable, format, repeated.
        """
        walked = _Walked()
        token = resume
        with self._http.walk() as walk:
            while True:
                answer = self._ask(walk, token)
                if answer.empty and token is None:
                    # Asked twice: an empty list may be calm or a fault of theirs, and says nothing of older days.
                    answer = self._ask(walk, None)
                    if answer.empty:
                        note = "The API shows no review written in the last seven days."
                        reaches = self._http.now() - WINDOW
                        yield Page(end="unconfirmed", note=note, reaches=reaches, doubt=EMPTY)
                        return
                if token is not None:
                    walked.tokens.add(token)
                page = self._page(answer, walked)
                yield page
                if page.end is not None:
                    return
                if answer.token in walked.tokens or walked.stale >= 2:
                    text = "The Google Play Developer API sends the same reviews again and again."
                    raise SourceError(text, "repeated")
                token = answer.token

    def probe(self) -> list[Probe]:
        """Exchange the key for a token, then ask for one review: two rights, told apart."""
        name = "Google Play Developer API"
        with self._http.walk() as walk:

            def ask() -> str:
                self._ask(walk, None, 1)
                return f"It may read the reviews of {self.app_id} of seven days."

            return self._token.probe_both(walk, f"{name} key", f"{name} reviews", ask)

    def _ask(self, walk: Walk, token: str | None, count: int | None = None) -> _Answer:
        url = f"{self._base}/androidpublisher/v3/applications/{self.app_id}/reviews"
        params = {"maxResults": str(count or self._count)} | ({"token": token} if token else {})
        document, _ = get_json(walk, url, self._token, self._explain, params)
        return _Answer(*read_reviews(document, self.app_id))

    def _page(self, answer: _Answer, walked: _Walked) -> Page:
        fresh: dict[str, VerbatimRecord] = {}
        for row in answer.rows:
            if row.external_id not in walked.ids:
                fresh.setdefault(row.external_id, row)
        walked.ids.update(fresh)
        walked.stale = walked.stale + 1 if answer.rows and not fresh else 0
        repeated = len(answer.rows) - len(fresh)
        return Page(
            verbatims=tuple(fresh.values()),
            quarantined=tuple(answer.bad),
            resume=answer.token,
            end=None if answer.token else "source_limit",
            reaches=None if answer.token else self._http.now() - WINDOW,
            progress=None if answer.token else 1.0,
            note=f"{repeated} reviews had been read before in this walk" if repeated else "",
        )

    def _explain(self, error: SourceError) -> SourceError:
        """Say a refusal in words that name the right which is missing."""
        if error.status == 401:
            return reworded(error, f"Google does not accept the token of {self._account.email} (answer 401).")
        if error.status == 403:
            return forbidden(error, self._http, self._base, self._account.email, self.app_id, "Reply to reviews")
        if error.status == 404:
            return reworded(error, f"Google Play knows no app {self.app_id} in this developer account.")
        if error.status == 400 and "token" in said(error, "message").lower():
            return reworded(error, "Google no longer takes the place where the last walk stopped.", "format")
        return error


def forbidden(error: SourceError, http: Http, url: str, email: str, app_id: str, right: str) -> SourceError:
    """Tell the three meanings of a 403 apart: a quota, an API that is switched off, a right that is missing."""
    reason = error.excerpt
    if "imitExceeded" in reason or "quotaExceeded" in reason:
        wait = http.pace.hold(host_of(url), None)
        text = "The app's quota for the Google Play Developer API is used up (200 questions an hour)."
        throttled = reworded(error, text, "throttled")
        throttled.retry_after = wait
        return throttled
    if "accessNotConfigured" in reason or "SERVICE_DISABLED" in reason:
        text = "The Google Play Android Developer API is switched off in the project of the service account."
        return reworded(error, f"{text} Switch it on in Google Cloud, APIs and Services.")
    what = "reviews" if right == "Reply to reviews" else "releases"
    text = (
        f"The service account {email} may not read the {what} of {app_id} (answer 403): "
        f"give it the right “{right}” in the Play Console, Users and permissions."
    )
    return reworded(error, text)
