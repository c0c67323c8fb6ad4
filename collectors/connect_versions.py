"""Which version an App Store review is about: Connect lists reviews under a version, but names none with a review."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from collectors.connect_format import Listing, Version, read_reviews
from models.records import VerbatimRecord

Ask = Callable[[str, dict[str, str], str | None], Listing]
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Place:
    """How far the reviews of one version were read: the next cursor, and the oldest review met."""

    version: Version
    cursor: str | None = None
    oldest: datetime | None = None
    done: bool = False


class VersionSearch:
    """Reads the lists of the newest versions side by side with the walk, no further back than the walk has come.

    Most recent reviews are about the newest versions: lists are asked in that order, until every review of the page
    is found. What was found and not yet taken is kept, and that is little: both go from the newest backwards.
    """

    def __init__(self, versions: Sequence[Version], ask: Ask, most: int) -> None:
        self.versions = sorted(versions, key=lambda one: one.created or _UNDATED, reverse=True)
        self.beyond = False
        self._ask = ask
        self._most = most
        self._places = [_Place(version) for version in self.versions[:most]]
        self._found: dict[str, tuple[str, datetime]] = {}

    def reach(self, rows: Sequence[VerbatimRecord], stop: Callable[[], bool]) -> None:
        """Read on until the version of all these reviews is found or cannot be. Raises SourceError."""
        missing = {row.external_id for row in rows} - self._found.keys()
        down_to = min(row.written_at for row in rows)
        newest = max(row.written_at for row in rows)
        for place in self._places:
            while missing and not place.done and (place.oldest is None or place.oldest >= down_to):
                self._read_on(place)
                missing -= self._found.keys()
                if stop():
                    return
            if not missing:
                break
        self.beyond = bool(missing) and len(self.versions) > self._most
        # What is newer than this page has been passed: it was written since, and the next walk begins there.
        self._found = {one: (name, at) for one, (name, at) in self._found.items() if at <= newest}

    def take(self, review_id: str) -> str | None:
        """Return the version of a review that was reached, and forget it; None where Connect lists it under none."""
        return self._found.pop(review_id, ("", _UNDATED))[0] or None

    def stop(self) -> None:
        """Ask for nothing more in this walk."""
        self._places.clear()

    def _read_on(self, place: _Place) -> None:
        params = {"sort": "-createdDate", "limit": "200"}
        listing = self._ask(f"/v1/appStoreVersions/{place.version.id}/customerReviews", params, place.cursor)
        rows, _ = read_reviews(listing)
        for row in rows:
            self._found[row.external_id] = (place.version.name, row.written_at)
        oldest = min((row.written_at for row in rows), default=None)
        place.oldest = oldest if oldest is not None else place.oldest
        place.done = listing.cursor is None or listing.cursor == place.cursor
        place.cursor = listing.cursor
