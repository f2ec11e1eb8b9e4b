"""Keys: short ones and open hosts are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from thinkrec.errors import DataError
from thinkrec.serve.keys import check_exposure, is_allowed, read_keys

A, B = "a" * 16, "b" * 16


def test_keys_come_from_a_text_and_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{B}\n\n", encoding="utf-8")
    keys = read_keys(f"{A}, ", tmp_path / "keys")
    assert keys == (A.encode(), B.encode())
    assert is_allowed(f"Bearer {B}", keys) and is_allowed(None, ())
    assert not is_allowed(None, keys) and not is_allowed(f"Bearer {A}{B}", keys)
    with pytest.raises(DataError, match="16"):
        read_keys("short", None)
    with pytest.raises(DataError, match="cannot be read"):
        read_keys(None, tmp_path / "none")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org"])
def test_a_host_that_others_reach_needs_keys(host: str) -> None:
    with pytest.raises(DataError, match="API keys"):
        check_exposure(host, ())
    check_exposure(host, (A.encode(),))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_needs_none(host: str) -> None:
    check_exposure(host, ())
