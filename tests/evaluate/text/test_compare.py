"""Alignment by order, means and intervals over users, and `thinkrec evaluate text`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from thinkrec.cli import app
from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import draw_user_multiplicities
from thinkrec.evaluate.text import wordnet
from thinkrec.evaluate.text.align import align_reasons, read_references
from thinkrec.evaluate.text.compare import (
    CORPUS_BLEU,
    MetricResources,
    TextMetricValues,
    bootstrap_text_metrics,
    compute_interval,
    compute_paired_difference,
    compute_text_metrics,
)

REFERENCES = pl.DataFrame(
    {
        "order": [30, 10, 20, 40, 50],
        "user_id": [1, 1, 2, 3, 3],
        "split": ["test", "test", "test", "test", "train"],
        "reason": [
            "Yes. The sea is slow.",
            "No. A loud war.",
            "Yes. A warm tale of a dog.",
            "No. It is long.",
            "Yes. Fun.",
        ],
    }
)
REASONS = pl.DataFrame(
    {
        "order": [40, 30, 20, 10],
        "reason": ["No. It is far too long.", "Yes. The sea is slow.", "", "No. A war that is loud."],
    }
)


def test_reasons_are_matched_by_order_and_not_by_line() -> None:
    references = read_references(REFERENCES, "refs", split="test")
    assert references.order.tolist() == [10, 20, 30, 40]
    assert references.user.tolist() == [1, 2, 1, 3]
    found = align_reasons(REASONS, "mine", references)
    assert found == ("No. A war that is loud.", "", "Yes. The sea is slow.", "No. It is far too long.")


@given(st.permutations(range(4)), st.permutations(range(5)))
def test_the_order_of_lines_does_not_matter(rows: list[int], others: list[int]) -> None:
    references = read_references(REFERENCES[others], "refs", split="test")
    same = read_references(REFERENCES, "refs", split="test")
    assert align_reasons(REASONS[rows], "mine", references) == align_reasons(REASONS, "mine", same)
    assert references.text == same.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (REASONS[:2], r"lacks reasons for rows of refs: order 10, 20\."),
        (pl.concat([REASONS, REASONS[:1]]), r"repeated values \(row 1: 40; row 5: 40"),
        (REASONS.with_columns(order=pl.col("order") + 1), r"that refs does not have: order 11, 21, 31, 41\."),
        (REASONS.with_columns(reason=None), "has reasons that are missing"),
        (REASONS.drop("reason"), "column 'reason' is missing"),
        (REASONS.with_columns(reason=pl.lit(3)), "must hold text"),
        (REASONS[:0], "the table has no rows"),
    ],
)
def test_reasons_that_do_not_match_are_refused(change: pl.DataFrame, message: str) -> None:
    references = read_references(REFERENCES, "refs", split="test")
    with pytest.raises(DataError, match=message):
        align_reasons(change, "mine", references)


@pytest.mark.parametrize(
    ("change", "split", "message"),
    [
        (REFERENCES, "valid", "no row has the split 'valid'; the column holds: test, train"),
        (REFERENCES.drop("split"), "test", "column 'split' is missing"),
        (REFERENCES.drop("user_id"), None, "intervals are over users"),
        (REFERENCES.with_columns(reason=pl.lit(" ")), None, "has empty references"),
        (REFERENCES.with_columns(order=pl.lit(1)), None, "has repeated values"),
    ],
)
def test_wrong_references_are_refused(change: pl.DataFrame, split: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_references(change, "refs", split=split)


def test_users_may_come_from_elsewhere() -> None:
    users = pl.DataFrame({"order": [10, 20, 30, 40, 50], "user": ["a", "b", "a", "c", "c"]})
    found = read_references(REFERENCES.drop("user_id"), "refs", users=users)
    assert found.user.tolist() == ["a", "b", "a", "c", "c"]
    with pytest.raises(DataError, match="rows without a known user"):
        read_references(REFERENCES.drop("user_id"), "refs", users=users[:3])


# -- means and intervals -----------------------------------------------------------------------------------------------


def values_of(rows: dict[str, list[float]], made: list[str], given_: list[str]) -> TextMetricValues:
    return TextMetricValues(
        {name: np.array(found) for name, found in rows.items()},
        compute_text_metrics(made, given_, MetricResources()).counts,
    )


def test_draws_are_means_of_rows_repeated_as_often_as_their_user() -> None:
    from sacrebleu.metrics import BLEU

    user = np.array([7, 7, 3, 9, 3, 3])
    made = ["a b c d", "a b", "a c d e f", "x y", "a b c d e", "b"]
    given_ = ["a b c d e", "a b", "a c d f", "a b", "a b c e d", "a b"]
    rows = [0.1, 0.4, 0.3, 0.9, 0.2, 0.0]
    drawn = bootstrap_text_metrics(values_of({"m": rows}, made, given_), user, draws=20, seed=4)
    assert drawn.values["m"] == pytest.approx(np.mean(rows))
    assert drawn.values[CORPUS_BLEU] == pytest.approx(BLEU().corpus_score(made, [given_]).score / 100)
    for place, times in enumerate(draw_user_multiplicities(3, 20, 4)):
        repeated = [row for row in range(6) for _ in range(times[[3, 7, 9].index(user[row])])]
        assert drawn.draws["m"][place] == pytest.approx(np.mean([rows[row] for row in repeated]))
        direct = BLEU().corpus_score([made[row] for row in repeated], [[given_[row] for row in repeated]])
        assert drawn.draws[CORPUS_BLEU][place] == pytest.approx(direct.score / 100)
    found = compute_interval(drawn, "m")
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn.draws["m"], (0.025, 0.975))))
    assert found.error == pytest.approx(drawn.draws["m"].std(ddof=1))


def test_paired_differences_are_taken_draw_by_draw() -> None:
    user, texts = np.array([0, 1, 2, 2]), ["a b c"] * 4
    better = bootstrap_text_metrics(values_of({"m": [0.2, 0.9, 0.4, 0.4]}, texts, texts), user, draws=200)
    worse = bootstrap_text_metrics(values_of({"m": [0.1, 0.8, 0.3, 0.3]}, texts, texts), user, draws=200)
    found = compute_paired_difference(better, worse, "m")
    assert (found.difference, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert found.share_above == 1
    same = compute_paired_difference(better, better, "m")
    assert (same.difference, same.low, same.high, same.share_above) == (0, 0, 0, 0)


def test_systems_on_other_rows_or_draws_are_not_compared() -> None:
    texts = ["a b c"] * 4
    values = values_of({"m": [0.1, 0.2, 0.3, 0.4]}, texts, texts)
    one = bootstrap_text_metrics(values, np.array([0, 1, 2, 2]), draws=10)
    for user, draws, seed in (([0, 1, 1, 2], 10, 0), ([0, 1, 2, 2], 11, 0), ([0, 1, 2, 2], 10, 1)):
        other = bootstrap_text_metrics(values, np.array(user), draws=draws, seed=seed)
        with pytest.raises(DataError, match="not on the same rows"):
            compute_paired_difference(one, other, "m")


def test_the_same_text_is_perfect_and_an_empty_one_is_nothing() -> None:
    found = compute_text_metrics(["a b c d e", ""], ["a b c d e"] * 2, MetricResources()).rows
    assert {name: round(float(value[0]), 2) for name, value in found.items()} == {
        "meteor_no_synonyms": 1.0,
        "rouge_l": 1.0,
        "bleu": 1.0,
    }
    assert {name: float(value[1]) for name, value in found.items()} == dict.fromkeys(found, 0.0)


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """mine.parquet, other.csv and refs.parquet; without WordNet, which takes seconds to read."""
    REFERENCES.write_parquet(tmp_path / "refs.parquet")
    REASONS.write_parquet(tmp_path / "mine.parquet")
    REASONS.with_columns(reason=pl.lit("No.")).write_csv(tmp_path / "other.csv")
    monkeypatch.setattr(wordnet, "_PLACES", ())
    return tmp_path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", "text", *map(str, arguments)])


def refused(*arguments: object) -> str:
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.stderr


def test_the_command_writes_what_it_prints(tables: Path) -> None:
    out = tables / "deep" / "text-metrics.json"
    result = call(
        tables / "mine.parquet",
        "--references",
        tables / "refs.parquet",
        "--split",
        "test",
        "--against",
        tables / "other.csv",
        "--baseline",
        "--draws",
        100,
        "--out",
        out,
    )
    assert result.exit_code == 0, result.output
    for word in ("METEOR no syn.", "not available", "4 rows of 3 users", "apt-get install wordnet-base"):
        assert word in result.stdout
    found = json.loads(out.read_text())
    systems = ["mine", "other", "reference of another row", "mine, reason of another row"]
    assert list(found["estimates"]) == [*systems, "the references"]
    assert found["baselines"] == systems[2:]
    needs_run = {"unknown_words", "target_named", "support", "support_shown", "support_elsewhere"}
    assert found["not_available"].keys() == {"meteor", "bleurt", "likelihood"} | needs_run
    assert "meteor" not in found["policies"]
    assert found["policies"].keys() == found["estimates"]["mine"].keys()
    assert str(tables) not in out.read_text()
    rows = pl.read_parquet(out.with_suffix(".parquet"))
    assert Counter(rows["system"]) == dict.fromkeys([*systems, "the references"], 4)
    mine = rows.filter(pl.col("system") == "mine")
    assert mine["order"].to_list() == [10, 20, 30, 40]
    for metric in ("meteor_no_synonyms", "rouge_l", "bleu"):
        assert found["estimates"]["mine"][metric]["value"] == pytest.approx(mine[metric].mean())
        gap = found["estimates"]["mine"][metric]["value"] - found["estimates"]["other"][metric]["value"]
        assert found["against"]["other"][metric]["difference"] == pytest.approx(gap)


def test_tables_of_one_name_are_called_by_their_folders(tables: Path) -> None:
    for folder in ("full", "untaught"):
        (tables / folder).mkdir()
        (tables / folder / "reasons.parquet").write_bytes((tables / "mine.parquet").read_bytes())
    out = tables / "both.json"
    mine, other = (tables / folder / "reasons.parquet" for folder in ("full", "untaught"))
    result = call(
        mine,
        "--references",
        tables / "refs.parquet",
        "--split",
        "test",
        "--against",
        other,
        "--draws",
        100,
        "--out",
        out,
    )
    assert result.exit_code == 0, result.output
    assert list(json.loads(out.read_text())["estimates"]) == ["full", "untaught", "the references"]
    assert json.loads(out.read_text())["provenance"]["against"] == ["untaught/reasons.parquet"]


def test_wrong_calls_say_what_to_do(tables: Path) -> None:
    mine, refs = tables / "mine.parquet", tables / "refs.parquet"
    test = ("--references", refs, "--split", "test")
    assert "Missing option" in refused(mine) and "--references" in refused(mine)
    assert "No such option" in refused(mine, *test, "--k", 3)
    assert "lacks reasons" in refused(mine, "--references", refs)
    assert "given twice" in refused(mine, *test, "--against", mine)
    assert "--out writes JSON" in refused(mine, *test, "--out", tables / "x.csv")
    assert "there is no folder" in refused(mine, *test, "--bleurt", tables / "none")
    assert "there is no folder" in refused(mine, *test, "--encoder", tables / "none")
    assert "no WordNet dictionary" in refused(mine, *test, "--wordnet", tables)
    assert "say where the users are once" in refused(mine, *test, "--run", "a", "--interactions", refs)


def test_users_of_an_interactions_table(tables: Path) -> None:
    REFERENCES.drop("user_id").write_parquet(tables / "bare.parquet")
    REFERENCES.select("order", "user_id", label=pl.lit(1)).write_csv(tables / "rows.csv")
    result = call(
        tables / "mine.parquet",
        "--references",
        tables / "bare.parquet",
        "--split",
        "test",
        "--interactions",
        tables / "rows.csv",
        "--draws",
        100,
    )
    assert result.exit_code == 0, result.output
    assert "4 rows of 3 users" in result.stdout
