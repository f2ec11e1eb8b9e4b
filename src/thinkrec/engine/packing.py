"""Prompts that begin alike: one trunk, many leaves; and how they become one packed row."""

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


def pack_shared_prefix(forks: Sequence[SharedPrefix], cache: PrefixKVCache | None = None) -> Batch:
    """Forks side by side in one row (1, t), without padding; its answers are the leaves' own, in order.

    `kept`: keeps the keys and values of the only fork's trunk; once it holds them, it stands for the trunk.
    Raises DataError as `thinkrec.engine.batch.collate_prompts` does, where forks disagree about the number of experts,
    and where several are to be kept.
    """
    if not forks:
        raise DataError("pack got no forks; a batch needs at least one")
    gates = [fork.prefix.gate for fork in forks]
    if cache is not None and len(forks) > 1:
        raise DataError(f"{len(forks)} forks whose trunk is to be kept; pack them one at a time")
    if len({gate.shape for gate in gates}) > 1:
        raise DataError("forks with different numbers of experts in one batch; use one number for all")
    parts, spans, positions, start = [], [], [], 0
    for fork in forks:
        lengths = [len(leaf) for leaf in fork.suffixes]
        # Without the answers in the middle: the labels that a history shows are known.
        trunk = [] if cache is not None and cache.layers else [drop_positions(fork.prefix, "answer_at")]
        spans.append(Segment.from_lengths(start, sum(map(len, trunk)), lengths, fork.prefix_lengths, cache))
        parts += [*trunk, *fork.suffixes]
        positions += [np.arange(len(part)) for part in trunk]
        positions += [seen + np.arange(n) for seen, n in zip(fork.prefix_lengths, lengths, strict=True)]
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
