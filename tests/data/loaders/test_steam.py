"""Small files in the format of steam, quirks included, through `load_source`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.published_files import compute_star, load_with_warnings, write_lines

from thinkrec.data.loaders.steam import read_steam
from thinkrec.errors import DataError


def test_dates_without_a_year_and_the_last_review_of_each(tmp_path: Path) -> None:
    lines = [
        repr(
            {
                "user_id": f"u{u}",
                "reviews": [
                    {"item_id": f"{i}", "recommend": bool(compute_star(u, i) % 2), "posted": f"Posted May {i}, 2014."}
                    for i in range(1, 7)
                ]
                + [{"item_id": "1", "recommend": True, "posted": "Posted July 3."}],
            }
        )
        for u in range(1, 9)
    ]
    write_lines(tmp_path / "australian_user_reviews.json.gz", lines)
    games = [
        f"{{u'id': u'{i}', u'app_name': u'Game {i}', u'genres': [u'Indie'], u'tags': [u'Tag {i}'] }}"
        for i in range(1, 6)
    ]
    games.append("{u'id': u'6', u'app_name': u'Game 6', u'genres': [u'Indie']}")
    write_lines(tmp_path / "steam_games.json.gz", games)
    ds, said = load_with_warnings("steam", tmp_path)
    assert "8 of 56 reviews are left out: the date has no year" in said and ds.items.keywords[0] == ("Tag 1",)
    assert ds.items.keywords[5] == ("Indie",)
    assert ds.interactions.label.sum() == sum(compute_star(u, i) % 2 for u in range(1, 9) for i in range(1, 7))
    assert np.array_equal(np.bincount(ds.interactions.split), [32, 8, 8])


def test_without_the_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_steam(tmp_path / "none")
