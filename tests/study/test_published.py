"""The collection of published figures: whole, within bounds, and the paper's own where they are well known."""

from __future__ import annotations

import pytest

from thinkrec.errors import RecipeError
from thinkrec.study.config import PublishedFigures
from thinkrec.study.published import find_published_figures, list_other_figures, load_collection


def test_every_figure_has_a_source_and_lies_between_nothing_and_one() -> None:
    collection = load_collection()
    assert len(collection) == 24 + 12 + 9 + 4 + 5 + 17 + 4 + 4
    for key, values in collection.items():
        figures = [value for name, value in values.items() if name != "source" and value is not None]
        assert values["source"] and figures and all(0 < value < 1 for value in figures), key


def test_figures_by_key() -> None:
    paper = find_published_figures("thinkrec-table-2/ml1m/ThinkRec")
    assert (paper.auc, paper.uauc, paper.ndcg, paper.map) == (0.7764, 0.6775, 0.7747, 0.4774)
    assert "Table 2" in paper.source
    sail = find_published_figures("elsewhere/ml1m/SAILRec")
    assert (sail.auc, sail.uauc, sail.ndcg) == (0.7571, None, None)
    cross = find_published_figures("thinkrec-table-6/book/from ml1m")
    assert (cross.auc, cross.uauc, cross.ndcg) == (0.8001, None, 0.6197)
    own = PublishedFigures(source="here", auc=0.5)
    assert find_published_figures(own) is own


def test_the_rest_of_a_published_table_is_found_beside_it() -> None:
    others = list_other_figures(["thinkrec-table-2/ml1m/MF", "cora-reruns/ml1m/BinLLM"])
    table_2 = ["LightGCN", "SASRec", "gSASRec", "Prompt4NR", "TALLRec", "CoLLM", "ThinkRec"]
    assert [row for row, _ in others] == [*table_2, "TALLRec", "CoLLM-MF", "CoLLM-SASRec"]
    assert others[6][1].auc == 0.7764 and list_other_figures([]) == []


def test_an_unknown_key_is_answered_with_those_like_it() -> None:
    with pytest.raises(RecipeError, match="thinkrec-table-2/ml1m/LightGCN"):
        find_published_figures("thinkrec-table-2/ml1m/LigthGCN")
