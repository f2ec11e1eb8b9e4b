"""docs/results/ceiling.svg from results/ml1m/ceiling/ceiling.json.

python docs/generate/ceiling_svg.py            # writes it
python docs/generate/ceiling_svg.py --check    # changes nothing, fails where it differs
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

from pages import ROOT, finish_files, parse_check

SOURCE, TARGET = ROOT / "results/ml1m/ceiling/ceiling.json", ROOT / "docs/results/ceiling.svg"
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 420, 300, 52, 46, 34, 16
COLOURS = {"item mean + keywords": "#1b6ca8", "boosting": "#c2571a"}
Points = list[tuple[float, float]]


def main() -> int:
    """Write the figure, or compare it."""
    check = parse_check(__doc__)
    result = json.loads(SOURCE.read_text(encoding="utf-8"))
    panels = [draw_known_share(result), draw_learning_curves(result)]
    body = "\n".join(f'<g transform="translate({i * WIDTH},0)">{panel}</g>' for i, panel in enumerate(panels))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="11"><rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )
    return finish_files({TARGET: svg}, check)


def draw_known_share(result: dict[str, Any]) -> str:
    """UAUC by the share of what decides that is known, with what the rows reach."""
    curve = [(float(share), mean) for share, (mean, _) in result["oracle"].items()]
    axes = draw_axes("UAUC by the share known", "share of what decides", [0, 0.25, 0.5, 0.75, 1], "{:.0%}", (0, 1))
    marks = []
    for name, row in result["known_share"].items():
        x, y = place((row["share"], row["uauc"]), (0, 1))
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#333"/>')
        if name in ("the aim", "a high aim"):
            marks.append(f'<text x="{x + 7:.1f}" y="{y + 9:.1f}" fill="#333">{row["uauc"]:.2f}</text>')
    return axes + draw_line(curve, (0, 1), "#1b6ca8") + "".join(marks)


def draw_learning_curves(result: dict[str, Any]) -> str:
    """UAUC by the number of train rows, of rows drawn (solid) and of users drawn (dashed)."""
    span = (math.log2(3000), math.log2(40000))
    ticks = [math.log2(rows) for rows in (4000, 8000, 16000, 32000)]
    drawn = draw_axes("UAUC by train rows", "train rows (solid: rows drawn, dashed: users)", ticks, "2^", span)
    for place_of, (name, colour) in enumerate(COLOURS.items()):
        for by in ("rows", "users"):
            points = sorted(
                (math.log2(p["n_rows"]), p["uauc"]) for p in result["curves"] if (p["scorer"], p["by"]) == (name, by)
            )
            drawn += draw_line(points, span, colour, dashed=by == "users")
        drawn += f'<text x="{LEFT + 8}" y="{TOP + 14 + 14 * place_of}" fill="{colour}">{name}</text>'
    return drawn


def place(point: tuple[float, float], span: tuple[float, float]) -> tuple[float, float]:
    """Pixels of (x, UAUC); UAUC runs from .6 to 1, or to .75 where the span is one of rows."""
    high = 1.0 if span == (0, 1) else 0.75
    x = LEFT + (point[0] - span[0]) / (span[1] - span[0]) * (WIDTH - LEFT - RIGHT)
    return x, HEIGHT - BOTTOM - (point[1] - 0.6) / (high - 0.6) * (HEIGHT - BOTTOM - TOP)


def draw_axes(title: str, label: str, ticks: list[float], form: str, span: tuple[float, float]) -> str:
    """Title, grid and labels; `form` "2^" prints powers of two as they are."""
    out = f'<text x="{LEFT}" y="18" font-weight="bold">{title}</text>'
    for value in (0.6, 0.7, 0.8, 0.9, 1.0) if span == (0, 1) else (0.6, 0.65, 0.7, 0.75):
        y = place((span[0], value), span)[1]
        out += f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        out += f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>'
    for tick in ticks:
        x = place((tick, 0.6), span)[0]
        text = f"{round(2**tick):,}" if form == "2^" else form.format(tick)
        out += f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{text}</text>'
    return out + f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{label}</text>'


def draw_line(points: Points, span: tuple[float, float], colour: str, *, dashed: bool = False) -> str:
    """One curve with its points."""
    pixels = [place(point, span) for point in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
    style = ' stroke-dasharray="4 3"' if dashed else ""
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in pixels)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{style}/>{dots}'


if __name__ == "__main__":
    sys.exit(main())
