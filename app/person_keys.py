"""What a person is known by, in one spelling and hashed: the same e-mail written twice gives the same key."""

import re
from collections.abc import Iterable

from app.seal import Seal
from models.records import PersonKey


def hashed_keys(seal: Seal, keys: Iterable[PersonKey]) -> tuple[str, ...]:
    """The hashed keys of a person, the most telling first; what cannot name one person is left out."""
    order = {"customer": 0, "email": 1, "phone": 2}
    plain = {(kind, one) for kind, value in keys if (one := _one_spelling(kind, value))}
    return tuple(seal.person(kind, value) for kind, value in sorted(plain, key=lambda each: (order[each[0]], each[1])))


def _one_spelling(kind: str, value: str) -> str:
    value = "".join(value.split())
    if kind == "email":
        return value.lower() if re.fullmatch(r"[^@<>,;]+@[^@<>,;]+\.[^@<>,;.]+", value) else ""
    if kind == "phone":
        digits = re.sub(r"\(0\)|[^0-9+]", "", value)
        digits = re.sub(r"^00", "+", digits)
        # A French number as it is dialled at home; other countries' numbers only count with their code.
        digits = re.sub(r"^0([1-9][0-9]{8})$", r"+33\1", digits)
        return digits if re.fullmatch(r"\+[1-9][0-9]{7,14}", digits) else ""
    return value if 1 <= len(value) <= 200 else ""
