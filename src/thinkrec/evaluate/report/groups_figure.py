"""Distances between groups of users beside those of random groups, as one SVG text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from thinkrec.evaluate.group_distance import MEASURES
from thinkrec.evaluate.report.charts import PlotArea, get_colour_class
from thinkrec.evaluate.report.panels import draw_panels
from thinkrec.io.html_text import escape_html

WIDTH, HEIGHT = 400, 290
TITLES = {"rates": "distance of like rates", "tastes": "the same without generosity"}


def draw_group_distances(entries: Sequence[Mapping[str, Any]]) -> str:
    """A panel per measure: groups by number, one colour per run; grey: 95 % of random groups of the same sizes."""
    runs = list(dict.fromkeys(entry["run"] for entry in entries))
    numbers = sorted({entry["groups"] for entry in entries})
    ends = [one[key] for entry in entries for one in (entry[m] for m in MEASURES) for key in ("high", "random_high")]
    panels = []
    for measure in MEASURES:
        area = PlotArea((numbers[0] - 0.6, numbers[-1] + 0.6), (0, 1.05 * max(ends)), WIDTH, HEIGHT, top=48)
        body = f'<text class="name" x="52" y="18">{TITLES[measure]}</text>'
        for place, run in enumerate(runs):
            style, x = get_colour_class(place), 52 + 110 * place
            body += f'<circle class="dot {style}" cx="{x + 4}" cy="32" r="4"/>'
            body += f'<text class="tick" x="{x + 14}" y="36">{escape_html(run)}</text>'
        body += area.render_axes("groups", "")
        for entry in entries:
            shift = (runs.index(entry["run"]) - (len(runs) - 1) / 2) * 0.8 / max(len(runs), 2)
            body += _draw_grouping(area, entry["groups"] + shift, entry[measure], runs.index(entry["run"]))
        panels.append(body)
    return draw_panels(panels, "Distances between groups of users in what they like", WIDTH, HEIGHT, columns=2)


def _draw_grouping(area: PlotArea, place: float, one: Mapping[str, float], colour: int) -> str:
    x, style = area.to_pixel_x(place), get_colour_class(colour)
    top, bottom = area.to_pixel_y(one["random_high"]), area.to_pixel_y(one["random_low"])
    low, high = area.to_pixel_y(one["low"]), area.to_pixel_y(one["high"])
    return (
        f'<rect x="{x - 7:.1f}" y="{top:.1f}" width="14" height="{bottom - top:.1f}" '
        'style="fill:var(--soft);fill-opacity:.3"/>'
        f'<line class="line {style}" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
        f'<circle class="dot {style}" cx="{x:.1f}" cy="{area.to_pixel_y(one["value"]):.1f}" r="3.6"/>'
    )
