"""Prompts with shared prefixes become one packed row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from thinkrec.engine.batch import Batch, collate_prompts
from thinkrec.engine.layout import PackedLayout
from thinkrec.engine.segments import PrefixKVCache, Segment
from thinkrec.errors import DataError
from thinkrec.prompts.shared_prefix import SharedPrefix, concat_prompts, drop_positions, slice_prompt
from thinkrec.prompts.types import Prompt


def pack_shared_prefix(
    shared_prefixes: Sequence[SharedPrefix], caches: Sequence[PrefixKVCache | None] | None = None
) -> Batch:
    """Prefixes with their suffixes in one row (1, t), without padding; its answers are the suffixes' own, in order.

    `caches`: per prefix what keeps its keys and values, or None; one that holds them stands for its prefix.
    Raises DataError as `thinkrec.engine.batch.collate_prompts` does, and where prefixes disagree about the number of
    experts.
    """
    if not shared_prefixes:
        raise DataError("pack got no forks; a batch needs at least one")
    gates = [shared.prefix.gate for shared in shared_prefixes]
    if len({gate.shape for gate in gates}) > 1:
        raise DataError("forks with different numbers of experts in one batch; use one number for all")
    parts, spans, positions, start = [], [], [], 0
    for shared, cache in zip(shared_prefixes, caches or [None] * len(shared_prefixes), strict=True):
        lengths = [len(suffix) for suffix in shared.suffixes]
        # Without the answers in the middle: the labels that a history shows are known.
        prefix = [] if cache is not None and cache.layers else [drop_positions(shared.prefix, "answer_at")]
        spans.append(Segment.from_lengths(start, sum(map(len, prefix)), lengths, shared.prefix_lengths, cache))
        parts += [*prefix, *shared.suffixes]
        positions += [np.arange(len(part)) for part in prefix]
        positions += [seen + np.arange(n) for seen, n in zip(shared.prefix_lengths, lengths, strict=True)]
        start = spans[-1].end
    sizes = torch.tensor([span.end - span.start for span in spans])
    return collate_prompts([concat_prompts(parts)], pad_id=0).replace(
        gate=torch.from_numpy(np.stack(gates).astype(np.float32)),
        layout=PackedLayout(tuple(spans)),
        position_ids=torch.from_numpy(np.concatenate(positions).astype(np.int64)),
        gate_index=torch.repeat_interleave(sizes),
    )


def pack_prompts(prompts: Sequence[Prompt]) -> Batch:
    """Whole prompts side by side in one row (1, t), without padding, with all that they teach.

    Raises DataError as `pack_shared_prefix` does.
    """
    return pack_shared_prefix([SharedPrefix(slice_prompt(prompt, 0, 0), (prompt,)) for prompt in prompts])
