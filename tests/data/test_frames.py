"""Anything that holds a table is taken, at every door."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.frames import as_frame
from thinkrec.data.split import ByFractions
from thinkrec.errors import DataError
from thinkrec.keywords.config import YakeExtractorConfig
from thinkrec.keywords.offline import YakeExtractor
from thinkrec.keywords.tables import add_keywords

ROWS = {
    "user_id": [1, 1, 1, 2, 2, 2],
    "item_id": ["a", "b", "c"] * 2,
    "rating": [1.0, 2.5, 4, 5, 4, 3],
    "timestamp": range(6),
}
ITEMS = {"item_id": ["a", "b", "c"], "title": ["Oak", None, "Yew"], "keywords": [["x", "y"], [], ["z"]]}
SPLIT = ByFractions(valid=0.3, test=0.3)


class Stream:
    """What only has the Arrow interface, as frames of other libraries do."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(schema)


def forms(columns: dict[str, Any]) -> dict[str, Any]:
    lists = {name: list(values) for name, values in columns.items()}
    rows = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    frame = pl.DataFrame(lists, strict=False)
    return {
        "frame": frame,
        "lazy": frame.lazy(),
        "arrow": frame.to_arrow(),
        "batch": frame.to_arrow().combine_chunks().to_batches()[0],
        "stream": Stream(frame.to_arrow()),
        "mapping": lists,
        "rows": rows,
        "arrays": {name: frame[name].to_numpy() if name in ("user_id", "rating") else lists[name] for name in lists},
    }


@pytest.mark.parametrize("form", list(forms(ROWS)))
@pytest.mark.filterwarnings("ignore::thinkrec.data.columns.DataWarning")
def test_one_table_in_every_form_is_one_data_set(form: str) -> None:
    wanted = Dataset.from_tables(pl.DataFrame(ROWS), pl.DataFrame(ITEMS), threshold=3, split=SPLIT)
    data = Dataset.from_tables(forms(ROWS)[form], forms(ITEMS)[form], threshold=3, split=SPLIT)
    assert data.compute_fingerprint() == wanted.compute_fingerprint()
    again = wanted.with_keywords(forms({"item_id": ["a", "b", "c"], "keywords": ["k|l", "m", "n"]})[form])
    assert again.items.keywords == [("k", "l"), ("m",), ("n",)]


@pytest.mark.filterwarnings("ignore::thinkrec.data.columns.DataWarning")
def test_pandas_and_its_missing_values() -> None:
    pd = pytest.importorskip("pandas")
    wanted = Dataset.from_tables(ROWS, ITEMS, threshold=3, split=SPLIT)
    frame = pd.DataFrame(ITEMS | {"title": ["Oak", np.nan, "Yew"]})
    data = Dataset.from_tables(pd.DataFrame(ROWS), frame, threshold=3, split=SPLIT)
    assert data.compute_fingerprint() == wanted.compute_fingerprint()
    records = frame.to_dict("records")
    assert (
        Dataset.from_tables(pd.DataFrame(ROWS), records, threshold=3, split=SPLIT).compute_fingerprint()
        == wanted.compute_fingerprint()
    )


def test_not_a_number_beside_text_is_a_missing_text() -> None:
    found = as_frame([{"title": "Oak", "n": 1}, {"title": float("nan"), "n": float("nan")}], "t")
    assert found["title"].to_list() == ["Oak", None] and found["n"].dtype == pl.Float64
    assert as_frame({"rating": [1, 2.5, 4], "n": range(3)}, "t")["rating"].to_list() == [1.0, 2.5, 4.0]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (5, "int cannot be read as a table"),
        (object(), "object cannot be read as a table"),
        (None, "no table was given"),
        ({"user_id": [1], "item_id": [1, 2]}, "not equally long ('user_id' 1, 'item_id' 2 values)"),
        ({"user_id": "ab"}, "'user_id' is 'ab', not a list"),
        ({"user_id": 3}, "'user_id' is 3, not a list"),
        ({"user_id": [1, ["a"]]}, "mixes values of several types (row 1: 1; row 2: ['a'])"),
        ([], "'user_id' is missing (columns found: none)"),
    ],
)
def test_what_is_no_table_is_one_line(table: Any, words: str) -> None:
    with pytest.raises(DataError) as caught:
        Dataset.from_tables(table, ITEMS | {"title": list("abc")}, threshold=3, split=SPLIT, interactions_source="shop")
    assert str(caught.value).startswith("shop: ") and words in str(caught.value) and "\n" not in str(caught.value)


def test_a_mapping_of_items_is_not_taken_for_columns() -> None:
    wares = {"item_id": ["item_id", "keywords", "c"], "title": list("abc")}
    data = Dataset.from_tables(ROWS | {"item_id": ["item_id", "keywords", "c"] * 2}, wares, threshold=3, split=SPLIT)
    with pytest.warns(UserWarning, match="2 of 3 items have no keywords"):
        assert data.with_keywords({"item_id": "a, b"}).items.keywords == [("a", "b"), (), ()]


def test_the_keywords_command_takes_any_table() -> None:
    table = {"item_id": [1, 2], "title": ["Oak", "Elm"], "plot": ["An old lighthouse keeper.", ""]}
    found = add_keywords(table, ["plot"], YakeExtractor(YakeExtractorConfig()))
    assert found["keywords"].dtype == pl.List(pl.String) and found.height == 2
