"""Groups of users with similar taste: clusters of standardised collaborative vectors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from sklearn.cluster import AgglomerativeClustering, MiniBatchKMeans

from thinkrec.errors import CheckpointError, DataError
from thinkrec.io.config import Config
from thinkrec.io.files import write_atomically, write_json

_TENSORS = ("labels", "centres", "mean", "std")
BLOCK = 65_536
"""Users that are looked at at once."""


class GroupConfig(Config):
    """How users are grouped."""

    RENAMED_KEYS: ClassVar = {"n": "n_groups"}

    n_groups: int = Field(default=3, ge=1)
    """Number of groups, so of experts; 2 or 3 work best in the paper."""
    method: Literal["auto", "ward", "minibatch-kmeans"] = "auto"
    """Ward's hierarchical clustering, mini-batch k-means, or Ward up to `ward_limit` users and k-means beyond."""
    ward_limit: int = Field(default=8000, ge=1)
    """Ward needs a table of all pairs: 8,000 users take about half a gigabyte."""


@dataclass(frozen=True, eq=False)
class UserGroups:
    """Group labels of the users of the fit, by id, and the centres by which other users are assigned."""

    users: list
    """Original ids of the users of the fit."""
    labels: np.ndarray
    """int32 (len(users),): group of each of them, 0 .. n-1; group 0 is the largest."""
    centres: np.ndarray
    """float32 (n, d): mean raw vector of each group."""
    mean: np.ndarray
    """float32 (d,): subtracted to standardise."""
    std: np.ndarray
    """float32 (d,): divided by to standardise; 1 for a dimension that never varies."""

    def assign(self, vectors: np.ndarray) -> np.ndarray:
        """The group whose centre is nearest to each raw vector (rows, d) in standardised space, int32 (rows,).

        This is the rule for users that were not in the fit; fitted users keep `labels`, which Ward may set otherwise.
        """
        centres = (self.centres.astype(np.float64) - self.mean) / self.std
        nearest = np.empty(len(vectors), dtype=np.int32)
        for first in range(0, len(vectors), BLOCK):
            points = (np.asarray(vectors[first : first + BLOCK], dtype=np.float64) - self.mean) / self.std
            distances = np.stack([np.square(points - c).sum(axis=1) for c in centres], axis=1)
            nearest[first : first + BLOCK] = distances.argmin(axis=1)
        return nearest

    def save(self, path: Path | str) -> None:
        """Write a safetensors file and a JSON file with the users' ids, each beside its name and then renamed."""
        path = Path(path)
        write_json(path.with_suffix(".json"), {"users": self.users})
        tensors = {name: getattr(self, name) for name in _TENSORS}
        write_atomically(path, lambda beside: save_file(tensors, beside))

    @classmethod
    def load(cls, path: Path | str) -> UserGroups:
        """Read what `save` wrote. Raises CheckpointError."""
        if not Path(path).is_file():
            raise CheckpointError(f"groups file {path} is missing; run the grouping stage again")
        try:
            tensors = load_file(path)
        except SafetensorError as error:
            raise CheckpointError(f"{path} is truncated or damaged ({error}); delete it and group again") from error
        if set(tensors) != set(_TENSORS):
            raise CheckpointError(f"{path} holds {sorted(tensors)}, not groups; delete it and group again")
        named = Path(path).with_suffix(".json")
        try:
            users = json.loads(named.read_text(encoding="utf-8"))["users"]
        except (OSError, ValueError, KeyError) as error:
            raise CheckpointError(
                f"{named} with the ids of the users in {path} cannot be read ({error}); run the grouping stage again"
            ) from error
        return cls(users=users, **tensors)


def find_first_undefined(vectors: np.ndarray) -> int | None:
    """The first row of (n, d) with a value that is not finite; None where there is none."""
    for first in range(0, len(vectors), BLOCK):
        bad = np.flatnonzero(~np.isfinite(vectors[first : first + BLOCK]).all(axis=1))
        if len(bad):
            return first + int(bad[0])
    return None


def has_distinct_rows(vectors: np.ndarray, n: int) -> bool:
    """Whether at least n rows of (rows, d) differ from one another; no further rows are looked at than that takes."""
    chosen: list[np.ndarray] = []
    for first in range(0, len(vectors), BLOCK):
        block = vectors[first : first + BLOCK]
        new = np.ones(len(block), dtype=bool)
        for row in chosen:
            new &= (block != row).any(axis=1)
        while len(chosen) < n and new.any():
            chosen.append(block[int(new.argmax())])
            new &= (block != chosen[-1]).any(axis=1)
        if len(chosen) >= n:
            return True
    return len(chosen) >= n


def fit_groups(
    user_vectors: np.ndarray, config: GroupConfig, seed: int = 0, *, users: Sequence[Any] | None = None
) -> UserGroups:
    """Group users by their raw vectors (n_users, d); `users` has their original ids, by default their numbers.

    Labels are ordered by group size, largest first, then by centre, so they do not depend on the algorithm's numbering.
    `seed` matters for k-means alone. Raises DataError for values that are not finite, or too few (distinct) users.
    """
    vectors = np.ascontiguousarray(user_vectors, dtype=np.float32)
    if vectors.ndim != 2:
        raise DataError(f"user vectors must be (n_users, d), got shape {vectors.shape}")
    bad = find_first_undefined(vectors)
    if bad is not None:
        raise DataError(f"user vector {bad} holds a value that is not finite; check the encoder that made it")
    if not has_distinct_rows(vectors, config.n_groups):
        raise DataError(
            f"{len(vectors)} users with fewer than {config.n_groups} distinct vectors cannot make {config.n_groups} "
            "groups; lower groups.n"
        )
    mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    std = vectors.std(axis=0, dtype=np.float64).astype(np.float32)
    std = np.where(std > 1e-6 * max(float(std.max()), 1e-12), std, 1.0).astype(np.float32)
    points = vectors - mean
    points /= std
    labels = _cluster_points(points, config, seed)
    del points
    if len(np.unique(labels)) < config.n_groups:
        raise DataError(f"clustering left one of {config.n_groups} groups empty; lower groups.n")
    centres = np.stack([vectors[labels == k].mean(axis=0, dtype=np.float64) for k in range(config.n_groups)]).astype(
        np.float32
    )
    size = np.bincount(labels, minlength=config.n_groups)
    order = sorted(range(config.n_groups), key=lambda k: (-size[k], *centres[k].tolist()))
    rank = np.empty(config.n_groups, dtype=np.int32)
    rank[order] = np.arange(config.n_groups, dtype=np.int32)
    return UserGroups(
        users=list(range(len(vectors)) if users is None else users),
        labels=rank[labels],
        centres=centres[order],
        mean=mean,
        std=std,
    )


def _cluster_points(points: np.ndarray, config: GroupConfig, seed: int) -> np.ndarray:
    if config.n_groups == 1:
        return np.zeros(len(points), dtype=np.int64)
    ward = config.method == "ward" or (config.method == "auto" and len(points) <= config.ward_limit)
    if ward:
        return AgglomerativeClustering(n_clusters=config.n_groups, linkage="ward").fit_predict(points)
    # scikit-learn's signature only shows "auto"; its documentation also takes a number.
    starts: Any = 10
    return MiniBatchKMeans(n_clusters=config.n_groups, random_state=seed, n_init=starts, batch_size=4096).fit_predict(
        points
    )
