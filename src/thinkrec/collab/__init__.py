"""Collaborative scorers and encoders, chosen by the `kind` of their config."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import Field

from thinkrec.collab.boosting import GradientBoosting, GradientBoostingConfig
from thinkrec.collab.encoder import Encoder, Scorer
from thinkrec.collab.item_priors import ItemBaseline, ItemBaselineConfig, RandomConfig, RandomScorer
from thinkrec.collab.lightgcn import LightGCN, LightGCNConfig
from thinkrec.collab.mf import MF, MFConfig
from thinkrec.collab.named_class import (
    ENCODER_METHODS,
    SCORER_METHODS,
    NamedClassConfig,
    NamedClasses,
    find_scorer_class,
    hash_class_source,
)
from thinkrec.collab.sasrec import SASRec, SASRecConfig
from thinkrec.collab.training import EncoderTrainingConfig
from thinkrec.io.config import rename_kinds

RENAMED_KINDS = {**ItemBaselineConfig.RENAMED_VALUES["kind"]}
"""Earlier name of a kind of scorer -> its name."""
EncoderConfig = Annotated[
    MFConfig | LightGCNConfig | SASRecConfig, Field(discriminator="kind"), NamedClasses(ENCODER_METHODS)
]
"""Any config whose class is an `Encoder`, that of somebody else's class included."""
AnyScorerConfig = MFConfig | LightGCNConfig | SASRecConfig | GradientBoostingConfig | ItemBaselineConfig | RandomConfig
ScorerConfig = Annotated[
    AnyScorerConfig, Field(discriminator="kind"), rename_kinds(RENAMED_KINDS), NamedClasses(SCORER_METHODS)
]
"""Any config of this room, and that of somebody else's class (`NamedClassConfig`)."""

YOUNGER_KEYS = [("max_train_rows", None)]
"""Keys with their defaults that scorers of an earlier version did not have."""
KINDS = {
    "mf": MF,
    "lightgcn": LightGCN,
    "sasrec": SASRec,
    "boosting": GradientBoosting,
    "item_baseline": ItemBaseline,
    "random": RandomScorer,
}
"""Class by the `kind` of its config."""


def build_scorer(config: ScorerConfig | NamedClassConfig) -> Scorer:
    """The unfitted scorer that `config` describes."""
    if isinstance(config, NamedClassConfig):
        return find_scorer_class(config.kind)(config.settings)
    return KINDS[config.kind](config)


def describe_scorer(config: ScorerConfig | NamedClassConfig) -> dict[str, Any]:
    """What a fitted scorer is made from beside the data, as plain values.

    Its config; of a class of somebody else's also the hash of its source file, since no other hash covers that.
    """
    values = config.model_dump(mode="json")
    # Younger keys at their defaults: a scorer that was fitted before they were there is what they describe.
    described: dict[str, Any] = {"config": {k: v for k, v in values.items() if (k, v) not in YOUNGER_KEYS}}
    if isinstance(config, NamedClassConfig):
        described["class"] = hash_class_source(config.kind)
    return described


def load_scorer(config: ScorerConfig | NamedClassConfig, folder: Path) -> Scorer:
    """The fitted scorer that a class of `config` left in a folder. Raises CheckpointError where it is not whole."""
    if isinstance(config, NamedClassConfig):
        return cast(type[Scorer], find_scorer_class(config.kind)).load(folder)
    return KINDS[config.kind].load(folder)


__all__ = [
    "ENCODER_METHODS",
    "KINDS",
    "MF",
    "RENAMED_KINDS",
    "SCORER_METHODS",
    "AnyScorerConfig",
    "Encoder",
    "EncoderConfig",
    "EncoderTrainingConfig",
    "GradientBoosting",
    "GradientBoostingConfig",
    "ItemBaseline",
    "ItemBaselineConfig",
    "LightGCN",
    "LightGCNConfig",
    "MFConfig",
    "NamedClassConfig",
    "NamedClasses",
    "RandomConfig",
    "RandomScorer",
    "SASRec",
    "SASRecConfig",
    "Scorer",
    "ScorerConfig",
    "build_scorer",
    "describe_scorer",
    "load_scorer",
]
