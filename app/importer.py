"""Importing what was uploaded: a person waits some seconds, then the Sources page tells how far the reading is."""

import logging
from collections.abc import Callable

from app.context import Context
from app.errors import Problem
from app.importing import Chosen, Imported, import_into, read_mapping
from app.trial import LIMIT, within
from app.uploads import Importer, State, Taken, Upload
from app.walk import AlreadyWalkingError
from collectors.base import SourceError
from models.apps import App

log = logging.getLogger(__name__)
NO_SURVEY = "A survey’s columns are declared one by one: import it by “cocoon import FILE --channel survey”."


def importer(context: Context, after: Callable[[int], object], *, seconds: float = LIMIT) -> Importer:
    """The function that reads an upload into an app as `cocoon import` does; `after(app_id)` follows."""

    def read(upload: Upload, app_id: int) -> Taken:
        if upload.channel == "survey":
            raise Problem(422, NO_SURVEY, where="body.channel")
        with context.transaction() as session:
            zone = upload.zone or session.get_one(App, app_id).timezone
        try:
            chosen = read_mapping(upload.path, upload.changes, zone=zone)
        except SourceError as error:
            raise Problem(422, str(error), where="body.file") from error
        if upload.check:
            return _taken("checked", chosen, None)
        upload.handed_over = True
        told = within(seconds, lambda: _imported(context, upload, app_id, chosen, after))
        return _taken("done" if told else "running", chosen, told)

    return read


def _imported(
    context: Context, upload: Upload, app_id: int, chosen: Chosen, after: Callable[[int], object]
) -> Imported:
    try:
        found = import_into(context, upload.path, app_id, channel=upload.channel, mapping=chosen, name=upload.name)
        after(app_id)
    except AlreadyWalkingError as error:
        raise Problem(409, "A file of this name is being read for this app: wait until it is done.") from error
    except Problem:
        raise
    except Exception:
        log.exception("an upload could not be read", extra={"app": app_id})
        raise
    finally:
        upload.remove()
    return found


def _taken(state: State, chosen: Chosen, told: Imported | None) -> Taken:
    columns = tuple(
        (one.name, one.field, one.confidence, next((each for each in one.examples if each.strip()), "")[:80])
        for one in chosen.mapping.columns
    )
    return Taken(state, columns, tuple(chosen.mapping.notes), told.as_dict() if told else None)
