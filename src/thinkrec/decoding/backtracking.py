"""Generation that is read over word by word: what a judge turns down is taken back, and another way is tried.

Where a claim does not fit the title it is made of, the title is exchanged and not the claim, if a title is left that
fits: the model chose its argument before it chose an example for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from thinkrec.data.titles import MARK
from thinkrec.decoding.citations import CiteOnly


class Fault(NamedTuple):
    """What a judge finds in a text."""

    begins: int | None = None
    """Where what has to go begins, in characters of the marked text; None: all since the last text that passed."""
    citation: int | None = None
    """Which citation of the text, counted from 0, does not fit what is said of it."""
    sign: int = 0
    """With `citation`: which sign would fit."""
    keywords: frozenset[str] = frozenset()
    """With `citation`: which keywords a title that fits has."""


class Reviewed:
    """`cite`, and every finished word or quotation has to pass `judge`; see `generate.Constraint`.

    `judge` is given the text so far, cited titles exchanged for their numbers (`CiteOnly.marked`), and gives its first
    fault, or None where it may stand. If a citation is at fault and `CiteOnly.demand` can have it chosen anew, the text
    goes back to before it; else the fault itself is taken back, and its first token is not tried again there.
    After `most` faults everything passes: the text then ends as the model would have it. `phrases` may say that one of
    some phrases has to stand at the end of a marked text: (what is there of it so far, the phrases in lower case).
    """

    def __init__(
        self,
        cite: CiteOnly,
        judge: Callable[[str], Fault | None],
        *,
        most: int = 60,
        phrases: Callable[[str], tuple[str, Sequence[str]] | None] | None = None,
    ) -> None:
        self.cite, self.judge, self.left, self.phrases = cite, judge, most, phrases
        self._passed = 1
        self._refused: dict[int, set[int]] = defaultdict(set)

    def permits(self, ids: Sequence[int], token: int) -> bool:
        """Whether one token may follow."""
        if token in self._refused.get(len(ids), ()) or not self.cite.permits(ids, token):
            return False
        rests = self._rests(ids)
        if rests is None:
            return True
        piece = self.cite.words.pieces[token].lower()
        # A piece may go on behind a phrase, but not with the same word.
        return bool(piece) and any(
            rest.startswith(piece) or (piece.startswith(rest) and not piece[len(rest) : len(rest) + 1].isalnum())
            for rest in rests
        )

    def allowed(self, ids: Sequence[int]) -> np.ndarray | None:
        """Which tokens may follow."""
        allowed, refused = self.cite.allowed(ids), self._refused.get(len(ids))
        rests = self._rests(ids)
        if rests is not None:
            known = self.cite.words.lowered
            fitting = sorted({t for rest in rests for n in range(1, len(rest) + 1) for t in known.get(rest[:n], ())})
            fitting = [token for token in fitting if token not in (refused or ())]
            narrowed = np.array(fitting, dtype=np.int64)
            narrowed = narrowed if allowed is None else np.intersect1d(narrowed, allowed)
            if len(narrowed):
                return narrowed
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
        fault = self.judge(self.cite.marked(before)) if self.left else None
        if fault is None:
            self._passed = len(before)
            return len(ids)
        self.left -= 1
        at = None if fault.citation is None else self.cite.demand(before, fault.citation, fault.sign, fault.keywords)
        if at is None or at < 1:
            at = self._where(before, fault.begins)
            self._refused[at].add(ids[at])
            self.cite.forget(len(MARK.findall(self.cite.marked(ids[:at]))))
        for place in [place for place in self._refused if place > at]:
            del self._refused[place]
        self._passed = at
        return at

    def _rests(self, ids: Sequence[int]) -> list[bytes] | None:
        """What may complete a phrase, as bytes in lower case; None where none has to stand, or one is whole."""
        found = None if self.phrases is None or not self.left else self.phrases(self.cite.marked(ids))
        if found is None:
            return None
        begun, phrases = found
        rests = [phrase[len(begun) :].encode() for phrase in phrases if phrase.startswith(begun)]
        return None if not rests or b"" in rests else rests

    def _where(self, ids: Sequence[int], begins: int | None) -> int:
        """How many ids stand before a character of the marked text, at most those that passed, at least one."""
        at = self._passed
        while begins is not None and at > 1 and len(self.cite.marked(ids[:at])) > begins:
            at -= 1
        return at

    def _ends_a_word(self, ids: Sequence[int]) -> bool:
        """Whether the last token is not the rest of a word."""
        piece = self.cite.words.pieces[ids[-1]].decode(errors="ignore")
        return not piece or not piece[0].isalnum()
