"""What every token of a vocabulary adds to a text, as bytes, whatever kind of tokenizer it belongs to."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The pieces of a tokenizer."""

    pieces: tuple[bytes, ...]
    """Per token id, what it adds inside a text; empty for special tokens and for ids that are not in use."""
    ids: dict[bytes, tuple[int, ...]] = field(init=False)
    """Piece -> its token ids (several tokens may read the same)."""
    lowered: dict[bytes, tuple[int, ...]] = field(init=False)
    """The same by pieces in lower case."""
    longest: int = field(init=False)
    """Bytes of the longest piece."""
    ordered: list[bytes] = field(init=False)
    """Different pieces in byte order, so that those with a common beginning stand together."""

    quoting: list[bytes] = field(init=False)
    """Those that hold a quote, or one that is not complete."""

    marking: frozenset[int] = field(init=False)
    """Tokens of those pieces."""

    glued: frozenset[int] = field(init=False)
    """Tokens that begin with a letter, a digit or a character that is not complete."""

    def __post_init__(self) -> None:
        found: dict[bytes, list[int]] = defaultdict(list)
        for token, piece in enumerate(self.pieces):
            if piece:
                found[piece].append(token)
        object.__setattr__(self, "ids", {piece: tuple(tokens) for piece, tokens in found.items()})
        lowered: dict[bytes, list[int]] = defaultdict(list)
        for piece, tokens in found.items():
            lowered[piece.lower()] += tokens
        object.__setattr__(self, "lowered", {piece: tuple(tokens) for piece, tokens in lowered.items()})
        object.__setattr__(self, "longest", max(map(len, found), default=0))
        object.__setattr__(self, "ordered", sorted(found))
        marks = (b"'", b'"', b"\xe2")  # typographic quotes begin with the last
        quoting = [p for p in sorted(found) if any(mark in p for mark in marks)]
        object.__setattr__(self, "quoting", quoting)
        object.__setattr__(self, "marking", frozenset(token for piece in quoting for token in self.ids[piece]))
        glued = (token for token, piece in enumerate(self.pieces) if piece and _is_glued(piece))
        object.__setattr__(self, "glued", frozenset(glued))

    def __len__(self) -> int:
        return len(self.pieces)

    def beginning(self, text: bytes) -> Iterator[bytes]:
        """Pieces that are longer than `text` and begin with it."""
        for place in range(bisect_right(self.ordered, text), len(self.ordered)):
            if not self.ordered[place].startswith(text):
                break
            yield self.ordered[place]

    def text(self, ids: Sequence[int]) -> bytes:
        """What a sequence of tokens reads as, special tokens left out."""
        return b"".join(self.pieces[token] for token in ids)


def _is_glued(piece: bytes) -> bool:
    first = piece.decode(errors="replace")[0]
    return first.isalnum() or first == "\ufffd"


@lru_cache(maxsize=4)
def vocabulary(tokenizer: Any) -> Vocabulary:
    """The pieces of a Hugging Face tokenizer; made once per tokenizer object.

    Byte-level tokens are turned back into their bytes exactly. Every other token is decoded behind a token that stands
    for itself, so that a leading space (a metaspace in sentencepiece models) is seen; byte tokens such as <0x0A> are
    that byte.
    """
    size = len(tokenizer)
    special = set(tokenizer.all_special_ids)
    names = tokenizer.convert_ids_to_tokens(list(range(size)))
    if _is_byte_level(tokenizer):
        back = _byte_of_letter()
        known = [b"" if token in special or name is None else _spelled(name, back) for token, name in enumerate(names)]
        return Vocabulary(tuple(known))
    anchor = _anchor(tokenizer, names, special)
    return Vocabulary(tuple(
        b"" if token in special or name is None else _behind(tokenizer, anchor, token, name)
        for token, name in enumerate(names)
    ))  # fmt: skip


def _spelled(name: str, back: dict[str, int]) -> bytes:
    # Tokens added later are stored as plain text, not as byte letters.
    return bytes(back[c] for c in name) if all(c in back for c in name) else name.encode()


def _behind(tokenizer: Any, anchor: int | None, token: int, name: str) -> bytes:
    found = _BYTE.fullmatch(name)
    if found:
        return bytes([int(found[1], 16)])
    options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    if anchor is None:
        return tokenizer.decode([token], **options).encode()
    before, both = tokenizer.decode([anchor], **options), tokenizer.decode([anchor, token], **options)
    return both[len(before) :].encode() if both.startswith(before) else both.encode()


def _anchor(tokenizer: Any, names: Sequence[str | None], special: set[int]) -> int | None:
    for token, name in enumerate(names):
        plain = token not in special and name and name.isascii() and name.isalnum()
        if plain and tokenizer.decode([token], skip_special_tokens=True) == name:
            return token
    return None


def _is_byte_level(tokenizer: Any) -> bool:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return hasattr(tokenizer, "byte_decoder")
    return '"ByteLevel"' in json.dumps(json.loads(backend.to_str()).get("decoder"))


def _byte_of_letter() -> dict[str, int]:
    """The printable letter that stands for each byte in byte-level vocabularies (GPT-2's table), inverted."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(byte): byte for byte in plain}
    others = [byte for byte in range(256) if byte not in set(plain)]
    return {**table, **{chr(256 + i): byte for i, byte in enumerate(others)}}
