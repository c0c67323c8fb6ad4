"""A source that is only told: other systems call its address, and nothing is fetched."""

from collections.abc import Iterator

from collectors.base import Page, Probe, SourceError


class ToldOnly:
    """What stands in for a collector where everything comes by webhook."""

    def __init__(self, kind: str, what: str) -> None:
        self.kind = kind
        self._what = what

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Raise SourceError(refused): there is nothing to fetch."""
        raise SourceError(f"{self._what} comes by webhook; there is nothing to read (cocoon hook open).", "refused")

    def probe(self) -> list[Probe]:
        """Say that it waits to be called."""
        return [Probe(self._what, True, "It is told by webhook: cocoon hook open SOURCE shows its address.")]
