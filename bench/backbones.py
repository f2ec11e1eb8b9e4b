"""What a backbone needs in memory: weights, adapters with their optimiser, and activations by tokens in a step.

    python bench/backbones.py                   (a few minutes; writes bench/results/backbones.json)

Weights and adapters are counted on models of the true shape without any numbers in them (the meta device). Activations
are counted, not estimated: every tensor that autograd keeps of a forward pass, once, in models of the true width with
one layer and with two, on random weights; their difference is a layer's, and the rest is what layers do not hang on. No
name is loaded from anywhere.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM, PretrainedConfig

from thinkrec.model.adapters import attach_adapters
from thinkrec.model.lora import ALL_LINEAR, LoRAConfig, MultiLoRAConfig
from thinkrec.scale.shapes import build_known_configs, count_shape

RANK = 16
TOKENS = 128
"""In a measured pass, as one prompt; activations grow with the tokens: the fused kernel keeps no table of pairs."""
GB = 1e9


def count_parameters(config: PretrainedConfig) -> dict[str, int]:
    """Weights of a backbone, those of its linear layers, and of one adapter of rank `RANK` on all of these."""
    shape = count_shape("", config, LoRAConfig(rank=RANK, targets=(ALL_LINEAR,)), 0)
    return {"weights": shape.parameters, "linear": shape.linear, "adapter": shape.adapters}


def measure_activations(config: PretrainedConfig, dtype: torch.dtype) -> int:
    """Bytes that autograd keeps of the decoder's forward pass over `TOKENS` tokens, weights left out."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation="sdpa")
    model.requires_grad_(False)
    adapters = attach_adapters(model, MultiLoRAConfig(rank=RANK, dropout=0.0, targets=(ALL_LINEAR,), n_experts=0))
    for p in adapters.get_parameters("global"):
        p.requires_grad_(True)
    weights = {p.untyped_storage().data_ptr() for p in (*model.parameters(), *model.buffers())}
    sizes: dict[int, int] = {}
    held = []

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            sizes[storage.data_ptr()] = storage.nbytes()
            held.append(tensor)  # so that no other tensor gets its place before the end
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        states = model.base_model(input_ids=torch.randint(0, 64, (1, TOKENS)), use_cache=False).last_hidden_state
    del states
    return sum(sizes.values())


def describe_backbones() -> list[dict[str, Any]]:
    """One record per backbone: counts, and bytes of activations per token by format."""
    one, two = build_known_configs(1), build_known_configs(2)
    records = []
    for name, config in build_known_configs().items():
        layers = config.num_hidden_layers
        record: dict[str, Any] = {"backbone": name, "layers": layers, **count_parameters(config)}
        for dtype in (torch.float32, torch.bfloat16):
            first, second = measure_activations(one[name], dtype), measure_activations(two[name], dtype)
            layer = (second - first) / TOKENS
            total = first / TOKENS + (layers - 1) * layer
            record[str(dtype).removeprefix("torch.")] = {"layer": layer, "token": total}
        records.append(record)
    return records


def render_table(records: list[dict[str, Any]]) -> Table:
    """GB of each part, in both formats."""
    table = Table()
    parts = ("backbone", "weights", "float32", "bfloat16", "4 bits", "adapter", "with AdamW", "per 1,000 tokens")
    for heading in parts:
        table.add_column(heading)
    for record in records:
        weights, linear, adapter = record["weights"], record["linear"], record["adapter"]
        # Four bytes each: the weight, its gradient, and the two moments of AdamW.
        table.add_row(
            record["backbone"],
            f"{weights / 1e6:,.0f} M",
            f"{weights * 4 / GB:.2f} GB",
            f"{weights * 2 / GB:.2f} GB",
            f"{(linear * 0.5 + (weights - linear) * 2) / GB:.2f} GB",
            f"{adapter / 1e6:.1f} M",
            f"{adapter * 16 / GB:.2f} GB",
            f"{record['float32']['token'] * 1000 / GB:.2f} / {record['bfloat16']['token'] * 1000 / GB:.2f} GB",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    out = Path(__file__).parent / "results" / "backbones.json"
    parser.add_argument("--out", type=Path, default=out, help="where the JSON goes")
    args = parser.parse_args()
    records = describe_backbones()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps({"rank": RANK, "tokens": TOKENS, "backbones": records}, indent=1) + "\n", "utf-8")
    Console(width=140).print(render_table(records))


if __name__ == "__main__":
    main()
