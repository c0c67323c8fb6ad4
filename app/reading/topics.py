"""Names of topics, from the taxonomy of the analysis."""

from analysis.taxonomy import taxonomy


def topic_names(language: str) -> dict[str, str]:
    """Topic id → its name in fr or en."""
    known = taxonomy()
    return {topic: known.name(topic, language) for topic in known.topics}


def topic_name(topic: str, language: str) -> str:
    """The topic's name, or its id in plain words where the taxonomy no longer knows it."""
    return taxonomy().name(topic, language)
