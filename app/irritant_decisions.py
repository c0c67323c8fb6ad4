"""What people decide about an irritant: its name, what mends it, and which are one. Kept for good, with who did it."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import Problem, not_found
from models.insight import Irritant, IrritantEvent
from models.people import Audit
from models.releases import Release


def find(session: Session, app_id: int, irritant_id: int) -> Irritant:
    """An irritant, locked for a change. Raises Problem 404."""
    found = session.scalar(
        select(Irritant).where(Irritant.app_id == app_id, Irritant.id == irritant_id).with_for_update()
    )
    if found is None:
        raise not_found("irritant")
    return found


def rename(session: Session, row: Irritant, name: str, *, actor: str) -> None:
    """Give it a name; "" takes ours again."""
    row.given_name, row.named_by = name.strip(), actor if name.strip() else ""
    _note(session, row, "renamed", actor, {"name": row.given_name})


def merge(session: Session, row: Irritant, into: Irritant, *, actor: str) -> None:
    """Let `into` speak for it. Raises Problem 409 where that would go round in circles."""
    seen, root = {row.id}, into
    while True:
        if root.id in seen:
            raise Problem(409, "These irritants are already one: merging them again would go round in circles.")
        seen.add(root.id)
        following = session.get(Irritant, (row.app_id, root.merged_into)) if root.merged_into else None
        if following is None:
            break
        root = following
    row.merged_into, row.merged_by = root.id, actor
    root.updated_at = row.updated_at = clock.now()
    _note(session, row, "merged", actor, {"into": root.id})


def unmerge(session: Session, row: Irritant, *, actor: str) -> None:
    """Let it speak for itself again, for good."""
    root = session.get(Irritant, (row.app_id, row.merged_into)) if row.merged_into else None
    if root is not None:
        root.updated_at = clock.now()
    row.merged_into, row.merged_by, row.updated_at = None, actor, clock.now()
    _note(session, row, "unmerged", actor, {})


def mark_fixed(session: Session, row: Irritant, version: str, *, actor: str) -> None:
    """Say which release mends it; "" leaves that to the notes and the counts again. Raises Problem 422."""
    version = version.strip()
    e = IrritantEvent
    told = session.scalar(select(e).where(e.app_id == row.app_id, e.irritant_id == row.id, e.kind == "fix_shipped"))
    day = None
    if version:
        of_app = Release.app_id == row.app_id, Release.version == version
        day = session.scalar(select(func.min(Release.day)).where(*of_app))
        if day is None:
            raise Problem(422, f"No release {version} of this app is known.", where="body.version")
    row.given_fix, row.fixed_version, row.updated_at = version, version, clock.now()
    if day is not None:
        if row.state != "gone":
            row.state, row.state_since = "fix_shipped", day
        if told is None:
            told = IrritantEvent(app_id=row.app_id, irritant_id=row.id, kind="fix_shipped")
            session.add(told)
        told.day, told.detail, told.actor = day, {"version": version}, actor
    else:
        if row.state == "fix_shipped":
            row.state, row.state_since = "ongoing", row.noticed_day
        if told is not None:
            session.delete(told)
    session.add(
        Audit(actor=actor, action="irritant.fixed", detail={"app": row.app_id, "irritant": row.id, "version": version})
    )
    session.flush()


def _note(session: Session, row: Irritant, kind: str, actor: str, detail: dict[str, object]) -> None:
    day = clock.now().date()
    session.add(IrritantEvent(app_id=row.app_id, irritant_id=row.id, day=day, kind=kind, actor=actor, detail=detail))
    session.add(Audit(actor=actor, action=f"irritant.{kind}", detail={"app": row.app_id, "irritant": row.id, **detail}))
    session.flush()
