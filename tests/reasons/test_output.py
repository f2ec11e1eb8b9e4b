"""The table of reasons, in every kind of file, is what training reads."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from support.asking import DS, config, labels, right, synthesise, turns
from support.scripted_server import Reaction, Request, serve

from thinkrec.data.output_tables import SUFFIXES, write_table
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.reasons import output
from thinkrec.reasons.config import ReasonFilterConfig
from thinkrec.reasons.written import read_written_reasons

COLUMNS = ["order", "user_id", "item_id", "label", "reason", "first_verdict", "hinted", "attempts", "teacher"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Twenty reasons, five of them hinted."""
    truth = labels(config())
    names = list(truth)

    def react(request: Request) -> Reaction:
        told = bool(turns(request))
        return right(
            truth[request.asked] == (told or request.asked not in names[:5]), 'It has, "well",\n\nthe sea in it.'
        )

    with serve(react) as served:
        settings = config(served.url, policy="retry_with_label")
        cases, _, _ = synthesise(settings, tmp_path_factory.mktemp("out") / "a.jsonl")
    return output.build_reason_table(DS, cases, settings)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_training_reads_it_back(table: pl.DataFrame, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"reasons{suffix}"
    write_table(table, path)
    assert read_table(path).columns == COLUMNS and [p.name for p in tmp_path.iterdir()] == [path.name]
    found = read_written_reasons(DS, path)
    it = DS.interactions
    assert {int(it.order[row]): text for row, text in found.items()} == dict(
        zip(table["order"], table["reason"], strict=True)
    )
    assert all(
        text == f'{"Yes" if it.label[row] else "No"}. It has, "well", the sea in it.' for row, text in found.items()
    )
    honest = read_written_reasons(DS, path, unhinted=True)
    assert len(found) == 20 and len(honest) == 15
    assert {int(it.order[row]) for row in honest} == set(table.filter(~table["hinted"])["order"])


def test_other_suffixes_are_refused_before_anything_is_asked(table: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="parquet"):
        write_table(table, tmp_path / "reasons.xlsx")


def test_bad_tables_are_refused(table: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    cases = [
        (table.drop("hinted"), "column 'hinted' is missing", True),
        (table.with_columns(hinted=pl.lit("perhaps")), "neither true nor false", True),
        (table.with_columns(order=pl.col("order") + 10**6), "is no row of the data", False),
        (table.with_columns(reason=pl.lit("Maybe.")), "does not begin with", False),
        (table.with_columns(reason=pl.lit(None, dtype=pl.String)), "has no reason", False),
        (pl.concat([table, table]), "repeated", False),
    ]
    for wrong, words, unhinted in cases:
        wrong.write_csv(path)
        with pytest.raises(DataError, match=words):
            read_written_reasons(DS, path, unhinted=unhinted)
    table.drop("hinted").write_csv(path)
    assert len(read_written_reasons(DS, path)) == 20, "without the option the column need not be there"


def test_what_the_cleaner_refuses_is_counted_and_not_in_the_table(tmp_path: Path) -> None:
    truth = labels(config())
    names = list(truth)

    def react(request: Request) -> Reaction:
        betrays = request.asked in names[:3]
        return right(truth[request.asked], "The correct answer is given here, so be it." if betrays else "word " * 30)

    with serve(react) as served:
        settings = config(served.url, filter=ReasonFilterConfig(max_words=40))
        cases, report, _ = synthesise(settings, tmp_path / "a.jsonl")
        assert report.left_out == {"betrays the answer": 3} and report.accepted == 17
        assert output.build_reason_table(DS, cases, settings).height == 17
        # Another cleaner needs no more asking.
        strict = settings.model_copy(update={"filter": ReasonFilterConfig(max_words=20)})
        _, report, _ = synthesise(strict, tmp_path / "a.jsonl")
        assert report.left_out == {"betrays the answer": 3, "too long": 17} and len(served.requests) == 20


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    empty = output.build_reason_table(DS, [], config())
    assert empty.columns == COLUMNS and empty.schema["order"] == pl.Int64 and empty.schema["reason"] == pl.String
    names = dataclasses.replace(DS, user_ids=[f"u{i}" for i in DS.user_ids])
    assert output.build_reason_table(names, [], config()).schema["user_id"] == pl.String


def test_a_title_is_no_verdict(table: pl.DataFrame, tmp_path: Path) -> None:
    """A reason about "No. 1 of the Secret Service" that opens with the title opens with no verdict."""
    path, it = tmp_path / "r.parquet", DS.interactions
    row = next(int(r) for r in it.find_rows(table["order"].to_numpy()) if not it.label[r])
    titles = list(DS.items.titles)
    titles[it.item[row]] = "No. 1 of the Secret Service (1977)"
    ds = replace(DS, items=replace(DS.items, titles=titles))
    text = "No. 1 of the Secret Service would disappoint."
    pl.DataFrame({"order": [int(it.order[row])], "reason": [f"No. {text}"]}).write_parquet(path)
    assert read_written_reasons(ds, path) == {row: f"No. {text}"}
    pl.DataFrame({"order": [int(it.order[row])], "reason": [text]}).write_parquet(path)
    with pytest.raises(DataError, match=r"does not begin with 'No\.'"):
        read_written_reasons(ds, path)
    pl.DataFrame({"order": [int(it.order[row])], "reason": ["No.A film."]}).write_parquet(path)
    assert read_written_reasons(ds, path) == {row: "No.A film."}
