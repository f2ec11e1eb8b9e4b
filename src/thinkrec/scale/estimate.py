"""The cost of a recipe: its prompts measured, its backbone counted."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PretrainedConfig

from thinkrec.errors import RecipeError
from thinkrec.model.backbone import load_backbone
from thinkrec.run.data_sources import load_data
from thinkrec.run.recipe import Recipe
from thinkrec.scale.cost_model import Cost, Device, PromptLengths, Workload, compute_cost, list_limits
from thinkrec.scale.prompt_lengths import measure_prompt_lengths
from thinkrec.scale.shapes import BackboneShape, build_known_configs, count_shape
from thinkrec.train.model_config import ThinkRecConfig

HELD = "bfloat16"
"""The number format in which weights are checked against a device's memory."""


@dataclass(frozen=True)
class CostEstimate:
    """A workload, what it takes, and what that was computed from."""

    title: str
    workload: Workload
    shape: BackboneShape
    lengths: PromptLengths
    sampled: int
    """Users whose prompts were measured."""
    rate_source: str
    """Where the speed of a device comes from."""
    cost: Cost
    limits: list[str]


def estimate_recipe_cost(
    recipe: Recipe,
    workload: Workload,
    *,
    shape_name: str | None,
    device: Device,
    utilisation: float,
    tokens_per_second: float | None,
    host_memory: float,
    n_items: int | None,
    sample: int,
) -> CostEstimate:
    """What ranking with a recipe's model takes.

    Args:
        recipe: of a language model.
        workload: users, candidates, time, reasons.
        shape_name: of a known backbone, in place of the recipe's own; prompts are counted with the recipe's tokenizer.
        device: whose data sheet counts.
        utilisation: the share of its operations that is assumed to be done.
        tokens_per_second: measured on one device with this backbone, in place of data sheet and utilisation.
        host_memory: bytes of a machine.
        n_items: of the catalogue; None: the recipe's.
        sample: users whose prompts are measured.

    Raises RecipeError for a recipe without a language model, and for an unknown shape.
    """
    model = recipe.model
    if not isinstance(model, ThinkRecConfig):
        raise RecipeError(
            f"the recipe {recipe.name} has no language model (model.kind: {model.kind}); name one with, such as demo"
        )
    ds, _ = load_data(recipe.data)
    backbone = load_backbone(model.backbone)
    lengths, sampled = measure_prompt_lengths(
        ds, backbone, model.prompt, slots=model.vector_stage is not None, users=sample, seed=recipe.seed
    )
    config = backbone.model.config if shape_name is None else _find_known_config(shape_name)
    n_experts = 0 if model.expert_stage is None else model.groups.n_groups
    shape = count_shape(shape_name or backbone.name, config, model.adapters, n_experts)
    rate, source = device.operations * utilisation, f"{device.name}: {device.operations / 1e12:,.0f} Tera-operations/s"
    source += f" (data sheet, bfloat16) x {utilisation:g} (assumed)"
    if tokens_per_second is not None:
        reading = compute_cost(shape, lengths, workload, rate=1.0, n_items=1, dim=1)
        rate = tokens_per_second * reading.operations / reading.tokens
        source = f"{tokens_per_second:,.0f} tokens/s, as given"
    dim = int(getattr(model.encoder, "dim", 64))
    cost = compute_cost(shape, lengths, workload, rate=rate, n_items=n_items or len(ds.items), dim=dim)
    title = (
        f"{recipe.name} with {shape.name} ({shape.parameters / 1e6:,.1f} million weights, adapters"
        f" {shape.adapters / 1e6:,.1f} million): {workload.users:,} users x {workload.candidates:,} candidates"
    )
    limits = list_limits(cost, device.memory, host_memory, HELD)
    return CostEstimate(title, workload, shape, lengths, sampled, source, cost, limits)


def _find_known_config(name: str) -> PretrainedConfig:
    known = build_known_configs()
    if name not in known:
        raise RecipeError(f"there is no known shape {name!r}; there are {', '.join(known)}")
    return known[name]
