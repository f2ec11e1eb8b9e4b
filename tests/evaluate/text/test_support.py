"""What a reason says of its target, and how much of it the target's texts bear out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from thinkrec.claims.citations import Catalogue, TitleResolver, find_citations
from thinkrec.claims.function_words import FUNCTION_WORDS, LIKING_WORDS
from thinkrec.data.dataset import Dataset
from thinkrec.errors import DataError
from thinkrec.evaluate.text.align import References, read_references
from thinkrec.evaluate.text.alone import collect_stems_about_targets, compute_support_metrics, find_named_targets
from thinkrec.evaluate.text.resources import explain_missing_items
from thinkrec.evaluate.text.row_items import NOUNS, RowItems, find_row_items
from thinkrec.evaluate.text.support import collect_content_stems, compute_support, find_clauses_about_target
from thinkrec.prompts.config import PromptConfig

TITLES = ["Harbour Lights (1990)", "The Long War (1991)", "Quiet Fields (1992)", "Iron Comet (1993)"]
ITEMS = pl.DataFrame(
    {
        "item_id": [1, 2, 3, 4],
        "title": TITLES,
        "keywords": [["slow"], ["battles"], ["farming"], ["spaceships"]],
        "plot": ["A lighthouse keeper grieves.", "Soldiers march.", None, "A crew is stranded."],
    }
)
ROWS = pl.DataFrame(
    {
        "user_id": ["a", "a", "a", "b", "b", "b"],
        "item_id": [2, 3, 1, 1, 2, 4],
        "label": [0, 1, 1, 0, 1, 1],
        "timestamp": [1, 2, 3, 1, 2, 3],
        "split": ["train", "valid", "test"] * 2,
        "order": [0, 1, 2, 3, 4, 5],
    }
)
REASONS = [
    "Yes. They liked 'Quiet Fields', and 'Harbour Lights' is slow too: a lighthouse keeper grieves for dragons.",
    "No. After 'The Long War' they want quiet, but 'Iron Comet' has a stranded crew and battles.",
]
TABLE = pl.DataFrame({"order": [2, 5], "user_id": ["a", "b"], "item_id": [1, 4], "reason": REASONS})


@pytest.fixture(scope="module")
def ds() -> Dataset:
    return Dataset.from_tables(ROWS, ITEMS)


@pytest.fixture(scope="module")
def references() -> References:
    return read_references(TABLE, "refs")


@pytest.fixture(scope="module")
def row_items(ds: Dataset, references: References) -> RowItems:
    return find_row_items(ds, TABLE, references, 10)


def read_clauses(text: str) -> list[str]:
    resolver = TitleResolver(Catalogue(TITLES), TITLES[1:3], TITLES[0])
    return [clause.strip() for clause in find_clauses_about_target(text, find_citations(text, resolver))]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("'Harbour Lights' is slow. They like war.", ["⟦0⟧ is slow."]),
        ("'The Long War' was loud, but 'Harbour Lights' is slow.", ["⟦1⟧ is slow."]),
        ("'Harbour Lights' is slow, while 'The Long War' was loud.", ["⟦0⟧ is slow"]),
        ("'Harbour Lights' is slow like 'Quiet Fields'.", ["⟦0⟧ is slow like ⟦1⟧."]),
        ("'Harbour Lights' is slow. It is warm. Its end is sad.", ["⟦0⟧ is slow.", "It is warm.", "Its end is sad."]),
        ("'Harbour Lights' is slow. They like war. It is loud.", ["⟦0⟧ is slow."]),
        ("'The Long War' was loud. It was long.", []),
        ("'Harbour Lights': a lighthouse.", ["⟦0⟧", "a lighthouse."]),
        ("'The Long War': a battle.", []),
        ("'Harbour Lights' is slow; the war is loud.", ["⟦0⟧ is slow"]),
        ("It is slow.", []),
        ("", []),
    ],
)
def test_clauses_about_the_target(text: str, clauses: list[str]) -> None:
    assert read_clauses(text) == clauses


def test_content_words_are_long_stemmed_and_no_function_words() -> None:
    assert collect_content_stems("The stories were grieving with 1999 ships, war and from") == {
        "stori",
        "griev",
        "ship",
    }
    assert collect_content_stems("films about boats that users liked", NOUNS) == {"boat"}
    assert collect_content_stems("") == frozenset()
    assert all(len(word) >= 4 for word in FUNCTION_WORDS | LIKING_WORDS)


def test_support_by_hand() -> None:
    said = [frozenset("ab"), frozenset("abcd"), frozenset()]
    np.testing.assert_array_equal(
        compute_support(said, [frozenset("a"), frozenset("abcd"), frozenset("a")]), [0.5, 1, np.nan]
    )


def test_rows_have_their_items(row_items: RowItems) -> None:
    assert row_items.target.tolist() == [0, 3]
    assert [case.target for case in row_items.cases] == [TITLES[0], TITLES[3]]
    assert row_items.cases[0].history == (TITLES[1], TITLES[2])
    assert row_items.list_item_texts(0) == [TITLES[0], "slow", "A lighthouse keeper grieves."]
    assert row_items.list_item_texts(2) == [TITLES[2], "farming"], "an empty text is none"
    assert {"film", "user", "items"} <= set(row_items.nouns)
    assert row_items.select_rows(np.array([False, True])).cases == row_items.cases[1:]


def test_the_reasons_by_hand(row_items: RowItems, references: References) -> None:
    texts = references.text
    citations = row_items.find_row_citations(texts)
    assert find_named_targets(citations).tolist() == [1, 1]
    said = collect_stems_about_targets(texts, citations, row_items)
    assert said[0] == {"slow", "lighthous", "keeper", "griev", "dragon"}
    assert said[1] == {"strand", "crew", "battl"}
    metrics = compute_support_metrics(said, row_items, seed=0)
    np.testing.assert_allclose(metrics["support"], [4 / 5, 2 / 3])
    np.testing.assert_allclose(metrics["support_elsewhere"], [0, 0])


def test_what_the_prompt_shows_is_less_than_what_the_tables_hold(
    ds: Dataset, references: References, row_items: RowItems
) -> None:
    said = [frozenset(("slow", "lighthous", "dragon")), frozenset(("strand", "crew"))]
    expected = {
        (): ([1 / 3, 0], "title, at most 10 keywords"),
        (("reason_text", "plot"),): ([2 / 3, 1], "title, plot, at most 10 keywords"),
        (("item_columns", ("plot",)), ("keywords", 0)): ([1 / 3, 1], "title, plot, at most 0 keywords"),
    }
    for keys, (values, words) in expected.items():
        items = find_row_items(ds, TABLE, references, 10, shown=PromptConfig.model_validate(dict(keys)))
        metrics = compute_support_metrics(said, items, seed=0)
        np.testing.assert_allclose(metrics["support_shown"], values)
        np.testing.assert_allclose(metrics["support"], [2 / 3, 1])
        assert items.describe_shown() == words
        assert items.select_rows(np.array([False, True])).shown is items.shown
    assert "support_shown" not in compute_support_metrics(said, row_items, seed=0)
    lacking = find_row_items(ds, TABLE, references, 10, shown=PromptConfig(reason_text="summary"))
    with pytest.raises(DataError, match="names `summary`"):
        compute_support_metrics(said, lacking, seed=0)


def test_a_metric_that_needs_a_prompt_says_so_without_one(row_items: RowItems) -> None:
    assert "trains a language model" in explain_missing_items(row_items)["support_shown"]
    assert explain_missing_items(replace(row_items, shown=PromptConfig())) == {}


def test_another_target_is_another_item(row_items: RowItems) -> None:
    same = RowItems(row_items.cases, np.array([3, 3]), row_items.items)
    said = [frozenset({"crew"})] * 2
    metrics = compute_support_metrics(said, same, seed=0)
    assert metrics["support"].tolist() == [1, 1]
    assert np.isnan(metrics["support_elsewhere"]).all(), "there is no other item"
    one = compute_support_metrics(said[:1], same.select_rows(np.array([True, False])), seed=0)
    assert np.isnan(one["support_elsewhere"]).tolist() == [True], "nor with one row"
    three = RowItems(row_items.cases * 2, np.array([3, 3, 0, 1]), row_items.items)
    elsewhere = compute_support_metrics([frozenset({"crew"})] * 4, three, seed=1)["support_elsewhere"]
    assert elsewhere[:2].tolist() == [0, 0] and np.nansum(elsewhere) > 0


def test_names_without_a_target_are_counted_as_such(row_items: RowItems) -> None:
    texts = ["Yes. They liked 'Quiet Fields'.", ""]
    citations = row_items.find_row_citations(texts)
    assert find_named_targets(citations).tolist() == [0, 0]
    assert collect_stems_about_targets(texts, citations, row_items) == [frozenset()] * 2


def test_rows_that_the_data_does_not_have_are_refused(ds: Dataset, references: References) -> None:
    moved = TABLE.with_columns(order=pl.Series([2, 50]))
    with pytest.raises(DataError, match=r"names rows that the run does not have \(row 2: 50"):
        bare = moved.drop("item_id")
        find_row_items(ds, bare, read_references(bare, "refs"), 10)
    other = TABLE.with_columns(item_id=pl.Series([1, 9]))
    with pytest.raises(DataError, match="names rows that the run does not have"):
        find_row_items(ds, other, read_references(other, "refs"), 10)


def test_rows_are_found_by_user_and_item_where_the_order_moved(ds: Dataset) -> None:
    moved = TABLE.with_columns(order=pl.Series([0, 5]))
    assert find_row_items(ds, moved, read_references(moved, "refs"), 10).target.tolist() == [0, 3]


def test_items_without_texts_are_known_as_such(row_items: RowItems) -> None:
    bare = Dataset.from_tables(ROWS, ITEMS.select("item_id", "title"))
    items = RowItems(row_items.cases, row_items.target, bare.items)
    assert row_items.has_texts and not items.has_texts
    assert items.list_item_texts(0) == [TITLES[0]]
