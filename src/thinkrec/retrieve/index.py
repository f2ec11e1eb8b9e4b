"""The items with the largest inner products: exactly, or approximately by faiss for large catalogues."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any, Protocol

import numpy as np

from thinkrec.errors import DataError
from thinkrec.retrieve.config import RetrieveConfig

LARGE = 100_000
"""Items from which on `auto` searches approximately."""
LINKS = 32
"""Neighbours of a node in the graph of faiss (M)."""


class VectorIndex(Protocol):
    """Finds items by their vectors."""

    def search(self, vector: np.ndarray, n: int) -> np.ndarray:
        """int64 (at most n,): codes of the largest inner products with `vector` (dim,), largest first."""
        ...


class ExactIndex:
    """Every inner product is computed."""

    def __init__(self, vectors: np.ndarray) -> None:
        """`vectors`: float32 (n_items, dim)."""
        self.vectors = vectors

    def search(self, vector: np.ndarray, n: int) -> np.ndarray:
        """See `VectorIndex.search`; equal products keep the order of the catalogue."""
        products = self.vectors @ vector
        n = min(n, len(products))
        last = np.partition(products, len(products) - n)[len(products) - n]
        places = np.flatnonzero(products >= last)
        return places[np.argsort(-products[places], kind="stable")][:n]


class FaissIndex:
    """A navigable small-world graph (Malkov and Yashunin, TPAMI 2020) of faiss, by inner product."""

    def __init__(self, vectors: np.ndarray, depth: int) -> None:
        """`vectors`: float32 (n_items, dim); `depth`: see `RetrieveConfig.index_depth`. Raises DataError."""
        faiss = load_faiss()
        self.graph: Any = faiss.IndexHNSWFlat(vectors.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
        self.depth = depth
        self.graph.add(np.ascontiguousarray(vectors, dtype=np.float32))

    def search(self, vector: np.ndarray, n: int) -> np.ndarray:
        """See `VectorIndex.search`."""
        self.graph.hnsw.efSearch = max(self.depth, n)
        codes = self.graph.search(np.ascontiguousarray(vector[None], dtype=np.float32), n)[1][0]
        return codes[codes >= 0].astype(np.int64)


def load_faiss() -> Any:
    """The module. Raises DataError where it is not installed."""
    try:
        return importlib.import_module("faiss")
    except ImportError as error:
        raise DataError(
            "index: faiss needs the package faiss-cpu; install thinkrec[retrieve], or choose index: exact"
        ) from error


def build_index(vectors: np.ndarray, config: RetrieveConfig) -> VectorIndex:
    """The index that `config` asks for over float32 (n_items, dim). Raises DataError where faiss is not installed."""
    is_large = len(vectors) >= LARGE and importlib.util.find_spec("faiss") is not None
    if config.index == "faiss" or (config.index == "auto" and is_large):
        return FaissIndex(vectors, config.index_depth)
    return ExactIndex(vectors)


def measure_index_recall(index: VectorIndex, vectors: np.ndarray, asked: np.ndarray, n: int) -> float:
    """Share of the n exact nearest of each of the vectors `asked` (q, dim) that `index` finds too; 1 for an exact one.

    Mean over the vectors asked; NaN where there are none.
    """
    exact = ExactIndex(vectors)
    shares = [len(np.intersect1d(index.search(one, n), exact.search(one, n))) / min(n, len(vectors)) for one in asked]
    return float(np.mean(shares)) if shares else float("nan")
