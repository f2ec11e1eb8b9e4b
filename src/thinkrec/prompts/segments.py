"""The segments that a prompt is made of: what each says, how many tokens it takes, and how it is written.

A template lists segments with their words. `bind` makes of each a part for one tokenizer and one catalogue; the
renderer walks the parts, and reads from the same parts how much room they leave for the history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from thinkrec.prompts.draft import NO_TOKENS, PromptBuilder
from thinkrec.prompts.items import ItemEntries, ItemTexts

_MAX_CACHED_LINES = 200_000
"""History lines that are remembered; with more items than that, the others are put together each time."""


@dataclass(slots=True)
class PromptInputs:
    """What one prompt is about."""

    past_items: np.ndarray
    """int (k,): codes of the earlier items, oldest first."""
    past_labels: np.ndarray
    """int (k,): 1 liked, 0 not."""
    past_vectors: np.ndarray | None = None
    """float32 (k, d): their vectors, where lines carry them."""
    first: int = 0
    """The oldest history position that is shown."""
    is_history_empty: bool = False
    """Whether no history line stands in the prompt."""
    user_vector: np.ndarray | None = None
    """float32 (d,): the user's vector, where prompts carry vectors."""
    item: int = 0
    """Code of the target."""
    item_vector: np.ndarray | None = None
    """float32 (d,): the target's vector."""
    label: int = 0
    """The target's label; it enters no token unless `answer` has it."""
    answer: np.ndarray = field(default_factory=lambda: NO_TOKENS)
    """int32: the tokens that are taught behind the target."""
    is_for_reason: bool = False
    """Whether a reason will follow, so that the target's own text stands in the prompt where the template has it."""


@dataclass
class SegmentBinder:
    """What segments need of the tokenizer and the catalogue to become parts."""

    encode: Callable[[str], np.ndarray]
    """Text with {item}, {items}, {Items} and {user} -> int32 token ids."""
    encode_items: Callable[[bool, bool], ItemEntries]
    """(is_target, with_keywords) -> the items as such lines name them."""
    label_ids: np.ndarray
    """int32 (2,): the tokens that are written for label 0 and 1."""
    placeholder_id: np.ndarray
    """int32 (1,): what stands where a vector goes; any token will do, since its embedding is replaced."""
    history_vectors: bool
    """Whether history lines have a place for a vector, where prompts carry vectors."""
    reason_sides: bool = False
    """Whether lines open with their side in prompts of reasons."""
    encode_target_texts: Callable[[np.ndarray], ItemTexts | None] = field(default=lambda before: None)
    """Tokens before it -> the targets' own texts for prompts of reasons; None where there are none to be shown."""
    n_soft_tokens: int = 0
    """Soft tokens of the segments bound so far."""


class PromptPart(Protocol):
    """A segment for one tokenizer and catalogue."""

    def count_tokens(self, with_vectors: bool) -> int:
        """Tokens that it takes of every prompt, beside history lines and the target's own."""
        ...

    def write(self, draft: PromptBuilder, inputs: PromptInputs) -> None:
        """Go on with this part."""
        ...


class Segment(Protocol):
    """One entry of a template."""

    def bind(self, binder: SegmentBinder) -> PromptPart:
        """The part for a tokenizer and a catalogue."""
        ...


@dataclass(frozen=True)
class Text:
    """Words that stand in every prompt."""

    text: str

    def bind(self, binder: SegmentBinder) -> PromptPart:
        """See `Segment`."""
        return _TextPart(binder.encode(self.text))


@dataclass(frozen=True)
class EmptyHistory:
    """Words that stand where a prompt shows no earlier item; they may go beyond the token budget."""

    text: str

    def bind(self, binder: SegmentBinder) -> PromptPart:
        """See `Segment`."""
        return _EmptyHistoryPart(binder.encode(self.text))


@dataclass(frozen=True)
class UserVector:
    """The user's vector between words; nothing in prompts without vectors."""

    before: str
    after: str = "\n"

    def bind(self, binder: SegmentBinder) -> PromptPart:
        """See `Segment`."""
        return _UserVectorPart(binder.encode(self.before), binder.placeholder_id, binder.encode(self.after))


@dataclass(frozen=True)
class SoftTokens:
    """So many vectors of the soft prompt, which is trained."""

    n: int

    def bind(self, binder: SegmentBinder) -> PromptPart:
        """See `Segment`."""
        first = binder.n_soft_tokens
        binder.n_soft_tokens += self.n
        return _SoftTokensPart(np.repeat(binder.placeholder_id, self.n), np.arange(first, first + self.n))


@dataclass(frozen=True)
class History:
    """One line per earlier item, oldest first."""

    before_label: str | None = " |"
    """What stands between the item and its label; None: lines carry no label."""
    after: str = "\n"
    """What ends a line."""
    with_keywords: bool = True
    liked_only: bool = False
    """Whether only those of the shown items have a line that the user liked."""
    with_vectors: bool = True
    """Whether lines may carry vectors at all, whatever `prompt.history_vectors` says."""
    is_chronological: bool = True
    """Whether a later row's lines stand behind an earlier one's, so that both can share a beginning."""
    sides: tuple[str, str] | None = None
    """What a line of label 0 and one of label 1 opens with in prompts of reasons, where a recipe asks for it."""

    def bind(self, binder: SegmentBinder) -> HistoryPart:
        """See `Segment`."""
        before = None if self.before_label is None else binder.encode(self.before_label)
        sides = self.sides if binder.reason_sides else None
        return HistoryPart(self, binder, before, None if sides is None else [binder.encode(side) for side in sides])

    @property
    def has_turnable_labels(self) -> bool:
        """Whether turned labels give the same lines with the opposite words."""
        return self.before_label is not None and not self.liked_only

    def is_shown(self, labels: np.ndarray) -> np.ndarray | None:
        """Bool (k,): which earlier items have a line, by their labels (k,); None: all."""
        return labels == 1 if self.liked_only else None


@dataclass(frozen=True)
class Target:
    """The item that is asked about; the answer follows its last token."""

    after: str = " |"
    with_keywords: bool = True
    before_text: str | None = None
    """What stands between the item and its own text, in the prompt of a reason; None: such a text is never shown."""
    before_item: str = ""
    """What stands before the item in the prompt of a reason whose history lines open with their side."""

    def bind(self, binder: SegmentBinder) -> TargetPart:
        """See `Segment`."""
        entries = binder.encode_items(True, self.with_keywords)
        texts = None if self.before_text is None else binder.encode_target_texts(binder.encode(self.before_text))
        before = binder.encode(self.before_item) if binder.reason_sides and self.before_item else NO_TOKENS
        return TargetPart(entries, binder.placeholder_id, binder.encode(self.after), texts, before)


@dataclass(frozen=True, eq=False)
class _TextPart:
    ids: np.ndarray

    def count_tokens(self, with_vectors: bool) -> int:
        return len(self.ids)

    def write(self, draft: PromptBuilder, inputs: PromptInputs) -> None:
        draft.add_tokens(self.ids)


@dataclass(frozen=True, eq=False)
class _EmptyHistoryPart:
    ids: np.ndarray

    def count_tokens(self, with_vectors: bool) -> int:
        return 0

    def write(self, draft: PromptBuilder, inputs: PromptInputs) -> None:
        if inputs.is_history_empty:
            draft.add_tokens(self.ids)


@dataclass(frozen=True, eq=False)
class _UserVectorPart:
    before: np.ndarray
    placeholder_id: np.ndarray
    after: np.ndarray

    def count_tokens(self, with_vectors: bool) -> int:
        return (len(self.before) + 1 + len(self.after)) if with_vectors else 0

    def write(self, draft: PromptBuilder, inputs: PromptInputs) -> None:
        if inputs.user_vector is None:
            return
        draft.add_tokens(self.before)
        draft.add_placeholder(draft.length, inputs.user_vector)
        draft.add_tokens(self.placeholder_id)
        draft.add_tokens(self.after)


@dataclass(frozen=True, eq=False)
class _SoftTokensPart:
    ids: np.ndarray
    index: np.ndarray

    def count_tokens(self, with_vectors: bool) -> int:
        return len(self.ids)

    def write(self, draft: PromptBuilder, inputs: PromptInputs) -> None:
        draft.add_soft_tokens(self.ids, self.index)


class HistoryPart:
    """The history lines of one catalogue; a line is put together once."""

    def __init__(
        self,
        segment: History,
        binder: SegmentBinder,
        before_label: np.ndarray | None,
        sides: list[np.ndarray] | None = None,
    ) -> None:
        """`before_label`: what stands between an item and its label, as tokens; None: no labels.

        `sides`: what a line of label 0 and one of label 1 opens with in prompts of reasons, as tokens; None: nothing.
        """
        self.segment, self.sides = segment, sides
        self.entries = binder.encode_items(False, segment.with_keywords)
        self._binder, self._before_label, self._after = binder, before_label, binder.encode(segment.after)
        self._lines: dict[tuple[int, int, bool, bool], np.ndarray] = {}

    def count_tokens(self, with_vectors: bool) -> int:
        """None but those of the lines."""
        return 0

    def count_line_overhead(self, with_vectors: bool, is_for_reason: bool = False) -> int:
        """Most tokens of a line beside the item's own."""
        label = 0 if self._before_label is None else len(self._before_label) + 1
        side = max(map(len, self.sides)) if self.sides is not None and is_for_reason else 0
        return side + label + len(self._after) + int(with_vectors and self.has_vectors)

    @property
    def has_vectors(self) -> bool:
        """Whether lines have a place for a vector, where prompts carry vectors."""
        return self._binder.history_vectors and self.segment.with_vectors

    def write(self, draft: PromptBuilder, inputs: PromptInputs) -> None:
        """The lines from position `first` on; `draft.line_ends` then says where each begins and the last one ends."""
        draft.line_ends.append(draft.length)
        for place in range(inputs.first, len(inputs.past_items)):
            self.write_line(draft, inputs, place)
            draft.line_ends.append(draft.length)

    def write_line(self, draft: PromptBuilder, inputs: PromptInputs, place: int) -> None:
        """The line of the earlier item at one position of the history."""
        item, label = int(inputs.past_items[place]), int(inputs.past_labels[place])
        vectors = inputs.past_vectors if self.has_vectors else None
        sides = self.sides if inputs.is_for_reason else None
        if vectors is not None:
            before = 0 if sides is None else len(sides[label])
            draft.add_placeholder(draft.length + before + len(self.entries.ids[item]), vectors[place])
        draft.add_tokens(self._get_line(item, label, vectors is not None, sides is not None))
        if self._before_label is not None:
            draft.add_answer(draft.length - len(self._after) - 2, label)

    def _get_line(self, item: int, label: int, with_vector: bool, with_side: bool) -> np.ndarray:
        """int32: an earlier item with its answer, perhaps with a place for its vector, perhaps behind its side."""
        line = self._lines.get((item, label, with_vector, with_side))
        if line is None:
            parts = [self.sides[label]] if with_side and self.sides is not None else []
            parts.append(self.entries.ids[item])
            if with_vector:
                parts.append(self._binder.placeholder_id)
            if self._before_label is not None:
                parts += [self._before_label, self._binder.label_ids[label : label + 1]]
            line = np.concatenate([*parts, self._after])
            if len(self._lines) < _MAX_CACHED_LINES:
                self._lines[item, label, with_vector, with_side] = line
        return line


@dataclass(frozen=True, eq=False)
class TargetPart:
    """The target line of one catalogue."""

    entries: ItemEntries
    placeholder_id: np.ndarray
    after: np.ndarray
    texts: ItemTexts | None = None
    before: np.ndarray = field(default_factory=lambda: NO_TOKENS)
    """Tokens before the item in prompts of reasons."""

    def count_tokens(self, with_vectors: bool) -> int:
        """What stands behind the item's own tokens."""
        return len(self.after) + int(with_vectors)

    def count_item_tokens(self, items: np.ndarray, is_for_reason: bool) -> np.ndarray:
        """int64 (n,): the items' own tokens, by item codes (n,)."""
        if not is_for_reason:
            return self.entries.lengths[items]
        texts = 0 if self.texts is None else self.texts.lengths[items]
        return len(self.before) + self.entries.lengths[items] + texts

    def write(self, draft: PromptBuilder, inputs: PromptInputs) -> None:
        """The line up to its answer, and of the answer all but its last token."""
        if inputs.is_for_reason:
            draft.add_tokens(self.before)
        draft.add_tokens(self.entries.ids[inputs.item])
        if self.texts is not None and inputs.is_for_reason:
            draft.add_tokens(self.texts.ids[inputs.item])
        if inputs.item_vector is not None:
            draft.add_placeholder(draft.length, inputs.item_vector)
            draft.add_tokens(self.placeholder_id)
        draft.add_tokens(self.after)
        draft.add_answer(draft.length - 1, inputs.label)
        draft.add_tokens(inputs.answer[:-1])
