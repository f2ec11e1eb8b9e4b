"""Collaborative scorers and encoders, chosen by the `kind` of their config."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from thinkrec.collab.boosting import Boosting, BoostingConfig
from thinkrec.collab.encoder import Encoder, Scorer
from thinkrec.collab.item_priors import ItemPrior, ItemPriorConfig, Random, RandomConfig
from thinkrec.collab.lightgcn import LightGCN, LightGCNConfig
from thinkrec.collab.mf import MF, MFConfig
from thinkrec.collab.sasrec import SASRec, SASRecConfig
from thinkrec.collab.training import Training

EncoderConfig = Annotated[MFConfig | LightGCNConfig | SASRecConfig, Field(discriminator="kind")]
"""Any config whose class is an `Encoder`."""
ScorerConfig = Annotated[
    MFConfig | LightGCNConfig | SASRecConfig | BoostingConfig | ItemPriorConfig | RandomConfig,
    Field(discriminator="kind"),
]
"""Any config of this room."""

KINDS = {
    "mf": MF,
    "lightgcn": LightGCN,
    "sasrec": SASRec,
    "boosting": Boosting,
    "item_prior": ItemPrior,
    "random": Random,
}
"""Class by the `kind` of its config."""


def build(config: ScorerConfig) -> Scorer:
    """The unfitted scorer that `config` describes."""
    return KINDS[config.kind](config)


__all__ = [
    "KINDS",
    "MF",
    "Boosting",
    "BoostingConfig",
    "Encoder",
    "EncoderConfig",
    "ItemPrior",
    "ItemPriorConfig",
    "LightGCN",
    "LightGCNConfig",
    "MFConfig",
    "Random",
    "RandomConfig",
    "SASRec",
    "SASRecConfig",
    "Scorer",
    "ScorerConfig",
    "Training",
    "build",
]
