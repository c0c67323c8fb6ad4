"""Where one thought ends and the next begins: topics and their sentiment are judged clause by clause."""

from dataclasses import dataclass

import numpy as np

from analysis import lexicon
from analysis.tokens import STOP, Ints, Tokens

_TURN = lexicon.GROUPS.index("contrast")


@dataclass(frozen=True, slots=True)
class Clauses:
    """Clauses numbered through the batch: `of` is the clause of each token, `doc` the document of each clause."""

    of: Ints
    doc: Ints

    def __len__(self) -> int:
        return len(self.doc)


def cut(tokens: Tokens, cues: lexicon.Cues | None = None) -> Clauses:
    """Cut a batch at punctuation and before "mais", "par contre", "but", "however" (found anew without `cues`)."""
    begins = np.diff(tokens.doc, prepend=-1) != 0
    begins[1:] |= (tokens.kind[:-1] == STOP) & (tokens.kind[1:] != STOP)
    begins[lexicon.contrasts(tokens) if cues is None else cues.first[cues.group == _TURN]] = True
    return Clauses(np.cumsum(begins) - 1, tokens.doc[begins])
