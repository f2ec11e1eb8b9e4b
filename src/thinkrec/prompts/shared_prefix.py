"""Prompts that begin alike: a shared prefix and what each adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from thinkrec.prompts.types import PROMPT_FIELDS, Prompt


@dataclass(frozen=True, eq=False)
class SharedPrefix:
    """Questions that share their beginning: what they share, and what each adds."""

    prefix: Prompt
    """Its gate is that of all questions."""
    suffixes: tuple[Prompt, ...]
    """Positions count from the suffix's own first token. Each has one answer, after its last token."""
    explicit_prefix_lengths: tuple[int, ...] | None = None
    """How many of the prefix's tokens each suffix follows; None: all of them."""

    def to_prompts(self) -> list[Prompt]:
        """The same questions as prompts of their own."""
        return [
            concat_prompts([_truncate_prompt(self.prefix, n), suffix])
            for n, suffix in zip(self.prefix_lengths, self.suffixes, strict=True)
        ]

    @property
    def prefix_lengths(self) -> tuple[int, ...]:
        """`explicit_prefix_lengths`, spelled out."""
        return (
            (len(self.prefix),) * len(self.suffixes)
            if self.explicit_prefix_lengths is None
            else self.explicit_prefix_lengths
        )


def concat_prompts(parts: Sequence[Prompt]) -> Prompt:
    """One prompt out of parts that follow one another; the gate is the first one's."""
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])]).astype(np.int32)
    return Prompt(
        **{name: spec.join([getattr(part, name) for part in parts], starts) for name, spec in PROMPT_FIELDS.items()}
    )


def count_common_prefix(prompts: Sequence[Prompt]) -> int:
    """How many tokens prompts have in common at their beginning, vectors included; 0 where their gates differ.

    Every prompt keeps at least one token of its own.
    """
    first, n = prompts[0], min(len(prompt) for prompt in prompts) - 1
    for other in prompts[1:]:
        if not np.array_equal(first.gate, other.gate):
            return 0
        differ = np.flatnonzero(first.ids[:n] != other.ids[:n])
        n = min([int(differ[0]) if len(differ) else n, *_find_other_embeddings(first, other)])
    return n


def _find_other_embeddings(first: Prompt, other: Prompt) -> list[int]:
    """By kind of replaced embeddings, the first positions at which these two prompts have different ones."""
    positions = []
    for name, spec in PROMPT_FIELDS.items():
        if not spec.replaces_token:
            continue
        pairs = [(getattr(first, part), getattr(other, part)) for part in (name, *list_value_fields(name))]
        n = min(len(at) for at in pairs[0])
        if n:
            same = np.stack([(mine[:n] == theirs[:n]).reshape(n, -1).all(axis=1) for mine, theirs in pairs]).all(axis=0)
            n = n if same.all() else int(np.argmin(same))
        positions += [int(at[n]) for at in pairs[0] if n < len(at)]
    return positions


def split_shared_prefix(prompts: Sequence[Prompt], n: int) -> SharedPrefix:
    """Prompts whose first n tokens are `count_common_prefix` as one value."""
    return SharedPrefix(
        _truncate_prompt(prompts[0], n), tuple(slice_prompt(prompt, n, len(prompt)) for prompt in prompts)
    )


def _truncate_prompt(prompt: Prompt, n: int) -> Prompt:
    """Its first n tokens."""
    return prompt if n == len(prompt) else slice_prompt(prompt, 0, n)


def slice_prompt(prompt: Prompt, first: int, last: int) -> Prompt:
    """Its tokens first .. last - 1, with the slots among them and what is asked and taught there."""
    values = {}
    for name, spec in PROMPT_FIELDS.items():
        entries = getattr(prompt, name)
        if spec.kind == "tokens":
            values[name] = entries[first:last]
        elif spec.kind == "position" and len(entries):
            inside = (entries >= first) & (entries < last)
            values[name] = entries[inside] - first
            values |= {other: getattr(prompt, other)[inside] for other in list_value_fields(name)}
    return replace(prompt, **values)


def drop_positions(prompt: Prompt, position_field: str) -> Prompt:
    """Without the entries of a position field and their values."""
    names = (position_field, *list_value_fields(position_field))
    return replace(prompt, **{name: PROMPT_FIELDS[name].make_empty() for name in names})


@cache
def list_value_fields(position_field: str) -> tuple[str, ...]:
    """Names of the fields with a value for each entry of `position_field`."""
    return tuple(name for name, spec in PROMPT_FIELDS.items() if spec.of == position_field)
