"""Small files in the format of yelp, quirks included, through `load_source`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.published_files import compute_star, load_with_warnings, write_lines

from thinkrec.data.loaders.yelp import read_yelp
from thinkrec.errors import DataError


def test_yelp_window_activity_and_states(tmp_path: Path) -> None:
    business = [
        {"business_id": f"b{i}", "name": "A &amp; B", "city": "Reno", "state": "NV", "categories": "Bars, Food"}
        for i in range(1, 7)
    ]
    write_lines(tmp_path / "yelp_academic_dataset_business.json", [json.dumps(row) for row in business])
    dates = [
        "2009-12-31 23:59:59",
        "2015-03-01 10:00:00",
        "2019-11-30 23:59:59",
        "2019-12-01 00:00:00",
        "2022-05-05 01:02:03",
    ]
    review = [
        {"user_id": f"u{u}", "business_id": f"b{i}", "stars": float(compute_star(u, i)), "date": dates[(u + i) % 5]}
        for u in range(1, 9)
        for i in range(1, 7)
    ]
    write_lines(tmp_path / "yelp_academic_dataset_review.json", [json.dumps(row) for row in review])
    ds, said = load_with_warnings("yelp", tmp_path, activity=2)
    assert ds.items.keywords[0] == ("Bars", "Food", "Reno", "NV") and ds.items.titles[0] == "A & B"
    late = int((ds.interactions.split > 0).sum())
    assert abs(int((ds.interactions.split == 2).sum()) * 2 - late) <= 1
    assert ds.interactions.timestamp.min() > 1_262_304_000 and "48 rows" not in said.split("activity")[0]
    _, said = load_with_warnings("yelp", tmp_path, activity=0)
    assert "not checked" not in said  # other settings than the paper's


def test_without_the_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_yelp(tmp_path / "none")
