"""Backtracking: generated text is checked word by word; a violation is rolled back and its first token is rejected.

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
from thinkrec.decoding.free_citations import FreeCitations


class Violation(NamedTuple):
    """A violation of the rules in a text that is being written, and how far to roll back."""

    start: int | None = None
    """Start of what is rolled back, in characters of the marked text; None: all since the last text that passed."""
    citation_index: int | None = None
    """Which citation of the text, counted from 0, does not fit what is said of it."""
    polarity: int = 0
    """With `citation_index`: which sign would fit."""
    keywords: frozenset[str] = frozenset()
    """With `citation_index`: which keywords a title that fits has."""
    phrase_end: int | None = None
    """End of the words from `start` on that are rejected as a whole, however tokens and capitals would spell them; None
    rejects their first token alone."""


class RejectionRule:
    """A citation constraint whose finished words and quotations also pass a check; see `generate.Constraint`.

    After every finished word or quotation `find_violation` gets the text so far, cited titles exchanged for their
    numbers (`CitationConstraint.decode_marked`), and returns its first violation, or None. If a citation is at fault
    and `CitationConstraint.request_replacement` can have it chosen anew, the text is rolled back to before it; else
    the violation itself is rolled back, and its first token is rejected at that position. After `max_rejections`
    violations everything passes: the text then ends as the model would have it.
    """

    def __init__(
        self,
        citations: CitationConstraint | FreeCitations,
        find_violation: Callable[[str], Violation | None],
        *,
        max_rejections: int = 60,
        required_phrases: Callable[[str], tuple[str, Sequence[str]] | None] | None = None,
    ) -> None:
        """A rule on top of `citations`.

        `required_phrases` returns, for a marked text at whose end one of some phrases has to stand, (what is there of
        it so far, the phrases in lower case); else None.
        """
        self.citations, self.find_violation, self.rejections_left, self.required_phrases = (
            citations,
            find_violation,
            max_rejections,
            required_phrases,
        )
        self._n_accepted = 1
        self._rejected_ids: dict[int, set[int]] = defaultdict(set)

    def is_allowed(self, ids: Sequence[int], token: int) -> bool:
        """Whether one token may follow."""
        if token in self._rejected_ids.get(len(ids), ()) or not self.citations.is_allowed(ids, token):
            return False
        completions = self._find_phrase_completions(ids)
        if completions is None:
            return True
        piece = self.citations.vocabulary.pieces[token].lower()
        # A piece may go on behind a phrase, but not with the same word.
        return bool(piece) and any(
            completion.startswith(piece)
            or (piece.startswith(completion) and not piece[len(completion) : len(completion) + 1].isalnum())
            for completion in completions
        )

    def allowed_token_ids(self, ids: Sequence[int]) -> np.ndarray | None:
        """Which tokens may follow."""
        allowed, rejected = self.citations.allowed_token_ids(ids), self._rejected_ids.get(len(ids))
        completions = self._find_phrase_completions(ids)
        if completions is not None:
            known = self.citations.vocabulary.ids_by_lowercase_piece
            fitting = sorted(
                {
                    t
                    for completion in completions
                    for n in range(1, len(completion) + 1)
                    for t in known.get(completion[:n], ())
                }
            )
            fitting = [token for token in fitting if token not in (rejected or ())]
            narrowed = np.array(fitting, dtype=np.int64)
            narrowed = narrowed if allowed is None else np.intersect1d(narrowed, allowed)
            if len(narrowed):
                return narrowed
        if not rejected:
            return allowed
        candidates = np.arange(len(self.citations.vocabulary)) if allowed is None else allowed
        remaining = np.setdiff1d(candidates, sorted(rejected))
        return remaining if len(remaining) else allowed

    def count_accepted(self, ids: Sequence[int]) -> int:
        """How many of `ids` stay after the check, the first always; called once after every token."""
        before = ids[:-1]
        if len(before) <= self._n_accepted or not self._starts_new_word(ids) or self.citations.is_in_quotation(before):
            return len(ids)
        violation = self.find_violation(self.citations.decode_marked(before)) if self.rejections_left else None
        if violation is None:
            self._n_accepted = len(before)
            return len(ids)
        self.rejections_left -= 1
        length = (
            None
            if violation.citation_index is None
            else self.citations.request_replacement(
                before, violation.citation_index, violation.polarity, violation.keywords
            )
        )
        if length is None or length < 1:
            length = self._find_rollback_length(before, violation.start)
            self._rejected_ids[length].update(self._list_rejected_tokens(before, length, violation.phrase_end))
            self.citations.drop_replacements(len(MARK.findall(self.citations.decode_marked(ids[:length]))))
        for position in [position for position in self._rejected_ids if position > length]:
            del self._rejected_ids[position]
        self._n_accepted = length
        return length

    def _find_phrase_completions(self, ids: Sequence[int]) -> list[bytes] | None:
        """Bytes in lower case that complete a required phrase; None where none is required, or one is complete."""
        requirement = (
            None
            if self.required_phrases is None or not self.rejections_left
            else self.required_phrases(self.citations.decode_marked(ids))
        )
        if requirement is None:
            return None
        begun, phrases = requirement
        completions = [phrase[len(begun) :].encode() for phrase in phrases if phrase.startswith(begun)]
        return None if not completions or b"" in completions else completions

    def _list_rejected_tokens(self, ids: Sequence[int], length: int, phrase_end: int | None) -> set[int]:
        """The token behind `length` ids, and where a phrase ends at `phrase_end` all that could begin it anew."""
        rejected = {ids[length]}
        if phrase_end is not None:
            start = len(self.citations.decode_marked(ids[:length]))
            phrase = self.citations.decode_marked(ids)[start:phrase_end].lower().encode()
            known = self.citations.vocabulary.ids_by_lowercase_piece
            # A space alone begins every word.
            stop = [n for n in range(1, len(phrase) + 1) if phrase[:n].strip()]
            rejected.update(token for n in stop for token in known.get(phrase[:n], ()))
        return rejected

    def _find_rollback_length(self, ids: Sequence[int], start: int | None) -> int:
        """Number of ids before character `start` of the marked text, at most those that passed, at least one."""
        length = self._n_accepted
        while start is not None and length > 1 and len(self.citations.decode_marked(ids[:length])) > start:
            length -= 1
        return length

    def _starts_new_word(self, ids: Sequence[int]) -> bool:
        """Whether the last token is not the rest of a word."""
        piece = self.citations.vocabulary.pieces[ids[-1]].decode(errors="ignore")
        return not piece or not piece[0].isalnum()
