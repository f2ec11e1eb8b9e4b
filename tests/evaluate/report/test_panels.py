"""Charts in a grid: one file, placed line by line, that loads nothing."""

from __future__ import annotations

from thinkrec.evaluate.report.panels import draw_panels


def test_panels_stand_in_lines_and_nothing_is_loaded() -> None:
    svg = draw_panels(["<a/>", "<b/>", "<c/>"], "x < y", 100, 50, columns=2)
    assert 'viewBox="0 0 200 100"' in svg and "<title>x &lt; y</title>" in svg
    places = [svg.index(text) for text in ('translate(0 0)"><a/>', 'translate(100 0)"><b/>', 'translate(0 50)"><c/>')]
    assert places == sorted(places)
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "") and "svg { display: block" not in svg
