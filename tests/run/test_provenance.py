"""Digests of code, asked by several threads at the same time."""

from __future__ import annotations

import ast
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from thinkrec.run import provenance


def test_threads_parse_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, most, parse = [0], [0], ast.parse

    def parse_slowly(text: str) -> ast.Module:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        time.sleep(0.002)
        tree = parse(text)
        under_way[0] -= 1
        return tree

    monkeypatch.setattr(provenance.ast, "parse", parse_slowly)
    with ThreadPoolExecutor(4) as pool:
        hashes = list(pool.map(provenance.hash_code.__wrapped__, [("io",)] * 4))
    assert most == [1] and len(set(hashes)) == 1
