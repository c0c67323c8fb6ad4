"""The Postgres that Cocoon brings with it: one server per data folder, run by one process, shared by the others."""

from app.embedded.placing import place
from app.embedded.problems import EmbeddedError
from app.embedded.server import Server, join

__all__ = ["EmbeddedError", "Server", "join", "place"]
