"""What this installation reads with: its own topics and its own model, both in the database, for every process.

Each process asks before it reads; a change means that what was read before is read again in the background.
"""

import io
import logging
import zipfile

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analysis import embeddings, heads, taxonomy, topics
from analysis.taxonomy import TaxonomyError
from analysis.understand import version
from app.settings import Settings
from models.feedback import Verbatim
from models.insight import TaxonomyEdit
from models.own import Training
from models.people import Audit

log = logging.getLogger(__name__)


def own_topics(session: Session) -> str:
    """The installation's own topics (YAML), "" where it has none."""
    return session.scalar(select(TaxonomyEdit.yaml).order_by(TaxonomyEdit.id.desc()).limit(1)) or ""


def sync(session: Session, settings: Settings) -> bool:
    """Read with what the installation has chosen, in this process. True where that changed something.

    What cannot be used (made for another version of Cocoon) is left aside with a line in the log.
    """
    before = version()
    embeddings.use(settings.encoder)
    there = session.scalar(select(func.to_regclass(Training.__tablename__)))  # not before cocoon migrate
    learnt = _use_model(session) if there else ""
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


def newest(session: Session) -> Training | None:
    """The newest training, None where there was none."""
    return session.scalar(select(Training).order_by(Training.id.desc()).limit(1))


def unread(session: Session, app_id: int) -> tuple[int, int]:
    """How many of an app's verbatims the present model has not read yet, of how many. Counts rows: not for a page."""
    old, total = session.execute(
        select(func.count().filter(Verbatim.model != version()), func.count()).where(Verbatim.app_id == app_id)
    ).one()
    return int(old), int(total)


_last: tuple[int, str, heads.Model | None, str] | None = None
"""The training whose model this process has unpacked: its id and version, the model (None: unusable), its phrases."""


def _use_model(session: Session) -> str:
    """Use the model of the newest training; return the phrases that came with it."""
    global _last  # noqa: PLW0603  one model a process is the point
    row = session.execute(select(Training.id, Training.version).order_by(Training.id.desc()).limit(1)).first()
    if row is None or row.version == heads.shipped().version:
        heads.use(None)
        return ""
    if _last is None or _last[:2] != (row.id, row.version):
        packed = session.scalar(select(Training.model).where(Training.id == row.id)) or b""
        try:
            model, learnt = unpack(packed)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            log.error(  # noqa: TRY400  what is wrong with it is in its reason
                "the installation's own model is left aside", extra={"model": row.version, "reason": str(error)}
            )
            model, learnt = None, ""
        _last = (row.id, row.version, model, learnt)
    heads.use(_last[2])
    return _last[3]


def unpack(packed: bytes) -> tuple[heads.Model, str]:
    """A model and its phrases, of what `adapt.pack` made. Raises OSError, ValueError, KeyError or BadZipFile."""
    folder = zipfile.Path(zipfile.ZipFile(io.BytesIO(packed)))
    return heads.read(folder), folder.joinpath("topics.yaml").read_text("utf-8")
