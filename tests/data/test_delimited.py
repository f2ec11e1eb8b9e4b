"""What read_delimited says of a name that tells no separator."""

from __future__ import annotations

from pathlib import Path

import pytest

from thinkrec.data.delimited import read_delimited
from thinkrec.errors import DataError


def test_a_name_that_tells_no_separator_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.dat").write_text("a::b\n", encoding="utf-8")
    with pytest.raises(DataError, match="Say it under `separator`"):
        read_delimited(tmp_path / "t.dat", "dat")
