"""App Store Connect: all reviews of an app with Apple's answers to them, their versions, and phased releases.

Source: Apple, App Store Connect API: customerReviews, appStoreVersions, "Generating tokens for API requests".
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric import ec

from collectors.access import Key, get_json, private_key, read_key_file, reworded, safe_url, said, signed
from collectors.base import EMPTY, Page, Probe, SourceError, WalkEnd
from collectors.connect_format import Listing, Version, hourly_rest, read_listing, read_reviews, read_versions
from collectors.connect_versions import VersionSearch
from collectors.http import Http, Walk, host_of
from models.records import QuarantinedRow, VerbatimRecord

CONNECT = "https://api.appstoreconnect.apple.com"
PAGE_SIZE = 200
VERSION_PAGES = 10
LIFETIME = 900
RENEWED = 60
AUDIENCE = "appstoreconnect-v1"
REVIEW_ROLES = "Admin, App Manager or Customer Support"


class ConnectToken:
    """A token of fifteen minutes (Apple takes up to twenty), renewed a minute before its end."""

    def __init__(self, key: Key, key_id: str, issuer_id: str, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._key_id = key_id
        self._issuer_id = issuer_id
        self._clock = clock
        self._text = ""
        self._ends = 0.0

    def bearer(self, walk: Walk) -> str:
        """Return a token that is good for another minute at least."""
        now = int(self._clock())
        if not self._text or now > self._ends - RENEWED:
            # A key of one person has no issuer; its subject is "user".
            who = {"iss": self._issuer_id} if self._issuer_id else {"sub": "user"}
            # A minute back, for a clock that is a little ahead of Apple's.
            claims = {**who, "iat": now - 60, "exp": now + LIFETIME, "aud": AUDIENCE}
            self._text, self._ends = signed(claims, self._key, self._key_id), now + LIFETIME
        return self._text

    def drop(self) -> None:
        """Sign anew at the next request."""
        self._text = ""


@dataclass(slots=True)
class _Walked:
    """What a walk has seen: how many reviews, those of the page before, its cursors, what Apple counts, what ends it.

    Only one page's ids are kept: a review that a shift shows twice stands on the next page. `place` is the cursor that
    led to the request before (None: the newest reviews). `again`: that page was read without its versions.
    """

    met: int = 0
    last: str = ""
    before: set[str] = field(default_factory=set)
    cursors: set[str] = field(default_factory=set)
    total: int | None = None
    place: str | None = None
    again: bool = False
    fault: SourceError | None = None
    notes: list[str] = field(default_factory=list)


class AppStoreConnect:
    """The reviews of one app in all storefronts (or in `territories`, codes of three letters with commas).

    The list knows no date filter and no mark of edits. A walk's first page therefore holds the newest
    `overlap` requests of 200 reviews, which every walk reads again, whatever is known of them. Ids are not those of
    the public feed: one storefront is read by either, never by both, or its reviews count twice.
    """

    kind = "app_store_connect"

    def __init__(
        self,
        app_id: str,
        key_id: str,
        key_file: str,
        issuer_id: str = "",
        base_url: str = CONNECT,
        *,
        http: Http,
        territories: str = "",
        overlap: int = 3,
        versions: int = 40,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not re.fullmatch(r"[0-9]{1,20}", app_id):
            raise ValueError(f"an App Store id is a number, not {app_id!r}")
        if not re.fullmatch(r"[A-Za-z0-9]{4,40}", key_id):
            raise ValueError("key_id is the id that App Store Connect shows beside the key, such as 2X9R4HXF34")
        if not re.fullmatch(r"[A-Za-z0-9-]{0,60}", issuer_id):
            raise ValueError("issuer_id is the id above the list of keys, such as 57246542-96fe-1a63-e053-0824d011072a")
        if not re.fullmatch(r"([A-Z]{3}(,[A-Z]{3})*)?", territories):
            raise ValueError(f"territories are codes of three letters with commas (FRA,BEL), not {territories!r}")
        self.app_id = app_id
        self._base = safe_url(base_url, "address of App Store Connect")
        self._http = http
        self._token = ConnectToken(
            private_key(read_key_file(key_file), key_file, ec.EllipticCurvePrivateKey), key_id, issuer_id, clock
        )
        self._territories = territories
        self._overlap = max(1, min(overlap, 20))
        self._versions = max(0, min(versions, 500))

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of 200 reviews (the first is larger, see above) from the newest backwards.

        The first page brings the phased releases too. Raises SourceError: refused with the right that is missing,
        gone, throttled (429, or little left of the key's requests this hour), format, unreachable, repeated.
        """
        walked = _Walked()
        with self._http.walk() as walk:
            cursor, first = resume, True
            search: VersionSearch | None = None
            while True:
                requests = self._overlap if first and resume is None else 1
                rows, bad, cursor = self._read(walk, cursor, requests, walked)
                if search is None:
                    search = self._search(walk, walked)
                fresh = [row for row in rows if row.external_id not in walked.before]
                walked.met += len(fresh) + len(bad)
                walked.before = {row.external_id for row in rows}
                walked.last = rows[-1].external_id if rows else walked.last
                named = self._named(fresh, search, walked)
                end = None if walked.fault or cursor else self._end(resume, walked)
                notes, walked.notes = "; ".join(walked.notes), []
                yield Page(
                    verbatims=tuple(named),
                    releases=tuple(one.release for one in search.versions if one.release) if first else (),
                    quarantined=tuple(bad),
                    resume=walked.place if walked.again else cursor,
                    end=end,
                    progress=1.0 if end else _share(walked) if resume is None else None,
                    note=notes,
                    doubt=(walked.last or EMPTY) if end == "unconfirmed" else "",
                )
                if walked.fault is not None:
                    raise walked.fault
                if end is not None:
                    return
                first = False

    def probe(self) -> list[Probe]:
        """Try the app, its reviews and its versions with one small request each: each needs a right of its own."""
        path = f"/v1/apps/{self.app_id}"
        checks = (
            ("App Store Connect key", path, {"fields[apps]": "name"}, "name"),
            ("App Store Connect reviews", f"{path}/customerReviews", {"limit": "1"}, "customer reviews"),
            ("App Store Connect versions", f"{path}/appStoreVersions", {"limit": "1"}, "versions"),
        )
        probes: list[Probe] = []
        with self._http.walk() as walk:
            for name, place, params, what in checks:
                try:
                    get_json(walk, self._base + place, self._token, self._explain(what), params)
                except SourceError as error:
                    probes.append(Probe(name, False, error.message))
                    if error.status == 401 or error.kind in {"unreachable", "throttled"}:
                        break
                else:
                    probes.append(Probe(name, True, f"The key may read the {what} of the app {self.app_id}."))
        return probes

    def _read(
        self, walk: Walk, cursor: str | None, requests: int, walked: _Walked
    ) -> tuple[list[VerbatimRecord], list[QuarantinedRow], str | None]:
        """Read some requests' worth of reviews; a fault after the first keeps what was read and ends the walk."""
        rows: dict[str, VerbatimRecord] = {}
        bad: list[QuarantinedRow] = []
        for number in range(requests):
            try:
                listing = self._reviews(walk, cursor, walked)
                good, unreadable = read_reviews(listing)
                _must_lead_on(listing, walked)
                if listing.total is not None and walked.total is not None and listing.total < walked.total:
                    # A review was deleted since: the head of this page may have moved up onto the one before.
                    good += read_reviews(self._reviews(walk, walked.place, walked))[0]
            except SourceError as error:
                if not number:
                    raise
                walked.fault = error
                break
            for row in good:
                rows.setdefault(row.external_id, row)
            bad.extend(unreadable)
            walked.total, walked.place = listing.total, cursor
            cursor = listing.cursor
            if cursor is None:
                break
            walked.cursors.add(cursor)
            if walked.fault is not None:
                break
        return list(rows.values()), bad, cursor

    def _reviews(self, walk: Walk, cursor: str | None, walked: _Walked) -> Listing:
        params = {"sort": "-createdDate", "limit": str(PAGE_SIZE), "include": "response"}
        return self._list(walk, f"/v1/apps/{self.app_id}/customerReviews", params, cursor, "customer reviews", walked)

    def _list(
        self, walk: Walk, path: str, params: dict[str, str], cursor: str | None, what: str, walked: _Walked
    ) -> Listing:
        """Ask for one page of a list; `walked.fault` is set where the key has few requests left this hour."""
        asked = params | ({"cursor": cursor} if cursor else {})
        if self._territories and path.endswith("/customerReviews"):
            asked["filter[territory]"] = self._territories
        document, answer = get_json(walk, self._base + path, self._token, self._explain(what), asked)
        rest = hourly_rest(answer)
        if rest is not None and rest[1] < rest[0] // 20 and walked.fault is None:
            wait = 900.0
            text = f"The key has {rest[1]} of {rest[0]} requests left this hour; they are left to others for 15 min."
            walked.fault = SourceError(text, "throttled", wait, host_of(self._base))
        return read_listing(document)

    def _search(self, walk: Walk, walked: _Walked) -> VersionSearch:
        """Read the app's versions; without the right to them reviews are read all the same, without versions."""

        def ask(path: str, params: dict[str, str], cursor: str | None) -> Listing:
            return self._list(walk, path, params, cursor, "versions", walked)

        versions: list[Version] = []
        if walked.fault is None:
            params = {
                "filter[platform]": "IOS",
                "limit": str(PAGE_SIZE),
                "include": "build,appStoreVersionPhasedRelease,appStoreVersionLocalizations",
                "fields[builds]": "version",
                "fields[appStoreVersionLocalizations]": "locale,whatsNew",
                "limit[appStoreVersionLocalizations]": "50",
            }
            try:
                cursor: str | None = None
                for _ in range(VERSION_PAGES):
                    listing = ask(f"/v1/apps/{self.app_id}/appStoreVersions", params, cursor)
                    versions += read_versions(listing)
                    cursor = listing.cursor
                    if cursor is None:
                        break
            except SourceError as error:
                self._without_versions(error, walked)
        return VersionSearch(versions, ask, self._versions)

    def _named(self, rows: list[VerbatimRecord], search: VersionSearch, walked: _Walked) -> list[VerbatimRecord]:
        """Give each review the version it was written about, as far as Connect lists it under one."""
        if rows and walked.fault is None:
            try:
                search.reach(rows, lambda: walked.fault is not None)
            except SourceError as error:
                search.stop()
                self._without_versions(error, walked)
        named = [replace(row, version=search.take(row.external_id)) for row in rows]
        if search.beyond:
            walked.notes.append(f"only the newest {self._versions} versions were asked for their reviews")
            search.beyond = False
        return named

    def _without_versions(self, error: SourceError, walked: _Walked) -> None:
        walked.notes.append(f"read without versions: {error.message}")
        # A missing right will not come back by itself; what may pass ends the walk after this page.
        if error.kind in {"throttled", "unreachable"}:
            walked.fault, walked.again = walked.fault or error, True

    def _end(self, resume: str | None, walked: _Walked) -> WalkEnd:
        """Judge the end of the list by what Apple counts itself."""
        if resume is not None:
            return "exhausted"
        if walked.total is None:
            if not walked.met:
                walked.notes.append("App Store Connect shows no review and does not say how many there are")
            return "exhausted" if walked.met else "unconfirmed"
        if walked.met < walked.total:
            walked.notes.append(f"App Store Connect counts {walked.total} reviews, the walk met {walked.met}")
            return "unconfirmed"
        return "exhausted"

    def _explain(self, what: str) -> Callable[[SourceError], SourceError]:
        """Say a refusal in words that name the right which is missing."""

        def explain(error: SourceError) -> SourceError:
            if error.status == 401:
                text = (
                    "App Store Connect does not accept the key (answer 401): check its key_id, issuer_id and file, "
                    "that it was not revoked, and this machine's clock."
                )
                return reworded(error, text)
            if error.status == 403:
                code = said(error, "code")
                if "AGREEMENT" in code:
                    text = "App Store Connect waits for somebody to accept its new agreement (Business, Agreements)."
                else:
                    text = (
                        f"The key may not read the {what} of the app {self.app_id} (answer 403): give it the role "
                        f"{REVIEW_ROLES} (App Store Connect, Users and Access, Integrations)."
                    )
                return reworded(error, text)
            if error.status == 404:
                return reworded(error, f"App Store Connect does not know the app {self.app_id} for this key's team.")
            return error

        return explain


def _must_lead_on(listing: Listing, walked: _Walked) -> None:
    """Raise SourceError(repeated) where the next page was read before."""
    if listing.cursor is not None and listing.cursor in walked.cursors:
        raise SourceError("App Store Connect leads to the same page again and again; the walk stops there.", "repeated")


def _share(walked: _Walked) -> float | None:
    return min(1.0, walked.met / walked.total) if walked.total else None
