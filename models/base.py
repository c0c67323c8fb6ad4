"""The declarative base, and the column types that every table shares."""

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Identity, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
"""An aware moment; Postgres stores UTC."""

Created = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
"""When the row was made, by the database's clock."""

BigId = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
"""A surrogate key for rows that people point at."""

Json = Annotated[dict[str, Any], mapped_column(JSONB)]
"""A small document whose shape the owning module documents."""


class Base(DeclarativeBase):
    """All tables, with constraint names that migrations can rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: Text}  # noqa: RUF012  SQLAlchemy reads a plain dict here
