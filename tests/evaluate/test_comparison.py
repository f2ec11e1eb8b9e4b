"""A comparison over seeds: what is printed and written; and one table of several runs."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from thinkrec.errors import DataError
from thinkrec.evaluate.comparison import build_comparison_table, write_comparison
from thinkrec.evaluate.joined_results import join_results
from thinkrec.evaluate.metrics.bootstrap import BootstrapResult, bootstrap_metrics
from thinkrec.evaluate.metrics.seeds import compare_seeds
from thinkrec.evaluate.results import summarise_results

RNG = np.random.default_rng(3)
USER, LABEL = np.repeat(np.arange(12), 8), RNG.integers(0, 2, 96)


def sample(noise: float) -> BootstrapResult:
    return bootstrap_metrics(USER, LABEL, LABEL + noise * RNG.normal(size=96), draws=100)


@pytest.fixture(scope="module")
def sides() -> tuple[list[BootstrapResult], list[BootstrapResult]]:
    return [sample(0.5), sample(0.6)], [sample(2.0), sample(3.0)]


def test_every_pair_and_their_mean_have_a_line(sides: tuple[list[BootstrapResult], list[BootstrapResult]]) -> None:
    ours, theirs = sides
    comparisons = compare_seeds(ours, theirs)
    console = Console(width=200, record=True, file=StringIO())
    console.print(build_comparison_table(comparisons, ours, theirs, remark="Partial: 2 of 3"))
    text = console.export_text()
    for words in ("pair 1", "pair 2", "mean", "sd over seeds", "Partial: 2 of 3"):
        assert words in text
    gap = np.mean([a.values["uauc"] - b.values["uauc"] for a, b in zip(ours, theirs, strict=True)])
    assert f"{gap:+.3f}".replace("0.", ".") in text


def test_the_file_names_tables_without_the_way_to_them(
    sides: tuple[list[BootstrapResult], list[BootstrapResult]], tmp_path: Path
) -> None:
    ours, theirs = sides
    comparisons = compare_seeds(ours, theirs)
    named = {
        "runs": list(zip([tmp_path / "a" / "x.parquet", Path("runs/b/x.parquet")], ours, strict=True)),
        "against": list(zip([Path("c.parquet"), Path("d.parquet")], theirs, strict=True)),
    }
    write_comparison(tmp_path / "c.json", comparisons, named, {"draws": 100})
    written = json.loads((tmp_path / "c.json").read_text())
    assert list(written) == ["schema", "runs", "against", "difference", "draws"]
    assert [entry["predictions"] for entry in written["runs"]] == ["a/x.parquet", "runs/b/x.parquet"]
    assert written["against"][1]["uauc"] == pytest.approx(theirs[1].values["uauc"])
    mean = comparisons["uauc"].mean
    assert written["difference"]["uauc"]["mean"]["difference"] == pytest.approx(mean.difference)


def test_equal_rows_of_several_runs_stand_once() -> None:
    shared, own = sample(1.0), sample(0.2)
    first = summarise_results({"item mean": shared, "mine": own})
    second = summarise_results({"item mean": shared, "mine": sample(0.9)})
    joined = join_results([("a", first), ("b", second)])
    assert [row.name for row in joined.rows] == ["item mean", "mine", "mine (b)"]
    assert joined.comparisons == () and joined.n_rows == 96
    with pytest.raises(DataError, match="a and b differ in draws"):
        join_results([("a", first), ("b", replace(second, draws=7))])
