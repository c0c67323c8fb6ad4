"""The shape of a language's words for the made-up reviews: what a clause is, and where it may stand."""

from collections.abc import Mapping
from dataclasses import dataclass

Phrases = tuple[str, ...]


@dataclass(frozen=True)
class Words:
    """Clauses of one language, in lower case and without final stop, so that they join in any order.

    `faults`, `praise_on` and `titles_on` are by topic id; `faults` also by the key of a planted irritant. `shorts`
    and `titles` are by stars. `consequences_service` follow faults of people and prices, not of the app. A `{name}` in
    a clause is filled from `slots` (or with the version, `{v}` and `{v0}`).
    """

    shorts: Mapping[int, Phrases]
    titles: Mapping[int, Phrases]
    titles_on: Mapping[str, Phrases]
    praise: Phrases
    praise_on: Mapping[str, Phrases]
    faults: Mapping[str, Phrases]
    requests: Phrases
    contexts: Phrases
    update_contexts: Phrases
    openers_bad: Phrases
    openers_good: Phrases
    consequences: Phrases
    consequences_service: Phrases
    closers_bad: Phrases
    closers_good: Phrases
    closers_request: Phrases
    but: Phrases
    irony: Phrases
    mended: Phrases
    replies_bad: Phrases
    replies_good: Phrases
    personal: Phrases
    names: Phrases
    slots: Mapping[str, Phrases]
    emoji_good: Phrases = ("👍", "😊", "😃", "👌", "❤️", "🙂", "💪", "👏", "⭐⭐⭐⭐⭐", "👍👍", "😍", "🙏")
    emoji_bad: Phrases = ("😡", "😤", "👎", "🤬", "😠", "🙄", "😞", "👎👎", "🤦", "😑", "😭", "🤡")
