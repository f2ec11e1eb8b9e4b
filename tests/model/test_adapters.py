from __future__ import annotations

import copy
import json
import threading
from pathlib import Path

import pytest
import torch
from support.tiny_lm import TARGETS, make_model, make_recommender
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, MixtralConfig, MixtralForCausalLM, Phi3Config, Phi3ForCausalLM

from thinkrec.engine.parts import set_trainable_parts
from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.lora import MultiLoRAConfig, MultiLoRALinear, Routing

W = torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0.2, 0.5, 0.3], [0.1, 0.2, 0.3, 0.4]])


def test_fusion_per_row_is_the_dense_merge() -> None:
    experts = make_recommender().adapters
    x = torch.randn(4, 5, 32, generator=torch.manual_seed(0))
    assert len({layer.n_adapters for layer in experts.layers.values()}) == 2
    for name, layer in experts.layers.items():
        with experts.routing.use_weights(W):
            got = layer(x)
        for i, w in enumerate(W):
            dense = nn.functional.linear(x[i], layer.weight + experts.compute_fused_delta(name, w), layer.bias)
            torch.testing.assert_close(got[i], dense, atol=1e-5, rtol=1e-5)


def test_fused_delta_is_a_sum_of_products_not_a_product_of_sums() -> None:
    experts = make_recommender().adapters
    name, layer = list(experts.layers.items())[-1]
    want = torch.zeros(layer.base.out_features, layer.base.in_features)
    for k, w in enumerate(W[2]):
        a, b = layer.get_adapter(k)
        want += w * 2.0 * b @ a
    torch.testing.assert_close(experts.compute_fused_delta(name, W[2]), want)
    a, b = layer.stack_adapters()
    assert a.shape == (4 * 4, 32) and b.shape == (layer.base.out_features, 4 * 4)
    torch.testing.assert_close(a[4:8], layer.get_adapter(1)[0])
    torch.testing.assert_close(b[:, 12:], layer.get_adapter(3)[1])


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt_neox"])
def test_a_mixed_batch_equals_merged_models_one_user_each(kind: str) -> None:
    rec = make_recommender(kind)
    ids = torch.randint(4, 60, (4, 11), generator=torch.manual_seed(1))
    with rec.adapters.routing.use_weights(W), torch.no_grad():
        mixed = rec.model(ids).logits
    for i, w in enumerate(W):
        plain = make_model(kind)
        with torch.no_grad():
            for name in rec.adapters.layers:
                plain.get_submodule(name).weight += rec.adapters.compute_fused_delta(name, w)
            torch.testing.assert_close(plain(ids[i : i + 1]).logits[0], mixed[i], atol=1e-4, rtol=1e-4)


def test_a_fresh_attachment_changes_nothing_and_only_the_last_quarter_holds_experts() -> None:
    model = make_model(num_hidden_layers=8)
    ids = torch.randint(4, 60, (2, 7))
    before = model(ids).logits
    experts = attach_adapters(model, MultiLoRAConfig(n_experts=2))
    torch.testing.assert_close(model(ids).logits, before)
    assert not any(m.training for m in model.modules())
    slots = {name.split(".")[2]: layer.n_adapters for name, layer in experts.layers.items()}
    assert slots == {str(i): 3 if i >= 6 else 1 for i in range(8)}
    assert all(layer.global_a.abs().sum() > 0 and not layer.global_b.any() for layer in experts.layers.values())
    with experts.routing.use_weights(torch.tensor([[0.0, 1, 0], [0, 0, 1]])):
        torch.testing.assert_close(model(ids).logits, before)


def test_explicit_layers_and_no_experts() -> None:
    experts = attach_adapters(make_model(), MultiLoRAConfig(n_experts=2, expert_layers=(0, 2), targets=("o_proj",)))
    assert [layer.n_adapters for layer in experts.layers.values()] == [3, 1, 3, 1]
    experts = attach_adapters(make_model(), MultiLoRAConfig(n_experts=0))
    assert experts.n_adapters == 1 and not experts.get_parameters("experts")
    with pytest.raises(RecipeError, match="layer 4"):
        attach_adapters(make_model(), MultiLoRAConfig(expert_layers=(4,)))
    with pytest.raises(RecipeError, match="between 0 and 1"):
        attach_adapters(make_model(), MultiLoRAConfig(expert_layers=1.5))


def test_adapters_in_chosen_layers_alone() -> None:
    model = make_model(num_hidden_layers=8)
    adapters = attach_adapters(model, MultiLoRAConfig(n_experts=2, layers=0.5, expert_layers=0.25))
    assert adapters.list_layer_numbers("global") == [4, 5, 6, 7] and adapters.list_layer_numbers("experts") == [6, 7]
    # Short names would have PEFT adapt the lower layers too.
    targets = adapters.get_peft_config()["target_modules"]
    assert targets == sorted(adapters.layers) and {name.split(".")[2] for name in targets} == {"4", "5", "6", "7"}
    named = attach_adapters(make_model(num_hidden_layers=8), MultiLoRAConfig(n_experts=0, layers=(1, 3)))
    assert named.list_layer_numbers("global") == [1, 3]
    with pytest.raises(RecipeError, match=r"adapters\.expert_layers has layer 4 .*adapters\.layers"):
        attach_adapters(make_model(num_hidden_layers=8), MultiLoRAConfig(n_experts=1, layers=0.25, expert_layers=0.5))
    with pytest.raises(RecipeError, match=r"adapters\.layers names layer 9"):
        attach_adapters(make_model(num_hidden_layers=8), MultiLoRAConfig(layers=(9,)))


def test_unknown_targets_list_what_there_is_and_twice_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"q_proj.*self_attn|attention\.query_key_value"):
        attach_adapters(make_model("gpt_neox"), MultiLoRAConfig())
    model = make_model("gpt_neox")
    experts = attach_adapters(model, MultiLoRAConfig(targets=TARGETS["gpt_neox"]))
    assert next(iter(experts.layers)) == "gpt_neox.layers.0.attention.query_key_value"
    with pytest.raises(RecipeError, match="already carries"):
        attach_adapters(model, MultiLoRAConfig(targets=TARGETS["gpt_neox"]))


def test_stages_train_their_own_parameters_and_the_backbone_never() -> None:
    rec = make_recommender()
    experts = rec.adapters
    for groups in (("global",), ("experts",), ("global", "experts"), ()):
        trained = set_trainable_parts(rec, groups)
        assert {id(p) for p in trained} == {id(p) for p in rec.model.parameters() if p.requires_grad}
        assert {id(p) for p in trained} == {id(p) for g in groups for p in experts.get_parameters(g)}


def test_gradients_reach_only_the_rows_own_expert() -> None:
    rec = make_recommender()
    set_trainable_parts(rec, ("experts",))
    ids = torch.randint(4, 60, (2, 7))
    with rec.adapters.routing.use_weights(torch.tensor([[0.0, 0, 1, 0], [1, 0, 0, 0]])):
        rec.model(ids).logits.square().mean().backward()
    for layer in rec.adapters.layers.values():
        assert layer.global_a.grad is None
        if layer.expert_a is not None and layer.expert_b is not None:
            assert layer.expert_a.grad is not None and layer.expert_b.grad is not None
            touched = layer.expert_a.grad.reshape(3, 4, -1).abs().sum((1, 2)) > 0
            assert touched.tolist() == [False, True, False]
            touched = layer.expert_b.grad.reshape(-1, 3, 4).abs().sum((0, 2)) > 0
            assert touched.tolist() == [False, True, False]


def test_experts_start_as_copies_of_the_global_adapter() -> None:
    rec = make_recommender()
    rec.adapters.init_group_adapters()
    ids = torch.randint(4, 60, (4, 7))
    with torch.no_grad():
        alone = rec.model(ids).logits
        with rec.adapters.routing.use_weights(W):
            torch.testing.assert_close(rec.model(ids).logits, alone, atol=1e-4, rtol=1e-4)
    for layer in rec.adapters.layers.values():
        assert all(torch.equal(layer.get_adapter(k)[0], layer.global_a) for k in range(layer.n_adapters))
        assert layer.expert_a is None or layer.expert_a.data_ptr() != layer.global_a.data_ptr()


def test_dropout_works_in_training_alone() -> None:
    rec = make_recommender(dropout=0.5)
    ids = torch.randint(4, 60, (2, 7))
    assert torch.equal(rec.model(ids).logits, rec.model(ids).logits)
    rec.train()
    assert not torch.allclose(rec.model(ids).logits, rec.model(ids).logits)


def test_routing_ends_with_its_block_and_belongs_to_its_thread() -> None:
    routing = Routing()
    seen = []
    with pytest.raises(ZeroDivisionError), routing.use_weights(W):
        thread = threading.Thread(target=lambda: seen.append(routing.weights))
        thread.start()
        thread.join()
        with routing.use_weights(None):
            assert routing.weights is None
        assert routing.weights is W
        raise ZeroDivisionError
    assert routing.weights is None and seen == [None]


def test_wrong_number_of_weights_is_refused_and_one_row_serves_all() -> None:
    layer = MultiLoRALinear(nn.Linear(5, 3), MultiLoRAConfig(rank=2, n_experts=3, dropout=0), 3, Routing())
    nn.init.normal_(layer.global_b)
    x = torch.randn(4, 6, 5)
    for wrong in (W[:3], W[:, :3], W[:, None], W[:, None, :3].expand(4, 6, -1)):
        with layer.routing.use_weights(wrong), pytest.raises(RuntimeError, match="routing weights"):
            layer(x)
    with layer.routing.use_weights(W[:1]):
        one = layer(x)
    with layer.routing.use_weights(W[:1].expand(4, -1)):
        torch.testing.assert_close(one, layer(x))
    with layer.routing.use_weights(W):
        torch.testing.assert_close(layer(x)[:, 2], layer(x[:, 2]))
        by_row = layer(x)
    with layer.routing.use_weights(W[:, None].expand(4, 6, -1)):
        torch.testing.assert_close(layer(x), by_row)
    with layer.routing.use_weights(W[None, [0, 3, 3]]):
        mixed = layer(x[None, 0, :3])
    with layer.routing.use_weights(W[3:]):
        torch.testing.assert_close(mixed[:, 1:], layer(x[None, 0, 1:3]))


def test_half_precision_backbones_keep_float32_adapters() -> None:
    model = make_model().to(torch.bfloat16)
    experts = attach_adapters(model, MultiLoRAConfig())
    ids = torch.randint(4, 60, (1, 5))
    assert {p.dtype for p in experts.get_parameters("global")} == {torch.float32}
    assert model(ids).logits.dtype == torch.bfloat16


def test_half_precision_multiplies_adapters_in_half_and_teaches_them_in_full() -> None:
    rec = make_recommender()
    ids = torch.randint(4, 60, (4, 7))
    with torch.no_grad(), rec.adapters.routing.use_weights(W):
        wanted = rec.model(ids).logits
    for name, p in rec.model.named_parameters():
        if "global_" not in name and "expert_" not in name:
            p.data = p.data.bfloat16()
    set_trainable_parts(rec, ("global", "experts"))
    layer = next(iter(rec.adapters.layers.values()))
    with rec.adapters.routing.use_weights(W[:1]):
        out = layer(torch.randn(1, 4, 32, dtype=torch.bfloat16))
    assert out.dtype == torch.bfloat16
    out.float().sum().backward()
    slope = layer.global_a.grad
    assert slope is not None
    assert slope.dtype == torch.float32
    assert slope.abs().max() > 0
    with torch.no_grad(), rec.adapters.routing.use_weights(W):
        found = rec.model(ids).logits.float()
    assert (found - wanted).square().mean().sqrt() < 0.1 * wanted.std()


def test_state_survives_and_another_shape_is_refused() -> None:
    rec, other = make_recommender(), make_recommender()
    for p in other.adapters.get_parameters("global") + other.adapters.get_parameters("experts"):
        p.data.zero_()
    state = copy.deepcopy(rec.adapters.state_dict())
    other.adapters.load_state_dict(state)
    ids = torch.randint(4, 60, (4, 7))
    for weights in (None, W):
        with rec.adapters.routing.use_weights(weights), other.adapters.routing.use_weights(weights):
            assert torch.equal(rec.model(ids).logits, other.model(ids).logits)
    with pytest.raises(CheckpointError, match="do not fit"):
        make_recommender(n=2).adapters.load_state_dict(state)


def test_merged_is_the_same_sum_and_ends_with_its_block() -> None:
    rec = make_recommender()
    ids = torch.randint(4, 60, (3, 7))
    with torch.no_grad():
        plain = rec.model(ids).logits
        with rec.adapters.routing.use_weights(W[:3]):
            mixed = rec.model(ids).logits
        with rec.adapters.merge_global_adapter(), rec.adapters.merge_global_adapter():
            assert all(layer.merged_weight is not None for layer in rec.adapters.layers.values())
            torch.testing.assert_close(rec.model(ids).logits, plain, atol=1e-4, rtol=1e-4)
            with rec.adapters.routing.use_weights(W[:3]):
                torch.testing.assert_close(rec.model(ids).logits, mixed, atol=1e-4, rtol=1e-4)
        assert all(layer.merged_weight is None for layer in rec.adapters.layers.values())
        rec.adapters.get_parameters("global")[0].add_(1)
        with rec.adapters.merge_global_adapter():
            assert (rec.model(ids).logits - plain).abs().max() > 0.1


def test_half_precision_weights_are_not_merged() -> None:
    experts = attach_adapters(make_model().to(torch.bfloat16), MultiLoRAConfig())
    with experts.merge_global_adapter():
        assert all(layer.merged_weight is None for layer in experts.layers.values())


def test_all_linear_layers_can_be_named_at_once(tmp_path: Path) -> None:
    experts = attach_adapters(make_model(), MultiLoRAConfig(targets=("all-linear",)))
    assert len(experts.layers) == 4 * 7
    experts.save_peft(tmp_path, 0)
    written = json.loads((tmp_path / "adapter_config.json").read_text())["target_modules"]
    assert written == sorted(experts.layers) and "model.layers.0.mlp.up_proj" in written


def test_what_cannot_carry_adapters_is_named() -> None:
    sizes = {"vocab_size": 40, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    mixture = MixtralForCausalLM(MixtralConfig(**sizes, num_attention_heads=4, num_local_experts=2))
    with pytest.raises(RecipeError, match=r"targets names w1, which .* self_attn\.q_proj.* Of other kinds.*: .*mlp\."):
        attach_adapters(mixture, MultiLoRAConfig(targets=("w1",)))
    fused = Phi3ForCausalLM(Phi3Config(**sizes, num_attention_heads=4, pad_token_id=0))
    with pytest.raises(RecipeError, match=r"names q_proj, v_proj, .*they have: .*self_attn\.qkv_proj\. One layer for"):
        attach_adapters(fused, MultiLoRAConfig())


def test_a_transposed_layer_is_made_a_plain_one_and_computes_the_same() -> None:
    model = GPT2LMHeadModel(GPT2Config(vocab_size=40, n_embd=32, n_layer=2, n_head=4, initializer_range=0.3)).eval()
    ids = torch.randint(0, 40, (2, 7))
    before = model(ids).logits
    experts = attach_adapters(model, MultiLoRAConfig(targets=("c_attn", "mlp.c_proj"), n_experts=0))
    assert sorted(experts.layers)[0] == "transformer.h.0.attn.c_attn" and len(experts.layers) == 4
    torch.testing.assert_close(model(ids).logits, before, atol=1e-5, rtol=1e-5)
