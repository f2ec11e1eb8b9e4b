"""Calibration of several models as JSON values, the table and the figure of them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
from rich.console import Console

from thinkrec.evaluate.calibration import measure_calibrations
from thinkrec.evaluate.calibration_table import HEADINGS, format_calibration_cells, render_calibration_table
from thinkrec.evaluate.metrics.equal_mass import compute_probabilities
from thinkrec.evaluate.report.reliability_figure import draw_reliability


def measure() -> list[dict]:
    rng = np.random.default_rng(0)
    score = rng.normal(size=500)
    label = (rng.random(500) < compute_probabilities(score)).astype(int)
    return measure_calibrations(
        rng.integers(40, size=500), label, {"a & b": score, "constant": np.zeros(500)}, bins=5, draws=100
    )


def test_entries_are_json_with_a_bin_for_every_fifth() -> None:
    entries = json.loads(json.dumps(measure(), allow_nan=False))
    first, constant = entries
    assert [one["rows"] for one in first["bins"]] == [100] * 5 and first["rows"] == 500
    assert first["error"]["low"] <= first["error"]["value"] <= first["error"]["high"]
    assert all(one["low"] <= one["observed"] <= one["high"] for one in first["bins"])
    assert constant["slope"] == {"value": None, "low": None, "high": None} and len(constant["bins"]) == 1


def test_the_table_says_what_is_not_defined() -> None:
    entries = measure()
    assert format_calibration_cells(entries[1])[-1] == "-"
    assert len(format_calibration_cells(entries[0])) == len(HEADINGS)
    console = Console(width=140, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render_calibration_table(entries, "t"))
    assert "500 rows of 40 users" in console.export_text()


def test_the_figure_is_one_svg_with_a_panel_for_each_model() -> None:
    root = ElementTree.fromstring(draw_reliability(measure()))
    spaces = {"s": "http://www.w3.org/2000/svg"}
    panels = root.findall("s:g", spaces)
    assert len(panels) == 2 and panels[0].find("s:text", spaces).text == "a & b"
    assert [len(panel.findall("s:circle", spaces)) for panel in panels] == [5, 1]
    heights = [float(dot.get("cy")) for dot in panels[0].findall("s:circle", spaces)]
    assert heights == sorted(heights, reverse=True), "the more is promised, the more is liked"
