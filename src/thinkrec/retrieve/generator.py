"""The candidate generator: sources that propose items, merged into one list per user."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from thinkrec.collab.encoder import Encoder
from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.errors import CheckpointError
from thinkrec.io.files import read_tensors, write_json, write_tensors
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.retrieve.item_scores import ItemPrior, Popularity
from thinkrec.retrieve.neighbours import ItemNeighbours
from thinkrec.retrieve.vectors import EncoderVectors

STATE, DESCRIPTION = "state.safetensors", "generator.json"
RANK_OFFSET = 60
"""Of reciprocal rank fusion."""
LEARNED = {"neighbours": ItemNeighbours, "prior": ItemPrior, "popularity": Popularity}
"""Sources with something of their own to keep; `taste` reads what `prior` keeps, `vectors` an encoder."""


class Proposer(Protocol):
    """What the generator asks; see `CandidateSource.propose_items`."""

    def propose_items(self, ds: Dataset, query: Query, n: int) -> np.ndarray:
        """int64 (at most n,): item codes, best first, none of the query's past."""
        ...


@dataclass(frozen=True, eq=False)
class CandidateGenerator:
    """Trained sources by name, in the order in which they take turns."""

    config: RetrieveConfig
    sources: Mapping[str, Proposer]

    @classmethod
    def train(cls, ds: Dataset, config: RetrieveConfig, encoder: Encoder | None = None) -> CandidateGenerator:
        """Fit on the train rows of `ds`. `encoder`: fitted; without one the source `vectors` is left out."""
        learned = {name: LEARNED[name].train(ds, config) for name in _list_learned(config)}
        return cls(config, _gather_sources(config, learned, encoder))

    def propose_candidates(self, ds: Dataset, query: Query, n: int | None = None) -> np.ndarray:
        """int64 (at most n,): what the sources propose, none of the query's past, by default `config.candidates`.

        All unseen items where there are no more than n.
        """
        n = self.config.candidates if n is None else n
        unseen = np.setdiff1d(np.arange(len(ds.items)), query.items)
        if len(unseen) <= n:
            return unseen
        lists = [source.propose_items(ds, query, n) for source in self.sources.values()]
        merged = merge_round_robin(lists) if self.config.merge == "round_robin" else merge_by_rank(lists)
        return merged[:n]

    def propose_nested(self, ds: Dataset, query: Query, sizes: Sequence[int]) -> list[np.ndarray]:
        """`propose_candidates` for each of some ascending sizes; where they nest, the sources are asked once."""
        unseen = len(ds.items) - len(np.unique(query.items))
        if self.config.merge != "round_robin" or sizes[-1] >= unseen:
            return [self.propose_candidates(ds, query, size) for size in sizes]
        largest = self.propose_candidates(ds, query, sizes[-1])
        return [largest[:size] for size in sizes]

    def save(self, folder: Path, ids: list) -> None:
        """Write what the sources learned: `state.safetensors`, and `generator.json` with the item `ids` of the fit."""
        import torch

        arrays: dict[str, torch.Tensor] = {}
        for name in _list_learned(self.config):
            source = self.sources.get(name) or self.sources["taste"]
            assert isinstance(source, ItemNeighbours | ItemPrior | Popularity)
            arrays |= {f"{name}.{key}": torch.from_numpy(np.array(a)) for key, a in source.to_arrays().items()}
        write_tensors(folder / STATE, arrays)
        write_json(folder / DESCRIPTION, {"config": self.config.model_dump(mode="json"), "items": ids})

    @classmethod
    def load(
        cls, folder: Path, encoder: Encoder | None = None, config: RetrieveConfig | None = None
    ) -> CandidateGenerator:
        """Read what `save` wrote. Raises CheckpointError where a file is missing, damaged or another's.

        `config`: in the place of that of the fit, with the same learned parts.
        """
        try:
            described = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
            config, ids = config or RetrieveConfig.model_validate(described["config"]), described["items"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"{folder / DESCRIPTION} cannot be read ({error}); delete {folder} and ask again"
            ) from error
        arrays = {name: tensor.numpy() for name, tensor in read_tensors(folder / STATE).items()}
        learned: dict[str, Proposer] = {}
        for name in _list_learned(config):
            own = {key.partition(".")[2]: a for key, a in arrays.items() if key.partition(".")[0] == name}
            try:
                learned[name] = LEARNED[name].from_arrays(own, ids, config)
            except KeyError as error:
                raise CheckpointError(f"{folder / STATE} lacks {error}; delete {folder} and ask again") from error
        return cls(config, _gather_sources(config, learned, encoder))


def _list_learned(config: RetrieveConfig) -> list[str]:
    """The parts that are kept in files, each once."""
    names = ["prior" if name == "taste" else name for name in config.sources]
    return [name for name in dict.fromkeys(names) if name in LEARNED]


def _gather_sources(
    config: RetrieveConfig, learned: Mapping[str, Proposer], encoder: Encoder | None
) -> dict[str, Proposer]:
    sources: dict[str, Proposer] = {}
    for name in config.sources:
        if name == "vectors":
            if encoder is not None:
                sources[name] = EncoderVectors(encoder, config)
        elif name == "taste":
            prior = learned["prior"]
            assert isinstance(prior, ItemPrior)
            sources[name] = prior.with_taste(config.taste_weight)
        else:
            sources[name] = learned[name]
    return sources


def merge_round_robin(lists: Sequence[np.ndarray]) -> np.ndarray:
    """int64: every item once, where a list first names it when the lists take turns.

    >>> merge_round_robin([np.array([1, 2, 3]), np.array([2, 9])]).tolist()
    [1, 2, 9, 3]
    """
    turns = [(place, turn, int(item)) for turn, items in enumerate(lists) for place, item in enumerate(items)]
    return np.array(list(dict.fromkeys(item for _, _, item in sorted(turns))), dtype=np.int64)


def merge_by_rank(lists: Sequence[np.ndarray]) -> np.ndarray:
    """int64: every item once, by the sum over lists of 1 / (60 + rank), largest first; ties by code.

    >>> merge_by_rank([np.array([1, 2, 3]), np.array([2, 9])]).tolist()
    [2, 1, 9, 3]
    """
    sums: dict[int, float] = {}
    for items in lists:
        for place, item in enumerate(items, 1):
            sums[int(item)] = sums.get(int(item), 0.0) + 1 / (RANK_OFFSET + place)
    return np.array(sorted(sums, key=lambda item: (-sums[item], item)), dtype=np.int64)
