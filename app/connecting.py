"""Connecting a source that needs settings (a key, a project, a folder): checked in words before it is stored."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.credentials import PREFIX
from app.errors import Problem
from collectors.registry import KINDS, SourceKind
from models.apps import App
from models.sources import Source

CHANNELS = {"ios": "app_store", "android": "google_play"}
"""Under which channel a platform's crashes are told: that of its versions."""


FILES = {"key_file", "token_file", "folder"}
"""Settings that name a file of the server."""


def connect(
    session: Session,
    app: App,
    kind: str,
    config: Mapping[str, Any],
    *,
    name: str = "",
    minutes: int | None = None,
) -> Source:
    """Add a source of this kind to an app. Raises Problem 422 with the setting that is missing or wrong, 409 if known.

    A kind that serves both platforms is told which by the setting `platform`; days are the app's own. `minutes` is
    the rhythm (the kind's own by default; none for what is only told by webhook).
    """
    known = _known(kind, config)
    channel = known.channel or CHANNELS[str(config["platform"])]
    settings = dict(config)
    if "stability" in known.brings:
        settings.setdefault("timezone", app.timezone)
    same = select(Source).where(Source.app_id == app.id, Source.kind == kind, Source.channel == channel)
    if any(source.config == settings for source in session.scalars(same)):
        raise Problem(409, f"{app.name} already has this source.")
    source = Source(
        app_id=app.id,
        kind=kind,
        channel=channel,
        name=name or (known.label_fr if app.language == "fr" else known.label_en),
        config=settings,
        rhythm_minutes=(minutes or known.minutes) or None,
    )
    session.add(source)
    session.flush()
    return source


def _known(kind: str, config: Mapping[str, Any]) -> SourceKind:
    known = KINDS.get(kind)
    if known is None:
        raise Problem(422, f"There is no such kind of source. Kinds: {', '.join(sorted(KINDS))}.", where="body.kind")
    if missing := [name for name in known.needs if not config.get(name)]:
        text = f"{known.label_en} needs {' and '.join(missing)} (docs/sources.md)."
        raise Problem(422, text, where=f"body.config.{missing[0]}")
    if not known.channel and config.get("platform") not in CHANNELS:
        raise Problem(422, "platform is ios or android.", where="body.config.platform")
    return known


def connect_remotely(
    session: Session,
    app: App,
    state: Any,
    kind: str,
    config: Mapping[str, Any],
    *,
    name: str = "",
    minutes: int | None = None,
) -> Source:
    """The same over the network. `state` is the web application's: its `kinds`, and the settings' data folder.

    Addresses belong to the installation's settings and files to the command line: who may add a source over the network
    must not thereby read this machine's files or call what only it can reach. Raises Problem 422, 409.
    """
    kinds = sorted(one["kind"] for one in getattr(state, "kinds", []))
    if kind not in kinds:
        known = ", ".join(kinds) or "none with this server"
        raise Problem(422, f"There is no such kind of source. Kinds: {known}.", where="body.kind")
    if kind == "file":
        raise Problem(
            422,
            "A file is sent on the app’s page of imports, or imported by “cocoon import FILE --app NAME”.",
            where="body.kind",
        )
    if own := [name for name in config if name.endswith("url") or name == "path"]:
        raise Problem(422, f"The address is not a source's own setting: leave out {own[0]}.", where="body.config")
    return connect(session, app, kind, _confined(config, state.settings.data / "files"), name=name, minutes=minutes)


def _confined(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The settings with the files they name inside the one folder that the network may speak of."""
    found = dict(config)
    for name in FILES & set(config):
        if str(config[name]).startswith(PREFIX):  # entered in the interface, see /credentials
            continue
        try:
            place = (folder / str(config[name])).resolve()
        except (OSError, ValueError):
            place = Path("/")
        if not place.is_relative_to(folder.resolve()):
            raise Problem(422, f"Put it into {folder} on the server, and name it there.", where=f"body.config.{name}")
        found[name] = str(place)
    return found
