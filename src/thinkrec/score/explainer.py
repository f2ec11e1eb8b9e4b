"""Reasons: the same model goes on writing after its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from thinkrec.decoding.citations import AllowedTitle
from thinkrec.decoding.claim_rules import GroundingRules
from thinkrec.decoding.policy import Cite
from thinkrec.decoding.vocabulary import build_vocabulary
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError
from thinkrec.io.progress import Progress
from thinkrec.prompts.types import Prompt


def decode_token_ids(tokenizer: Any, ids: np.ndarray) -> str:
    """Generated ids as text."""
    # Cleaning up spaces, where a tokenizer does so, could move a quote away from its title.
    options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    return str(tokenizer.decode(ids.tolist(), **options)).strip()


def write_reasons(
    recommender: Recommender,
    prompts: Sequence[Prompt],
    verdicts: np.ndarray | None,
    *,
    tokens: int,
    citable: Sequence[Mapping[str, AllowedTitle]] | None = None,
    cite: Cite = "any",
    mentions: int = 2,
    batch: int = 32,
    title: str = "writing reasons",
    progress: bool = False,
) -> list[str]:
    """One text per prompt, opening with the verdict that the score implies.

    `verdicts`: bool (n,), True for Yes; None leaves the verdict to the model, which shows how often it agrees with its
    own score. `citable`: per prompt, what `Predictor.find_allowed_titles` gives, which `cite` other than "any" needs. A
    reason ends by itself or after `tokens` tokens; with `cite: any` then perhaps within a title, else with its last
    whole sentence.
    Raises DataError where `citable` has another length than `prompts`.
    """
    if cite != "any" and (citable is None or len(citable) != len(prompts)):
        given = 0 if citable is None else len(citable)
        raise DataError(f"{given} lists of titles for {len(prompts)} prompts; give one each")
    bone, texts = recommender.backbone, []
    first = None if verdicts is None else np.where(verdicts, *recommender.answers.written_pair)
    words = None if cite == "any" else build_vocabulary(bone.tokenizer)
    with Progress(title, len(prompts), shown=progress) as bar:
        for start in range(0, len(prompts), batch):
            part = prompts[start : start + batch]
            forced = None if first is None else first[start : start + batch].tolist()
            rules = None
            if words is not None and citable is not None:
                rules = [GroundingRules(words, titles, cite, mentions) for titles in citable[start : start + batch]]
            constraints = None if rules is None else [rule.constraint for rule in rules]
            written = [
                decode_token_ids(bone.tokenizer, ids)
                for ids in recommender.generate(part, tokens, first_tokens=forced, constraints=constraints)
            ]
            texts += (
                written
                if rules is None
                else [rule.drop_untrue_sentences(text) for rule, text in zip(rules, written, strict=True)]
            )
            bar.advance(len(part))
    return texts
