"""Hashes tell values apart, are the same everywhere, and take any text; none has changed since it was first stored."""

from __future__ import annotations

import ast
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkrec.collab.item_priors import _hash_id
from thinkrec.io.hashing import (
    digest_bytes,
    hash_bytes,
    hash_content,
    hash_file,
    hash_files,
    hash_json,
    hash_text_to_number,
)
from thinkrec.model.backbone import _hash_weights
from thinkrec.reasons.choose import hash_rows
from thinkrec.run import provenance
from thinkrec.run.inputs import hash_reasons
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

ANY_TEXT = st.text(st.characters())  # surrogates too
TENSORS = {"w": torch.arange(4.0), "b": torch.tensor([1, 2], dtype=torch.int16)}


@given(ANY_TEXT, ANY_TEXT, st.integers(), st.integers())
def test_keys_tell_texts_and_settings_apart(a: str, b: str, n: int, m: int) -> None:
    assert (hash_content({"n": n}, a) == hash_content({"n": m}, b)) == (a == b and n == m)
    assert hash_content({"n": n, "m": m}, a) == hash_content({"m": m, "n": n}, a)
    assert hash_content(a, b) != hash_content(a + b)


def test_the_hash_is_that_of_stores_written_before() -> None:
    assert hash_content(1, "Grüße") == "dced3b18b3423922ab26d1698c9da74b45d2b3aef93f6f028296fc881338a6a7"
    assert hash_content("\ud83d\ude00") != hash_content("\U0001f600"), "two halves are not the whole"


def test_hashes_of_values_and_files_are_those_of_older_runs(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\n")
    (tmp_path / "b.txt").write_bytes(b"two")
    assert hash_json({"b": [1, 2.5, None], "a": "Grüße", "p": Path("x")}) == "c6f996cabfba6e7b"
    assert hash_file(tmp_path / "a.txt") == "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"
    assert hash_files([tmp_path / "b.txt", tmp_path / "a.txt"]) == "0eb091d4ab876fa8"


def test_chunks_are_hashed_one_behind_the_other() -> None:
    assert hash_bytes([b"on", b"", memoryview(b"e\n")]) == hash_bytes([b"one\n"])
    assert hash_bytes([b"one\n"]) == "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"
    assert digest_bytes([b"on", b"e\n"]) == digest_bytes([b"one\n"]) != digest_bytes([b"one"])
    assert len(digest_bytes([])) == 16


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one")
    before = hash_file(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(0, 7))
    assert hash_file(path) != before


def test_numbers_of_ids_and_rows_are_those_of_older_versions() -> None:
    assert [_hash_id("u7"), _hash_id(7), _hash_id("\ud83d")] == [
        2659489903401769192,
        10271071260543353465,
        13609203764316046965,
    ]
    assert hash_text_to_number("u7") == 2659489903401769192 != hash_text_to_number("u7", "blake2b")
    ds = simulate_catalogue(SimulatorConfig(users=30, items=60, interactions_per_user=(6, 12)), 5).dataset
    numbers = hash_rows(ds, np.arange(4), 3)
    assert numbers.dtype == np.uint64
    assert numbers.tolist() == [
        12084377862856036757,
        17191091100235800705,
        8028196552676774900,
        16907034208687670702,
    ]
    assert ds.compute_fingerprint() == "7ec6bf67ad86716668f9b715dce0947d21dd6680050ef19430dad2a88e800d72"
    assert hash_reasons(ds, {3: "a", 1: "b"}) == "734aae7e814213bb"


def test_hashes_of_weights_are_those_in_older_folders() -> None:
    class Model:
        def state_dict(self) -> dict[str, torch.Tensor]:
            return TENSORS

    assert _hash_weights(Model()) == "015d101d2c64a0d5"  # type: ignore[arg-type]


def test_the_hash_of_code_is_that_of_older_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "room").mkdir()
    code = '"""Doc."""\ndef f(x: int) -> int:\n    return x + 1\n'
    (tmp_path / "room" / "a.py").write_text(code)
    (tmp_path / "b.py").write_text("x = 1\n")
    monkeypatch.setattr(provenance, "_PACKAGE", tmp_path)
    provenance.hash_code.cache_clear()
    tree = ast.parse(code)
    tree.body.pop(0)  # the docstring computes nothing
    parts = f"b.py\n{ast.dump(ast.parse('x = 1'))}\nroom/a.py\n{ast.dump(tree)}\n"
    try:
        assert provenance.hash_code(("room", "b.py")) == hashlib.sha256(parts.encode()).hexdigest()[:16]
    finally:
        provenance.hash_code.cache_clear()
