"""Ready before the first request: what every request needs is loaded, and the garbage collector leaves it alone."""

import gc
from functools import cache

from app.i18n import LANGUAGES, sentences, warm_up
from app.pages.common import compile_templates

ALLOCATIONS = 10_000
"""New objects between two collections of the young ones (Python's own: 700). A page makes some twenty thousand."""


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
