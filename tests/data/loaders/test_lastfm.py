"""Small files in the format of lastfm, quirks included, through `load_source`."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.published_files import load_with_warnings, write_lines

from thinkrec.data.loaders.lastfm import read_lastfm
from thinkrec.errors import DataError


def test_lastfm(tmp_path: Path) -> None:
    plays = [f"{u}\t{i}\t{u * i}" for u in range(1, 9) for i in range(1, 13) if (u + i) % 2]
    write_lines(tmp_path / "user_artists.dat", ["userID\tartistID\tweight", *plays])
    artists = [f"{i}\tArtist {i}\thttp://x\thttp://y" for i in range(1, 13)]
    write_lines(tmp_path / "artists.dat", ["id\tname\turl\tpictureURL", *artists])
    given = ["1\t1\t7\t1\t4\t2009", "2\t1\t7\t1\t4\t2009", "2\t1\t8\t1\t4\t2009"]
    write_lines(tmp_path / "user_taggedartists.dat", ["userID\tartistID\ttagID\tday\tmonth\tyear", *given])
    write_lines(tmp_path / "tags.dat", ["tagID\ttagValue", "7\tm\u00e9tal", "8\tambient"], "latin-1")
    ds, _ = load_with_warnings("lastfm", tmp_path)
    table = ds.interactions
    assert ds.items.keywords[0] == ("m\u00e9tal", "ambient")
    assert table.label.sum() == len(plays) and (table.label == 0).any()
    positive = {(u, i) for u, i in zip(table.user[table.label == 1], table.item[table.label == 1], strict=True)}
    assert not positive & set(zip(table.user[table.label == 0], table.item[table.label == 0], strict=True))


def test_without_the_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_lastfm(tmp_path / "none")


def test_plays_of_nothing_and_the_ten_usual_tags(tmp_path: Path) -> None:
    plays = [f"{u}\t{i}\t{(u * i) % 3}" for u in range(1, 9) for i in range(1, 13) if (u + i) % 4]
    write_lines(tmp_path / "user_artists.dat", ["userID\tartistID\tweight", *plays])
    write_lines(tmp_path / "artists.dat", ["id\tname", *(f"{i}\tArtist {i}" for i in range(1, 13))])
    given = [f"{u}\t1\t{tag}" for tag in range(1, 13) for u in range(1, 2 + (tag > 2))]
    write_lines(tmp_path / "user_taggedartists.dat", ["userID\tartistID\ttagID", *given])
    write_lines(tmp_path / "tags.dat", ["tagID\ttagValue", *(f"{tag}\tt{tag:02}" for tag in range(1, 13))])
    ds, said = load_with_warnings("lastfm", tmp_path)
    none = sum(line.endswith("\t0") for line in plays)
    assert f"{none} rows are left out: no play" in said and ds.interactions.label.sum() == len(plays) - none
    assert ds.items.keywords[0] == tuple(f"t{tag:02}" for tag in range(3, 13))
    assert "nothing can be learned from one outcome" not in said
