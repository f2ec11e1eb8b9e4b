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
from thinkrec.decoding.citations import CitationConstraint


class Violation(NamedTuple):
    """What a judge finds in a text."""

    start: int | None = None
    """Where what has to go begins, in characters of the marked text; None: all since the last text that passed."""
    citation_index: int | None = None
    """Which citation of the text, counted from 0, does not fit what is said of it."""
    polarity: int = 0
    """With `citation_index`: which sign would fit."""
    keywords: frozenset[str] = frozenset()
    """With `citation_index`: which keywords a title that fits has."""


class RejectionRule:
    """`citations`, and every finished word or quotation has to pass `find_violation`; see `generate.Constraint`.

    `find_violation` is given the text so far, cited titles exchanged for their numbers (`CitationConstraint.decode_marked`), and gives its first
    fault, or None where it may stand. If a citation is at fault and `CitationConstraint.request_replacement` can have it chosen anew, the text
    goes back to before it; else the fault itself is taken back, and its first token is not tried again there.
    After `most` faults everything passes: the text then ends as the model would have it. `required_phrases` may say that one of
    some phrases has to stand at the end of a marked text: (what is there of it so far, the phrases in lower case).
    """

    def __init__(
        self,
        cite: CitationConstraint,
        judge: Callable[[str], Violation | None],
        *,
        most: int = 60,
        phrases: Callable[[str], tuple[str, Sequence[str]] | None] | None = None,
    ) -> None:
        self.citations, self.find_violation, self.rejections_left, self.required_phrases = cite, judge, most, phrases
        self._n_accepted = 1
        self._rejected_ids: dict[int, set[int]] = defaultdict(set)

    def is_allowed(self, ids: Sequence[int], token: int) -> bool:
        """Whether one token may follow."""
        if token in self._rejected_ids.get(len(ids), ()) or not self.citations.is_allowed(ids, token):
            return False
        rests = self._find_phrase_completions(ids)
        if rests is None:
            return True
        piece = self.citations.vocabulary.pieces[token].lower()
        # A piece may go on behind a phrase, but not with the same word.
        return bool(piece) and any(
            rest.startswith(piece) or (piece.startswith(rest) and not piece[len(rest) : len(rest) + 1].isalnum())
            for rest in rests
        )

    def allowed_token_ids(self, ids: Sequence[int]) -> np.ndarray | None:
        """Which tokens may follow."""
        allowed, refused = self.citations.allowed_token_ids(ids), self._rejected_ids.get(len(ids))
        rests = self._find_phrase_completions(ids)
        if rests is not None:
            known = self.citations.vocabulary.ids_by_lowercase_piece
            fitting = sorted({t for rest in rests for n in range(1, len(rest) + 1) for t in known.get(rest[:n], ())})
            fitting = [token for token in fitting if token not in (refused or ())]
            narrowed = np.array(fitting, dtype=np.int64)
            narrowed = narrowed if allowed is None else np.intersect1d(narrowed, allowed)
            if len(narrowed):
                return narrowed
        if not refused:
            return allowed
        every = np.arange(len(self.citations.vocabulary)) if allowed is None else allowed
        kept = np.setdiff1d(every, sorted(refused))
        return kept if len(kept) else allowed

    def count_accepted(self, ids: Sequence[int]) -> int:
        """How many of `ids` stay, the first always; asked once after every token."""
        before = ids[:-1]
        if len(before) <= self._n_accepted or not self._starts_new_word(ids) or self.citations.is_in_quotation(before):
            return len(ids)
        fault = self.find_violation(self.citations.decode_marked(before)) if self.rejections_left else None
        if fault is None:
            self._n_accepted = len(before)
            return len(ids)
        self.rejections_left -= 1
        at = (
            None
            if fault.citation_index is None
            else self.citations.request_replacement(before, fault.citation_index, fault.polarity, fault.keywords)
        )
        if at is None or at < 1:
            at = self._find_rollback_length(before, fault.start)
            self._rejected_ids[at].add(ids[at])
            self.citations.drop_replacements(len(MARK.findall(self.citations.decode_marked(ids[:at]))))
        for place in [place for place in self._rejected_ids if place > at]:
            del self._rejected_ids[place]
        self._n_accepted = at
        return at

    def _find_phrase_completions(self, ids: Sequence[int]) -> list[bytes] | None:
        """What may complete a phrase, as bytes in lower case; None where none has to stand, or one is whole."""
        found = (
            None
            if self.required_phrases is None or not self.rejections_left
            else self.required_phrases(self.citations.decode_marked(ids))
        )
        if found is None:
            return None
        begun, phrases = found
        rests = [phrase[len(begun) :].encode() for phrase in phrases if phrase.startswith(begun)]
        return None if not rests or b"" in rests else rests

    def _find_rollback_length(self, ids: Sequence[int], begins: int | None) -> int:
        """How many ids stand before a character of the marked text, at most those that passed, at least one."""
        at = self._n_accepted
        while begins is not None and at > 1 and len(self.citations.decode_marked(ids[:at])) > begins:
            at -= 1
        return at

    def _starts_new_word(self, ids: Sequence[int]) -> bool:
        """Whether the last token is not the rest of a word."""
        piece = self.citations.vocabulary.pieces[ids[-1]].decode(errors="ignore")
        return not piece or not piece[0].isalnum()
