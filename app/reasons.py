"""Why a run, a day or a check is as it is, in the reader's language.

Reasons are written and kept as English sentences with their values in them; `locales/reasons_fr.yaml` holds the French
of each sentence, its values numbered from 0, and `locales/problems_fr.yaml` that of the errors which pages show. What
is in neither (the words of a system outside) is shown as it came.
"""

import re
from functools import cache, lru_cache
from pathlib import Path

import yaml

_FILES = [Path(__file__).parent / "locales" / f"{name}_fr.yaml" for name in ("reasons", "problems")]
_HOLE = re.compile(r"\{(\d)\}")


@cache
def catalogue() -> dict[str, str]:
    """English sentence → French sentence, with {0}, {1}… where values stand, and French spaces before its signs."""
    loaded: dict[str, str] = {}
    for path in _FILES:
        with path.open(encoding="utf-8") as file:
            loaded |= yaml.safe_load(file)
    return {english: re.sub(r" (?=[;:?!»])|(?<=«) ", "\u00a0", french) for english, french in loaded.items()}


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Each sentence as a pattern, those with the most words of their own first."""
    by_words = sorted(catalogue().items(), key=lambda pair: -len(_HOLE.sub("", pair[0])))
    return [(re.compile(_expression(english), re.DOTALL), french) for english, french in by_words]


def _expression(english: str) -> str:
    parts = _HOLE.split(english)
    found = "".join(f"(?P<v{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    # What ends with a value goes on to the end of the note, what ends in words to its own end.
    return found + ("(?=$|; )" if not parts[-1] else "(?=$|; | )")


@lru_cache(maxsize=2048)
def in_french(told: str) -> str:
    """Say a reason in French: sentence by sentence, and the sentences inside a sentence's values too."""
    shown, at = [], 0
    while at < len(told):
        best: tuple[int, str] | None = None
        for pattern, french in _patterns():
            found = pattern.match(told, at)
            if found is None:
                continue
            if french.endswith("{0}") and found.lastgroup == "v0":  # a sentence that quotes another one to its end
                values, end = {"v0": told[found.start("v0") :]}, len(told)
            else:
                values, end = found.groupdict(), found.end()
            said = _HOLE.sub(lambda hole, values=values: in_french(values[f"v{hole[1]}"]), french)  # type: ignore[misc]
            best = (end, said)
            break
        if best is None:
            edge = re.compile(r"(?<=\.) |; ").search(told, at)
            best = (edge.start() if edge else len(told), told[at : edge.start() if edge else len(told)])
        at, said = best
        shown.append(said)
        gap = re.compile(r"; | ").match(told, at)
        if gap:
            shown.append("\u00a0; " if gap[0] == "; " else " ")
            at = gap.end()
        elif at < len(told):
            shown.append(told[at:])
            break
    return "".join(shown)
