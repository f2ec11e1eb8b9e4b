"""Prompts that begin alike: a shared prefix and what each adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from thinkrec.prompts.types import Prompt


@dataclass(frozen=True, eq=False)
class Fork:
    """Questions that share their beginning: what they share, and what each adds."""

    trunk: Prompt
    """Its gate is that of all questions."""
    leaves: tuple[Prompt, ...]
    """Positions count from the leaf's own first token. Each has one answer, after its last token."""
    sees: tuple[int, ...] | None = None
    """How many of the trunk's tokens each leaf follows; None: all of them."""

    def prompts(self) -> list[Prompt]:
        """The same questions as prompts of their own."""
        return [join([_cut(self.trunk, n), leaf]) for n, leaf in zip(self.reach, self.leaves, strict=True)]

    @property
    def reach(self) -> tuple[int, ...]:
        """`sees`, spelled out."""
        return (len(self.trunk),) * len(self.leaves) if self.sees is None else self.sees


def join(parts: Sequence[Prompt]) -> Prompt:
    """One prompt out of parts that follow one another; the gate is the first one's."""
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])]).astype(np.int32)

    def all_of(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    def moved(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) + start for part, start in zip(parts, starts, strict=True)])

    vectors = [part.slot_vec for part in parts if len(part.slot_at)]
    return Prompt(
        ids=all_of("ids"),
        slot_at=moved("slot_at"),
        slot_vec=np.concatenate(vectors) if vectors else parts[0].slot_vec,
        answer_at=moved("answer_at"),
        answer_label=all_of("answer_label"),
        answer_weight=all_of("answer_weight"),
        token_at=moved("token_at"),
        token_target=all_of("token_target"),
        token_weight=all_of("token_weight"),
        gate=parts[0].gate,
    )


def common(prompts: Sequence[Prompt]) -> int:
    """How many tokens prompts have in common at their beginning, vectors included; 0 where their gates differ.

    Every prompt keeps at least one token of its own.
    """
    first, n = prompts[0], min(len(prompt) for prompt in prompts) - 1
    for other in prompts[1:]:
        if not np.array_equal(first.gate, other.gate):
            return 0
        differ = np.flatnonzero(first.ids[:n] != other.ids[:n])
        n = int(differ[0]) if len(differ) else n
        slots = min(len(first.slot_at), len(other.slot_at))
        same = first.slot_at[:slots] == other.slot_at[:slots]
        if slots:
            same &= (first.slot_vec[:slots] == other.slot_vec[:slots]).all(axis=1)
        alike = int(np.argmin(same)) if not same.all() else slots
        unlike = [int(prompt.slot_at[alike]) for prompt in (first, other) if alike < len(prompt.slot_at)]
        n = min([n, *unlike])
    return n


def parted(prompts: Sequence[Prompt], n: int) -> Fork:
    """Prompts whose first n tokens are `common` as a fork."""
    return Fork(_cut(prompts[0], n), tuple(_part(prompt, n, len(prompt)) for prompt in prompts))


def _cut(prompt: Prompt, n: int) -> Prompt:
    """Its first n tokens."""
    return prompt if n == len(prompt) else _part(prompt, 0, n)


def _part(prompt: Prompt, first: int, last: int) -> Prompt:
    """Its tokens first .. last - 1, with the slots among them and what is asked and taught there."""

    def inside(at: np.ndarray) -> np.ndarray:
        return (at >= first) & (at < last)

    slots, answers, tokens = inside(prompt.slot_at), inside(prompt.answer_at), inside(prompt.token_at)
    return replace(
        prompt,
        ids=prompt.ids[first:last],
        slot_at=prompt.slot_at[slots] - first,
        slot_vec=prompt.slot_vec[slots],
        answer_at=prompt.answer_at[answers] - first,
        answer_label=prompt.answer_label[answers],
        answer_weight=prompt.answer_weight[answers],
        token_at=prompt.token_at[tokens] - first,
        token_target=prompt.token_target[tokens],
        token_weight=prompt.token_weight[tokens],
    )
