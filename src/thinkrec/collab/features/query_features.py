"""Features of the boosted trees for many items and one past: what the items share is computed once.

`tree_features.build_features` has a row per item and past rating; asked about a whole catalogue, it would copy the past
for every item. The numbers here are the same to the last digit: sums run in the same order over the same values.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from thinkrec.collab.features.item_neighbours import CHUNK, REACH, compute_factor_votes, compute_votes
from thinkrec.collab.features.past_statistics import compute_integer_units, convert_units
from thinkrec.collab.features.tree_features import (
    FeatureStatistics,
    FeatureTable,
    compute_affinity_columns,
    compute_past_columns,
    join_columns,
)
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, Interactions
from thinkrec.data.query import Query


def build_query_features(
    ds: Dataset, learned: FeatureStatistics, query: Query
) -> tuple[FeatureTable, dict[str, np.ndarray]]:
    """Features of every candidate of a query behind its past, and those among them that are the same for all.

    Returns the table (len(candidates), n_features), and the features of the past alone by name, each of one value.
    """
    asked, candidates, items = _open_row(ds, query), query.candidates, learned.get_item_features(ds)
    data = asked.interactions
    table = learned.target_encoder.find_row_tables(asked, np.arange(len(data)))
    expected = 1 / (1 + np.exp(-items.encodings.best))
    residual = data.label - expected[table, data.item]
    past, newest = data.item[:-1], slice(None, None, -1)
    of_past = {name: column[-1:] for name, column in compute_past_columns(asked, learned).items()}
    affinity = _compute_affinity(items.terms, past, data.label[:-1].astype(np.float64), residual[:-1], candidates)
    factors = items.factors[learned.target_encoder.n_folds]
    seen, weights = past[newest][:REACH], residual[:-1][newest][:REACH]
    chunks = [
        _compute_chunk_votes(items.unit, factors, seen, weights, candidates[begin : begin + CHUNK])
        for begin in range(0, len(candidates), CHUNK)
    ]
    votes = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    wide = {name: np.repeat(column, len(candidates)) for name, column in of_past.items()}
    of_items = items.list_columns(learned.target_encoder.n_folds, candidates)
    shared = {name: column for name, column in of_past.items() if name != "past_year"}
    return join_columns(of_items, wide, affinity, votes), shared


def _open_row(ds: Dataset, query: Query) -> Dataset:
    """The past of a query as a data set of one user, with one open row behind it; its item plays no part."""
    past = len(query.items)
    table = Interactions.build(
        user=np.zeros(past + 1, dtype=np.int64),
        item=np.append(query.items, query.candidates[0]),
        label=np.append(query.labels, 0),
        timestamp=np.append(query.timestamps, query.time),
        split=np.append(query.splits, TEST),
        order=np.arange(past + 1),
        n_users=1,
    )
    return replace(ds, interactions=table, user_ids=[] if query.user is None else [query.user])


def _compute_affinity(
    terms: sparse.csr_matrix, past: np.ndarray, label: np.ndarray, residual: np.ndarray, candidates: np.ndarray
) -> np.ndarray:
    """`tree_features.compute_term_affinity` of each candidate, float64 (c, 6); past (k,), label (k,), residual (k,)."""
    widths = np.diff(terms.indptr)[past]
    of_past = terms[past].indices
    totals = []
    for values in (np.ones(len(past)), label, residual):
        sums = np.zeros(int(terms.indices.max(initial=0)) + 1, dtype=np.int64)
        np.add.at(sums, of_past, np.repeat(compute_integer_units(values), widths))
        totals.append(convert_units(sums))
    asked = terms[candidates]
    entry = np.repeat(np.arange(len(candidates)), np.diff(asked.indptr))
    count, likes, sums = (total[asked.indices] for total in totals)
    return compute_affinity_columns(entry, np.diff(asked.indptr), count, likes, sums)


def _compute_chunk_votes(
    unit: sparse.csr_matrix, factors: np.ndarray, seen: np.ndarray, residual: np.ndarray, items: np.ndarray
) -> dict[str, np.ndarray]:
    """Neighbourhood residuals of some items behind one past, latest first: codes and residuals (k <= REACH,)."""
    n, k = len(items), len(seen)
    inside = np.broadcast_to(np.arange(REACH) < k, (n, REACH))
    cosine, product = np.zeros((n, REACH), dtype=np.float32), np.zeros((n, REACH))
    cosine[:, :k] = (unit[items] @ sparse.csr_matrix(unit[seen].T)).toarray()
    product[:, :k] = np.einsum("nd,pd->np", factors[items], factors[seen])
    past = np.zeros((n, REACH))
    past[:, :k] = residual
    return compute_votes(cosine, past, inside) | {"vote_factors": compute_factor_votes(product, past, inside)}
