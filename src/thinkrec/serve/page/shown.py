"""What the page shows, computed from what the service answers: text segments, bars, differences, numbers in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thinkrec.serve.values import Citation, ShownLine

MINUS = "\u2212"
TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Unicode's marks that embed, override and isolate directions."""


@dataclass(frozen=True)
class Segment:
    """A stretch of a reason, shown as text."""

    text: str
    citation: Citation | None = None
    """What it names, where it is a title."""


@dataclass(frozen=True)
class EffectBar:
    """The measured effect of one history line, before and after a change of the history."""

    item: str
    title: str
    liked: bool
    effect: float | None
    """Of the history as it is now; None where the line is not in it, or not measured."""
    before: float | None
    """Of the history before its change; None without a change, or where the line is new."""
    is_cited: bool

    @property
    def difference(self) -> float | None:
        """What the change did to the effect."""
        return None if self.effect is None or self.before is None else self.effect - self.before


def split_reason(text: str, citations: Sequence[Citation]) -> tuple[Segment, ...]:
    """The text in order, cited titles apart; citations that overlap an earlier one or the text's end are left out."""
    segments, at = [], 0
    for citation in sorted(citations, key=lambda one: one.start):
        if citation.start < at or citation.end > len(text) or citation.end <= citation.start:
            continue
        if citation.start > at:
            segments.append(Segment(text[at : citation.start]))
        segments.append(Segment(text[citation.start : citation.end], citation))
        at = citation.end
    if at < len(text):
        segments.append(Segment(text[at:]))
    return tuple(segments)


def list_effects(
    lines: Sequence[ShownLine], citations: Sequence[Citation], before: Sequence[ShownLine] | None
) -> tuple[EffectBar, ...]:
    """One bar per line, newest first; lines that only the history before had come last, without an effect now."""
    cited = {line for citation in citations for line in citation.lines}
    old = {str(line.item): line.effect for line in before or ()}
    bars = [
        EffectBar(str(line.item), line.title, line.liked, line.effect, old.get(str(line.item)), place in cited)
        for place, line in reversed(list(enumerate(lines)))
    ]
    held = {bar.item for bar in bars}
    gone = [line for line in reversed(before or ()) if str(line.item) not in held]
    return (*bars, *(EffectBar(str(line.item), line.title, line.liked, None, line.effect, False) for line in gone))


def join_effects(columns: Sequence[Sequence[EffectBar]]) -> tuple[tuple[EffectBar | None, ...], ...]:
    """One row per history line that any model was shown, with each model's bar; None where it was not shown the line.

    Rows follow the model that was shown most lines, since all read the same history.
    """
    by_item = [{bar.item: bar for bar in bars} for bars in columns]
    names = dict.fromkeys(bar.item for bars in sorted(columns, key=len, reverse=True) for bar in bars)
    return tuple(tuple(bars.get(name) for bars in by_item) for name in names)


def shorten_title(title: str, most: int = 240) -> str:
    """A title as the page shows it: of one that is longer than `most` characters the beginning, and how long it is.

    Characters that turn the direction of what follows are left out: with them a year reads as 9991, and each title has
    its own direction anyway.
    """
    title = title.translate(TURNING)
    if len(title) <= most:
        return title
    # Behind the words, lest a base letter lose the marks that follow it.
    return f"{title[:most].rsplit(maxsplit=1)[0]} ... ({len(title):,} characters)"


def find_largest(bars: Sequence[EffectBar]) -> float:
    """The largest absolute effect, before or after, so that all bars have one scale; 0 without any."""
    return max((abs(value) for bar in bars for value in (bar.effect, bar.before) if value is not None), default=0.0)


def measure_bar(value: float | None, largest: float) -> float:
    """Width in percent of one side, 0..100; what is not shown as zero can be seen."""
    if value is None or not largest or not float(f"{value:.2f}"):
        return 0.0
    return max(2.0, min(100.0, 100 * abs(value) / largest))


def format_signed(value: float, digits: int = 2) -> str:
    """A number with its sign, such as +0.18; zero has none."""
    text = f"{abs(value):.{digits}f}"
    return text if not float(text) else f"{MINUS if value < 0 else '+'}{text}"


def format_probability(value: float) -> str:
    """A probability in percent; never a certainty that it is not."""
    percent = round(100 * value)
    if percent == 0 and value > 0:
        return "<1 %"
    return ">99 %" if percent == 100 and value < 1 else f"{percent} %"


def describe_effect(value: float | None) -> str:
    """An effect in words."""
    if value is None:
        return "not measured"
    if not float(f"{value:.2f}"):
        return "no effect"
    return f"{format_signed(value)} {'for' if value > 0 else 'against'}"


def describe_move(before: int, after: int) -> str:
    """What became of a rank, such as 'up 3, was 7'."""
    if before == after:
        return "same place"
    return f"{'up' if after < before else 'down'} {abs(before - after)}, was {before}"


def describe_other_place(rank: int, other: int | None, name: str, top: int, most: int) -> tuple[str, str]:
    """Where another model has an item that this one puts at `rank`: words, and a class that says which way.

    Args:
        rank: here, from 1 on.
        other: there; None below the `most` places that were asked for.
        name: of the other model.
        top: places that are shown of each.
        most: places that are known of the other.
    """
    if other is None:
        return f"only here; below place {most:,} in {name}", "only"
    if other > top:
        return f"only here; place {other:,} in {name}", "only"
    if other == rank:
        return f"same place in {name}", "same"
    return f"{abs(rank - other)} {'higher' if rank < other else 'lower'} than in {name}", "moved"


def describe_shared(n: int, sizes: Sequence[int], items_word: str) -> str:
    """How many items two shown lists have in common."""
    if min(sizes) == max(sizes) == n:
        return (
            f"Both lists hold the same {n:,} {items_word}; each line says how its place differs from the other model's."
        )
    return f"{n:,} of {max(sizes):,} {items_word} are in both lists; each line says where the other model has it."


def describe_reason_change(before: str, after: str) -> str:
    """Whether a change of the history changed the reason."""
    return "The reason stays the same." if before == after else "The reason has changed."


def count_words(n: int, one: str, more: str) -> str:
    """A number with its noun, such as '1 film' or '2,000 films'."""
    return f"{n:,} {one if n == 1 else more}"
