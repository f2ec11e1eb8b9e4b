"""What separates the fields of a file of text, whether they stand in quotes, and whether it has a header."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from thinkrec.data.delimited_records import name_separator
from thinkrec.data.inspect.names import find_our_name
from thinkrec.data.messages import is_data_row
from thinkrec.data.table_format import Quoting

SAMPLE_LINES = 400
"""Lines by which a file's separator is guessed."""
_CANDIDATES = (",", "\t", ";", "|", "::", " ")
_WITHOUT_QUOTES = ("\t", "|")


@dataclass(frozen=True)
class Layout:
    """How lines are cut into fields."""

    separator: str
    quoting: Quoting
    share: float
    """Of the lines that have the usual number of fields."""
    width: int
    """That number."""
    why: str
    """A phrase; empty where the file's name says as much."""
    fits_first: bool = True
    """Whether the first line, often the header, has that number too: decimal commas are in the others alone."""


def guess_layout(text: str, usual: str | None) -> Layout | None:
    """The separator that gives most lines the same number of fields, at least two; None where no character does.

    Args:
        text: the beginning of the file.
        usual: the separator that the file's name says; it is taken wherever it fits no worse.
    """
    lines = [line for line in text.splitlines()[:SAMPLE_LINES] if line.strip()]
    if not lines:
        return None
    candidates = ([usual] if usual else []) + [mark for mark in _CANDIDATES if mark != usual]
    layouts = [layout for mark in candidates for layout in _measure_separator(text, lines, mark)]
    fitting = [layout for layout in layouts if layout.width > 1]
    if not fitting:
        return None
    # Every text has spaces: they separate only where nothing else does as well.
    best = max(
        fitting,
        key=lambda at: (
            round(at.share, 2),
            at.fits_first,
            at.separator == usual,
            at.separator != " ",
            len(at.separator),
            at.quoting == "auto",  # as usual for the separator, where nothing speaks against it
            at.quoting != "none",  # else a comma in quotes would make one field more
            at.width,
        ),
    )
    if best.separator == usual:
        return best
    why = f"{name_separator(best.separator)} between fields, because {best.share:.0%} of the lines have {best.width}"
    return Layout(best.separator, best.quoting, best.share, best.width, f"{why} fields then")


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of these rows has names: none is a number or a date, and one is known or has numbers below."""
    first, rest = rows[0], rows[1:]
    if is_data_row([field for field in first if field.strip()]):
        return False
    if any(find_our_name(field) for field in first):
        return True
    below = list(zip(*[row for row in rest if len(row) == len(first)], strict=True))
    return any(column and all(is_data_row([field]) for field in column) for column in below) or not rest


def split_rows(text: str, layout: Layout, limit: int = SAMPLE_LINES) -> list[list[str]]:
    """The first rows of a text as fields."""
    return _split_lines(text, [line for line in text.splitlines()[:limit] if line.strip()], layout)[0]


def _measure_separator(text: str, lines: list[str], separator: str) -> list[Layout]:
    """The separator with and without quotes, whichever of them makes sense."""
    ways: list[Quoting] = ["none"] if len(separator) > 1 or '"' not in text else ["quotes", "none"]
    if "quotes" in ways and '\\"' in text:
        ways.append("backslash")
    layouts = []
    for quoting in ways:
        draft = Layout(separator, quoting, 0.0, 0, "")
        rows, lost = _split_lines(text, lines, draft)
        widths = Counter(map(len, rows))
        if widths:
            width, count = widths.most_common(1)[0]
            share = count / (len(rows) + lost)
            name = _name_quoting(separator, quoting, '"' in text)
            layouts.append(Layout(separator, name, share, width, "", len(rows[0]) == width))
    return layouts


def _name_quoting(separator: str, quoting: Quoting, has_quotes: bool) -> Quoting:
    """auto, where it means the same."""
    usual = "none" if separator in _WITHOUT_QUOTES or len(separator) > 1 else "quotes"
    return "auto" if quoting == usual or not has_quotes else quoting


def _split_lines(text: str, lines: list[str], layout: Layout) -> tuple[list[list[str]], int]:
    """The rows of a text, and how many lines are lost because a quote in them does not fit."""
    quoted = layout.quoting in ("quotes", "backslash") or (
        layout.quoting == "auto" and len(layout.separator) == 1 and layout.separator not in _WITHOUT_QUOTES
    )
    if not quoted:
        return [[field.strip('"') for field in line.split(layout.separator)] for line in lines], 0
    options: dict[str, Any] = {"escapechar": "\\"} if layout.quoting == "backslash" else {}
    left, rows, lost = text.splitlines(keepends=True), list[list[str]](), 0
    while left and len(rows) + lost < SAMPLE_LINES:
        reader = csv.reader(left, delimiter=layout.separator, strict=True, **options)
        begin = 0
        try:
            for row in reader:
                begin = reader.line_num
                if row and any(field.strip() for field in row):
                    rows.append(row)
                if len(rows) >= SAMPLE_LINES:
                    break
            break
        except csv.Error:
            # As when the table is read: the line that begins the wrong record is left out, and what follows is read.
            left, lost = left[begin + 1 :], lost + 1
    return rows, lost
