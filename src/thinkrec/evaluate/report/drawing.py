"""A chart of the report as a picture of its own: one SVG text with its style inside."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path

from thinkrec.evaluate.report.charts import list_region_keys, render_user_map
from thinkrec.evaluate.report.style import CSS
from thinkrec.evaluate.report.user_map import UserMap
from thinkrec.io.files import write_text
from thinkrec.io.html_text import escape_html

WIDTH, CHART, LINE = 720, 480, 20
"""Pixels: of the picture, of the chart in it, of a line of its legend."""
_FILL = "svg { display: block; width: 100%; height: auto; font-family: inherit; }"
"""A rule for charts inside the page, which here would stretch the chart over the legend."""


@dataclass(frozen=True)
class Drawing:
    """A picture that a notebook shows by itself; `save("map.svg")` writes it."""

    title: str
    svg: str = field(repr=False)

    def save(self, path: str | Path) -> Path:
        """Write the SVG file, which browsers and vector programs open; returns its path."""
        write_text(Path(path), self.svg)
        return Path(path)

    def _repr_html_(self) -> str:
        # Inside <img> its style sheet stays its own, and nothing in it could run.
        content = base64.b64encode(self.svg.encode("utf-8")).decode("ascii")
        return f'<img alt="{escape_html(self.title)}" width="{WIDTH}" src="data:image/svg+xml;base64,{content}">'


def draw_user_map(users: UserMap) -> Drawing:
    """The map of users as the report shows it, with its legend below."""
    title = f"Map of {len(users.x):,} user vectors ({users.explained:.0%} of their variance on the plane)"
    keys = list_region_keys(users)
    height = CHART + LINE * (len(keys) + 2)
    lines = [f'<text class="name" x="52" y="{CHART + LINE}">{escape_html(title)}</text>']
    for place, (style, text) in enumerate(keys, 2):
        at = CHART + LINE * place
        region = style.removesuffix(" region")
        mark = (
            f'<circle class="dot {style}" cx="60" cy="{at - 4}" r="5"/>'
            if region == style
            else f'<rect class="{region}" x="52" y="{at - 10}" width="16" height="12"/>'
        )
        lines.append(f'{mark}<text class="name" x="76" y="{at}">{escape_html(text)}</text>')
    chart = render_user_map(users).replace("<svg ", f'<svg width="{WIDTH}" height="{CHART}" ', 1)
    return Drawing(
        title,
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="system-ui, sans-serif"><style>{CSS.replace(_FILL, "")}</style>'
        f'<rect width="{WIDTH}" height="{height}" style="fill:var(--card)"/>{chart}{"".join(lines)}</svg>',
    )
