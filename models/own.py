"""Models of the installation's own, and how far the reading again with the present one has come."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, LargeBinary, func, text
from sqlalchemy.orm import Mapped, deferred, mapped_column

from models.base import Base, Created, Json


class Training(Base):
    """One run of `cocoon train`; every process reads with the model of the newest.

    `model` is the whole model as a zip (model.json, model.npz, topics.yaml; some 2 MB), None where the shipped one is
    read with. `figures` holds what became of each head and of the topics.
    """

    __tablename__ = "trainings"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[Created]
    actor: Mapped[str]
    version: Mapped[str]
    verbatims: Mapped[int] = mapped_column(default=0, server_default="0")
    corrections: Mapped[int] = mapped_column(default=0, server_default="0")
    figures: Mapped[Json]
    model: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    """Deferred: asked for by the processes that do not have it yet."""


class Reading(Base):
    """How far an app's verbatims have been read again with a model."""

    __tablename__ = "readings"

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    model: Mapped[str]
    done: Mapped[int] = mapped_column(default=0, server_default="0")
    total: Mapped[int] = mapped_column(default=0, server_default="0")
    begun_at: Mapped[Created]
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("now()"), onupdate=func.clock_timestamp()
    )
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
