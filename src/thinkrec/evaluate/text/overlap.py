"""Shared words and word sequences: ROUGE-L and BLEU, as rouge-score and sacrebleu count them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thinkrec.errors import ThinkRecError
from thinkrec.evaluate.text.tokenization import separate_characters, split_word_tokens

ROUGE_POLICY = (
    "F of the longest common subsequence, without case, runs of letters and digits as tokens (a character each in "
    "scripts without blanks), no stemming (rouge-score); mean over rows"
)
BLEU_POLICY = (
    "sacrebleu, 13a tokens (a character each in scripts without blanks), case kept, up to 4-grams, exponential "
    "smoothing, 0..1; "
)
SENTENCE_POLICY = BLEU_POLICY + "orders longer than the text left out; mean over rows"
CORPUS_POLICY = BLEU_POLICY + "counts summed over rows first"
ORDERS = 4
SHORTEST = ORDERS
"""Tokens that one reference needs at least, or no text has a 4-gram in common with any and corpus BLEU says nothing."""
_INSTALL = 'needs {}; run: pip install "thinkrec[text]"'


class _WordTokenizer:
    """The tokenizer that rouge-score is given."""

    @staticmethod
    def tokenize(text: str) -> list[str]:
        return split_word_tokens(text)


def compute_rouge_l(hypotheses: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """F of ROUGE-L (Lin, 2004) of each pair, float64 (n,), 0..1."""
    try:
        from rouge_score import rouge_scorer
    except ImportError as error:
        raise ThinkRecError("ROUGE-L " + _INSTALL.format("rouge-score")) from error
    scorer = rouge_scorer.RougeScorer(["rougeL"], tokenizer=_WordTokenizer())
    pairs = zip(hypotheses, references, strict=True)
    return np.array([scorer.score(reference, text)["rougeL"].fmeasure for text, reference in pairs], dtype=np.float64)


def compute_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """BLEU (Papineni et al., 2002) of each pair, float64 (n,), 0..1; and what corpus BLEU sums.

    The second array is int64 (n, 10): n-grams found, for 1 to 4; n-grams of the hypothesis, for 1 to 4; tokens of the
    hypothesis, and of the reference.
    """
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError as error:
        raise ThinkRecError("BLEU " + _INSTALL.format("sacrebleu")) from error
    metric = BLEU(effective_order=True)
    scores, counts = np.empty(len(hypotheses)), np.empty((len(hypotheses), 2 * ORDERS + 2), dtype=np.int64)
    for row, (text, reference) in enumerate(zip(hypotheses, references, strict=True)):
        sentence_bleu = metric.sentence_score(separate_characters(text), [separate_characters(reference)])
        scores[row] = sentence_bleu.score / 100
        counts[row] = [*sentence_bleu.counts, *sentence_bleu.totals, sentence_bleu.sys_len, sentence_bleu.ref_len]
    return scores, counts


def compute_corpus_bleu(counts: np.ndarray) -> float:
    """BLEU of rows together, 0..1, from the sum of their counts, int64 (10,) as `compute_bleu` lays them out."""
    from sacrebleu.metrics.bleu import BLEU

    numbers = [int(count) for count in counts]
    corpus_bleu = BLEU.compute_bleu(
        correct=numbers[:ORDERS],
        total=numbers[ORDERS : 2 * ORDERS],
        sys_len=numbers[-2],
        ref_len=numbers[-1],
        smooth_method="exp",
    )
    return corpus_bleu.score / 100
