"""Choosing the next token of one reason: penalties on words said already, and draws that a seed repeats."""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Sequence

import numpy as np
import torch

from thinkrec.claims.function_words import FUNCTION_WORDS, LIKING_WORDS
from thinkrec.data.titles import MARK
from thinkrec.decoding.citations import CitationConstraint
from thinkrec.decoding.config import DecodingConfig
from thinkrec.decoding.free_citations import FreeCitations
from thinkrec.decoding.vocabulary import TokenVocabulary
from thinkrec.engine.generate import DecodingConstraint
from thinkrec.engine.sample import find_drawn_place

_CONTENT = re.compile(r"(?<![^\W_])[^\W\d_]{4,}(?![^\W_])")
SHORTEST_BEGINNING = 3
"""Letters of the shortest token that is taken for the beginning of a word: a shorter one begins too many others."""


class TokenSampler:
    """Chooses the tokens of one reason; an `engine.generate.TokenChooser`.

    It also keeps how likely the model itself found every token that stayed: without temperature, penalty, contrast and
    rule.
    """

    def __init__(
        self,
        config: DecodingConfig,
        citations: CitationConstraint | FreeCitations,
        prompt_ids: np.ndarray,
        *,
        sample: int = 0,
        target_words: Collection[str] = (),
    ) -> None:
        """A sampler for one text.

        Args:
            config: temperature, penalty, seed.
            citations: reads the titles of the text; within them nothing is penalised.
            prompt_ids: int (t,), what the text goes on from: its draws depend on it.
            sample: number of the text among those of the same prompt.
            target_words: words, in lower case, that may be said again without penalty.
        """
        self.config, self.citations = config, citations
        self._exempt = FUNCTION_WORDS.union(LIKING_WORDS, target_words)
        prompt_hash = zlib.crc32(np.ascontiguousarray(prompt_ids, dtype=np.int64).tobytes())
        self._rng = np.random.default_rng([config.seed, sample, prompt_hash])
        self._log_probabilities: dict[int, float] = {}

    @property
    def mean_log_probability(self) -> float:
        """Mean of ln p(token) in nats over the chosen tokens; -inf where none was chosen."""
        values = self._log_probabilities.values()
        return sum(values) / len(values) if values else -np.inf

    def choose_token(
        self,
        ids: Sequence[int],
        logits: torch.Tensor,
        rule: DecodingConstraint | None,
        plain: torch.Tensor | None = None,
    ) -> int:
        """The next token behind `ids`, one that `rule` allows. `logits`, `plain`: float (V,), see `TokenChooser`."""
        given = logits.cpu().double().numpy()
        raw = given if plain is None else plain.cpu().double().numpy()
        adjusted = self._penalise_words(ids, given)
        token = self._draw_token(adjusted)
        if rule is not None and not rule.is_allowed(ids, token):
            allowed = rule.allowed_token_ids(ids)
            if allowed is not None:
                token = int(allowed[self._draw_token(adjusted[allowed])])
        # What was rolled back stands behind the new end, and no longer counts.
        before = {at: value for at, value in self._log_probabilities.items() if at < len(ids)}
        self._log_probabilities = {**before, len(ids): float(raw[token] - _log_sum_exp(raw))}
        return token

    def _draw_token(self, logits: np.ndarray) -> int:
        """A place in `logits`, float64 (n,): the best, or one that is drawn."""
        if not self.config.temperature:
            return int(logits.argmax())
        probabilities = truncate_probabilities(
            compute_probabilities(logits, self.config.temperature), self.config.top_p, self.config.min_p
        )
        # By the places in order, not by rank: where two probabilities are nearly equal, the batch decides their rank.
        return find_drawn_place(probabilities, self._rng.random())

    def _penalise_words(self, ids: Sequence[int], logits: np.ndarray) -> np.ndarray:
        if not self.config.presence_penalty or self.citations.is_in_quotation(ids):
            return logits
        words = find_content_words(self.citations.decode_marked(ids)) - self._exempt
        token_ids = [
            token for word in sorted(words) for token in list_beginning_tokens(self.citations.vocabulary, word)
        ]
        if not token_ids:
            return logits
        adjusted = logits.copy()
        adjusted[np.unique(token_ids)] -= self.config.presence_penalty
        return adjusted


def find_content_words(marked: str) -> set[str]:
    """Words of four letters or more of a text in which marks stand for titles, in lower case.

    The last word counts only where something stands behind it: else it may not be whole.

    >>> sorted(find_content_words("A slow drama, and a Slow sea; haun"))
    ['drama', 'slow']
    """
    text = MARK.sub(" ", marked)
    return {match[0].lower() for match in _CONTENT.finditer(text) if match.end() < len(text)}


def list_beginning_tokens(vocabulary: TokenVocabulary, word: str) -> tuple[int, ...]:
    """Tokens by which a word begins behind a space: the longest piece that the vocabulary has, in any case.

    Empty where that is shorter than SHORTEST_BEGINNING letters and not the whole word.
    """
    for length in range(len(word), SHORTEST_BEGINNING - 1, -1):
        token_ids = vocabulary.ids_by_lowercase_piece.get(f" {word[:length]}".encode())
        if token_ids:
            return token_ids
    return ()


def compute_probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(logits / temperature), float64 (n,)."""
    scaled = logits / temperature
    weights = np.exp(scaled - scaled.max())
    return weights / weights.sum()


def truncate_probabilities(probabilities: np.ndarray, top_p: float, min_p: float) -> np.ndarray:
    """The probabilities (n,) with 0 for what may not be drawn; they are not made to sum to 1 again.

    First `min_p` (Nguyen et al., 2024): at least that share of the largest. Then `top_p` (Holtzman et al., 2020): the
    fewest largest ones that sum to at least that share of all; of equal ones the first. The largest always stays.

    >>> truncate_probabilities(np.array([0.5, 0.3, 0.15, 0.05]), 0.8, 0.0).tolist()
    [0.5, 0.3, 0.0, 0.0]
    >>> truncate_probabilities(np.array([0.5, 0.3, 0.15, 0.05]), 1.0, 0.25).tolist()
    [0.5, 0.3, 0.15, 0.0]
    """
    likely = np.where(probabilities >= min_p * probabilities.max(), probabilities, 0.0)
    if top_p >= 1.0:
        return likely
    total = likely.sum()
    # All that are smaller than this sum to less than what may be left out, so that sorting the others is enough.
    places = np.flatnonzero(likely >= (1.0 - top_p) * total / len(likely))
    order = places[np.argsort(-likely[places], kind="stable")]
    n_kept = int(np.searchsorted(likely[order].cumsum(), top_p * total - 1e-12, side="left")) + 1
    return np.where(np.isin(np.arange(len(likely)), order[:n_kept]), likely, 0.0)


def _log_sum_exp(logits: np.ndarray) -> float:
    top = logits.max()
    return float(top + np.log(np.exp(logits - top).sum()))
