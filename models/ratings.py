"""Store counters: the average and the number of stars that a store shows. Never mixed with reviews."""

from sqlalchemy import BigInteger, Double, ForeignKey
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Moment


class RatingSnapshot(Base):
    """What a store showed at one moment; kept only when it changed. `storefront` is "" where the store has one.

    `count` is None where the source tells the average only.
    """

    __tablename__ = "rating_snapshots"

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    storefront: Mapped[str] = mapped_column(primary_key=True)
    taken_at: Mapped[Moment] = mapped_column(primary_key=True)
    average: Mapped[float | None] = mapped_column(Double)
    count: Mapped[int | None] = mapped_column(BigInteger)
    histogram: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
