"""What bench/smollm2.py asks: prompts for training, test rows of whole users, and one user's candidates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from models import catalogue

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, TRAIN
from thinkrec.data.loaders.movielens import load_ml1m_slice
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError
from thinkrec.prompts.render import PromptConfig, PromptRenderer
from thinkrec.prompts.shared_prefix import SharedPrefix
from thinkrec.prompts.types import Prompt
from thinkrec.reasons.written import read_written_reasons
from thinkrec.run.data_sources import find_data_folder
from thinkrec.train.mixture import select_strided_rows, write_rule_reasons

SHOWN = PromptConfig(history=10, keywords=6, history_keywords=3)
"""As in the MovieLens recipes of nano."""
GLOBAL = np.ones(1, dtype=np.float32)
"""The gate of a model with one adapter."""


@dataclass(frozen=True, eq=False)
class Material:
    """Everything that is asked, from one data set."""

    ds: Dataset
    source: str
    """Where it comes from, for the note of a result."""
    training: list[Prompt]
    """A fifth of them with a reason, and every label of the history an answer of its own."""
    test_rows: np.ndarray
    """int64: all test rows of some users, ascending."""
    question: SharedPrefix
    """One user's history, and the candidates behind it."""


def load_material(rec: Recommender, *, training: int, rows: int, candidates: int, seed: int = 0) -> Material:
    """So many training prompts, about so many test rows, and so many candidates, drawn by seed."""
    ds, reasons, source = _load_data(seed)
    rng, renderer = np.random.default_rng(seed), PromptRenderer(ds, rec.backbone, SHOWN)
    it = ds.interactions
    with_reason = rng.permutation([row for row in sorted(reasons) if it.split[row] == TRAIN])[: training // 5]
    others = rng.permutation(select_strided_rows(ds, 6, 0, seed))[: training - len(with_reason)]
    prompts = [
        renderer.render_row(
            int(row),
            gate=GLOBAL,
            reason=reasons.get(int(row)) if i < len(with_reason) else None,
            with_answer=True,
            history_loss=0.5,
        )
        for i, row in enumerate([*with_reason, *others])
    ]
    test = it.get_split_rows(TEST)
    users = rng.permutation(np.unique(it.user[test]))
    counts = np.cumsum([int((it.user[test] == user).sum()) for user in users])
    chosen = test[np.isin(it.user[test], users[: int(np.searchsorted(counts, rows)) + 1])]
    return Material(ds, source, prompts, np.sort(chosen), _ask_candidates(renderer, ds, candidates, rng))


def _load_data(seed: int) -> tuple[Dataset, dict[int, str], str]:
    """The data, reasons by row, and what to call it."""
    try:
        folder = find_data_folder("ml1m")
    except DataError:
        ds = catalogue()
        rows = np.random.default_rng(seed).permutation(np.flatnonzero(ds.interactions.split == TRAIN))[:400]
        return ds, write_rule_reasons(ds, rows, SHOWN.history, seed), "simulated catalogue, reasons by rules"
    ds = load_ml1m_slice(folder)
    return ds, read_written_reasons(ds, folder / "reasons.parquet"), "MovieLens-1M, written reasons"


def _ask_candidates(renderer: PromptRenderer, ds: Dataset, n: int, rng: np.random.Generator) -> SharedPrefix:
    """A user with a full history, drawn by `rng`, asked about n items."""
    it = ds.interactions
    longest = np.flatnonzero(np.diff(it.start) > SHOWN.history)
    user = int(rng.choice(longest))
    past = it.get_history(int(it.start[user + 1]) - 1, SHOWN.history)
    items = rng.choice(len(ds.items.titles), size=n, replace=False)
    ((_, shared),) = renderer.render_candidates(items, it.item[past], it.label[past], gate=GLOBAL)
    return shared
