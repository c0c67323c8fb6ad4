"""From what people paste (a store link, an id, a package name) to an app with its name."""

import re
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from collectors.app_store_lookup import ITUNES, look_up
from collectors.base import SourceError
from collectors.google_play_details import fetch_details
from collectors.http import Http
from collectors.play_format import PLAY

Store = Literal["app_store", "google_play"]
_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+")
_STORE_HOSTS = ("apple.com", "google.com", "itunes.com")


@dataclass(frozen=True, slots=True)
class AppLink:
    """An app of a store. `storefront` and `lang` are what the link says, lower case; '' where it says nothing.

    `name` and `publisher` are filled by `find_app`.
    """

    store: Store
    app_id: str
    storefront: str = ""
    lang: str = ""
    name: str = ""
    publisher: str = ""


def parse_link(text: str) -> AppLink | None:
    """Read a link to either store in any of its forms, an App Store number or a package name; else None."""
    text = text.strip().strip("<>\"'")
    if found := re.fullmatch(r"(?:id)?([0-9]{5,20})", text, re.IGNORECASE):
        return AppLink("app_store", found[1])
    if _PACKAGE.fullmatch(text) and not text.lower().endswith(_STORE_HOSTS):
        return AppLink("google_play", text)
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, query = (parts.hostname or "").lower(), parse_qs(parts.query)
    except ValueError:
        return None
    if parts.scheme == "market" or host == "play.google.com":
        return _play_link(unquote(parts.path), query)
    if host in {"apps.apple.com", "itunes.apple.com", "itunes.com", "appstore.com", "appsto.re"}:
        return _apple_link(unquote(parts.path), query)
    return None


def _play_link(path: str, query: dict[str, list[str]]) -> AppLink | None:
    app_id = (query.get("id") or [""])[0] or (re.search(r"/apps/(?:testing|internaltest)/([^/]+)", path) or ["", ""])[1]
    if not _PACKAGE.fullmatch(app_id):
        return None
    lang, country = (query.get("hl") or [""])[0], (query.get("gl") or [""])[0]
    # hl=fr_FR and hl=fr-CA name a country as well; the corpus is that of the language.
    lang = re.split("[-_]", lang)[0].lower()
    return AppLink("google_play", app_id, _two_letters(country), lang if re.fullmatch("[a-z]{2,3}", lang) else "")


def _apple_link(path: str, query: dict[str, list[str]]) -> AppLink | None:
    number = re.search(r"/id([0-9]{5,20})(?:/|$)", path)
    app_id = number[1] if number else next(iter(query.get("id") or []), "")
    if not re.fullmatch(r"[0-9]{5,20}", app_id):
        return None
    first = path.strip("/").split("/")[0]
    return AppLink("app_store", app_id, _two_letters(first) or _two_letters((query.get("cc") or [""])[0]))


def _two_letters(text: str) -> str:
    return text.lower() if re.fullmatch(r"[A-Za-z]{2}", text) else ""


def find_app(
    text: str,
    http: Http,
    *,
    storefront: str = "fr",
    lang: str = "fr",
    app_store_url: str = ITUNES,
    google_play_url: str = PLAY,
) -> AppLink:
    """Find the app that a link, number or package name means, with its name and publisher.

    `storefront` and `lang` are asked where the link names none. Raises SourceError: refused where the text is no app,
    gone where the store does not know it there, and what the request may raise.
    """
    link = parse_link(text)
    if link is None:
        raise SourceError(
            "This is neither a link to the App Store or Google Play nor an app's number or package name.", "refused"
        )
    link = replace(link, storefront=link.storefront or storefront, lang=link.lang or lang)
    with http.walk() as walk:
        if link.store == "google_play":
            details = fetch_details(walk, link.app_id, link.lang, link.storefront, google_play_url)
            return replace(link, name=details.name, publisher=details.developer)
        found = look_up(walk, link.app_id, link.storefront, app_store_url)
    if found is None:
        raise SourceError(
            f"The App Store does not know the app {link.app_id} in the storefront {link.storefront}.", "gone"
        )
    return replace(link, name=found.name, publisher=found.seller)
