"""A template: the segments of a prompt in their order, and the words that answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from thinkrec.data.dataset import Domain
from thinkrec.prompts.answers import AnswerWords
from thinkrec.prompts.segments import History, Segment, SoftTokens, Target


@dataclass(frozen=True)
class Template:
    """What a prompt says. Texts may name {item}, {items}, {Items} (with a capital) and {user}, the domain's nouns."""

    segments: tuple[Segment, ...]
    """In order. There is one `History`; one `Target`, which is the last: all that stands before it is shared by the
    candidates of one user."""
    answers: AnswerWords
    """What a user who likes the item says, and one who does not."""

    def __post_init__(self) -> None:
        """Raises ValueError where the history or the target is missing, doubled, or out of place."""
        n_histories, n_targets = (
            sum(isinstance(segment, kind) for segment in self.segments) for kind in (History, Target)
        )
        if n_histories != 1 or n_targets != 1 or not isinstance(self.segments[-1], Target):
            raise ValueError("a template has one History segment and one Target segment, which is the last")

    @property
    def history(self) -> History:
        """The segment with the lines of earlier items."""
        return cast(History, next(segment for segment in self.segments if isinstance(segment, History)))

    @property
    def target(self) -> Target:
        """The segment with the target."""
        return cast(Target, self.segments[-1])

    @property
    def n_soft_tokens(self) -> int:
        """Vectors that a soft prompt for it has."""
        return sum(segment.n for segment in self.segments if isinstance(segment, SoftTokens))


def fill_domain_words(text: str, domain: Domain) -> str:
    """A text of a template in the words of a domain."""
    capital = domain.items[:1].upper() + domain.items[1:]
    return text.format(item=domain.item, items=domain.items, Items=capital, user=domain.user)
