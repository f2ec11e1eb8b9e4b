"""A whole run on a split that is not in time order: no test label reaches a weight of a stage before the projector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file
from support.tiny_run import tiny_backbone, tiny_recipe
from support.variants import get_variant

from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset, Domain, Items
from thinkrec.data.hidden_rows import warn_hidden_rows
from thinkrec.data.interactions import TEST, TRAIN, VALID, Interactions
from thinkrec.data.snapshot import INTERACTIONS, ITEMS, write_snapshot
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import parse_recipe
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.train.mixture import select_strided_rows


def trained(folder: Path, backbone: Path, *, flip: bool) -> Run:
    """A run on a small catalogue whose splits were dealt at random; `flip` turns the labels of its test rows round."""
    write_snapshot(
        simulate_catalogue(SimulatorConfig(users=30, items=60, interactions_per_user=(6, 12)), 5).dataset, folder
    )
    rows = pl.read_parquet(folder / INTERACTIONS)
    dealt = np.random.default_rng(0).choice(["train", "valid", "test"], size=rows.height, p=[0.5, 0.25, 0.25])
    label = np.where(flip & (dealt == "test"), 1 - rows["label"].to_numpy(), rows["label"].to_numpy())
    rows.with_columns(split=pl.Series(dealt), label=pl.Series(label)).write_parquet(folder / INTERACTIONS)
    data = {"kind": "tables", "interactions": folder / INTERACTIONS, "items": folder / ITEMS}
    recipe = tiny_recipe(backbone, data={name: str(value) for name, value in data.items()}, n_explained=0)
    recipe["model"]["encoder"] = {
        "kind": "sasrec",
        "dim": 8,
        "heads": 1,
        "history": "labelled",
        "training": {"epochs": 3},
    }
    run = Run(parse_recipe(recipe, "tiny"), folder / "run")
    run.folder.mkdir()
    with pytest.warns(DataWarning, match=r"not in time order: \d+ of \d+ train rows"):
        run.train_variants()
    return run


def test_test_labels_turned_round_change_no_weight(tmp_path: Path) -> None:
    backbone = tiny_backbone(tmp_path / "backbone")
    plain, turned = (trained(tmp_path / name, backbone, flip=name == "turned") for name in ("plain", "turned"))
    for stage in ("scorers/encoder", "groups", "global", "experts"):
        files = [file.name for file in (plain.folder / stage).glob("*.safetensors")]
        assert files, stage
        for file in files:
            one, other = (load_file(run.folder / stage / file) for run in (plain, turned))
            assert one.keys() == other.keys() and one
            for name, weights in one.items():
                np.testing.assert_array_equal(weights, other[name], err_msg=f"{stage}/{file}: {name}")
    train, test = (plain.ds.interactions.get_split_rows(split) for split in (0, 2))
    mine, others = plain.slot_encoder.encode_rows(plain.ds), turned.slot_encoder.encode_rows(turned.ds)
    np.testing.assert_array_equal(mine.user[train], others.user[train])
    np.testing.assert_array_equal(mine.item[train], others.item[train])
    assert (mine.user[test] != others.user[test]).any()
    scores = [run.load_predictor(get_variant("full")).score(test) for run in (plain, turned)]
    assert np.isfinite(scores).all()


def test_every_pass_takes_its_share_of_a_users_train_rows() -> None:
    """Where train and test rows take turns, counting all rows would put every train row into one pass of two."""
    n = 12
    table = Interactions.build([0] * n, range(n), [1] * n, range(n), [TRAIN, TEST] * (n // 2), range(n), n_users=1)
    items = Items(list(range(n)), ["T"] * n, [()] * n, pl.DataFrame())
    ds = Dataset(table, items, Domain(), [0])
    passes = [select_strided_rows(ds, 2, epoch, seed=0) for epoch in range(2)]
    assert [len(rows) for rows in passes] == [3, 3]
    assert sorted(np.concatenate(passes).tolist()) == table.get_split_rows(TRAIN).tolist()


def test_without_times_no_split_by_time_is_offered() -> None:
    users, items, labels = (np.array([0, 0, 0]), np.arange(3), np.array([0, 1, 1], dtype=np.int8))
    split, order = np.array([TEST, TRAIN, VALID]), np.arange(3)
    for times, end in ((np.zeros(3, np.int64), "what stands later in the table."), (order, "fractions hides nothing.")):
        fields = dict(user=users, item=items, label=labels, timestamp=times, split=split, order=order)
        with pytest.warns(DataWarning, match="1 of 1 train row comes after a validation or test row") as caught:
            warn_hidden_rows(Interactions.build(**fields, n_users=1), ["a"], "t")
        assert str(caught[0].message).endswith(end)
