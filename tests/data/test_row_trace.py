"""Messages name the lines of files, also where lines before the wrong one are empty, dropped or of another file."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from thinkrec.data import row_trace
from thinkrec.data.dataset import Dataset
from thinkrec.data.implicit import SampledNegatives
from thinkrec.data.split import ByRandom
from thinkrec.data.table_format import TableFormat
from thinkrec.data.tables import check_interactions, read_table
from thinkrec.errors import DataError, DataWarning

ITEMS = {"item_id": ["a", "b", "c"], "title": ["A", "B", "C"]}
HEAD = "user_id,item_id,rating,timestamp\n"


def hear(work: Callable[[], Any]) -> str:
    """All warnings as one text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        work()
    return "\n".join(str(entry.message) for entry in caught)


def load(path: Path, **settings: Any) -> Dataset:
    return Dataset.from_tables(str(path), ITEMS, **{"threshold": 3, "split": ByRandom(valid=0.2, test=0.2), **settings})


def number(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_a_wrong_value_is_named_by_its_line(tmp_path: Path) -> None:
    """Line 1 is the header, 3 and 4 are empty, and a title in quotes runs over lines 5 and 6."""
    path = number(tmp_path / "r.csv", [HEAD.strip(), "1,a,5,10", "", "", '1,"b', '",4,11', "2,a,good,12"])
    with pytest.raises(DataError, match=r"not finite numbers \(line 7: 'good'\)\. Correct"):
        load(path, interactions_format=TableFormat(quoting="quotes"))
    plain = number(tmp_path / "p.tsv", [HEAD.strip().replace(",", "\t"), "", "1\ta\tgood\t12"])
    with pytest.raises(DataError, match=r"\(line 3: 'good'\)\. Correct"):
        load(plain)
    bare = number(tmp_path / "bare.dat", ["1;a;5;10", "", "1;b;good;11"])
    form = TableFormat(separator=";", header=False, columns={"user_id": 1, "item_id": 2, "rating": 3, "timestamp": 4})
    with pytest.raises(DataError, match=r"\(line 3: 'good'\)\. Correct"):
        load(bare, interactions_format=form)


def test_rows_after_dropped_lines_keep_their_lines(tmp_path: Path) -> None:
    rows = ["1,a,5,10", "1,b", "", "1,b,good,11", "2,a,0,12", "2,x,4,13", "2,y,4,14", "2,b,1,15", "2,c,5,16"]
    path = number(tmp_path / "r.csv", [HEAD.strip(), *rows])
    heard = hear(lambda: load(path, on_error="drop", missing=[0], unknown_items="drop"))
    assert f"{path}: 1 line left out (on_error: drop): line 3 has 2 fields where the header has 4" in heard
    assert (
        "1 row left out (on_error: drop): column 'rating' has ratings that are not finite numbers (line 5: 'good')."
        in (heard)
    )
    assert "1 of 6 rows means \"not rated\" (line 6: '0'). They are left out" in heard
    assert "2 of 5 rows are left out (unknown_items: drop): they name 2 items that items does not have" in heard
    assert "(line 7: 'x'; line 8: 'y')." in heard
    with pytest.raises(DataError, match=r"names items that items does not have \(line 7: 'x'; line 8: 'y'\)\. Add"):
        load(path, on_error="drop", missing=[0])


def test_repeated_rows_and_plays_of_nothing(tmp_path: Path) -> None:
    path = number(
        tmp_path / "r.csv", [HEAD.strip(), "", "1,a,0,1", "1,a,5,2", "1,b,2,3", "1,a,4,4", "2,x,1,5", "2,c,5,6"]
    )
    heard = hear(lambda: load(path, missing=[0], unknown_items="drop"))
    assert "names a user and item of another row with another label or time (the first: line 4)" in heard
    heard = hear(lambda: load(path, missing=[0], duplicates="last", unknown_items="drop"))
    assert "(line 7: 'x')." in heard
    drawn = {"threshold": None, "negatives": SampledNegatives(), "split": ByRandom(valid=0.2, test=0.2)}
    heard = hear(lambda: load(path, missing=[0], unknown_items="drop", **drawn))
    assert "1 of 6 rows means that nothing happened (line 3: '0')" in heard and "(line 7: 'x')." in heard


def test_json_lines_and_several_files(tmp_path: Path) -> None:
    good = {"user_id": 1, "item_id": "a", "rating": 5, "timestamp": 1}
    lines = [json.dumps(good), "", "{broken", json.dumps(good | {"item_id": "z"}), json.dumps(good | {"item_id": "b"})]
    path = number(tmp_path / "r.jsonl", lines)
    with pytest.raises(DataError, match=r"does not have \(line 4: 'z'\)\. Add"):
        load(path, on_error="drop", duplicates="keep")
    folder = tmp_path / "parts"
    folder.mkdir()
    number(folder / "1.csv", [HEAD.strip(), "1,a,5,1", "", "1,b,2,2"])
    number(folder / "2.csv", [HEAD.strip(), "", "2,z,5,1", "2,b,2,2", "2,c,5,3"])
    with pytest.raises(DataError, match=r"does not have \(2\.csv, line 3: 'z'\)\. Add"):
        load(folder)
    pl.DataFrame(good | {"item_id": ["z"]}).write_parquet(tmp_path / "r.parquet")
    with pytest.raises(DataError, match=r"\(row 1: 'z'; rows counted from 1\)\. Add"):
        load(tmp_path / "r.parquet", split=ByRandom(valid=0.2, test=0.2))


def test_a_large_plain_file(tmp_path: Path) -> None:
    """Read as columns, without a look at single lines."""
    rows = [f"{n // 30},{'abc'[n % 3]},{1 + n % 5},{n}" for n in range(90_000)]
    rows[-3] = rows[-3].replace(",a,", ",z,")
    path = number(tmp_path / "r.csv", [HEAD.strip(), *rows])
    assert path.stat().st_size > 2**20
    with pytest.raises(DataError, match=r"\(line 89999: 'z'\)\. Add"):
        load(path, duplicates="keep")


def test_tables_in_memory_have_rows_and_are_forgotten() -> None:
    rows = pl.DataFrame({"user_id": [1, 1, 2], "item_id": ["a", None, "z"], "label": [1, 0, 1], "timestamp": [1, 2, 3]})
    with pytest.raises(DataError, match=r"\(row 3: 'z'; rows counted from 1\)\. Add"):
        Dataset.from_tables(rows, ITEMS, split=ByRandom(valid=0.3, test=0.3), on_error="drop")
    fresh = pl.DataFrame({"user_id": [1, 1], "item_id": ["a", "z"], "label": [1, 0], "timestamp": [1, 2]})
    with pytest.raises(DataError, match=r"\(row 2: 'z'; rows counted from 1\)\. Add"):
        Dataset.from_tables(fresh, ITEMS, split=ByRandom(valid=0.3, test=0.3))
    check_interactions(rows, source="alone", on_error="drop")
    assert not row_trace.has_rows("alone", 3)


def test_only_a_few_tables_are_remembered(tmp_path: Path) -> None:
    for place in range(row_trace.REMEMBERED + 2):
        read_table(number(tmp_path / f"{place}.csv", ["a,b", "1,2"]))
    assert not row_trace.has_rows(str(tmp_path / "0.csv"), 1)
    last = str(tmp_path / f"{row_trace.REMEMBERED + 1}.csv")
    assert row_trace.has_lines(last, 1) and not row_trace.has_lines(last, 2)
    assert row_trace.name_rows([0], 1, last) == ["line 2"] and row_trace.get_row_numbers([0], 1, "other") == [1]
