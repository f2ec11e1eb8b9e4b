"""How the language model chooses the words of a reason, apart from the code: recipes and --help need no PyTorch."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from thinkrec.io.config import Config

SampleCriterion = Literal["likelihood", "distinct_words", "agreement"]
"""By what the best of several samples is chosen; see `DecodingConfig.choose_by`."""


class DecodingConfig(Config):
    """How the words of a reason are chosen; by default the most likely next token, again and again."""

    no_repeat_ngram: int | None = Field(default=None, ge=0)
    """So many words in a row stand in a reason at most once; 0 allows all repetition. A title in quotes counts as one
    word, and so does the target's own name without quotes: they may be said again. By default 3 under a citation
    policy, 0 with `citation_policy: any`."""
    presence_penalty: float = Field(default=0.0, ge=0.0, le=20.0)
    """Taken once from the logit of the tokens that begin a content word that the reason has used: of four letters or
    more, outside titles, no function word, no word of liking, and none of the target's name."""
    temperature: float = Field(default=0.0, ge=0.0, le=5.0)
    """0: the most likely token. Else tokens are drawn from softmax(logits / temperature)."""
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    """Tokens are drawn from the fewest most likely ones that have this probability together."""
    min_p: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Tokens are drawn from those at least so likely, as a share of the most likely one's probability."""
    label_contrast: float = Field(default=0.0, ge=0.0, le=10.0)
    """The a of (1 + a) ln p(token | prompt) - a ln p(token | turned prompt), by which tokens are chosen in place of
    ln p(token | prompt). The turned prompt has the opposite label in every history line, so that what depends on which
    items were liked gains. With 0 nothing is turned; else every text is read twice, at about twice the time."""
    label_contrast_min_p: float = Field(default=0.1, gt=0.0, le=1.0)
    """Only tokens at least so likely behind the prompt itself, as a share of the most likely one's probability, are
    chosen with `label_contrast`; others only where a rule leaves none of these."""
    seed: int = Field(default=0, ge=0)
    """Of the draws. A row's draws depend on this, its prompt and the number of the sample, whatever it is batched with
    and whichever rows are asked for."""
    n_samples: int = Field(default=1, ge=1, le=64)
    """Reasons that are drawn for a row, of which one is shown."""
    choose_by: SampleCriterion = "agreement"
    """Which of them. likelihood: the most likely one, per token, by the model without temperature, penalty or rule.
    distinct_words: the most different content words among all words, titles aside. agreement: the fewest faults as the
    package's readers of plain claims find them in the prompt's own lines (sides and keywords that are not so, titles
    that do not exist, a target that is not named, an end that is none, a prediction against the verdict), then the most
    claims that are so, then the likelihood. None knows the label of the row or a reference."""

    @model_validator(mode="after")
    def _check_sampling(self) -> Self:
        drawn = {"top_p": self.top_p < 1.0, "min_p": self.min_p > 0.0, "seed": self.seed > 0}
        drawn["n_samples"] = self.n_samples > 1
        idle = [name for name, is_set in drawn.items() if is_set]
        if not self.temperature and idle:
            raise ValueError(
                f"{', '.join(idle)} without effect: with temperature 0 nothing is drawn; give a temperature such as 0.7"
            )
        if not self.label_contrast and "label_contrast_min_p" in self.dump_changes():
            raise ValueError("label_contrast_min_p without effect: give a label_contrast such as 0.5")
        if self.no_repeat_ngram == 1:
            raise ValueError("no_repeat_ngram 1 would let no word stand twice; give 2 or more, or 0 for no limit")
        return self

    @property
    def is_greedy(self) -> bool:
        """Whether the most likely token is always taken, unless a rule forbids it."""
        return not self.temperature and not self.presence_penalty

    def dump_changes(self) -> dict[str, object]:
        """The settings that differ from the defaults, as plain values: none are named in keys of older results."""
        return self.model_dump(mode="json", exclude_defaults=True)
