"""A history as two lists, the liked items and the disliked ones, each under its heading."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thinkrec.prompts.draft import PromptBuilder
from thinkrec.prompts.segments import History, HistoryPart, PromptInputs, SegmentBinder


@dataclass(frozen=True)
class TwoLists(History):
    """The liked ones first, then the disliked ones, each list oldest first; a list may be empty under its heading.

    The heading tells a line's label, so that no label stands in it and none is taught there (`history_loss`). Where
    later rows add lines to both lists their prompts do not begin alike, and each is scored by itself.
    """

    before_label: str | None = None
    liked_heading: str = ""
    """What stands before the liked items."""
    disliked_heading: str = ""
    """What stands before the disliked items."""
    is_chronological: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError where lines would say again what their heading says, or one list is left out."""
        if self.before_label is not None or self.sides is not None or self.liked_only:
            raise ValueError("lines of two lists carry no label and no side, and both lists are shown")

    @property
    def has_turnable_labels(self) -> bool:
        """They have: each item then stands under the other heading."""
        return True

    def bind(self, binder: SegmentBinder) -> TwoListsPart:
        """See `Segment`."""
        return TwoListsPart(self, binder)


class TwoListsPart(HistoryPart):
    """Both lists of one catalogue."""

    def __init__(self, segment: TwoLists, binder: SegmentBinder) -> None:
        """For `segment`, by the tokenizer and the items of `binder`."""
        super().__init__(segment, binder, None)
        self._headings = {
            1: binder.encode(segment.liked_heading),
            0: binder.encode(segment.disliked_heading),
        }

    def count_tokens(self, with_vectors: bool) -> int:
        """Both headings."""
        return sum(map(len, self._headings.values()))

    def write(self, draft: PromptBuilder, inputs: PromptInputs) -> None:
        """The lines from position `first` on, list by list."""
        labels = inputs.past_labels[inputs.first :]
        for label, heading in self._headings.items():
            draft.add_tokens(heading)
            for place in inputs.first + np.flatnonzero(labels == label):
                self.write_line(draft, inputs, int(place))
