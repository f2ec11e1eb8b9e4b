"""Generation that can only cite titles it was shown: inside quotes, nothing but a prefix of an allowed title.

A small model likes to invent titles. As soon as a quote opens where a title can stand (at the start of the text or
behind anything but a letter or digit), every further token has to keep the quoted text a prefix of "title + closing
quote". Outside quotes nothing is restricted, except tokens that would open a quote and already begin something else
in it, or glue a letter or another quote to a closed one. All of this is decided on the text, byte by byte, so it
holds however a tokenizer joins quotes, spaces and letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from thinkrec.model.pieces import Vocabulary

QUOTES = {"'": "'", "\u2018": "\u2019", "\u2019": "\u2019", '"': '"', "\u201c": "\u201d"}
"""Opening quote -> closing quote."""
_MARKS = frozenset(QUOTES) | frozenset(QUOTES.values())


class Constraint(Protocol):
    """What one row may generate next."""

    def allowed(self, ids: Sequence[int]) -> np.ndarray | None:
        """int64: the tokens that may follow the generated `ids`; None where all may."""
        ...


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

    One object serves one generated text at a time: it remembers how far it has read.
    """

    def __init__(self, words: Vocabulary, titles: Iterable[str]) -> None:
        self.words = words
        wanted = {f"{mark}{title}{end}".encode() for title in titles if title for mark, end in QUOTES.items()}
        self._ends: list[bytes] = sorted(wanted)
        self._prefixes = {text[:n] for text in self._ends for n in range(1, len(text))}
        self._alive = {prefix for text in self._ends for prefix in self._spellable(text)}
        self._ids: list[int] = []
        self._states: _States = frozenset({_Out()})
        self._outside: dict[_States, np.ndarray | None] = {}

    def allowed(self, ids: Sequence[int]) -> np.ndarray | None:
        """Which tokens may follow; see `Constraint`."""
        states = self._after(list(ids))
        quoted = [state for state in states if isinstance(state, bytes)]
        outside = frozenset(state for state in states if isinstance(state, _Out))
        if outside not in self._outside:
            self._outside[outside] = self._free(outside) if outside else np.zeros(0, dtype=np.int64)
        free = self._outside[outside]
        if not quoted or free is None:
            return free
        return np.union1d(free, self._quoted(quoted))

    # -- reading -----------------------------------------------------------------------------------------------------

    def _after(self, ids: list[int]) -> _States:
        new = len(self._ids)
        if ids[:new] != self._ids:
            new, self._states = 0, frozenset({_Out()})
        for token in ids[new:]:
            # Only a token that was forced, without asking, can break the rule: reading then begins anew behind it.
            self._states = self._read(self._states, self.words.pieces[token]) or frozenset({_Out()})
        self._ids = ids
        return self._states

    def _read(self, states: _States, piece: bytes) -> _States:
        for at in range(len(piece)):
            states = frozenset(after for state in states for after in self._step(state, piece[at : at + 1]))
        return states

    def _step(self, state: _State, byte: bytes) -> list[_State]:
        if isinstance(state, bytes):
            longer = state + byte
            found: list[_State] = [longer] if longer in self._prefixes else []
            return [*found, _Out("closed")] if longer in self._ends else found
        if state.open and not 0x80 <= byte[0] < 0xC0:
            state = _Out()  # the character before was broken, and is shown as a mark
        whole = state.open + byte
        if len(whole) < _length(whole[0]):
            # A closed quote waits for no half character: it might turn out to be a letter.
            return [] if state.before == "closed" else [_Out(state.before, whole)]
        character = whole.decode(errors="replace")
        word = character.isalnum()
        if state.before == "closed" and (word or character in _MARKS):
            return []
        if character in QUOTES and state.before != "word":
            return [whole] if whole in self._prefixes else []
        return [_Out("word" if word else "free")]

    # -- choosing ----------------------------------------------------------------------------------------------------

    def _spellable(self, text: bytes) -> set[bytes]:
        """Prefixes of a quotation from which the vocabulary can reach its end."""
        good = {len(text)}
        for n in range(len(text) - 1, 0, -1):
            steps = range(1, min(len(text) - n, self.words.longest) + 1)
            if any(n + k in good and text[n : n + k] in self.words.ids for k in steps):
                good.add(n)
        return {text[:n] for n in good if n < len(text)}

    def _lands(self, states: _States, piece: bytes) -> bool:
        """Whether a piece may follow and leaves a way to go on."""
        return any(isinstance(state, _Out) or state in self._alive for state in self._read(states, piece))

    def _quoted(self, states: Sequence[bytes]) -> np.ndarray:
        """Tokens that go on with an allowed title, or close it with whatever they carry behind the quote."""
        found: set[int] = set()
        for state in states:
            for end in self._ends:
                if not end.startswith(state):
                    continue
                for stop in range(len(state) + 1, min(len(end), len(state) + self.words.longest) + 1):
                    tokens = self.words.ids.get(end[len(state) : stop])
                    if tokens and (stop == len(end) or end[:stop] in self._alive):
                        found.update(tokens)
                for piece in self.words.beginning(end[len(state) :]):
                    if self._lands(frozenset({state}), piece):
                        found.update(self.words.ids[piece])
        return np.array(sorted(found), dtype=np.int64)

    def _free(self, states: _States) -> np.ndarray | None:
        """Tokens that may follow outside quotes; None for all."""
        # Only pieces with a quote can break the rule, but behind half a character nothing is certain.
        whole = any(isinstance(state, _Out) and state.open for state in states)
        judged = self.words.ordered if whole else self.words.quoting
        denied = {token for piece in judged if not self._lands(states, piece) for token in self.words.ids[piece]}
        if states == {_Out("closed")}:
            denied |= self.words.glued
        return np.setdiff1d(np.arange(len(self.words)), sorted(denied)) if denied else None


def _length(first: int) -> int:
    """Bytes of the UTF-8 character that begins with this byte; 1 where none does."""
    return 2 if 0xC2 <= first < 0xE0 else 3 if 0xE0 <= first < 0xF0 else 4 if 0xF0 <= first < 0xF5 else 1
