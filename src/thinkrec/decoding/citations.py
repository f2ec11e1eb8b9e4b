"""Constrained decoding of citations: inside quotes, nothing but a prefix of an allowed title.

A small model likes to invent titles. As soon as a quote opens where a title can stand (at the start of the text or
behind anything but a letter or digit), every further token has to keep the quoted text a prefix of "title + closing
quote". Outside quotes nothing is restricted, except tokens that would open a quote and already begin something else
in it, or glue a letter or another quote to a closed one. All of this is decided on the text, byte by byte, so it
holds however a tokenizer joins quotes, spaces and letters.

With a citation policy the choice is narrower: where the sentence has said that what comes was liked, no disliked title
can follow, and the other way round. Where the sentence said so only later ("'A' was turned down"), the title can be
chosen anew (`CitationConstraint.request_replacement`). Where it is known how much each title moved the score, the
strongest come first. No item stands twice in a list, or more often than allowed in
the text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from thinkrec.data.titles import MARK, format_title_mark
from thinkrec.decoding.quotations import MARKS, QUOTES, QuotedTitles, quote_title
from thinkrec.decoding.vocabulary import TokenVocabulary

_LIST = re.compile(rf"(?:{MARK.pattern}[\s,]*(?:and|or|nor)?[\s,]*)+$")
"""A list that has not ended, at the end of a marked text."""


_STRIP_MARKS = {0x27E6: " ", 0x27E7: " "}


class AllowedTitle(NamedTuple):
    """What is known of a title that may be cited."""

    polarity: int = 0
    """1 for liked, -1 for disliked, 0 for what fits any claim."""
    item: int | None = None
    """Titles of one number are spellings of one item; None: an item that may stand as often as the text likes."""
    is_target: bool = False
    """Whether it is what the text is about."""
    keywords: frozenset[str] = frozenset()
    """Its keywords in lower case."""
    strength: float = 0.0
    """How much it moved the score, where that was measured: of titles not cited yet, the strongest come first."""


AHEAD = 1
"""Where strengths are known, so many of the titles not cited yet are open at a time: the strongest that fit. With three
open a model leaves out for good what it would not choose, however strong (`docs/results/faithfulness.md`)."""


class TitleRequirement(NamedTuple):
    """What the citation policy requires of the title that a text cites next."""

    polarity: int | None = None
    """1 or -1; None for any."""
    allows_target: bool = True
    """Whether it may be what the text is about."""
    prefers_uncited: bool = False
    """Whether it should be one that the text has not cited, if one is left."""
    keywords: frozenset[str] = frozenset()
    """Keywords that it has to have, all of them."""


@dataclass(frozen=True)
class _OutsideQuotes:
    """Outside quotes."""

    preceding: Literal["free", "word", "closed"] = "free"
    """What stands before: nothing or a mark, a letter or digit, a quote that just closed."""
    partial_bytes: bytes = b""
    """The first bytes of a character that is not complete yet."""


_State = _OutsideQuotes | bytes
"""Outside, or the text of a quotation from its opening quote on."""
_States = frozenset[_State]
"""More than one where a quote may either have closed or be an apostrophe of a longer title."""


class CitationConstraint:
    """Keeps every quoted title of one row to allowed titles; a title that the vocabulary cannot spell is left out.

    One object serves one generated text at a time: it remembers how far it has read. It is a `generate.Constraint`.
    """

    def __init__(
        self,
        vocabulary: TokenVocabulary,
        titles: Mapping[str, AllowedTitle] | Iterable[str],
        citation_policy: Callable[[str], TitleRequirement] | None = None,
        max_citations: int = 2,
    ) -> None:
        """A constraint to `titles`, which may map each to what is known of it.

        Args:
            vocabulary: the tokens to choose from.
            titles: titles that may be cited.
            citation_policy: what the text so far, cited titles exchanged for their numbers in marks (\u27e62\u27e7 for
                the third of `titles`), requires of the next title.
            max_citations: how often an item may stand in the text; with more than one the target without limit.
        """
        known = titles if isinstance(titles, Mapping) else dict.fromkeys(titles, AllowedTitle())
        self.vocabulary, self.citation_policy, self.max_citations = vocabulary, citation_policy, max_citations
        self._titles = list(known.items())
        self._has_strengths = any(title.strength for title in known.values())
        self._all_titles = QuotedTitles.from_titles(vocabulary, known)
        self._fitting_cache: dict[tuple[frozenset[int], frozenset[int], TitleRequirement], QuotedTitles] = {}
        self._replacements: dict[int, TitleRequirement] = {}
        numbers = {
            end.decode(): n
            for n, title in enumerate(known)
            for end in quote_title(vocabulary, title).complete_quotations
            if title
        }
        self._title_numbers = numbers
        longest_first = "|".join(re.escape(end) for end in sorted(numbers, key=len, reverse=True))
        self._citation_pattern = re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)") if numbers else None
        self._ids: list[int] = []
        self._states: _States = frozenset({_OutsideQuotes()})
        self._open_titles = self._all_titles
        self._outside_cache: dict[tuple[_States, QuotedTitles], np.ndarray | None] = {}

    def is_allowed(self, ids: Sequence[int], token: int) -> bool:
        """Whether one token may follow; see `generate.Constraint`. No id beyond the vocabulary may."""
        if token >= len(self.vocabulary):
            return False
        states = self._advance_states(list(ids))
        plain = token not in self.vocabulary.quote_token_ids
        if plain and all(
            isinstance(s, _OutsideQuotes) and not s.partial_bytes and s.preceding != "closed" for s in states
        ):
            return True
        allowed = self.allowed_token_ids(ids)
        return allowed is None or bool((allowed == token).any())

    def allowed_token_ids(self, ids: Sequence[int]) -> np.ndarray | None:
        """Which tokens may follow; see `generate.Constraint`."""
        states = self._advance_states(list(ids))
        quoted = [state for state in states if isinstance(state, bytes)]
        outside = frozenset(state for state in states if isinstance(state, _OutsideQuotes))
        free: np.ndarray | None = np.zeros(0, dtype=np.int64)
        if outside:
            key = (outside, self._select_next_titles(list(ids)))
            if key not in self._outside_cache:
                self._outside_cache[key] = self._collect_outside_tokens(*key)
            free = self._outside_cache[key]
        if not quoted or free is None:
            return free
        # A quotation that was begun before its claim could be read may fit no title of that kind: then any will do.
        fitting = [state for state in quoted if state in self._open_titles.reachable_prefixes]
        narrowed = (
            self._collect_quoted_tokens(fitting, self._open_titles)
            if fitting
            else self._collect_quoted_tokens(quoted, self._all_titles)
        )
        return np.union1d(free, narrowed)

    def count_accepted(self, ids: Sequence[int]) -> int:
        """The number of `ids`: nothing is rolled back; see `generate.Constraint`."""
        return len(ids)

    def is_in_quotation(self, ids: Sequence[int]) -> bool:
        """Whether the text so far ends within a quotation."""
        return not any(isinstance(state, _OutsideQuotes) for state in self._advance_states(list(ids)))

    def decode_marked(self, ids: Sequence[int]) -> str:
        """The text so far with every cited title exchanged for its number in marks."""
        return self.mark_citations(self._decode_text(ids))[0]

    def mark_citations(self, text: str) -> tuple[str, list[str]]:
        """A text with its cited titles as marks, and the citations as they stood, in order."""
        pieces, cited, end = [], [], 0
        for match in self._citation_pattern.finditer(text) if self._citation_pattern else ():
            pieces += [
                text[end : match.start()].translate(_STRIP_MARKS),
                format_title_mark(self._title_numbers[match[0]]),
            ]
            cited.append(match[0])
            end = match.end()
        return "".join([*pieces, text[end:].translate(_STRIP_MARKS)]), cited

    def has_fitting_title(self, text: str, wanted: TitleRequirement) -> bool:
        """Whether a title is left that a marked text may cite next and that meets the requirement."""
        return bool(self._list_fitting_titles(text, wanted))

    def request_replacement(
        self, ids: Sequence[int], citation: int, polarity: int, keywords: frozenset[str] = frozenset()
    ) -> int | None:
        """Have the text's n-th citation (counted from 0) chosen anew among rated titles of a polarity, with keywords.

        Returns how many of `ids` stand before it, where it can be done: such a title is left there, nothing before it
        required another polarity, and it was not chosen anew before. Else None, and nothing changes.
        """
        ids = list(ids)
        cited = list(self._citation_pattern.finditer(self._decode_text(ids))) if self._citation_pattern else []
        if citation in self._replacements or citation >= len(cited):
            return None
        length = next(n for n in range(len(ids), -1, -1) if len(self._decode_text(ids[:n])) <= cited[citation].start())
        text = self.decode_marked(ids[:length])
        expected = self.citation_policy(text).polarity if self.citation_policy else None
        wanted = TitleRequirement(polarity, allows_target=False, prefers_uncited=True, keywords=keywords)
        if expected == -polarity or not self._list_fitting_titles(text, wanted):
            return None
        self.drop_replacements(citation)
        self._replacements[citation] = wanted
        return length

    def drop_replacements(self, n_citations: int) -> None:
        """Forget the requirements on citations behind the first n, to which the text is rolled back."""
        self._replacements = {index: wanted for index, wanted in self._replacements.items() if index < n_citations}

    def _decode_text(self, ids: Sequence[int]) -> str:
        return self.vocabulary.decode_bytes(ids).decode(errors="replace")

    def _select_next_titles(self, ids: list[int]) -> QuotedTitles:
        """The titles that fit what the text has said so far, and were not used up."""
        text = self.decode_marked(ids)
        replacement = self._replacements.get(len(MARK.findall(text)))
        if replacement is not None:
            return self._get_fitting_titles(text, replacement)
        return self._get_fitting_titles(
            text, self.citation_policy(text) if self.citation_policy else TitleRequirement()
        )

    def _get_fitting_titles(self, text: str, wanted: TitleRequirement) -> QuotedTitles:
        key = (
            self._find_exhausted_items(text),
            frozenset(self._iterate_cited_items(text))
            if wanted.prefers_uncited or self._has_strengths
            else frozenset(),
            wanted,
        )
        if key not in self._fitting_cache:
            self._fitting_cache[key] = QuotedTitles.from_titles(
                self.vocabulary, self._list_fitting_titles(text, wanted)
            )
        return self._fitting_cache[key]

    def _list_fitting_titles(self, text: str, wanted: TitleRequirement) -> list[str]:
        exhausted, cited = self._find_exhausted_items(text), set(self._iterate_cited_items(text))
        fitting = [
            (title, known)
            for title, known in self._titles
            if known.item not in exhausted
            and (wanted.polarity is None or known.polarity in (0, wanted.polarity))
            and (wanted.allows_target or not known.is_target)
            and wanted.keywords <= known.keywords
        ]
        if self._has_strengths:
            fitting = _keep_strongest(fitting, cited)
        fresh = [title for title, known in fitting if known.item not in cited] if wanted.prefers_uncited else []
        return fresh or [title for title, _ in fitting]

    def _find_exhausted_items(self, text: str) -> frozenset[int]:
        """Items that may not follow a marked text."""
        counts, listed = Counter(self._iterate_cited_items(text)), _LIST.search(text)
        # Where a text may come back to an item, it will come back to what it is about, at the latest at its end.
        targets = {known.item for _, known in self._titles if known.is_target and self.max_citations > 1}
        exhausted = {item for item, times in counts.items() if times >= self.max_citations and item not in targets}
        return frozenset(exhausted.union(self._iterate_cited_items(listed[0]) if listed else ()))

    def _iterate_cited_items(self, marked: str) -> Iterator[int]:
        """Items that a marked text cites; not those that may stand as often as it likes."""
        for number in MARK.findall(marked):
            item = self._titles[int(number)][1].item
            if item is not None:
                yield item

    # -- reading -----------------------------------------------------------------------------------------------------

    def _advance_states(self, ids: list[int]) -> _States:
        new = len(self._ids)
        if ids[:new] != self._ids:
            new, self._states = 0, frozenset({_OutsideQuotes()})
        for index, token in enumerate(ids[new:], start=new):
            piece = self.vocabulary.pieces[token]
            # Only a token that was forced, without asking, can break the rule: reading then begins anew behind it.
            self._states = self._consume_piece(self._states, piece) or frozenset({_OutsideQuotes()})
            if any(isinstance(state, bytes) and len(state) <= len(piece) for state in self._states):
                self._open_titles = self._select_next_titles(ids[:index])
        self._ids = ids
        return self._states

    def _consume_piece(self, states: _States, piece: bytes) -> _States:
        for index in range(len(piece)):
            states = frozenset(
                after for state in states for after in self._consume_byte(state, piece[index : index + 1])
            )
        return states

    def _consume_byte(self, state: _State, byte: bytes) -> list[_State]:
        if isinstance(state, bytes):
            longer = state + byte
            extended: list[_State] = [longer] if longer in self._all_titles.prefixes else []
            return [*extended, _OutsideQuotes("closed")] if longer in self._all_titles.complete_quotations else extended
        if state.partial_bytes and not 0x80 <= byte[0] < 0xC0:
            state = _OutsideQuotes()  # the character before was broken, and is shown as a mark
        whole = state.partial_bytes + byte
        if len(whole) < _count_utf8_bytes(whole[0]):
            # A closed quote waits for no half character: it might turn out to be a letter.
            return [] if state.preceding == "closed" else [_OutsideQuotes(state.preceding, whole)]
        character = whole.decode(errors="replace")
        word = character.isalnum()
        if state.preceding == "closed" and (word or character in MARKS):
            return []
        if character in QUOTES and state.preceding != "word":
            return [whole] if whole in self._all_titles.prefixes else []
        return [_OutsideQuotes("word" if word else "free")]

    # -- choosing ----------------------------------------------------------------------------------------------------

    def _can_append_piece(self, states: _States, piece: bytes, titles: QuotedTitles) -> bool:
        """Whether a piece may follow and leaves a way to go on, with `titles` for a quotation that it opens."""
        return any(
            isinstance(state, _OutsideQuotes) or state in titles.reachable_prefixes
            for state in self._consume_piece(states, piece)
        )

    def _collect_quoted_tokens(self, states: Sequence[bytes], titles: QuotedTitles) -> np.ndarray:
        """Tokens that go on with an allowed title, or close it with whatever they carry behind the quote."""
        token_ids: set[int] = set()
        for state in states:
            for end in titles.complete_quotations:
                if not end.startswith(state):
                    continue
                for stop in range(len(state) + 1, min(len(end), len(state) + self.vocabulary.max_piece_bytes) + 1):
                    tokens = self.vocabulary.ids_by_piece.get(end[len(state) : stop])
                    if tokens and (stop == len(end) or end[:stop] in titles.reachable_prefixes):
                        token_ids.update(tokens)
                for piece in self.vocabulary.iterate_extensions(end[len(state) :]):
                    if self._can_append_piece(frozenset({state}), piece, self._all_titles):
                        token_ids.update(self.vocabulary.ids_by_piece[piece])
        return np.array(sorted(token_ids), dtype=np.int64)

    def _collect_outside_tokens(self, states: _States, titles: QuotedTitles) -> np.ndarray | None:
        """Tokens that may follow outside quotes; None for all."""
        # Only pieces with a quote can break the rule, but behind half a character nothing is certain.
        whole = any(isinstance(state, _OutsideQuotes) and state.partial_bytes for state in states)
        judged = self.vocabulary.sorted_pieces if whole else self.vocabulary.quote_pieces
        denied = {
            token
            for piece in judged
            if not self._can_append_piece(states, piece, titles)
            for token in self.vocabulary.ids_by_piece[piece]
        }
        if states == {_OutsideQuotes("closed")}:
            denied |= self.vocabulary.word_token_ids
        return np.setdiff1d(np.arange(len(self.vocabulary)), sorted(denied)) if denied else None


def _keep_strongest(
    titles: Sequence[tuple[str, AllowedTitle]], cited: Collection[int | None]
) -> list[tuple[str, AllowedTitle]]:
    """The titles without those of rated items not cited yet that are not among the AHEAD strongest."""
    waiting = {known.item: known.strength for _, known in titles if not known.is_target and known.item not in cited}
    ahead = sorted(waiting, key=lambda item: -waiting[item])[:AHEAD]
    return [(title, known) for title, known in titles if known.item not in waiting or known.item in ahead]


def _count_utf8_bytes(first: int) -> int:
    """Bytes of the UTF-8 character that begins with this byte; 1 where none does."""
    return 2 if 0xC2 <= first < 0xE0 else 3 if 0xE0 <= first < 0xF0 else 4 if 0xF0 <= first < 0xF5 else 1
