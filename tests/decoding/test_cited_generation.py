"""A model that generates under a citation policy cites what each row may, whatever it is batched with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.tiny_lm import make_model, make_prompts, make_recommender, make_tokenizer

from thinkrec.claims.citations import Catalogue, TitleResolver, find_citations
from thinkrec.decoding.citations import AllowedTitle
from thinkrec.decoding.claim_rules import GroundingRules
from thinkrec.decoding.vocabulary import build_vocabulary
from thinkrec.engine.generate import generate_greedily
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import BackboneConfig, build_backbone
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.score.explainer import decode_token_ids, write_reasons

PIECES = [
    *("<pad>", "<bos>", "<eos>", "<unk>", " Yes", " No", "Yes", "No", ".", ",", " '", "'", "'s", " Oak", "Oak", "Elm"),
    *(" Hill", "Ash", " liked", " was", " and", "',", "'.", " (", "Fir"),
]


def quoting_recommender(eager: float) -> Recommender:
    """A random model that loves quotes."""
    model = make_model(vocab_size=len(PIECES))
    backbone = build_backbone(model, make_tokenizer(PIECES), "quotes", BackboneConfig(source="quotes"))
    experts = attach_adapters(model, MultiLoRAConfig(rank=4, alpha=8, n_experts=3, expert_layers=0.5))
    torch.manual_seed(3)
    with torch.no_grad():
        for group in ("global", "experts"):
            for p in experts.get_parameters(group):
                p.normal_(std=0.3)
        head = model.get_output_embeddings()
        head.bias = torch.nn.Parameter(torch.zeros(len(PIECES)))
        head.bias[10:12] = eager
        head.bias[0:4] = -50
    return Recommender(backbone, experts).eval()


def prompts():
    found = [
        replace(
            p,
            ids=p.ids % len(PIECES),
            placeholder_at=p.placeholder_at[:0],
            placeholder_vectors=p.placeholder_vectors[:0],
        )
        for p in make_prompts()
    ]
    return [replace(p, token_target=p.token_target % len(PIECES)) for p in found]


ALLOWED = [
    {"Oak Hill": AllowedTitle(), "Elm": AllowedTitle()},
    {"Ash": AllowedTitle()},
    {"Elm": AllowedTitle(), "Fir": AllowedTitle(), "Oak": AllowedTitle()},
    {"Oak Hill": AllowedTitle()},
    {"Fir": AllowedTitle(), "Birch": AllowedTitle()},
]


def test_a_model_cites_only_what_each_row_may_and_the_batch_does_not_matter() -> None:
    rec, asked = quoting_recommender(4.0), prompts()
    words = build_vocabulary(rec.backbone.tokenizer)
    free = write_reasons(rec, asked, np.array([True, False, True, False, True]), tokens=24)
    kept = write_reasons(
        rec, asked, np.array([True, False, True, False, True]), tokens=24, citable=ALLOWED, cite="history"
    )

    def cited(texts: list[str]) -> list[set[str]]:
        shelf = TitleResolver(Catalogue([]), [], "")
        return [{c.text for c in find_citations(text, shelf)} for text in texts]

    assert any(not found <= set(own) for found, own in zip(cited(free), ALLOWED, strict=True)), "else it shows nothing"
    assert all(found <= set(own) for found, own in zip(cited(kept), ALLOWED, strict=True)), kept
    assert sum(map(bool, cited(kept))) >= 3
    assert [text.split(".")[0].split()[0].strip("',") for text in kept] == ["Yes", "No", "Yes", "No", "Yes"]
    for i in range(5):
        rule = GroundingRules(words, ALLOWED[i], "history").constraint
        alone = generate_greedily(rec, asked[i : i + 1], 24, [4 if i % 2 == 0 else 5], [rule])
        assert decode_token_ids(rec.backbone.tokenizer, alone[0]) == kept[i]


def test_without_forced_verdicts_the_model_opens_by_itself() -> None:
    rec, asked = quoting_recommender(0.0), prompts()
    free = write_reasons(rec, asked, None, tokens=6)
    assert free == [decode_token_ids(rec.backbone.tokenizer, ids) for ids in generate_greedily(rec, asked, 6)]


def test_wrong_numbers_of_rules_are_refused() -> None:
    rec, asked = quoting_recommender(0.0), prompts()
    with pytest.raises(DataError, match="1 constraints for 5 prompts"):
        generate_greedily(rec, asked, 4, constraints=[None])
    with pytest.raises(DataError, match="2 lists of titles for 5 prompts"):
        write_reasons(
            rec, asked, None, tokens=4, citable=[{"Oak": AllowedTitle()}, {"Elm": AllowedTitle()}], cite="history"
        )


@pytest.mark.parametrize("ruled", [False, True])
def test_a_vocabulary_rounded_up_gives_no_ids_beyond_the_tokenizer(ruled: bool) -> None:
    rec = make_recommender("llama", vocab_size=len(make_tokenizer()) + 40)
    with torch.no_grad():
        rec.backbone.model.get_output_embeddings().weight[len(make_tokenizer()) :] *= 30
    asked = [
        replace(p, placeholder_at=p.placeholder_at[:0], placeholder_vectors=p.placeholder_vectors[:0])
        for p in make_prompts()
    ]
    words = build_vocabulary(rec.backbone.tokenizer)
    rules = [GroundingRules(words, {"w1": AllowedTitle()}, "history").constraint for _ in asked] if ruled else None
    found = generate_greedily(rec, asked, 12, None, rules)
    assert all(len(ids) and ids.max() < len(rec.backbone.tokenizer) for ids in found)
    assert all(decode_token_ids(rec.backbone.tokenizer, ids) for ids in found if len(ids) > 1)
