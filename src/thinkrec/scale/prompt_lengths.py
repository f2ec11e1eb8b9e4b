"""How long the prompts of a recipe are, measured on users of its data."""

from __future__ import annotations

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.model.backbone import Backbone
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.scale.cost_model import PromptLengths


def measure_prompt_lengths(
    ds: Dataset, backbone: Backbone, prompt: PromptConfig, *, slots: bool, users: int, seed: int
) -> tuple[PromptLengths, int]:
    """Mean tokens of what a user's candidates share, and of what each adds; with the number of users asked.

    Args:
        ds: whose users and items.
        backbone: whose tokenizer.
        prompt: what of a row is shown.
        slots: whether prompts have places for vectors.
        users: at most so many are drawn, each asked about 32 items that are drawn, too.
        seed: of the draw.
    """
    rng, renderer = np.random.default_rng(seed), PromptRenderer(ds, backbone, prompt)
    chosen = rng.permutation(ds.interactions.n_users)[:users]
    prefixes, suffixes = [], []
    for user in chosen:
        query = Query.from_dataset(ds, int(user))
        items = rng.choice(len(ds.items), min(32, len(ds.items)), replace=False)
        window = query.find_window(prompt.history, prompt.history_step)
        past = query.items[window]
        groups = renderer.render_candidates(
            items,
            past,
            query.labels[window],
            gate=np.ones(1, dtype=np.float32),
            user_vector=np.zeros(1, dtype=np.float32) if slots else None,
            item_vectors=np.zeros((len(items), 1), dtype=np.float32) if slots else None,
            past_vectors=np.zeros((len(past), 1), dtype=np.float32) if slots else None,
        )
        prefixes.append(sum(len(shared.prefix) for _, shared in groups))
        suffixes.append(sum(len(suffix) for _, shared in groups for suffix in shared.suffixes) / len(items))
    return PromptLengths(float(np.mean(prefixes)), float(np.mean(suffixes))), len(chosen)
