"""STORE: the tables, and the functions beside each table that are the way in and out. Importing this loads them all."""

from models import (
    apps,
    credentials,
    feedback,
    finding,
    inbound,
    incidents,
    insight,
    own,
    people,
    ratings,
    releases,
    rollups,
    rules,
    sources,
    stability,
    voices,
)

__all__ = [
    "apps",
    "credentials",
    "feedback",
    "finding",
    "inbound",
    "incidents",
    "insight",
    "own",
    "people",
    "ratings",
    "releases",
    "rollups",
    "rules",
    "sources",
    "stability",
    "voices",
]
