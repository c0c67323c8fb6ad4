"""Connecting a source that needs settings (a key, a project, a folder): checked in words before it is stored."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import Problem
from collectors.registry import KINDS, SourceKind
from models.apps import App
from models.sources import Source

CHANNELS = {"ios": "app_store", "android": "google_play"}
"""Under which channel a platform's crashes are told: that of its versions."""


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
