"""`Dataset.from_tables` and what follows from it: codes, histories, keywords, summary, fingerprint."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset, Domain
from thinkrec.data.interactions import TEST, TRAIN, VALID, Interactions
from thinkrec.data.split import ByFractions
from thinkrec.errors import DataError

Tables = tuple[pl.DataFrame, pl.DataFrame]


def test_codes_and_order(tiny_dataset: Dataset, tiny_tables: Tables) -> None:
    rows, _ = tiny_tables
    table = tiny_dataset.interactions
    assert tiny_dataset.user_ids == [10, 20, 30, 40]
    assert tiny_dataset.items.ids == [1, 2, 3, 4, 5, 6]
    assert table.start.tolist() == [0, 8, 16, 24, 28]
    assert sorted(table.order.tolist()) == list(range(28))
    for row in range(len(table)):
        came = rows.row(int(table.order[row]), named=True)
        assert came["user_id"] == tiny_dataset.user_ids[table.user[row]]
        assert came["item_id"] == tiny_dataset.items.ids[table.item[row]]
        assert (came["label"], came["timestamp"]) == (table.label[row], table.timestamp[row])
        assert came["split"] == ("train", "valid", "test")[table.split[row]]
    found = [table.order[table.get_split_rows(split)] for split in (TRAIN, VALID, TEST)]
    assert all((np.diff(order) > 0).all() for order in found)
    assert sorted(np.concatenate(found).tolist()) == list(range(28))


def test_find_gives_rows_back(tiny_dataset: Dataset) -> None:
    table = tiny_dataset.interactions
    asked = np.array([5, 27, 0, 99, -1])
    rows = table.find_rows(asked)
    assert table.order[rows[:3]].tolist() == [5, 27, 0]
    assert rows[3:].tolist() == [-1, -1]
    empty = Interactions.build([], [], [], [], [], [], n_users=0)
    assert empty.find_rows(np.array([3])).tolist() == [-1]


@st.composite
def _tables(draw: st.DrawFn) -> pl.DataFrame:
    """Rows of few users, items and moments, so that ties and repeats abound; in any order."""
    row = st.tuples(
        st.integers(0, 3), st.integers(0, 4), st.integers(0, 1), st.integers(-3, 3), st.sampled_from(range(3))
    )
    # One row of each split first, or the table would be refused.
    rows = [(0, 0, 0, 0, 0), (0, 0, 0, 0, 1), (0, 0, 0, 0, 2), *draw(st.lists(row, max_size=40))]
    rows = draw(st.permutations(rows))
    names = ["user_id", "item_id", "label", "timestamp", "split"]
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        split=pl.col("split").replace_strict({0: "train", 1: "valid", 2: "test"})
    )
    if draw(st.booleans()):
        frame = frame.with_columns(order=pl.Series(draw(st.permutations(range(0, 7 * len(rows), 7)))))
    return frame


@settings(max_examples=60, deadline=None)
@given(frame=_tables(), length=st.integers(1, 12))
@pytest.mark.filterwarnings("ignore::thinkrec.data.columns.DataWarning")
def test_a_history_holds_the_users_visible_past_and_nothing_else(frame: pl.DataFrame, length: int) -> None:
    wares = pl.DataFrame({"item_id": range(5), "title": list("abcde")})
    table = Dataset.from_tables(frame, wares).interactions
    assert len(table) == frame.height
    keys = list(zip(table.timestamp.tolist(), table.order.tolist(), strict=True))
    for row in range(len(table)):
        past = table.get_history_rows(row, length).tolist()
        assert np.arange(len(table))[table.get_history(row, length)].tolist() == past
        # The newest `length` rows before this one that are of its own split or of one before it, in their order.
        earlier = [
            other
            for other in range(len(table))
            if table.user[other] == table.user[row]
            and keys[other] < keys[row]
            and table.split[other] <= table.split[row]
        ]
        assert sorted(earlier, key=keys.__getitem__)[-length:] == past


def test_ties_keep_the_order_they_came_in() -> None:
    rows = pl.DataFrame(
        {
            "user_id": ["u"] * 4,
            "item_id": ["d", "a", "c", "b"],
            "label": [1, 0, 1, 0],
            "timestamp": [5, 5, 5, 4],
            "split": ["test", "valid", "test", "train"],
        }
    )
    wares = pl.DataFrame({"item_id": list("abcd"), "title": list("ABCD")})
    data = Dataset.from_tables(rows, wares)
    assert data.user_ids == ["u"]
    assert [data.items.ids[code] for code in data.interactions.item] == ["b", "d", "a", "c"]
    reversed_ = Dataset.from_tables(rows.with_columns(order=pl.Series([4, 3, 2, 1])), wares)
    assert [data.items.ids[code] for code in reversed_.interactions.item] == ["b", "c", "a", "d"]


def test_paths_and_frames_give_the_same_data(tiny_tables: Tables, tiny_dataset: Dataset, tmp_path: Path) -> None:
    rows, wares = tiny_tables
    rows.write_parquet(tmp_path / "rows.parquet")
    rows.write_csv(tmp_path / "rows.csv")
    wares.write_parquet(tmp_path / "items.parquet")
    wares.with_columns(pl.col("keywords").list.join("|")).write_csv(tmp_path / "items.csv")
    for first, second in (("rows.parquet", "items.csv"), ("rows.csv", "items.parquet"), ("rows.csv", "items.csv")):
        again = Dataset.from_tables(tmp_path / first, str(tmp_path / second), domain=tiny_dataset.domain)
        assert again.compute_fingerprint() == tiny_dataset.compute_fingerprint()


def test_ids_may_be_text_in_one_table_and_numbers_in_the_other(tiny_tables: Tables, tiny_dataset: Dataset) -> None:
    rows, wares = tiny_tables
    data = Dataset.from_tables(rows, wares.with_columns(pl.col("item_id").cast(pl.String)))
    assert data.items.ids == list("123456")
    assert np.array_equal(data.interactions.item, tiny_dataset.interactions.item)


def test_unknown_items_are_named(tiny_tables: Tables, tmp_path: Path) -> None:
    rows, wares = tiny_tables
    wares.drop("keywords").head(4).write_csv(tmp_path / "items.csv")
    with pytest.raises(DataError) as caught:
        Dataset.from_tables(rows, tmp_path / "items.csv", interactions_source="sales")
    message = str(caught.value)
    assert message.startswith("sales: column 'item_id' names items that ")
    assert str(tmp_path / "items.csv") in message
    first = next(row for row, item in enumerate(rows["item_id"]) if item > 4)
    assert f"row {first + 1}: {rows['item_id'][first]}" in message


def test_errors_name_the_file(tiny_tables: Tables, tmp_path: Path) -> None:
    rows, wares = tiny_tables
    rows.drop("split").write_csv(tmp_path / "rows.csv")
    with pytest.raises(DataError, match=r"rows\.csv: column 'split' is missing"):
        Dataset.from_tables(tmp_path / "rows.csv", wares)
    with pytest.raises(DataError, match="interactions: the split by column leaves no rows for test"):
        Dataset.from_tables(rows.filter(pl.col("split") != "test"), wares)
    assert (
        Dataset.from_tables(tmp_path / "rows.csv", wares, split=ByFractions(valid=0.2, test=0.2)).summarise()["users"]
        == 4
    )


def test_the_domain_names_untitled_items(tiny_tables: Tables) -> None:
    rows, wares = tiny_tables
    with pytest.warns(DataWarning, match="untitled tree"):
        data = Dataset.from_tables(rows, wares.with_columns(title=None), domain=Domain("tree", "trees", "forester"))
    assert data.items.titles[0] == "untitled tree 1"


def test_with_keywords(tiny_dataset: Dataset) -> None:
    with pytest.warns(DataWarning, match="4 of 6 items have no keywords"):
        data = tiny_dataset.with_keywords({2: " pale \n bark|old", 1: ["x", "x", ""]})
    assert data.items.keywords == [("x",), ("pale bark", "old"), (), (), (), ()]
    assert data.items.titles == tiny_dataset.items.titles
    assert tiny_dataset.items.keywords[1] == ("needle", "resin")
    frame = pl.DataFrame({"item_id": range(6, 0, -1), "keywords": [[str(n)] for n in range(6, 0, -1)]})
    assert tiny_dataset.with_keywords(frame).items.keywords == [(str(n),) for n in range(1, 7)]


@pytest.mark.parametrize(
    ("keywords", "word"),
    [
        ({9: "a"}, r"notes: 1 item is not in the data set .*\[9\]"),
        ({"1": "a"}, "text and numbers differ"),
        (pl.DataFrame({"item_id": [1, 1], "keywords": ["a", "b"]}), "notes: column 'item_id' repeats items"),
        (pl.DataFrame({"item_id": [1]}), "notes: column 'keywords' is missing"),
        (pl.DataFrame({"item_id": [1], "keywords": [3]}), "notes: column 'keywords' has type Int64"),
    ],
)
def test_wrong_keywords(tiny_dataset: Dataset, keywords: object, word: str) -> None:
    with pytest.raises(DataError, match=word):
        tiny_dataset.with_keywords(keywords, source="notes")  # pyright: ignore[reportArgumentType]


def test_summary(tiny_dataset: Dataset, tiny_tables: Tables) -> None:
    rows, _ = tiny_tables
    summary = tiny_dataset.summarise()
    assert summary["rows"] == {"all": 28, "train": 12, "valid": 8, "test": 8}
    assert (summary["users"], summary["items"], summary["items_with_rows"]) == (4, 6, rows["item_id"].n_unique())
    assert summary["like_rate"]["test"] == rows.filter(pl.col("split") == "test")["label"].mean()
    # User 40 alone has no training row, and owns 2 of the 8 test rows.
    assert summary["cold_test_share"] == 0.25


def test_every_part_counts_in_the_fingerprint(tiny_dataset: Dataset) -> None:
    data, table, wares = tiny_dataset, tiny_dataset.interactions, tiny_dataset.items
    others = [
        replace(data, domain=Domain()),
        replace(data, user_ids=[10, 20, 30, 41]),
        replace(data, user_ids=["10", "20", "30", "40"]),
        replace(data, items=replace(wares, titles=[*wares.titles[:-1], "?"])),
        replace(data, items=replace(wares, ids=[*wares.ids[:-1], 7])),
        replace(data, items=replace(wares, keywords=[("broad", "leaf"), *wares.keywords[1:]])),
        replace(data, items=replace(wares, texts=wares.texts.rename({"note": "remark"}))),
        replace(data, items=replace(wares, texts=wares.texts.fill_null("")), interactions=table),
        *(
            replace(data, interactions=replace(table, **{name: getattr(table, name) + 1}))
            for name in ("user", "item", "label", "timestamp", "split", "order", "start")
        ),
    ]
    assert len({data.compute_fingerprint(), *(other.compute_fingerprint() for other in others)}) == len(others) + 1


def test_the_fingerprint_is_the_same_in_another_process(
    tiny_tables: Tables, tiny_dataset: Dataset, tmp_path: Path
) -> None:
    rows, wares = tiny_tables
    rows.write_parquet(tmp_path / "rows.parquet")
    wares.write_parquet(tmp_path / "items.parquet")
    code = (
        "import sys; from thinkrec.data.dataset import Dataset, Domain; domain = Domain('tree', 'trees', 'forester'); "
        "print(Dataset.from_tables(sys.argv[1], sys.argv[2], domain=domain).compute_fingerprint())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "rows.parquet"), str(tmp_path / "items.parquet")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == tiny_dataset.compute_fingerprint()


@pytest.mark.parametrize("split", ["fractions", {"by": "fractions"}, 0.1])
def test_what_is_no_split_is_one_line(tiny_tables: Tables, split: object) -> None:
    with pytest.raises(DataError, match=r"interactions: split is .*, no rule; give ByColumn"):
        Dataset.from_tables(*tiny_tables, split=split)  # pyright: ignore[reportArgumentType]
