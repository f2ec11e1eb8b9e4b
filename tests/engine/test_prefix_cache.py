"""Prefixes kept from one call to the next: the same scores, a bound in bytes, and nothing that belongs to another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from support.tiny_lm import make_part, make_recommender

from thinkrec.engine import prefix_cache
from thinkrec.engine.prefix_cache import PrefixCache, digest_prefix
from thinkrec.engine.segments import PrefixKVCache


def fill(tokens: int = 1) -> PrefixKVCache:
    part = torch.zeros(1, 2, tokens, 8)
    return PrefixKVCache({0: (part, part)})  # 128 bytes a token


def keep(cache: PrefixCache, key: bytes, tokens: int = 1) -> None:
    for _ in range(2):
        entry = cache.get(key)
    assert entry is not None and not entry.layers
    cache.put(key, fill(tokens))


def test_a_prefix_is_kept_from_the_second_time_on() -> None:
    cache = PrefixCache(1000)
    assert cache.get(b"a") is None
    opened = cache.get(b"a")
    assert opened is not None and opened.layers == {} and len(cache) == 0
    cache.put(b"a", fill())
    assert cache.get(b"a") is not None and len(cache) == 1 and cache.size == 128
    assert (cache.counts.hits, cache.counts.misses) == (1, 2)


def test_the_least_recently_asked_for_goes_and_the_bound_in_bytes_holds() -> None:
    cache = PrefixCache(300)
    keep(cache, b"a")
    keep(cache, b"b")
    cache.get(b"a")
    keep(cache, b"c")
    assert (cache.size, len(cache), cache.counts.evictions) == (256, 2, 1)
    assert cache.get(b"b") is None and cache.get(b"a") is not None
    keep(cache, b"d", tokens=3)
    assert (cache.size, len(cache)) == (256, 2), "larger than all room there is"
    keep(cache, b"e", tokens=2)
    assert (cache.size, len(cache)) == (256, 1)
    nothing = PrefixCache(0)
    keep(nothing, b"a")
    assert nothing.size == len(nothing) == 0


def test_what_was_asked_for_once_is_forgotten_too(monkeypatch) -> None:
    monkeypatch.setattr(prefix_cache, "REMEMBERED_KEYS", 2)
    cache = PrefixCache(1000)
    for key in (b"a", b"b", b"c", b"a"):
        assert cache.get(key) is None


def test_the_key_is_everything_that_keys_and_values_depend_on() -> None:
    rng, gate = np.random.default_rng(0), np.array([0.5, 0.5], dtype=np.float32)
    part = make_part(rng, 12, gate, 6)
    while not len(part.placeholder_at):
        part = make_part(rng, 12, gate, 6)
    key = digest_prefix(part)
    assert digest_prefix(replace(part, answer_label=part.answer_label[:0], answer_at=part.answer_at[:0])) == key
    others = {
        "ids": part.ids + 1,
        "gate": part.gate[::-1].copy() * [0.2, 1.8],
        "placeholder_at": part.placeholder_at[::-1] - 1,
        "placeholder_vectors": part.placeholder_vectors + 0.25,
        "soft_at": np.array([3], dtype=np.int32),
        "soft_index": np.array([1], dtype=np.int32),
    }
    assert len({key, *(digest_prefix(replace(part, **{name: value})) for name, value in others.items())}) == 7


def test_weights_that_change_empty_it() -> None:
    rec = make_recommender()
    changes = (lambda: rec.train(), lambda: rec.eval().to(torch.float64), lambda: rec.load_state_dict(rec.state_dict()))
    for change in changes:
        rec.prefix_cache = PrefixCache(1000)
        keep(rec.prefix_cache, b"a")
        change()
        assert rec.prefix_cache.get(b"a") is None and rec.prefix_cache.size == 0
