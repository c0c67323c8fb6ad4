"""The web application: routes, guards and errors put together. What runs around it is the CLI's business."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import audit, auth, errors, guard, metrics
from app.api import router as api
from app.api import routes, slack_actions
from app.db import Bind, transaction
from app.description import describe
from app.etags import Etags
from app.pages import router as pages
from app.seal import Seal
from app.sessions import cookie_name
from app.settings import Settings
from app.steady import Tidy, settle

log = logging.getLogger(__name__)
STATIC = Path(__file__).parent / "static"


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    settle()
    yield


def create_app(bind: Bind, settings: Settings, seal: Seal) -> FastAPI:
    """The application on this database.

    What routes need beyond it is put on `app.state` by whoever starts it, each optional: `defer(name, **kwargs)`
    queues a job, `kinds` lists the kinds of source, `find_app(link)` asks a store,
    `probe(kind, config, secrets)` tries the rights of a source, `import_file` reads an upload,
    `readiness()` tells (ready, facts).
    """
    app = FastAPI(
        title="Cocoon",
        version="1",
        description="What customers say about your mobile apps. See docs/api.md.",
        lifespan=_lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # the names of a generated client's functions
        dependencies=[Depends(auth.check_role), Depends(audit.leave_trace, scope="function")],
    )
    app.state.bind, app.state.settings, app.state.seal = bind, settings, seal
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    errors.install(app)
    app.add_middleware(Etags)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=6)  # 9 takes twice as long for 3 % less
    app.add_middleware(guard.Guard, settings=settings, cookie=cookie_name(settings))
    app.add_middleware(Tidy)
    app.include_router(api)
    app.include_router(slack_actions.router, prefix="/api/v1")
    app.include_router(routes.router, prefix="/api/v1", responses=errors.PROBLEMS)
    app.include_router(metrics.router)
    app.include_router(pages)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/healthz", include_in_schema=False, dependencies=[auth.OPEN])
    def healthz() -> dict[str, str]:
        """The process is up."""
        return {"status": "up"}

    @app.get("/readyz", include_in_schema=False, dependencies=[auth.OPEN])
    def readyz(request: Request) -> JSONResponse:
        """It can do its work: the database answers at the right schema, and what runs in this process beats."""
        readiness = getattr(request.app.state, "readiness", None)
        if readiness is not None:
            ready, facts = readiness()
            return JSONResponse({"ready": ready, **facts}, 200 if ready else 503)
        try:
            with transaction(bind) as session:
                revision = session.scalar(text("SELECT version_num FROM alembic_version"))
        except SQLAlchemyError:
            log.exception("/readyz: the database does not answer")  # strangers are told no more than that
            return JSONResponse({"ready": False, "database": "no answer"}, 503)
        return JSONResponse({"ready": True, "database": "ok", "schema": revision})

    @app.get("/api/v1/openapi.json", include_in_schema=False, dependencies=[auth.allow("viewer")])
    def openapi(request: Request) -> JSONResponse:
        """The description of the API that clients can be generated from."""
        return JSONResponse(describe(request.app))

    return app
