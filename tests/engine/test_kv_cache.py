"""Keys and values that grow in place: always what Transformers' own cache holds."""

from __future__ import annotations

import pytest
import torch
from transformers import DynamicCache, LlamaConfig, MistralConfig

from thinkrec.engine import kv_cache
from thinkrec.engine.kv_cache import GrowingLayer, make_kv_cache

CONFIG = LlamaConfig(num_hidden_layers=2, hidden_size=16, num_attention_heads=4, num_key_value_heads=2)


def make_states(rows: int, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(rows, 2, tokens, 4), torch.randn(rows, 2, tokens, 4)


def test_it_holds_what_the_plain_cache_holds_whatever_is_done_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kv_cache, "ROOM", 3)
    torch.manual_seed(0)
    mine, plain, rows = make_kv_cache(CONFIG), DynamicCache(config=CONFIG), 4
    for step, tokens in enumerate((5, 1, 1, 1, 1, 7, 1, 1, 2, 1)):
        if step in (3, 7):
            keep = torch.tensor([2, 0]) if step == 3 else torch.tensor([1])
            mine.batch_select_indices(keep)
            plain.batch_select_indices(keep)
            rows = len(keep)
        for layer in range(2):
            states = make_states(rows, tokens)
            for own, theirs in zip(mine.update(*states, layer), plain.update(*states, layer), strict=True):
                assert torch.equal(own, theirs)
        assert mine.get_seq_length() == plain.get_seq_length()


def test_a_token_is_written_without_a_copy_of_the_others() -> None:
    layer = GrowingLayer()
    first, _ = layer.update(*make_states(3, 10))
    second, _ = layer.update(*make_states(3, 1))
    assert second.data_ptr() == first.data_ptr() and second.shape[2] == 11
    layer.crop(-4)
    states = make_states(3, 1)
    third, _ = layer.update(*states)
    assert (
        third.shape[2] == 8
        and torch.equal(third[:, :, 7:], states[0])
        and torch.equal(third[:, :, :7], first[:, :, :7])
    )


def test_layers_of_another_kind_stay_as_they_are() -> None:
    sliding = MistralConfig(num_hidden_layers=2, sliding_window=4)
    assert not any(isinstance(layer, GrowingLayer) for layer in make_kv_cache(sliding).layers)
    assert all(isinstance(layer, GrowingLayer) for layer in make_kv_cache(CONFIG).layers)
