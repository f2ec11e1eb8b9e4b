"""Several tables of reasons beside the same references: their names, what is left out, what chance gives."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from thinkrec.errors import DataError
from thinkrec.evaluate.text.align import read_references
from thinkrec.evaluate.text.metric_types import MetricResources
from thinkrec.evaluate.text.permutation import ANOTHER_ROW, build_permutation_baseline
from thinkrec.evaluate.text.reason_tables import compare_reason_tables, name_tables
from thinkrec.evaluate.text.summary import REFERENCES

TEXTS = ["Yes. The sea is slow.", "No. A war that is loud.", "Yes. A quiet farm in spring.", "No. Too many ghosts."]
TABLE = pl.DataFrame({"order": [1, 2, 3, 4], "user_id": ["a", "a", "b", "c"], "reason": TEXTS})


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, Path]:
    TABLE.drop("user_id").write_parquet(tmp_path / "same.parquet")
    TABLE[:3].with_columns(reason=pl.lit("Yes.")).write_parquet(tmp_path / "short.parquet")
    return {name: tmp_path / f"{name}.parquet" for name in ("same", "short")}


def test_a_system_is_compared_row_by_row(paths: dict[str, Path]) -> None:
    references = read_references(TABLE, "refs")
    found = compare_reason_tables({"same": paths["same"]}, references, MetricResources(), baseline=True, draws=100)
    names = ["same", f"reference {ANOTHER_ROW}", f"same, reason {ANOTHER_ROW}"]
    assert list(found.systems) == [*names, REFERENCES]
    assert found.results.estimates["same"]["rouge_l"].value == pytest.approx(1)
    assert found.results.estimates[names[1]]["rouge_l"].value < 0.9
    assert found.references is references


def test_what_a_table_lacks_is_an_error_or_left_out(paths: dict[str, Path]) -> None:
    references = read_references(TABLE, "refs")
    with pytest.raises(DataError, match="lacks reasons"):
        compare_reason_tables(paths, references, MetricResources(), draws=100)
    found = compare_reason_tables(paths, references, MetricResources(), partial=True, draws=100)
    assert list(found.references.order) == [1, 2, 3]
    assert found.results.remarks[0].startswith("Partial: 3 of 4")


def test_chance_takes_texts_of_another_users_rows() -> None:
    references = read_references(TABLE, "refs")
    systems = build_permutation_baseline("mine", {"mine": tuple(TEXTS)}, references, seed=1)
    for texts in systems.values():
        assert len(texts) == 4 and set(texts) <= set(TEXTS)
        assert all(text != own for text, own in zip(texts, TEXTS, strict=True))
    assert systems == build_permutation_baseline("mine", {"mine": tuple(TEXTS)}, references, seed=1)


def test_tables_are_called_by_what_tells_them_apart() -> None:
    def names(*paths: str) -> list[str]:
        return list(name_tables([Path("/x", path) for path in paths]))

    assert names("a/mine.csv", "a/other.csv") == ["mine", "other"]
    assert names("a/reasons.csv", "b/reasons.csv") == ["a", "b"]
    assert names("a/reasons.csv", "a/other.csv", "b/reasons.csv") == ["a/reasons", "a/other", "b/reasons"]
    with pytest.raises(DataError, match="given twice"):
        names("a/mine.csv", "a/../a/mine.csv")
