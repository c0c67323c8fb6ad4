"""A token that a person made in the source's own settings: it does not expire, and lies in a file."""

from collectors.base import SourceError
from collectors.http import Walk


class FixedToken:
    """A token from a file."""

    def __init__(self, content: bytes) -> None:
        self._text = content.decode("ascii", "replace").strip()
        if not self._text or any(character.isspace() for character in self._text) or "\ufffd" in self._text:
            raise SourceError("The file of the token holds something else than one token.", "refused")

    def bearer(self, walk: Walk) -> str:
        """The token."""
        return self._text

    def drop(self) -> None:
        """Nothing can renew it: the next request is refused, and says so."""
