"""The one HTTP client of all collectors: time-outs, few retries, pace per host, and errors that say what happened."""

import contextlib
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from collectors.base import FaultKind, SourceError
from collectors.pace import Pace

USER_AGENT = "Cocoon/1 (customer feedback monitor)"
LONGEST_RETRY_AFTER = 86_400.0
_AGAIN = frozenset({408, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source answered with success: its body as it came (decompressed) and what it calls it.

    `headers` are those of the answer, their names in lower case.
    """

    url: str
    status: int
    body: bytes
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced, as a web browser would."""
        return self.body.decode("utf-8", errors="replace")


def retry_after_seconds(value: str | None, now: datetime | None = None) -> float | None:
    """Read a Retry-After header, in seconds or as an HTTP date (RFC 9110, 10.2.3); None where it says nothing."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - (now or datetime.now(UTC))).total_seconds()), LONGEST_RETRY_AFTER)


def host_of(url: str) -> str:
    """Return the host of an address, in lower case; '' where it has none."""
    try:
        return httpx.URL(url).host
    except httpx.InvalidURL:
        return ""


class Http:
    """What every walk shares: the pace, the time-outs, the TLS settings. `walk()` gives a client with its own cookies.

    `timeout` and `deadline` are seconds (of silence, and for one whole answer); `retries` counts further tries after
    a passing fault; `max_bytes` bounds a decompressed body. `sleep` is replaced in tests. `now` dates what
    carries no date of its own (counters).
    """

    def __init__(
        self,
        *,
        user_agent: str = USER_AGENT,
        timeout: float = 20.0,
        deadline: float = 90.0,
        retries: int = 3,
        first_delay: float = 0.5,
        max_bytes: int = 32 * 1024 * 1024,
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.now = now
        self.user_agent = user_agent
        self.timeout = timeout
        self.deadline = deadline
        self.retries = retries
        self.first_delay = first_delay
        self.max_bytes = max_bytes
        self.sleep = sleep
        self.pace = pace or Pace(sleep=sleep)
        self.tls = ssl.create_default_context()

    @contextlib.contextmanager
    def walk(self, headers: Mapping[str, str] | None = None) -> "Iterator[Walk]":
        """Open a client with its own cookie jar for one walk."""
        timeout = httpx.Timeout(self.timeout, connect=min(10.0, self.timeout))
        own = {"User-Agent": self.user_agent, **(headers or {})}
        with httpx.Client(verify=self.tls, timeout=timeout, headers=own, follow_redirects=False) as client:
            yield Walk(self, client)


class Walk:
    """The requests of one walk: one cookie jar, one host after the other, never faster than the pace."""

    def __init__(self, http: Http, client: httpx.Client) -> None:
        self._http = http
        self._client = client

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str | list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        forbidden: FaultKind = "refused",
        missing: FaultKind = "gone",
    ) -> Answer:
        """GET; `forbidden` is what a 403 means at this source, `missing` a 404 or 410.

        Raises SourceError for everything but success.
        """
        return self._send("GET", url, {403: forbidden, 404: missing, 410: missing}, params=params, headers=headers)

    def post(
        self,
        url: str,
        *,
        content: bytes,
        params: Mapping[str, str | list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        forbidden: FaultKind = "refused",
        missing: FaultKind = "gone",
    ) -> Answer:
        """POST of a request that only reads, so that it may be repeated. Raises as `get`."""
        means = {403: forbidden, 404: missing, 410: missing}
        return self._send("POST", url, means, params=params, headers=headers, content=content)

    def delete(self, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """DELETE of what we made ourselves, so that it may be repeated. Raises as `get`."""
        return self._send("DELETE", url, {404: "gone", 410: "gone"}, params=None, headers=headers)

    def _send(
        self,
        method: str,
        url: str,
        means: Mapping[int, FaultKind],
        *,
        params: Mapping[str, str | list[str]] | None,
        headers: Mapping[str, str] | None,
        content: bytes | None = None,
    ) -> Answer:
        try:
            request = self._client.build_request(method, url, params=params, headers=headers, content=content)
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise SourceError(
                "The address of the source is not a web address; check its settings.", "refused"
            ) from error
        fault: SourceError | None = None
        for attempt in range(self._http.retries + 1):
            if attempt:
                self._http.sleep(self._http.first_delay * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311
            try:
                return self._follow(request, means)
            except _PassingFault as passing:
                fault = passing.error
        assert fault is not None
        raise fault

    def _follow(self, request: httpx.Request, means: Mapping[int, FaultKind]) -> Answer:
        """Follow redirections within the host: another host is a captcha or a consent page, never the source."""
        for _ in range(4):
            answer, target = self._once(request, means)
            if answer is not None:
                return answer
            assert target is not None
            request = target
        raise SourceError(f"{request.url.host} redirects in circles.", "format", host=request.url.host)

    def _once(
        self, request: httpx.Request, means: Mapping[int, FaultKind]
    ) -> tuple[Answer | None, httpx.Request | None]:
        host = request.url.host
        pace = self._http.pace
        if held := pace.held(host):
            raise SourceError(
                f"{host} asked us to slow down; it is left alone for another {_duration(held)}.",
                "throttled",
                held,
                host,
            )
        pace.wait(host)
        try:
            response = self._client.send(request, stream=True)
            try:
                body = self._read(response)
            finally:
                response.close()
        except httpx.HTTPError as error:
            raise _PassingFault(_broken(error, host, self._http.timeout)) from error
        if response.status_code in _REDIRECTS and response.next_request is not None:
            target = response.next_request.url
            if target.host != host:
                raise _elsewhere(host, target.host, target.path)
            if request.url.scheme == "https" != target.scheme:  # a key would follow, readable by all on the way
                raise _elsewhere(host, f"{target.scheme}://{host}", target.path)
            return None, response.next_request
        if response.is_success:
            pace.served(host)
            kind = response.headers.get("content-type", "")
            return Answer(str(response.url), response.status_code, body, kind, dict(response.headers)), None
        refusal = self._refusal(response, body, means)
        fault = refusal.error if isinstance(refusal, _PassingFault) else refusal
        fault.status = response.status_code
        raise refusal

    def _read(self, response: httpx.Response) -> bytes:
        """Read the body within the size and the time that an answer may take."""
        host = response.request.url.host
        ends = time.monotonic() + self._http.deadline
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > self._http.max_bytes:
                limit = self._http.max_bytes // 1_000_000
                raise SourceError(
                    f"{host} sent an answer larger than {limit} MB; it was not read.", "format", host=host
                )
            if time.monotonic() > ends:
                text = f"{host} took longer than {_duration(self._http.deadline)} for one answer."
                raise _PassingFault(SourceError(text, "unreachable", host=host))
        return b"".join(parts)

    def _refusal(
        self, response: httpx.Response, body: bytes, means: Mapping[int, FaultKind]
    ) -> "SourceError | _PassingFault":
        """Turn an answer that is no success into the error that says what to do."""
        status, host = response.status_code, response.request.url.host
        # Long enough for the reason that Google puts at the end of an error.
        excerpt = body[:2000].decode("utf-8", errors="replace")
        asked = retry_after_seconds(response.headers.get("retry-after"))
        if status == 429 or means.get(status) == "throttled":
            wait = self._http.pace.hold(host, asked)
            text = f"{host} asked us to slow down (answer {status}); the next try waits {_duration(wait)}."
            return SourceError(text, "throttled", wait, host, excerpt)
        if status in {401, 403}:
            text = f"{host} refused the request (answer {status}): the access or its rights have to be checked."
            return SourceError(text, "refused", None, host, excerpt)
        if status in {404, 410}:
            text = f"{host} does not know this address (answer {status})."
            return SourceError(text, means.get(status, "gone"), None, host, excerpt)
        if status in _AGAIN:
            text = f"{host} has a fault of its own (answer {status}); it is tried again later."
            error = SourceError(text, "unreachable", asked, host, excerpt)
            # A host that says when to come back is not asked again before.
            return error if asked is not None and asked > 5 else _PassingFault(error)
        kind: FaultKind = "unreachable" if status >= 500 else "format"
        return SourceError(f"{host} answered {status}, which is not expected here.", kind, None, host, excerpt)


class _PassingFault(Exception):  # noqa: N818
    """A fault that another try may heal; carries the error to raise when none does."""

    def __init__(self, error: SourceError) -> None:
        super().__init__(error.message)
        self.error = error


def _broken(error: httpx.HTTPError, host: str, timeout: float) -> SourceError:
    """Say in words why no answer came."""
    if isinstance(error, httpx.TimeoutException):
        text = f"{host} did not answer within {_duration(timeout)}."
    elif "CERTIFICATE" in str(error).upper():
        text = f"The certificate of {host} could not be verified; a proxy on the way may be the cause."
    elif isinstance(error, httpx.ConnectError):
        text = f"{host} could not be reached; check the network or the proxy."
    else:
        text = f"The answer of {host} broke off before its end."
    return SourceError(text, "unreachable", host=host)


def _elsewhere(host: str, target: str, path: str) -> SourceError:
    """Say what a redirection to another host means."""
    if path.startswith("/sorry"):
        return SourceError(f"{host} asks to prove that we are human (captcha).", "throttled", host=host)
    return SourceError(
        f"{host} sent us to {target} instead of answering (consent or sign-in page).", "format", host=host
    )


def _duration(seconds: float) -> str:
    """Say a time in words: 5 s, 12 min, 3 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
