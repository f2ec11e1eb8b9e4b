"""Each segment takes as many tokens as it says, and stands where its places say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.tiny_lm import make_tokenizer

from thinkrec.data.dataset import Dataset, Domain
from thinkrec.prompts.draft import PromptBuilder
from thinkrec.prompts.items import ItemEntries, encode_plain_text
from thinkrec.prompts.segments import PromptInputs, SegmentBinder
from thinkrec.prompts.template import Template, fill_domain_words
from thinkrec.prompts.templates import TEMPLATES
from thinkrec.prompts.templates.prompt4nr import PROMPT4NR, PROMPT4NR_SOFT
from thinkrec.prompts.templates.ratings_table import RATINGS_TABLE

DOMAIN = Domain("tree", "trees", "forester")
VECTOR = np.array([1.0, 2.0], dtype=np.float32)


def bind_template(template: Template, dataset: Dataset) -> list[Any]:
    tokenizer = make_tokenizer()
    binder = SegmentBinder(
        encode=lambda text: encode_plain_text(tokenizer, [fill_domain_words(text, DOMAIN)])[0],
        encode_items=lambda is_target, with_keywords: ItemEntries(tokenizer, dataset.items, 3 if with_keywords else 0),
        label_ids=np.array([7, 6], dtype=np.int32),
        placeholder_id=np.array([0], dtype=np.int32),
        history_vectors=True,
    )
    return [segment.bind(binder) for segment in template.segments]


def make_inputs(n: int, with_vectors: bool) -> PromptInputs:
    items, labels = np.arange(n) % 6, np.arange(n) % 2
    return PromptInputs(
        past_items=items,
        past_labels=labels,
        past_vectors=np.repeat(VECTOR[None], n, axis=0) if with_vectors else None,
        is_history_empty=n == 0,
        user_vector=VECTOR if with_vectors else None,
        item=2,
        item_vector=VECTOR if with_vectors else None,
        label=1,
    )


@pytest.mark.parametrize("with_vectors", [False, True])
@pytest.mark.parametrize("n", [0, 1, 4])
@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_a_prompt_is_as_long_as_its_parts_say(
    template: Template, n: int, with_vectors: bool, tiny_dataset: Dataset
) -> None:
    parts = bind_template(template, tiny_dataset)
    inputs, draft = make_inputs(n, with_vectors), PromptBuilder()
    history, target = parts[template.segments.index(template.history)], parts[-1]
    for part in parts:
        part.write(draft, inputs)
    expected = sum(part.count_tokens(with_vectors) for part in parts) + target.entries.lengths[inputs.item]
    expected += sum(
        history.entries.lengths[item] + history.count_line_overhead(with_vectors) for item in inputs.past_items
    )
    empty = parts[[type(segment).__name__ for segment in template.segments].index("EmptyHistory")]
    assert draft.length == expected + (len(empty.ids) if n == 0 else 0)
    prompt = draft.build(np.ones(1, dtype=np.float32))
    assert len(prompt) == draft.length
    n_vectors = (n * template.history.with_vectors + 2) if with_vectors else 0
    assert len(prompt.placeholder_at) == n_vectors
    assert set(prompt.ids[prompt.placeholder_at].tolist()) <= {0}, "a vector stands on a token of its own"
    assert prompt.answer_at[-1] == len(prompt) - 1
    if template is RATINGS_TABLE:
        labels = [6 if label else 7 for label in inputs.past_labels]
        assert prompt.ids[prompt.answer_at[:-1] + 1].tolist() == labels


def test_soft_tokens_are_numbered_through_the_prompt(tiny_dataset: Dataset) -> None:
    assert (PROMPT4NR.n_soft_tokens, PROMPT4NR_SOFT.n_soft_tokens) == (0, 12)
    parts, draft = bind_template(PROMPT4NR_SOFT, tiny_dataset), PromptBuilder()
    for part in parts:
        part.write(draft, make_inputs(2, True))
    prompt = draft.build(np.ones(1, dtype=np.float32))
    assert prompt.soft_index.tolist() == list(range(12))
    assert prompt.soft_at[:6].tolist() == list(range(6)), "the first stand at the very beginning"
    assert not set(prompt.soft_at.tolist()) & set(prompt.placeholder_at.tolist())
