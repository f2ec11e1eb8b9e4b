"""How answers show themselves: as HTML in a notebook, as plain text elsewhere.

Titles and reasons come from the data and from a model. In HTML they are escaped, and isolated, so that a title that
turns the direction of writing turns its own alone; as plain text what a terminal would obey is replaced. Styles are
written at each element, since a notebook's page has a style sheet of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Protocol, SupportsIndex, TypeVar, overload

from thinkrec.io.html_text import escape_html

GOOD, BAD, SOFT = "#12805c", "#c2303f", "#7a8594"
"""Readable on light and on dark pages."""
_BAR, _CELL = 90, "text-align:left;vertical-align:top;padding:4px 10px"


class RankedEntry(Protocol):
    """What a place of a ranking shows: `answers.Ranked`, `answers.Recommendation`."""

    @property
    def item(self) -> Any:
        """Original item id."""
        ...

    @property
    def title(self) -> str:
        """Of the item."""
        ...

    @property
    def score(self) -> float:
        """See `answers.Ranked`."""
        ...

    @property
    def probability(self) -> float:
        """Of a like, 0..1."""
        ...

    @property
    def reason(self) -> str | None:
        """See `answers.Ranked`."""
        ...

    @property
    def writer(self) -> str | None:
        """See `answers.Ranked`."""
        ...

    @property
    def is_new(self) -> bool:
        """See `answers.Ranked`."""
        ...


Entry = TypeVar("Entry", bound=RankedEntry)


class Ranking(list[Entry]):
    """A list of places, best first, that shows itself in a notebook; `show()` does so anywhere."""

    @overload
    def __getitem__(self, place: SupportsIndex) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> Ranking[Entry]: ...
    def __getitem__(self, place: SupportsIndex | slice) -> Entry | Ranking[Entry]:
        """One place, or a ranking of some."""
        return Ranking(super().__getitem__(place)) if isinstance(place, slice) else super().__getitem__(place)

    def show(self) -> None:
        """Draw it below the cell of a notebook; elsewhere print it."""
        show_answer(self, self.to_text())

    def to_text(self) -> str:
        """One line per place, and one below for its reason."""
        lines = []
        for place, entry in enumerate(self, 1):
            new = " (new)" if entry.is_new else ""
            title = clean_text(entry.title)
            lines.append(f"{place:>3}  {entry.probability:6.1%}  {entry.score:+.2f}  {title}{new}")
            if entry.reason is not None:
                lines.append(f"     {clean_text(entry.reason)}{_name_writer(entry.writer)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(_render_place(place, entry) for place, entry in enumerate(self, 1))
        heads = "".join(f'<th style="{_CELL}">{head}</th>' for head in ("", "title", "probability", "score"))
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


class PastEntry(Protocol):
    """An entry of a history: `answers.HistoryItem`."""

    @property
    def title(self) -> str:
        """Of the item."""
        ...

    @property
    def liked(self) -> bool:
        """What the user said."""
        ...


class ExplanationDisplay:
    """The part of `answers.Explanation` that shows it."""

    title: str
    verdict: str
    score: float
    probability: float
    reason: str
    writer: str
    history: Sequence[PastEntry]
    gate: Sequence[tuple[str, float]]
    effects: Sequence[float] | None
    is_new: bool

    def show(self) -> None:
        """Draw it below the cell of a notebook; elsewhere print it."""
        show_answer(self, self.to_text())

    def to_text(self) -> str:
        """Verdict, reason, and the past with the effect of each line where it was measured."""
        new = " (new)" if self.is_new else ""
        lines = [
            f"{clean_text(self.title)}{new}: {self.verdict}, {self.probability:.1%}, score {self.score:+.2f}",
            f"{clean_text(self.reason)}{_name_writer(self.writer)}",
        ]
        for place, past in enumerate(self.history):
            effect = "" if self.effects is None else f"  {self.effects[place]:+.3f}"
            lines.append(f"  {'+' if past.liked else '-'} {clean_text(past.title)}{effect}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        colour = GOOD if self.verdict == "Yes" else BAD
        new = _render_note(" new") if self.is_new else ""
        largest = max(map(abs, self.effects or ()), default=0.0) or 1.0
        past = "".join(
            f'<tr><td style="{_CELL};color:{GOOD if entry.liked else BAD}">{"liked" if entry.liked else "disliked"}'
            f'</td><td style="{_CELL}">{isolate_text(entry.title)}</td>'
            f"{'' if self.effects is None else _render_effect(self.effects[place], largest)}</tr>"
            for place, entry in enumerate(self.history)
        )
        gate = ", ".join(f"{escape_html(name)} {weight:.0%}" for name, weight in self.gate if weight > 0.005)
        return (
            f"<div><b>{isolate_text(self.title)}</b>{new} "
            f'<b style="color:{colour}">{escape_html(self.verdict)}</b> {_render_chance(self.probability)} '
            f"score {self.score:+.2f}<p>{isolate_text(self.reason)}{_render_note(_name_writer(self.writer))}</p>"
            f"<table><tbody>{past}</tbody></table>{_render_note(f'adapters: {gate}') if gate else ''}</div>"
        )


def show_answer(answer: object, text: str) -> None:
    """Have a notebook draw what has `_repr_html_`; without a notebook print the text."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is not None and hasattr(shell, "kernel"):
        from importlib import import_module

        import_module("IPython.display").display(answer)
    else:
        print(text)


def clean_text(text: str) -> str:
    """One line in which nothing is a command to a terminal: what is not printable becomes U+FFFD, line ends a blank."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(str(text).split()))


def isolate_text(text: str) -> str:
    """Text of the data as HTML: escaped, without half characters, and with a direction of writing of its own."""
    whole = str(text).encode("utf-8", "replace").decode("utf-8")
    return f"<bdi>{escape_html(whole)}</bdi>"


def _name_writer(writer: str | None) -> str:
    return "" if writer in (None, "model") else f" (written by {writer})"


def _render_note(text: str) -> str:
    return f'<span style="color:{SOFT}">{escape_html(text)}</span>'


def _render_chance(probability: float) -> str:
    """A bar and the number."""
    width = round(_BAR * min(1.0, max(0.0, probability)))
    return (
        f'<span style="display:inline-block;width:{_BAR}px;height:8px;background:#8884">'
        f'<span style="display:block;width:{width}px;height:8px;background:{GOOD}"></span></span> {probability:.1%}'
    )


def _render_effect(effect: float, largest: float) -> str:
    """A cell with a bar as long as the effect beside the largest one; green speaks for the item."""
    width, colour = round(_BAR * abs(effect) / largest), GOOD if effect > 0 else BAD
    bar = f'<span style="display:inline-block;width:{width}px;height:8px;background:{colour}"></span>'
    return f'<td style="{_CELL}">{effect:+.3f}</td><td style="{_CELL}">{bar}</td>'


def _render_place(place: int, entry: RankedEntry) -> str:
    new = _render_note(" new") if entry.is_new else ""
    reason = ""
    if entry.reason is not None:
        reason = f"<br>{isolate_text(entry.reason)}{_render_note(_name_writer(entry.writer))}"
    return (
        f'<tr><td style="{_CELL}">{place}</td><td style="{_CELL}"><b>{isolate_text(entry.title)}</b>{new}{reason}</td>'
        f'<td style="{_CELL};white-space:nowrap">{_render_chance(entry.probability)}</td>'
        f'<td style="{_CELL}">{entry.score:+.2f}</td></tr>'
    )
