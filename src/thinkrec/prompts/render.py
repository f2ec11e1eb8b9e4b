"""Rows become prompts: token ids, places of vectors, places of answers."""

from __future__ import annotations

import warnings
from copy import copy
from typing import Any, ClassVar, Protocol

import numpy as np
from pydantic import Field

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import Interactions
from thinkrec.errors import DataError
from thinkrec.io.config import Config
from thinkrec.prompts import template
from thinkrec.prompts.draft import NO_TOKENS, PromptBuilder
from thinkrec.prompts.shared_prefix import SharedPrefix
from thinkrec.prompts.types import Prompt

RATING_WEIGHTS = (0.9, 0.1)
"""Weights of (L_rec, L_think) on a rating row; ThinkRec paper, training objective."""
REASONING_WEIGHTS = (0.1, 0.9)
"""The same on a reasoning row."""
_MAX_CACHED_LINES = 200_000
"""History lines that are remembered; with more items than that, the others are put together each time."""


class PromptConfig(Config):
    """What of a row reaches the language model."""

    RENAMED_KEYS: ClassVar = {"block": "history_step"}

    history: int = Field(default=10, ge=0)
    """Most earlier items shown, the most recent ones."""
    history_step: int = Field(default=1, ge=1)
    """With more than 1 the window of earlier items moves on in steps of so many, and shows up to `history_step` - 1
    items more than `history`. The histories of a user's consecutive rows then begin alike, and test rows are scored
    together."""
    keywords: int = Field(default=10, ge=0)
    """Most keywords of the target; a longer list keeps its first ones and its last."""
    history_keywords: int = Field(default=10, ge=0)
    """Most keywords of an earlier item, cut the same way."""
    max_tokens: int = Field(default=1024, ge=64)
    """Longest prompt. A longer one loses its oldest history lines, never a vector, the request or the target: where
    those alone are longer than this, so is the prompt. A backbone with fewer positions cuts at those, and refuses what
    then still does not fit."""
    history_vectors: bool = True
    """Whether earlier items carry their collaborative vector too (where a projector is in use at all)."""

    def get_history_rows(self, table: Interactions, row: int) -> slice | np.ndarray:
        """The earlier rows that the prompt of a row shows, if `max_tokens` has room for all; see `history` there."""
        return table.get_history(row, self.history, self.history_step)

    def get_history_slice(self, table: Interactions, row: int) -> slice:
        """The same as a stretch of `table.past.row`: two rows whose stretches begin alike share a beginning."""
        return table.past.find_slice(int(row), self.history, self.history_step)


class PromptTokenizer(Protocol):
    """What the renderer needs of a backbone; one with a limited number of `positions` has that attribute too."""

    @property
    def tokenizer(self) -> Any:
        """A Transformers tokenizer."""
        ...

    @property
    def yes_id(self) -> int:
        """The token that answers Yes."""
        ...

    @property
    def no_id(self) -> int:
        """The token that answers No."""
        ...


def encode_plain_text(tokenizer, texts: list[str]) -> list[np.ndarray]:
    """Token ids (int32) of each text, with anything that looks like a special token read as plain text."""
    if not texts:
        return []
    coded = tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return [np.asarray(ids, dtype=np.int32) for ids in coded]


class PromptRenderer:
    """Renders rows of one data set for one tokenizer; items are tokenised once."""

    def __init__(self, ds: Dataset, text: PromptTokenizer, config: PromptConfig) -> None:
        """Tokenise the items; `text` is the backbone, or what stands for one."""
        self.ds, self.config = ds, config
        self.tokenizer, self.labels = text.tokenizer, np.array([text.no_id, text.yes_id], dtype=np.int32)
        titles, keywords = ds.items.titles, ds.items.keywords

        def entries(most: int) -> list[np.ndarray]:
            return encode_plain_text(
                self.tokenizer,
                [
                    template.format_item_entry(t, template.truncate_keywords(k, most))
                    for t, k in zip(titles, keywords, strict=True)
                ],
            )

        self._target = entries(config.keywords)
        same = config.keywords == config.history_keywords
        self._past = self._target if same else entries(config.history_keywords)
        domain = ds.domain
        parts = [
            template.format_heading(domain),
            template.format_empty_history(domain),
            template.format_user_line(domain),
            template.format_request(domain),
            template.BAR,
            template.NEWLINE,
        ]
        found = encode_plain_text(self.tokenizer, parts)
        self._heading, self._empty, self._user, self._request, self._bar, self._newline = found
        start = getattr(self.tokenizer, "bos_token_id", None)
        self._start = np.array([] if start is None else [start], dtype=np.int32)
        end = getattr(self.tokenizer, "eos_token_id", None)
        self._end = np.array([] if end is None else [end], dtype=np.int32)
        # Any id will do where a vector goes: its embedding is replaced.
        self._placeholder_id = np.array([end if end is not None else 0], dtype=np.int32)
        self.max_positions: int | None = getattr(text, "max_positions", None)
        self._lengths = np.array([len(ids) for ids in self._past], dtype=np.int64)
        self._target_lengths = np.array([len(ids) for ids in self._target], dtype=np.int64)
        self._written: dict[tuple[int, int, bool], np.ndarray] = {}

    def copy_with_dataset(self, ds: Dataset) -> PromptRenderer:
        """This renderer for another table over the same items, without tokenising them again."""
        other = copy(self)
        other.ds = ds
        return other

    def render_row(
        self,
        row: int,
        *,
        gate: np.ndarray,
        vectors: PlaceholderVectors | None = None,
        reason: str | None = None,
        with_answer: bool = False,
        history_loss: float = 0.0,
        reserve: int = 0,
    ) -> Prompt:
        """The prompt of a row.

        `gate`: float32 (1 + n,) adapter weights. `vectors` adds the slots. With `with_answer` the verdict token is a
        training target (L_think) and, where a `reason` ("Yes. ..." / "No. ...") is given, the whole of it, closed by
        the end-of-sequence token. `history_loss` is the weight of every label in the history as an answer of its own,
        where the target weighs 1; together they weigh what L_rec weighs in the row. `reserve`: tokens that will be
        written behind the prompt, for which positions are left.
        Raises DataError where the backbone has too few positions for the prompt even without a history.
        """
        it = self.ds.interactions
        past = self.config.get_history_rows(it, row)
        return self.render_candidate(
            int(it.item[row]),
            it.item[past],
            it.label[past],
            gate=gate,
            label=int(it.label[row]),
            user_vector=None if vectors is None else vectors.user[row],
            item_vector=None if vectors is None else vectors.item[row],
            past_vectors=None if vectors is None else vectors.item[past],
            reason=reason,
            with_answer=with_answer,
            history_loss=history_loss,
            reserve=reserve,
        )

    def render_candidate(
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
        reserve: int = 0,
    ) -> Prompt:
        """The prompt for any item code and any labelled history (codes (k,), labels (k,), oldest first).

        The rest is as in `render_row`.
        """
        answer = self._build_answer_tokens(label, reason) if with_answer else NO_TOKENS
        user, draft = None if item_vector is None else user_vector, PromptBuilder()
        shown = int(self._find_history_start(np.array([item]), past_items, len(answer), user is not None, reserve)[0])
        self._add_history(draft, shown, past_items, past_labels, user is not None, past_vectors)
        self._add_request(draft, shown == len(past_items), user)
        self._add_target(draft, item, item_vector, label, answer)
        self._check_length(draft.length, item)
        rec, think = REASONING_WEIGHTS if reason else RATING_WEIGHTS
        # They share the row's L_rec: else ten labels would leave the reasons of other rows next to no say.
        share = np.append(np.full(len(draft.answer_at) - 1, history_loss), 1.0)
        return draft.build(gate, answer, rec * share / share.sum(), think / max(1, len(answer)))

    def render_candidates(
        self,
        items: np.ndarray,
        past_items: np.ndarray,
        past_labels: np.ndarray,
        *,
        gate: np.ndarray,
        user_vector: np.ndarray | None = None,
        item_vectors: np.ndarray | None = None,
        past_vectors: np.ndarray | None = None,
        reserve: int = 0,
    ) -> list[tuple[np.ndarray, SharedPrefix]]:
        """The prompts of many items (codes (n,)) over one history as forks; otherwise as `render_candidate`.

        `user_vector` (d,), `item_vectors` (n, d) and `past_vectors` (k, d) are given together or not at all.
        Returns (places in `items`, fork) pairs: mostly one, more where long targets leave room for less history.
        """
        user = None if item_vectors is None else user_vector
        vectors = [None] * len(items) if item_vectors is None else item_vectors
        first, found = self._find_history_start(np.asarray(items), past_items, 0, user is not None, reserve), []
        for shown in np.unique(first):
            places, trunk = np.flatnonzero(first == shown), PromptBuilder()
            self._add_history(trunk, int(shown), past_items, past_labels, user is not None, past_vectors)
            self._add_request(trunk, int(shown) == len(past_items), user)
            leaves = []
            for i in places:
                leaf = PromptBuilder()
                self._add_target(leaf, int(items[i]), vectors[i], 0, NO_TOKENS)
                self._check_length(trunk.length + leaf.length, int(items[i]))
                leaves.append(leaf.build(gate))
            found.append((places, SharedPrefix(trunk.build(gate), tuple(leaves))))
        return found

    def group_by_prefix(self, rows: np.ndarray, gates: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Which rows can share what they show of the past.

        They are rows of one user with the same gate whose histories begin at the same row.
        Returns their places in `rows`, two or more a family, in the order of the past; and the places of all others.
        """
        it, found = self.ds.interactions, dict[tuple[int, bytes], list[int]]()
        for place in np.argsort(rows, kind="stable"):
            past = self.config.get_history_slice(it, int(rows[place]))
            if past.start < past.stop and self._can_fit_history(past):
                # One user's rows stand together, so where a history begins says whose it is, and of which split.
                found.setdefault((past.start, gates[place].tobytes()), []).append(int(place))
        shared = [np.array(places) for places in found.values() if len(places) > 1]
        alone = np.ones(len(rows), dtype=bool)
        for places in shared:
            alone[places] = False
        return shared, np.flatnonzero(alone)

    def _can_fit_history(self, past: slice) -> bool:
        """Whether no target, however long, could cost the prompt a history line."""
        longest = np.array([self._target_lengths.argmax()])
        it = self.ds.interactions
        return int(self._find_history_start(longest, it.item[it.past.to_row_index(past)], 0, slots=True)[0]) == 0

    def render_prefix_group(
        self, rows: np.ndarray, *, gate: np.ndarray, vectors: PlaceholderVectors | None
    ) -> SharedPrefix:
        """The prompts of one group of rows, in the order of the past, as a shared prefix with suffixes.

        Each suffix follows more of the history than the one before.
        """
        it = self.ds.interactions
        stretches = [self.config.get_history_slice(it, row) for row in rows]
        past = it.past.to_row_index(stretches[-1])
        shown, trunk, leaves = None if vectors is None else vectors.item[past], PromptBuilder(), []
        ends = self._add_history(trunk, 0, it.item[past], it.label[past], vectors is not None, shown)
        for row in rows:
            user, item = (None, None) if vectors is None else (vectors.user[row], vectors.item[row])
            leaf = PromptBuilder()
            self._add_request(leaf, False, user)
            self._add_target(leaf, int(it.item[row]), item, 0, NO_TOKENS)
            leaves.append(leaf.build(gate))
        return SharedPrefix(trunk.build(gate), tuple(leaves), tuple(ends[past.stop - past.start] for past in stretches))

    def _add_history(
        self,
        draft: PromptBuilder,
        first: int,
        past_items: np.ndarray,
        past_labels: np.ndarray,
        slots: bool,
        past_vectors: np.ndarray | None,
    ) -> list[int]:
        """The heading and the history from position `first` on, and its lengths.

        The lengths are how many tokens that is without any line, with the first, the first two, ...
        """
        shown_vectors = past_vectors if slots and self.config.history_vectors else None
        draft.add_tokens(self._start)
        draft.add_tokens(self._heading)
        ends = [draft.length]
        for j in range(first, len(past_items)):
            item, label = int(past_items[j]), int(past_labels[j])
            if shown_vectors is not None:
                draft.add_placeholder(draft.length + len(self._past[item]), shown_vectors[j])
            line = self._build_history_line(item, label, shown_vectors is not None)
            draft.add_tokens(line)
            draft.add_answer(draft.length - len(self._newline) - 2, label)
            ends.append(draft.length)
        return ends

    def _build_history_line(self, item: int, label: int, slot: bool) -> np.ndarray:
        """An earlier item with its answer, perhaps with a place for its vector."""
        found = self._written.get((item, label, slot))
        if found is None:
            parts = [
                self._past[item],
                *([self._placeholder_id] if slot else []),
                self._bar,
                self.labels[label : label + 1],
                self._newline,
            ]
            found = np.concatenate(parts)
            if len(self._written) < _MAX_CACHED_LINES:
                self._written[item, label, slot] = found
        return found

    def _add_request(self, draft: PromptBuilder, empty: bool, user_vector: np.ndarray | None) -> None:
        """What stands between the history and the target."""
        if empty:
            draft.add_tokens(self._empty)
        if user_vector is not None:
            draft.add_tokens(self._user)
            draft.add_placeholder(draft.length, user_vector)
            draft.add_tokens(self._placeholder_id)
            draft.add_tokens(self._newline)
        draft.add_tokens(self._request)

    def _add_target(
        self, draft: PromptBuilder, item: int, item_vector: np.ndarray | None, label: int, answer: np.ndarray
    ) -> None:
        """The target line up to its answer, and of the answer all but its last token."""
        draft.add_tokens(self._target[item])
        if item_vector is not None:
            draft.add_placeholder(draft.length, item_vector)
            draft.add_tokens(self._placeholder_id)
        draft.add_tokens(self._bar)
        draft.add_answer(draft.length - 1, label)
        draft.add_tokens(answer[:-1])

    def _build_answer_tokens(self, label: int, reason: str | None) -> np.ndarray:
        verdict = self.labels[label : label + 1]
        if reason is None:
            return verdict
        # "Yes. Because ..." -> ". Because ...": the verdict itself is the label's own token.
        rest = reason.partition(".")[2]
        return np.concatenate([verdict, encode_plain_text(self.tokenizer, ["." + rest])[0], self._end])

    def list_visible_history(self, row: int, item: int, *, slots: bool, reserve: int = 0) -> np.ndarray:
        """int64: the earlier rows that the prompt of a row shows when it asks about `item`; arguments as in `row`."""
        it = self.ds.interactions
        past = it.past.row[self.config.get_history_slice(it, row)]
        return past[int(self._find_history_start(np.array([item]), it.item[past], 0, slots, reserve)[0]) :]

    def warn_about_truncation(self, slots: bool) -> None:
        """Say as a DataWarning how many rows of the data have prompts that lose history lines, if any do."""
        it, past, block = self.ds.interactions, self.ds.interactions.past, self.config.history_step
        begin = past.begin + np.maximum(0, (past.end - past.begin - self.config.history) // block * block)
        lines = np.concatenate([[0], np.cumsum(self._lengths[it.item[past.row]] + self._count_line_overhead(slots))])
        cut = int((lines[past.end] - lines[begin] > self._compute_history_budget(it.item, 0, slots, 0)).sum())
        if cut:
            most, by = self.config.max_tokens, "prompt.max_tokens"
            if self.max_positions is not None and self.max_positions < most:
                most, by = self.max_positions, "the positions of the backbone"
            warnings.warn(
                f"{cut:,} of {len(it):,} prompts lose their oldest history lines: they are cut to {most:,} tokens"
                f" ({by})",
                DataWarning,
                stacklevel=2,
            )

    def _check_length(self, length: int, item: int) -> None:
        if self.max_positions is not None and length > self.max_positions:
            raise DataError(
                f"the prompt about {self.ds.items.titles[item]!r} has {length:,} tokens without any history line, and"
                f" the backbone {self.max_positions:,} positions; lower prompt.keywords, shorten titles or written"
                " reasons, or take a backbone with more positions"
            )

    def _count_line_overhead(self, slots: bool) -> int:
        """Tokens of a history line beside the item's own."""
        return len(self._bar) + 1 + len(self._newline) + int(slots and self.config.history_vectors)

    def _compute_history_budget(self, items: np.ndarray, answer: int, slots: bool, reserve: int) -> np.ndarray:
        """int64 (n,): tokens left for history lines beside each target and an answer of so many tokens."""
        fixed = [self._start, self._heading, self._request, self._bar]
        if slots:
            fixed += [self._user, self._placeholder_id, self._newline, self._placeholder_id]
        most = self.config.max_tokens
        if self.max_positions is not None:
            most = min(most, self.max_positions - reserve)
        return most - sum(len(part) for part in fixed) - answer - self._target_lengths[items]

    def _find_history_start(
        self, items: np.ndarray, past_items: np.ndarray, answer: int, slots: bool, reserve: int = 0
    ) -> np.ndarray:
        """int64 (n,): the oldest history position that fits beside each target and an answer of so many tokens."""
        needed = (self._lengths[past_items][::-1] + self._count_line_overhead(slots)).cumsum()
        return len(past_items) - np.searchsorted(
            needed, self._compute_history_budget(items, answer, slots, reserve), side="right"
        )
