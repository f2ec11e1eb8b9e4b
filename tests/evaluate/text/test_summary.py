"""A table of text metrics: means, differences to the first, what is not available, and the file."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from thinkrec.evaluate.text.align import References
from thinkrec.evaluate.text.compare import MetricResources, TextMetricValues, compute_text_metrics
from thinkrec.evaluate.text.render import NOT_AVAILABLE, render_text_results
from thinkrec.evaluate.text.summary import TextResults, build_row_table, summarise_texts, write_text_metrics

TEXTS = ("the grey sea was calm", "a quiet storm over the hills", "two boats by the shore", "the last day of winter")
REFERENCES = References(np.array([3, 4, 8, 9]), np.array([1, 1, 2, 3]), TEXTS, "r.csv")
RESOURCES = MetricResources(unavailable={"bleurt": "no checkpoint was given"})


@pytest.fixture(scope="module")
def systems() -> dict[str, TextMetricValues]:
    other = ("the grey sea", "a storm", "two boats by the shore", "summer")
    return {
        "same": compute_text_metrics(TEXTS, TEXTS, RESOURCES),
        "other": compute_text_metrics(other, TEXTS, RESOURCES),
    }


@pytest.fixture(scope="module")
def results(systems: dict[str, TextMetricValues]) -> TextResults:
    return summarise_texts(
        systems, REFERENCES, RESOURCES, draws=50, baselines=("other",), remarks=("One is left out.",)
    )


def test_estimates_are_means_over_the_rows(systems: dict[str, TextMetricValues], results: TextResults) -> None:
    assert results.estimates["same"]["rouge_l"].value == pytest.approx(1.0)
    assert results.estimates["other"]["rouge_l"].value == pytest.approx(systems["other"].rows["rouge_l"].mean())
    difference = results.against["other"]["rouge_l"]
    expected = (systems["same"].rows["rouge_l"] - systems["other"].rows["rouge_l"]).mean()
    assert difference.difference == pytest.approx(expected)
    assert set(results.against) == {"other"}
    assert (results.n_rows, results.n_users) == (4, 3)


def test_the_row_table_has_a_line_per_system_and_row(systems: dict[str, TextMetricValues]) -> None:
    table = build_row_table(systems, REFERENCES)
    assert table["system"].to_list() == ["same"] * 4 + ["other"] * 4
    assert table["order"].to_list() == [3, 4, 8, 9] * 2
    assert table["user_id"].to_list() == [1, 1, 2, 3] * 2
    np.testing.assert_allclose(table["rouge_l"].to_numpy()[4:], systems["other"].rows["rouge_l"])
    assert "corpus_bleu" not in table.columns, "it is of all rows together"


def test_the_printed_table_says_what_is_not_there(results: TextResults) -> None:
    out = StringIO()
    Console(file=out, width=200).print(render_text_results(results, "Texts"))
    text = out.getvalue()
    assert "1.000" in text and NOT_AVAILABLE in text
    assert "BLEURT: not available: no checkpoint was given." in " ".join(text.split())
    assert "One is left out." in text and "4 rows of 3 users" in text
    assert "same minus" in text


def test_the_file_has_no_value_that_is_not_a_number(tmp_path: Path, results: TextResults) -> None:
    write_text_metrics(tmp_path / "text-metrics.json", results, {"made": "here"}, {"same": {"share": 1.0}})
    content = json.loads((tmp_path / "text-metrics.json").read_text())
    assert content["schema"] == "thinkrec-text-metrics/2"
    assert content["estimates"]["same"]["rouge_l"]["value"] == pytest.approx(1.0)
    assert (content["provenance"], content["grounding"]) == ({"made": "here"}, {"same": {"share": 1.0}})
