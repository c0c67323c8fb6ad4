"""Routes: which incidents a destination is told of."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from app import ways
from app.api.shapes import Body, RowId, Text
from app.auth import allow
from app.db import DB
from app.errors import not_found
from models.incidents import Destination, Route

router = APIRouter(tags=["destinations"], dependencies=[allow("viewer", change="admin")])


class RouteOut(BaseModel):
    """Incidents of these rules (none: all) of an app (null: all), from a severity on.

    `manner`: now, or digest (in the letter only). `wakes`: in quiet hours too.
    """

    model_config = ConfigDict(from_attributes=True)
    id: int
    destination_id: int
    app_id: int | None
    rules: list[str]
    floor: str
    manner: str
    wakes: bool
    created_at: datetime


class Routes(BaseModel):
    """By destination."""

    items: list[RouteOut]


class NewRoute(Body):
    """A destination without routes is told of everything at its levels; once it has some, they alone decide."""

    destination_id: Annotated[int, Field(ge=1, lt=2**63)]
    app_id: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    rules: Annotated[list[Annotated[Text, Field(max_length=40)]], Field(max_length=30)] = []  # noqa: RUF012
    floor: Literal["watch", "alert"] = "alert"
    manner: Literal["now", "digest"] = "now"
    wakes: bool = False


@router.get("/routes")
def list_routes(session: DB, destination_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None) -> Routes:
    """All routes, or those of one destination."""
    return Routes(items=[RouteOut.model_validate(found) for found in ways.of(session, destination_id)])


@router.post("/routes", status_code=201)
def create_route(body: NewRoute, session: DB) -> RouteOut:
    """Add one."""
    destination = session.get(Destination, body.destination_id)
    if destination is None:
        raise not_found("destination")
    made = ways.add(session, destination, **body.model_dump(exclude={"destination_id"}))
    return RouteOut.model_validate(made)


@router.delete("/routes/{route_id}", status_code=204)
def delete_route(route_id: RowId, session: DB) -> None:
    """Remove one; without any left, the destination's levels hold again."""
    found = session.get(Route, route_id)
    if found is None:
        raise not_found("route")
    session.delete(found)
    session.flush()
