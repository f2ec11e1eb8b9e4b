"""Generation that can only cite titles it was shown: inside quotes, nothing but a prefix of an allowed title.

A small model likes to invent titles. As soon as a quote opens where a title can stand (at the start of the text or
behind anything but a letter or digit), every further token has to keep the quoted text a prefix of "title + closing
quote". Outside quotes nothing is restricted, except tokens that would open a quote and already begin something else
in it, or glue a letter or another quote to a closed one. All of this is decided on the text, byte by byte, so it
holds however a tokenizer joins quotes, spaces and letters.

With a reader of claims the choice is narrower: where the sentence has said that what comes was liked, no disliked title
can follow, and the other way round. Where the sentence said so only later ("'A' was turned down"), the title can be
chosen anew (`CiteOnly.demand`). No item stands twice in a list, or more often than allowed in the text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from thinkrec.data.titles import MARK, mark_of
from thinkrec.decoding.quotations import MARKS, QUOTES, Quotations, quotations
from thinkrec.decoding.vocabulary import Vocabulary

_LIST = re.compile(rf"(?:{MARK.pattern}[\s,]*(?:and|or|nor)?[\s,]*)+$")
"""A list that has not ended, at the end of a marked text."""


_NO_MARKS = {0x27E6: " ", 0x27E7: " "}


class Citable(NamedTuple):
    """What is known of a title that may be cited."""

    sign: int = 0
    """1 for liked, -1 for disliked, 0 for what fits any claim."""
    item: int | None = None
    """Titles of one number are spellings of one item; None: an item that may stand as often as the text likes."""
    target: bool = False
    """Whether it is what the text is about."""
    keywords: frozenset[str] = frozenset()
    """Its keywords in lower case."""


class Wanted(NamedTuple):
    """What a text asks of the title that it cites next."""

    sign: int | None = None
    """1 or -1; None for any."""
    target: bool = True
    """Whether it may be what the text is about."""
    fresh: bool = False
    """Whether it should be one that the text has not cited, if one is left."""
    keywords: frozenset[str] = frozenset()
    """Keywords that it has to have, all of them."""


@dataclass(frozen=True)
class _Out:
    """Outside quotes."""

    before: Literal["free", "word", "closed"] = "free"
    """What stands before: nothing or a mark, a letter or digit, a quote that just closed."""
    open: bytes = b""
    """The first bytes of a character that is not complete yet."""


_State = _Out | bytes
"""Outside, or the text of a quotation from its opening quote on."""
_States = frozenset[_State]
"""More than one where a quote may either have closed or be an apostrophe of a longer title."""


class CiteOnly:
    """Keeps every quoted title of one row to `titles`; a title that the vocabulary cannot spell is left out.

    `titles` may map each to what is known of it (`Citable`); then `claim` can say from the text so far, cited titles
    exchanged for their numbers in marks (\u27e62\u27e7 for the third of `titles`), what it asks of the next title.
    `mentions`: how often an item may stand in the text; with more than one the target as often as it likes.
    One object serves one generated text at a time: it remembers how far it has read. It is a `generate.Constraint`.
    """

    def __init__(
        self,
        words: Vocabulary,
        titles: Mapping[str, Citable] | Iterable[str],
        claim: Callable[[str], Wanted] | None = None,
        mentions: int = 2,
    ) -> None:
        known = titles if isinstance(titles, Mapping) else dict.fromkeys(titles, Citable())
        self.words, self.claim, self.mentions = words, claim, mentions
        self._known = list(known.items())
        self._all = Quotations.of(words, known)
        self._choices: dict[tuple[frozenset[int], frozenset[int], Wanted], Quotations] = {}
        self._demands: dict[int, Wanted] = {}
        numbers = {end.decode(): n for n, title in enumerate(known) for end in quotations(words, title).ends if title}
        self._numbers = numbers
        longest_first = "|".join(re.escape(end) for end in sorted(numbers, key=len, reverse=True))
        self._cited = re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)") if numbers else None
        self._ids: list[int] = []
        self._states: _States = frozenset({_Out()})
        self._opened = self._all
        self._outside: dict[tuple[_States, Quotations], np.ndarray | None] = {}

    def permits(self, ids: Sequence[int], token: int) -> bool:
        """Whether one token may follow; see `generate.Constraint`. No id beyond the vocabulary may."""
        if token >= len(self.words):
            return False
        states = self._after(list(ids))
        plain = token not in self.words.marking
        if plain and all(isinstance(s, _Out) and not s.open and s.before != "closed" for s in states):
            return True
        allowed = self.allowed(ids)
        return allowed is None or bool((allowed == token).any())

    def allowed(self, ids: Sequence[int]) -> np.ndarray | None:
        """Which tokens may follow; see `generate.Constraint`."""
        states = self._after(list(ids))
        quoted = [state for state in states if isinstance(state, bytes)]
        outside = frozenset(state for state in states if isinstance(state, _Out))
        free: np.ndarray | None = np.zeros(0, dtype=np.int64)
        if outside:
            key = (outside, self._wanted(list(ids)))
            if key not in self._outside:
                self._outside[key] = self._free(*key)
            free = self._outside[key]
        if not quoted or free is None:
            return free
        # A quotation that was begun before its claim could be read may fit no title of that kind: then any will do.
        fitting = [state for state in quoted if state in self._opened.alive]
        narrowed = self._quoted(fitting, self._opened) if fitting else self._quoted(quoted, self._all)
        return np.union1d(free, narrowed)

    def review(self, ids: Sequence[int]) -> int:
        """Nothing is taken back; see `generate.Constraint`."""
        return len(ids)

    def quoting(self, ids: Sequence[int]) -> bool:
        """Whether the text so far ends within a quotation."""
        return not any(isinstance(state, _Out) for state in self._after(list(ids)))

    def marked(self, ids: Sequence[int]) -> str:
        """The text so far with every cited title exchanged for its number in marks."""
        return self.mark(self._plain(ids))[0]

    def mark(self, text: str) -> tuple[str, list[str]]:
        """A text with its cited titles as marks, and the citations as they stood, in order."""
        pieces, cited, at = [], [], 0
        for found in self._cited.finditer(text) if self._cited else ():
            pieces += [text[at : found.start()].translate(_NO_MARKS), mark_of(self._numbers[found[0]])]
            cited.append(found[0])
            at = found.end()
        return "".join([*pieces, text[at:].translate(_NO_MARKS)]), cited

    def fits(self, text: str, wanted: Wanted) -> bool:
        """Whether a title is left that a marked text may cite next, as it is wanted."""
        return bool(self._left(text, wanted))

    def demand(
        self, ids: Sequence[int], citation: int, sign: int, keywords: frozenset[str] = frozenset()
    ) -> int | None:
        """Have the text's n-th citation (counted from 0) chosen anew among rated titles of a sign, with keywords.

        Returns how many of `ids` stand before it, where it can be done: such a title is left there, nothing before it
        asked for another sign, and it was not chosen anew before. Else None, and nothing changes.
        """
        ids = list(ids)
        cited = list(self._cited.finditer(self._plain(ids))) if self._cited else []
        if citation in self._demands or citation >= len(cited):
            return None
        at = next(n for n in range(len(ids), -1, -1) if len(self._plain(ids[:n])) <= cited[citation].start())
        text = self.marked(ids[:at])
        asked = self.claim(text).sign if self.claim else None
        wanted = Wanted(sign, target=False, fresh=True, keywords=keywords)
        if asked == -sign or not self._left(text, wanted):
            return None
        self.forget(citation)
        self._demands[citation] = wanted
        return at

    def forget(self, citations: int) -> None:
        """No more demands on what comes behind the first n citations: the text is taken back to there."""
        self._demands = {place: wanted for place, wanted in self._demands.items() if place < citations}

    def _plain(self, ids: Sequence[int]) -> str:
        return self.words.text(ids).decode(errors="replace")

    def _wanted(self, ids: list[int]) -> Quotations:
        """The titles that fit what the text has said so far, and were not used up."""
        text = self.marked(ids)
        demanded = self._demands.get(len(MARK.findall(text)))
        if demanded is not None:
            return self._fitting(text, demanded)
        return self._fitting(text, self.claim(text) if self.claim else Wanted())

    def _fitting(self, text: str, wanted: Wanted) -> Quotations:
        key = (self._spent(text), frozenset(self._items(text)) if wanted.fresh else frozenset(), wanted)
        if key not in self._choices:
            self._choices[key] = Quotations.of(self.words, self._left(text, wanted))
        return self._choices[key]

    def _left(self, text: str, wanted: Wanted) -> list[str]:
        spent, cited = self._spent(text), set(self._items(text))
        left = [
            (title, known)
            for title, known in self._known
            if known.item not in spent
            and (wanted.sign is None or known.sign in (0, wanted.sign))
            and (wanted.target or not known.target)
            and wanted.keywords <= known.keywords
        ]
        fresh = [title for title, known in left if known.item not in cited] if wanted.fresh else []
        return fresh or [title for title, _ in left]

    def _spent(self, text: str) -> frozenset[int]:
        """Items that may not follow a marked text."""
        counts, listed = Counter(self._items(text)), _LIST.search(text)
        # Where a text may come back to an item, it will come back to what it is about, at the latest at its end.
        targets = {known.item for _, known in self._known if known.target and self.mentions > 1}
        spent = {item for item, times in counts.items() if times >= self.mentions and item not in targets}
        return frozenset(spent.union(self._items(listed[0]) if listed else ()))

    def _items(self, marked: str) -> Iterator[int]:
        """Items that a marked text cites; not those that may stand as often as it likes."""
        for number in MARK.findall(marked):
            item = self._known[int(number)][1].item
            if item is not None:
                yield item

    # -- reading -----------------------------------------------------------------------------------------------------

    def _after(self, ids: list[int]) -> _States:
        new = len(self._ids)
        if ids[:new] != self._ids:
            new, self._states = 0, frozenset({_Out()})
        for at, token in enumerate(ids[new:], start=new):
            piece = self.words.pieces[token]
            # Only a token that was forced, without asking, can break the rule: reading then begins anew behind it.
            self._states = self._read(self._states, piece) or frozenset({_Out()})
            if any(isinstance(state, bytes) and len(state) <= len(piece) for state in self._states):
                self._opened = self._wanted(ids[:at])
        self._ids = ids
        return self._states

    def _read(self, states: _States, piece: bytes) -> _States:
        for at in range(len(piece)):
            states = frozenset(after for state in states for after in self._step(state, piece[at : at + 1]))
        return states

    def _step(self, state: _State, byte: bytes) -> list[_State]:
        if isinstance(state, bytes):
            longer = state + byte
            found: list[_State] = [longer] if longer in self._all.prefixes else []
            return [*found, _Out("closed")] if longer in self._all.ends else found
        if state.open and not 0x80 <= byte[0] < 0xC0:
            state = _Out()  # the character before was broken, and is shown as a mark
        whole = state.open + byte
        if len(whole) < _length(whole[0]):
            # A closed quote waits for no half character: it might turn out to be a letter.
            return [] if state.before == "closed" else [_Out(state.before, whole)]
        character = whole.decode(errors="replace")
        word = character.isalnum()
        if state.before == "closed" and (word or character in MARKS):
            return []
        if character in QUOTES and state.before != "word":
            return [whole] if whole in self._all.prefixes else []
        return [_Out("word" if word else "free")]

    # -- choosing ----------------------------------------------------------------------------------------------------

    def _lands(self, states: _States, piece: bytes, titles: Quotations) -> bool:
        """Whether a piece may follow and leaves a way to go on, with `titles` for a quotation that it opens."""
        return any(isinstance(state, _Out) or state in titles.alive for state in self._read(states, piece))

    def _quoted(self, states: Sequence[bytes], titles: Quotations) -> np.ndarray:
        """Tokens that go on with an allowed title, or close it with whatever they carry behind the quote."""
        found: set[int] = set()
        for state in states:
            for end in titles.ends:
                if not end.startswith(state):
                    continue
                for stop in range(len(state) + 1, min(len(end), len(state) + self.words.longest) + 1):
                    tokens = self.words.ids.get(end[len(state) : stop])
                    if tokens and (stop == len(end) or end[:stop] in titles.alive):
                        found.update(tokens)
                for piece in self.words.beginning(end[len(state) :]):
                    if self._lands(frozenset({state}), piece, self._all):
                        found.update(self.words.ids[piece])
        return np.array(sorted(found), dtype=np.int64)

    def _free(self, states: _States, titles: Quotations) -> np.ndarray | None:
        """Tokens that may follow outside quotes; None for all."""
        # Only pieces with a quote can break the rule, but behind half a character nothing is certain.
        whole = any(isinstance(state, _Out) and state.open for state in states)
        judged = self.words.ordered if whole else self.words.quoting
        denied = {
            token for piece in judged if not self._lands(states, piece, titles) for token in self.words.ids[piece]
        }
        if states == {_Out("closed")}:
            denied |= self.words.glued
        return np.setdiff1d(np.arange(len(self.words)), sorted(denied)) if denied else None


def _length(first: int) -> int:
    """Bytes of the UTF-8 character that begins with this byte; 1 where none does."""
    return 2 if 0xC2 <= first < 0xE0 else 3 if 0xE0 <= first < 0xF0 else 4 if 0xF0 <= first < 0xF5 else 1
