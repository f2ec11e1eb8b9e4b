"""Inputs of finished stages under the names of today, so that a renamed key alone makes no stage run again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thinkrec.collab import (
    EncoderTrainingConfig,
    GradientBoostingConfig,
    ItemBaselineConfig,
    LightGCNConfig,
    MFConfig,
    RandomConfig,
    SASRecConfig,
)
from thinkrec.io.config import Config
from thinkrec.personal.gate import EntropyGateConfig
from thinkrec.personal.groups import GroupConfig
from thinkrec.prompts.config import PromptConfig
from thinkrec.run.recipe import Recipe
from thinkrec.train.config import StageConfig
from thinkrec.train.model_config import ThinkRecConfig

SECTIONS: dict[str, type[Config]] = {
    "prompt": PromptConfig,
    "groups": GroupConfig,
    "gate": EntropyGateConfig,
    "training": EncoderTrainingConfig,
}
"""Input of a stage that is a section of a recipe -> its class."""
SCORERS: dict[str, type[Config]] = {
    config.model_fields["kind"].default: config
    for config in (MFConfig, LightGCNConfig, SASRecConfig, GradientBoostingConfig, ItemBaselineConfig, RandomConfig)
}
"""Kind of a scorer -> the class of its config."""


def translate_stage_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs as an earlier version wrote them into done.json, under today's keys; nothing else changes.

    Keys of the recipe and of its model stand at the top; `config` is that of a scorer or of a stage of training.
    """
    return _translate_sections(ThinkRecConfig.translate_names(Recipe.translate_names(inputs)))


def _translate_sections(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _translate_sections(_find_class(key, value).translate_names(value)) if isinstance(value, dict) else value
        for key, value in values.items()
    }


def _find_class(key: str, section: Mapping[str, Any]) -> type[Config]:
    if key != "config":
        return SECTIONS.get(key, Config)
    kind = ItemBaselineConfig.translate_names(section).get("kind")
    return SCORERS.get(str(kind), StageConfig)
