"""Slot vectors: encoder vectors, target encodings and neighbourhood residuals of a row's user and item."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from thinkrec.collab.embedding_tables import EmbeddingTables
from thinkrec.collab.encoder import Encoder
from thinkrec.collab.features.neighbourhood import NeighbourhoodResidual
from thinkrec.collab.features.past_statistics import (
    compute_logit,
    compute_past_residual,
    compute_query_statistics,
    compute_user_log_count,
    compute_user_logit,
)
from thinkrec.collab.features.slot_vectors import (
    PlaceholderVectors,
    QueryVectors,
    RowVectors,
    create_row_array,
)
from thinkrec.collab.features.target_encoding import ItemTargetEncodings, TargetEncoder
from thinkrec.collab.trained_ids import TrainedIds
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.data.query import Query
from thinkrec.errors import CheckpointError
from thinkrec.io.files import read_tensors, write_tensors

FOLDS, KEYWORD_STRENGTH = 10, 0.003
"""Folds of users, and the inverse penalty of what keywords say about an item; as for the boosted trees."""
RECENT = 10
"""Rows of the recent past."""
ENCODED = 262_144
"""Rows whose users an encoder is asked for at once, where the vectors of all rows go to a file."""
USER, ITEM = (1.0, 0.0), (0.0, 1.0)
"""Last numbers of a slot vector."""
_FACTS = ("rate", "log_count", "best")


@dataclass(frozen=True, eq=False)
class SlotEncoder:
    """Joins an encoder's vectors and target encodings into slot vectors of one length for users and items.

    User: e_u, then four numbers, all as of strictly before the row: logit of the like rate, ln(1 + count), mean of
    label - expected over the whole past, and the same over the last 10 rows.
    Item: e_i, then logit of the like rate, ln(1 + count), logit of the like rate shrunk towards the keyword regression
    (on train rows, from folds without the user), and the neighbourhood residual of the user's earlier rows for the item
    (see `neighbourhood`), 0 where it is not asked for.
    Two last numbers, (1, 0) or (0, 1), tell the shared projector which of both a vector is.

    Items and users are found by id in any data. A user who came after the fit has the encoder's vector for such users
    and their own past; an item that came after it has the encoder's vector for such items, no ratings, and the keyword
    regression's value (see `TargetEncoder.encode_items`).
    """

    encoder: Encoder | None
    target_encoder: TargetEncoder | None
    """Its `rate`, `log_count` and `best` are read."""
    neighbourhood: NeighbourhoodResidual | None
    mean: float
    """Like rate of the train rows, towards which short pasts are shrunk."""

    @classmethod
    def from_dataset(
        cls, ds: Dataset, encoder: Encoder | None, *, statistics: bool, votes: bool, seed: int
    ) -> SlotEncoder:
        """Fit target encodings on the train rows of `ds`; the encoder is fitted already.

        `statistics`: whether vectors hold target encodings; `votes`: whether they also hold the neighbourhood residual.
        """
        train = ds.interactions.label[ds.interactions.split == TRAIN]
        target_encoder = None
        if statistics:
            target_encoder = TargetEncoder.from_dataset(ds, folds=FOLDS, seed=seed, keyword_strength=KEYWORD_STRENGTH)
        neighbourhood = NeighbourhoodResidual.from_dataset(ds) if statistics and votes else None
        return cls(encoder, target_encoder, neighbourhood, float((train.sum() + 1) / (len(train) + 2)))

    def encode_rows(self, ds: Dataset) -> PlaceholderVectors:
        """Slot vectors of all rows of `ds`: the data set of the fit, or further rows of its users and items.

        A row takes 32 bytes for its statistics, and the encoder's tables are held once. An encoder whose users' vectors
        change from row to row takes 4 bytes a row and number; many rows lie in a mapped file (`create_row_array`).
        """
        n, code = len(ds.interactions), ds.interactions.item
        user: list[tuple[np.ndarray, np.ndarray | None]] = []
        item: list[tuple[np.ndarray, np.ndarray | None]] = []
        if self.encoder is not None:
            user.append(_encode_row_users(self.encoder, ds))
            item.append((self.encoder.encode_items(ds), code))
        if self.target_encoder is not None:
            encodings, rows = self.target_encoder.encode_items(ds), np.arange(n)
            table = self.target_encoder.find_row_tables(ds, rows)
            expected = _to_probability(encodings.best[table, code])
            of_user, of_item = create_row_array(n, 4), create_row_array(n, 4)
            of_user[:, 0] = compute_user_logit(ds, rows, mean=self.mean)
            of_user[:, 1] = compute_user_log_count(ds, rows)
            of_user[:, 2] = compute_past_residual(ds, expected)
            of_user[:, 3] = compute_past_residual(ds, expected, RECENT)
            for column, name in enumerate(_FACTS):
                of_item[:, column] = getattr(encodings, name)[table, code]
            votes = self.neighbourhood
            of_item[:, 3] = 0.0 if votes is None else votes.compute_row_residuals(ds, expected)
            user.append((of_user, None))
            item.append((of_item, None))
        return PlaceholderVectors(user=RowVectors(user, USER, n), item=RowVectors(item, ITEM, n))

    def encode_query(self, ds: Dataset, query: Query) -> QueryVectors:
        """What `encode_rows` gives for a row behind the query's past, and for the entries of that past.

        Of a past without rows in any table nobody knows what was trained on, so all its entries read the statistics of
        all train rows, whatever their split.
        """
        user: list[np.ndarray] = []
        item: list[np.ndarray] = []
        if self.encoder is not None:
            user.append(self.encoder.encode_query(ds, query)[None])
            item.append(self.encoder.encode_items(ds)[query.items])
        if self.target_encoder is not None:
            known, table = self.target_encoder.encode_items(ds), self.target_encoder.n_folds
            expected = self._compute_expected(ds, query)
            recent = len(query.items) - query.find_recent(RECENT).start
            user.append(compute_query_statistics(query.labels, expected, recent, self.mean)[None])
            vote = np.zeros(len(query.items))
            if self.neighbourhood is not None:
                vote = self.neighbourhood.compute_past_residuals(ds, query.items, query.labels - expected)
            item.append(_build_item_features(known, np.full(len(query.items), table), query.items, vote))
        return QueryVectors(user=_join_features(user, USER, 1)[0], past=_join_features(item, ITEM, len(query.items)))

    def encode_candidates(self, ds: Dataset, query: Query, items: np.ndarray) -> np.ndarray:
        """float32 (len(items), d): item vectors of item codes as the query's user would be asked about them."""
        parts: list[np.ndarray] = []
        if self.encoder is not None:
            parts.append(self.encoder.encode_items(ds)[items])
        if self.target_encoder is not None:
            vote = np.zeros(len(items))
            if self.neighbourhood is not None:
                residual = query.labels - self._compute_expected(ds, query)
                vote = self.neighbourhood.compute_candidate_residuals(ds, query.items, residual, items)
            known, table = self.target_encoder.encode_items(ds), self.target_encoder.n_folds
            parts.append(_build_item_features(known, np.full(len(items), table), items, vote))
        return _join_features(parts, ITEM, len(items))

    def _compute_expected(self, ds: Dataset, query: Query) -> np.ndarray:
        """float64 (k,): the chance that anybody likes each item of the past, by all train rows."""
        assert self.target_encoder is not None
        return _to_probability(self.target_encoder.encode_items(ds).best[self.target_encoder.n_folds, query.items])

    def compute_item_logit(
        self, ds: Dataset, items: np.ndarray, source: str, rows: np.ndarray | None = None
    ) -> np.ndarray:
        """Logit of the like rate of item codes, less that of all train rows, float64 (len(items),).

        `source`: "mean", or "both" for the like rate shrunk towards the keyword regression. `rows`: the row of `ds`
        that each item belongs to, if any; a train row reads from folds without its user.
        """
        assert self.target_encoder is not None, "the recipe asks for statistics wherever it asks for a prior"
        table = -1 if rows is None else self.target_encoder.find_row_tables(ds, rows)
        logits = getattr(self.target_encoder.encode_items(ds), {"mean": "rate", "both": "best"}[source])
        return logits[table, items] - compute_logit(np.array(self.mean))

    def save(self, path: Path) -> None:
        """Write the target encodings and, beside them, their ids; the encoder has a folder of its own."""
        arrays = {"mean": np.array(self.mean)}
        if self.target_encoder is not None:
            self.target_encoder.ids.save(path.parent)
            arrays |= {f"facts.{name}": array for name, array in self.target_encoder.to_arrays().items()}
        if self.neighbourhood is not None:
            arrays["idf"] = self.neighbourhood.idf
        write_tensors(path, {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})

    @classmethod
    def load(cls, path: Path, encoder: Encoder | None) -> SlotEncoder:
        """Read what `save` wrote. Raises CheckpointError."""
        arrays = {name: tensor.numpy() for name, tensor in read_tensors(path).items()}
        encodings = {name.removeprefix("facts."): arrays[name] for name in arrays if name.startswith("facts.")}
        try:
            target_encoder = TargetEncoder.from_arrays(encodings, TrainedIds.load(path.parent)) if encodings else None
            mean = float(arrays["mean"])
        except KeyError as error:
            raise CheckpointError(
                f"{path} lacks {error}, which this version keeps; delete the run's folder `groups` and run the recipe "
                "again"
            ) from error
        neighbourhood = (
            None
            if target_encoder is None or "idf" not in arrays
            else NeighbourhoodResidual(target_encoder.terms, arrays["idf"])
        )
        return cls(encoder, target_encoder, neighbourhood, mean)


def _encode_row_users(encoder: Encoder, ds: Dataset) -> tuple[np.ndarray, np.ndarray | None]:
    """The vectors of all rows' users: a table and the entry of each row, or an array of one vector per row (None)."""
    tables, n = getattr(encoder, "tables", None), len(ds.interactions)
    if isinstance(tables, EmbeddingTables):
        return tables.encode_all_users(ds), ds.interactions.user
    vectors = create_row_array(n, encoder.dim)
    if not isinstance(vectors, np.memmap):
        return encoder.encode_users(ds, np.arange(n)), None
    for first in range(0, n, ENCODED):
        rows = np.arange(first, min(n, first + ENCODED))
        vectors[rows[0] : rows[-1] + 1] = encoder.encode_users(ds, rows)
    return vectors, None


def _to_probability(logits: np.ndarray) -> np.ndarray:
    """Sigmoid of logits, float64: the chance that anybody likes an item."""
    return 1 / (1 + np.exp(-logits))


def _build_item_features(
    encodings: ItemTargetEncodings, table: np.ndarray, items: np.ndarray, residual: np.ndarray
) -> np.ndarray:
    """Target encodings and neighbourhood residual of items, float64 (len(items), 4); see `SlotEncoder`."""
    return np.stack([*(getattr(encodings, name)[table, items] for name in _FACTS), residual], axis=1)


def _join_features(features: list[np.ndarray], kind: tuple[float, float], n: int) -> np.ndarray:
    """Features side by side, then the two numbers that tell users from items, float32 (n, d)."""
    widths = [feature.shape[1] for feature in features]
    joined = np.empty((n, sum(widths) + len(kind)), dtype=np.float32)
    for feature, end in zip(features, np.cumsum(widths), strict=True):
        joined[:, end - feature.shape[1] : end] = feature
    joined[:, -len(kind) :] = kind
    return joined
