"""Whether a text reads like prose: shapes, repetitions, and words that somebody has used before.

No model and no list of English words: what counts as a word is what the reasons trained on, the rules' sentences and
the items' own texts use, so it works for any language that those are in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

_WORD = re.compile(r"[^\W_]+(?:['\u2019.,-][^\W_]+)*")
_SOUP = re.compile(r"\d[\d.,]*,\d{3}|[|<>_{}\\\ufffd\u27e6\u27e7]|[,;:.!?]{2,}(?<!\.\.\.)|\d{5,}")
_TWICE = re.compile(r"(?<![\w'\u2019])([^\W\d_]+),? \1(?![\w'\u2019])", re.IGNORECASE)
KNOWN = 0.92
"""Share of a text's words that somebody has to have used before, names (words with a capital) aside."""
DISTINCT = 0.75
"""Share of word pairs that have to be different ones."""
LEAST, MOST = 3, 200
"""Words of a reason behind its verdict."""


def collect_words(texts: Iterable[str]) -> frozenset[str]:
    """All words of some texts, in lower case."""
    return frozenset(word.lower() for text in texts for word in _WORD.findall(text))


def find_fluency_fault(prose: str, known: frozenset[str]) -> str | None:
    """Why a text without its verdict and its titles does not read like prose; None where it does.

    Titles stand as X. `known`: words in lower case (`collect_words`).
    """
    if (match := _SOUP.search(prose)) is not None:
        return f"strange marks ({match[0]})"
    if (match := _TWICE.search(prose)) is not None:
        return f"a word twice in a row ({match[0]})"
    words = [word.lower() for word in _WORD.findall(prose)]
    if not LEAST <= len(words) <= MOST:
        return f"{len(words)} words"
    own = [word for word in _WORD.findall(prose) if word.lower() in known or not word[0].isupper()]
    strange = [word for word in own if word.lower() not in known]
    if len(own) * KNOWN > len(own) - len(strange):
        return f"words that nobody uses ({', '.join(list(dict.fromkeys(strange))[:3])})"
    pairs = list(pairwise(words))
    if len(pairs) > 12 and len(set(pairs)) < DISTINCT * len(pairs):
        most = Counter(pairs).most_common(1)[0][0]
        return f"repetitions ({' '.join(most)})"
    return None
