"""What this installation reads with: its own topics (in the database) and its own model (in the data folder).

Each process asks before it reads; a change means that what was read before is read again in the background.
"""

import logging
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analysis import embeddings, heads, taxonomy, topics
from analysis.taxonomy import TaxonomyError
from analysis.understand import version
from app.settings import Settings
from models.feedback import Verbatim
from models.insight import TaxonomyEdit
from models.people import Audit

log = logging.getLogger(__name__)

CURRENT = "current"


def models_folder(settings: Settings) -> Path:
    """Where the installation's own models are, one folder a version."""
    return settings.data / "models"


def own_topics(session: Session) -> str:
    """The installation's own topics (YAML), "" where it has none."""
    return session.scalar(select(TaxonomyEdit.yaml).order_by(TaxonomyEdit.id.desc()).limit(1)) or ""


def sync(session: Session, settings: Settings) -> bool:
    """Read with what the installation has chosen, in this process. True where that changed something.

    What cannot be used (made for another version of Cocoon) is left aside with a line in the log.
    """
    before = version()
    embeddings.use(settings.encoder)
    learnt = _use_model(models_folder(settings))
    there = session.scalar(select(func.to_regclass(TaxonomyEdit.__tablename__)))  # not before cocoon migrate
    words = own_topics(session) if there else ""
    try:
        taxonomy.use(words, learnt)
    except TaxonomyError as error:
        log.error("the installation's own topics are left aside", extra={"reason": str(error)})  # noqa: TRY400
        taxonomy.use("")
    return version() != before


def edit_topics(session: Session, settings: Settings, words: str, *, actor: str) -> bool:
    """Keep the installation's own topics and read with them. True where something changed. Raises TaxonomyError."""
    try:
        topics.lookup(taxonomy.parse(words))
    except TaxonomyError:
        raise
    except ValueError as error:  # a phrase that holds no word at all
        raise TaxonomyError(str(error)) from error
    if words.strip() == own_topics(session).strip():
        return False
    session.add(TaxonomyEdit(yaml=words.strip(), edited_by=actor))
    session.add(Audit(actor=actor, action="taxonomy.edited", detail={"characters": len(words)}))
    session.flush()
    sync(session, settings)
    return True


def use_version(settings: Settings, name: str) -> None:
    """Make a version the one that every process of this installation reads with; "" for the shipped model."""
    folder = models_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{CURRENT}.new"
    fresh.write_text(name + "\n", "utf-8")
    fresh.replace(folder / CURRENT)


def unread(session: Session, app_id: int) -> tuple[int, int]:
    """How many of an app's verbatims the present model has not read yet, of how many. Counts rows: not for a page."""
    old, total = session.execute(
        select(func.count().filter(Verbatim.model != version()), func.count()).where(Verbatim.app_id == app_id)
    ).one()
    return int(old), int(total)


def _use_model(folder: Path) -> str:
    """Use the model that `folder` names; return the phrases that came with it."""
    try:
        name = (folder / CURRENT).read_text("utf-8").strip()
    except OSError:
        name = ""
    if not name:
        heads.use(None)
        return ""
    if heads.load().version == name:
        return _learnt(folder / name)
    try:
        heads.use(heads.read(folder / name))
        return _learnt(folder / name)
    except (OSError, ValueError, KeyError) as error:
        log.error("the installation's own model is left aside", extra={"model": name, "reason": str(error)})  # noqa: TRY400
        heads.use(None)
        return ""


def _learnt(place: Path) -> str:
    try:
        return (place / "topics.yaml").read_text("utf-8")
    except OSError:
        return ""
