"""The linear fusion against PEFT's combination of that name, which the authors' released code calls."""

from __future__ import annotations

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from support.tiny_lm import make_model

from thinkrec.model.adapters import attach_adapters
from thinkrec.model.lora import MultiLoRAConfig

WEIGHTS = (0.7, 0.3)


@torch.no_grad()
@pytest.mark.parametrize(("fusion", "is_same"), [("linear", True), ("exact", False)])
def test_logits_of_a_fused_user_are_those_of_pefts_merge(fusion: str, is_same: bool) -> None:
    ids = torch.randint(4, 40, (1, 9), generator=torch.Generator().manual_seed(0))
    config = {"rank": 4, "alpha": 6, "dropout": 0.0, "expert_layers": 1.0, "n_experts": 2, "fusion": fusion}
    model = make_model().eval()
    adapters = attach_adapters(model, MultiLoRAConfig.model_validate(config))
    reference = make_model().eval()
    lora = LoraConfig(r=4, lora_alpha=6, lora_dropout=0.0, target_modules=["q_proj", "v_proj"])
    peft = get_peft_model(reference, lora, adapter_name="e1")
    assert isinstance(peft, PeftModel)
    peft.add_adapter("e2", lora)
    torch.manual_seed(1)
    theirs = dict(peft.named_modules())
    for name, layer in adapters.layers.items():
        for k in (1, 2):
            a, b = torch.randn_like(layer.global_a), torch.randn_like(layer.global_b)
            own = layer.get_adapter(k)
            own[0].copy_(a)
            own[1].copy_(b)
            (module,) = [m for key, m in theirs.items() if key.endswith(name) and hasattr(m, "lora_A")]
            module.lora_A[f"e{k}"].weight.copy_(a)  # pyright: ignore
            module.lora_B[f"e{k}"].weight.copy_(b)  # pyright: ignore
    peft.add_weighted_adapter(["e1", "e2"], list(WEIGHTS), "fused", combination_type="linear")
    peft.set_adapter("fused")
    expected = peft(input_ids=ids).logits
    with adapters.routing.use_weights(torch.tensor([[0.0, *WEIGHTS]])):
        found = model(input_ids=ids).logits
    assert torch.allclose(found, expected, atol=1e-4) is is_same
