"""Charts as inline SVG text. Colours come from the page's style sheet (`style.py`), so they follow light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from thinkrec.evaluate.metrics.bootstrap import PairedDifference
from thinkrec.evaluate.metrics.calibration import ReliabilityCurve
from thinkrec.evaluate.report.data import CurvePanel
from thinkrec.evaluate.report.user_map import FUSE, GLOBAL, UserMap
from thinkrec.io.html_text import escape_html

COLOURS = 8
"""Number of series colours in the style sheet; further series start again."""


def get_colour_class(index: int) -> str:
    """The style-sheet class of a series."""
    return f"c{index % COLOURS}"


def render_legend(names: Sequence[tuple[str, str]]) -> str:
    """An HTML legend from (class, text)."""
    keys = "".join(f'<span><i class="key {style}"></i>{escape_html(text)}</span>' for style, text in names)
    return f'<p class="legend">{keys}</p>'


@dataclass(frozen=True)
class PlotArea:
    """A plot area: data coordinates to pixels, and the axes around it."""

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    width: int = 440
    height: int = 300
    left: int = 52
    bottom: int = 42
    top: int = 12
    right: int = 14

    def to_pixel_x(self, value: float) -> float:
        """Pixels from the left edge."""
        inner = self.width - self.left - self.right
        return self.left + (value - self.x_range[0]) / (self.x_range[1] - self.x_range[0]) * inner

    def to_pixel_y(self, value: float) -> float:
        """Pixels from the top edge."""
        inner = self.height - self.top - self.bottom
        return self.height - self.bottom - (value - self.y_range[0]) / (self.y_range[1] - self.y_range[0]) * inner

    def render_axes(self, x_label: str, y_label: str) -> str:
        """Grid lines, tick labels and axis titles."""
        floor, right = self.height - self.bottom, self.width - self.right
        elements = []
        for tick in compute_ticks(*self.y_range, 5):
            at = self.to_pixel_y(tick)
            elements.append(f'<line class="grid" x1="{self.left}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>')
            elements.append(
                f'<text class="tick" text-anchor="end" x="{self.left - 7}" y="{at + 4:.1f}">{format_tick(tick)}</text>'
            )
        for tick in compute_ticks(*self.x_range, 6):
            at = self.to_pixel_x(tick)
            elements.append(
                f'<text class="tick" text-anchor="middle" x="{at:.1f}" y="{floor + 16}">{format_tick(tick)}</text>'
            )
        elements.append(f'<line class="axis" x1="{self.left}" x2="{right}" y1="{floor}" y2="{floor}"/>')
        middle = (self.left + right) / 2
        elements.append(
            f'<text class="name" text-anchor="middle" x="{middle:.0f}" y="{self.height - 6}">'
            f"{escape_html(x_label)}</text>"
        )
        centre = (self.top + floor) / 2
        elements.append(
            f'<text class="name" text-anchor="middle" transform="translate(12 {centre:.0f}) rotate(-90)">'
            f"{escape_html(y_label)}</text>"
        )
        return "".join(elements)

    def render_svg(self, body: str, title: str) -> str:
        """The finished picture; `title` is what a screen reader says."""
        return (
            f'<svg viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape_html(title)}">'
            f"<title>{escape_html(title)}</title>{body}</svg>"
        )


def compute_ticks(low: float, high: float, about: int) -> list[float]:
    """Round values within low..high, about that many: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def format_tick(value: float) -> str:
    """A tick label: 0.25, 1500 -> 1.5k."""
    if abs(value) >= 1000:
        return f"{value / 1000:g}k"
    return f"{value:.4g}" if abs(value) > 1e-12 else "0"


def render_learning_curves(panel: CurvePanel) -> str:
    """The learning curves of one panel; empty if no curve has a finite point."""
    runs = [(i, run) for i, curve in enumerate(panel.curves) for run in _split_finite_runs(curve.x, curve.y)]
    xs = [x for _, run in runs for x, _ in run] + ([panel.selected_x] if panel.selected_x is not None and runs else [])
    if not xs:
        return ""
    frame = PlotArea(pad_range(xs, 0), pad_range([y for _, run in runs for _, y in run], 0.06), width=400, height=250)
    body = frame.render_axes(panel.x_label, panel.y_label)
    if panel.selected_x is not None:
        at = frame.to_pixel_x(panel.selected_x)
        body += (
            f'<line class="chosen" x1="{at:.1f}" x2="{at:.1f}" y1="{frame.top}" y2="{frame.height - frame.bottom}"/>'
        )
        near_end = at > frame.width * 0.75
        anchor, shift = ("end", -5) if near_end else ("start", 5)
        body += f'<text class="tick" text-anchor="{anchor}" x="{at + shift:.1f}" y="{frame.top + 10}">kept</text>'
    for i, run in runs:
        points = " ".join(f"{frame.to_pixel_x(x):.1f},{frame.to_pixel_y(y):.1f}" for x, y in run)
        body += f'<polyline class="line {get_colour_class(i)}" points="{points}"/>'
        if len(run) <= 20:
            body += "".join(
                _render_dot(frame.to_pixel_x(x), frame.to_pixel_y(y), 2.4, get_colour_class(i)) for x, y in run
            )
    return frame.render_svg(body, f"{panel.stage}: {panel.y_label} by {panel.x_label}")


def render_reliability_curves(curves: Mapping[str, ReliabilityCurve]) -> str:
    """Reliability curves against the diagonal; the area of a dot grows with the rows in its bin."""
    frame = PlotArea((0, 1), (0, 1), width=440, height=400)
    body = frame.render_axes("predicted probability of a like", "share that was liked")
    (x0, y0), (x1, y1) = ((frame.to_pixel_x(end), frame.to_pixel_y(end)) for end in (0, 1))
    body += f'<line class="ideal" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>'
    for i, curve in enumerate(curves.values()):
        points = [
            (frame.to_pixel_x(p), frame.to_pixel_y(o)) for p, o in zip(curve.predicted, curve.observed, strict=True)
        ]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        body += f'<polyline class="line {get_colour_class(i)}" points="{joined}"/>'
        largest = max(curve.count, default=1)
        for (x, y), n in zip(points, curve.count, strict=True):
            body += _render_dot(x, y, 2 + 6 * math.sqrt(n / largest), get_colour_class(i) + " soft", f"{n:,} rows")
    return frame.render_svg(body, "Reliability curve: predicted probability against the share that was liked")


def render_user_map(users: UserMap) -> str:
    """Users as dots in the colour of their group, over the gate's regions."""
    x0, x1, y0, y1 = users.extent
    frame = PlotArea((x0, x1), (y0, y1), width=720, height=480)
    high, wide = users.grid.shape
    cell_w, cell_h = (
        (frame.to_pixel_x(x1) - frame.to_pixel_x(x0)) / wide,
        (frame.to_pixel_y(y0) - frame.to_pixel_y(y1)) / high,
    )
    body = (
        '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect class="hatch-ground" width="7" height="7"/><line class="hatch" x1="0" x2="0" y1="0" y2="7"/>'
        "</pattern></defs>"
    )
    for r in range(high):
        start = 0
        for c in range(1, wide + 1):
            if c < wide and users.grid[r, c] == users.grid[r, start]:
                continue
            x, y = frame.to_pixel_x(x0) + start * cell_w, frame.to_pixel_y(y0) - (r + 1) * cell_h
            style = _get_region_class(int(users.grid[r, start]))
            size = f'width="{(c - start) * cell_w:.2f}" height="{cell_h:.2f}"'
            body += f'<rect class="{style}" x="{x:.2f}" y="{y:.2f}" {size}/>'
            start = c
    body += frame.render_axes("first principal component", "second principal component")
    for x, y, g in zip(users.x, users.y, users.group, strict=True):
        body += _render_dot(frame.to_pixel_x(x), frame.to_pixel_y(y), 2.7, get_colour_class(int(g)) + " user")
    return frame.render_svg(body, "Map of user vectors with the regions of the gate")


def render_region_legend(users: UserMap) -> str:
    """Groups, regions, and how many users the gate sends to each."""
    return render_legend(list_region_keys(users))


def list_region_keys(users: UserMap) -> list[tuple[str, str]]:
    """(class, text) of the legend of a map; regions have the class `region` too."""
    groups = sorted({int(g) for g in users.group})
    names = [(get_colour_class(g), f"group {g + 1}") for g in groups]
    codes = set(users.counts) | {int(code) for code in users.grid.ravel()}
    for code in sorted(codes, key=lambda c: (c <= 0, abs(c))):
        words = {FUSE: "fuse experts", GLOBAL: "global adapter alone"}.get(code, f"expert {code} alone")
        names.append((_get_region_class(code) + " region", f"{words}: {users.counts.get(code, 0):,} users"))
    return names


def render_interval(pair: PairedDifference, limit: float, side: str | None = None) -> str:
    """A small picture of a difference with its interval on a scale from -limit to limit, zero in the middle.

    `side`: up, down or open, which colours it; by default as the interval lies to zero.
    """
    width, height = 108, 18
    if not all(map(math.isfinite, (pair.difference, pair.low, pair.high))) or limit <= 0:
        return ""

    def at(value: float) -> float:
        return width / 2 + max(-1.0, min(1.0, value / limit)) * (width / 2 - 5)

    side = side or ("up" if pair.low > 0 else "down" if pair.high < 0 else "open")
    return (
        f'<svg class="whisker {side}" viewBox="0 0 {width} {height}" aria-hidden="true">'
        f'<line class="zero" x1="{width / 2}" x2="{width / 2}" y1="1" y2="{height - 1}"/>'
        f'<line class="span" x1="{at(pair.low):.1f}" x2="{at(pair.high):.1f}" y1="{height / 2}" y2="{height / 2}"/>'
        f'<circle cx="{at(pair.difference):.1f}" cy="{height / 2}" r="3.6"/></svg>'
    )


def _get_region_class(code: int) -> str:
    return {FUSE: "r-fuse", GLOBAL: "r-global"}.get(code, f"r-expert {get_colour_class(code - 1)}")


def _render_dot(x: float, y: float, r: float, style: str, title: str = "") -> str:
    inner = f"<title>{escape_html(title)}</title>" if title else ""
    return f'<circle class="dot {style}" cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}">{inner}</circle>'


def _split_finite_runs(xs: Sequence[float], ys: Sequence[float]) -> list[list[tuple[float, float]]]:
    """Stretches of finite points."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(xs, ys, strict=True):
        if math.isfinite(x) and math.isfinite(y):
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def pad_range(values: Sequence[float], share: float) -> tuple[float, float]:
    """Lowest and highest value with a margin of that share of their distance; never empty."""
    low, high = min(values), max(values)
    margin = share * (high - low) if high > low else max(abs(high) * 0.1, 0.5)
    return low - margin, high + margin
