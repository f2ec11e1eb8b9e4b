"""MF and LightGCN answer from their tables by the same methods."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from thinkrec.collab.embedding_tables import EmbeddingTables
from thinkrec.collab.lightgcn import LightGCN, LightGCNConfig
from thinkrec.collab.mf import MF, MFConfig
from thinkrec.collab.table_encoder import get_tables
from thinkrec.data.query import Query
from thinkrec.testing import plant_dataset

ENCODERS = [MF(MFConfig(dim=3)), LightGCN(LightGCNConfig(dim=3))]


@pytest.mark.parametrize("encoder", ENCODERS, ids=["mf", "lightgcn"])
def test_the_tables_answer_and_survive_a_file(encoder: MF | LightGCN, tmp_path: Path) -> None:
    ds, rows, rng = plant_dataset(), np.array([0, 7, 3]), np.random.default_rng(0)
    users, items = (rng.normal(size=(n, 3)).astype(np.float32) for n in (len(ds.user_ids), len(ds.items)))
    tables = encoder.tables = EmbeddingTables.from_weights(ds, users, items)
    encoder.save(tmp_path)
    loaded = type(encoder).load(tmp_path)
    assert loaded.config == encoder.config
    for owner in (encoder, loaded):
        np.testing.assert_array_equal(owner.score(ds, rows), tables.score(ds, rows))
        np.testing.assert_array_equal(owner.encode_users(ds, rows), tables.encode_users(ds, rows))
        np.testing.assert_array_equal(owner.encode_items(ds), tables.encode_items(ds))
        query = Query.from_row(ds, 7)
        np.testing.assert_array_equal(owner.encode_query(ds, query), tables.encode_users(ds, rows)[1])


@pytest.mark.parametrize("kind", [MF, LightGCN])
def test_without_tables_there_is_no_answer(kind: type[MF | LightGCN]) -> None:
    with pytest.raises(RuntimeError, match=f"this {kind.__name__} has no vectors yet: call fit"):
        get_tables(kind())
    with pytest.raises(RuntimeError, match="no vectors yet"):
        kind().encode_items(plant_dataset())
