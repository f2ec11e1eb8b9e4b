"""The fields of a prompt are declared once; joining, cutting, storing, collating and packing go by that list."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.tiny_lm import make_prompts

import thinkrec
from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.packing import pack_prompts, pack_shared_prefix
from thinkrec.errors import DataError
from thinkrec.prompts.shared_prefix import (
    SharedPrefix,
    concat_prompts,
    count_common_prefix,
    drop_positions,
    slice_prompt,
    split_shared_prefix,
)
from thinkrec.prompts.types import PROMPT_FIELDS, Prompt

PACKAGE = Path(thinkrec.__file__).parent
NEW_FIELDS = """
    mark_at: np.ndarray = field(default_factory=lambda: _NO_POSITIONS, metadata=describe_positions())
    mark_weight: np.ndarray = field(
        default_factory=lambda: np.zeros(0, np.float32), metadata=describe_values("mark_at", np.float32, np.float32)
    )
"""
USE_OF_THEM = """
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from support.tiny_lm import make_prompts
from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.packing import pack_prompts
from thinkrec.prompts.shared_prefix import concat_prompts, slice_prompt
from thinkrec.prompts.stored import StoredPrompts, write_prompts

first, second = (
    replace(prompt, mark_at=np.array(at, np.int32), mark_weight=np.array(weight, np.float32))
    for prompt, at, weight in zip(make_prompts(), ([1, 4], [2]), ([0.5, 0.25], [2.0]))
)
n = len(first)
joined = concat_prompts([first, second])
assert joined.mark_at.tolist() == [1, 4, n + 2] and joined.mark_weight.tolist() == [0.5, 0.25, 2.0]
cut = slice_prompt(joined, 3, n + 3)
assert cut.mark_at.tolist() == [1, n - 1] and cut.mark_weight.tolist() == [0.25, 2.0]
path = Path(sys.argv[1]) / "prompts.arrow"
write_prompts([first, second], path)
read = StoredPrompts(path)[1]
assert (read.mark_at.dtype, read.mark_weight.dtype) == (np.int32, np.float32) and read.mark_at.tolist() == [2]
batch = collate_prompts([first, second], 0).to("cpu")
assert batch.mark_at.tolist() == [[0, 1], [0, 4], [1, 2]] and batch.mark_weight.tolist() == [0.5, 0.25, 2.0]
assert pack_prompts([first, second]).mark_at.tolist() == [[0, 1], [0, 4], [0, n + 2]]
"""


def test_a_new_field_is_one_declaration(tmp_path: Path) -> None:
    copy = tmp_path / "thinkrec"
    copy.mkdir()
    for path in PACKAGE.iterdir():
        if path.name != "prompts":
            (copy / path.name).symlink_to(path)
    (copy / "prompts").mkdir()
    for path in (PACKAGE / "prompts").iterdir():
        if path.name != "types.py":
            (copy / "prompts" / path.name).symlink_to(path)
    source = (PACKAGE / "prompts" / "types.py").read_text(encoding="utf-8")
    before, end, after = source.partition("\n    def __len__")
    (copy / "prompts" / "types.py").write_text(before + NEW_FIELDS + end + after, encoding="utf-8")
    tests = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(tests)))}
    run = subprocess.run(
        [sys.executable, "-c", USE_OF_THEM, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def add_soft_tokens(prompt: Prompt, at: list[int], index: list[int]) -> Prompt:
    return replace(prompt, soft_at=np.array(at, np.int32), soft_index=np.array(index, np.int32))


def test_soft_tokens_are_joined_cut_packed_and_collated_like_all_others() -> None:
    first, second, bare = make_prompts()[:3]
    first, second = add_soft_tokens(first, [0, 3], [0, 1]), add_soft_tokens(second, [2], [4])
    n, m = len(first), len(second)
    joined = concat_prompts([first, bare, second])
    assert joined.soft_at.tolist() == [0, 3, n + len(bare) + 2]
    assert joined.soft_index.tolist() == [0, 1, 4]
    assert joined.soft_at.dtype == joined.soft_index.dtype == np.int32
    cut = slice_prompt(joined, 1, n)
    assert (cut.soft_at.tolist(), cut.soft_index.tolist()) == ([2], [1])
    assert len(drop_positions(joined, "soft_at").soft_index) == 0
    batch = collate_prompts([first, bare, second], 0)
    assert batch.soft_at.tolist() == [[0, 0], [0, 3], [2, 2]]
    assert batch.soft_index.tolist() == [0, 1, 4]
    packed = pack_prompts([first, second])
    assert packed.soft_at.tolist() == [[0, 0], [0, 3], [0, n + 2]]
    shared = pack_shared_prefix([SharedPrefix(first, (second,))])
    assert shared.soft_at.tolist() == [[0, 0], [0, 3], [0, n + 2]]
    assert shared.ids.shape == (1, n + m)
    assert len(shared.answer_at) == len(second.answer_at), "the answers within the shared prefix are known"


@pytest.mark.parametrize(
    ("at", "index", "common"), [([1, 5], [0, 1], 8), ([1, 5], [0, 2], 5), ([1], [0], 5), ([1, 7], [0, 1], 5)]
)
def test_what_prompts_share_ends_where_another_vector_stands(at: list[int], index: list[int], common: int) -> None:
    prompt = replace(
        make_prompts()[0], placeholder_at=np.array([3], np.int32), placeholder_vectors=np.ones((1, 6), np.float32)
    )
    prompt = slice_prompt(prompt, 0, 10)
    mine, theirs = add_soft_tokens(prompt, [1, 5], [0, 1]), add_soft_tokens(prompt, at, index)
    assert count_common_prefix([mine, theirs]) == common
    fork = split_shared_prefix([mine, theirs], common)
    for whole, wanted in zip(fork.to_prompts(), (mine, theirs), strict=True):
        for name in PROMPT_FIELDS:
            np.testing.assert_array_equal(getattr(whole, name), getattr(wanted, name), err_msg=name)


def test_soft_positions_and_their_vectors_are_checked() -> None:
    prompt = make_prompts()[0]
    with pytest.raises(DataError, match="prompt 1 of the batch: soft_at holds a position outside"):
        collate_prompts([prompt, add_soft_tokens(prompt, [len(prompt)], [0])], 0)
    with pytest.raises(DataError, match="soft_at has 1 entries, soft_index has 2"):
        collate_prompts([add_soft_tokens(prompt, [1], [0, 1])], 0)


def test_a_field_without_entries_keeps_its_type() -> None:
    for name, spec in PROMPT_FIELDS.items():
        empty = spec.make_empty()
        assert (empty.dtype, empty.ndim) == (spec.dtype, spec.ndim), name
        if spec.kind == "value":
            assert PROMPT_FIELDS[spec.of].kind == "position"
