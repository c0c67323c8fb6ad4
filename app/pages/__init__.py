"""SERVE, to people: server-rendered pages in French and English; none needs JavaScript to be read."""

from fastapi import APIRouter, Depends

from app.pages import (
    account,
    channels,
    correcting,
    credentials,
    destinations,
    hooks,
    import_file,
    incidents,
    irritants,
    journey,
    model,
    new_source,
    one_app,
    portfolio,
    preferences,
    reviews,
    rules,
    settings,
    setup,
    sign_in,
    sign_in_directory,
    sources,
    topics,
    versions,
    views,
    welcome,
)
from app.pages.late import notice_late

router = APIRouter(include_in_schema=False, dependencies=[Depends(notice_late)])
for page in (
    portfolio,
    setup,
    one_app,
    irritants,
    versions,
    journey,
    views,
    channels,
    reviews,
    correcting,
    incidents,
    new_source,
    import_file,
    hooks,
    sources,
    credentials,
    topics,
    model,
    destinations,
    rules,
    preferences,
    sign_in,
    sign_in_directory,
    welcome,
    account,
    settings,
):
    router.include_router(page.router)

__all__ = ["router"]
