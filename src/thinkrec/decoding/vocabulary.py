"""The bytes that every token of a vocabulary adds to a text, whatever kind of tokenizer it belongs to."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True, eq=False)
class TokenVocabulary:
    """The pieces of a tokenizer."""

    pieces: tuple[bytes, ...]
    """Per token id, what it adds inside a text; empty for special tokens and for ids that are not in use."""
    ids_by_piece: dict[bytes, tuple[int, ...]] = field(init=False)
    """Piece -> its token ids (several tokens may read the same)."""
    ids_by_lowercase_piece: dict[bytes, tuple[int, ...]] = field(init=False)
    """The same by pieces in lower case."""
    max_piece_bytes: int = field(init=False)
    """Bytes of the longest piece."""
    sorted_pieces: list[bytes] = field(init=False)
    """Different pieces in byte order, so that those with a common beginning stand together."""
    quote_pieces: list[bytes] = field(init=False)
    """Those that hold a quote, or one that is not complete."""
    quote_token_ids: frozenset[int] = field(init=False)
    """Tokens of those pieces."""
    word_token_ids: frozenset[int] = field(init=False)
    """Tokens that begin with a letter, a digit or a character that is not complete."""

    def __post_init__(self) -> None:
        """Index the pieces."""
        ids_by_piece: dict[bytes, list[int]] = defaultdict(list)
        for token, piece in enumerate(self.pieces):
            if piece:
                ids_by_piece[piece].append(token)
        object.__setattr__(self, "ids_by_piece", {piece: tuple(tokens) for piece, tokens in ids_by_piece.items()})
        lowered: dict[bytes, list[int]] = defaultdict(list)
        for piece, tokens in ids_by_piece.items():
            lowered[piece.lower()] += tokens
        object.__setattr__(self, "ids_by_lowercase_piece", {piece: tuple(tokens) for piece, tokens in lowered.items()})
        object.__setattr__(self, "max_piece_bytes", max(map(len, ids_by_piece), default=0))
        object.__setattr__(self, "sorted_pieces", sorted(ids_by_piece))
        marks = (b"'", b'"', b"\xe2")  # typographic quotes begin with the last
        quoting = [p for p in sorted(ids_by_piece) if any(mark in p for mark in marks)]
        object.__setattr__(self, "quote_pieces", quoting)
        object.__setattr__(
            self, "quote_token_ids", frozenset(token for piece in quoting for token in self.ids_by_piece[piece])
        )
        glued = (token for token, piece in enumerate(self.pieces) if piece and _is_word_start(piece))
        object.__setattr__(self, "word_token_ids", frozenset(glued))

    def __len__(self) -> int:
        """Number of token ids."""
        return len(self.pieces)

    def iterate_extensions(self, text: bytes) -> Iterator[bytes]:
        """Pieces that are longer than `text` and begin with it."""
        for index in range(bisect_right(self.sorted_pieces, text), len(self.sorted_pieces)):
            if not self.sorted_pieces[index].startswith(text):
                break
            yield self.sorted_pieces[index]

    def decode_bytes(self, ids: Sequence[int]) -> bytes:
        """The text of a sequence of tokens as bytes, special tokens left out."""
        return b"".join(self.pieces[token] for token in ids)


def _is_word_start(piece: bytes) -> bool:
    first = piece.decode(errors="replace")[0]
    return first.isalnum() or first == "\ufffd"


@lru_cache(maxsize=4)
def build_vocabulary(tokenizer: Any) -> TokenVocabulary:
    """The pieces of a Hugging Face tokenizer; built once per tokenizer object.

    Byte-level tokens are turned back into their bytes exactly. Every other token is decoded behind a token that stands
    for itself, so that a leading space (a metaspace in sentencepiece models) is seen; byte tokens such as <0x0A> are
    that byte.
    """
    size = len(tokenizer)
    special = set(tokenizer.all_special_ids)
    names = tokenizer.convert_ids_to_tokens(list(range(size)))
    if _is_byte_level(tokenizer):
        back = _build_byte_table()
        known = [
            b"" if token in special or name is None else _decode_byte_letters(name, back)
            for token, name in enumerate(names)
        ]
        return TokenVocabulary(tuple(known))
    anchor = _find_anchor_token(tokenizer, names, special)
    return TokenVocabulary(
        tuple(
            b"" if token in special or name is None else _decode_after_anchor(tokenizer, anchor, token, name)
            for token, name in enumerate(names)
        )
    )


def _decode_byte_letters(name: str, back: dict[str, int]) -> bytes:
    # Tokens added later are stored as plain text, not as byte letters.
    return bytes(back[c] for c in name) if all(c in back for c in name) else name.encode()


def _decode_after_anchor(tokenizer: Any, anchor: int | None, token: int, name: str) -> bytes:
    match = _BYTE_TOKEN.fullmatch(name)
    if match:
        return bytes([int(match[1], 16)])
    options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    if anchor is None:
        return tokenizer.decode([token], **options).encode()
    before, both = tokenizer.decode([anchor], **options), tokenizer.decode([anchor, token], **options)
    return both[len(before) :].encode() if both.startswith(before) else both.encode()


def _find_anchor_token(tokenizer: Any, names: Sequence[str | None], special: set[int]) -> int | None:
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


def _build_byte_table() -> dict[str, int]:
    """The printable letter that stands for each byte in byte-level vocabularies (GPT-2's table), inverted."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(byte): byte for byte in plain}
    others = [byte for byte in range(256) if byte not in set(plain)]
    return {**table, **{chr(256 + i): byte for i, byte in enumerate(others)}}
