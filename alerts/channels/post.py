"""One POST of JSON with a time limit for the whole of it, no redirects, and no way into a private network.

The limit holds from the first byte sent to the last one read: a receiver that drips its headers cannot outlast the
lease of a delivery. The guard resolves the host, refuses when any address is not public, and connects to the very
address it checked, so that a second answer of the name server cannot lead elsewhere (DNS rebinding).
"""

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx

from alerts.channels.base import DeliveryError, Receipt

TIMEOUT = 15.0
LONGEST_ANSWER = 2_000
NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are the IPv4 address that a gateway of the network connects to."""


def post(url: str, body: bytes, headers: dict[str, str], *, guarded: bool = True, timeout: float = TIMEOUT) -> Receipt:
    """POST `body`. Raises DeliveryError on anything but 2xx, with what the receiver asked for (Retry-After, 410).

    `guarded` off trusts the address (a fixed service behind a proxy, or private networks allowed by a setting).
    """
    answer = fetch(_request(url, body, headers, guarded=guarded), timeout=timeout, trust_env=not guarded)
    if answer.is_success:
        return Receipt(answer.status, answer.text)
    raise refused(answer)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the beginning of its text, up to the length that was asked for."""

    status: int
    headers: httpx.Headers
    text: str

    @property
    def is_success(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300


def fetch(request: httpx.Request, *, timeout: float, trust_env: bool, longest: int = LONGEST_ANSWER) -> Answer:
    """Send a request and read its answer within `timeout` seconds in all. Raises DeliveryError when none comes."""
    try:
        return asyncio.run(_exchange(request, timeout, trust_env, longest))
    except (httpx.TimeoutException, TimeoutError) as error:
        raise DeliveryError(f"No answer within {timeout:.0f} seconds.") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise DeliveryError(f"The connection failed: {error or type(error).__name__}.") from error


async def _exchange(request: httpx.Request, timeout: float, trust_env: bool, longest: int) -> Answer:
    limits = httpx.Timeout(timeout, connect=min(timeout, 5.0))
    begun = asyncio.get_running_loop().time()
    async with (
        asyncio.timeout(timeout),
        httpx.AsyncClient(timeout=limits, follow_redirects=False, trust_env=trust_env) as client,
    ):
        request.extensions = {**request.extensions, "timeout": limits.as_dict()}
        answer = await client.send(request, stream=True)
        kept = b""
        try:
            # Its status has been told: an answer that never ends was an answer all the same.
            with suppress(TimeoutError, httpx.ReadTimeout):
                async with asyncio.timeout_at(begun + timeout * 0.95):
                    async for chunk in answer.aiter_bytes(4096):
                        kept += chunk
                        if len(kept) >= longest:
                            break
        finally:
            await answer.aclose()
        return Answer(answer.status_code, answer.headers, kept[:longest].decode("utf-8", "replace").strip())


def refused(answer: Answer) -> DeliveryError:
    """Return the error of an answer that is no 2xx, with what the receiver asked for."""
    return DeliveryError(
        f"The receiver answered {answer.status}" + (f": {answer.text}" if answer.text else "."),
        status=answer.status,
        gone=answer.status == 410,
        retry_after=retry_after(answer.headers.get("retry-after"), answer.headers.get("date")),
    )


def retry_after(value: str | None, date: str | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number, or a date told by the receiver's own clock."""
    if not value:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        if date is None:
            return None
        return max((parsedate_to_datetime(value) - parsedate_to_datetime(date)).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None


def _request(url: str, body: bytes, headers: dict[str, str], *, guarded: bool) -> httpx.Request:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise DeliveryError("The address cannot be read.", lasting=True) from error
    if address.scheme not in {"http", "https"} or not address.host:
        raise DeliveryError("The address must begin with https:// or http://.", lasting=True)
    headers = {"content-type": "application/json", "user-agent": "Cocoon/0.1", **headers}
    if not guarded:
        return httpx.Request("POST", address, content=body, headers=headers)
    checked = _public_address(address.host, address.port or (443 if address.scheme == "https" else 80))
    return httpx.Request(
        "POST",
        address.copy_with(host=checked),
        content=body,
        headers={"host": address.netloc.decode("ascii"), **headers},
        extensions={"sni_hostname": address.raw_host.decode("ascii").strip("[]")},
    )


def _public_address(host: str, port: int) -> str:
    """Return one address of the host; raise unless every one of them is public."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise DeliveryError(f"The name {host} is not known.") from error
    for text in found:
        address = ip_address(text.partition("%")[0])
        inner = _inside(address)
        if not inner.is_global or inner.is_multicast:
            raise DeliveryError(
                f"The address of {host} is inside a private network; allow it by COCOON_ALLOW_PRIVATE_WEBHOOKS=yes."
            )
    if not found:
        raise DeliveryError(f"The name {host} has no address.")
    return min(found, key=lambda text: (":" in text, text))


def _inside(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one leads to (mapped, 6to4, NAT64), else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
