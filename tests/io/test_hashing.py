"""Hashes tell values apart, are the same everywhere, and take any text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from thinkrec.io.hashing import hash_content

ANY_TEXT = st.text(st.characters())  # surrogates too


@given(ANY_TEXT, ANY_TEXT, st.integers(), st.integers())
def test_keys_tell_texts_and_settings_apart(a: str, b: str, n: int, m: int) -> None:
    assert (hash_content({"n": n}, a) == hash_content({"n": m}, b)) == (a == b and n == m)
    assert hash_content({"n": n, "m": m}, a) == hash_content({"m": m, "n": n}, a)
    assert hash_content(a, b) != hash_content(a + b)


def test_the_hash_is_that_of_stores_written_before() -> None:
    assert hash_content(1, "Grüße") == "dced3b18b3423922ab26d1698c9da74b45d2b3aef93f6f028296fc881338a6a7"
    assert hash_content("\ud83d\ude00") != hash_content("\U0001f600"), "two halves are not the whole"
