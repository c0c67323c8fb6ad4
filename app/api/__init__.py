"""SERVE, to programs: the JSON API under /api/v1."""

from fastapi import APIRouter

from app.api import (
    apps,
    corrections,
    credentials,
    deliveries,
    destinations,
    exports,
    hooks,
    imports,
    incidents,
    irritants,
    journey,
    model,
    overview,
    people,
    reviews,
    rules,
    sources,
    stability,
    taxonomy,
    trends,
    versions,
    views,
    voices,
)
from app.errors import PROBLEMS

router = APIRouter(prefix="/api/v1", responses=PROBLEMS)
for part in (
    exports,  # first: /irritants/{id} must not take /irritants.csv for an id
    apps,
    overview,
    reviews,
    corrections,
    taxonomy,
    model,
    trends,
    versions,
    stability,
    irritants,
    journey,
    views,
    voices,
    sources,
    imports,
    credentials,
    incidents,
    deliveries,
    destinations,
    rules,
    hooks,
    people,
):
    router.include_router(part.router)
router.include_router(people.mine)

__all__ = ["router"]
