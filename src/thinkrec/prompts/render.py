"""Rows become prompts: token ids, places of vectors, places of answers."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any, Protocol, cast

import numpy as np

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.errors import DataError
from thinkrec.prompts.answers import AnswerIds, drop_verdict, find_answer_ids
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.draft import NO_TOKENS, PromptBuilder
from thinkrec.prompts.items import ItemEntries, ItemTexts, encode_plain_text
from thinkrec.prompts.segments import HistoryPart, PromptInputs, PromptPart, SegmentBinder, TargetPart
from thinkrec.prompts.shared_prefix import SharedPrefix
from thinkrec.prompts.side_tokens import weigh_side_tokens
from thinkrec.prompts.template import Template, fill_domain_words
from thinkrec.prompts.templates import get_template
from thinkrec.prompts.types import Prompt

RATING_WEIGHTS = (0.9, 0.1)
"""Weights of (L_rec, L_think) on a rating row; ThinkRec paper, training objective."""
REASONING_WEIGHTS = (0.1, 0.9)
"""The same on a reasoning row."""


class PromptTokenizer(Protocol):
    """What the renderer needs of a backbone; one with a limited number of `positions` has that attribute too."""

    @property
    def tokenizer(self) -> Any:
        """A Transformers tokenizer."""
        ...


class PromptRenderer:
    """Renders rows of one data set for one tokenizer; items are tokenised once."""

    def __init__(
        self,
        ds: Dataset,
        text: PromptTokenizer,
        config: PromptConfig,
        answers: AnswerIds | None = None,
        *,
        template: Template | None = None,
    ) -> None:
        """For the rows of `ds`; by default the template that `config` names, and the tokens of its answer words."""
        self.ds, self.config, self.tokenizer = ds, config, text.tokenizer
        self.template = template or get_template(config.template)
        name = getattr(text, "name", "this backbone")
        self.answers = answers or find_answer_ids(self.template.answers, self.tokenizer, name)
        self.labels = self.answers.get_label_ids()
        start, end = (getattr(self.tokenizer, f"{kind}_token_id", None) for kind in ("bos", "eos"))
        self._start = np.array([] if start is None else [start], dtype=np.int32)
        self._end = np.array([] if end is None else [end], dtype=np.int32)
        self.max_positions: int | None = getattr(text, "max_positions", None)
        self._parts = self._bind_segments(np.array([end if end is not None else 0], dtype=np.int32))
        self._history_at = next(i for i, part in enumerate(self._parts) if isinstance(part, HistoryPart))
        self._history = cast(HistoryPart, self._parts[self._history_at])
        self._target = cast(TargetPart, self._parts[-1])
        # By whether prompts carry vectors: tokens of every prompt.
        self._fixed = [len(self._start) + sum(part.count_tokens(v) for part in self._parts) for v in (False, True)]

    def _bind_segments(self, placeholder_id: np.ndarray) -> list[PromptPart]:
        """The template's segments for this tokenizer and these items."""

        @cache
        def encode_entries(max_keywords: int) -> ItemEntries:
            return ItemEntries(self.tokenizer, self.ds.items, max_keywords, self.config.item_columns)

        def encode_items(is_target: bool, with_keywords: bool) -> ItemEntries:
            max_keywords = self.config.keywords if is_target else self.config.history_keywords
            return encode_entries(max_keywords if with_keywords else 0)

        def encode_target_texts(before: np.ndarray) -> ItemTexts | None:
            if self.config.reason_text is None:
                return None
            most = self.config.reason_text_tokens
            return ItemTexts(self.tokenizer, self.ds.items, self.config.reason_text, before, most)

        binder = SegmentBinder(
            encode=lambda text: encode_plain_text(self.tokenizer, [fill_domain_words(text, self.ds.domain)])[0],
            encode_items=encode_items,
            encode_target_texts=encode_target_texts,
            label_ids=self.labels,
            placeholder_id=placeholder_id,
            history_vectors=self.config.history_vectors,
            reason_sides=self.config.reason_sides,
        )
        return [segment.bind(binder) for segment in self.template.segments]

    def render_row(
        self,
        row: int,
        *,
        gate: np.ndarray,
        vectors: PlaceholderVectors | None = None,
        reason: str | None = None,
        with_answer: bool = False,
        history_loss: float = 0.0,
        side_weight: float = 1.0,
        reserve: int = 0,
        turned: bool = False,
    ) -> Prompt:
        """The prompt of a row.

        `gate`: float32 (1 + n,) adapter weights. `vectors` adds the slots. With `with_answer` the verdict token is a
        training target (L_think) and, where a `reason` ("Yes. ..." / "No. ...") is given, the whole of it, closed by
        the end-of-sequence token. `history_loss` is the weight of every label in the history as an answer of its own,
        where the target weighs 1; together they weigh what L_rec weighs in the row. `side_weight`: of the tokens of a
        reason that decide on sides, where others weigh 1 (`prompts.side_tokens`). `reserve`: tokens that will be
        written behind the prompt, for which positions are left. Where a reason is given or room is left for one, the
        prompt is one for a reason (`PromptConfig.reason_text`). `turned`: with the opposite words in history lines.
        Raises DataError where the backbone has too few positions for the prompt even without a history.
        """
        interactions = self.ds.interactions
        past = self.config.get_history_rows(interactions, row)
        return self.render_candidate(
            int(interactions.item[row]),
            interactions.item[past],
            1 - interactions.label[past] if turned else interactions.label[past],
            gate=gate,
            label=int(interactions.label[row]),
            user_vector=None if vectors is None else vectors.user[row],
            item_vector=None if vectors is None else vectors.item[row],
            past_vectors=None if vectors is None else vectors.item[past],
            reason=reason,
            with_answer=with_answer,
            history_loss=history_loss,
            side_weight=side_weight,
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
        side_weight: float = 1.0,
        reserve: int = 0,
    ) -> Prompt:
        """The prompt for any item code and any labelled history, codes (k,) and labels (k,), oldest first.

        Further arguments as in `render_row`.
        """
        answer = self._build_answer_tokens(label, reason) if with_answer else NO_TOKENS
        user, draft = None if item_vector is None else user_vector, PromptBuilder()
        inputs = self._select_history(past_items, past_labels, past_vectors, user is not None)
        inputs.is_for_reason = reason is not None or reserve > 0
        budget = self._compute_history_budget(
            np.array([item]), len(answer), user is not None, reserve, inputs.is_for_reason
        )
        first = self._find_history_start(budget, inputs.past_items, user is not None, inputs.is_for_reason)
        inputs.first = int(first[0])
        inputs.is_history_empty = inputs.first == len(inputs.past_items)
        inputs.user_vector, inputs.item, inputs.item_vector, inputs.label = user, item, item_vector, label
        inputs.answer = answer
        draft.add_tokens(self._start)
        for part in self._parts:
            part.write(draft, inputs)
        self._check_length(draft.length, item)
        rec, think = REASONING_WEIGHTS if reason else RATING_WEIGHTS
        # They share the row's L_rec: else ten labels would leave the reasons of other rows next to no say.
        is_told = inputs.is_for_reason and self._history.sides is not None
        share = np.append(np.full(len(draft.answer_at) - 1, 0.0 if is_told else history_loss), 1.0)
        think_weight = think / max(1, len(answer))
        if reason and side_weight != 1 and with_answer:
            think_weight = think_weight * self._weigh_answer_tokens(reason, side_weight)
        return draft.build(gate, answer, rec * share / share.sum(), think_weight)

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
        """The prompts of many items (codes (n,)) behind the prefix of one history; otherwise as `render_candidate`.

        `user_vector` (d,), `item_vectors` (n, d) and `past_vectors` (k, d) are given together or not at all.
        Returns pairs (places in `items`, shared prefix): mostly one, more where long targets leave room for less
        history.
        """
        user = None if item_vectors is None else user_vector
        vectors = [None] * len(items) if item_vectors is None else item_vectors
        inputs = self._select_history(past_items, past_labels, past_vectors, user is not None)
        inputs.user_vector, inputs.is_for_reason = user, reserve > 0
        budget = self._compute_history_budget(np.asarray(items), 0, user is not None, reserve, inputs.is_for_reason)
        first = self._find_history_start(budget, inputs.past_items, user is not None, inputs.is_for_reason)
        shared_prefixes = []
        for shown in np.unique(first):
            places, prefix = np.flatnonzero(first == shown), PromptBuilder()
            inputs.first = int(shown)
            inputs.is_history_empty = inputs.first == len(inputs.past_items)
            prefix.add_tokens(self._start)
            for part in self._parts[:-1]:
                part.write(prefix, inputs)
            suffixes = []
            for i in places:
                suffix = PromptBuilder()
                inputs.item, inputs.item_vector = int(items[i]), vectors[i]
                self._target.write(suffix, inputs)
                self._check_length(prefix.length + suffix.length, int(items[i]))
                suffixes.append(suffix.build(gate))
            shared_prefixes.append((places, SharedPrefix(prefix.build(gate), tuple(suffixes))))
        return shared_prefixes

    def _select_history(
        self, items: np.ndarray, labels: np.ndarray, vectors: np.ndarray | None, with_vectors: bool
    ) -> PromptInputs:
        """Inputs with those of the earlier items that the template shows."""
        if not (with_vectors and self._history.has_vectors):
            vectors = None
        shown = self._history.segment.is_shown(labels)
        if shown is not None:
            items, labels, vectors = items[shown], labels[shown], None if vectors is None else vectors[shown]
        return PromptInputs(items, labels, vectors)

    def group_by_prefix(self, rows: np.ndarray, gates: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Which rows can share what they show of the past.

        They are rows of one user with the same gate whose histories begin at the same row.
        Returns their places in `rows`, two or more a family, in the order of the past; and the places of all others.
        """
        interactions, groups = self.ds.interactions, dict[tuple[int, bytes], list[int]]()
        if not self._history.segment.is_chronological:
            return [], np.arange(len(rows))
        for place in np.argsort(rows, kind="stable"):
            past = self.config.get_history_slice(interactions, int(rows[place]))
            if past.start < past.stop and self._can_fit_history(past):
                # One user's rows stand together, so where a history begins says whose it is, and of which split.
                groups.setdefault((past.start, gates[place].tobytes()), []).append(int(place))
        shared = [np.array(places) for places in groups.values() if len(places) > 1]
        alone = np.ones(len(rows), dtype=bool)
        for places in shared:
            alone[places] = False
        return shared, np.flatnonzero(alone)

    def _can_fit_history(self, past: slice) -> bool:
        """Whether no target, however long, could cost the prompt a history line."""
        longest = np.array([self._target.entries.lengths.argmax()])
        index, table = self.ds.interactions.past.to_row_index(past), self.ds.interactions
        items = self._select_history(table.item[index], table.label[index], None, True).past_items
        return int(self._find_history_start(self._compute_history_budget(longest, 0, slots=True), items, True)[0]) == 0

    def render_prefix_group(
        self, rows: np.ndarray, *, gate: np.ndarray, vectors: PlaceholderVectors | None
    ) -> SharedPrefix:
        """The prompts of one group of rows, in the order of the past, as a shared prefix with suffixes.

        Each suffix follows more of the history than the one before.
        """
        table = self.ds.interactions
        stretches = [self.config.get_history_slice(table, row) for row in rows]
        past = table.past.to_row_index(stretches[-1])
        past_vectors = None if vectors is None else vectors.item[past]
        inputs = self._select_history(table.item[past], table.label[past], past_vectors, vectors is not None)
        shown = self._history.segment.is_shown(table.label[past])
        n_lines = np.arange(len(table.label[past]) + 1) if shown is None else np.append(0, np.cumsum(shown))
        prefix, suffixes, prefix_lengths = PromptBuilder(), [], []
        prefix.add_tokens(self._start)
        for part in self._parts[: self._history_at + 1]:
            part.write(prefix, inputs)
        for row, stretch in zip(rows, stretches, strict=True):
            lines = int(n_lines[stretch.stop - stretch.start])
            inputs.is_history_empty, inputs.item = lines == 0, int(table.item[row])
            if vectors is not None:
                inputs.user_vector, inputs.item_vector = vectors.user[row], vectors.item[row]
            suffix = PromptBuilder()
            for part in self._parts[self._history_at + 1 :]:
                part.write(suffix, inputs)
            suffixes.append(suffix.build(gate))
            prefix_lengths.append(prefix.line_ends[lines])
        return SharedPrefix(prefix.build(gate), tuple(suffixes), tuple(prefix_lengths))

    def _build_answer_tokens(self, label: int, reason: str | None) -> np.ndarray:
        verdict = self.labels[label : label + 1]
        if reason is None:
            return verdict
        return np.concatenate([verdict, self.encode_prose(reason)])

    def encode_prose(self, reason: str) -> np.ndarray:
        """int32: the tokens of a reason ("Yes. ...") behind its verdict, up to the end-of-sequence token."""
        return np.concatenate([encode_plain_text(self.tokenizer, [drop_verdict(reason)])[0], self._end])

    def _weigh_answer_tokens(self, reason: str, side_weight: float) -> np.ndarray:
        """float32: a weight for each of `_build_answer_tokens`, with mean 1."""
        weights = weigh_side_tokens(self.tokenizer, drop_verdict(reason), side_weight)
        whole = np.concatenate([[1.0], weights, np.ones(len(self._end))]).astype(np.float32)
        return whole / whole.mean()

    def list_visible_history(self, row: int, item: int, *, slots: bool, reserve: int = 0) -> np.ndarray:
        """int64: the earlier rows that the prompt of a row shows when it asks about `item`; arguments as in `row`."""
        table = self.ds.interactions
        past = table.past.row[self.config.get_history_slice(table, row)]
        return past[self.find_visible_past(table.item[past], table.label[past], item, slots=slots, reserve=reserve)]

    def find_visible_past(
        self, past_items: np.ndarray, past_labels: np.ndarray, item: int, *, slots: bool, reserve: int = 0
    ) -> np.ndarray:
        """int64: which of the past items a prompt about `item` shows.

        A template may show liked ones alone, and the oldest go where there is no room for them.

        Args:
            past_items: codes (k,), oldest first.
            past_labels: labels (k,).
            item: code of the item asked about.
            slots: as in `render_row`.
            reserve: as in `render_row`.
        """
        shown = self._history.segment.is_shown(past_labels)
        positions = np.arange(len(past_items)) if shown is None else np.flatnonzero(shown)
        budget = self._compute_history_budget(np.array([item]), 0, slots, reserve, is_for_reason=reserve > 0)
        first = self._find_history_start(budget, past_items[positions], slots, is_for_reason=reserve > 0)
        return positions[int(first[0]) :]

    def warn_about_truncation(self, slots: bool) -> None:
        """Say as a DataWarning how many rows of the data have prompts that lose history lines, if any do."""
        table, past, block = self.ds.interactions, self.ds.interactions.past, self.config.history_step
        begin = past.begin + np.maximum(0, (past.end - past.begin - self.config.history) // block * block)
        lengths = self._history.entries.lengths[table.item[past.row]] + self._history.count_line_overhead(slots)
        shown = self._history.segment.is_shown(table.label[past.row])
        lines = np.concatenate([[0], np.cumsum(lengths if shown is None else lengths * shown)])
        cut = int((lines[past.end] - lines[begin] > self._compute_history_budget(table.item, 0, slots)).sum())
        if cut:
            most, by = self.config.max_tokens, "prompt.max_tokens"
            if self.max_positions is not None and self.max_positions < most:
                most, by = self.max_positions, "the positions of the backbone"
            warnings.warn(
                f"{cut:,} of {len(table):,} prompts lose their oldest history lines: they are cut to {most:,} tokens"
                f" ({by})",
                DataWarning,
                stacklevel=2,
            )

    def warn_about_reason_texts(self) -> None:
        """Say as a DataWarning how many items have no text for the prompts of reasons, and how many a cut one."""
        texts = self._target.texts
        if texts is not None and (texts.n_without or texts.n_cut):
            n, column, most = len(self.ds.items), self.config.reason_text, self.config.reason_text_tokens
            warnings.warn(
                f"of {n:,} {self.ds.domain.items} {texts.n_without:,} have no `{column}` to stand in the prompt of a"
                f" reason, and {texts.n_cut:,} one that is cut to {most} tokens (prompt.reason_text_tokens)",
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

    def _compute_history_budget(
        self, items: np.ndarray, answer: int, slots: bool, reserve: int = 0, is_for_reason: bool = False
    ) -> np.ndarray:
        """int64 (n,): tokens left for history lines beside each target and an answer of so many tokens."""
        most = self.config.max_tokens
        if self.max_positions is not None:
            most = min(most, self.max_positions - reserve)
        return most - self._fixed[slots] - answer - self._target.count_item_tokens(items, is_for_reason)

    def _find_history_start(
        self, budget: np.ndarray, past_items: np.ndarray, slots: bool, is_for_reason: bool = False
    ) -> np.ndarray:
        """int64 (n,): the oldest history position that is shown and fits into each budget of tokens (n,)."""
        overhead = self._history.count_line_overhead(slots, is_for_reason)
        needed = (self._history.entries.lengths[past_items][::-1] + overhead).cumsum()
        n_shown = np.searchsorted(needed, budget, side="right")
        if is_for_reason and self.config.reason_history is not None:
            n_shown = np.minimum(n_shown, self.config.reason_history)
        return len(past_items) - n_shown
