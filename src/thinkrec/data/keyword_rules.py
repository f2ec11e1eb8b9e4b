"""Keywords of a whole catalogue: spellings joined, and those that nearly every item or one item alone has dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import Field

from thinkrec.data.messages import emit_warning
from thinkrec.io.config import Config
from thinkrec.io.counts import format_count

Keywords = Sequence[Sequence[str]]
"""The keywords of each item."""
SHOWN = 5
"""Keywords that a message names, the most frequent first."""


class KeywordRules(Config):
    """Which keywords of a catalogue stay, judged by how many items have them; no rating is read."""

    join_case: bool = True
    """Keywords that differ in case alone become one, in the spelling that most items have."""
    max_share: float = Field(default=0.3, gt=0, le=1)
    """Keywords on more than this share of all items are dropped; 1 keeps them."""
    min_items: int = Field(default=2, ge=1)
    """Keywords on fewer items are dropped; 1 keeps them."""


@dataclass(frozen=True)
class KeywordReport:
    """What rules did, or would do, to the keywords of a catalogue."""

    n_items: int
    with_keywords: int
    """Items that have a keyword before the rules."""
    distinct: tuple[int, int]
    """Distinct keywords before and after."""
    sharing: tuple[int, int]
    """Items with a keyword that another item has too, spelled alike, before and after."""
    joined: tuple[tuple[str, tuple[str, ...]], ...]
    """A spelling that stays, and those that became it; most items first."""
    frequent: tuple[tuple[str, int], ...]
    """Dropped because too many items have them, with the number of items, most first."""
    rare: tuple[tuple[str, int], ...]
    """Dropped because too few items have them, likewise."""
    emptied: int
    """Items whose keywords are all dropped."""

    @property
    def changes_something(self) -> bool:
        """Whether any keyword is joined or dropped."""
        return bool(self.joined or self.frequent or self.rare)

    def describe(self, rules: KeywordRules) -> str:
        """What was done, with counts, in one sentence after another."""
        parts = []
        if self.joined:
            spellings = sum(len(others) for _, others in self.joined)
            named = ", ".join(f"{word!r} for {', '.join(map(repr, others))}" for word, others in self.joined[:SHOWN])
            parts.append(f"{format_count(spellings, 'spelling')} joined by case ({named}{_count_more(self.joined)})")
        for words, why in (
            (self.frequent, f"on more than {rules.max_share:.0%} of the {format_count(self.n_items, 'item')}"),
            (self.rare, "on one item alone" if rules.min_items == 2 else f"on fewer than {rules.min_items} items"),
        ):
            if words:
                named = ", ".join(f"{word!r} {count:,}" for word, count in words[:SHOWN])
                parts.append(f"{format_count(len(words), 'keyword')} {why} dropped ({named}{_count_more(words)})")
        before, after = self.sharing
        parts.append(f"{format_count(after, 'item shares', 'items share')} a keyword with another, before {before:,}")
        if self.emptied:
            parts.append(f"{format_count(self.emptied, 'item has', 'items have')} no keyword any more")
        return "; ".join(parts)

    def to_json(self) -> dict[str, object]:
        """As plain values, all keywords among them."""
        return {
            "items": self.n_items,
            "with_keywords": self.with_keywords,
            "distinct": list(self.distinct),
            "sharing": list(self.sharing),
            "joined": [[word, list(others)] for word, others in self.joined],
            "frequent": [list(pair) for pair in self.frequent],
            "rare": [list(pair) for pair in self.rare],
            "emptied": self.emptied,
        }


def apply_keyword_rules(keywords: Keywords, rules: KeywordRules) -> tuple[list[tuple[str, ...]], KeywordReport]:
    """The keywords of each item under the rules, in their order, and what was done to them.

    Spellings are joined first, so that counts are those of the joined keyword. An item that has a keyword in two
    spellings counts once, and the first stays. Of spellings that equally many items have, the first in the catalogue
    is taken.

    >>> rules = KeywordRules(max_share=0.7)
    >>> apply_keyword_rules([("drama", "sea"), ("Drama",), ("drama", "Sea"), ("moss",)], rules)[0]
    [('sea',), (), ('sea',), ()]
    """
    before = [tuple(dict.fromkeys(words)) for words in keywords]
    spelling = _choose_spellings(before) if rules.join_case else {}
    unified = [tuple(dict.fromkeys(spelling.get(word, word) for word in words)) for words in before]
    counts = Counter(word for words in unified for word in words)
    limit = rules.max_share * len(before)
    frequent = {word for word, count in counts.items() if count > limit} if rules.max_share < 1 else set()
    rare = {word for word, count in counts.items() if count < rules.min_items} - frequent
    after = [tuple(word for word in words if word not in frequent and word not in rare) for words in unified]
    others: dict[str, list[str]] = {}
    for written, word in spelling.items():
        others.setdefault(word, []).append(written)
    ordered = [word for word, _ in _order_counts(counts)]
    report = KeywordReport(
        n_items=len(before),
        with_keywords=sum(map(bool, before)),
        distinct=(count_distinct(before), count_distinct(after)),
        sharing=(count_sharing_items(before), count_sharing_items(after)),
        joined=tuple((word, tuple(others[word])) for word in ordered if word in others),
        frequent=_order_counts({word: counts[word] for word in frequent}),
        rare=_order_counts({word: counts[word] for word in rare}),
        emptied=sum(bool(old) and not new for old, new in zip(before, after, strict=True)),
    )
    return after, report


def clean_catalogue_keywords(keywords: Keywords, rules: KeywordRules, source: str) -> list[tuple[str, ...]]:
    """The keywords under the rules; what was done is said in one DataWarning. `source`: the table, for the message."""
    cleaned, report = apply_keyword_rules(keywords, rules)
    if report.changes_something:
        emit_warning(f"{source}: column 'keywords': {report.describe(rules)} (keyword_rules).")
    return cleaned


def count_sharing_items(keywords: Keywords) -> int:
    """Items with at least one keyword that another item has too, spelled alike.

    >>> count_sharing_items([("sea", "moss"), ("sea",), ("Sea",), ()])
    2
    """
    counts = Counter(word for words in keywords for word in set(words))
    return sum(any(counts[word] > 1 for word in words) for words in keywords)


def count_distinct(keywords: Keywords) -> int:
    """Distinct keywords, as they are spelled."""
    return len({word for words in keywords for word in words})


def _choose_spellings(keywords: Keywords) -> dict[str, str]:
    """Spelling -> the one that it becomes; those that stay as they are, are not named."""
    counts = Counter(word for words in keywords for word in words)
    groups: dict[str, list[str]] = {}
    for word in counts:  # in the order of the catalogue, which decides between equals
        groups.setdefault(word.casefold(), []).append(word)
    return {
        word: best
        for words in groups.values()
        if len(words) > 1
        for best in [max(words, key=lambda word: counts[word])]
        for word in words
        if word != best
    }


def _order_counts(counts: dict[str, int] | Counter[str]) -> tuple[tuple[str, int], ...]:
    """The most frequent first; equals by name."""
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _count_more(words: Iterable[object]) -> str:
    more = len(list(words)) - SHOWN
    return f" and {more:,} more" if more > 0 else ""
