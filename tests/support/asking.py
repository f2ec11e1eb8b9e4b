"""A small catalogue, and scripts that answer questions about its rows."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl

from support.scripted_server import Reaction, Request, says
from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS
from thinkrec.reasons import questions
from thinkrec.reasons.choose import choose_rows
from thinkrec.reasons.config import SynthesisConfig
from thinkrec.reasons.store import AttemptStore
from thinkrec.reasons.summary import SynthesisSummary, count_accounted_rows, summarise_outcomes
from thinkrec.reasons.synthesis import RowState, Synthesis
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.teacher.build import build_teacher
from thinkrec.teacher.client import TeacherStoppedError
from thinkrec.teacher.config import ApiTeacherConfig, Retries

WORLD = SimulatorConfig(users=20, items=60, interactions_per_user=(6, 12))
SEED = 5
DS = simulate_catalogue(WORLD, SEED).dataset
QUICK = Retries(max_retries=2, initial_backoff=0.01, max_backoff=0.03, max_consecutive_failures=1000)
PROSE = "It is much like what was liked before, and little speaks against it."


def interactions(ds: Dataset = DS) -> pl.DataFrame:
    """The rows as a table that comes in, in `order` order, without a column `order`."""
    it = ds.interactions
    return (
        pl.DataFrame(
            {
                "user_id": pl.Series(ds.user_ids).gather(it.user),
                "item_id": pl.Series(ds.items.ids).gather(it.item),
                "label": it.label,
                "timestamp": it.timestamp,
                "split": pl.Series(SPLITS).gather(it.split),
                "order": it.order,
            }
        )
        .sort("order")
        .drop("order")
    )


ITEMS = pl.DataFrame({"item_id": DS.items.ids, "title": DS.items.titles})


def data(table: pl.DataFrame) -> Dataset:
    """The data set of such a table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return Dataset.from_tables(table, ITEMS)


def config(url: str = "http://127.0.0.1:9/v1", **changes) -> SynthesisConfig:
    """An endpoint teacher with quick retries; `teacher` in `changes` holds changes of that."""
    more = changes.pop("teacher", {})
    teacher = ApiTeacherConfig(
        **{"model": "m", "base_url": url, "retries": QUICK, "timeout": 2.0, "concurrency": 4, "max_tokens": 50, **more}
    )
    return SynthesisConfig(teacher=teacher, **{"n_rows": 20, **changes})


def labels(settings: SynthesisConfig) -> dict[str, bool]:
    """Words of the first question of a row -> its label."""
    rows = choose_rows(DS, settings)
    found = {
        questions.render_first_question(DS, int(row), settings)[1].text: bool(DS.interactions.label[row])
        for row in rows
    }
    assert len(found) == len(rows), "rows have to differ in their questions"
    return found


def right(label: bool, text: str = PROSE) -> Reaction:
    """An answer with the right verdict."""
    return says(f"{'Yes' if label else 'No'}. {text}")


def turns(request: Request) -> int:
    """Answers that the conversation already holds."""
    return sum(message["role"] == "assistant" for message in request.messages)


def synthesise(settings: SynthesisConfig, path: Path) -> tuple[list[RowState], SynthesisSummary, str | None]:
    """One whole start: (cases, report, why it stopped)."""
    rows, stopped = choose_rows(DS, settings), None
    with AttemptStore(path) as store:
        teacher = build_teacher(settings.teacher, DS, spent=store.sum_usage("none"))
        synthesis = Synthesis(DS, settings, teacher.name, store)
        try:
            synthesis.run(rows, teacher)
        except TeacherStoppedError as stop:
            stopped = str(stop)
        cases = [synthesis.get_row_state(int(row)) for row in rows]
        report = summarise_outcomes(synthesis, cases, settings, seconds=1.0, stopped=stopped)
    assert count_accounted_rows(report) == report.rows == len(rows)
    assert np.array_equal([case.row for case in cases], rows)
    return cases, report, stopped
