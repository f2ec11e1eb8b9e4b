"""Reliability curves of several models side by side, as one SVG text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from thinkrec.evaluate.report.charts import PlotArea, get_colour_class
from thinkrec.evaluate.report.panels import draw_panels
from thinkrec.io.html_text import escape_html

SIZE = 250
"""Pixels of a panel's width."""


def draw_reliability(entries: Sequence[Mapping[str, Any]]) -> str:
    """One panel per entry of `measure_calibrations`: mean probability against the share liked, with intervals."""
    panels = []
    for place, entry in enumerate(entries):
        area = PlotArea((0, 1), (0, 1), width=SIZE, height=SIZE, left=46, top=30)
        body = f'<text class="name" x="46" y="18">{escape_html(entry["model"])}</text>'
        body += area.render_axes("probability", "share liked" if place % 3 == 0 else "")
        (x0, y0), (x1, y1) = ((area.to_pixel_x(end), area.to_pixel_y(end)) for end in (0, 1))
        body += f'<line class="ideal" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>'
        panels.append(body + _draw_bins(area, entry["bins"], get_colour_class(0)))
    return draw_panels(panels, "Reliability: predicted probability against the share liked", SIZE, SIZE, columns=3)


def _draw_bins(area: PlotArea, bins: Sequence[Mapping[str, float]], style: str) -> str:
    drawn, points = "", []
    for one in bins:
        x, y = area.to_pixel_x(one["predicted"]), area.to_pixel_y(one["observed"])
        low, high = area.to_pixel_y(one["low"]), area.to_pixel_y(one["high"])
        drawn += f'<line class="line {style}" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
        drawn += f'<circle class="dot {style}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
        points.append(f"{x:.1f},{y:.1f}")
    return f'<polyline class="line {style}" points="{" ".join(points)}"/>{drawn}'
