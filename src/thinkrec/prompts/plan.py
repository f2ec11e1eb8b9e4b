"""A plan: the earlier items that speak for a target and against it, named before the verdict in fixed words.

In the columns of the table that the prompt is, so that the verdict stands behind a bar like every other label:

    | for 'Babe' | against 'Heat', 'Speed' |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from thinkrec.prompts.items import encode_plain_text

MAX_NAMES = 3
"""Most titles on a side of a plan."""
FOR, AGAINST = " for", " | against"
"""What opens the two sides; the bar before the first one is the prompt's last token."""
FIRST, NEXT, CLOSE = " '", ", '", "'"
"""What stands before the first title of a side, before any other, and behind each."""
NOTHING = " nothing"
"""What stands on a side without a title."""
END = " |"
"""What ends a plan; the verdict follows it."""
_YEAR = re.compile(r"\s*\(\d{4}\)\s*$")


@dataclass(frozen=True)
class Plan:
    """The names of earlier items on both sides, each at most MAX_NAMES, in the order in which they are written."""

    supporting: tuple[str, ...] = ()
    """Of liked ones."""
    opposing: tuple[str, ...] = ()
    """Of disliked ones."""

    def __str__(self) -> str:
        """As it stands in a prompt."""
        return "".join(_list_pieces(self))


def shorten_title(title: str) -> str:
    """A title as a plan names it: as the history has it, which is easily copied, without the year.

    >>> shorten_title("Sixth Sense, The (1999)")
    'Sixth Sense, The'
    """
    return " ".join(_YEAR.sub("", title).split()) or title


def _list_pieces(plan: Plan) -> Iterator[str]:
    """The pieces of text that a plan is made of; each is tokenised by itself."""
    for opening, names in ((FOR, plan.supporting), (AGAINST, plan.opposing)):
        yield opening
        for i, name in enumerate(names):
            yield from (NEXT if i else FIRST, name, CLOSE)
        if not names:
            yield NOTHING
    yield END


class PlanTokens:
    """Plans as tokens of one tokenizer, piece by piece: a name is the same tokens wherever it stands."""

    def __init__(self, tokenizer: Any) -> None:
        """For a Transformers tokenizer."""
        self.encode_piece = cache(lambda text: tuple(encode_plain_text(tokenizer, [text])[0].tolist()))
        """A piece of a plan -> its token ids."""

    def encode_plan(self, plan: Plan) -> np.ndarray:
        """int32: the tokens of a plan."""
        ids = [token for piece in _list_pieces(plan) for token in self.encode_piece(piece)]
        return np.array(ids, dtype=np.int32)
