"""Small files in the format of amazon, quirks included, through `load_source`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.published_files import PAIRS, compute_star, compute_time, load_with_warnings, write_lines

from thinkrec.data.loaders.amazon import read_amazon_2023
from thinkrec.errors import DataError


def test_amazon_2018_and_2023(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    meta = [
        {
            "asin": f"B{i}",
            "title": "var aPageStart = (new Date()).getTime();" if i == 1 else "Tom &amp; <b>Jerry</b>",
            "category": ["Books", "Fiction"],
            "brand": "X",
            "description": ["a", "b"],
        }
        for i in (1, 1, 2, 3, 4, 5, 6)
    ]
    meta[1]["title"] = "Second line"
    write_lines(old / "meta_Books.json.gz", [json.dumps(row) for row in meta])
    write_lines(old / "Books.csv", [f"B{i},A{u},{compute_star(u, i)}.0,{compute_time(u, i)}" for u, i in PAIRS])
    ds, said = load_with_warnings("amazon-2018", old)
    assert ds.items.titles[:2] == ["Second line", "Tom & Jerry"] and ds.items.keywords[0] == ("Fiction",)
    assert "1 line repeats an item" in said and ds.user_ids[0] == "A1"
    write_lines(old / "Books.csv", [f"A{u},B{i},{compute_star(u, i)}.0,{compute_time(u, i)}" for u, i in PAIRS])
    swapped, said = load_with_warnings("amazon-2018", old)
    assert "second column holds the items" in said and swapped.user_ids == ds.user_ids
    write_lines(
        new / "meta_X.jsonl.gz",
        [json.dumps({"parent_asin": f"P{i}", "title": "T", "categories": ["X", "Y", "z" * 81]}) for i in range(1, 7)],
    )
    rows = [
        {
            "user_id": f"A{u}",
            "asin": "other",
            "parent_asin": f"P{i}",
            "rating": 5.0 if compute_star(u, i) > 3 else 1.0,
            "timestamp": compute_time(u, i) * 1000 + 7,
        }
        for u, i in PAIRS
    ]
    write_lines(new / "X.jsonl", [json.dumps(row) for row in rows])
    ds, said = load_with_warnings("amazon-2023", new)
    assert "is in no seconds" not in said
    assert ds.items.keywords[0] == ("Y",) and ds.interactions.timestamp.min() == min(
        compute_time(u, i) for u, i in PAIRS
    )
    write_lines(new / "X.jsonl", ['{"user_id": '])
    with pytest.raises(DataError, match="line 1 is not JSON"):
        load_with_warnings("amazon-2023", new)


def test_without_the_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_amazon_2023(tmp_path / "none")
