"""Text as arrays: a batch of documents folded, cut into tokens and hashed in a handful of numpy passes.

Everything downstream (phrases, lexicon, model features, language) reads these arrays, so that a text is walked once.
Folding is one character to one character (lower case, accents off), which lets evidence quote the original words.
French words that lack their apostrophe ("jarrive", "lappli") are cut where it should stand (data/spelling.yaml).
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis import spelling

U64 = NDArray[np.uint64]
Ints = NDArray[np.int64]

SPACE, WORD, SYMBOL, STOP, IGNORE = range(5)
MAX_CHARACTERS = 20_000
"""Characters read of one document; what follows is not understood (stores cut at 6,000, surveys rarely pass 2,000)."""

_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that its powers have inverses modulo 2**64
_BASE_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))
_STOPS = {
    ".": ".",
    ",": ",",
    ";": ";",
    ":": ";",
    "!": "!",
    "?": "?",
    "\n": ".",
    "\r": ".",
    "\u2028": ".",
    "\u2029": ".",
}
_STOPS |= {"…": ".", "。": ".", "！": "!", "？": "?", "؟": "?", "،": ",", "¡": "!", "¿": "?", "(": ",", ")": ","}
_HAPPY, _SAD = 0x1F642, 0x1F641


@cache
def _tables() -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Folded code and class of each code point. Planes beyond the table's walk are letters, as in CJK extensions."""
    fold = np.arange(0x110000, dtype=np.uint32)
    kind = np.full(0x110000, WORD, dtype=np.uint8)
    for span in (range(0x3100), range(0xA480, 0xAC00), range(0xD7A4, 0x10000), range(0x1F000, 0x1FB00)):
        for code in span:
            char = chr(code)
            category = unicodedata.category(char)
            if char in _STOPS:
                fold[code], kind[code] = ord(_STOPS[char]), STOP
            elif category in ("Mn", "Me", "Cf") or 0x1F3FB <= code <= 0x1F3FF:
                kind[code] = IGNORE
            elif category[0] in "LN" or category == "Mc":
                base = unicodedata.normalize("NFKD", char.lower()) or char
                fold[code] = ord(base[0].lower()[0])
            elif category in ("So", "Sc"):
                kind[code] = SYMBOL
            else:
                fold[code], kind[code] = 32, SPACE
    for char in "œŒæÆøØłŁđĐ":
        fold[ord(char)] = ord({"œ": "e", "æ": "e", "ø": "o", "ł": "l", "đ": "d"}[char.lower()])
    fold[0xDF] = ord("s")
    kind[0xD800:0xE000], fold[0xD800:0xE000] = SPACE, 32  # lone surrogates and private use carry no words
    kind[0xE000:0xF900], fold[0xE000:0xF900] = SPACE, 32
    kind[0xE0000:], fold[0xE0000:] = IGNORE, 32
    return fold, kind


def _powers(base: np.uint64, count: int) -> U64:
    powers = np.full(count, base, dtype=np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


@cache
def _power_tables(size: int) -> tuple[U64, U64]:
    return _powers(_BASE, size), _powers(_BASE_INVERSE, size)


def mix(values: U64) -> U64:
    """Finish a hash so that every bit depends on every other (the multiply and shift steps of splitmix64)."""
    mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@dataclass(slots=True)
class Tokens:
    """Tokens of a batch.

    `doc` is ascending; `start` and `end` are character ranges in `text`, `first` and `last` in the folded `codes`;
    `inside` tells which codes are letters or digits; `bounds` has each document's first token, and the end.
    """

    text: str
    documents: int
    codes: NDArray[np.uint32]
    first: Ints
    last: Ints
    start: Ints
    end: Ints
    doc: Ints
    kind: NDArray[np.uint8]
    bounds: Ints
    rolling: U64
    inside: NDArray[np.bool_]
    hash: U64 = field(init=False)
    words: Ints = field(init=False)  # one token of each different word
    word_of: Ints = field(init=False)  # for each token, its place in `words`
    _prefixes: dict[int, tuple[Ints, U64]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.hash = self.range_hash(self.first, self.last)
        _, self.words, self.word_of = np.unique(self.hash, return_index=True, return_inverse=True)

    def __len__(self) -> int:
        return len(self.doc)

    def range_hash(self, first: Ints, last: Ints) -> U64:
        """Hash of the folded characters from `first` to `last` (not included), element by element."""
        return _hash(self.rolling, first, last)

    def prefix_hash(self, length: int) -> tuple[Ints, U64]:
        """Places in `words` of those of at least `length` folded characters, and the hash of the first `length`."""
        if length not in self._prefixes:
            first = self.first[self.words]
            chosen = np.flatnonzero(self.last[self.words] - first >= length)
            self._prefixes[length] = chosen, self.range_hash(first[chosen], first[chosen] + length)
        return self._prefixes[length]

    def cut_in_two(self) -> Ints:
        """First tokens of French words that lacked their apostrophe ("j" of "jarrive")."""
        beside = (self.start[1:] == self.end[:-1]) & (self.doc[1:] == self.doc[:-1])
        beside &= (self.kind[1:] == WORD) & (self.kind[:-1] == WORD)
        return np.flatnonzero(beside)

    def with_apostrophes(self, texts: Sequence[str]) -> list[str]:
        """The texts of this batch, with the apostrophes that French words lacked: "j'arrive" for "jarrive"."""
        cut = self.cut_in_two()
        if not len(cut):
            return list(texts)
        edges = [0, *self.end[cut].tolist(), len(self.text)]
        whole = "'".join(self.text[a:b] for a, b in pairwise(edges))[1:-1].split("\0")
        mended = set(self.doc[cut].tolist())
        return [whole[number] if number in mended else text for number, text in enumerate(texts)]

    def quote(self, first: int, last: int) -> str:
        """The original words from token `first` to token `last`, both included."""
        return self.text[self.start[first] : self.end[last]]


def _table_size(count: int) -> int:
    return max(1 << 16, 1 << (count - 1).bit_length())


def _clean(text: str) -> str:
    return text[:MAX_CHARACTERS].replace("\0", " ")


def tokenise(texts: Sequence[str]) -> Tokens:
    """Fold, cut and hash a batch. Letters repeated three times or more and repeated marks count once ("nuuuul !!!").

    Never raises: lone surrogates are blanks, combining marks and invisible characters vanish.
    """
    joined = unicodedata.normalize("NFC", "\0" + "\0".join(_clean(text) for text in texts)) + "\0"
    raw = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    fold, kinds = _tables()
    codes, kind = fold[raw], kinds[raw].copy()
    _emoticons(raw, codes, kind)
    ends = np.flatnonzero(raw == 0)
    codes[ends], kind[ends] = 0, SPACE

    kept = np.flatnonzero(kind != IGNORE)
    codes, kind = codes[kept], kind[kept]
    same = np.zeros(len(codes) + 2, dtype=bool)
    same[1:-2] = codes[1:] == codes[:-1]
    run = same[:-2] & ((same[1:-1] | np.roll(same, 1)[:-2]) | (kind != WORD)) & (kind != SPACE)
    run &= ~((kind == WORD) & (codes >= 48) & (codes <= 57))  # 1000 is a number, not a drawl
    kept, codes, kind = kept[~run], codes[~run], kind[~run]

    begins = kind != SPACE
    begins[1:] &= (kind[1:] != WORD) | (kind[:-1] != WORD)
    finishes = kind != SPACE
    finishes[:-1] &= (kind[:-1] != WORD) | (kind[1:] != WORD)
    first, last = np.flatnonzero(begins), np.flatnonzero(finishes) + 1
    rolling = _rolling(codes)
    separators = np.flatnonzero(codes == 0)[1:]
    first, last = _unglued(codes, first, last, rolling)
    doc = np.searchsorted(separators, first)
    bounds = np.searchsorted(doc, np.arange(len(texts) + 1))
    start, end = kept[first], kept[last - 1] + 1
    return Tokens(joined, len(texts), codes, first, last, start, end, doc, kind[first], bounds, rolling, kind == WORD)


def _rolling(codes: NDArray[np.uint32]) -> U64:
    powers = _power_tables(_table_size(len(codes) + 1))[0]
    rolling = np.zeros(len(codes) + 1, dtype=np.uint64)
    np.cumsum((codes.astype(np.uint64) + np.uint64(1)) * powers[: len(codes)], out=rolling[1:])
    return rolling


@dataclass(frozen=True, slots=True)
class _Glued:
    """French words without their apostrophe: sorted `hashes`, and after how many letters each is cut (`at`).

    `between` are words cut only beside some others: hash, letters, hashes of words before them, of words after.
    """

    hashes: U64
    at: Ints
    begins: NDArray[np.bool_]  # by code, up to 127: whether such a word begins with this letter
    between: tuple[tuple[np.uint64, int, U64, U64], ...]


@cache
def _glued() -> _Glued:
    raw = spelling.read()
    verbs, nouns = raw["verbs"], raw["nouns"]
    pairs = [(short, stem + end) for short in verbs["before"] for stem in verbs["stems"] for end in verbs["endings"]]
    pairs += [
        (short, stem + end)
        for short in verbs["of"]["before"]
        for stem in verbs["stems"]
        for end in verbs["of"]["endings"]
    ]
    for row in [*raw["forms"], nouns]:
        pairs += [(short, word) for short in row["before"] for word in row["after"]]
    cuts = {short + form: len(short) for short, word in pairs for form in spelling.doubled_or_not(word)}
    for word in raw["never"]:
        cuts.pop(word, None)
    hashes, at = hashes_of(list(cuts)), np.array(list(cuts.values()), dtype=np.int64)
    order = np.argsort(hashes)
    begins = np.zeros(128, dtype=bool)
    begins[[ord(word[0]) for word in cuts]] = True
    between = tuple(
        (hashes_of([row["word"]])[0], row["at"], hashes_of(row.get("after", [])), hashes_of(row.get("before", [])))
        for row in raw["between"]
    )
    return _Glued(hashes[order], at[order], begins, between)


def hashes_of(words: Sequence[str]) -> U64:
    """Hash of each folded word, as that of a token."""
    codes = np.array([ord(letter) for word in words for letter in word], dtype=np.uint32)
    ends = np.cumsum([len(word) for word in words], dtype=np.int64)
    return _hash(_rolling(codes), np.concatenate([[0], ends[:-1]]).astype(np.int64), ends)


def _hash(rolling: U64, first: Ints, last: Ints) -> U64:
    return mix((rolling[last] - rolling[first]) * _power_tables(_table_size(len(rolling)))[1][first])


def _unglued(codes: NDArray[np.uint32], first: Ints, last: Ints, rolling: U64) -> tuple[Ints, Ints]:
    """Cut the French words that lack their apostrophe: first and last characters of the tokens that are left."""
    known = _glued()
    letter = codes[first]
    chosen = np.flatnonzero((last - first > 1) & known.begins[np.minimum(letter, 127)] & (letter < 127))
    hashes = _hash(rolling, first[chosen], last[chosen])
    place = np.minimum(np.searchsorted(known.hashes, hashes), len(known.hashes) - 1)
    hit = known.hashes[place] == hashes
    tokens, cut = [chosen[hit]], [known.at[place[hit]]]
    for word, at, after, before in known.between:
        found = chosen[hashes == word]
        beside = np.zeros(len(found), dtype=bool)
        for step, words in ((-1, after), (1, before)):
            other = np.clip(found + step, 0, len(first) - 1)
            low, high = np.minimum(found, other), np.maximum(found, other)
            near = first[high] - last[low] == 1  # a single blank: no mark, no end of a text
            near &= codes[last[low]] == 32
            beside |= near & np.isin(_hash(rolling, first[other], last[other]), words)
        tokens.append(found[beside])
        cut.append(np.full(int(beside.sum()), at, dtype=np.int64))
    where, length = np.concatenate(tokens), np.concatenate(cut)
    if not len(where):
        return first, last
    order = np.argsort(where)
    where, edge = where[order], (first[where] + length)[order]
    return np.insert(first, where + 1, edge), np.insert(last, where, edge)


def _emoticons(raw: NDArray[np.uint32], codes: NDArray[np.uint32], kind: NDArray[np.uint8]) -> None:
    """Turn :) :-) ;) =) :D and :( :-( into one symbol each, in place."""
    eyes = np.flatnonzero((raw == 58) | (raw == 59) | (raw == 61))
    for nose in (0, 1):
        at = eyes[eyes + nose + 1 < len(raw)]
        if nose:
            at = at[raw[at + 1] == 45]
        mouth = raw[at + nose + 1]
        for mouths, symbol in (((41, 68), _HAPPY), ((40,), _SAD)):
            found = at[np.isin(mouth, mouths)]
            codes[found], kind[found] = symbol, SYMBOL
            for step in range(1, nose + 2):
                kind[found + step] = IGNORE
