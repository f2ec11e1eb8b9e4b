"""Charts of one size in a grid, as one SVG text with its style inside, which browsers show as a file of its own."""

from __future__ import annotations

from collections.abc import Sequence

from thinkrec.evaluate.report.style import CSS
from thinkrec.io.html_text import escape_html

_FILL = "svg { display: block; width: 100%; height: auto; font-family: inherit; }"
"""A rule for charts inside the page of a report."""


def draw_panels(panels: Sequence[str], title: str, width: int, height: int, *, columns: int) -> str:
    """The SVG text of `panels` (bodies of width x height pixels), `columns` in a line; `title`: for screen readers."""
    lines = -(-len(panels) // columns)
    wide, high = width * min(columns, len(panels)), height * lines
    placed = [
        f'<g transform="translate({place % columns * width} {place // columns * height})">{body}</g>'
        for place, body in enumerate(panels)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        f'role="img" font-family="system-ui, sans-serif"><title>{escape_html(title)}</title>'
        f"<style>{CSS.replace(_FILL, '')}</style>"
        f'<rect width="{wide}" height="{high}" style="fill:var(--card)"/>\n' + "\n".join(placed) + "\n</svg>\n"
    )
