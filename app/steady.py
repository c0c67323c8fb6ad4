"""Ready before the first request: what every request needs is loaded, and the garbage collector leaves it alone."""

import gc
from functools import cache

from starlette.types import ASGIApp, Receive, Scope, Send

from app.i18n import LANGUAGES, sentences, warm_up
from app.pages.common import compile_templates

ALLOCATIONS = 50_000
"""New objects between two collections of the young ones (Python's own: 700): so many that `Tidy` is there before."""
YOUNG = 2_000
"""Objects since the last collection from which young garbage is collected once an answer has left."""
OLD = 100
"""Collections of the young after which everything is walked."""


@cache
def settle() -> None:
    """Load sentences, locales and templates, and put all that is loaded by now out of the collector's sight.

    Once a process. A full collection walks every object that lives: code, models, sentences and templates, which never
    go away. It took 150 to 290 ms in the midst of one request or another; what is frozen (gc.freeze) is not walked.
    """
    for language in LANGUAGES:
        sentences(language)
        warm_up(language)
    compile_templates()
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 10, 10)


class Tidy:
    """ASGI middleware: garbage is collected after an answer has left, not while one is being made.

    In the midst of a page a collection of the young took 6 ms of it, and every hundredth one 20 to 31.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await self.app(scope, receive, send)
        if scope["type"] == "http":
            young, _, since_all = gc.get_count()
            if young > YOUNG:
                gc.collect(2 if since_all > OLD else 1)
