"""What several tests of the reading need."""

from collections.abc import Iterator

import pytest

from analysis import embeddings


@pytest.fixture
def words_alone() -> Iterator[None]:
    """The encoder switched off, and on again afterwards."""
    embeddings.use(False)
    yield
    embeddings.use(True)
