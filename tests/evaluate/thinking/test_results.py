"""The table of thinking first: metrics, paired differences, costs, and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.ranking import compute_auc, compute_uauc
from thinkrec.evaluate.thinking.results import ScoredSystem, evaluate_thinking, write_thinking
from thinkrec.evaluate.thinking.table import DIAGNOSIS, render_thinking_table

RNG = np.random.default_rng(0)
USER, LABEL = np.repeat(np.arange(20), 6), RNG.integers(2, size=120)
BAD, GOOD = RNG.normal(size=120), LABEL + RNG.normal(size=120)
SYSTEMS = {"one pass": ScoredSystem(BAD, 0, 200.0, 0.0, 0.011), "2 plans": ScoredSystem(GOOD, 2, 210.0, 34.5)}


def evaluate(**changes):
    options = {"reference": "one pass", "diagnosis": {"within": 0.5}, "draws": 100, **changes}
    return evaluate_thinking(USER, LABEL, SYSTEMS, **options)


def test_values_and_differences_are_those_of_the_metrics() -> None:
    results = evaluate()
    for name, scores in (("one pass", BAD), ("2 plans", GOOD)):
        metrics = results.rows[name].metrics
        assert metrics["auc"].value == compute_auc(LABEL, scores)
        assert metrics["uauc"].value == compute_uauc(USER, LABEL, scores)
        assert metrics["auc"].low is not None and metrics["auc"].low < metrics["auc"].value
    pair = results.rows["2 plans"].differences
    assert results.rows["one pass"].differences is None and pair is not None
    assert pair["auc"].difference == pytest.approx(compute_auc(LABEL, GOOD) - compute_auc(LABEL, BAD))
    assert pair["auc"].low < pair["auc"].difference < pair["auc"].high
    assert (results.n_rows, results.n_users) == (120, 20)


def test_the_table_and_the_file_say_it_all(tmp_path: Path) -> None:
    results = evaluate(diagnosis={name: 0.25 for name in DIAGNOSIS})
    console = Console(width=160, record=True, file=(tmp_path / "out").open("w"))
    console.print(render_thinking_table(results, {"one pass": "the usual score"}, clock="processor time"))
    text = console.export_text()
    for words in ("one pass: the usual score", "processor time", "11.0", "34", "different plans a row, of 2", ".250"):
        assert words in text, words
    write_thinking(tmp_path / "t.json", results, {"seed": 0})
    stored = json.loads((tmp_path / "t.json").read_text())
    assert stored["schema"] == "thinkrec-thinking/1" and stored["provenance"] == {"seed": 0}
    assert stored["rows"]["2 plans"]["tokens_written"] == 34.5
    assert stored["rows"]["2 plans"]["seconds"] is None
    assert stored["diagnosis"]["within"] == 0.25


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="no system is called 'two passes'; there are: one pass, 2 plans"):
        evaluate(reference="two passes")
    with pytest.raises(DataError, match="119 scores of 'one pass' for 120 rows"):
        short = {"one pass": ScoredSystem(BAD[1:], 0, 1.0, 0.0)}
        evaluate_thinking(USER, LABEL, short, reference="one pass", diagnosis={})
