"""Generation that is read over word by word: what a judge turns down is taken back, and another word tried."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from thinkrec.model.copying import CiteOnly


class Reviewed:
    """`cite`, and every finished word or quotation has to pass `judge`; see `generate.Constraint`.

    `judge` is given the text so far, cited titles exchanged for their numbers (`CiteOnly.marked`), and says whether it
    may stand. What fails since the last text that passed is taken back, and its first token is not tried again there.
    After `most` words taken back everything passes: the text then ends as the model would have it.
    """

    def __init__(self, cite: CiteOnly, judge: Callable[[str], bool], *, most: int = 60) -> None:
        self.cite, self.judge, self.left = cite, judge, most
        self._passed = 1
        self._refused: dict[int, set[int]] = defaultdict(set)

    def permits(self, ids: Sequence[int], token: int) -> bool:
        """Whether one token may follow."""
        return token not in self._refused.get(len(ids), ()) and self.cite.permits(ids, token)

    def allowed(self, ids: Sequence[int]) -> np.ndarray | None:
        """Which tokens may follow."""
        allowed, refused = self.cite.allowed(ids), self._refused.get(len(ids))
        if not refused:
            return allowed
        every = np.arange(len(self.cite.words)) if allowed is None else allowed
        kept = np.setdiff1d(every, sorted(refused))
        return kept if len(kept) else allowed

    def review(self, ids: Sequence[int]) -> int:
        """How many of `ids` stay, the first always; asked once after every token."""
        before = ids[:-1]
        if len(before) <= self._passed or not self._ends_a_word(ids) or self.cite.quoting(before):
            return len(ids)
        if not self.left or self.judge(self.cite.marked(before)):
            self._passed = len(before)
            return len(ids)
        self.left -= 1
        for place in [place for place in self._refused if place > self._passed]:
            del self._refused[place]
        self._refused[self._passed].add(ids[self._passed])
        return self._passed

    def _ends_a_word(self, ids: Sequence[int]) -> bool:
        """Whether the last token is not the rest of a word."""
        piece = self.cite.words.pieces[ids[-1]].decode(errors="ignore")
        return not piece or not piece[0].isalnum()
