"""Writing one made-up review: clauses of a language joined, then spoilt as people spoil them."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from app.demo.words import Words
from app.demo.words_en import ENGLISH, OTHER
from app.demo.words_fr import FRENCH

WORDS: dict[str, Words] = {"fr": FRENCH, "en": ENGLISH}

_SPOILT = {
    "fr": (
        ("connexion", "connection"), ("connecter", "connecté"), ("ça ", "sa "), ("c'est", "c est"), ("c'est", "cest"),
        ("appli ", "aplli "), ("j'ai", "jai"), ("n'arrive", "narrive"), ("toujours", "tjrs"), ("beaucoup", "bcp"),
        ("pour ", "pr "), ("mise à jour", "maj"), ("mise à jour", "mise a jour"), ("impossible", "imposible"),
        ("très", "trés"), ("problème", "probleme"), ("application", "apli"), ("application", "aplication"),
        ("plus ", "plu "), ("même", "meme"), ("quand", "kan"), ("marche", "marchent"), ("notifications", "notifs"),
        ("chèque", "cheque"), ("virement", "virment"), ("mot de passe", "mdp"), ("fonctionne", "fonctione"),
        ("depuis", "depuit"), ("téléphone", "tel"), ("à ", "a "), ("rien", "rient"), ("je ne ", "je "), ("qu'", "qu "),
    ),
    "en": (
        ("can't", "cant"), ("doesn't", "doesnt"), ("I'm", "im"), ("I ", "i "), ("really", "realy"), ("the app", "app"),
        ("please", "pls"), ("you", "u"), ("because", "cos"), ("for ever", "forever"), ("receive", "recieve"),
        ("fingerprint", "finger print"), ("notifications", "notifs"), ("it is", "its"), ("cannot", "can not"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """What a review is to say. `kind`: short, praise, complaint, mixed, request, irony, personal, mended."""

    kind: str
    language: str
    stars: int
    fault: str | None = None
    update: bool = False
    version: str = ""
    before: str = ""


class Writer:
    """Writes reviews with one source of chance."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._random = rng.random
        self._said: dict[str, str] = {}

    def write(self, draft: Draft) -> tuple[str, str]:
        """Title and body of a review."""
        self._said.clear()
        if draft.language not in WORDS:
            level = 5 if draft.stars >= 4 else 3 if draft.stars == 3 else 1
            body = self.pick(OTHER[draft.language][level])
            return body.split(",")[0], body
        words = WORDS[draft.language]
        if draft.kind == "short":
            body = self.pick(words.shorts[draft.stars])
            return self._title(words, draft), self._short(body, words, draft)
        parts = self._parts(words, draft)
        return self._title(words, draft), self._spoil(self._join([self._fill(p, words, draft) for p in parts]), draft)

    def pick(self, options: Sequence[str]) -> str:
        """One of these."""
        return options[int(self._random() * len(options))]

    def _maybe(self, chance: float, options: Sequence[str]) -> list[str]:
        return [self.pick(options)] if self._random() < chance else []

    def _title(self, words: Words, draft: Draft) -> str:
        chance = self._random()
        topic = _TOPIC_OF.get(draft.fault or "", draft.fault or "")
        if topic in words.titles_on and chance < 0.55 and draft.kind != "short":
            title = self.pick(words.titles_on[topic])
        else:
            title = self.pick(words.titles[draft.stars])
        title = self._fill(title, words, draft)
        if draft.stars == 1 and chance > 0.93:
            title = title.upper()
        return title

    def _parts(self, words: Words, draft: Draft) -> list[str]:  # noqa: PLR0911 - one return a kind
        if draft.kind == "praise":
            praises = [self.pick(words.praise)]
            if self._random() < 0.45:
                praises.append(self.pick(words.praise_on[self.pick(tuple(words.praise_on))]))
            if self._random() < 0.15:
                praises += [self.pick(words.praise), *self._maybe(0.4, words.praise)]
            return [
                *self._maybe(0.18, words.openers_good),
                *dict.fromkeys(praises),
                *self._maybe(0.4, words.closers_good),
            ]
        if draft.kind == "request":
            return [
                *self._maybe(0.5, words.praise),
                self.pick(words.requests),
                *self._maybe(0.35, words.closers_request),
            ]
        if draft.kind == "mended":
            return [self.pick(words.mended), *self._maybe(0.3, words.praise)]
        fault = self._fault(words, draft)
        if draft.kind == "mixed":
            return [self.pick(words.praise) + self.pick(words.but) + fault, *self._maybe(0.3, words.closers_request)]
        if draft.kind == "irony":
            return [self.pick(words.irony) + (f". {fault[:1].upper()}{fault[1:]}" if self._random() < 0.7 else "")]
        personal = [self.pick(words.personal)] if draft.kind == "personal" else []
        length = self._random()
        if length < 0.2:
            return [fault, *personal]
        follow = words.consequences_service if draft.fault in SERVICE else words.consequences
        consequences = self._maybe(0.55, follow)
        if length > 0.88:
            consequences += [c for c in (self.pick(follow), self.pick(follow)) if c not in consequences]
            consequences = list(dict.fromkeys(consequences))
        rest = [fault, *consequences, *personal, *self._maybe(0.45, words.closers_bad)]
        return self._opened(0.22, words.openers_bad, rest)

    def _opened(self, chance: float, openers: Sequence[str], parts: list[str]) -> list[str]:
        if self._random() >= chance:
            return parts
        opener = self.pick(openers)
        return [opener + (" " if opener.endswith("?") else ", ") + parts[0], *parts[1:]]

    def _fault(self, words: Words, draft: Draft) -> str:
        fault = self.pick(words.faults[draft.fault or "support"])
        if "{v}" in fault or draft.kind in {"mixed", "irony"} or draft.fault in SERVICE:
            return fault
        chance = self._random()
        if draft.update and chance < 0.45:
            context = self.pick(words.update_contexts)
        elif chance < 0.6 and (draft.update or chance < 0.3):
            context = self.pick(words.contexts)
        else:
            return fault
        if context.endswith((":", " et", " and", "maintenant")):
            return f"{context} {fault}"
        if chance > 0.5:
            return f"{fault} {context}"
        return f"{context}{', ' if self._random() < 0.6 else ' '}{fault}"

    def _fill(self, text: str, words: Words, draft: Draft) -> str:
        while "{" in text:
            start = text.index("{")
            end = text.index("}", start)
            name = text[start + 1 : end]
            text = text[:start] + self._slot(name, words, draft) + text[end + 1 :]
        return text

    def _slot(self, name: str, words: Words, draft: Draft) -> str:
        if name in {"v", "v0"}:
            return draft.version if name == "v" else draft.before
        if name == "iban":
            return iban(self._rng)
        if name == "phone":
            number = f"063998{int(self._random() * 10_000):04d}"
            return number if self._random() < 0.3 else " ".join(number[i : i + 2] for i in range(0, 10, 2))
        if name == "mail":
            return f"{self.pick(('c.fontaine', 'jm.petit', 'nadia75', 'p.lefort', 'k.brown'))}@example.com"
        if name not in {"ans", "tel"}:
            return self.pick(words.slots[name])
        # one person has one telephone, and has been a customer for so many years
        return self._said.setdefault(name, self.pick(words.slots[name]))

    def _join(self, parts: list[str]) -> str:
        style = self._random()
        if style < 0.2:
            return ", ".join(parts)
        if style < 0.28:
            return " ".join(parts)
        stop = ". " if style < 0.78 else " ! " if style < 0.88 else "... " if style < 0.94 else "\n"
        return stop.join(p[:1].upper() + p[1:] for p in parts).replace("? !", "?").replace("?.", "?")

    def _short(self, body: str, words: Words, draft: Draft) -> str:
        chance = self._random()
        if chance < 0.1:
            return body.lower()
        if chance < 0.16:
            return body + self.pick((" !", "!!", ".", "!!!", "..."))
        if chance < 0.22:
            return f"{body} {self.pick(words.emoji_good if draft.stars > 3 else words.emoji_bad)}"
        return body

    def _spoil(self, text: str, draft: Draft) -> str:
        random = self._random
        words = WORDS[draft.language]
        chance = random()
        if chance < 0.22:
            table = _SPOILT[draft.language]
            for _ in range(1 + int(random() * 3)):
                good, bad = table[int(random() * len(table))]
                text = text.replace(good, bad)
        elif chance < 0.28:
            text = _slip(text, self._rng)
        if draft.language == "fr" and random() < 0.11:
            text = strip_accents(text)
        ending = random()
        if ending < 0.38:
            text += "" if text.endswith("?") else "."
        elif ending < 0.5:
            text += " !" if draft.language == "fr" else "!"
        elif ending < 0.55:
            text += "!!!"
        elif ending < 0.59:
            text += "..."
        start = random()
        if start < 0.72:
            text = text[:1].upper() + text[1:]
        elif start < 0.78:
            text = text.lower()
        if draft.stars <= 2 and random() < 0.06:
            text = text.upper()
        if random() < 0.11:
            text += " " + self.pick(words.emoji_good if draft.stars > 3 else words.emoji_bad)
        return text


SERVICE = {"support", "fees", "account_opening", "security_fraud", "missing_feature", "advertising", "documents"}
_TOPIC_OF = {
    "notif_56": "notifications", "crash_60": "crash", "login_63": "sign_in", "login_72": "sign_in",
    "transfer_66": "transfer", "cheque_68": "cheque_deposit",
}  # fmt: skip


def strip_accents(text: str) -> str:
    """The text as typed by someone who never types an accent."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not "\u0300" <= c <= "\u036f")


def _slip(text: str, rng: Random) -> str:
    """One slip of the finger: a letter lost, doubled or swapped with the next."""
    if len(text) < 6:
        return text
    at = 1 + int(rng.random() * (len(text) - 3))
    if not (text[at].isalpha() and text[at + 1].isalpha()):
        return text
    kind = rng.random()
    if kind < 0.4:
        return text[:at] + text[at + 1 :]
    if kind < 0.7:
        return text[:at] + text[at] + text[at:]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def iban(rng: Random) -> str:
    """A French IBAN with right check digits (ISO 13616) of a bank code that no bank has, spaced or not."""
    bank, branch, account = "99999", "00001", f"{int(rng.random() * 10**11):011d}"
    key = 97 - (89 * int(bank) + 15 * int(branch) + 3 * int(account)) % 97
    bban = f"{bank}{branch}{account}{key:02d}"
    check = 98 - int(f"{bban}152700") % 97  # F = 15, R = 27
    whole = f"FR{check:02d}{bban}"
    return whole if rng.random() < 0.4 else " ".join(whole[i : i + 4] for i in range(0, len(whole), 4))
