"""Many phrases looked for at once in a tokenised batch, on word boundaries, with numpy instead of a regex engine.

A phrase is words separated by spaces, folded like the text. `word*` matches any word that begins so, `_` any one
word, `..` zero to three words. Marks of punctuation are tokens: no phrase reaches over a full stop or a comma.
French phrases are found in hurried spellings too (`spelling.py`): all of them in phrases of several words, doubled
letters in single words and beginnings, which nothing around them would make sure of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.spelling import doubled_or_not, singled, sound, spellings
from analysis.tokens import SPACE, STOP, U64, Ints, Tokens, hashes_of, tokenise

_ANY = -1
_NONE = -2
_GAP = 3
_EXACT, _DOUBLED, _SOUND = range(3)  # how a word of a phrase is compared: letter by letter, or by `spelling.py`
_SHORT = 4  # letters: shorter words are in half of all sentences
_LAST = frozenset({"pas"})  # short words that are found in other spellings at the end of a phrase too
_STEM = 5  # letters of a beginning that may lose a doubled one
_Symbol = tuple[int, int, str]  # how it is compared, letters of a beginning or 0, its name


@dataclass(frozen=True, slots=True)
class Hits:
    """Places where phrases were found: `phrase` is the index given to `Phrasebook`, `first` and `last` are tokens."""

    phrase: Ints
    first: Ints
    last: Ints

    def __len__(self) -> int:
        return len(self.phrase)


class Phrasebook:
    """Compiled phrases. Memory and time grow with what is found, hardly with the number of phrases."""

    def __init__(self, phrases: Sequence[str], french: Sequence[bool] = ()) -> None:
        """`french` tells which phrases are looked for in other spellings too; none without it."""
        self.phrases = tuple(phrases)
        variants = [(index, words) for index, phrase in enumerate(phrases) for words in _variants(phrase)]
        flat = [word for _, words in variants for word in words]
        tokens = tokenise([word.rstrip("*") if word not in ("_", "..") else "" for word in flat])
        letters = ["".join(map(chr, tokens.codes[a:b])) for a, b in zip(tokens.first, tokens.last, strict=True)]
        pieces = [letters[a:b] for a, b in pairwise(tokens.bounds.tolist())]
        symbols: dict[_Symbol, int] = {}
        self._short: set[int] = set()
        self._spelt: dict[_Symbol, int] = {}
        compiled: list[list[int]] = []
        at = 0
        for index, words in variants:
            loose = bool(french) and french[index]
            mine = pieces[at : at + len(words)]
            at += len(words)
            one = sum(map(len, mine)) == 1
            row: list[int] = []
            for number, (word, parts) in enumerate(zip(words, mine, strict=True)):
                end = number == len(words) - 1
                row.extend(
                    self._symbols(word, parts, symbols, (_EXACT if not loose else _DOUBLED if one else _SOUND), end)
                )
            compiled.append(row)
        self._owner = np.array([index for index, _ in variants], dtype=np.int64)
        self._width = max((len(row) for row in compiled), default=1)
        self._table = np.full((len(compiled), self._width), _NONE, dtype=np.int64)
        for number, row in enumerate(compiled):
            if not row or row[0] == _ANY:
                raise ValueError(f"a phrase must begin with a word: {self.phrases[self._owner[number]]!r}")
            self._table[number, : len(row)] = row
        self._count = np.array([len(row) for row in compiled], dtype=np.int64)
        self._symbol_count = max(len(symbols), 1)
        self._index(symbols)

    def _symbols(self, word: str, parts: Sequence[str], symbols: dict[_Symbol, int], how: int, end: bool) -> list[int]:
        if word == "_":
            return [_ANY]
        row = []
        for number, piece in enumerate(parts):
            last = number == len(parts) - 1
            prefix = len(piece) if word.endswith("*") and last else 0
            compared, forms = _forms(piece, how, prefix, end and last)
            name = {_EXACT: piece, _DOUBLED: singled(piece), _SOUND: sound(piece)}[compared]
            symbol = symbols.setdefault((compared, prefix and len(name), name), len(symbols))
            for form in forms:
                self._spelt.setdefault((compared, prefix and len(form), form), symbol)
            row.append(symbol)
            if len(piece) < _SHORT:
                self._short.add(symbol)
        return row

    def _index(self, symbols: dict[_Symbol, int]) -> None:
        told: dict[tuple[int, int], list[tuple[int, int]]] = {}
        values = hashes_of([form for _, _, form in self._spelt]).tolist()
        for ((compared, prefix, _), symbol), value in zip(self._spelt.items(), values, strict=True):
            told.setdefault((prefix, compared), []).append((value, symbol))
        self._lookups: list[tuple[int, U64, Ints]] = []
        for (prefix, _), pairs in sorted(told.items()):
            pairs.sort()
            hashes = np.array([value for value, _ in pairs], dtype=np.uint64)
            self._lookups.append((prefix, hashes, np.array([symbol for _, symbol in pairs], dtype=np.int64)))
        self._anchor = self._anchors()
        anchored = self._table[np.arange(len(self._table)), self._anchor]
        self._order = np.argsort(anchored, kind="stable")
        self._starts = np.searchsorted(anchored[self._order], np.arange(self._symbol_count + 1))

    def _anchors(self) -> Ints:
        """Where each row is looked for first: at its word that fewest rows share, short words ("de", "my") last."""
        shared = np.zeros(self._symbol_count + 1)
        for row in self._table:
            shared[np.unique(row[row >= 0])] += 1
        shared[list(self._short)] += 10_000
        cost = np.where(self._table >= 0, shared[self._table], np.inf)
        anchors: Ints = np.argmin(cost, axis=1)
        return anchors

    def find(self, tokens: Tokens, read: NDArray[np.bool_] | None = None, reader: Ints | None = None) -> Hits:
        """Every occurrence of every phrase, ordered by token, overlapping ones included, each once a place.

        With `read` and `reader`, phrase p is only looked for in documents d where `read[reader[d], p]`.
        """
        token, symbol, held = self._symbols_of(tokens)
        fan = self._starts[symbol + 1] - self._starts[symbol]
        at = np.repeat(token, fan)
        offset = np.arange(len(at)) - np.repeat(np.cumsum(fan) - fan, fan)
        row = self._order[np.repeat(self._starts[symbol], fan) + offset]
        at, doc = at - self._anchor[row], tokens.doc[at]
        inside = (at >= tokens.bounds[doc]) & (at + self._count[row] <= tokens.bounds[doc + 1])
        if read is not None and reader is not None:
            inside &= read[reader[doc], self._owner[row]]
        at, row = at[inside], row[inside]
        done_at, done_row = [at[self._count[row] == 1]], [row[self._count[row] == 1]]
        at, row = at[self._count[row] > 1], row[self._count[row] > 1]
        for position in range(self._width):
            wanted, here = self._table[row, position], at + position
            keep = (wanted == _ANY) | (self._anchor[row] == position)
            asked = np.flatnonzero(~keep)
            keep[asked] = held.of(here[asked], wanted[asked])
            keep &= (tokens.kind[here] != STOP) | (position == 0)
            at, row = at[keep], row[keep]
            whole = self._count[row] == position + 1
            done_at.append(at[whole])
            done_row.append(row[whole])
            at, row = at[~whole], row[~whole]
        at, row = np.concatenate(done_at), np.concatenate(done_row)
        packed = np.unique((at * len(self.phrases) + self._owner[row]) * (self._width + 1) + self._count[row])
        rest, count = packed // (self._width + 1), packed % (self._width + 1)
        first = rest // max(len(self.phrases), 1)
        return Hits(rest % max(len(self.phrases), 1), first, first + count - 1)

    def _symbols_of(self, tokens: Tokens) -> tuple[Ints, Ints, "_Held"]:
        """Every symbol of every token: tokens and symbols, in order; and a table of what each token holds."""
        found = []
        for prefix, values, symbols in self._lookups:
            if prefix:
                chosen, hashes = tokens.prefix_hash(prefix)
            else:
                chosen, hashes = np.arange(len(tokens.words)), tokens.hash[tokens.words]
            place = np.minimum(np.searchsorted(values, hashes), len(values) - 1)
            hit = values[place] == hashes
            found.append(chosen[hit] * self._symbol_count + symbols[place[hit]])
        # Each different word is looked up once; its symbols are then handed to every token that is this word.
        known = np.sort(np.concatenate(found)) if found else np.empty(0, np.int64)
        word, symbol = known // self._symbol_count, known % self._symbol_count
        starts = np.searchsorted(word, np.arange(len(tokens.words) + 1))
        some = np.diff(starts) > 0
        row_of_word = np.where(some, np.cumsum(some), 0)
        table = np.zeros((int(some.sum()) + 1, self._symbol_count), dtype=bool)
        table[row_of_word[word], symbol] = True
        fan = np.diff(starts)[tokens.word_of]
        at = np.repeat(np.arange(len(tokens)), fan)
        offset = np.arange(len(at)) - np.repeat(np.cumsum(fan) - fan, fan)
        place = starts[:-1][tokens.word_of].repeat(fan) + offset
        return at, symbol[place], _Held(row_of_word[tokens.word_of], table)


@dataclass(frozen=True, slots=True)
class _Held:
    """Which symbols a token is: a row of `table` for each different word that is any, the first for all others."""

    row: Ints
    table: NDArray[np.bool_]

    def of(self, token: Ints, symbol: Ints) -> NDArray[np.bool_]:
        """Whether each token is each symbol."""
        held: NDArray[np.bool_] = self.table[self.row[token], symbol]
        return held


def _forms(piece: str, how: int, prefix: int, end: bool) -> tuple[int, tuple[str, ...]]:
    """How a word of a phrase is really compared, and the forms in which it is found."""
    if how != _EXACT and (prefix or how == _DOUBLED):
        least = _STEM if prefix else 0
        return _DOUBLED, tuple(form for form in doubled_or_not(piece) if form == piece or len(form) >= least)
    # "Vous …ez" bids or asks, which no other ending does; a last "est" must not be the "et" of what follows.
    if how == _EXACT or piece.endswith("ez") or (end and len(piece) < _SHORT and piece not in _LAST):
        return _EXACT, (piece,)
    return _SOUND, spellings(piece)


def _variants(phrase: str) -> list[list[str]]:
    rows: list[list[str]] = [[]]
    for word in phrase.split():
        if word == "..":
            rows = [row + ["_"] * gap for row in rows for gap in range(_GAP + 1)]
        else:
            rows = [[*row, word] for row in rows]
    return rows


__all__ = ["SPACE", "Hits", "Phrasebook"]
