"""A chart as a picture of its own."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

from thinkrec.evaluate.report.drawing import _FILL, Drawing, draw_user_map
from thinkrec.evaluate.report.style import CSS
from thinkrec.evaluate.report.user_map import build_user_map

SVG = "{http://www.w3.org/2000/svg}"


def draw(n: int = 12) -> Drawing:
    rng = np.random.default_rng(0)
    vectors, group = rng.normal(size=(n, 3)), np.arange(n) % 2

    def gate(points: np.ndarray) -> np.ndarray:
        return np.stack([points[:, 0] > 0, points[:, 0] <= 0, np.zeros(len(points))], axis=1).astype(float)

    return draw_user_map(build_user_map(vectors, group, gate, width=8, height=6))


def test_the_picture_is_whole_by_itself(tmp_path: Path) -> None:
    drawing = draw()
    path = drawing.save(tmp_path / "pictures" / "map.svg")
    root = ElementTree.parse(path).getroot()
    assert root.tag == f"{SVG}svg" and len(root.findall(f"{SVG}style")) == 1
    assert _FILL in CSS and _FILL not in drawing.svg
    assert len(root.findall(f"{SVG}svg//{SVG}circle")) == 12
    texts = [element.text or "" for element in root.findall(f"{SVG}text")]
    assert texts[0].startswith("Map of 12 user vectors") and texts[1:3] == ["group 1", "group 2"]
    assert any("global adapter alone" in text for text in texts) and any("expert 1 alone" in text for text in texts)
    bottom = max(float(element.get("y", "0")) for element in root.findall(f"{SVG}text"))
    assert bottom < float(root.get("height", "0"))
    assert "http" not in path.read_text().replace("http://www.w3.org/2000/svg", "")


def test_a_notebook_gets_an_image_that_keeps_its_style_to_itself() -> None:
    drawing = draw()
    page = drawing._repr_html_()
    assert page.startswith("<img ") and page.count("<") == 1
    content = page.partition("base64,")[2].partition('"')[0]
    assert base64.b64decode(content).decode("utf-8") == drawing.svg
    assert len(repr(drawing)) < 200
