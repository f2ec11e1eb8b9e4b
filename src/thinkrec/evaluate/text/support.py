"""Whether what a reason says of its target stands in the target's own texts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

import numpy as np

from thinkrec.claims.attributes import mark_citations
from thinkrec.claims.citations import Citation
from thinkrec.claims.function_words import FUNCTION_WORDS, LIKING_WORDS
from thinkrec.claims.polarity import split_clauses, split_sentences
from thinkrec.data.titles import MARK
from thinkrec.errors import ThinkRecError
from thinkrec.evaluate.text.words import select_long_words, split_words

POLICY = (
    "words said of the target that stand in its title, keywords or texts (columns: {}) / words said of it. Said of it: "
    "words of four letters or more in clauses that name it, and in clauses directly behind that name no title and "
    "begin with it or its, or stand behind a colon or a dash; without titles, function words, words of liking, and "
    "words for items and users ({}); by Porter stem, once each; not defined where nothing is said of it; mean over the "
    "other rows"
)
SHOWN_POLICY = "the same words in what the prompt of a reason shows of the target: {}"
ELSEWHERE_POLICY = (
    "the same words in the title, keywords and texts of another target, that of another row by seed: what chance gives "
    "for words as common as these"
)
_IT = re.compile(r"\W*(?:and |but |so |that )?its?\b", re.IGNORECASE)
_APPOSITION = frozenset((":", "-", "\u2013", "\u2014"))


def find_clauses_about_target(text: str, citations: Sequence[Citation]) -> Iterator[str]:
    """Yield the clauses of a text that are about its target, with marks for the titles in them.

    A clause is about the target if it names it, maybe beside other titles; or if it names no title, follows such a
    clause, and begins with "it" or "its" or behind a colon or a dash. `citations` as `find_citations` gives them.
    """
    is_continued = False
    for sentence in split_sentences(mark_citations(text, citations)):
        for clause, link in split_clauses(sentence):
            numbers = [int(number) for number in MARK.findall(clause)]
            if numbers:
                is_continued = any(citations[number].kind == "target" for number in numbers)
            else:
                is_continued = is_continued and (link.strip() in _APPOSITION or bool(_IT.match(clause)))
            if is_continued:
                yield clause


def collect_content_stems(text: str, ignored: Collection[str] = ()) -> frozenset[str]:
    """Porter stems of the words of four letters or more, without function words, words of liking and `ignored`.

    >>> sorted(collect_content_stems("A slow drama about haunted houses, a film for viewers", {"film", "viewers"}))
    ['drama', 'haunt', 'hous', 'slow']
    """
    words = set(select_long_words(split_words(text)))
    return frozenset(_compute_stem(word) for word in words - FUNCTION_WORDS - LIKING_WORDS - set(ignored))


def compute_support(stems: Sequence[frozenset[str]], texts: Sequence[frozenset[str]]) -> np.ndarray:
    """Share of the stems said of each row's target that are among those of its texts, float64 (n,), NaN without any.

    >>> compute_support([frozenset(("slow", "haunt")), frozenset()], [frozenset(("haunt", "hous"))] * 2).tolist()
    [0.5, nan]
    """
    return np.array(
        [len(words & known) / len(words) if words else np.nan for words, known in zip(stems, texts, strict=True)]
    )


@lru_cache(maxsize=1 << 16)
def _compute_stem(word: str) -> str:
    return _make_stemmer().stem(word)


@lru_cache(maxsize=1)
def _make_stemmer():
    try:
        from nltk.stem.porter import PorterStemmer
    except ImportError as error:
        raise ThinkRecError('stems need nltk; run: pip install "thinkrec[text]"') from error
    return PorterStemmer()
