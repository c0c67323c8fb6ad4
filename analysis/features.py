"""Hashed features of text: words, pairs of words and pieces of words, as bucket numbers (Weinberger et al., ICML 2009).

One extraction serves every head (sentiment, intent) at training and in use; a segment is a document or one clause.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.tokens import U64, Ints, Tokens, mix

BITS = 18
BUCKETS = 1 << BITS
_PAIR = np.uint64(0xD6E8FEB86659FD93)
_PIECE = np.uint64(0xA0761D6478BD642F)
_EDGE = np.uint64(0xE7037ED1A0B428DB)


@dataclass(frozen=True, slots=True)
class Features:
    """Every feature found: its `segment`, its `bucket`, and whether it is a `piece` of a word (else a word or pair)."""

    segment: Ints
    bucket: Ints
    piece: NDArray[np.bool_]

    def values(self, owner: Ints, owners: int) -> tuple[Ints, NDArray[np.float64]]:
        """Owner of each feature (`owner` maps segments to owners, say clauses to documents) and its value there:
        1 / √(features of that owner and kind), so that long and short texts weigh alike."""
        where = owner[self.segment]
        count = np.bincount(where * 2 + self.piece, minlength=2 * owners)
        return where, (1.0 / np.sqrt(np.maximum(count, 1)))[where * 2 + self.piece]


def extract(tokens: Tokens, segment: Ints, wrapped: NDArray[np.bool_]) -> Features:
    """Features of a batch; `segment` gives each token its segment, ascending. No pair reaches over two segments.

    Tokens that are `wrapped` count as never written.
    """
    segments, pieces = _pieces(tokens, segment, wrapped)
    said = np.flatnonzero(~wrapped)
    words, segment = tokens.hash[said], segment[said]
    follows = np.flatnonzero(segment[:-1] == segment[1:])
    pairs = mix(words[follows] * _PAIR + words[follows + 1])
    starts = np.flatnonzero(np.diff(segment, prepend=-1) != 0)
    edges = mix(words[starts] * _EDGE)
    hashes = np.concatenate([words, pairs, edges, pieces])
    kind = np.zeros(len(hashes), dtype=bool)
    kind[len(hashes) - len(pieces) :] = True
    where = np.concatenate([segment, segment[follows], segment[starts], segments])
    return Features(where, (hashes >> np.uint64(64 - BITS)).astype(np.int64), kind)


def _pieces(tokens: Tokens, segment: Ints, wrapped: NDArray[np.bool_]) -> tuple[Ints, U64]:
    """Pieces of 4 characters within a word and its two edges."""
    inside = tokens.inside
    token_of = np.full(len(inside), -1, dtype=np.int64)
    token_of[tokens.first] = 1
    token_of = np.cumsum(token_of == 1) - 1
    outside_before = np.concatenate([[0], np.cumsum(~inside)])
    segments, hashes = [], []
    for size in (4,):
        at = np.arange(max(len(inside) - size + 1, 0))
        gaps = outside_before[at + size - 1] - outside_before[at + 1]
        at = at[(gaps == 0) & inside[at + 1]]
        said = ~wrapped[token_of[at + 1]]
        at = at[said]
        segments.append(segment[token_of[at + 1]])
        hashes.append(tokens.range_hash(at, at + size) * _PIECE)
    return np.concatenate(segments), mix(np.concatenate(hashes))
