"""What finding verbatims needs: the words that customers use, and the views that colleagues saved."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId, Created


class SearchWord(Base):
    """A word of five letters or more as it stands in some verbatim, lower case and without accents.

    The database's function `cocoon_query` looks here for words that are close to a mistyped one.
    """

    __tablename__ = "search_words"
    __table_args__ = (
        Index("ix_search_words_word", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}),
    )

    word: Mapped[str] = mapped_column(primary_key=True)


class SavedView(Base):
    """A list of an app's verbatims under a name: `query` is the address after the question mark."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("app_id", "name"),)

    id: Mapped[BigId]
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    name: Mapped[str]
    query: Mapped[str]
    saved_by: Mapped[str]
    created_at: Mapped[Created]
