"""Setting up: from a store link to an app with its listing and its sources."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import Problem
from collectors.registry import KINDS
from models.apps import App, Listing
from models.sources import Source

STORE_URL = {
    "app_store": "https://apps.apple.com/{storefront}/app/id{id}",
    "google_play": "https://play.google.com/store/apps/details?id={id}",
}


@dataclass(frozen=True, slots=True)
class Added:
    """What a set-up made: the app, and the sources to read first."""

    app: App
    sources: list[Source]


def add_from_link(
    session: Session,
    state: Any,
    link: str,
    storefronts: Sequence[str] = (),
    languages: Sequence[str] = (),
    *,
    name: str | None = None,
) -> Added:
    """Find the app that a link means and set it up. Raises Problem with a sentence for a link that leads nowhere.

    `state.find_app(link)` asks the store and returns store, app_id, name, storefront and lang.
    """
    found = state.find_app(link)
    return add_listing(session, found, storefronts, languages, name=name)


def add_listing(
    session: Session,
    found: dict[str, Any],
    storefronts: Sequence[str] = (),
    languages: Sequence[str] = (),
    *,
    name: str | None = None,
) -> Added:
    """Make the listing and its sources; the app is joined by name, so that both stores come under one."""
    storefronts = _codes(storefronts or [found.get("storefront") or "fr"], "storefront")
    languages = _codes(languages or [found.get("lang") or "fr"], "language")
    store, external_id = found["store"], found["app_id"]
    app = find_or_make_app(session, name or found.get("name") or external_id)
    listing = session.scalar(
        select(Listing).where(Listing.app_id == app.id, Listing.channel == store, Listing.external_id == external_id)
    )
    if listing is None:
        url = STORE_URL[store].format(storefront=storefronts[0], id=external_id)
        listing = Listing(app_id=app.id, channel=store, external_id=external_id, name=found.get("name") or "", url=url)
        session.add(listing)
    made = [
        source
        for kind, label, config, minutes in _wanted(store, external_id, storefronts, languages)
        if (source := _add_source(session, app, kind, store, label, config, minutes)) is not None
    ]
    if not made:
        raise Problem(409, f"{app.name} already reads this listing there: nothing to add.")
    session.flush()
    return Added(app, made)


def find_or_make_app(session: Session, name: str) -> App:
    """The app of this name, made if it is not there. Raises Problem for an empty or endless name."""
    name = " ".join(name.replace("\x00", "").split())
    if not 1 <= len(name) <= 200:
        raise Problem(422, "An app needs a name of 1 to 200 characters.", where="body.name")
    app = session.scalar(select(App).where(func.lower(App.name) == name.lower()).order_by(App.id).limit(1))
    if app is None:
        app = App(name=name)
        session.add(app)
        session.flush()
    return app


def change_app(
    session: Session, app: App, *, name: str | None = None, timezone: str | None = None, language: str | None = None
) -> None:
    """Rename an app, or change its zone (for days to come) or the language of its alerts. Raises Problem 409, 422."""
    if name is not None:
        name = " ".join(name.split())
        if not name:
            raise Problem(422, "An app needs a name of 1 to 200 characters.", where="body.name")
        if session.scalar(select(App.id).where(App.name == name, App.id != app.id)) is not None:
            raise Problem(409, f"There is already an app called “{name}”.", where="body.name")
    if timezone is not None and timezone not in available_timezones():
        raise Problem(422, "This is no time zone; one is Europe/Paris.", where="body.timezone")
    app.name = name or app.name
    app.timezone = timezone or app.timezone
    app.language = language or app.language
    session.flush()


def _wanted(
    store: str, external_id: str, storefronts: Sequence[str], languages: Sequence[str]
) -> list[tuple[str, str, dict[str, Any], int]]:
    """Kind, name, settings and rhythm (minutes) of each source that a listing wants."""
    wanted: list[tuple[str, str, dict[str, Any]]] = []
    if store == "app_store":
        for country in storefronts:
            config = {"app_id": external_id, "storefront": country}
            wanted.append(("app_store_feed", f"App Store {country.upper()}", config))
            wanted.append(("app_store_lookup", f"App Store {country.upper()} · note", config))
    else:
        for language in languages:
            config = {"app_id": external_id, "lang": language}
            wanted.append(("google_play", f"Google Play {language}", config))
        config = {"app_id": external_id, "lang": languages[0]}
        wanted.append(("google_play_details", "Google Play · note", config))
    return [(kind, label, config, KINDS[kind].minutes) for kind, label, config in wanted]


def _add_source(
    session: Session, app: App, kind: str, channel: str, label: str, config: dict[str, Any], minutes: int
) -> Source | None:
    known = session.scalars(select(Source).where(Source.app_id == app.id, Source.kind == kind)).all()
    if any(source.config == config for source in known):
        return None
    source = Source(app_id=app.id, kind=kind, channel=channel, name=label, config=config, rhythm_minutes=minutes)
    session.add(source)
    return source


def _codes(given: Sequence[str], what: str) -> list[str]:
    codes = list(dict.fromkeys(code.strip().lower() for code in given if code.strip()))
    longest = 3 if what == "language" else 2
    if not codes or not all(re.fullmatch(f"[a-z]{{2,{longest}}}", code) for code in codes):
        told = ", ".join(given)
        if what == "language":
            raise Problem(
                422, f"A language is two or three letters, such as fr: {told} is not.", where="body.languages"
            )
        raise Problem(422, f"A storefront is two letters, such as fr: {told} is not.", where="body.storefronts")
    return codes
