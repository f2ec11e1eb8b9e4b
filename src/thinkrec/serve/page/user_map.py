"""The map of users as paths of a drawing: one per group, a dot per user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thinkrec.serve.values import MapPoint

WIDTH, HEIGHT, MARGIN = 320, 220, 14
"""Of the drawing, in its own units."""


@dataclass(frozen=True)
class UserMap:
    """Where everybody stands, in the drawing's units."""

    paths: tuple[tuple[int | None, str], ...]
    """(group, path): a line of length zero per user, which round ends make a dot."""
    scale: tuple[float, float, float, float]
    """(left, top, units per x, units per y) of the map's coordinates."""

    def locate(self, position: tuple[float, float]) -> tuple[float, float]:
        """A position of the map in the drawing; one outside stands at its edge."""
        left, top, per_x, per_y = self.scale
        x, y = MARGIN + (position[0] - left) * per_x, MARGIN + (top - position[1]) * per_y
        return min(WIDTH - 6.0, max(6.0, x)), min(HEIGHT - 6.0, max(6.0, y))


def build_map(points: Sequence[MapPoint]) -> UserMap:
    """The drawing of all users; empty without any."""
    if not points:
        return UserMap((), (0.0, 0.0, 0.0, 0.0))
    xs, ys = [point.x for point in points], [point.y for point in points]
    wide, tall = max(xs) - min(xs), max(ys) - min(ys)
    scale = min(xs), max(ys), (WIDTH - 2 * MARGIN) / (wide or 1), (HEIGHT - 2 * MARGIN) / (tall or 1)
    empty = UserMap((), scale)
    dots: dict[int | None, list[str]] = {}
    for point in points:
        x, y = empty.locate((point.x, point.y))
        dots.setdefault(point.group, []).append(f"M{x:.1f} {y:.1f}h0")
    groups = sorted(dots, key=lambda group: -1 if group is None else group)
    return UserMap(tuple((group, "".join(dots[group])) for group in groups), scale)
