"""The attention put into a model follows a layout while one is in use, in its own thread, and is else Transformers'."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.plain_attention import attend_plainly, list_visible_keys
from torch import nn

from thinkrec.engine.hooks import (
    ATTENTION_NAME,
    HOOK_STATE,
    KeyValuesCapturedError,
    PruningState,
    UnsupportedAttentionError,
    capture_key_values,
    install_attention,
    use_layout,
)
from thinkrec.engine.layout import PackedLayout
from thinkrec.engine.segments import Segment

LAYOUT = PackedLayout((Segment.from_lengths(0, 3, [2, 1]),))


class Attends(nn.Module):
    """Stands for a layer whose attention is causal."""

    is_causal = True
    num_key_value_groups = 2


def dispatch_attention(query, key, value, **options) -> torch.Tensor:
    """(1, t, h, d) of the attention that is registered with Transformers."""
    from transformers import AttentionInterface

    attend = AttentionInterface()[ATTENTION_NAME]
    mask = options.pop("attention_mask", None)
    return attend(Attends(), query, key, value, mask, scaling=0.3, **options)[0]


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    from support.tiny_lm import make_model

    assert install_attention(make_model())


def draw_heads(t: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(1, h, t, 8, generator=source) for h in (4, 2, 2))
    return query, key, value


def test_installing_it_replaces_sdpa_alone() -> None:
    from support.tiny_lm import make_model

    model = make_model()
    assert install_attention(model) and install_attention(model), "a second time changes nothing"
    assert model.config._attn_implementation == ATTENTION_NAME
    eager = make_model()
    eager.set_attn_implementation("eager")
    assert not install_attention(eager)
    assert eager.config._attn_implementation == "eager"


def test_a_layout_in_use_is_followed_and_then_forgotten() -> None:
    query, key, value = draw_heads()
    with use_layout(LAYOUT):
        packed = dispatch_attention(query, key, value)
        with use_layout(None):
            plain = dispatch_attention(query, key, value)
        torch.testing.assert_close(dispatch_attention(query, key, value), packed)
    visible = list_visible_keys(LAYOUT.segments)
    expected = attend_plainly(query, key, value, visible, 0.3)[0]
    np.testing.assert_allclose(packed.transpose(1, 2).numpy(), expected, atol=1e-5)
    causal = attend_plainly(query, key, value, [range(i + 1) for i in range(6)], 0.3)[0]
    np.testing.assert_allclose(plain.transpose(1, 2).numpy(), causal, atol=1e-5)
    assert HOOK_STATE.layout is None


def test_a_layout_is_forgotten_after_an_error_too() -> None:
    with pytest.raises(RuntimeError), use_layout(LAYOUT):
        raise RuntimeError
    assert HOOK_STATE.layout is None


def test_keys_and_values_are_captured_layer_by_layer() -> None:
    query, key, value = draw_heads()
    with use_layout(LAYOUT), capture_key_values() as captured:
        dispatch_attention(query, key, value)
        dispatch_attention(query, 2 * key, value)
    assert [pair[0].sum().item() for pair in captured] == [key.sum().item(), (2 * key).sum().item()]
    assert HOOK_STATE.captured_key_values is None


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"softcap": 30.0}, "softcap"),
        ({"s_aux": torch.zeros(4)}, "s_aux"),
        ({"position_bias": torch.zeros(1)}, "position_bias"),
        ({"dropout": 0.1}, "dropout"),
        ({"sliding_window": 4}, "sliding_window"),
    ],
)
def test_what_packed_rows_cannot_do_is_refused_by_name(options: dict, name: str) -> None:
    query, key, value = draw_heads()
    with use_layout(LAYOUT), pytest.raises(UnsupportedAttentionError, match=f"^{name}$"):
        dispatch_attention(query, key, value, **options)


def test_a_window_as_long_as_the_prompts_changes_nothing() -> None:
    query, key, value = draw_heads()
    with use_layout(LAYOUT):
        expected = dispatch_attention(query, key, value)
        torch.testing.assert_close(dispatch_attention(query, key, value, sliding_window=5), expected)
        dispatch_attention(query, key, value, dropout=0.0, softcap=None)


def test_pruned_positions_attend_to_their_own_past() -> None:
    query, key, value = draw_heads()
    positions = torch.tensor([[1, 4]])
    HOOK_STATE.pruning = PruningState(positions, key_values=(key, value))
    try:
        pruned = dispatch_attention(query[:, :, positions[0]], key[:, :, :2], value[:, :, :2])
        HOOK_STATE.pruning.is_capturing = True
        with pytest.raises(KeyValuesCapturedError) as captured:
            dispatch_attention(query, key, value)
    finally:
        HOOK_STATE.pruning = None
    assert captured.value.args[0] is key and captured.value.args[1] is value
    expected = attend_plainly(query[:, :, positions[0]], key, value, [range(2), range(5)], 0.3)[0]
    np.testing.assert_allclose(pruned.transpose(1, 2).numpy(), expected, atol=1e-5)
