"""Apps and their listings, and what a day is for each."""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from models.apps import App, Listing


def all_apps(session: Session) -> Sequence[App]:
    """Every app, by name."""
    return session.scalars(select(App).order_by(App.name)).all()


def listings(session: Session, app_id: int) -> Sequence[Listing]:
    """The app's pages in the stores."""
    return session.scalars(select(Listing).where(Listing.app_id == app_id).order_by(Listing.channel, Listing.id)).all()


def today(app: App) -> date:
    """The day that it is now in the app's time zone."""
    return clock.now().astimezone(ZoneInfo(app.timezone)).date()
