"""Rows become prompts: token ids, places of vectors, places of answers."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from thinkrec.data.dataset import Dataset
from thinkrec.model.batch import Prompt
from thinkrec.prompts import template

RATING = (0.9, 0.1)
"""Weights of (L_rec, L_think) on a rating row; ThinkRec paper, training objective."""
REASONING = (0.1, 0.9)
"""The same on a reasoning row."""


class PromptConfig(BaseModel):
    """What of a row reaches the language model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    history: int = Field(default=10, ge=0)
    """Most earlier items shown, the most recent ones."""
    keywords: int = Field(default=10, ge=0)
    """Most keywords of the target; a longer list keeps its first ones and its last."""
    history_keywords: int = Field(default=10, ge=0)
    """Most keywords of an earlier item, cut the same way."""
    max_tokens: int = Field(default=1024, ge=64)
    """Longest prompt. A longer one loses its oldest history lines, never a vector, the request or the target: where
    those alone are longer than this, so is the prompt."""
    history_vectors: bool = True
    """Whether earlier items carry their collaborative vector too (where a projector is in use at all)."""


class TextEncoder(Protocol):
    """What the renderer needs of a backbone."""

    @property
    def tokenizer(self) -> Any: ...
    @property
    def yes_id(self) -> int: ...
    @property
    def no_id(self) -> int: ...


@dataclass(frozen=True, eq=False)
class SlotVectors:
    """Collaborative vectors for the prompt's slots, by row of the sorted table."""

    user: np.ndarray
    """float32 (n_rows, d): the row's user as known strictly before the row."""
    item: np.ndarray
    """float32 (n_rows, d): the row's item; on train rows from folds that exclude the row."""


def plain_ids(tokenizer, texts: list[str]) -> list[np.ndarray]:
    """Token ids (int32) of each text, with anything that looks like a special token read as plain text."""
    if not texts:
        return []
    coded = tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return [np.asarray(ids, dtype=np.int32) for ids in coded]


class Renderer:
    """Renders rows of one data set for one tokenizer; items are tokenised once."""

    def __init__(self, ds: Dataset, text: TextEncoder, config: PromptConfig) -> None:
        self.ds, self.config = ds, config
        self.tokenizer, self.labels = text.tokenizer, np.array([text.no_id, text.yes_id], dtype=np.int32)
        titles, keywords = ds.items.titles, ds.items.keywords

        def entries(most: int) -> list[np.ndarray]:
            return plain_ids(
                self.tokenizer,
                [template.entry(t, template.shorten(k, most)) for t, k in zip(titles, keywords, strict=True)],
            )

        self._target = entries(config.keywords)
        same = config.keywords == config.history_keywords
        self._past = self._target if same else entries(config.history_keywords)
        domain = ds.domain
        parts = [template.heading(domain), template.no_history(domain), template.user_line(domain),
                 template.request(domain), template.BAR, template.NEWLINE]  # fmt: skip
        found = plain_ids(self.tokenizer, parts)
        self._heading, self._empty, self._user, self._request, self._bar, self._newline = found
        start = getattr(self.tokenizer, "bos_token_id", None)
        self._start = np.array([] if start is None else [start], dtype=np.int32)
        end = getattr(self.tokenizer, "eos_token_id", None)
        self._end = np.array([] if end is None else [end], dtype=np.int32)
        # Any id will do where a vector goes: its embedding is replaced.
        self._slot = np.array([end if end is not None else 0], dtype=np.int32)
        self._no_vectors = np.zeros((0, 0), dtype=np.float32)

    def over(self, ds: Dataset) -> Renderer:
        """This renderer for another table over the same items, without tokenising them again."""
        other = copy(self)
        other.ds = ds
        return other

    def row(
        self,
        row: int,
        *,
        gate: np.ndarray,
        vectors: SlotVectors | None = None,
        reason: str | None = None,
        with_answer: bool = False,
        history_loss: float = 0.0,
    ) -> Prompt:
        """The prompt of a row.

        `gate`: float32 (1 + n,) adapter weights. `vectors` adds the slots. With `with_answer` the verdict token is a
        training target (L_think) and, where a `reason` ("Yes. ..." / "No. ...") is given, the whole of it, closed by
        the end-of-sequence token. `history_loss` is the weight of every label in the history as an answer of its own,
        where the target weighs 1; together they weigh what L_rec weighs in the row.
        """
        it = self.ds.interactions
        past = it.history(row, self.config.history)
        return self.ask(
            int(it.item[row]), it.item[past], it.label[past], gate=gate, label=int(it.label[row]),
            user_vector=None if vectors is None else vectors.user[row],
            item_vector=None if vectors is None else vectors.item[row],
            past_vectors=None if vectors is None else vectors.item[past],
            reason=reason, with_answer=with_answer, history_loss=history_loss,
        )  # fmt: skip

    def ask(
        self,
        item: int,
        past_items: np.ndarray,
        past_labels: np.ndarray,
        *,
        gate: np.ndarray,
        label: int = 0,
        user_vector: np.ndarray | None = None,
        item_vector: np.ndarray | None = None,
        past_vectors: np.ndarray | None = None,
        reason: str | None = None,
        with_answer: bool = False,
        history_loss: float = 0.0,
    ) -> Prompt:
        """The prompt for any item code and any labelled history (codes (k,), labels (k,), oldest first); see `row`."""
        config, slots = self.config, item_vector is not None
        shown_vectors = past_vectors if slots and config.history_vectors else None
        past_slots = shown_vectors is not None
        answer = self._answer(label, reason) if with_answer else np.zeros(0, dtype=np.int32)
        tail: list[np.ndarray] = [self._user, self._slot, self._newline] if slots else []
        tail += [self._request, self._target[item]] + ([self._slot] if slots else []) + [self._bar]
        fixed = len(self._start) + len(self._heading) + sum(len(part) for part in tail) + len(answer) + len(self._empty)
        first = self._first_shown(past_items, fixed, past_slots)
        parts: list[np.ndarray] = [self._start, self._heading]
        slot_at, slot_vec, answer_at, at = [], [], [], len(self._start) + len(self._heading)
        for j in range(first, len(past_items)):
            text = self._past[past_items[j]]
            parts.append(text)
            at += len(text)
            if shown_vectors is not None:
                parts.append(self._slot)
                slot_at.append(at)
                slot_vec.append(shown_vectors[j])
                at += 1
            parts += [self._bar, self.labels[past_labels[j] : past_labels[j] + 1], self._newline]
            answer_at.append(at + len(self._bar) - 1)
            at += len(self._bar) + 1 + len(self._newline)
        if first == len(past_items):
            parts.append(self._empty)
            at += len(self._empty)
        if slots:
            slot_at += [at + len(self._user), at + sum(len(part) for part in tail) - len(self._bar) - 1]
            slot_vec += [user_vector, item_vector]
        parts += tail
        at += sum(len(part) for part in tail)
        answer_at.append(at - 1)
        parts.append(answer[:-1])
        shown = len(answer_at) - 1
        rec, think = REASONING if reason else RATING
        share = np.append(np.full(shown, history_loss), 1.0)
        return Prompt(
            ids=np.concatenate(parts).astype(np.int32),
            slot_at=np.array(slot_at, dtype=np.int32),
            slot_vec=np.stack(slot_vec).astype(np.float32) if slot_vec else self._no_vectors,
            answer_at=np.array(answer_at, dtype=np.int32),
            answer_label=np.append(past_labels[first:], label).astype(np.int8),
            # They share the row's L_rec: else ten labels would leave the reasons of other rows next to no say.
            answer_weight=(rec * share / share.sum()).astype(np.float32),
            token_at=np.arange(at - 1, at - 1 + len(answer), dtype=np.int32),
            token_target=answer,
            token_weight=np.full(len(answer), think / max(1, len(answer)), dtype=np.float32),
            gate=gate,
        )

    def _answer(self, label: int, reason: str | None) -> np.ndarray:
        verdict = self.labels[label : label + 1]
        if reason is None:
            return verdict
        # "Yes. Because ..." -> ". Because ...": the verdict itself is the label's own token.
        rest = reason.partition(".")[2]
        return np.concatenate([verdict, plain_ids(self.tokenizer, ["." + rest])[0], self._end])

    def _first_shown(self, past_items: np.ndarray, fixed: int, past_slots: bool) -> int:
        """The oldest history position that still fits."""
        room = self.config.max_tokens - fixed
        extra = len(self._bar) + 1 + len(self._newline) + int(past_slots)
        for j in range(len(past_items) - 1, -1, -1):
            room -= len(self._past[past_items[j]]) + extra
            if room < 0:
                return j + 1
        return 0
