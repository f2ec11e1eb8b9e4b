"""Reasons: the same model goes on writing after its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thinkrec.decoding.backtracking import RejectionRule
from thinkrec.decoding.citations import AllowedTitle
from thinkrec.decoding.claim_rules import GroundingRules
from thinkrec.decoding.config import DecodingConfig
from thinkrec.decoding.free_citations import FreeCitations
from thinkrec.decoding.policy import Cite
from thinkrec.decoding.repetition import build_repetition_rule
from thinkrec.decoding.sampling import TokenSampler, find_content_words
from thinkrec.decoding.vocabulary import TokenVocabulary, build_vocabulary
from thinkrec.engine.contrast import PromptContrast
from thinkrec.engine.generate import generate_greedily
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError
from thinkrec.io.progress import Progress
from thinkrec.prompts.types import Prompt
from thinkrec.score.sample_choice import AgreementCounter, DrawnReason, choose_reason

GREEDY = DecodingConfig()
"""The settings of a reason by default."""


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
    decoding: DecodingConfig = GREEDY,
    count_agreement: AgreementCounter | None = None,
    turned: Sequence[Prompt] | None = None,
    batch: int = 32,
    title: str = "writing reasons",
    progress: bool = False,
) -> list[str]:
    """One text per prompt, opening with the verdict that the score implies.

    `verdicts`: bool (n,), True for Yes; None leaves the verdict to the model, which shows how often it agrees with its
    own score. `citable`: per prompt, what `Predictor.find_allowed_titles` gives, which `cite` other than "any" needs;
    with "any" it says what a title is where `decoding` asks. `decoding`: how words are chosen; `count_agreement` is
    needed where it has several samples chosen by agreement, `turned`, the prompts with the labels of their histories
    turned, where it has a `label_contrast`. A
    reason ends by itself or after `tokens` tokens; with `cite: any` then perhaps within a title, else with its last
    whole sentence.
    Raises DataError where `citable` or `turned` has another length than `prompts`, or something needed is missing.
    """
    if (cite != "any" and citable is None) or (citable is not None and len(citable) != len(prompts)):
        given = 0 if citable is None else len(citable)
        raise DataError(f"{given} lists of titles for {len(prompts)} prompts; give one each")
    if decoding.n_samples > 1 and decoding.choose_by == "agreement" and count_agreement is None:
        raise DataError("several samples chosen by agreement need `count_agreement`, which reads them")
    if decoding.label_contrast and (turned is None or len(turned) != len(prompts)):
        given = 0 if turned is None else len(turned)
        raise DataError(f"{given} prompts with turned labels for {len(prompts)} prompts; label_contrast needs one each")
    first = None if verdicts is None else np.where(verdicts, *recommender.answers.written_pair)
    plan = _WritingPlan(recommender, tokens, cite, mentions, decoding, count_agreement)
    texts, step = list[str](), max(1, batch // (decoding.n_samples * (2 if decoding.label_contrast else 1)))
    with Progress(title, len(prompts), shown=progress) as bar:
        for start in range(0, len(prompts), step):
            places = range(start, min(start + step, len(prompts)))
            texts += plan.write_batch(
                places,
                [prompts[place] for place in places],
                None if first is None else first[places.start : places.stop].tolist(),
                None if citable is None else [citable[place] for place in places],
                None if turned is None else [turned[place] for place in places],
            )
            bar.advance(len(places))
    return texts


@dataclass(frozen=True)
class _Draft:
    """What one text is written under."""

    rules: GroundingRules | None
    constraint: RejectionRule | None
    sampler: TokenSampler | None


@dataclass(frozen=True)
class _WritingPlan:
    """Everything that the reasons of one call share."""

    recommender: Recommender
    tokens: int
    cite: Cite
    mentions: int
    decoding: DecodingConfig
    count_agreement: AgreementCounter | None

    def write_batch(
        self,
        places: range,
        prompts: Sequence[Prompt],
        first: Sequence[int] | None,
        citable: Sequence[Mapping[str, AllowedTitle]] | None,
        turned: Sequence[Prompt] | None,
    ) -> list[str]:
        """The reasons of the prompts at some places, each the best of its samples; all samples are one batch."""
        k, tokenizer = self.decoding.n_samples, self.recommender.backbone.tokenizer
        is_plain = self.cite == "any" and not self.decoding.dump_changes()
        words = None if is_plain else build_vocabulary(tokenizer)
        titles = [{}] * len(prompts) if citable is None else citable
        drafts = [
            self._build_draft(words, prompt, titles[row], sample)
            for row, prompt in enumerate(prompts)
            for sample in range(k)
        ]
        samplers = [draft.sampler for draft in drafts if draft.sampler is not None]
        written = generate_greedily(
            self.recommender,
            [prompt for prompt in prompts for _ in range(k)],
            self.tokens,
            None if first is None else [token for token in first for _ in range(k)],
            None if is_plain else [draft.constraint for draft in drafts],
            samplers or None,
            self._build_contrast(turned),
        )
        texts = [
            text if draft.rules is None else draft.rules.drop_untrue_sentences(text)
            for draft, text in zip(drafts, (decode_token_ids(tokenizer, ids) for ids in written), strict=True)
        ]
        if words is None or k == 1:
            return texts
        best = []
        for row, place in enumerate(places):
            span = slice(row * k, row * k + k)
            best.append(texts[span][self._choose_sample(place, texts[span], drafts[span], words, titles[row])])
        return best

    def _build_contrast(self, turned: Sequence[Prompt] | None) -> PromptContrast | None:
        config = self.decoding
        if turned is None or not config.label_contrast:
            return None
        prompts = [prompt for prompt in turned for _ in range(config.n_samples)]
        return PromptContrast(prompts, config.label_contrast, config.label_contrast_min_p)

    def _choose_sample(
        self,
        place: int,
        texts: Sequence[str],
        drafts: Sequence[_Draft],
        words: TokenVocabulary,
        titles: Mapping[str, AllowedTitle],
    ) -> int:
        reader = FreeCitations(words, titles)
        drawn = [
            DrawnReason(text, reader.mark_titles(text), draft.sampler.mean_log_probability)
            for text, draft in zip(texts, drafts, strict=True)
            if draft.sampler is not None
        ]

        def count_agreement(text: str) -> tuple[int, int]:
            assert self.count_agreement is not None
            return self.count_agreement(place, text)

        return choose_reason(drawn, self.decoding.choose_by, count_agreement)

    def _build_draft(
        self, words: TokenVocabulary | None, prompt: Prompt, titles: Mapping[str, AllowedTitle], sample: int
    ) -> _Draft:
        if words is None:
            return _Draft(None, None, None)
        names = [name for name, known in titles.items() if known.is_target]
        rules = constraint = None
        if self.cite != "any":
            rules = GroundingRules(words, titles, self.cite, self.mentions, self.decoding.no_repeat_ngram)
            constraint = rules.constraint
        elif self.decoding.no_repeat_ngram:
            constraint = build_repetition_rule(words, list(titles), names, self.decoding.no_repeat_ngram)
        if self.decoding.is_greedy:
            return _Draft(rules, constraint, None)
        citations = FreeCitations(words, titles) if constraint is None else constraint.citations
        exempt = find_content_words(f"{' '.join(names)} ")
        sampler = TokenSampler(self.decoding, citations, prompt.ids, sample=sample, target_words=exempt)
        return _Draft(rules, constraint, sampler)
