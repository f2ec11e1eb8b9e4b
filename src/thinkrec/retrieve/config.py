"""Configuration of candidate generators."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from thinkrec.io.config import Config

SourceName = Literal["vectors", "neighbours", "taste", "prior", "popularity"]
"""vectors: inner product of the fitted encoder's vectors. neighbours: cosine to the items that the user liked.
taste: the prior and what the user's past says of the item's keywords. prior: how many of an item's ratings are likes,
drawn towards its keywords. popularity: the number of its likes."""


class RetrieveConfig(Config):
    """What proposes candidates, and how proposals are merged."""

    sources: tuple[SourceName, ...] = Field(default=("taste", "prior", "vectors", "neighbours"), min_length=1)
    """Who proposes, in the order in which they take turns."""
    candidates: int = Field(default=400, ge=1)
    """Items per user that the ranker is asked about, at most."""
    rounds: int = Field(default=2, ge=0)
    """Times that the ranker's scores so far say which items to ask about next (`feedback`); 0: the sources alone."""
    first_share: float = Field(default=0.5, gt=0, le=1)
    """Share of the candidates that the sources propose, where there are rounds; these share the rest evenly."""
    merge: Literal["round_robin", "reciprocal_rank"] = "round_robin"
    """round_robin: each source in turn gives its best item that is not taken yet. reciprocal_rank: by the sum over
    sources of 1 / (60 + rank) (Cormack, Clarke and Buettcher, SIGIR 2009)."""
    neighbours: int = Field(default=100, ge=1)
    """neighbours: items kept beside each item."""
    neighbour_shrinkage: float = Field(default=10.0, ge=0)
    """neighbours: likes in common at which a cosine is drawn to half."""
    prior_strength: float = Field(default=5.0, gt=0)
    """prior, taste: pseudo-rows at what the keywords say that are added to an item's own rows."""
    taste_weight: float = Field(default=4.0, ge=0)
    """taste: logits per unit of the neighbourhood residual, which is a difference of probabilities."""
    index: Literal["auto", "exact", "faiss"] = "auto"
    """vectors: how the nearest items are found. auto: approximately, by faiss, from 100,000 items on where it is
    installed (`thinkrec[retrieve]`), else exactly."""
    index_depth: int = Field(default=128, ge=8)
    """vectors by faiss: nodes that a search keeps open (efSearch); more find more and take longer."""
