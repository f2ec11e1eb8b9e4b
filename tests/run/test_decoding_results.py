"""The choice among settings, its table and its file, from values by hand."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from thinkrec.data.dataset import Dataset
from thinkrec.decoding.config import DecodingConfig
from thinkrec.errors import DataError
from thinkrec.evaluate.grounding.results import GroundingMetric, compute_metric_difference
from thinkrec.evaluate.metrics.bootstrap import PairedDifference, summarise_draws
from thinkrec.evaluate.text.align import read_references
from thinkrec.evaluate.text.alone import compute_metrics_alone
from thinkrec.evaluate.text.compare import compute_text_metrics, merge_values
from thinkrec.evaluate.text.metric_types import MetricResources
from thinkrec.evaluate.text.row_items import find_row_items
from thinkrec.run.decoding_grid import WriterSettings
from thinkrec.run.decoding_results import (
    DecodingResults,
    list_aimed_values,
    render_settings_table,
    summarise_settings,
    write_settings_results,
)
from thinkrec.run.decoding_trial import SettingResult

ITEMS = pl.DataFrame(
    {"item_id": [1, 2, 3], "title": ["Harbour", "Comet", "Fields"], "keywords": [["slow"], ["crew"], ["farm"]]}
)
ROWS = pl.DataFrame(
    {
        "user_id": ["a", "a", "a", "b", "b", "b"],
        "item_id": [2, 1, 3, 1, 2, 3],
        "label": [1, 1, 0, 0, 1, 0],
        "timestamp": [1, 2, 3, 1, 2, 3],
        "split": ["train", "valid", "test"] * 2,
        "order": [0, 1, 2, 3, 4, 5],
    }
)
WRITTEN = ["Yes. They liked 'Comet', and 'Harbour' is slow and sad.", "Yes. 'Comet' has a crew and brave heroes."]
TABLE = pl.DataFrame({"order": [1, 4], "user_id": ["a", "b"], "reason": WRITTEN})
LOOPS = ["Yes. It is a film and it is a film and it is a film."] * 2
USUAL = WriterSettings(citation_policy="polarity", max_citations=1, reason_tokens=20, decoding=DecodingConfig())


@pytest.fixture(scope="module")
def results() -> DecodingResults:
    ds, references = Dataset.from_tables(ROWS, ITEMS), read_references(TABLE, "refs")
    items = find_row_items(ds, TABLE, references, 10)
    tools = MetricResources(row_items=items)

    def measure(texts: list[str], **changes) -> SettingResult:
        values = merge_values(compute_text_metrics(texts, references.text, tools), compute_metrics_alone(texts, tools))
        return SettingResult(USUAL.model_copy(update=changes), values, {}, 3.0, 2.0)

    measured = [
        measure(LOOPS, citation_policy="any"),
        measure(WRITTEN, citation_policy="any", decoding=DecodingConfig(no_repeat_ngram=3)),
        measure(LOOPS),
        measure(WRITTEN, citation_policy="history"),
    ]
    alone = compute_metrics_alone(references.text, tools)
    return summarise_settings(measured, USUAL, references, alone, items, draws=100, seed=0)


def test_the_best_without_a_rule_and_the_best_with_one_are_chosen(results: DecodingResults) -> None:
    assert list(results.settings) == ["any", "any, no_repeat_ngram=3", "polarity", "history"]
    assert results.chosen == ("any, no_repeat_ngram=3", "history")
    assert results.shortfalls["any"] > results.shortfalls["any, no_repeat_ngram=3"]
    assert results.shortfalls["polarity"] > results.shortfalls["any"], "the aims under a rule are higher, and one more"


def test_values_are_shares_of_which_more_is_better(results: DecodingResults) -> None:
    loops, written = list_aimed_values(results, "any"), list_aimed_values(results, "history")
    assert loops["not_repeated"] == pytest.approx(1 - loops["repeated_4grams"]) and loops["repeated_4grams"] > 0.3
    assert written["not_repeated"] == 1 and written["distinct_words_share"] == pytest.approx(1)
    assert np.isnan(loops["stated_side_right"]), "what was not measured has no value"
    assert results.get_estimate("history", "meteor_no_synonyms").value > 0.9


def test_claims_are_compared_on_the_same_draws(results: DecodingResults) -> None:
    first, *others = results.settings.values()
    drawn = np.array([0.5, 0.6, np.nan, 0.7])

    def claim(value: float, drawn: np.ndarray) -> dict[str, GroundingMetric]:
        one = summarise_draws(value, drawn, level=0.95)
        return {"stated_side_right": GroundingMetric(one, one, PairedDifference(0.0, 0.0, 0.0, 0.5), 9, drawn)}

    grounded = {
        "any": dataclasses.replace(first, grounding=claim(0.6, drawn)),
        **{n: dataclasses.replace(r, grounding=claim(0.8, drawn + 0.2)) for n, r in zip("bc", others, strict=False)},
    }
    texts = dataclasses.replace(results.texts, against={})
    compared = dataclasses.replace(results, settings=grounded, texts=texts)
    assert compared.compare_first("any") == {}
    difference = compared.compare_first("b")["stated_side_right"]
    assert (difference.difference, difference.low, difference.high) == pytest.approx((-0.2, -0.2, -0.2))
    shorter = {"stated_side_right": dataclasses.replace(claim(0.6, drawn)["stated_side_right"], drawn=drawn[:2])}
    with pytest.raises(DataError, match="2 and 4 draws"):
        compute_metric_difference(shorter["stated_side_right"], grounded["b"].grounding["stated_side_right"])


def test_the_table_and_the_file_hold_every_setting(results: DecodingResults, tmp_path: Path) -> None:
    console = Console(width=220, record=True)
    console.print(render_settings_table(results, "Settings"))
    text = console.export_text()
    assert "the references" in text and "no_repeat_ngram=3" in text and "aims without a rule" in text
    write_settings_results(tmp_path / "x.json", results, {"run": "r"})
    content = json.loads((tmp_path / "x.json").read_text())
    assert content["chosen"] == list(results.chosen) and content["provenance"] == {"run": "r"}
    assert content["settings"]["any"]["first_minus_this"] == {}
    difference = content["settings"]["history"]["first_minus_this"]["meteor_no_synonyms"]["difference"]
    assert difference < 0, "the first setting loops"
    assert content["settings"]["history"]["cpu_seconds"] == 2 and content["references"]["repeated_4grams"]["value"] == 0
