"""Measures over rows, worked out by hand on two users."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from thinkrec.errors import DataError
from thinkrec.evaluate.faithfulness.cited_lines import CitedLines
from thinkrec.evaluate.faithfulness.results import (
    POLICIES,
    SystemCitations,
    evaluate_faithfulness,
    write_faithfulness,
)
from thinkrec.evaluate.faithfulness.row_sums import build_row_sums
from thinkrec.evaluate.faithfulness.table import TITLES, render_faithfulness_table
from thinkrec.score.line_effects import LineEffects


def effects(score: float, labels: list[int], erase: list[float], flip: list[float]) -> LineEffects:
    places = np.arange(len(labels))
    return LineEffects(score, places, np.array(labels, dtype=np.int8), np.array(erase), np.array(flip))


def lines(*directions: int, stated: int = 0, right: int = 0) -> CitedLines:
    return CitedLines(np.array(directions, dtype=np.int8), stated, right)


ROWS = [
    effects(1.0, [1, 1, 0], [0.6, 0.2, -0.3], [1.0, 1.2, -0.1]),
    effects(-1.0, [1, 0, 0], [0.1, -0.5, -0.4], [0.2, -0.6, -0.9]),
    effects(0.5, [], [], []),
]
OWN = SystemCitations([lines(1, 0, 0, stated=1, right=1), lines(0, -1, 0), lines()], np.array([0.8, -0.6, 0.5]))
OTHER = SystemCitations([lines(0, 1, 0), lines(0, 0, -1, stated=2, right=1), lines()], np.array([0.2, 0.0, 0.5]))
EMPTY = np.array([0.0, 1.0, 0.5])
CAUSES = [np.array([True, False, False]), None, None]


def judge(**changes):
    arguments = {"reference": "other", "draws": 200, "seed": 1, "causes": CAUSES, **changes}
    return evaluate_faithfulness(ROWS, EMPTY, {"own": OWN, "other": OTHER}, ["a", "b", "b"], **arguments)


def test_every_measure_by_hand() -> None:
    found = judge()
    own, other = ({key: m.value.value for key, m in found.systems[name].items()} for name in ("own", "other"))
    assert (found.rows, found.rows_without_lines, found.n_users) == (2, 1, 2)
    assert found.score_deviation == pytest.approx(math.sqrt(2))  # of 1 and -1
    assert own["cited"] == 1.0
    assert own["erase_win"] == 1.0  # .6 beats .2; -.5 beats -.4
    assert own["erase_gain"] == pytest.approx((0.4 + 0.1) / 2 / math.sqrt(2))
    assert own["flip_win"] == 0.0  # 1.0 loses to 1.2, -.6 to -.9
    assert own["sufficiency"] == pytest.approx(1 - (0.2 + 0.4) / (1.0 + 2.0))
    # Within rows: (.43, .03, -.47) with (2, -1, -1) / 3, and (.37, -.23, -.13) with (1, -2, 1) / 3.
    product, spread = 0.6 - 0.5 / 3 + (0.5 - 0.8 / 3), 4 / 3
    square = sum(((r.erase - r.erase.mean()) ** 2).sum() for r in ROWS[:2])
    assert own["cct"] == pytest.approx(product / math.sqrt(spread * square))
    assert own["side_right"] == 1.0 and other["side_right"] == 0.5
    assert own["cause"] == 1.0 and other["cause"] == 0.0
    assert other["erase_win"] == 0.0 and other["flip_win"] == 1.0
    assert found.systems["own"]["erase_win"].count == 2 and found.systems["own"]["cct"].count == 6
    assert found.systems["own"]["sufficiency"].count == 2 and found.systems["own"]["cause"].count == 1
    assert found.alone == {"own": 0, "other": 0}


def test_size_is_about_being_cited_at_all() -> None:
    sums = build_row_sums(ROWS, EMPTY, OWN.lines, OWN.kept_scores, None, np.array([1]))
    # Sizes .1, .5, .4 (mean 1/3) with 0, 1, 0 (mean 1/3).
    assert sums["size_product"][0] == pytest.approx(0.5 - 1 / 3)
    assert sums["size_first"][0] == pytest.approx(2 / 3)
    assert sums["cause_of"][0] == 0.0


def test_differences_and_intervals_are_on_the_same_draws() -> None:
    found = judge()
    pair = found.systems["own"]["erase_win"].difference
    assert pair is not None and pair.difference == 1.0 and pair.low == pair.high == 1.0
    assert found.systems["other"]["erase_win"].difference is None
    low, high = found.systems["own"]["sufficiency"].value.low, found.systems["own"]["sufficiency"].value.high
    assert (low, high) == (pytest.approx(0.8), pytest.approx(0.8)), "either user alone has .8 too"
    again = judge(seed=2)
    assert again.systems["own"]["cct"].value.value == found.systems["own"]["cct"].value.value


def test_lines_without_a_partner_are_counted() -> None:
    everything = SystemCitations([lines(1, 1, -1), lines(1, -1, -1), lines()], np.array([1.0, -1.0, 0.5]))
    found = evaluate_faithfulness(ROWS, EMPTY, {"all": everything}, ["a", "b", "b"], reference="all", draws=10)
    assert found.alone == {"all": 6}
    assert "erase_win" not in found.systems["all"], "no pair, no share"
    assert found.systems["all"]["sufficiency"].value.value == 1.0


def test_effects_without_flips_have_no_flip_win() -> None:
    bare = [replace(row, flip=np.full(len(row.erase), np.nan)) for row in ROWS]
    found = evaluate_faithfulness(bare, EMPTY, {"own": OWN}, ["a", "b", "b"], reference="own", draws=10)
    assert "flip_win" not in found.systems["own"] and found.systems["own"]["erase_win"].value.value == 1.0


def test_bad_input_is_refused() -> None:
    with pytest.raises(DataError, match="2 scores without lines for the effects of 3 rows"):
        evaluate_faithfulness(ROWS, EMPTY[:2], {"own": OWN}, ["a", "b", "b"], reference="own")
    with pytest.raises(DataError, match="2 rows of 'own'"):
        bad = SystemCitations(OWN.lines[:2], OWN.kept_scores)
        evaluate_faithfulness(ROWS, EMPTY, {"own": bad}, ["a", "b", "b"], reference="own")
    with pytest.raises(DataError, match="no row shows a history line"):
        none = SystemCitations([lines()], np.array([0.5]))
        evaluate_faithfulness(ROWS[2:], EMPTY[2:], {"own": none}, ["b"], reference="own")


def test_the_table_and_the_file_say_everything(tmp_path: Path) -> None:
    found = judge()
    console = Console(width=240, record=True, file=(tmp_path / "out").open("w"))
    console.print(render_faithfulness_table(found, {"own": "what it cites"}))
    text = console.export_text()
    for word in (*TITLES.values(), "1 row shows no history line", "2 rows, 2 users", "own: what it cites", "other"):
        assert word in text, word
    assert set(TITLES) == set(POLICIES)
    write_faithfulness(tmp_path / "f.json", {"reasons": found}, {"run": "demo"})
    stored = json.loads((tmp_path / "f.json").read_text())
    assert stored["tables"]["reasons"]["systems"]["own"]["erase_win"]["value"]["value"] == 1.0
    assert stored["policies"] == POLICIES and stored["provenance"] == {"run": "demo"}
