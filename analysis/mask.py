"""Personal data out of a text before anything is stored: each find becomes a typed mark such as ⟨iban⟩.

Marks: ⟨iban⟩ (also French RIB), ⟨card⟩, ⟨phone⟩, ⟨email⟩, ⟨name⟩. Numbers are only masked when their shape and their
check digits say what they are, so that amounts, dates, versions and error codes stay readable.
"""

import re
from re import Match

IBAN, CARD, PHONE, EMAIL, NAME = "⟨iban⟩", "⟨card⟩", "⟨phone⟩", "⟨email⟩", "⟨name⟩"

_GAP = "[ \u00a0\u202f\u2009.\\-]"
_NOT_BEFORE = r"(?<![0-9A-Za-z])"
_PRECHECK = re.compile(
    "[@＠]|[0-9](?:[ \u00a0\u202f\u2009./()\\-]{0,3}[0-9]){7}|[a-z]{2}[0-9]{2}[ \u00a0\u202f\\-]?[0-9a-z]{4}"
    r"|appell?e|\bnom est|name is|name's|\bcalled\b|cordialement|bien [àa] vous|salutations|regards|sincerely|yours"
    r"|arobase|[\[(]at[\])]| at (?:g|hot|y|o|w|free|sfr|la|i|live|p|aol|msn)|\bM(?:me|lle|r|rs|onsieur|adame|\.) ",
    re.IGNORECASE,
)

# Lengths of the IBAN registry (SWIFT, ISO 13616), by country.
_IBAN_LENGTHS = {
    code: int(length)
    for length, codes in (
        ("15", "NO"), ("16", "BE"), ("18", "DK FO FI GL NL SD FK"), ("19", "MK SI"), ("20", "AT BA EE KZ XK LT LU MN"),
        ("21", "CH HR LI LV"), ("22", "BG BH CR DE GB GE IE ME RS VA"), ("23", "AE GI IL IQ OM TL SO"),
        ("24", "AD CZ ES MD PK RO SA SE SK TN VG"), ("25", "LY PT ST"), ("26", "IS TR"),
        ("27", "BI DJ FR GR IT MC MR SM"), ("28", "AL AZ BY CY DO GT HU LB NI PL SV"), ("29", "BR EG PS QA UA"),
        ("30", "JO KW MU YE"), ("31", "MT SC"), ("32", "LC"), ("33", "RU"),
    )
    for code in codes.split()
}  # fmt: skip
_IBAN_LIKE = re.compile(rf"{_NOT_BEFORE}[A-Za-z]{{2}}[0-9]{{2}}(?:[ \u00a0\u202f\-]?[0-9A-Za-z]){{11,44}}", re.ASCII)
_RIB_LIKE = re.compile(
    rf"{_NOT_BEFORE}([0-9]{{5}}){_GAP}?([0-9]{{5}}){_GAP}?([0-9A-Za-z]{{11}}){_GAP}?([0-9]{{2}})(?![0-9A-Za-z])",
    re.ASCII,
)
_CARD_LIKE = re.compile(rf"(?<![0-9A-Za-z.,])[2-6](?:{_GAP}?[0-9]){{12,18}}(?![0-9A-Za-z])", re.ASCII)
_PHONE_LIKE = re.compile(
    rf"(?<![0-9A-Za-z+.,/])(?:(?:\+|00)33{_GAP}?(?:\(0\))?{_GAP}?[1-9](?:{_GAP}?[0-9]{{2}}){{4}}"
    rf"|0[1-9]({_GAP}|/|)[0-9]{{2}}(?:\1[0-9]{{2}}){{3}}"
    rf"|(?:\+|00)[1-9][0-9]{{0,2}}(?:[ \u00a0\u202f./\-]?\(?[0-9]{{1,4}}\)?){{2,6}}"
    r"|\(?[2-9][0-9]{2}\)?[ .\-][2-9][0-9]{2}[ .\-][0-9]{4}|07[0-9]{3} ?[0-9]{3} ?[0-9]{3})(?![0-9]|[.,][0-9])",
    re.ASCII,
)
_EMAIL = re.compile(r"(?<![\w.+%\-])[\w.+%\-]{1,64} ?[@＠] ?[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,5}")
_PROVIDERS = (
    "gmail|googlemail|hotmail|outlook|yahoo|ymail|orange|wanadoo|free|sfr|laposte|icloud|live|me|proton|protonmail|gmx|"
    "aol|msn|bbox|neuf|numericable|web"
)
_DOT = r"(?: ?\. ?| ?[\[(](?:dot|point)[\])] ?| (?:dot|point) )"
_EMAIL_SPELT = re.compile(
    rf"(?<![\w.+\-])[\w.+\-]{{1,64}}(?:{_DOT}[\w.+\-]{{1,40}}){{0,2}}"
    rf"(?:(?: ?[\[(](?:at|a|arobase)[\])] ?| arobase )[\w\-]{{1,63}}{_DOT}(?:[a-z]{{2,6}})"
    rf"|(?: at | chez )(?:{_PROVIDERS}){_DOT}(?:com|fr|net|org|de|co\.uk|es|it|nl|be|ch|ca|me))\b",
    re.IGNORECASE,
)
_CAPITAL = r"[A-ZÀ-ÖØ-Þ][\w'’\-]{0,40}"
_PARTICLE = r"(?:d[eu’']|de la|le|la|van|von|ben|el) ?"
_FULL_NAME = rf"{_CAPITAL}\.?(?:[ ](?:{_PARTICLE}[ ]?)?{_CAPITAL}\.?){{0,3}}"
_NAME_AFTER = re.compile(
    r"(?P<lead>\b(?i:je m[’' ]appell?e|mon nom est|mon nom c[’']est"
    r"|my name is|my name[’']s|i am called|i[’']m called)\s+)"
    rf"(?P<name>{_FULL_NAME})"
)
_NAME_LOWER = re.compile(
    r"(?P<lead>\b(?i:je m[’' ]appell?e)\s+)"
    r"(?!(?i:pas|plus|comment|ainsi|encore|bien|aussi)\b)(?P<name>[^\W\d_][\w'’\-]{1,40})"
)
_TITLED = re.compile(
    r"(?P<lead>(?:\b(?:Mme|Mlle|Mr|Monsieur|Madame)|(?<=[a-zé,] )M\.)[ ](?:et[ ](?:Mme|Mr|M\.|Madame)[ ])?)"
    rf"(?P<name>{_CAPITAL}(?:[ ]{_CAPITAL})?)"
)
_NOT_SURNAMES = re.compile(
    r"(?:Robot|Bean|Potato|Incredible|Tout|Madame|Monsieur|Le|La|Les|Je|Vous|Nous|Ils?|Elles?|Un|Une|Bonjour|Merci|Mme|Mr)\b"
)
_SIGNED = re.compile(
    r"(?P<lead>\b(?i:(?:bien |très |tres )?cordialement|bien [àa] vous|sinc[eè]res salutations"
    r"|salutations(?: distingu[ée]es)?|best regards|kind regards|regards"
    r"|yours (?:sincerely|faithfully|truly)|sincerely(?: yours)?)[ \t]*[,.!:\-]*\s{0,4})"
    rf"(?P<name>{_FULL_NAME})(?=[ \t]*[.,!;]?[ \t]*(?:\n|$))"
)
_NOT_SIGNED = re.compile(
    r"(?i:une?|les?|la|des?|mais|merci|clients?|cliente|je|et|the|a|an|thank|thanks|from|i|not|ok)\b"
)


def mask(text: str) -> str:
    """The text with personal data replaced by marks. Idempotent; never raises; most texts return after one scan."""
    for _ in range(3):
        if not _PRECHECK.search(text):
            return text
        masked = _once(text)
        if masked == text:
            return text
        text = masked
    return text


def _once(text: str) -> str:
    text = _IBAN_LIKE.sub(_iban, text)
    text = _RIB_LIKE.sub(_rib, text)
    text = _CARD_LIKE.sub(_card, text)
    if "@" in text or "＠" in text:
        text = _EMAIL.sub(EMAIL, text)
    text = _EMAIL_SPELT.sub(EMAIL, text)
    text = _PHONE_LIKE.sub(_phone, text)
    text = _NAME_AFTER.sub(_named, text)
    text = _NAME_LOWER.sub(_named, text)
    text = _TITLED.sub(_titled, text)
    return _SIGNED.sub(_signed, text)


def _iban(found: Match[str]) -> str:
    """Mask the longest beginning of the find that is an IBAN: its country's length and ISO 7064 check digits."""
    raw = found[0]
    compact = re.sub("[^0-9A-Za-z]", "", raw).upper()
    length = _IBAN_LENGTHS.get(compact[:2])
    if length is None or len(compact) < length or not _is_iban(compact[:length]):
        return raw
    seen = 0
    for end, character in enumerate(raw, 1):
        seen += character.isalnum()
        if seen == length:
            rest = raw[end:]
            return raw if rest[:1].isdigit() and raw[end - 1].isdigit() else IBAN + rest
    return raw


def _is_iban(compact: str) -> bool:
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def _rib(found: Match[str]) -> str:
    """The key of a French RIB: 97 − (89 bank + 15 branch + 3 account) mod 97, letters read as digits."""
    letters = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "12345678912345678923456789")
    bank, branch, account, key = found[1], found[2], found[3].upper().translate(letters), found[4]
    return IBAN if 97 - (89 * int(bank) + 15 * int(branch) + 3 * int(account)) % 97 == int(key) else found[0]


def _card(found: Match[str]) -> str:
    """Issuer's prefix and length (ISO 7812) and the Luhn check."""
    digits = re.sub("[^0-9]", "", found[0])
    lengths = {"4": (13, 16, 19), "5": (16,), "2": (16,), "3": (14, 15, 16), "6": (16, 17, 18, 19)}[digits[0]]
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return CARD if len(digits) in lengths and sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0 else found[0]


def _phone(found: Match[str]) -> str:
    return PHONE if sum(character.isdigit() for character in found[0]) <= 16 else found[0]


def _named(found: Match[str]) -> str:
    return found["lead"] + NAME


def _titled(found: Match[str]) -> str:
    return found[0] if _NOT_SURNAMES.match(found["name"]) else found["lead"] + NAME


def _signed(found: Match[str]) -> str:
    return found[0] if _NOT_SIGNED.match(found["name"]) else found["lead"] + NAME
