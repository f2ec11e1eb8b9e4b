"""Rows become prompts: token ids, places of vectors, places of answers."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from thinkrec.data.dataset import Dataset
from thinkrec.data.rows import Interactions
from thinkrec.fast.fork import Fork, join
from thinkrec.model.batch import Prompt
from thinkrec.prompts import template

RATING = (0.9, 0.1)
"""Weights of (L_rec, L_think) on a rating row; ThinkRec paper, training objective."""
REASONING = (0.1, 0.9)
"""The same on a reasoning row."""
_NOTHING = np.zeros(0, dtype=np.int32)


class PromptConfig(BaseModel):
    """What of a row reaches the language model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    history: int = Field(default=10, ge=0)
    """Most earlier items shown, the most recent ones."""
    block: int = Field(default=1, ge=1)
    """With more than 1 the window of earlier items moves on in steps of so many, and shows up to `block` - 1 items more
    than `history`. The histories of a user's consecutive rows then begin alike, and test rows are scored together."""
    keywords: int = Field(default=10, ge=0)
    """Most keywords of the target; a longer list keeps its first ones and its last."""
    history_keywords: int = Field(default=10, ge=0)
    """Most keywords of an earlier item, cut the same way."""
    max_tokens: int = Field(default=1024, ge=64)
    """Longest prompt. A longer one loses its oldest history lines, never a vector, the request or the target: where
    those alone are longer than this, so is the prompt."""
    history_vectors: bool = True
    """Whether earlier items carry their collaborative vector too (where a projector is in use at all)."""

    def window(self, table: Interactions, row: int) -> slice:
        """The earlier rows that the prompt of a row shows, if `max_tokens` has room for all."""
        return table.history(row, self.history, self.block)


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
        past = self.config.window(it, row)
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
        answer = self._answer(label, reason) if with_answer else _NOTHING
        user = None if item_vector is None else user_vector
        trunk = self._trunk(self._first_shown(item, past_items, len(answer), user is not None), past_items, past_labels,
                            user, past_vectors, gate)  # fmt: skip
        leaf = self._leaf(item, item_vector, label, answer, gate)
        rec, think = REASONING if reason else RATING
        share = np.append(np.full(len(trunk.answer_at), history_loss), 1.0)
        return replace(
            join([trunk, leaf]),
            # They share the row's L_rec: else ten labels would leave the reasons of other rows next to no say.
            answer_weight=(rec * share / share.sum()).astype(np.float32),
            token_weight=np.full(len(answer), think / max(1, len(answer)), dtype=np.float32),
        )

    def fork(
        self,
        items: np.ndarray,
        past_items: np.ndarray,
        past_labels: np.ndarray,
        *,
        gate: np.ndarray,
        user_vector: np.ndarray | None = None,
        item_vectors: np.ndarray | None = None,
        past_vectors: np.ndarray | None = None,
    ) -> list[tuple[np.ndarray, Fork]]:
        """The prompts of many items (codes (n,)) over one history as forks; otherwise as `ask`.

        `user_vector` (d,), `item_vectors` (n, d) and `past_vectors` (k, d) are given together or not at all.
        Returns (places in `items`, fork) pairs: mostly one, more where long targets leave room for less history.
        """
        user = None if item_vectors is None else user_vector
        vectors = [None] * len(items) if item_vectors is None else item_vectors
        first = np.array([self._first_shown(int(i), past_items, 0, user is not None) for i in items], dtype=np.int64)
        found = []
        for shown in np.unique(first):
            places = np.flatnonzero(first == shown)
            trunk = self._trunk(int(shown), past_items, past_labels, user, past_vectors, gate)
            leaves = tuple(self._leaf(int(items[i]), vectors[i], 0, _NOTHING, gate) for i in places)
            found.append((places, Fork(trunk, leaves)))
        return found

    def families(self, rows: np.ndarray, gates: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Which rows can share what they show of the past: rows of one user with the same gate whose histories begin
        at the same row.

        Returns their places in `rows`, two or more a family, in the order of the past; and the places of all others.
        """
        it, found = self.ds.interactions, dict[tuple[int, bytes], list[int]]()
        for place in np.argsort(rows, kind="stable"):
            past = self.config.window(it, int(rows[place]))
            if past.start < past.stop and self._fits(past):
                # One user's rows stand together, so where a history begins says whose it is.
                found.setdefault((past.start, gates[place].tobytes()), []).append(int(place))
        shared = [np.array(places) for places in found.values() if len(places) > 1]
        alone = np.ones(len(rows), dtype=bool)
        for places in shared:
            alone[places] = False
        return shared, np.flatnonzero(alone)

    def _fits(self, past: slice) -> bool:
        """Whether no target, however long, could cost the prompt a history line."""
        return self._first_shown(self._longest, self.ds.interactions.item[past], 0, slots=True) == 0

    @cached_property
    def _longest(self) -> int:
        """The item whose target line is the longest."""
        return int(np.argmax([len(text) for text in self._target]))

    def family(self, rows: np.ndarray, *, gate: np.ndarray, vectors: SlotVectors | None) -> Fork:
        """The prompts of rows of one family, in the order of the past, as a fork whose leaves follow more and more of
        the history.
        """
        it = self.ds.interactions
        past = self.config.window(it, int(rows[-1]))
        shown = None if vectors is None else vectors.item[past]
        trunk, ends = self._lines(0, it.item[past], it.label[past], vectors is not None, shown, gate)
        leaves = []
        for row in rows:
            user, item = (None, None) if vectors is None else (vectors.user[row], vectors.item[row])
            asked = self._asking(False, user, gate)
            leaves.append(join([asked, self._leaf(int(it.item[row]), item, 0, _NOTHING, gate)]))
        return Fork(trunk, tuple(leaves), tuple(int(ends[row - past.start]) for row in rows))

    def _trunk(self, first: int, past_items: np.ndarray, past_labels: np.ndarray, user_vector: np.ndarray | None,
               past_vectors: np.ndarray | None, gate: np.ndarray) -> Prompt:  # fmt: skip
        """Everything before the target, with the history from position `first` on; its labels are answers."""
        lines, _ = self._lines(first, past_items, past_labels, user_vector is not None, past_vectors, gate)
        return join([lines, self._asking(first == len(past_items), user_vector, gate)])

    def _lines(self, first: int, past_items: np.ndarray, past_labels: np.ndarray, slots: bool,
               past_vectors: np.ndarray | None, gate: np.ndarray) -> tuple[Prompt, np.ndarray]:  # fmt: skip
        """The heading and the history from position `first` on; and how many tokens that is without any line, with
        the first, the first two, ...
        """
        shown_vectors = past_vectors if slots and self.config.history_vectors else None
        parts: list[np.ndarray] = [self._start, self._heading]
        slot_at, slot_vec, answer_at, at = [], [], [], len(self._start) + len(self._heading)
        ends = [at]
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
            ends.append(at)
        made = self._part(parts, slot_at, slot_vec, answer_at, past_labels[first:], _NOTHING, gate)
        return made, np.array(ends)

    def _asking(self, empty: bool, user_vector: np.ndarray | None, gate: np.ndarray) -> Prompt:
        """What stands between the history and the target."""
        parts, slot_at = [self._empty] if empty else [], []
        if user_vector is not None:
            slot_at = [sum(len(part) for part in parts) + len(self._user)]
            parts += [self._user, self._slot, self._newline]
        return self._part([*parts, self._request], slot_at, [user_vector] if slot_at else [], [], np.zeros(0), _NOTHING,
                          gate)  # fmt: skip

    def _leaf(self, item: int, item_vector: np.ndarray | None, label: int, answer: np.ndarray,
              gate: np.ndarray) -> Prompt:  # fmt: skip
        """The target line up to its answer, and of the answer all but its last token."""
        text, slots = self._target[item], [] if item_vector is None else [item_vector]
        parts = [text, *([self._slot] if slots else []), self._bar]
        last = sum(len(part) for part in parts) - 1
        return self._part(
            [*parts, answer[:-1]], [len(text)] * len(slots), slots, [last], np.array([label]), answer, gate
        )

    def _part(self, parts: list[np.ndarray], slot_at: list[int], slot_vec: list, answer_at: list[int],
              labels: np.ndarray, answer: np.ndarray, gate: np.ndarray) -> Prompt:  # fmt: skip
        last = answer_at[-1] if answer_at else 0
        return Prompt(
            ids=np.concatenate(parts).astype(np.int32),
            slot_at=np.array(slot_at, dtype=np.int32),
            slot_vec=np.stack(slot_vec).astype(np.float32) if slot_vec else self._no_vectors,
            answer_at=np.array(answer_at, dtype=np.int32),
            answer_label=labels.astype(np.int8),
            answer_weight=np.ones(len(answer_at), dtype=np.float32),
            token_at=np.arange(last, last + len(answer), dtype=np.int32),
            token_target=answer,
            token_weight=np.ones(len(answer), dtype=np.float32),
            gate=gate,
        )

    def _answer(self, label: int, reason: str | None) -> np.ndarray:
        verdict = self.labels[label : label + 1]
        if reason is None:
            return verdict
        # "Yes. Because ..." -> ". Because ...": the verdict itself is the label's own token.
        rest = reason.partition(".")[2]
        return np.concatenate([verdict, plain_ids(self.tokenizer, ["." + rest])[0], self._end])

    def _first_shown(self, item: int, past_items: np.ndarray, answer: int, slots: bool) -> int:
        """The oldest history position that still fits beside the target and an answer of so many tokens."""
        fixed = [self._start, self._heading, self._empty, self._request, self._target[item], self._bar]
        if slots:
            fixed += [self._user, self._slot, self._newline, self._slot]
        room = self.config.max_tokens - sum(len(part) for part in fixed) - answer
        extra = len(self._bar) + 1 + len(self._newline) + int(slots and self.config.history_vectors)
        for j in range(len(past_items) - 1, -1, -1):
            room -= len(self._past[past_items[j]]) + extra
            if room < 0:
                return j + 1
        return 0
