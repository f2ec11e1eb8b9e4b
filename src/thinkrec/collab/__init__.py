"""Collaborative scorers and encoders, chosen by the `kind` of their config."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from thinkrec.collab.boosting import GradientBoosting, GradientBoostingConfig
from thinkrec.collab.encoder import Encoder, Scorer
from thinkrec.collab.item_priors import ItemBaseline, ItemBaselineConfig, RandomConfig, RandomScorer
from thinkrec.collab.lightgcn import LightGCN, LightGCNConfig
from thinkrec.collab.mf import MF, MFConfig
from thinkrec.collab.sasrec import SASRec, SASRecConfig
from thinkrec.collab.training import EncoderTrainingConfig
from thinkrec.io.config import rename_kinds

RENAMED_KINDS = {**ItemBaselineConfig.RENAMED_VALUES["kind"]}
"""Earlier name of a kind of scorer -> its name."""
EncoderConfig = Annotated[MFConfig | LightGCNConfig | SASRecConfig, Field(discriminator="kind")]
"""Any config whose class is an `Encoder`."""
AnyScorerConfig = MFConfig | LightGCNConfig | SASRecConfig | GradientBoostingConfig | ItemBaselineConfig | RandomConfig
ScorerConfig = Annotated[AnyScorerConfig, Field(discriminator="kind"), rename_kinds(RENAMED_KINDS)]
"""Any config of this room."""

KINDS = {
    "mf": MF,
    "lightgcn": LightGCN,
    "sasrec": SASRec,
    "boosting": GradientBoosting,
    "item_baseline": ItemBaseline,
    "random": RandomScorer,
}
"""Class by the `kind` of its config."""


def build_scorer(config: ScorerConfig) -> Scorer:
    """The unfitted scorer that `config` describes."""
    return KINDS[config.kind](config)


__all__ = [
    "KINDS",
    "MF",
    "RENAMED_KINDS",
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
    "RandomConfig",
    "RandomScorer",
    "SASRec",
    "SASRecConfig",
    "Scorer",
    "ScorerConfig",
    "build_scorer",
]
