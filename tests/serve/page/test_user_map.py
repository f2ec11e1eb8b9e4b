"""The map: every user a dot inside the drawing."""

from __future__ import annotations

import re

from thinkrec.serve.page.user_map import HEIGHT, MARGIN, WIDTH, build_map
from thinkrec.serve.values import MapPoint


def test_every_user_is_a_dot_of_their_group_inside_the_drawing() -> None:
    points = [MapPoint(n, float(n), float(-n), n % 2 + 1 if n else None) for n in range(7)]
    drawn = build_map(points)
    assert [group for group, _ in drawn.paths] == [None, 1, 2]
    dots = [tuple(map(float, dot)) for _, path in drawn.paths for dot in re.findall(r"M(\S+) (\S+)h0", path)]
    assert len(dots) == 7
    assert {min(x for x, _ in dots), max(x for x, _ in dots)} == {MARGIN, WIDTH - MARGIN}
    assert {min(y for _, y in dots), max(y for _, y in dots)} == {MARGIN, HEIGHT - MARGIN}
    # Up in the drawing is up on the map.
    assert drawn.locate((0.0, 0.0))[1] < drawn.locate((0.0, -6.0))[1]


def test_who_stands_outside_is_drawn_at_the_edge() -> None:
    drawn = build_map([MapPoint(1, 0.0, 0.0, None), MapPoint(2, 1.0, 1.0, None)])
    x, y = drawn.locate((50.0, -50.0))
    assert 0 < x < WIDTH and 0 < y < HEIGHT


def test_nobody_and_one_user_are_no_fault() -> None:
    assert build_map([]).paths == ()
    assert len(build_map([MapPoint(1, 2.0, 2.0, 1)]).paths) == 1
