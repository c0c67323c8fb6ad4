"""The names of topics for people, from the analysis's taxonomy."""

from analysis.taxonomy import taxonomy


def topic_name(topic: str, language: str) -> str:
    """Return a topic's name in a language, or a readable form of its key where the taxonomy has none."""
    return taxonomy().name(topic, language)
