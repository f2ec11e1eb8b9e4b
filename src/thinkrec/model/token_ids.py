"""Ids of special tokens, in the ways that settings and tokenizers give them."""

from __future__ import annotations

from typing import Any


def take_first_id(token_ids: Any) -> int | None:
    """One token id, of a list the first; None where there is none.

    Transformers types token ids more widely than any tokenizer fills them: one id, a list of them, or None.
    """
    return token_ids[0] if isinstance(token_ids, list) else token_ids
