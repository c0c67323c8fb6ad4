"""What people decide about an irritant: its name, and which are one. Kept for good, with who did it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.errors import Problem, not_found
from models.insight import Irritant, IrritantEvent
from models.people import Audit


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


def _note(session: Session, row: Irritant, kind: str, actor: str, detail: dict[str, object]) -> None:
    day = clock.now().date()
    session.add(IrritantEvent(app_id=row.app_id, irritant_id=row.id, day=day, kind=kind, actor=actor, detail=detail))
    session.add(Audit(actor=actor, action=f"irritant.{kind}", detail={"app": row.app_id, "irritant": row.id, **detail}))
    session.flush()
