"""One start of a synthesis: from a store of answers and a choice of rows to the state of every row."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.reasons.config import SynthesisConfig
from thinkrec.reasons.store import AttemptStore
from thinkrec.reasons.summary import SynthesisSummary, summarise_outcomes
from thinkrec.reasons.synthesis import RowState, Synthesis
from thinkrec.teacher.build import build_teacher, format_teacher_name
from thinkrec.teacher.client import TeacherStoppedError


def read_row_states(ds: Dataset, rows: np.ndarray, config: SynthesisConfig, store: Path) -> list[RowState]:
    """Where every row stands by what is stored so far; asks nothing and writes nothing."""
    with AttemptStore(store, write=False) as attempts:
        synthesis = Synthesis(ds, config, format_teacher_name(config.teacher), attempts)
        return [synthesis.get_row_state(int(row)) for row in rows]


def synthesize_reasons(
    ds: Dataset, rows: np.ndarray, config: SynthesisConfig, store: Path, *, progress: bool = False
) -> tuple[list[RowState], SynthesisSummary, TeacherStoppedError | None]:
    """Ask the config's teacher about rows until each is done with; every answer is stored at once.

    Returns:
        The state of every row, what it came to, and why the teacher stopped, if it did: a spent budget, or a refusal.
    """
    began, stop = time.monotonic(), None
    with AttemptStore(store) as attempts:
        teacher = build_teacher(config.teacher, ds, spent=attempts.sum_usage(format_teacher_name(config.teacher)))
        synthesis = Synthesis(ds, config, teacher.name, attempts)
        try:
            synthesis.run(rows, teacher, progress=progress)
        except TeacherStoppedError as error:
            stop = error
        states = [synthesis.get_row_state(int(row)) for row in rows]
        summary = summarise_outcomes(
            synthesis, states, config, seconds=time.monotonic() - began, stopped=str(stop) if stop else None
        )
    return states, summary, stop
