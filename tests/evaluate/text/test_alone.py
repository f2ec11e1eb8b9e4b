"""Metrics of texts without references: what is measured with what is there, and what is said of the rest."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from thinkrec.data.dataset import Dataset
from thinkrec.evaluate.text import wordnet
from thinkrec.evaluate.text.align import read_references
from thinkrec.evaluate.text.alone import compute_metrics_alone, find_quoted_titles
from thinkrec.evaluate.text.dictionary import Dictionary
from thinkrec.evaluate.text.metric_types import ALONE, COMPARED, TITLES, MetricResources
from thinkrec.evaluate.text.policies import describe_omissions_alone, describe_policies
from thinkrec.evaluate.text.reason_tables import TextComparison, compare_reason_tables
from thinkrec.evaluate.text.render import NOT_AVAILABLE, format_table_notes, render_text_results
from thinkrec.evaluate.text.resources import load_metric_resources
from thinkrec.evaluate.text.row_items import RowItems, find_row_items
from thinkrec.evaluate.text.summary import REFERENCES, build_row_table, write_text_metrics

ITEMS = pl.DataFrame(
    {
        "item_id": [1, 2, 3],
        "title": ["Harbour Lights (1990)", "The Long War (1991)", "Iron Comet (1993)"],
        "keywords": [["slow"], ["battles"], ["spaceships"]],
        "plot": ["A lighthouse keeper grieves.", "Soldiers march home.", "A crew is stranded."],
    }
)
ROWS = pl.DataFrame(
    {
        "user_id": ["a", "a", "b", "b", "c", "c"],
        "item_id": [2, 1, 3, 2, 1, 3],
        "label": [0, 1, 1, 0, 1, 1],
        "timestamp": [1, 2, 1, 2, 1, 2],
        "split": ["train", "test", "valid", "test", "train", "test"],
        "order": [0, 1, 2, 3, 4, 5],
    }
)
WRITTEN = pl.DataFrame(
    {
        "order": [1, 3, 5],
        "user_id": ["a", "b", "c"],
        "item_id": [1, 2, 3],
        "reason": [
            "Yes. 'Harbour Lights' is a slow story of a keeper who grieves.",
            "No. In 'The Long War' soldiers march and battles rage.",
            "Yes. 'Iron Comet' strands a crew of explorers in the cold.",
        ],
    }
)
LOOPS = WRITTEN.select(
    "order",
    reason=pl.Series(
        [
            "Yes. 'Harbour Lights' is a moral and a moral and a moral and a moral.",
            "No.",
            "Yes. It is a sincome and a sincome and a sincome.",
        ]
    ),
)


@dataclass(frozen=True)
class CountingModel:
    """A stand-in for a reference model: a nat for every word."""

    name: str = "counting"

    def score(self, texts: Sequence[str], *, progress: bool = False) -> np.ndarray:
        return np.array([len(text.split()) if text else np.nan for text in texts], dtype=np.float64)

    def count_truncated(self, texts: Sequence[str]) -> int:
        return sum(len(text.split()) > 12 for text in texts)


@pytest.fixture(scope="module")
def row_items() -> RowItems:
    return find_row_items(Dataset.from_tables(ROWS, ITEMS), WRITTEN, read_references(WRITTEN, "refs"), 10)


@pytest.fixture(scope="module")
def resources(row_items: RowItems) -> MetricResources:
    patch = pytest.MonkeyPatch()
    patch.setattr(wordnet, "_PLACES", ())
    loaded = load_metric_resources(row_items=row_items)
    patch.undo()
    return MetricResources(
        unavailable=loaded.unavailable, dictionary=loaded.dictionary, likelihood=CountingModel(), row_items=row_items
    )


@pytest.fixture(scope="module")
def comparison(resources: MetricResources, tmp_path_factory: pytest.TempPathFactory) -> TextComparison:
    path = tmp_path_factory.mktemp("tables") / "loops.parquet"
    LOOPS.write_parquet(path)
    references = read_references(WRITTEN, "refs")
    return compare_reason_tables({"loops": path}, references, resources, baseline=True, draws=100)


def test_values_by_hand(comparison: TextComparison) -> None:
    estimates = comparison.results.estimates
    loops, written = estimates["loops"], estimates[REFERENCES]
    # 15 words, 12 sequences, 7 different; 11 words, 8 sequences, 6 different; "No." has none.
    assert loops["repeated_4grams"].value == pytest.approx((5 / 12 + 2 / 8) / 2)
    assert written["repeated_4grams"].value == 0
    # moral, sincome of 13 + 1 + 11 words outside titles.
    assert loops["distinct_words"].value == pytest.approx(1000 * 2 / 25)
    # slow story keeper grieves soldiers march battles rage strands crew explorers cold of 10 + 7 + 9.
    assert written["distinct_words"].value == pytest.approx(1000 * 12 / 26)
    assert loops["distinct_words_share"].value == pytest.approx((2 / 25) / (12 / 26))
    assert "distinct_words_share" not in written
    # Of Yes is sincome and sincome and sincome: single letters are no words.
    assert loops["unknown_words"].value == pytest.approx((0 + 0 + 3 / 8) / 3)
    assert written["unknown_words"].value == 0
    assert loops["likelihood"].value == pytest.approx((15 + 1 + 11) / 3)
    assert (loops["target_named"].value, written["target_named"].value) == (pytest.approx(1 / 3), 1)
    # moral; slow story keeper griev, soldier march battl rage, strand crew explor cold.
    assert (loops["support"].value, written["support"].value) == (0, pytest.approx((3 / 4 + 3 / 4 + 2 / 4) / 3))
    assert written["support_elsewhere"].value == 0


def test_the_references_are_a_row_that_is_compared(comparison: TextComparison) -> None:
    results = comparison.results
    assert list(results.estimates) == ["loops", "reference of another row", "loops, reason of another row", REFERENCES]
    assert results.baselines == tuple(list(results.estimates)[1:3])
    assert set(results.estimates[REFERENCES]) == set(ALONE) - {"distinct_words_share", "support_shown"}
    assert set(results.against[REFERENCES]) == set(results.estimates[REFERENCES])
    assert results.against[REFERENCES]["support"].difference == pytest.approx(-2 / 3)
    assert not set(results.estimates["reference of another row"]) & set(ALONE), "chance changes nothing in a text"
    assert set(results.policies) == (set(TITLES) - {"meteor", "bleurt", "similarity", "support_shown"})


def test_what_is_left_out_and_unknown_is_said(comparison: TextComparison) -> None:
    remarks = comparison.results.remarks_alone
    assert "repeated 4-grams: 1 of 3 texts of loops have fewer than 4 words. Left out of the mean." in remarks
    assert (
        "support: 2 of 3 texts of loops say nothing of their target that is counted. Left out of the mean." in remarks
    )
    assert "unknown words of loops, with how often: sincome (3)." in remarks
    assert "nats a token: 1 texts of loops are longer than its input and were cut." in remarks
    assert not any(REFERENCES in remark for remark in remarks)
    assert comparison.results.remarks == (), "the references of METEOR have tokens enough"


def test_tables_show_both_kinds(comparison: TextComparison) -> None:
    out = StringIO()
    Console(file=out, width=160).print(render_text_results(comparison.results, "Reasons"))
    text = " ".join(out.getvalue().split())
    for words in (
        "The same texts by themselves",
        "distinct words per 1,000",
        "support by another item",
        REFERENCES,
        "462",
    ):
        assert words in text
    notes = format_table_notes(comparison.results)
    assert any(
        note.startswith("nats a token: mean of -ln p") and "counting" in note and "never alone" in note
        for note in notes
    )
    assert any(note.startswith("support: ") and "(columns: plot)" in note for note in notes)
    assert any(note.startswith(f"BLEURT: {NOT_AVAILABLE}") for note in notes)


def test_the_files_hold_them(comparison: TextComparison, tmp_path: Path) -> None:
    write_text_metrics(tmp_path / "m.json", comparison.results, {})
    content = json.loads((tmp_path / "m.json").read_text())
    assert content["schema"] == "thinkrec-text-metrics/2"
    assert content["estimates"]["loops"]["support"]["value"] == 0
    table = build_row_table(comparison.systems, comparison.references)
    assert set(table["system"]) == set(comparison.results.estimates)
    loops = table.filter(system="loops")
    assert loops["unknown_words"].to_list() == [0, 0, pytest.approx(3 / 8)]
    assert loops["repeated_4grams"].to_list()[1] is None
    assert table.filter(system=REFERENCES)["rouge_l"].to_list() == [None] * 3


def test_without_a_run_only_the_texts_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordnet, "_PLACES", ())
    tools = load_metric_resources()
    values = compute_metrics_alone(["Yes. 'The Sea' is as slow as 'War'.", ""], tools)
    assert list(values.rows) == ["repeated_4grams"]
    assert values.word_use is not None
    assert values.word_use.distinct == ({"slow"}, frozenset())
    assert values.word_use.words.tolist() == [5, 0]
    assert tools.unavailable is not None
    for metric in ("unknown_words", "target_named", "support", "support_elsewhere"):
        assert "give --run RUN" in tools.unavailable[metric]
    assert "give --reference-model SOURCE" in tools.unavailable["likelihood"]
    assert set(describe_policies(tools)) & set(ALONE) == {"repeated_4grams", "distinct_words", "distinct_words_share"}
    assert "titles (in quotes with a capital or digit)" in describe_policies(tools)["distinct_words"]


def test_quotations_are_titles_where_no_items_are_known() -> None:
    texts = ["'The Sea', \"War\" and 'a word'", ""]
    assert [[title.text for title in cited] for cited in find_quoted_titles(texts)] == [["The Sea", "War"], []]


def test_without_the_dictionary_its_metric_is_not_available(
    row_items: RowItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wordnet, "_PLACES", ())
    monkeypatch.setitem(sys.modules, "spellchecker", None)
    tools = load_metric_resources(row_items=row_items)
    assert tools.dictionary is None and tools.unavailable is not None
    assert 'pip install "thinkrec[text]"' in tools.unavailable["unknown_words"]
    assert "support" not in tools.unavailable


def test_items_without_texts_support_nothing(row_items: RowItems, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordnet, "_PLACES", ())
    bare = Dataset.from_tables(ROWS, ITEMS.select("item_id", "title")).items
    tools = load_metric_resources(row_items=RowItems(row_items.cases, row_items.target, bare))
    assert tools.unavailable is not None
    assert "nothing but titles" in tools.unavailable["support"] and "target_named" not in tools.unavailable
    values = compute_metrics_alone(WRITTEN["reason"].to_list(), tools)
    assert values.rows["target_named"].tolist() == [1, 1, 1] and "support" not in values.rows
    assert "support" not in describe_policies(tools) and "target_named" in describe_policies(tools)


def test_partial_tables_keep_the_items_of_their_rows(resources: MetricResources, tmp_path: Path) -> None:
    extra = pl.concat([WRITTEN.select("order", "reason")[1:], pl.DataFrame({"order": [9], "reason": ["No."]})])
    extra.write_parquet(tmp_path / "two.parquet")
    references = read_references(WRITTEN, "refs")
    found = compare_reason_tables({"two": tmp_path / "two.parquet"}, references, resources, partial=True, draws=100)
    assert found.references.order.tolist() == [3, 5]
    assert found.results.estimates["two"]["target_named"].value == 1
    assert found.results.estimates["two"]["support"].value == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert "1 of 3 reasons of two.parquet have no reference and are left out." in found.results.remarks[0]


def test_unknown_words_are_shown_by_how_often_they_stand(resources: MetricResources) -> None:
    words = [f"zq{letter * 3}" for letter in "abcdefghij"]
    values = compute_metrics_alone(
        [" ".join(words + words[:1]), "Yes", ""], MetricResources(dictionary=Dictionary(frozenset({"yes"}), "d"))
    )
    (_, remark) = describe_omissions_alone({"mine": values})[-2:]
    assert remark.startswith("unknown words of mine, with how often: zqaaa (2), ") and remark.endswith(" and 2 others.")


def test_titles_are_distinct() -> None:
    assert len(set(TITLES.values())) == len(COMPARED) + len(ALONE)
