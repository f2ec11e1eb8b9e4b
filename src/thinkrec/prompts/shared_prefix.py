"""Prompts that begin alike: a shared prefix and what each adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from thinkrec.prompts.types import Prompt


@dataclass(frozen=True, eq=False)
class SharedPrefix:
    """Questions that share their beginning: what they share, and what each adds."""

    prefix: Prompt
    """Its gate is that of all questions."""
    suffixes: tuple[Prompt, ...]
    """Positions count from the leaf's own first token. Each has one answer, after its last token."""
    explicit_prefix_lengths: tuple[int, ...] | None = None
    """How many of the trunk's tokens each leaf follows; None: all of them."""

    def to_prompts(self) -> list[Prompt]:
        """The same questions as prompts of their own."""
        return [
            concat_prompts([_truncate_prompt(self.prefix, n), leaf])
            for n, leaf in zip(self.prefix_lengths, self.suffixes, strict=True)
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

    def all_of(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    def moved(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) + start for part, start in zip(parts, starts, strict=True)])

    vectors = [part.placeholder_vectors for part in parts if len(part.placeholder_at)]
    return Prompt(
        ids=all_of("ids"),
        placeholder_at=moved("placeholder_at"),
        placeholder_vectors=np.concatenate(vectors) if vectors else parts[0].placeholder_vectors,
        answer_at=moved("answer_at"),
        answer_label=all_of("answer_label"),
        answer_weight=all_of("answer_weight"),
        token_at=moved("token_at"),
        token_target=all_of("token_target"),
        token_weight=all_of("token_weight"),
        gate=parts[0].gate,
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
        n = int(differ[0]) if len(differ) else n
        slots = min(len(first.placeholder_at), len(other.placeholder_at))
        same = first.placeholder_at[:slots] == other.placeholder_at[:slots]
        if slots:
            same &= (first.placeholder_vectors[:slots] == other.placeholder_vectors[:slots]).all(axis=1)
        alike = int(np.argmin(same)) if not same.all() else slots
        unlike = [int(prompt.placeholder_at[alike]) for prompt in (first, other) if alike < len(prompt.placeholder_at)]
        n = min([n, *unlike])
    return n


def split_shared_prefix(prompts: Sequence[Prompt], n: int) -> SharedPrefix:
    """Prompts whose first n tokens are `count_common_prefix` as a fork."""
    return SharedPrefix(
        _truncate_prompt(prompts[0], n), tuple(slice_prompt(prompt, n, len(prompt)) for prompt in prompts)
    )


def _truncate_prompt(prompt: Prompt, n: int) -> Prompt:
    """Its first n tokens."""
    return prompt if n == len(prompt) else slice_prompt(prompt, 0, n)


def slice_prompt(prompt: Prompt, first: int, last: int) -> Prompt:
    """Its tokens first .. last - 1, with the slots among them and what is asked and taught there."""

    def inside(at: np.ndarray) -> np.ndarray:
        return (at >= first) & (at < last)

    slots, answers, tokens = inside(prompt.placeholder_at), inside(prompt.answer_at), inside(prompt.token_at)
    return replace(
        prompt,
        ids=prompt.ids[first:last],
        placeholder_at=prompt.placeholder_at[slots] - first,
        placeholder_vectors=prompt.placeholder_vectors[slots],
        answer_at=prompt.answer_at[answers] - first,
        answer_label=prompt.answer_label[answers],
        answer_weight=prompt.answer_weight[answers],
        token_at=prompt.token_at[tokens] - first,
        token_target=prompt.token_target[tokens],
        token_weight=prompt.token_weight[tokens],
    )
