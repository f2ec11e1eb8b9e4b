"""A SentencePiece unigram model (.model) read into the `tokenizers` package, without the sentencepiece package."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thinkrec.errors import CheckpointError
from thinkrec.evaluate.text.protobuf import read_fields

_UNKNOWN, _CONTROL, _UNUSED = 2, 3, 5
_UNIGRAM = 1


@dataclass(frozen=True)
class SentencePieceTokenizer:
    """Text to piece ids."""

    tokenizer: Any
    """A `tokenizers.Tokenizer` that adds nothing at the ends."""
    cls_id: int
    sep_id: int

    def encode(self, text: str) -> list[int]:
        """Ids of the pieces of a text, without [CLS] and [SEP]."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids


def read_sentencepiece_model(path: Path) -> SentencePieceTokenizer:
    """Read a .model file (sentencepiece_model.proto). Raises CheckpointError."""
    from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
    from tokenizers.models import Unigram

    try:
        vocab, kinds, model, rules = _parse_model(path.read_bytes())
    except (OSError, ValueError, struct.error) as error:
        raise CheckpointError(f"{path} cannot be read as a SentencePiece model ({error}); copy it again") from error
    if model != _UNIGRAM:
        raise CheckpointError(f"{path} is no unigram model; BLEURT-20 has one, so this file belongs to another model")
    ids = {piece: id_ for id_, (piece, _) in enumerate(vocab)}
    lacking = [name for name in ("[CLS]", "[SEP]") if name not in ids]
    if lacking or _UNKNOWN not in kinds:
        raise CheckpointError(
            f"{path} has no piece {lacking[0] if lacking else 'for what is unknown'}; take BLEURT-20's"
        )
    # Control pieces are never found in a text, even where it holds their names.
    hidden = (_UNKNOWN, _CONTROL, _UNUSED)
    pieces = [
        (f"\x00{piece}", score) if kind in hidden else (piece, score)
        for (piece, score), kind in zip(vocab, kinds, strict=True)
    ]
    tokenizer = Tokenizer(Unigram(pieces, unk_id=kinds.index(_UNKNOWN), byte_fallback=False))
    steps: list[Any] = [normalizers.Precompiled(rules.precompiled_charsmap)] if rules.precompiled_charsmap else []
    if rules.remove_extra_whitespaces:
        steps += [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
    if steps:
        tokenizer.normalizer = normalizers.Sequence(steps)
    scheme = "always" if rules.add_dummy_prefix else "never"
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme, split=False)
    return SentencePieceTokenizer(tokenizer, ids["[CLS]"], ids["[SEP]"])


def read_tokenizer_json(path: Path) -> SentencePieceTokenizer:
    """The same from a tokenizer.json. Raises CheckpointError."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises plain Exception for whatever is wrong
        raise CheckpointError(f"{path} cannot be read as a tokenizer ({error}); copy it again") from error
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    if cls is None or sep is None:
        raise CheckpointError(f"{path} has no tokens [CLS] and [SEP]; take the tokenizer of BLEURT-20")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return SentencePieceTokenizer(tokenizer, cls, sep)


@dataclass(frozen=True)
class _NormalizerRules:
    precompiled_charsmap: bytes = b""
    add_dummy_prefix: bool = True
    remove_extra_whitespaces: bool = True


def _parse_model(data: bytes) -> tuple[list[tuple[str, float]], list[int], int, _NormalizerRules]:
    vocab: list[tuple[str, float]] = []
    kinds: list[int] = []
    model, rules = _UNIGRAM, _NormalizerRules()
    for number, value in read_fields(data):
        if not isinstance(value, bytes):
            continue
        if number == 1:
            fields = dict(read_fields(value))
            piece, score = fields.get(1, b""), fields.get(2, b"\0\0\0\0")
            assert isinstance(piece, bytes) and isinstance(score, bytes)
            vocab.append((piece.decode("utf-8"), struct.unpack("<f", score)[0]))
            kinds.append(int(fields.get(3, 1)))
        elif number == 2:
            model = int(dict(read_fields(value)).get(3, _UNIGRAM))
        elif number == 3:
            fields = dict(read_fields(value))
            charsmap = fields.get(2, b"")
            assert isinstance(charsmap, bytes)
            rules = _NormalizerRules(charsmap, bool(fields.get(3, 1)), bool(fields.get(4, 1)))
    if not vocab:
        raise ValueError("it holds no pieces")
    return vocab, kinds, model, rules
