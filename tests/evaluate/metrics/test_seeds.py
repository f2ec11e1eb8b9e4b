"""Two ways of training over several seeds: values by hand, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from thinkrec.cli import app
from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import bootstrap_metrics, compute_paired_difference
from thinkrec.evaluate.metrics.seeds import compare_seeds

RNG = np.random.default_rng(0)
USER, LABEL = RNG.integers(0, 40, 800), RNG.integers(0, 2, 800)


def scored(noise: float, seed: int) -> np.ndarray:
    return LABEL + np.random.default_rng(seed).normal(0, noise, len(LABEL))


def samples(noise: float, first: int, n: int = 3):
    return [bootstrap_metrics(USER, LABEL, scored(noise, first + i), draws=300, seed=1) for i in range(n)]


def test_the_mean_is_that_of_the_seeds_and_its_interval_that_of_their_mean_draws() -> None:
    a, b = samples(1.0, 0), samples(1.3, 10)
    for metric, found in compare_seeds(a, b).items():
        assert list(found.per_seed) == [compute_paired_difference(x, y, metric) for x, y in zip(a, b, strict=True)]
        gaps = [x.values[metric] - y.values[metric] for x, y in zip(a, b, strict=True)]
        assert found.mean.difference == pytest.approx(np.mean(gaps))
        assert found.deviation == pytest.approx(np.std(gaps, ddof=1))
        drawn = np.mean([x.draws[metric] - y.draws[metric] for x, y in zip(a, b, strict=True)], axis=0)
        assert (found.mean.low, found.mean.high) == pytest.approx(tuple(np.quantile(drawn, (0.025, 0.975))))
    found = compare_seeds(a, b)["auc"]
    assert found.mean.low > 0, "less noise ranks better"
    assert np.isnan(compare_seeds(a[:1], b[:1])["auc"].deviation)


def test_unequal_sides_and_other_rows_are_refused() -> None:
    a, b = samples(1.0, 0), samples(1.3, 10)
    with pytest.raises(DataError, match="3 runs against 2"):
        compare_seeds(a, b[:2])
    with pytest.raises(DataError, match="0 runs"):
        compare_seeds([], [])
    other = bootstrap_metrics(USER[1:], LABEL[1:], scored(1.0, 0)[1:], draws=300, seed=1)
    with pytest.raises(DataError, match="n_rows"):
        compare_seeds([a[0], other], [a[0], other])


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    order = np.arange(len(USER))
    pl.DataFrame({"user_id": USER, "label": LABEL, "order": order}).write_parquet(tmp_path / "truth.parquet")
    for i in range(4):
        table = pl.DataFrame({"order": order, "score": scored(1.0 if i < 2 else 1.3, i)})
        # The order of the lines says nothing.
        table.sample(fraction=1.0, shuffle=True, seed=i).write_parquet(tmp_path / f"s{i}.parquet")
    return tmp_path


def call(*arguments: object):
    return CliRunner().invoke(app, ["compare", *map(str, arguments)], env={"COLUMNS": "200"})


def test_the_command_writes_what_it_prints(tables: Path) -> None:
    paths, out = [tables / f"s{i}.parquet" for i in range(4)], tables / "out" / "thinking.json"
    result = call(
        paths[0],
        paths[1],
        "--against",
        paths[2],
        "--against",
        paths[3],
        "--interactions",
        tables / "truth.parquet",
        "--out",
        out,
        "--draws",
        200,
    )
    assert result.exit_code == 0, result.output
    assert "sd over seeds" in result.stdout and "pair 2" in result.stdout
    found = json.loads(out.read_text())
    assert [run["predictions"] for run in found["against"]] == [
        f"{tables.name}/s2.parquet",
        f"{tables.name}/s3.parquet",
    ]
    wanted = np.mean([run["auc"] for run in found["runs"]]) - np.mean([run["auc"] for run in found["against"]])
    assert found["difference"]["auc"]["mean"]["difference"] == pytest.approx(wanted)
    assert found["n_rows"] == len(USER)


def test_wrong_calls_say_what_to_do(tables: Path) -> None:
    paths = [tables / f"s{i}.parquet" for i in range(4)]
    for arguments, told in (
        ((paths[0], paths[1], "--against", paths[2], "--interactions", tables / "truth.parquet"), "one run per seed"),
        ((paths[0], "--against", paths[2]), "say where the labels are"),
        (
            (paths[0], "--against", paths[2], "--interactions", tables / "truth.parquet", "--out", "x.csv"),
            "writes JSON",
        ),
    ):
        result = call(*arguments)
        assert result.exit_code == 2 and told in result.stderr, result.output
