"""`reasons write`: reasons for many rows, resumed after a kill, refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.tiny_run import train_tiny_run
from support.variants import get_variant
from typer.testing import CliRunner

from thinkrec.claims.cases import build_case
from thinkrec.claims.citations import Catalogue
from thinkrec.cli import app
from thinkrec.data.columns import DataWarning
from thinkrec.data.query import Query
from thinkrec.errors import DataError
from thinkrec.evaluate.faithfulness.cited_lines import read_cited_lines
from thinkrec.reasons.named_rows import draw_rows, read_named_rows
from thinkrec.run.pipeline import Run
from thinkrec.score import explained_rows
from thinkrec.score.deciding_lines import select_deciding_lines
from thinkrec.score.explained_rows import explain_rows_in_chunks
from thinkrec.score.line_effects import compute_line_effects


def call(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("written")
    return train_tiny_run(folder)


@pytest.fixture
def table(trained: Run, tmp_path: Path) -> Path:
    """Ten test rows in an order of their own, and one train row."""
    it = trained.ds.interactions
    rows = np.append(trained.test_rows[:10][::-1], it.get_split_rows(0)[0])
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"order": it.order[rows], "split": ["test"] * 10 + ["train"]}).write_parquet(path)
    return path


def test_every_row_asked_for_is_written_with_its_score(trained: Run, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "reasons.parquet"
    result = call("reasons", "write", trained.folder, table, "--split", "test", "--out", out)
    assert result.exit_code == 0, result.output
    found, asked = pl.read_parquet(out), pl.read_parquet(table)
    assert found["order"].to_list() == asked["order"].to_list()[:10]
    rows = trained.ds.interactions.find_rows(found["order"].to_numpy())
    np.testing.assert_allclose(found["score"], trained.load_predictor(get_variant("full")).score(rows), atol=1e-5)
    it, ds = trained.ds.interactions, trained.ds
    assert found["user_id"].to_list() == [ds.user_ids[u] for u in it.user[rows]]
    assert found["item_id"].to_list() == [ds.items.ids[i] for i in it.item[rows]]
    verdicts = [text.split(".")[0].split(",")[0].split()[0] for text in found["reason"]]
    assert [v.startswith("Yes") for v in verdicts] == (found["score"] > 0).to_list()
    found.write_parquet(tmp_path / "references.parquet")
    judged = call(
        "evaluate",
        "text",
        out,
        "--references",
        tmp_path / "references.parquet",
        "--draws",
        "100",
        "--grounding",
        "--run",
        trained.folder,
        "--out",
        tmp_path / "metrics.json",
    )
    assert judged.exit_code == 0, judged.output
    assert "ROUGE-L" in judged.stdout and "verdict agrees" in judged.stdout
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert written["estimates"]["reasons"]["rouge_l"]["value"] == pytest.approx(1.0)
    assert set(written["grounding"]) == {"reasons"} and written["grounding"]["reasons"]["measures"]
    alone = call("evaluate", "grounding", out, "--run", trained.folder, "--draws", "100", "--out", tmp_path / "g.json")
    assert alone.exit_code == 0, alone.output
    measures = json.loads((tmp_path / "g.json").read_text())["measures"]
    assert measures == written["grounding"]["reasons"]["measures"]
    # The reasons of rows that stand elsewhere are judged by their users and items.
    found.with_columns(order=np.roll(found["order"], 1)).write_parquet(tmp_path / "moved.parquet")
    moved = call(
        "evaluate",
        "grounding",
        tmp_path / "moved.parquet",
        "--run",
        trained.folder,
        "--draws",
        "100",
        "--out",
        tmp_path / "m.json",
    )
    assert moved.exit_code == 0, moved.output
    assert json.loads((tmp_path / "m.json").read_text())["measures"] == measures
    assert not list(out.parent.glob("*.part"))


def test_some_rows_drawn_by_seed_and_shown(trained: Run, table: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "some.parquet", tmp_path / "again.parquet"
    some = ("--split", "test", "--rows", "3", "--seed", "4", "--writer", "rules", "--show")
    result = call("reasons", "write", trained.folder, table, "--out", out, *some)
    assert result.exit_code == 0, result.output
    found = pl.read_parquet(out)
    pl.read_parquet(table)[::-1].write_parquet(tmp_path / "reversed.parquet")
    assert call("reasons", "write", trained.folder, tmp_path / "reversed.parquet", "--out", again, *some).exit_code == 0
    assert pl.read_parquet(again)["order"].to_list() == found["order"].to_list(), "drawn by what rows are, not where"
    other = draw_rows(trained.test_rows[:10], 3, 5)
    assert trained.ds.interactions.order[other].tolist() != found["order"].to_list()
    shown, titles = " ".join(result.stdout.split()), trained.ds.items.titles
    codes = trained.ds.interactions.item[trained.ds.interactions.find_rows(found["order"].to_numpy())]
    places = [shown.index(f"{titles[code]} for viewer") for code in codes]
    assert places == sorted(places) and len(set(places)) == 3
    assert all(" ".join(reason.split()) in shown for reason in found["reason"])
    assert shown.count("in fact liked") + shown.count("in fact not liked") == 3
    with pytest.raises(DataError, match=r"11 rows were asked for, and the table names 10"):
        draw_rows(trained.test_rows[:10], 11, 0)
    np.testing.assert_array_equal(draw_rows(trained.test_rows[:10][::-1], None, 0), trained.test_rows[:10][::-1])


def test_another_stage_and_free_verdicts(trained: Run, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "global.csv"
    more = ("--stage", "global", "--tokens", "3", "--citation-policy", "any", "--own-verdict")
    result = call("reasons", "write", trained.folder, table, "--out", out, *more)
    assert result.exit_code == 0, result.output
    found = pl.read_csv(out)
    rows = trained.ds.interactions.find_rows(found["order"].to_numpy())
    assert found.height == 11
    np.testing.assert_allclose(found["score"], trained.load_predictor(get_variant("global")).score(rows), atol=1e-5)
    free = trained.load_predictor(get_variant("global")).explain(rows, None, tokens=3)
    assert [text or "" for text in found["reason"]] == free


def test_what_was_written_before_a_kill_is_not_written_again(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explained_rows, "CHUNK", 4)
    system, rows, part = trained.load_predictor(get_variant("global")), trained.test_rows[:10], tmp_path / "x.part"
    options = {"tokens": 3, "cite": "any", "mentions": 2, "own_verdict": False}
    whole = explain_rows_in_chunks(system, rows, part, options)
    lines = part.read_text().splitlines(keepends=True)
    assert len(lines) == 11
    marked = json.dumps({"score": 9.0, "reason": "kept\u2028whole"}, ensure_ascii=False) + "\n"
    # Two chunks done, the third torn in the middle of its second line.
    part.write_text("".join([lines[0], *[marked] * 8, lines[9], lines[10][:7]]))
    again = explain_rows_in_chunks(system, rows, part, options)
    assert again["reason"].to_list() == ["kept\u2028whole"] * 8 + whole["reason"].to_list()[8:]
    assert len(part.read_bytes().split(b"\n")) == 12
    assert again["order"].to_list() == whole["order"].to_list()
    other = explain_rows_in_chunks(system, rows, part, {**options, "tokens": 4})
    assert "kept\u2028whole" not in other["reason"].to_list(), "other options start afresh"
    part.write_bytes(part.read_bytes().split(b"\n")[0] + b"\n" + b"{'score': 1}\n" * 4)
    assert (
        explain_rows_in_chunks(system, rows, part, {**options, "tokens": 4})["reason"].to_list()
        == other["reason"].to_list()
    )


def test_rows_are_found_by_their_ids_where_order_names_others(trained: Run, tmp_path: Path) -> None:
    ds, rows = trained.ds, trained.test_rows[:6]
    it = ds.interactions
    pairs = {"user_id": [ds.user_ids[u] for u in it.user[rows]], "item_id": [ds.items.ids[i] for i in it.item[rows]]}
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"order": it.order[rows], **pairs}).write_parquet(path)
    assert read_named_rows(path, None, trained.ds).tolist() == rows.tolist()
    pl.DataFrame({"order": np.roll(it.order[rows], 1), **pairs}).write_parquet(path)
    with pytest.warns(DataWarning, match="6 of 6 rows were found by user and item"):
        assert read_named_rows(path, None, trained.ds).tolist() == rows.tolist()
    pl.DataFrame({"order": it.order[rows], **pairs, "item_id": ["gone"] * 6}).write_parquet(path)
    with pytest.raises(DataError, match="6 of 6 rows are not in the run's data"):
        read_named_rows(path, None, trained.ds)


def test_reasons_with_unicode_line_ends_are_resumed(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explained_rows, "CHUNK", 2)
    system, rows, part = trained.load_predictor(get_variant("global")), trained.test_rows[:4], tmp_path / "x.part"
    options = {"tokens": 3, "cite": "any", "mentions": 2, "own_verdict": False}
    explain_rows_in_chunks(system, rows, part, options)
    head = part.read_text(encoding="utf-8").split("\n")[0]
    odd = json.dumps({"score": 9.0, "reason": "a\u2028b\u0085c"}, ensure_ascii=False)
    part.write_text("\n".join([head, odd, odd, ""]), encoding="utf-8")
    assert explain_rows_in_chunks(system, rows, part, options)["reason"].to_list()[:2] == ["a\u2028b\u0085c"] * 2


def test_other_writers_stand_beside_their_reasons(trained: Run, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "rules.parquet"
    result = call("reasons", "write", trained.folder, table, "--out", out, "--writer", "rules")
    assert result.exit_code == 0, result.output
    found = pl.read_parquet(out)
    assert found.columns == ["order", "user_id", "item_id", "score", "reason", "writer"]
    assert set(found["writer"]) <= {"rules", "plain"}
    assert [text.startswith("Yes. ") for text in found["reason"]] == (found["score"] > 0).to_list()
    judged = call("evaluate", "grounding", out, "--run", trained.folder, "--out", tmp_path / "g.json")
    assert judged.exit_code == 0, judged.output
    measures = json.loads((tmp_path / "g.json").read_text())["measures"]
    assert measures["nothing_untrue"]["value"]["value"] == 1
    both = call("reasons", "write", trained.folder, table, "--out", out, "--writer", "rules", "--own-verdict")
    assert both.exit_code == 2 and "give one of them" in both.stderr


def test_deciding_lines_alone_are_cited_and_the_effects_are_measured(trained: Run, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "deciding.parquet"
    result = call("reasons", "write", trained.folder, table, "--out", out, "--citation-policy", "deciding")
    assert result.exit_code == 0, result.output
    judged = call("evaluate", "faithfulness", out, "--run", trained.folder, "--out", tmp_path / "f.json")
    assert judged.exit_code == 0, judged.output
    kept = pl.read_parquet(tmp_path / "line-effects.parquet")
    predictor = trained.load_predictor(get_variant("full"))
    for order, score in kept.select("order", "score").unique().iter_rows():
        row = int(trained.ds.interactions.find_rows(np.array([order]))[0])
        (asked,) = predictor.score_queries([Query.from_row(trained.ds, row)])
        assert score == pytest.approx(float(asked[0]), abs=1e-4)


def test_words_are_chosen_as_the_options_say(trained: Run, table: Path, tmp_path: Path) -> None:
    texts = {}
    free = ("--citation-policy", "any", "--tokens", "12")
    drawn = ("--decoding", "temperature=2.0")
    cases = {"plain": (), "drawn": drawn, "again": drawn, "seed": (*drawn, "--decoding", "seed=1")}
    for name, more in {**cases, "same": ("--decoding", "temperature=0")}.items():
        out = tmp_path / f"{name}.parquet"
        result = call("reasons", "write", trained.folder, table, "--out", out, *free, *more)
        assert result.exit_code == 0, result.output
        texts[name] = pl.read_parquet(out)["reason"].to_list()
    assert texts["plain"] == texts["same"] and texts["drawn"] == texts["again"]
    assert len({tuple(texts[name]) for name in ("plain", "drawn", "seed")}) == 3


def test_under_deciding_the_rules_cite_what_moved_the_score(trained: Run, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "rules.parquet"
    result = call(
        "reasons", "write", trained.folder, table, "--out", out, "--writer", "rules", "--citation-policy", "deciding"
    )
    assert result.exit_code == 0, result.output
    ds, predictor, found = trained.ds, trained.load_predictor(get_variant("full")), pl.read_parquet(out)
    queries = [Query.from_row(ds, int(row)) for row in ds.interactions.find_rows(found["order"].to_numpy())]
    catalogue, cited = Catalogue(ds.items.titles), 0
    measured = compute_line_effects(predictor, queries, flip=False)
    for query, effects, text in zip(queries, measured, found["reason"], strict=True):
        past = query.items[effects.places]
        case = build_case(ds.items, past, effects.labels, int(query.candidates[0]), effects.score > 0)
        lines = read_cited_lines(text, case, catalogue).is_cited
        assert not (lines & ~select_deciding_lines(effects)).any(), text
        cited += int(lines.sum())
    assert cited > 5


def test_wrong_calls_are_refused(trained: Run, table: Path, tmp_path: Path) -> None:
    def refused(*arguments: object) -> str:
        result = call("reasons", "write", *arguments)
        assert result.exit_code == 2, result.output
        return result.stderr

    out = tmp_path / "x.parquet"
    assert "end it with .parquet, .csv or .jsonl" in refused(trained.folder, table, "--out", tmp_path / "x.txt")
    assert "names no row of split 'nowhere'" in refused(trained.folder, table, "--split", "nowhere", "--out", out)
    pl.DataFrame({"order": [10**6]}).write_parquet(tmp_path / "gone.parquet")
    assert "order 1000000 is no row" in refused(trained.folder, tmp_path / "gone.parquet", "--out", out)
    pl.DataFrame({"row": [1]}).write_parquet(tmp_path / "bare.parquet")
    assert "order" in refused(trained.folder, tmp_path / "bare.parquet", "--out", out)
    assert "there is no run" in refused("nothing", table, "--out", out)
    assert "temprature: unknown key" in refused(trained.folder, table, "--out", out, "--decoding", "temprature=1")
    assert "top_p without effect" in refused(trained.folder, table, "--out", out, "--decoding", "top_p=0.5")
    assert "KEY=VALUE" in refused(trained.folder, table, "--out", out, "--decoding", "top_p")
    assert not out.exists()
    both = call("evaluate", "text", table, "--grounding", "--references", table)
    assert "--grounding needs --run" in both.stderr


def test_the_table_of_rows_is_not_written_over(trained: Run, table: Path) -> None:
    before = table.read_bytes()
    result = call("reasons", "write", trained.folder, table, "--out", table)
    assert result.exit_code == 2 and "would write over" in result.output and table.read_bytes() == before
